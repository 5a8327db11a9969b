"""One export's bytes to one Parquet file of the raw zone, whole or not at all.

Belongs here: choosing the reader, the landing's own columns, Parquet's settings. Doesn't: whether
the file should be read (landing).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from orchestration.durable_files import whole_file
from orchestration.exports.csv_reader import read_csv
from orchestration.exports.erasure import without_marks
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import LANDING_COLUMNS, WHITE_SPACE, Header, find_header
from orchestration.exports.json_reader import read_json
from orchestration.exports.sav_reader import read_sav
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import DELIMITERS, Format, tell_format
from orchestration.exports.store import StoredBytes
from orchestration.exports.swallowed import SwallowedRecords
from orchestration.exports.table import BrokenBytes, ExportTable
from orchestration.exports.xlsx_reader import read_xlsx
from orchestration.words import FaultText

_READERS: dict[Format, Callable[[Path, ReaderSettings], ExportTable]] = {
    Format.TEXT: read_csv,
    Format.WORKBOOK: read_xlsx,
    Format.JSON: read_json,
    Format.SPSS: read_sav,
}

_OTHER_NAMES = b"ilk_other_names"
_READER = b"ilk_reader"
_READER_VERSION = b"3"
"""Of what a reading means: `_source_row` is the row in the file since 2; since 3 cells of workbooks
are what people see, and headings of LimeSurvey's VV are codes."""

_ROW_GROUP_BYTES = 48 << 20
"""Text held before a row group is written: 80 short columns make about 100,000 rows of it."""


@dataclass(frozen=True)
class Reading:
    """What was found in a file that was read whole."""

    encoding: str
    delimiter: str
    header: Header
    record_count: int
    """Records written: without blank rows and those erased, whose rows nobody else gets."""
    blank_row_count: int
    """Rows among the records without anything in them; lines with nothing on them are not seen."""
    broken: BrokenBytes | None
    notes: tuple[FaultText, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By column, what its codes mean, where the file says so (table.ExportTable)."""


def read_export(
    stored: StoredBytes,
    target: Path,
    *,
    settings: ReaderSettings,
    profile_id: str,
    pulled_at: datetime,
) -> Reading:
    """Write the export's records to the Parquet file `target`.

    `pulled_at` is UTC without a zone. Raises ExportFault, and then leaves no trace at `target`.
    """
    table = _READERS[tell_format(stored.path)](stored.path, settings)
    schema = pa.schema(
        [
            *((name, pa.string()) for name in table.header.names),
            *zip(
                LANDING_COLUMNS,
                (pa.string(), pa.int64(), pa.string(), pa.timestamp("us")),
                strict=True,
            ),
        ]
    )
    count = blank_count = 0
    delimiters = [table.delimiter] if table.delimiter else DELIMITERS
    swallowed = SwallowedRecords(table.header.names, delimiters)
    with (
        closing(table.batches) as batches,
        whole_file(target) as temporary,
        # zstd: as fast as snappy here, a third of the size. 1,000,000 x 80: 13 MB. A column's least
        # and greatest text serve nobody, and cost a fifth of the writing.
        pa.parquet.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            compression_level=1,
            store_schema=False,
            write_statistics=False,
            write_page_checksum=True,  # or seven of eight turned bits are read as other answers
        ) as writer,
    ):
        pending: list[pa.RecordBatch] = []
        for batch, numbers in batches:
            kept, numbers = without_marks(batch, numbers)
            unerased = kept.num_rows
            kept, numbers = _without_blank_rows(kept, numbers)
            blank_count += unerased - kept.num_rows
            swallowed.refuse(kept, numbers)
            rows = kept.num_rows
            own = [
                pa.repeat(pa.scalar(stored.sha256, pa.string()), rows),
                numbers,
                pa.repeat(pa.scalar(profile_id, pa.string()), rows),
                pa.repeat(pa.scalar(pulled_at, pa.timestamp("us")), rows),
            ]
            pending.append(pa.RecordBatch.from_arrays([*kept.columns, *own], schema=schema))
            count += rows
            if sum(waiting.nbytes for waiting in pending) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(pending))
                pending.clear()
        if pending:
            writer.write_table(pa.Table.from_batches(pending))
        if count == 0:
            raise ExportFault("header_only")
        told = {_OTHER_NAMES: b"1"} if table.header.has_other_names else {}
        writer.add_key_value_metadata({_READER: _reader(settings)} | told)
    return Reading(
        encoding=table.encoding,
        delimiter=table.delimiter,
        header=table.header,
        record_count=count,
        blank_row_count=blank_count,
        broken=table.broken,
        notes=tuple(table.notes),
        labels=table.labels,
    )


def is_current(target: Path, header: Sequence[str], settings: ReaderSettings) -> bool:
    """Whether `target` is what `read_export` would write now, from the same bytes.

    It is not where another version of it wrote the file, or where the headings that are known now
    are others, and hardly any stands in its header: it may stand in another row or sheet. Nor where
    it is damaged: the bytes are there to be read again.
    """
    try:
        metadata = pa.parquet.read_metadata(target).metadata or {}
    except (OSError, ValueError):  # pyarrow's own are of these two
        return False
    found = metadata.get(_READER, b"")
    if not is_undamaged(target):
        return False
    if found == _reader(settings):
        return True
    if _OTHER_NAMES in metadata:
        return False
    _, known = find_header([list(header)], settings.headings)
    return found.startswith(_READER_VERSION + b":") and known > 0


def is_undamaged(reading: Path) -> bool:
    """Whether a reading's pages are as they were written, by the checksums that they bear.

    Readings of before there were any bear none: only what can't be read is told of them.
    """
    try:
        names = pa.parquet.read_schema(reading).names
        # Texts as places in a page's list of them: nobody looks at them.
        with pa.parquet.ParquetFile(
            reading, page_checksum_verification=True, read_dictionary=names
        ) as file:
            for _ in file.iter_batches(use_threads=False):
                pass
    except (OSError, ValueError):  # pyarrow's own are of these two
        return False
    return True


def _reader(settings: ReaderSettings) -> bytes:
    known = hashlib.sha256("\n".join(sorted(settings.headings)).encode()).hexdigest()[:16]
    return _READER_VERSION + b":" + known.encode()


def _without_blank_rows(
    batch: pa.RecordBatch, numbers: pa.Int64Array
) -> tuple[pa.RecordBatch, pa.Int64Array]:
    """Return the records that hold anything, and their rows: spreadsheets leave others below."""
    places = np.arange(batch.num_rows)
    for column in batch.columns:
        text = pc.utf8_trim(column.take(places), WHITE_SPACE)
        places = places[pc.equal(text, "").to_numpy(zero_copy_only=False)]
        if not len(places):
            return batch, numbers
    is_kept = np.ones(batch.num_rows, dtype=bool)
    is_kept[places] = False
    return batch.filter(pa.array(is_kept)), numbers.filter(pa.array(is_kept))
