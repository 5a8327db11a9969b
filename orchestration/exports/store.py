"""The raw zone's bytes by their sha256, either whole or not there, and the lock of a pull.

Belongs here: copying, naming, where they and their readings lie, the lock. Doesn't: what is in
the bytes. A temporary file that a killed pull left is removed by the next.
"""

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from orchestration.durable_files import TEMPORARY, below, make_private, sync

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StoredBytes:
    """Bytes that lie in the raw zone under the name of their hash."""

    path: Path
    sha256: str
    size: int
    """Bytes copied: not those at `path` where cleared ones stand in (exports/forgotten.py)."""


def stored_path(raw_dir: Path, sha256: str) -> Path:
    """Return where the raw zone keeps the bytes of that hash."""
    return below(raw_dir / "files", sha256)


def is_as_named(path: Path) -> bool:
    """Whether a file of `raw/files` still holds the bytes of its name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == path.name


def parquet_path(raw_dir: Path, *, kind: str, cycle_id: str, sha256: str) -> Path:
    """Return where the raw zone keeps what a cycle read from the bytes of that hash."""
    return below(raw_dir, kind, f"cycle_id={cycle_id}", f"{sha256}.parquet")


@contextmanager
def only_pull(raw_dir: Path) -> Iterator[None]:
    """Hold the raw zone alone; wait while another process does. A killed process lets go."""
    raw_dir.parent.mkdir(parents=True, exist_ok=True)
    make_private(raw_dir)
    (raw_dir / ".lock").touch(mode=0o600)
    with (raw_dir / ".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for leftover in raw_dir.rglob(f"*{TEMPORARY}"):
            leftover.unlink()
        yield


def store_bytes(
    raw_dir: Path, source: BinaryIO, *, stand_ins: Mapping[str, str] = MappingProxyType({})
) -> StoredBytes:
    """Copy the bytes to `raw/files/<sha256>`, unless they lie there already, and whole.

    Bytes whose sha256 is a key of `stand_ins` are not kept where those of its value lie there.
    """
    folder = raw_dir / "files"
    make_private(folder)
    temporary = folder / f"incoming{TEMPORARY}"
    digest = hashlib.sha256()
    size = 0
    try:
        temporary.touch(mode=0o600)
        with temporary.open("wb") as target:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                target.write(chunk)
                size += len(chunk)
        own = folder / digest.hexdigest()
        stand_in = stored_path(raw_dir, stand_ins.get(own.name, own.name))
        path = stand_in if stand_in.exists() else own
        if path == own and not (own.exists() and is_as_named(own)):
            sync(temporary)
            temporary.replace(path)
            sync(folder)
    finally:
        temporary.unlink(missing_ok=True)
    return StoredBytes(path=path, sha256=path.name, size=size)


def store_edited(raw_dir: Path, edit: Callable[[Path], None]) -> StoredBytes:
    """Keep what `edit` writes to the path that it is given, under the name of its hash."""
    temporary = raw_dir / "files" / f"edited{TEMPORARY}"
    try:
        temporary.touch(mode=0o600)
        edit(temporary)
        with temporary.open("rb") as edited:
            return store_bytes(raw_dir, edited)
    finally:
        temporary.unlink(missing_ok=True)
