"""Delimited text to record batches, every cell text: all records, or a fault that names one.

Belongs here: streaming a CSV of any size through pyarrow, finding the first fault in a bad one.
Doesn't: telling encoding and delimiter (sniffing) and header rows (headers); writing.

pyarrow and Python's csv module see the same records: a quotation mark counts at a cell's start
only, lines with nothing on them are skipped, `\r`, `\n` and `\r\n` end a record. pyarrow silently
takes a quotation mark that is never closed: therefore a known last record is appended to what it
reads, and a file that swallows it was cut off. Only a file that pyarrow refuses is read again,
slowly, to say where it is broken.
"""

import codecs
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import Header, tell_header
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import (
    nested_widths,
    read_sample,
    records_of,
    sample_records,
    tell_delimiter,
    tell_encoding,
)
from orchestration.exports.table import ExportTable

BLOCK_BYTES = 8 << 20
"""pyarrow's reading unit, and so the longest record. 1,000,000 x 80: 4 CPU s, 32 MiB takes 7."""

_END = "ILKENDOFFILE"
_UTF8 = ("utf-8", "utf-8-sig")


def read_csv(
    path: Path, settings: ReaderSettings, *, block_bytes: int = BLOCK_BYTES
) -> ExportTable:
    """Open the text file; its batches are read as they are asked for.

    Raises ExportFault here or while the batches are read.
    """
    encoding = tell_encoding(path, prescribed=settings.encoding)
    sample, is_whole = read_sample(path, encoding)
    delimiter = settings.delimiter or tell_delimiter(sample, is_whole=is_whole)
    records = sample_records(sample, delimiter, is_whole=is_whole)
    header = tell_header(records)
    return ExportTable(
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        batches=_batches(path, encoding, delimiter, header, block_bytes),
    )


def _batches(
    path: Path, encoding: str, delimiter: str, header: Header, block_bytes: int
) -> Iterator[pa.RecordBatch]:
    """Yield the data records, without header rows and the appended last record."""
    width = len(header.names)
    end = "\n" + delimiter.join([_END] * width) + "\n"
    to_skip = header.rows
    held = None
    try:
        with (
            path.open("rb") as file,
            _open_arrow(_Utf8(file, encoding, end), delimiter, width, block_bytes) as reader,
        ):
            for batch in reader:
                skipped = min(to_skip, batch.num_rows)
                to_skip -= skipped
                rest = batch.slice(skipped)
                if rest.num_rows:
                    if held is not None:
                        yield held
                    held = rest
    except pa.ArrowInvalid as error:
        # pyarrow's own sentence quotes the record, and with it a person.
        raise _first_fault(path, encoding, delimiter, header, block_bytes) from error
    last = held.num_rows - 1 if held is not None else 0
    if held is None or any(column[last].as_py() != _END for column in held.columns):
        raise _first_fault(path, encoding, delimiter, header, block_bytes)
    yield held.slice(0, last)


def _open_arrow(
    file: "_Utf8", delimiter: str, width: int, block_bytes: int
) -> pa.RecordBatchReader:
    return pa.csv.open_csv(
        pa.PythonFile(file, mode="r"),
        # One thread is as fast as two here and costs less.
        read_options=pa.csv.ReadOptions(
            autogenerate_column_names=True, block_size=block_bytes, use_threads=False
        ),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types={f"f{column}": pa.string() for column in range(width)},
            strings_can_be_null=False,
            check_utf8=False,  # tell_encoding decoded every byte
        ),
    )


class _Utf8:
    """A file's text as UTF-8 without byte order mark, with `end` appended: pyarrow reads it."""

    closed = False

    def __init__(self, file: io.BufferedReader, encoding: str, end: str) -> None:
        self._file = file
        self._decoder = None if encoding in _UTF8 else codecs.getincrementaldecoder(encoding)()
        self._end = end.encode()
        self._pending = b""
        self._is_ended = False
        if encoding in _UTF8 and file.peek(3).startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end only: pyarrow takes a short read for a block."""
        taken = self._pending
        while len(taken) < size and not self._is_ended:
            chunk = self._file.read(size - len(taken))
            self._is_ended = not chunk
            if self._decoder is not None:
                chunk = self._decoder.decode(chunk, final=self._is_ended).encode()
            taken += chunk + self._end if self._is_ended else chunk
        self._pending = taken[size:]
        # UTF-8 is never copied: adding to nothing and taking all of it give the same bytes back.
        return taken[:size]


def _first_fault(
    path: Path,
    encoding: str,
    delimiter: str,
    header: Header,
    block_bytes: int,
) -> ExportFault:
    """Return what is wrong with the first bad record, as Python's csv module sees the file."""
    width = len(header.names)
    end = delimiter.join([_END] * width)
    ends_in_line_break = False
    number, longest, longest_bytes = 0, 1, 0
    ragged: tuple[int, list[str]] | None = None
    is_utf8 = encoding in _UTF8
    with path.open(encoding="utf-8-sig" if is_utf8 else encoding, newline="") as file:

        def lines() -> Iterator[str]:
            nonlocal ends_in_line_break
            for line in file:
                ends_in_line_break = line.endswith(("\r", "\n"))
                yield line

        record: list[str] = []
        for record in records_of(chain(lines(), ["\n", end]), delimiter):
            number += 1
            if ragged is None and len(record) != width:
                ragged = (number, record)
            length = sum(len(cell.encode()) for cell in record) + width
            if length > longest_bytes:
                longest, longest_bytes = number, length
    is_cut = record != [_END] * width
    if is_cut and (ragged is None or ragged[0] == number):
        return ExportFault("cut_off", place=_place(number, header))
    if ragged is not None:
        number_of_ragged, cells = ragged
        place = _place(number_of_ragged, header)
        is_last = number_of_ragged == number - 1
        if is_last and len(cells) < width and not ends_in_line_break:
            return ExportFault("cut_off", place=place)
        if width in nested_widths(cells).values():
            return ExportFault("nested", place=place)
        name = {"\t": "tab"}.get(delimiter, delimiter)
        return ExportFault("ragged", place=place, found=len(cells), expected=width, delimiter=name)
    if longest_bytes >= block_bytes // 2:
        place = _place(longest, header)
        return ExportFault("record_too_long", place=place, limit=block_bytes >> 20)
    return ExportFault("unreadable", detail="the parsers disagree on its records")


def _place(number: int, header: Header) -> tuple[str, int]:
    """Name the record whose number counts header rows too."""
    if number <= header.rows:
        return ("header row", number)
    return ("record", number - header.rows)
