"""JSON of survey tools' servers to record batches, every cell text.

Belongs here: where records stand in JSON, their columns, bounded memory. Doesn't: asking a server
(the places), which column means what.

Read are an array of records, and an object that holds one under `results` (KoboToolbox),
`responses` (LimeSurvey RemoteControl, Qualtrics) or `value` (ODK Central); several such documents
one after the other are one export, as a place writes the pages that a server answered. A last page
that says that others follow, or records that are not as many as the pages' `count` (between them,
where it changed meanwhile), are refused.

A record's own objects are columns joined by `/`; a list (a repeat group, attachments) stays JSON in
its cell, its numbers as they stand; an absent key is an empty cell, like null. A record has no row
in a spreadsheet: its `_source_row` is its number in the file, 1 being the first.
"""

import codecs
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from orchestration.exports import limesurvey
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import MAX_COLUMNS, Header, unique_names
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import SAMPLE_ROWS
from orchestration.exports.table import ExportTable

_LISTS = ("results", "responses", "value")
_NEXT = ("next", "@odata.nextLink")
_COUNTS = ("count", "@odata.count")
_COUNT = re.compile("[0-9]{1,18}")
_CHUNK_BYTES = 1 << 20
_LONGEST_WORD = len("-Infinity")
_LONGEST_RECORD = 8 << 20
_BATCH_ROWS = 10_000
_BATCH_CELLS = 1_000_000
"""100,000 records of 522 answers: 35 MB held at a time."""


@dataclass(frozen=True)
class Part:
    """A stretch of a JSON file; all of them in their order are the file's text."""

    text: str
    record: Mapping[str, Any] | None = None
    number: int = 0
    """The record's, from 1."""
    told: tuple[str, Any] = ("", None)
    """What a document says beside its records, such as `count`."""
    document: int = 0


def read_json(path: Path, settings: ReaderSettings) -> ExportTable:
    """Read the file once for its columns; its batches are read as they are asked for.

    Raises ExportFault here or while the batches are read.
    """
    keys: dict[str, None] = {}
    pages = _Pages()
    first: list[dict[str, str]] = []
    with path.open("rb") as file:
        for part in parts(file, refuse_repeated=True):
            pages.add(part)
            if part.record is not None:
                cells = flat(part.record, part.number)
                keys.update(dict.fromkeys(cells))
                if len(first) < SAMPLE_ROWS:
                    first.append(cells)
                if len(keys) > MAX_COLUMNS:
                    raise ExportFault("too_many_columns", found=len(keys), limit=MAX_COLUMNS)
    pages.refuse_some()
    limesurvey.refuse_texts([*keys], [[cells.get(key, "") for key in keys] for cells in first])
    header = Header(unique_names(keys), rows=0, width=len(keys))
    return ExportTable(encoding="json", delimiter="", header=header, batches=_batches(path, keys))


def parts(file: BinaryIO, *, refuse_repeated: bool = False) -> Generator[Part]:
    """Yield the file's records, and what stands between them.

    `refuse_repeated`: a name that stands twice in an object is a fault, of the two only one would
    be kept. Raises ExportFault where the text is no JSON, breaks off or holds no list of records.
    """
    window = _Window(file, _refuse_repeated if refuse_repeated else None)
    is_found = False
    keys: list[str] = []
    document = 0
    while opening := window.peek():
        document += 1
        if opening == "[":
            is_found = True
            yield from _records(window)
        elif opening == "{":
            for _ in _items(window, "}"):
                key = window.value()
                if not isinstance(key, str) or window.peek() != ":":
                    raise window.broken()
                window.take()
                if key in _LISTS and window.peek() == "[":
                    is_found = True
                    yield from _records(window)
                else:
                    window.peek()
                    keys.append(key)
                    value = window.value()
                    yield Part(window.taken(), told=(key, value), document=document)
        else:
            raise window.broken()
        if not is_found:
            raise ExportFault("json_without_records", keys=_shown(keys))
    yield Part(window.taken())


def flat(record: Mapping[str, Any], number: int = 0) -> dict[str, str]:
    """Return a record's cells by column. Raises ExportFault where two would be one."""
    try:
        return _flat(record, number)
    except RecursionError as error:
        raise ExportFault("json_broken", record=max(1, number)) from error


def _flat(record: Mapping[str, Any], number: int) -> dict[str, str]:
    cells: dict[str, str] = {}
    for key, value in record.items():
        if isinstance(value, dict) and value:
            for inner, text in _flat(value, number).items():
                _put(cells, f"{key}/{inner}", text, number)
        else:
            _put(cells, key, _text(value), number)
    return cells


def _put(cells: dict[str, str], key: str, text: str, number: int) -> None:
    if key in cells:
        raise ExportFault("json_repeated_key", record=number, column=key)
    cells[key] = text


def _text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if value is None or value == [] or value == {}:
        return ""
    return _json(value)


class _Number(str):
    """A number as it stands in the text: an id of 20 digits too."""

    __slots__ = ()


