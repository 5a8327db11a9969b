"""Files and folders that are either whole or not there, and lie where they belong.

Belongs here: temporary file, fsync, rename, privacy, ids that become paths. Doesn't: what is in
them. What a killed process left of a file ends in `.tmp`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp"
# Names a file or folder on every system: Windows keeps device names and drops points at the end.
_PLAIN_WORD = re.compile(
    r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9][a-z0-9._-]{0,99}(?<!\.)",
    re.IGNORECASE | re.ASCII,
)


class OutsidePathError(ValueError):
    """A name leads out of the folder that it is meant for; nothing was written or removed."""


def is_plain_word(text: str) -> bool:
    """Whether an id may name a file or folder, on any system."""
    return _PLAIN_WORD.fullmatch(text) is not None


def below(folder: Path, *names: str) -> Path:
    """Return the path of one name after the other, all below the folder.

    Whatever is written or removed under a name that isn't ours asks here. Raises OutsidePathError.
    """
    path, top = folder.joinpath(*names), folder.resolve()
    is_inside = path.resolve().is_relative_to(top) and path.resolve() != top
    if not is_inside or any(name in ("", ".", "..") or Path(name).name != name for name in names):
        raise OutsidePathError(
            f"'{'/'.join(names)}' tidak boleh menjadi nama di / may be no name in {folder}. "
            "Betulkan id itu di seed; tidak ada yang ditulis atau dihapus. / Correct that id in "
            "the seeds; nothing was written or removed."
        )
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; it becomes `path` (mode 0600) if the block ends well."""
    make_private(path.parent)
    temporary = path.with_name(f"{path.name}{TEMPORARY}")
    temporary.touch(mode=0o600)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Make the folder and those above it that are missing, each its owner's alone."""
    if not folder.exists():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Bring a folder, and all in it, to the disk."""
    for parent, _, names in os.walk(folder):
        for name in (*names, "."):
            sync(Path(parent, name))
