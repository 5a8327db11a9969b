"""Delimited text to record batches, every cell text: all records, or a fault that names one.

Belongs here: streaming a CSV of any size through pyarrow, finding the first fault in a bad one.
Doesn't: telling encoding and delimiter (sniffing) and header rows (headers); writing.

pyarrow and Python's csv module see the same rows: a quotation mark counts at a cell's start only,
`\r`, `\n` and `\r\n` end a row. pyarrow silently takes a quotation mark that is never closed:
therefore a known last record is appended to what it reads, and a file that swallows it was cut
off. Only a file that pyarrow refuses is read again, slowly, to say where it is broken.
"""

import codecs
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import Header, fold, is_blank, tell_delimiter, tell_header
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import (
    END_OF_FILE,
    Encoding,
    nested_widths,
    read_sample,
    rows_of,
    sample_rows,
    separator_line,
    tell_encoding,
)
from orchestration.exports.table import BrokenBytes, ExportTable

BLOCK_BYTES = 8 << 20
"""pyarrow's reading unit, and so the longest record. 1,000,000 x 80: 4 CPU s, 32 MiB takes 7."""

_Numbers = np.ndarray[Any, np.dtype[np.int64]]
_END = "ILKENDOFFILE"
_UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True)
class _Text:
    """A text file whose shape is told."""

    path: Path
    encoding: Encoding
    first_line: int
    """Characters of Excel's line `sep=;`, which is skipped."""
    delimiter: str
    header: Header
    block_bytes: int


def read_csv(
    path: Path, settings: ReaderSettings, *, block_bytes: int = BLOCK_BYTES
) -> ExportTable:
    """Open the text file; its batches are read as they are asked for.

    Raises ExportFault here or while the batches are read.
    """
    encoding = tell_encoding(path, prescribed=settings.encoding)
    sample, is_whole = read_sample(path, encoding)
    separator, first_line = separator_line(sample)
    sample = sample[first_line:]
    delimiter = (
        settings.delimiter
        or separator
        or tell_delimiter(sample, settings.headings, is_whole=is_whole)
    )
    rows = sample_rows(sample, delimiter, is_whole=is_whole)
    header = tell_header(rows, settings.headings)
    text = _Text(path, encoding, first_line, delimiter, header, block_bytes)
    return ExportTable(
        encoding=encoding.name,
        delimiter=delimiter,
        header=header,
        batches=_batches(text),
        broken=_broken_bytes(text) if encoding.broken else None,
    )


def _batches(text: _Text) -> Generator[tuple[pa.RecordBatch, pa.Int64Array]]:
    """Yield the records and their rows, without header rows and the appended last record."""
    width, names = text.header.width, len(text.header.names)
    end = text.delimiter.join([_END] * width) + "\n"
    left_out: list[int] = []
    count = 0
    held = None

    def leave_out(row: pa.csv.InvalidRow) -> str:
        """Pass over a row of another width that is no record: above the data, or empty."""
        cells = next(rows_of(io.StringIO(row.text, newline=""), text.delimiter), [])
        is_none = len(cells) < 2 and is_blank([cell.strip(END_OF_FILE) for cell in cells])
        if row.number > text.header.rows and not is_none:
            return "error"
        left_out.append(row.number)
        return "skip"

    try:
        with (
            text.path.open("rb") as file,
            _open_arrow(_Utf8(file, text, end), text, leave_out) as reader,
        ):
            for batch in reader:
                numbers = _rows(count, batch.num_rows, left_out)
                count += batch.num_rows
                above = int(np.searchsorted(numbers, text.header.rows, side="right"))
                if above < len(numbers):
                    if held is not None:
                        yield held
                    _refuse_overhang(batch.slice(above), numbers[above:], names)
                    held = batch.slice(above).select(range(names)), pa.array(numbers[above:])
    except pa.ArrowInvalid as error:
        # pyarrow's own sentence quotes the record, and with it a person.
        raise _first_fault(text) from error
    if held is None:
        raise _first_fault(text)
    batch, numbers = held
    last = batch.num_rows - 1
    if any(column[last].as_py() != _END for column in batch.columns):
        raise _first_fault(text)
    yield batch.slice(0, last), numbers.slice(0, last)


def _rows(before: int, count: int, left_out: Sequence[int]) -> _Numbers:
    """Return the numbers of the rows that the next `count` records stand in.

    `before` records came before them; the rows in `left_out`, in their order, hold none.
    """
    places = np.arange(before, before + count, dtype=np.int64)
    records_above = np.array(left_out, dtype=np.int64) - np.arange(len(left_out)) - 1
    return places + 1 + np.searchsorted(records_above, places, side="right")


def _refuse_overhang(batch: pa.RecordBatch, numbers: _Numbers, width: int) -> None:
    """Raise ExportFault where the cell beyond a trailing delimiter holds something."""
    for column in batch.columns[width:]:
        for place, cell in enumerate(column.to_pylist()):
            if fold(cell) and cell != _END:
                raise ExportFault(
                    "ragged",
                    row=int(numbers[place]),
                    found=batch.num_columns,
                    expected=width,
                    delimiter="",
                )


