"""SPSS files (.sav, .zsav) to record batches, every cell text: codes, not labels.

Belongs here: talking to the child process that opens the file (spss_cells). Doesn't: writing.

What the file itself calls missing is blank; dates are `2025-06-01 00:00:00`, as of a workbook. Its
labels, of variables and of values, go along for who maps columns (`ilk inspect`). A case has no row
in a spreadsheet: its `_source_row` is its number, 1 being the first.
"""

from collections.abc import Generator
from pathlib import Path

import pyarrow as pa

from orchestration.exports import spss_cells
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import MAX_COLUMNS, Header, known_names, unique_names
from orchestration.exports.reader_child import ReaderChild
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.table import ExportTable


def read_sav(path: Path, settings: ReaderSettings) -> ExportTable:
    """Open the file; its batches are read as they are asked for.

    A column bears its variable's name, or its label where that is what the profile knows. Raises
    ExportFault here or while the batches are read: also where pyreadstat crashes, or is missing.
    """
    child = ReaderChild(
        spss_cells.__file__,
        str(path),
        silence="sav_crashed",
        memory=spss_cells.MEMORY_BYTES >> 30,
        seconds=spss_cells.CPU_SECONDS,
    )
    try:
        told = child.line()
        names, questions = told["names"], told["questions"]
        if not names:
            raise ExportFault("header_only")
        if len(names) > MAX_COLUMNS:
            raise ExportFault("too_many_columns", found=len(names), limit=MAX_COLUMNS)
    except BaseException:
        child.close()
        raise
    columns = unique_names(known_names(names, questions, settings.headings))
    labels = {
        column: told["labels"][name]
        for column, name in zip(columns, names, strict=True)
        if name in told["labels"]
    }
    return ExportTable(
        encoding="spss",
        delimiter="",
        header=Header(columns, 0, len(columns), has_other_names=True, texts=tuple(questions)),
        batches=_batches(child),
        labels=labels,
    )


def _batches(child: ReaderChild) -> Generator[tuple[pa.RecordBatch, pa.Int64Array]]:
    first = 1
    with child:
        child.ask("cases")
        while "end" not in (line := child.line()):
            columns = [pa.array(cells, pa.string()) for cells in line["rows"]]
            names = [f"f{place}" for place in range(len(columns))]
            batch = pa.RecordBatch.from_arrays(columns, names=names)
            yield batch, pa.array(range(first, first + batch.num_rows), pa.int64())
            first += batch.num_rows
