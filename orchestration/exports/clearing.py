"""People's records taken out of an export of the raw zone: new bytes and a new reading of them.

Belongs here: the three steps that a pull and `ilk forget` share. Doesn't: whose records
(forgotten), how bytes are edited (erasure), the registry, removing the old bytes.
"""

from collections.abc import Mapping, Set
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from orchestration.bounded_engine import BoundedEngine
from orchestration.exports.erasure import ErasureError, check_nothing_else_changed, erase_records
from orchestration.exports.faults import ExportFault
from orchestration.exports.headers import heading_key
from orchestration.exports.reading import Reading, read_export
from orchestration.exports.seed_files import ReaderSettings
from orchestration.exports.store import StoredBytes, store_edited, stored_path


def clear(
    raw_dir: Path,
    parquet: Path,
    *,
    records: Mapping[int, Set[str]],
    encoding: str,
    delimiter: str,
    profile_id: str,
    pulled_at: datetime,
    engine: BoundedEngine,
) -> tuple[StoredBytes, Reading]:
    """Write an export of the raw zone once more, without some records, and read what is left.

    `parquet` is the reading that is there, named by the sha256 of its bytes; the new one lies
    beside it, and `engine` compares them. The rest as `erase_records` has it. Raises ErasureError,
    and then leaves no trace.
    """
    sheet = encoding.removeprefix("xlsx:") if encoding.startswith("xlsx:") else None
    cleared = store_edited(
        raw_dir,
        lambda target: erase_records(
            stored_path(raw_dir, parquet.stem),
            target,
            encoding=encoding,
            delimiter=delimiter,
            records=records,
        ),
    )
    target = parquet.with_name(f"{cleared.sha256}.parquet")
    settings = ReaderSettings(
        delimiter=delimiter or None,
        encoding=None if not delimiter or encoding.startswith("utf-8") else encoding,
        sheet=sheet,
        headings=frozenset(map(heading_key, pa.parquet.read_schema(parquet).names)),
    )
    try:
        reading = read_export(
            cleared, target, settings=settings, profile_id=profile_id, pulled_at=pulled_at
        )
        check_nothing_else_changed(engine, parquet, target, erased=set(records))
    except (ErasureError, ExportFault) as error:
        target.unlink(missing_ok=True)
        cleared.path.unlink()
        if isinstance(error, ErasureError):
            raise
        raise ErasureError(f"what is left can't be read: {error.in_english('it')}") from error
    return cleared, reading
