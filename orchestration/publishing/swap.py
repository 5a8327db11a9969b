"""The folder of publications and the link that shows one of them: whole steps, synced.

Belongs here: the lock, the swap, what is removed and when. Doesn't: what a publication holds
(publication.py).
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.durable_files import sync, sync_tree
from orchestration.publishing import PublicationError

# The one shown, the one before it, which readers may be opening still, and one more for a fault
# that is noticed a publication late.
KEPT_PUBLICATIONS = 3
LEAST_KEPT = 2


@dataclass(frozen=True)
class Building:
    """A publication that is being written into `folder`; `show` is the end of it."""

    folder: Path
    _link: Path
    _kept: int

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
        _remove_old(publications, shown=shown, kept=self._kept)
        return is_new


@contextmanager
def next_publication(data_dir: Path, *, kept: int = KEPT_PUBLICATIONS) -> Iterator[Building]:
    """Give a folder to write the next publication into, to nobody else meanwhile.

    What isn't shown in the end leaves nothing behind. What a killed run left is removed first.
    `kept` publications stay in the end, the one shown among them.
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
        building = publications / ".building"
        building.mkdir()
        try:
            if link.exists():
                os.utime(link)  # last shown now: old ones are removed in this order
            yield Building(building, link, kept)
        finally:
            _remove_leftovers(publications)


def kept_publications(data_dir: Path) -> list[Path]:
    """Return the folders of whole publications: the one shown, then by when each last was."""
    publications = data_dir / "publications"
    if not publications.is_dir():
        return []
    shown = (data_dir / "published").resolve()
    folders = [folder for folder in publications.iterdir() if _is_whole(folder)]
    return sorted(folders, key=lambda folder: (folder != shown, -folder.stat().st_mtime_ns))


@contextmanager
def going_back(data_dir: Path) -> Iterator[Callable[[Path], None]]:
    """Give what lets the link show a kept publication; nothing is published meanwhile.

    Nothing is removed: the one left can be shown again. Raises PublicationError.
    """
    link, publications = data_dir / "published", data_dir / "publications"
    with _alone_in(publications):

        def show(folder: Path) -> None:
            if link.exists():
                os.utime(link)
            _point(link, folder)

        yield show


def keep_the_shown_alone(data_dir: Path) -> list[str]:
    """Remove every publication but the one that is shown; return their ids.

    Raises PublicationError where one is being written.
    """
    publications = data_dir / "publications"
    if not publications.is_dir():
        return []
    with _alone_in(publications):
        shown = (data_dir / "published").resolve()
        gone = [folder for folder in kept_publications(data_dir) if folder != shown]
        for folder in gone:
            _discard(folder)
        _remove_leftovers(publications)
        return [folder.name for folder in gone]


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


def _remove_old(publications: Path, *, shown: Path, kept: int) -> None:
    others = [folder for folder in publications.iterdir() if folder != shown and _is_whole(folder)]
    others.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for old in others[kept - 1 :]:
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
