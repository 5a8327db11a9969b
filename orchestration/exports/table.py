"""What a reader hands on: a table of text, read as it is asked for.

Belongs here: the one shape that all readers share. Doesn't: any reading or writing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from orchestration.exports.headers import Header


@dataclass(frozen=True)
class ExportTable:
    """An export that was opened.

    `batches` yields pyarrow record batches of string columns in the header's order, the names of
    which don't matter, an empty cell being ''. It can be read once, and raises ExportFault where
    the file turns out to be broken: what was yielded before must then be thrown away.
    """

    encoding: str
    delimiter: str
    """'' for a workbook."""
    header: Header
    batches: Iterator[pa.RecordBatch]
