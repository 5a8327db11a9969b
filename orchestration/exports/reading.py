"""One export's bytes to one Parquet file of the raw zone, whole or not at all.

Belongs here: choosing the reader, the landing's own columns, Parquet's settings. Doesn't: whether
the file should be read (landing).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from orchestration.durable_files import whole_file
from orchestration.exports.csv_reader import read_csv
from orchestration.exports.erasure import without_marks
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import LANDING_COLUMNS, Header
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.sniffing import Format, tell_format
from orchestration.exports.store import StoredBytes
from orchestration.exports.xlsx_reader import read_xlsx

_ROW_GROUP_BYTES = 48 << 20
"""Text held before a row group is written: 80 short columns make about 100,000 rows of it."""


@dataclass(frozen=True)
class Reading:
    """What was found in a file that was read whole."""

    encoding: str
    delimiter: str
    header: Header
    record_count: int
    """Records written: without those erased, whose numbers nobody else gets."""


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
    is_workbook = tell_format(stored.path) is Format.WORKBOOK
    table = (read_xlsx if is_workbook else read_csv)(stored.path, settings)
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
    count = last = 0
    with (
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
        ) as writer,
    ):
        pending: list[pa.RecordBatch] = []
        for batch in table.batches:
            numbers = pa.array(np.arange(last + 1, last + batch.num_rows + 1, dtype=np.int64))
            last += batch.num_rows
            kept, numbers = without_marks(batch, numbers)
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
    return Reading(table.encoding, table.delimiter, table.header, count)
