"""Which published numbers of a cycle differ between two makings of its tables.

Belongs here: what identifies a row, what counts as another number. Doesn't: what follows from it.
"""

from collections.abc import Mapping

import duckdb

from orchestration.auditing.run_records import RESTATEMENTS
from orchestration.publishing.tables import Declaration
from orchestration.sql_text import as_text

TOLERANCE = 1e-9  # what two engines, or two versions of one, may differ by

_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "HUGEINT", "DOUBLE", "DECIMAL", "BOOLEAN")
# Keys that have a column of their own in audit_restatements.
_OWN_COLUMNS = (
    "weighting_mode",
    "domain_type",
    "domain_id",
    "component_type",
    "service_id",
    "perspective_id",
    "item_id",
)
_FOUND = [
    name for name in RESTATEMENTS.names if name not in ("run_id", "restated_at", "why", "cycle_id")
]


def result_tables(
    connection: duckdb.DuckDBPyConnection, database: str, declared: Mapping[str, Declaration]
) -> dict[str, str]:
    """Return the tables of an attached publication that hold a cycle's results, by name.

    Results are made of persons' answers. Dimensions hold names, which may be corrected, and the
    records of runs differ by nature.
    """
    rows = connection.execute(
        """
        select distinct table_name from information_schema.columns
        where table_catalog = ? and table_schema = 'main' and column_name = 'cycle_id'
        order by all
        """,
        [database],
    ).fetchall()
    return {
        name: f"{database}.main.{name}"
        for (name,) in rows
        if name in declared and declared[name].is_result
    }


def find_moved(
    connection: duckdb.DuckDBPyConnection,
    cycle_id: str,
    *,
    old: Mapping[str, str],
    new: Mapping[str, str],
    declared: Mapping[str, Declaration],
) -> int:
    """Add the cycle's figures that differ to the temporary table `moved`; return how many.

    `old` and `new` are relations by table name; `declared` says what tells their rows apart.
    Tables and columns that one side alone has are no figures that moved. A row that one side alone
    has counts with each of its figures. One that either side hides has none: that it moved is told.
    """
    connection.execute(f"create temp table if not exists moved as {_nothing_moved()}")
    before = _count(connection)
    for table in sorted(old.keys() & new.keys()):
        columns = _common_columns(connection, old[table], new[table])
        keys = [name for name in declared[table].grain if name in columns]
        figures = {name: kind for name, kind in columns.items() if name not in keys}
        connection.execute(_joined(cycle_id, old[table], new[table], keys, list(figures)))
        if _has_twins(connection, keys):
            raise ValueError(
                f"{table}: rows are not told apart by {', '.join(keys)}; mend the model's "
                "unique_key"
            )
        for name, kind in figures.items():
            connection.execute(
                _moved(cycle_id, table, keys, name, kind, has_hidden="is_suppressed" in figures)
            )
    return _count(connection) - before


def examples(connection: duckdb.DuckDBPyConnection, cycle_id: str, count: int) -> list[str]:
    """Return the first figures of `moved` as sentences, national scores first."""
    rows = connection.execute(
        """
        select
            concat_ws(' ', table_name, weighting_mode, domain_type || '=' || domain_id,
                component_type, service_id, perspective_id, item_id, row_name, figure_name),
            coalesce(old_text, cast(old_value as varchar), '–'),
            coalesce(new_text, cast(new_value as varchar), '–')
        from moved
        where cycle_id = ?
        order by
            table_name <> 'idx_scores', domain_type <> 'national', component_type <> 'index',
            figure_name <> 'score', weighting_mode = 'none', 1
        limit ?
        """,
        [cycle_id, count],
    ).fetchall()
    return [f"{where}: {old} → {new}" for where, old, new in rows]


def _common_columns(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> dict[str, str]:
    """Return names and types of the columns that both have, as they are on the new side."""
    known = {name for name, *_ in connection.execute(f"describe from {old}").fetchall()}
    return {
        name: kind
        for name, kind, *_ in connection.execute(f"describe from {new}").fetchall()
        if name in known
    }


def _joined(cycle_id: str, old: str, new: str, keys: list[str], figures: list[str]) -> str:
    same_row = " and ".join(f'old."{key}" is not distinct from new."{key}"' for key in keys)
    selected = [f'coalesce(old."{key}", new."{key}") as "{key}"' for key in keys] + [
        f'{side}."{figure}" as "{side}_{figure}"' for figure in figures for side in ("old", "new")
    ]
    cycle = as_text(cycle_id)
    # Which hidden rows there are is the version's: older ones had none of what nobody answered.
    is_told = (
        " where not (old.cycle_id is null and coalesce(new.is_suppressed, false)"
        " or new.cycle_id is null and coalesce(old.is_suppressed, false))"
        if "is_suppressed" in figures
        else ""
    )
    return f"""
        create or replace temp table joined as
        select {", ".join(selected)}
        from (from {old} where cycle_id = {cycle}) as old
        full join (from {new} where cycle_id = {cycle}) as new on {same_row}
        {is_told}
    """


def _has_twins(connection: duckdb.DuckDBPyConnection, keys: list[str]) -> bool:
    names = ", ".join(f'"{key}"' for key in keys)
    rows = connection.execute(
        f"select 1 from joined group by {names} having count(*) > 1 limit 1"
    ).fetchall()
    return bool(rows)


def _moved(
    cycle_id: str, table: str, keys: list[str], figure: str, kind: str, *, has_hidden: bool
) -> str:
    old, new = f'"old_{figure}"', f'"new_{figure}"'
    is_number = kind.startswith(_NUMBERS)
    differs = f"{old} is distinct from {new}"
    if is_number:
        old, new = (f"cast({side} as double)" for side in (old, new))
        differs += f" and coalesce(abs({old} - {new}) > {TOLERANCE}, true)"
    if figure == "null_reason" and has_hidden:
        # Publications of older versions didn't say why a row is hidden.
        differs += f' and not ("old_is_suppressed" and "new_is_suppressed" and {old} is null)'
    is_hidden = (
        'coalesce("old_is_suppressed", false) or coalesce("new_is_suppressed", false)'
        if has_hidden
        else "false"
    )
    old, new = (f"case when not ({is_hidden}) then {side} end" for side in (old, new))
    others = [f"'{key}=' || \"{key}\"" for key in keys if key not in (*_OWN_COLUMNS, "cycle_id")]
    row_name = f"nullif(concat_ws(', ', {', '.join(others)}), '')" if others else "null"
    values = {
        "table_name": as_text(table),
        **{key: f'"{key}"' if key in keys else "null" for key in _OWN_COLUMNS},
        "row_name": row_name,
        "figure_name": as_text(figure),
        "old_value": old if is_number else "null",
        "new_value": new if is_number else "null",
        "old_text": "null" if is_number else f"cast({old} as varchar)",
        "new_text": "null" if is_number else f"cast({new} as varchar)",
        "is_suppressed": is_hidden,
    }
    selected = ", ".join(f"{value} as {name}" for name, value in values.items())
    return (
        f"insert into moved by name select {as_text(cycle_id)} as cycle_id, {selected}"
        f" from joined where {differs}"
    )


def _nothing_moved() -> str:
    kinds = {
        name: "double"
        if name.endswith("_value")
        else "boolean"
        if name.startswith("is_")
        else "varchar"
        for name in _FOUND
    }
    columns = ["null::varchar as cycle_id"] + [
        f"null::{kind} as {name}" for name, kind in kinds.items()
    ]
    return f"select {', '.join(columns)} where false"


def _count(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("select count(*) from moved").fetchall()[0][0])
