"""Files of the raw zone that are either whole or not there, even if the machine stops.

Belongs here: temporary file, fsync, rename; bytes by their sha256; the lock. Doesn't: what is in
them. A temporary file that a killed pull left ends in `.tmp` and is removed by the next pull.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_TEMPORARY = ".tmp"


@dataclass(frozen=True)
class StoredBytes:
    """Bytes that lie in the raw zone under the name of their hash."""

    path: Path
    sha256: str
    size: int


@contextmanager
def only_pull(raw_dir: Path) -> Iterator[None]:
    """Hold the raw zone alone; wait while another process does. A killed process lets go."""
    raw_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (raw_dir / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in raw_dir.rglob(f"*{_TEMPORARY}"):
            leftover.unlink()
        yield


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write; it becomes `path` (mode 0600) if the block ends well."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}{_TEMPORARY}")
    temporary.touch(mode=0o600)
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def store_bytes(raw_dir: Path, source: BinaryIO) -> StoredBytes:
    """Copy the bytes to `raw/files/<sha256>`, unless they lie there already."""
    folder = raw_dir / "files"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = folder / f"incoming{_TEMPORARY}"
    temporary.touch(mode=0o600)
    digest = hashlib.sha256()
    size = 0
    try:
        with temporary.open("wb") as target:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                target.write(chunk)
                size += len(chunk)
        path = folder / digest.hexdigest()
        if not path.exists():
            _sync(temporary)
            temporary.replace(path)
            _sync(folder)
    finally:
        temporary.unlink(missing_ok=True)
    return StoredBytes(path=path, sha256=digest.hexdigest(), size=size)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
