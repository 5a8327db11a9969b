"""What a file is, told by its content and never by its name: format, encoding, delimiter.

Belongs here: looking at bytes and text. Doesn't: header rows (headers), records (the readers).

A *row* is what a spreadsheet shows as one: a record, one with nothing on it too. Excel's line
`sep=;` is none.
"""

import codecs
import csv
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestration.exports.archives import UNLISTED
from orchestration.exports.faults import ExportFault

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 20
SAMPLE_ROWS = 50
_CHUNK_BYTES = 1 << 20
_MIN_HANGUL = 20
"""Two cp1252 letters now and then make one Hangul syllable: fewer prove nothing."""

_WORKBOOK_PARTS = ("[Content_Types].xml", "content.xml")
_WORKBOOK_FIRST = (*_WORKBOOK_PARTS, "_rels/", "docProps/", "xl/", "customXml/", "mimetype")
_WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_BINARIES = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x1c\x00\x00\x00\x00\x00\x00\x00ENCRYPTEDSAV": "an SPSS file with a password",
}
_MARKUP = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|div|script|meta|style|title|"
    rb"link|tr)\b",
    re.I | re.S,
)
_XML = re.compile(rb"\s*<\?xml\b", re.I)
_MHTML = re.compile(rb"\s*MIME-Version:\s", re.I)
_TABLE = re.compile(rb"<table\b.*?<t[hd]\b", re.I | re.S)
_FORM = re.compile(rb"<(?:form|input)\b", re.I)
_SEPARATOR_LINE = re.compile('("?)sep=(.)\\1(?:\\r\\n|\\r|\\n)', re.I)
END_OF_FILE = "\x1a"
"""The character that DOS programs write below the last record."""

_JSON = re.compile(rb'\s*(\{\s*"[^"]*"\s*:|\{\s*\}\s*$|\[\s*(\{\s*"|\]\s*$|\[\s*\[))')


class Format(StrEnum):
    """What reader a file needs."""

    TEXT = "text"
    WORKBOOK = "workbook"
    JSON = "json"
    SPSS = "spss"


def tell_format(path: Path) -> Format:
    """Return the reader's format. Raises ExportFault for what is no export or is not read yet."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(_WORKBOOKS):
        _refuse_archive(path)
        return Format.WORKBOOK
    if head.startswith((b"$FL2", b"$FL3")):
        return Format.SPSS
    for magic, what in _BINARIES.items():
        if head.startswith(magic):
            raise ExportFault("binary", detail=what)
    text = _as_utf8(head)
    if not text.strip() and path.stat().st_size <= len(head):
        raise ExportFault("empty_file")
    if markup := _markup(path, text):
        raise ExportFault("html_page" if markup == "a web page" else "web_table", detail=markup)
    if _JSON.match(text):
        return Format.JSON
    return Format.TEXT


def is_archive(path: Path) -> bool:
    """Whether the file is a ZIP and no workbook, one that was cut off too."""
    with path.open("rb") as file:
        head = file.read(30)
        if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return False
        names = _archive_names(path)
        if names is None:  # cut off: its first member's name tells
            first = file.read(int.from_bytes(head[26:28], "little")).decode(errors="replace")
            return bool(first) and not first.startswith(_WORKBOOK_FIRST)
    return not any(name in _WORKBOOK_PARTS for name in names)


def _refuse_archive(path: Path) -> None:
    """Raise ExportFault for a ZIP that is no workbook, naming what is in it."""
    if is_archive(path):
        names = [name for name in _archive_names(path) or () if not name.endswith("/")]
        members = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise ExportFault("zip_archive", detail=members or "-")


def _archive_names(path: Path) -> list[str] | None:
    """Return the names of a ZIP's members, None where it has no list of them."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except UNLISTED:
        return None


def _markup(path: Path, text: bytes) -> str | None:
    """Return what kind of marked-up text it is, None where it is none."""
    if not (_MARKUP.match(text) or _XML.match(text) or _MHTML.match(text)):
        return None
    with path.open("rb") as file:
        beginning = _as_utf8(file.read(SAMPLE_BYTES))
    if b"urn:schemas-microsoft-com:office:spreadsheet" in beginning:
        return "XML Spreadsheet 2003"
    if _MHTML.match(text):
        return "MHTML"
    if _TABLE.search(beginning) and not _FORM.search(beginning):
        return "HTML"
    return "XML" if _XML.match(text) and b"<html" not in text.lower() else "a web page"