def _open_arrow(
    file: "_Utf8", text: _Text, leave_out: Callable[[pa.csv.InvalidRow], str]
) -> pa.RecordBatchReader:
    names = [f"f{column}" for column in range(text.header.width)]
    return pa.csv.open_csv(
        pa.PythonFile(file, mode="r"),
        # One thread is as fast as two here and costs less; with two, rows bear no number.
        read_options=pa.csv.ReadOptions(
            column_names=names, block_size=text.block_bytes, use_threads=False
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=text.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=leave_out,
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,  # tell_encoding decoded every byte
        ),
    )


class _LongLineError(Exception):
    """A line is longer than any record that is read."""


class _Utf8:
    """A file's text as UTF-8 without byte order mark, with `end` appended: pyarrow reads it."""

    closed = False

    def __init__(self, file: io.BufferedReader, text: _Text, end: str) -> None:
        encoding = text.encoding
        self._file = file
        self._decoder = (
            None
            if encoding.name in _UTF8 and not encoding.broken
            else codecs.getincrementaldecoder(encoding.name)(encoding.errors)
        )
        self._end = end.encode()
        self._pending = b""
        self._is_ended = False
        self._last = b"\n"
        self._to_skip = text.first_line  # plain ASCII: as many bytes as characters
        if encoding.name in _UTF8 and file.peek(3).startswith(codecs.BOM_UTF8):
            file.read(len(codecs.BOM_UTF8))

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end only: pyarrow takes a short read for a block."""
        taken = self._pending
        while len(taken) < size and not self._is_ended:
            chunk = self._file.read(size - len(taken))
            self._is_ended = not chunk
            if self._decoder is not None:
                chunk = self._decoder.decode(chunk, final=self._is_ended).encode()
            if self._to_skip:
                skipped = min(self._to_skip, len(chunk))
                chunk, self._to_skip = chunk[skipped:], self._to_skip - skipped
            self._last = chunk[-1:] or self._last
            if self._is_ended:
                chunk += self._end if self._last in b"\r\n" else b"\n" + self._end
            taken += chunk
        self._pending = taken[size:]
        # UTF-8 is never copied: adding to nothing and taking all of it give the same bytes back.
        return taken[:size]


def _broken_bytes(text: _Text) -> BrokenBytes:
    """Return where the first broken byte stands: its row and column."""
    with text.path.open("rb") as file:
        above = file.read(text.encoding.first_broken - 1).decode(errors="replace")
    rows = list(rows_of(io.StringIO(above.removeprefix("\ufeff")[text.first_line :], newline=""),
                        text.delimiter))  # fmt: skip
    if not rows or above.endswith(("\r", "\n")):
        rows.append([""])
    names = text.header.names
    column = names[min(len(rows[-1]) or 1, len(names)) - 1]
    return BrokenBytes(text.encoding.broken, text.encoding.first_broken, len(rows), column)


def _first_fault(text: _Text) -> ExportFault:
    """Return what is wrong with the first bad record, as Python's csv module sees the file."""
    width = text.header.width
    end = text.delimiter.join([_END] * width)
    ends_in_line_break = False
    number, longest, longest_bytes = 0, 1, 0
    ragged: tuple[int, list[str]] | None = None
    encoding = "utf-8-sig" if text.encoding.name in _UTF8 else text.encoding.name
    with text.path.open(encoding=encoding, errors=text.encoding.errors, newline="") as file:
        file.read(text.first_line)

        def lines() -> Iterator[str]:
            nonlocal ends_in_line_break
            while line := file.readline(text.block_bytes + 1):
                if len(line) > text.block_bytes:
                    raise _LongLineError  # 200 million commas make as many cells
                ends_in_line_break = line.endswith(("\r", "\n"))
                yield line

        row: list[str] = []
        try:
            for row in rows_of(chain(lines(), ["\n", end]), text.delimiter):
                number += 1
                if len(row) < 2 < width + 1 and is_blank([cell.strip(END_OF_FILE) for cell in row]):
                    continue
                if ragged is None and len(row) != width and number > text.header.rows:
                    ragged = (number, row)
                length = sum(len(cell.encode()) for cell in row) + width
                if length > longest_bytes:
                    longest, longest_bytes = number, length
        except _LongLineError:
            if ragged is not None:
                return _ragged(text, *ragged, is_cut=False)
            return _too_long(text, number + 1)
    is_cut = row != [_END] * width
    if is_cut and (ragged is None or ragged[0] == number):
        return ExportFault("cut_off", row=number)
    if ragged is not None:
        return _ragged(text, *ragged, is_cut=number - ragged[0] == 2 and not ends_in_line_break)
    if longest_bytes >= text.block_bytes // 2:
        return _too_long(text, longest)
    return ExportFault("unreadable", detail="the parsers disagree on its records")


def _too_long(text: _Text, row: int) -> ExportFault:
    return ExportFault("record_too_long", row=row, limit=text.block_bytes >> 20)


def _ragged(text: _Text, row: int, cells: list[str], *, is_cut: bool) -> ExportFault:
    """Return what is wrong with a record of another width than the header."""
    expected = len(text.header.names)
    if is_cut and len(cells) < expected:
        return ExportFault("cut_off", row=row)
    if text.header.width in nested_widths(cells).values():
        return ExportFault("nested", row=row)
    if any('\\"' in cell or cell.endswith("\\") for cell in cells):
        return ExportFault("backslashes", row=row)
    name = {"\t": "tab"}.get(text.delimiter, text.delimiter)
    return ExportFault("ragged", row=row, found=len(cells), expected=expected, delimiter=name)
