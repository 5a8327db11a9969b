"""ZIP archives of exports: what is in them, within bounds; nothing is written where a name leads.

Belongs here: which members are files of their own, which are passed over, which refused. Doesn't:
keeping their bytes (store), what is in them (sniffing, the readers): an archive in an archive is
refused there.

SurveyMonkey, Qualtrics and ODK Central deliver archives. A member is a file of the landing under
the name `archive.zip/member.csv`; the archive itself is none.
"""

import errno
import io
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from orchestration.exports.faults import PASSED_OVER, ExportFault
from orchestration.words import FaultText

MAX_MEMBERS = 500
"""Read ones: each is a sentence and a row of the registry."""
MAX_ENTRIES = 50_000
"""With photographs and what is passed over else."""
MAX_BYTES = 4 << 30
MAX_RATIO = 200
"""Of what unpacks to more than `_SMALL_BYTES`: exports of many empty columns shrink as much."""
_SMALL_BYTES = 256 << 20
_SHOWN = 5
_ENCRYPTED = 1
_PASSED_OVER = {"__MACOSX": "macOS", "media": "ODK Central"}
_BYPRODUCTS = (".ds_store", "thumbs.db", "desktop.ini")
UNLISTED = (zipfile.BadZipFile, NotImplementedError, ValueError)
"""What zipfile raises for a list of members that can't be read: damaged, packed for a newer version
than it knows, and (ValueError) with a name that is not the UTF-8 it says it is."""
_DAMAGED = (*UNLISTED, zlib.error, lzma.LZMAError, EOFError)
"""And for a member's bytes; bz2 raises an OSError, see `_damage_told`."""


@dataclass(frozen=True)
class Archive:
    """What an archive that is open holds."""

    members: tuple[str, ...]
    refused: tuple[tuple[str, ExportFault], ...]
    passed_over: dict[str, int]
    """Files by their folder, or their name where they lie in none."""
    _zip: zipfile.ZipFile

    @property
    def note(self) -> FaultText | None:
        """Return what is passed over, in words; None where nothing is."""
        if not self.passed_over:
            return None
        counts = sorted(self.passed_over.items())
        return PASSED_OVER.filled(
            count=sum(self.passed_over.values()),
            detail=", ".join(f"{place} ({count})" for place, count in counts[:_SHOWN])
            + (", ..." if len(counts) > _SHOWN else ""),
        )

    @contextmanager
    def member(self, name: str) -> Iterator[BinaryIO]:
        """Open a member's bytes. Raises ExportFault where they can't be had whole, also on reading.

        What else goes wrong in the block is none of the archive's faults, and passes as it is.
        """
        with _damage_told():
            source = self._zip.open(name)
        with source:
            yield cast(BinaryIO, _Member(source))


class _Member(io.BufferedIOBase):
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def read(self, size: int | None = -1) -> bytes:
        with _damage_told():
            return self._source.read(-1 if size is None else size)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive once for all of its members. Raises ExportFault where none of it is read."""
    try:
        archive = zipfile.ZipFile(path)
    except UNLISTED as error:
        raise _broken(error) from error
    with archive:
        yield _look_into(archive)


def _look_into(archive: zipfile.ZipFile) -> Archive:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    passed_over = Counter(place for info in infos if (place := _passed_over(info.filename)))
    wanted = [info for info in infos if not _passed_over(info.filename)]
    if not wanted:
        raise ExportFault("zip_empty", count=len(infos))
    size, packed = (sum(map(of, wanted)) for of in (_size, _packed_size))
    if (
        len(wanted) > MAX_MEMBERS
        or len(infos) > MAX_ENTRIES
        or size > MAX_BYTES
        or (size > _SMALL_BYTES and size > MAX_RATIO * packed)
    ):
        raise ExportFault(
            "zip_too_large",
            count=len(wanted),
            found=_megabytes(size),
            copied=_megabytes(packed),
            limit=MAX_MEMBERS,
            memory=MAX_BYTES >> 30,
        )
    if all(info.flag_bits & _ENCRYPTED for info in wanted):
        raise ExportFault("zip_encrypted")
    names = Counter(info.filename for info in wanted)
    faults = [(info.filename, _fault(info, names)) for info in wanted]
    refused = {name: fault for name, fault in faults if fault is not None}
    return Archive(
        members=tuple(name for name, fault in faults if fault is None),
        refused=tuple((_printable(name), fault) for name, fault in refused.items()),
        passed_over=dict(passed_over),
        _zip=archive,
    )


@contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what reading a member raises for its damage into a fault; a failing disk is none."""
    try:
        yield
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # bz2 gives none; a place below 0
            raise
        raise _broken(error) from error
    except _DAMAGED as error:
        raise _broken(error) from error


def _broken(error: Exception) -> ExportFault:
    return ExportFault("zip_broken", detail=type(error).__name__)


def _passed_over(name: str) -> str:
    """Return the folder for which a member is passed over, or its own name; '' where it is read."""
    path = PurePosixPath(name)
    folder = next((part for part in path.parts[:-1] if part in _PASSED_OVER), "")
    if folder:
        return folder
    is_hidden = path.name.startswith((".", "~$")) or path.name.lower() in _BYPRODUCTS
    return path.name if is_hidden and ".." not in path.parts else ""


def _fault(info: zipfile.ZipInfo, names: Counter[str]) -> ExportFault | None:
    name = info.orig_filename
    parts = name.split("/")
    if "\\" in name or ":" in name or name.startswith("/") or ".." in parts or "" in parts:
        return ExportFault("zip_path")
    if not name.isprintable():
        return ExportFault("zip_path")
    if names[info.filename] > 1:
        return ExportFault("zip_twice", count=names[info.filename])
    if info.flag_bits & _ENCRYPTED:
        return ExportFault("zip_encrypted")
    return None


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _size(info: zipfile.ZipInfo) -> int:
    return info.file_size


def _packed_size(info: zipfile.ZipInfo) -> int:
    return info.compress_size


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f}"