def _as_utf8(head: bytes) -> bytes:
    """Return a file's beginning as UTF-8 without byte order mark, where one tells its encoding."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="ignore").encode()
    return head.removeprefix(codecs.BOM_UTF8)


@dataclass(frozen=True)
class Encoding:
    """The Python name of an encoding, and how many bytes of the file are none of it."""

    name: str
    broken: int = 0
    first_broken: int = 0
    """The first such byte, counted from 1; 0 where the whole file decodes."""

    @property
    def errors(self) -> str:
        """What a decoder does with a byte that is none: a broken one becomes U+FFFD."""
        return "replace" if self.broken else "strict"


def tell_encoding(path: Path, *, prescribed: str | None) -> Encoding:
    """Return the encoding in which the file decodes.

    A byte order mark decides; else UTF-8; else UTF-8 where but a few bytes are broken and the other
    letters beyond ASCII are UTF-8; else cp949, where at least twenty characters and nine in ten of
    those beyond ASCII are then Hangul; else cp1252, last because it decodes almost anything.
    Raises ExportFault where none fits, or the text holds NUL characters (no export does).
    """
    if prescribed is not None:
        _decode_whole(path, prescribed)
        return Encoding(prescribed)
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _decode_whole(path, "utf-16")
        return Encoding("utf-16")
    utf8 = "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    for encoding in (utf8, "cp949", "cp1252"):
        try:
            is_korean = _decode_whole(path, encoding)
        except ExportFault as fault:
            if fault.code != "undecodable":
                raise
            if encoding == utf8 and (damaged := _damaged_utf8(path, utf8)):
                return damaged
            if encoding == "utf-8-sig":
                raise
            continue
        if encoding != "cp949" or is_korean:
            return Encoding(encoding)
    raise ExportFault("undecodable", encoding="UTF-8 or cp1252", offset=_first_bad_byte(path))


def _damaged_utf8(path: Path, encoding: str) -> Encoding | None:
    """Return the broken bytes of a text that is UTF-8 but for these; None where it is not.

    One, or at most one to ten letters beyond ASCII that are whole.
    """
    whole = broken = first = offset = 0
    with path.open("rb") as file:
        for line in file:
            if b"\0" in line:
                return None  # told as such by the next encoding
            if not line.isascii():
                text = line.decode(errors="replace")
                replaced = text.count("\ufffd") - line.count("\ufffd".encode())
                if replaced and not broken:
                    first = offset + _first_undecodable(line) + 1
                broken += replaced
                whole += sum(character > "\x7f" for character in text) - replaced
            offset += len(line)
    if encoding == "utf-8-sig":
        whole -= 1  # the mark itself
    if whole >= 10 * broken or (broken == 1 and whole):
        return Encoding(encoding, broken, first)
    return None


def _first_undecodable(line: bytes) -> int:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def separator_line(sample: str) -> tuple[str, int]:
    """Return the delimiter that Excel's first line `sep=;` names, and that line's length.

    ('', 0) where the text begins with none.
    """
    found = _SEPARATOR_LINE.match(sample)
    return (found[2], found.end()) if found else ("", 0)


def sample_rows(sample: str, delimiter: str, *, is_whole: bool) -> list[list[str]]:
    """Return the first rows, header included, [] where nothing stands on a line; none cut off."""
    rows = []
    for row in rows_of(io.StringIO(sample, newline=""), delimiter):
        rows.append(row)
        if len(rows) > SAMPLE_ROWS:
            break
    if len(rows) > SAMPLE_ROWS or (not is_whole and len(rows) > 1):
        rows.pop()
    return rows


def read_sample(path: Path, encoding: Encoding) -> tuple[str, bool]:
    """Return the file's beginning as text, and whether that is the whole file."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
        is_whole = not file.read(1)
    decoder = codecs.getincrementaldecoder(encoding.name)(encoding.errors)
    text = decoder.decode(head, final=is_whole)
    return text.removeprefix("\ufeff"), is_whole


def rows_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the rows as Python's csv module sees them, [] where nothing stands on a line."""
    csv.field_size_limit(sys.maxsize)  # a cell may be longer than the module's 128 KiB
    return csv.reader(lines, delimiter=delimiter)


def nested_widths(record: Sequence[str]) -> dict[str, int]:
    """Return, by delimiter, how many cells stand inside a record's only filled cell.

    Only those with several; none where the record has other filled cells, as a record should.
    """
    if not record or any(cell.strip() for cell in record[1:]):
        return {}
    inner = {
        delimiter: len(
            next(filter(None, rows_of(io.StringIO(record[0], newline=""), delimiter)), [])
        )
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
