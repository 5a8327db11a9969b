"""Records that a stray quotation mark swallowed: they stand as lines in a cell of another record.

Belongs here: telling such a cell from an answer of several lines. Doesn't: quotation marks that are
never closed (csv_reader).

A quotation mark that opens a cell by mistake ends at the next one, often many records further down:
both parsers take what lies between for one cell, and no record seems to be lost. Such a cell, cut
where it was joined, gives two whole records: what stood left of it and its first line; its last
line and what stands right of it.
"""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.exports.faults import ExportFault
from orchestration.exports.sniffing import rows_of

_SAMPLE_RECORDS = 100
_FEWEST_COLUMNS = 3
"""With fewer, any two lines of a text could be records."""

_LINE_BREAK = re.compile("\r\n|\r|\n")


class SwallowedRecords:
    """The look of a table's records, learnt from its first ones."""

    def __init__(self, names: Sequence[str], delimiters: Sequence[str]) -> None:
        """`delimiters`: those that may stand in a cell between what were cells."""
        self._names = names
        self._delimiters = delimiters
        self._shapes: list[set[str]] = []

    def refuse(self, batch: pa.RecordBatch, numbers: pa.Int64Array) -> None:
        """Raise ExportFault for a cell that holds whole records; batches come in their order."""
        if len(self._names) < _FEWEST_COLUMNS:
            return
        if not self._shapes:
            sample = batch.slice(0, _SAMPLE_RECORDS)
            self._shapes = [{_shape(cell) for cell in column.to_pylist()} for column in sample]
        for place, column in enumerate(batch.columns):
            for row in _cells_of_several_lines(column):
                lines = _LINE_BREAK.split(column[row].as_py())
                if any(
                    self._is_joined(batch, row, place, lines, mark) for mark in self._delimiters
                ):
                    raise ExportFault(
                        "swallowed",
                        row=numbers[row].as_py(),
                        column=self._names[place],
                        lines=len(lines) - 1,
                    )

    def _is_joined(
        self, batch: pa.RecordBatch, row: int, place: int, lines: list[str], delimiter: str
    ) -> bool:
        """Whether the cell at `place` was joined of two records, the second like the others."""
        width = batch.num_columns
        # Cheap, and rules out nearly all answers.
        if lines[0].count(delimiter) + lines[-1].count(delimiter) < width - 1:
            return False
        first, last = (next(iter(rows_of([line], delimiter)), []) for line in (lines[0], lines[-1]))
        if place + len(first) != width or len(last) != place + 1:
            return False
        second = [*last, *(column[row].as_py() for column in batch.columns[place + 1 :])]
        filled = [
            _shape(cell) in shapes
            for cell, shapes in zip(second, self._shapes, strict=True)
            if cell.strip()
        ]
        return 2 * sum(filled) > len(filled)


def _shape(cell: str) -> str:
    """Return how a cell looks: `2025-10-02 08:00` as `0-0-0 0:0`, a word as `a`."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", cell.strip()))


def _cells_of_several_lines(column: pa.StringArray) -> Iterator[int]:
    text = column.buffers()[2]
    content = text.to_pybytes() if text is not None else b""
    if b"\n" not in content and b"\r" not in content:  # a look at all cells at once: 0.1 ns a byte
        return
    found = pc.match_substring_regex(column, "[\r\n]")
    yield from pc.indices_nonzero(found).to_pylist()