def _json(value: object) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_json(key)}: {_json(each)}' for key, each in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def _batches(
    path: Path, keys: Mapping[str, None]
) -> Generator[tuple[pa.RecordBatch, pa.Int64Array]]:
    size = max(1, min(_BATCH_ROWS, _BATCH_CELLS // max(1, len(keys))))
    with path.open("rb") as file, closing(parts(file)) as found:
        rows: list[dict[str, str]] = []
        first = 1
        for part in found:
            if part.record is None:
                continue
            rows.append(flat(part.record, part.number))
            if len(rows) == size:
                yield _batch(rows, keys, first)
                rows, first = [], part.number + 1
        if rows:
            yield _batch(rows, keys, first)


def _batch(
    rows: list[dict[str, str]], keys: Mapping[str, None], first: int
) -> tuple[pa.RecordBatch, pa.Int64Array]:
    columns = [_column([row.get(key, "") for row in rows]) for key in keys]
    numbers = pa.array(range(first, first + len(rows)), pa.int64())
    batch = pa.RecordBatch.from_arrays(columns, names=[f"f{n}" for n in range(len(columns))])
    return batch, numbers


def _column(cells: list[str]) -> pa.StringArray:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # half of a character beyond 16 bits
        whole = [
            cell.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for cell in cells
        ]
        return pa.array(whole, pa.string())


class _Pages:
    """What the documents of a file say of all records that there are."""

    def __init__(self) -> None:
        self._records = self._document = 0
        self._told: dict[str, Any] = {}
        """By the last document."""
        self._counts: list[str] = []

    def add(self, part: Part) -> None:
        self._records += part.record is not None
        key, value = part.told
        if part.document != self._document and key:
            self._document, self._told = part.document, {}
        self._told[key] = value
        if key in _COUNTS and value is not None:
            self._counts.append(str(value))

    def refuse_some(self) -> None:
        """Raise ExportFault where these are not all records that there are.

        Responses go on coming in while pages are asked for: what one page counts and another
        doesn't may be there or not.
        """
        are_counts = all(map(_COUNT.fullmatch, self._counts))
        counts = [int(count) for count in self._counts if are_counts] or [self._records]
        is_whole = are_counts and min(counts) <= self._records <= max(counts)
        if not is_whole or any(self._told.get(key) for key in _NEXT):
            count = self._counts[-1] if self._counts else "?"
            raise ExportFault("json_page", found=self._records, count=count)


def _records(window: "_Window") -> Iterator[Part]:
    for _ in _items(window, "]"):
        window.peek()
        between = window.taken()
        window.record += 1
        record = window.value()
        if not isinstance(record, dict):
            raise ExportFault("json_no_record", record=window.record)
        # LimeSurvey before 4: {"17": {"id": "17", ...}}
        [(key, inner), *others] = [*record.items()] or [("", None)]
        if not others and key.isdecimal() and isinstance(inner, dict):
            record = inner
        yield Part(between)
        text = window.taken()
        if "\\u0000" in text and any(
            "\0" in cell for cell in chain(*flat(record, window.record).items())
        ):
            raise ExportFault("binary", detail="NUL characters in the text")
        yield Part(text, record=record, number=window.record)


def _items(window: "_Window", closing_bracket: str) -> Iterator[None]:
    """Pass the brackets and commas of an array or object; what stands between is the caller's."""
    window.take()
    if window.peek() != closing_bracket:
        while True:
            yield
            if window.peek() == closing_bracket:
                break
            if window.peek() != ",":
                raise window.broken()
            window.take()
            window.peek()
    window.take()


_Pairs = Callable[[list[tuple[str, Any]]], dict[str, Any]]


class _Window:
    """The part of a file's text that is held, and the place in it."""

    def __init__(self, file: BinaryIO, pairs: _Pairs | None) -> None:
        self.record = 0
        """The record that is read, or was last."""
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder(
            parse_int=_Number, parse_float=_Number, parse_constant=_Number, object_pairs_hook=pairs
        )
        self._text = ""
        self._at = self._from = 0
        self._bytes = 0
        self._is_ended = False

    def peek(self) -> str:
        """Return the next character that is no blank, '' at the end, and stand on it."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self) -> None:
        """Pass one character."""
        self._at += 1

    def taken(self) -> str:
        """Return what was passed since this was last asked."""
        text = self._text[self._from : self._at]
        self._from = self._at
        return text

    def value(self) -> object:
        """Pass a JSON value and return it."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if not self._may_go_on(error) or not self._more():
                    raise self.broken() from error
                continue
            except ExportFault as fault:  # of `pairs`
                fault.record = max(1, self.record)
                raise
            if end == len(self._text) and self._more():
                continue  # a number may go on
            if end - self._at > _LONGEST_RECORD:
                raise self._too_long()
            self._at = end
            return value

    def broken(self) -> ExportFault:
        """Return the fault of a text that is no JSON here."""
        return ExportFault("json_broken", record=max(1, self.record))

    def _too_long(self) -> ExportFault:
        limit = _LONGEST_RECORD >> 20
        return ExportFault("record_too_long", record=max(1, self.record), limit=limit)

    def _may_go_on(self, error: json.JSONDecodeError | RecursionError) -> bool:
        """Whether the text may break off only because no more of it is held."""
        return not isinstance(error, RecursionError) and (
            error.msg.startswith("Unterminated string")
            or error.pos > len(self._text) - _LONGEST_WORD
        )

    def _more(self) -> bool:
        held = len(self._text) - self._at
        if self._is_ended:
            return False
        if held > _LONGEST_RECORD:
            raise self._too_long()
        chunk = self._file.read(max(_CHUNK_BYTES, held))  # twice as much: a few tries a record
        self._is_ended = not chunk
        try:
            text = self._decoder.decode(chunk, final=self._is_ended)
        except UnicodeDecodeError as error:
            offset = self._bytes + error.start + 1
            raise ExportFault("undecodable", encoding="UTF-8", offset=offset) from error
        self._bytes += len(chunk) - len(self._decoder.getstate()[0])
        self._text = self._text[self._from :] + text
        self._at, self._from = self._at - self._from, 0
        return bool(text) or not self._is_ended


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ExportFault("json_repeated_key", column=twice)
    return record


def _shown(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "") or "-"
