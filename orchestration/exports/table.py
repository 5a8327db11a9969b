"""What a reader hands on: a table of text, read as it is asked for.

Belongs here: the one shape that all readers share. Doesn't: any reading or writing.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from orchestration.exports.headers import Header
from orchestration.words import FaultText


@dataclass(frozen=True)
class BrokenBytes:
    """Bytes that are not of the text's encoding and were read as U+FFFD."""

    count: int
    offset: int
    """Of the first, counted from 1."""
    row: int
    column: str


@dataclass(frozen=True)
class ExportTable:
    """An export that was opened.

    `batches` yields pyarrow record batches of string columns in the header's order, the names of
    which don't matter, an empty cell being '', each with the rows that its records stand in: 1 is
    the first of the file, header and blank rows counted, as a spreadsheet shows them; where there
    are no rows (JSON, SPSS) a record's number, and the header has none either. It can be
    read once, must be closed, and raises ExportFault where the file turns out to be broken: what
    was yielded before must then be thrown away.
    """

    encoding: str
    delimiter: str
    """'' for what is no delimited text."""
    header: Header
    batches: Generator[tuple[pa.RecordBatch, pa.Int64Array]]
    broken: BrokenBytes | None = None
    notes: list[FaultText] = field(default_factory=list)
    """What the file holds and the table doesn't: whole once its batches were read."""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By column, what its codes mean, where the file says so (SPSS)."""
