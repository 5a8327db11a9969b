"""The responses and answers that don't count, as a list for people: values first, then rows.

Belongs here: reading `audit_rejections` of one cycle. Doesn't: rejecting (dbt), how lists are
written (lists.py). Cells are shown as that table has them: without what may be an identifier.
"""

from pathlib import Path

from expectations.lists import MendingList
from orchestration.bounded_engine import BoundedEngine
from orchestration.sql_text import as_text
from orchestration.words import REASONS, in_words

_MOST = 1_000  # rows of one reason and column that are listed; the values' counts are of all
_REJECTED = """
create temp table rejected as
select rejection_reason, file_name, coalesce(source_column, '') as source_column,
    coalesce(value, '') as value, _source_row as row
from warehouse.marts.audit_rejections
inner join (
    select distinct sha256 as _file_sha256, name as file_name
    from read_parquet($export_files)
    where cycle_id = $cycle_id and status = 'read'
) using (_file_sha256, file_name)
where cycle_id = $cycle_id
"""
_VALUES = f"""
select rejection_reason, source_column, value, count(*) as row_count, count(distinct file_name)
from rejected
group by rejection_reason, source_column, value
qualify row_number() over (partition by rejection_reason, source_column order by count(*) desc)
    <= {_MOST}
order by rejection_reason, row_count desc, source_column, value
"""
_ROWS = f"""
select rejection_reason, file_name, row, source_column, value
from rejected
qualify row_number() over (partition by rejection_reason, source_column order by file_name, row)
    <= {_MOST}
order by rejection_reason, file_name, row, source_column
"""


def rejected_rows(
    engine: BoundedEngine, warehouse: Path, export_files: Path, cycle_id: str
) -> MendingList:
    """Return what of a cycle doesn't count, and why, rows as a spreadsheet counts them."""
    with engine.opened() as connection:
        connection.execute(f"attach {as_text(warehouse)} as warehouse (read_only)")
        connection.execute(_REJECTED, {"export_files": str(export_files), "cycle_id": cycle_id})
        values = connection.execute(_VALUES).fetchall()
        rows = connection.execute(_ROWS).fetchall()
    return MendingList(
        "rejected_rows",
        ("alasan", "reason", "column", "cell", "row_count", "file_count"),
        [(*_words(reason), *rest) for reason, *rest in values],
        ("alasan", "reason", "file", "row", "column", "cell"),
        [(*_words(reason), *rest) for reason, *rest in rows],
    )


def _words(reason: str) -> tuple[str, str]:
    text = in_words(REASONS, reason)
    return text.id, text.en
