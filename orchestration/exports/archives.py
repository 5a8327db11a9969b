"""ZIP archives of exports: what is in them, within bounds; nothing is written where a name leads.

Belongs here: which members are files of their own, which are passed over, which refused. Doesn't:
keeping their bytes (store), what is in them (sniffing, the readers): an archive in an archive is
refused there.

SurveyMonkey, Qualtrics and ODK Central deliver archives. A member is a file of the landing under
the name `archive.zip/member.csv`; the archive itself is none.
"""

import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from orchestration.exports.faults import ExportFault

MAX_MEMBERS = 500
"""Read ones: each is a sentence and a row of the registry."""
MAX_ENTRIES = 50_000
"""With photographs and what is passed over else."""
MAX_BYTES = 4 << 30
MAX_RATIO = 200
"""Of what unpacks to more than `_SMALL_BYTES`: exports of many empty columns shrink as much."""
_SMALL_BYTES = 256 << 20
_ENCRYPTED = 1
_PASSED_OVER = {"__MACOSX": "macOS", "media": "ODK Central"}
_BYPRODUCTS = (".ds_store", "thumbs.db", "desktop.ini")
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)


@dataclass(frozen=True)
class Contents:
    """What an archive holds."""

    members: tuple[str, ...]
    refused: tuple[tuple[str, ExportFault], ...]
    passed_over: dict[str, int]
    """Files by their folder, or their name where they lie in none."""


def look_into(path: Path) -> Contents:
    """Return what the archive holds. Raises ExportFault where none of it is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
    except (*_BROKEN, OSError) as error:
        raise ExportFault("zip_broken", detail=type(error).__name__) from error
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
    return Contents(
        members=tuple(name for name, fault in faults if fault is None),
        refused=tuple((_printable(name), fault) for name, fault in refused.items()),
        passed_over=dict(passed_over),
    )


@contextmanager
def open_member(path: Path, name: str) -> Iterator[BinaryIO]:
    """Open a member's bytes. Raises ExportFault where they can't be had whole, also while read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as member:
            yield cast(BinaryIO, member)
    except _BROKEN as error:
        raise ExportFault("zip_broken", detail=type(error).__name__) from error


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
