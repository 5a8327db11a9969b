"""Files and folders that are either whole or not there, even if the machine stops.

Belongs here: temporary file, fsync, rename, privacy. Doesn't: what is in them. What a killed
process left of a file ends in `.tmp`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp"


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
