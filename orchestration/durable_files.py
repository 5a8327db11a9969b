"""Files and folders that are either whole or not there, and lie where they belong.

Belongs here: temporary file, fsync, rename, privacy, ids that become paths. Doesn't: what is in
them. What a killed process left of a file ends in `.tmp`.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

TEMPORARY = ".tmp"
# Names a file or folder on every system: Windows keeps device names and drops points at the end.
_PLAIN_WORD = re.compile(
    r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9][a-z0-9._-]{0,99}(?<!\.)",
    re.IGNORECASE | re.ASCII,
)


DISK_FULL = (
    "Disk penuh: kosongkan ruang, lalu jalankan lagi. / The disk is full: make room, and run again."
)


DISK_READ_ONLY = (
    "Disk hanya dapat dibaca: periksa disk itu dan cara ia dipasang (mount), lalu jalankan lagi. / "
    "The disk is read-only: check it and how it is mounted, and run again."
)


def disk_remedy(error: OSError) -> str:
    """Return what to do where our disk takes nothing more; '' of any other error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):  # the disk, or our share of it
        return DISK_FULL
    return DISK_READ_ONLY if error.errno == errno.EROFS else ""


class UnreadableFileError(RuntimeError):
    """A file of ours that no run makes again can't be read; the sentence says what to do."""

    def __init__(self, path: Path, error: Exception, remedy: str | None = None) -> None:
        """`error`: what was raised on reading, of which the first line is told."""
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        remedy = remedy or (
            f"Pulihkan {path} dari cadangan, lalu jalankan lagi; tanpa cadangan, lihat "
            "docs/operations.md#damaged-files. / Restore it from the backup, and run again; "
            "without a backup, see there."
        )
        super().__init__(f"{remedy}\nBerkas itu tak terbaca / it can't be read: {reason}")


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


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder to write into; it becomes `folder` if the block ends well.

    Unless that is there: what the same task wrote before, or at once.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a JSON file; None where there is none, or it can't be read."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # cut off, empty, no JSON, no UTF-8
        return None
    return content if isinstance(content, dict) else None


def read_record(path: Path, schema: "pa.Schema") -> "pa.Table":
    """Return a Parquet file that nothing can make again. Raises UnreadableFileError."""
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read(use_threads=False)
        for place, column in enumerate(schema):  # a file of before lacks what came later
            if column.name not in table.column_names:
                table = table.add_column(place, column, pyarrow.nulls(len(table), column.type))
        return table.select(schema.names).cast(schema)
    except (OSError, ValueError) as error:  # pyarrow's own are of these two
        raise UnreadableFileError(path, error) from error


def read_json_record(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file that nothing can make again. Raises UnreadableFileError."""
    content = read_json(path)
    if content is None:
        raise UnreadableFileError(path, ValueError("no JSON object"))
    return content


def make_private(folder: Path) -> None:
    """Make the folder and those above it that are missing, each its owner's alone.

    Raises NotADirectoryError where there is none to be made, as below /proc.
    """
    if not folder.exists():
        make_private(folder.parent)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except FileNotFoundError as error:  # though the one above it is there
            raise NotADirectoryError(errno.ENOTDIR, "no place for folders", str(folder)) from error


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
