"""The static API: every published table and every unit as JSON and CSV, below `site/api/v1/`.

Belongs here: the files' shapes and names. Doesn't: their description (document.py), choosing what
is published (the database that is read holds nothing else).

    tables/<table>.json, .csv     whole tables and views
    units/<unit_id>.json          what all of them say of one unit; .csv its rows of idx_scores
    cycles.json, units.json       what there is
    openapi.json, README.txt      how to read it

JSON of rows is `columns` and `rows`, a row an array in the columns' order: a third of what objects
take, and one line to turn into them. Rows are in the published table's own order.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable_files import below
from orchestration.publishing.api.document import document, readme, rows_of_a_unit, told
from orchestration.publishing.specifications import ColumnSpec, TableSpec
from orchestration.publishing.spreadsheets import kind_of
from orchestration.sql_text import as_name, as_text, formula_safe

PLACE = ("api", "v1")
_SCORES = "idx_scores"
_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


def write_api(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    specs: Mapping[str, TableSpec],
    *,
    publication_id: str = "",
) -> None:
    """Write all of it into the new `folder`, from the published tables of the current schema.

    `specs`: each table and view that there is. Raises OutsidePathError where a unit's id is no name
    of a file.
    """
    specs = told(specs)
    (folder / "tables").mkdir(parents=True)
    (folder / "units").mkdir()
    for spec in specs.values():
        _write_table(connection, folder / "tables", spec)
    unit_ids = _write_units(connection, folder / "units", specs)
    _write(folder / "cycles.json", _objects(connection, specs.get("dim_cycles"), "true"))
    _write(folder / "units.json", _units(connection, specs.get("dim_units"), unit_ids))
    described = document(specs, unit_ids, publication_id=publication_id)
    _write(folder / "openapi.json", described)
    (folder / "README.txt").write_text(readme(), encoding="utf-8")


def _write_table(connection: duckdb.DuckDBPyConnection, folder: Path, spec: TableSpec) -> None:
    target = as_text(folder / f"{spec.name}.csv")
    cells = ", ".join(f"{_csv_cell(column)} as {as_name(column.name)}" for column in spec.columns)
    rows_of = f"select {cells} from ({_in_order(spec)})"
    connection.execute(f"copy ({rows_of}) to {target} (format csv, header)")
    found = connection.execute(f"select {_row(spec.columns)} from ({_in_order(spec)})").fetchall()
    rows = ",\n".join(row for (row,) in found)
    (folder / f"{spec.name}.json").write_text(
        f'{{"table": {json.dumps(spec.name)}, {_body(spec, rows)}}}\n', encoding="utf-8"
    )


def _write_units(
    connection: duckdb.DuckDBPyConnection, folder: Path, specs: Mapping[str, TableSpec]
) -> list[str]:
    """Write a JSON and a CSV a unit, each table read once; return the units' ids in order."""
    parts: dict[str, list[str]] = defaultdict(list)
    for spec in specs.values():
        if (of_unit := rows_of_a_unit(spec)) is None:
            continue
        key, where = of_unit
        rows = connection.execute(
            f"""
            select {as_name(key)}, string_agg({_row(spec.columns)}, ',\n' order by place)
            from (select *, row_number() over () as place from ({_in_order(spec)}))
            where {where} and {as_name(key)} is not null
            group by all
            """
        ).fetchall()
        for unit_id, text in rows:
            parts[unit_id].append(f"{json.dumps(spec.name)}: {{{_body(spec, text)}}}")
    unit_ids = sorted(parts)
    for unit_id in unit_ids:
        tables = ",\n".join(parts[unit_id])
        text = f'{{"unit_id": {json.dumps(unit_id)}, "tables": {{\n{tables}}}}}\n'
        below(folder, f"{unit_id}.json").write_text(text, encoding="utf-8")
    if _SCORES in specs:
        _write_scores(connection, folder, specs[_SCORES], unit_ids)
    return unit_ids


def _write_scores(
    connection: duckdb.DuckDBPyConnection, folder: Path, spec: TableSpec, unit_ids: Sequence[str]
) -> None:
    """Write each unit's rows of idx_scores as CSV, one grain a file; a header where it has none."""
    names = [column.name for column in spec.columns]
    chosen = rows_of_a_unit(spec)
    assert chosen is not None  # it is of domains
    key, where = chosen
    # As text that DuckDB writes: the same digits as in the table's own file.
    cells = ", ".join(f"cast({_csv_cell(column)} as varchar)" for column in spec.columns)
    rows: dict[str, list[Sequence[str | None]]] = {unit_id: [] for unit_id in unit_ids}
    found = connection.execute(
        f"select {as_name(key)}, {cells} from {as_name(spec.name)} where {where} "
        f"order by {', '.join(map(as_name, names))}"
    )
    for unit_id, *row in found.fetchall():
        rows[unit_id].append(row)
    for unit_id, own in rows.items():
        path = below(folder, f"{unit_id}.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([names, *own])


def _units(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec | None, unit_ids: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the units that have a file: as they are now, and the file's place."""
    versions = sorted(_objects(connection, spec, "true"), key=lambda row: str(row["valid_from"]))
    current = {str(row["unit_id"]): row for row in versions}
    return [
        {
            "unit_id": unit_id,
            **{
                name: current.get(unit_id, {}).get(name)
                for name in ("unit_name", "unit_level_id", "unit_type", "region_id")
            },
            "json": f"units/{unit_id}.json",
            "csv": f"units/{unit_id}.csv",
        }
        for unit_id in unit_ids
    ]


def _objects(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec | None, where: str
) -> list[dict[str, Any]]:
    """Return rows of a small table as objects; none where it isn't published."""
    if spec is None:
        return []
    names = [column.name for column in spec.columns]
    found = connection.execute(
        f"select {_row(spec.columns)} from {as_name(spec.name)} where {where}"
    ).fetchall()
    return [dict(zip(names, json.loads(row), strict=True)) for (row,) in found]


def _in_order(spec: TableSpec) -> str:
    """Return the SQL of a table's rows in their order: read by several threads they have none."""
    return f"from {as_name(spec.name)} order by all"


def _csv_cell(column: ColumnSpec) -> str:
    """Return the SQL of a cell: the pages lead people here, and their spreadsheets compute."""
    cell = as_name(column.name)
    return formula_safe(cell) if kind_of(column) == "string" else cell


def _row(columns: Sequence[ColumnSpec]) -> str:
    """Return the SQL of a row as a JSON array; an instant as RFC 3339 writes it, in UTC."""
    cells = ", ".join(
        f"strftime({as_name(column.name)}, '{_INSTANT}')"
        if column.type.startswith("TIMESTAMP")
        else as_name(column.name)
        for column in columns
    )
    return f"cast(json_array({cells}) as varchar)"


def _body(spec: TableSpec, rows: str) -> str:
    columns = json.dumps([column.name for column in spec.columns])
    return f'"columns": {columns}, "rows": [\n{rows}]'


def _write(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
