"""The warehouse's tables as a build left them, and what their columns are made of.

Belongs here: the values that lineage is told in, reading tables, taking cycles out of them.
Doesn't: building (orchestration/dbt_build.py), finding out what a column is made of (columns.py),
showing it (orchestration/defs/warehouse.py, runs.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb

_NOT_DAMAGED = ("Could not set lock", "Cannot open file")  # another program's, or not ours to read


class ColumnOf(NamedTuple):
    """A column of a table; `table` is `schema.name`, of a raw file `raw.survey_responses`."""

    table: str
    column: str


ColumnLineage = dict[str, dict[str, list[ColumnOf]]]
"""By model (`schema.name`) and column, the columns it is made of; empty for a constant or count."""


@dataclass(frozen=True)
class Table:
    """A table or view of the warehouse: its columns' types by name, and its rows (None: a view)."""

    columns: Mapping[str, str]
    row_count: int | None


def warehouse_tables(warehouse: Path) -> dict[str, Table]:
    """Return the warehouse's tables and views by `schema.name`."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        columns: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "select schema_name || '.' || table_name, column_name, data_type"
            " from duckdb_columns() where not internal order by table_oid, column_index"
        ).fetchall():
            columns.setdefault(table, {})[column] = kind
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        counts = {
            f"{schema}.{name}": connection.execute(
                f'select count(*) from "{schema}"."{name}"'
            ).fetchall()[0][0]
            for schema, name in names
        }
    return {name: Table(kinds, counts.get(name)) for name, kinds in columns.items()}


def can_be_read(warehouse: Path) -> bool:
    """Whether the file is a whole database, as far as opening it tells."""
    try:
        duckdb.connect(str(warehouse), read_only=True).close()
    except duckdb.Error as error:
        return any(words in str(error) for words in _NOT_DAMAGED)
    return True


def lacks_tables(warehouse: Path, tables: Collection[str]) -> bool:
    """Whether one of the tables (`schema.name`) is not there: another version built the file.

    Or is a view, of rows that lie beside it (response_files.py).

    Of a file that another program has open nothing is known; building in it will tell.
    """
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            held = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() union all"
                " select schema_name || '.' || view_name from duckdb_views()"
            ).fetchall()
    except duckdb.IOException:
        return False
    return not {*tables} <= {name for (name,) in held}


def remove_warehouse(warehouse: Path) -> None:
    """Remove the file and DuckDB's log beside it; runs make it again from the raw zone."""
    warehouse.unlink(missing_ok=True)
    warehouse.with_name(f"{warehouse.name}.wal").unlink(missing_ok=True)


def drop_cycles(warehouse: Path, cycle_ids: Collection[str]) -> None:
    """Take the rows of cycles out of every table that dbt built, all or none; seeds stay."""
    if not cycle_ids or not warehouse.is_file():
        return
    with duckdb.connect(str(warehouse)) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_columns()"
            " inner join duckdb_tables() using (database_name, schema_name, table_name)"
            " where column_name = 'cycle_id' and schema_name <> 'seeds'"
        ).fetchall()
        connection.execute("begin")
        for schema, table in tables:
            connection.execute(
                f'delete from "{schema}"."{table}" where list_contains(?, cycle_id)',
                [list(cycle_ids)],
            )
        connection.execute("commit")
