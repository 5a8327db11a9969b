"""The folder of publications and the link that shows one of them: whole steps, synced.

Belongs here: the lock, the swap, what is removed and when. Doesn't: what a publication holds
(publication.py).
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable_files import sync, sync_tree
from orchestration.publishing import PublicationError

KEPT_PUBLICATIONS = 2  # the one shown and the one before it, which readers may be opening still


@dataclass(frozen=True)
class Building:
    """A publication that is being written into `folder`; `show` is the end of it."""

    folder: Path
    _link: Path

    def show(self, publication_id: str) -> bool:
        """Bring the folder to the disk under its id, and let the link show it.

        False if a publication of that id was there already: it is shown again. Where anything
        fails on the way, the link shows what it showed before.
        """
        publications = self.folder.parent
        shown = publications / publication_id
        is_new = not shown.exists()
        if is_new:
            sync_tree(self.folder)
            self.folder.rename(shown)
        try:
            sync(publications)
            _point(self._link, shown)
        except BaseException:
            if is_new and self._link.resolve() != shown.resolve():
                _discard(shown)
            raise
        _remove_old(publications, shown=shown)
        return is_new


@contextmanager
def next_publication(data_dir: Path) -> Iterator[Building]:
    """Give a folder to write the next publication into, to nobody else meanwhile.

    What isn't shown in the end leaves nothing behind. What a killed run left is removed first.
    Raises PublicationError where another is being written, or something else bears the link's name.
    """
    link, publications = data_dir / "published", data_dir / "publications"
    if link.exists() and not link.is_symlink():
        raise PublicationError(
            f"{link} bukan tautan yang diganti publikasi: pindahkan dulu. / "
            "It is not the link that a publication replaces: move it out of the way"
        )
    publications.mkdir(parents=True, exist_ok=True)
    with _alone_in(publications):
        _remove_leftovers(publications)
        if link.exists():
            os.utime(link)  # last shown now: old ones are removed in this order
        building = publications / ".building"
        building.mkdir()
        try:
            yield Building(building, link)
        finally:
            _remove_leftovers(publications)


@contextmanager
def _alone_in(publications: Path) -> Iterator[None]:
    """Hold the folder against a second publication; the lock ends with the process."""
    descriptor = os.open(publications, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublicationError(
                f"publikasi lain sedang ditulis di {publications}: coba lagi sesudahnya. / "
                "Another publication is being written there: try again when it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _point(link: Path, folder: Path) -> None:
    """Let the link show the folder, in one step. Relative, so the data folder can be moved."""
    target = folder.relative_to(link.parent)
    if not link.is_symlink() or link.readlink() != target:
        waiting = folder.parent / ".link"
        waiting.symlink_to(target)
        waiting.replace(link)
        sync(link.parent)


def _remove_old(publications: Path, *, shown: Path) -> None:
    others = [folder for folder in publications.iterdir() if folder != shown and _is_whole(folder)]
    others.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for old in others[KEPT_PUBLICATIONS - 1 :]:
        _discard(old)


def _discard(folder: Path) -> None:
    """Mark a publication as a leftover: half of one must not stand under its id while it goes."""
    folder.rename(folder.with_name(f".removing-{folder.name}"))


def _is_whole(folder: Path) -> bool:
    return not folder.name.startswith(".")


def _remove_leftovers(publications: Path) -> None:
    """Remove what isn't a whole publication."""
    for leftover in publications.iterdir():
        if leftover.is_symlink():
            leftover.unlink()
        elif not _is_whole(leftover):
            shutil.rmtree(leftover)
