"""What a file is, told by its content and never by its name: format, encoding, delimiter.

Belongs here: looking at bytes and text. Doesn't: header rows (headers), records (the readers).
"""

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from orchestration.exports.faults import ExportFault

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 20
SAMPLE_RECORDS = 50
_CHUNK_BYTES = 1 << 20
_MIN_HANGUL = 20
"""Two cp1252 letters now and then make one Hangul syllable: fewer prove nothing."""

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_BINARIES = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
}
_HTML = re.compile(
    rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|table|div|script)", re.I | re.S
)
_JSON = re.compile(rb'\s*(\{\s*"[^"]*"\s*:|\{\s*\}\s*$|\[\s*(\{\s*"|\]\s*$))')


class Format(StrEnum):
    """What reader a file needs."""

    TEXT = "text"
    WORKBOOK = "workbook"


def tell_format(path: Path) -> Format:
    """Return the reader's format. Raises ExportFault for what is no export or is not read yet."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_WORKBOOKS):
        return Format.WORKBOOK
    if head.startswith((b"$FL2", b"$FL3")):
        raise ExportFault("sav_not_read")
    for magic, what in _BINARIES.items():
        if head.startswith(magic):
            raise ExportFault("binary", detail=what)
    text = head.removeprefix(codecs.BOM_UTF8)
    if not text.strip() and path.stat().st_size <= len(head):
        raise ExportFault("empty_file")
    if _HTML.match(text):
        raise ExportFault("html_page")
    if _JSON.match(text):
        raise ExportFault("json_not_read")
    return Format.TEXT


def tell_encoding(path: Path, *, prescribed: str | None) -> str:
    """Return the Python name of the encoding in which the whole file decodes.

    A byte order mark decides; else UTF-8; else cp949, where at least twenty characters and nine in
    ten of those beyond ASCII are then Hangul; else cp1252, last because it decodes almost anything.
    Raises ExportFault where none fits, or the text holds NUL characters (no export does).
    """
    if prescribed is not None:
        _decode_whole(path, prescribed)
        return prescribed
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(codecs.BOM_UTF8):
        _decode_whole(path, "utf-8-sig")
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _decode_whole(path, "utf-16")
        return "utf-16"
    for encoding in ("utf-8", "cp949", "cp1252"):
        try:
            is_korean = _decode_whole(path, encoding)
        except ExportFault as fault:
            if fault.code != "undecodable":
                raise
            continue
        if encoding != "cp949" or is_korean:
            return encoding
    raise ExportFault("undecodable", encoding="UTF-8 or cp1252", offset=_first_bad_byte(path))


def tell_delimiter(sample: str, *, is_whole: bool) -> str:
    """Return the delimiter under which the sample's records agree best with a wide header.

    Each candidate scores the header's width times the share of records as wide as it. `is_whole`:
    the sample is the whole file, so its last record is not cut by sampling.
    """

    def score(delimiter: str) -> float:
        header, *records = sample_records(sample, delimiter, is_whole=is_whole) or [[]]
        width = len(header)
        if width < 2 or not records:
            return float(width)
        return width * (0.01 + sum(len(record) == width for record in records) / len(records))

    return max(DELIMITERS, key=score)


def read_sample(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the file's beginning as text, and whether that is the whole file."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        is_whole = not file.read(1)
    text = codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    return text.removeprefix("\ufeff"), is_whole


def sample_records(sample: str, delimiter: str, *, is_whole: bool) -> list[list[str]]:
    """Return the first records of the sample, without a last one that sampling may have cut."""
    records = []
    for record in records_of(io.StringIO(sample, newline=""), delimiter):
        records.append(record)
        if len(records) > SAMPLE_RECORDS:
            break
    if len(records) > SAMPLE_RECORDS or (not is_whole and len(records) > 1):
        records.pop()
    return records


def records_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the records as Python's csv module sees them; lines with nothing on them are none."""
    csv.field_size_limit(sys.maxsize)  # a cell may be longer than the module's 128 KiB
    return (record for record in csv.reader(lines, delimiter=delimiter) if record)


def nested_widths(record: Sequence[str]) -> dict[str, int]:
    """Return, by delimiter, how many cells stand inside a record's only filled cell.

    Only those with several; none where the record has other filled cells, as a record should.
    """
    if not record or any(cell.strip() for cell in record[1:]):
        return {}
    inner = {
        delimiter: len(next(records_of(io.StringIO(record[0], newline=""), delimiter), []))
        for delimiter in DELIMITERS
    }
    return {delimiter: width for delimiter, width in inner.items() if width > 1}


def _decode_whole(path: Path, encoding: str) -> bool:
    """Decode the whole file; return whether Korean is what stands beyond ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)()
    beyond = hangul = offset = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK_BYTES)
            held_back = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                start = error.start if isinstance(error, UnicodeDecodeError) else 0
                raise ExportFault(
                    "undecodable", encoding=encoding, offset=offset - held_back + start + 1
                ) from error
            if "\0" in text:
                raise ExportFault("binary", detail="NUL characters in the text")
            if encoding == "cp949":
                beyond += sum(character > "\x7f" for character in text)
                hangul += sum("\uac00" <= character <= "\ud7a3" for character in text)
            offset += len(chunk)
            if not chunk:
                return hangul >= max(_MIN_HANGUL, 0.9 * beyond)


def _first_bad_byte(path: Path) -> object:
    try:
        _decode_whole(path, "utf-8")
    except ExportFault as fault:
        return fault.details["offset"]
    return 1
