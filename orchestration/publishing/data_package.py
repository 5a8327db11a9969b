"""`datapackage.json`: what every table of a publication is, as Frictionless Data has it.

Belongs here: the descriptor over `csv/`. Doesn't: writing the files (spreadsheets.py), sums over
everything (checksums.py).

Titles and descriptions are in both languages; `unit`, `missing_reason`, `parquet` and
`foreignKeysWhereWhole` (keys of which a row may lack a part) are properties of ours, which the
standard allows. The first row of a CSV is a heading for people: names are those
of the schema, by place. Nothing in it says who may use the data, since nobody has told us.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.publishing.checksums import sha256_of
from orchestration.publishing.specifications import (
    ColumnSpec,
    Described,
    TableSpec,
    specifications,
)
from orchestration.publishing.spreadsheets import (
    DAY,
    DECIMAL_MARK,
    DELIMITER,
    MOMENT,
    headings,
    kind_of,
    why_empty,
)
from orchestration.sql_text import as_name

DATA_PACKAGE = "datapackage.json"
_SOURCES = "audit_reconciliation"


def write_data_package(
    database: Path, known: Mapping[str, Described], folder: Path, publication_id: str
) -> None:
    """Describe the CSV files below `folder`, which were made of the closed `database`."""
    with duckdb.connect(database, read_only=True) as connection:
        specs = specifications(known, connection)
        names = _index_names(connection) if "dim_cycles" in specs else []
        sources = _sources(connection) if _SOURCES in specs else []
        filled = {name for name in specs if _has_rows(connection, name, "true")}
        schemas = {name: _schema(connection, spec, specs) for name, spec in specs.items()}
    package = {
        "name": "ilk",
        "id": publication_id,
        "version": publication_id,
        "title": "; ".join(names) or "ILK",
        "description": (
            "Tabel publikasi; angka yang dirahasiakan kosong di sini juga. / The published tables; "
            "what is hidden is empty here too."
        ),
        "sources": sources,
        "resources": [
            # Under a heading that isn't read, a table without rows is taken for a broken source.
            _resource(spec, folder, schemas[name])
            | ({"profile": "tabular-data-resource"} if name in filled else {"type": "file"})
            for name, spec in specs.items()
        ],
    }
    (folder / DATA_PACKAGE).write_text(
        json.dumps(package, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _index_names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    columns = [name for name, *_ in connection.execute("describe dim_cycles").fetchall()]
    if not {"index_name_id", "index_name_en"} <= {*columns}:
        return []
    rows = connection.execute(
        "select distinct index_name_id, index_name_en from dim_cycles order by all"
    ).fetchall()
    return [" / ".join(filter(None, row)) for row in rows]


def _sources(connection: duckdb.DuckDBPyConnection) -> list[dict[str, str]]:
    """Return the exports that the publication tells of, by name and hash; nobody can fetch them."""
    rows = connection.execute(
        f"select distinct cycle_id, file_name, file_sha256 from {_SOURCES} order by all"
    ).fetchall()
    return [{"title": f"{name} ({cycle}, sha256 {sha256})"} for cycle, name, sha256 in rows]


def _has_rows(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> bool:
    query = f"select 1 from {as_name(table)} where {condition} limit 1"
    return bool(connection.execute(query).fetchall())


def _resource(spec: TableSpec, folder: Path, schema: Mapping[str, Any]) -> dict[str, Any]:
    path = folder / "csv" / f"{spec.name}.csv"
    return {
        "name": spec.name,
        "path": f"csv/{spec.name}.csv",
        "title": spec.label.both,
        "description": spec.description.both,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_of(path)}",
        "parquet": f"parquet/{spec.name}/{spec.name}.parquet",
        "dialect": {"delimiter": DELIMITER, "header": False, "commentRows": [1]},
        "schema": schema,
    }


def _schema(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, specs: Mapping[str, TableSpec]
) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [
            _field(spec, column, heading)
            for column, heading in zip(spec.columns, headings(spec), strict=True)
        ],
        "missingValues": [""],
    }

    def is_whole(columns: Sequence[str]) -> bool:
        """Whether no row has a part of the key and lacks another: the standard knows none such."""
        empty = [f"{as_name(column)} is null" for column in columns]
        partly = f"({' or '.join(empty)}) and not ({' and '.join(empty)})"
        return not _has_rows(connection, spec.name, partly)

    if spec.key:
        nothing = " or ".join(f"{as_name(column)} is null" for column in spec.key)
        if _has_rows(connection, spec.name, nothing):  # which no primary key may hold
            schema["uniqueKeys"] = [[*spec.key]]
        else:
            schema["primaryKey"] = [*spec.key]
    for key in spec.foreign_keys:
        if key.table in specs:
            said = {
                "fields": [*key.columns],
                # The standard's word for the table itself is none.
                "reference": {
                    "resource": "" if key.table == spec.name else key.table,
                    "fields": [*key.to],
                },
            }
            name = "foreignKeys" if is_whole(key.columns) else "foreignKeysWhereWhole"
            schema.setdefault(name, []).append(said)
    return schema


def _field(spec: TableSpec, column: ColumnSpec, heading: str) -> dict[str, Any]:
    kind = kind_of(column)
    field: dict[str, Any] = {
        "name": column.name,
        "type": kind,
        "title": heading,
        "description": column.description.both,
        "missing_reason": why_empty(spec, column).both,
    }
    if column.unit:
        field["unit"] = column.unit_label.both
    if kind == "number":
        field["decimalChar"] = DECIMAL_MARK
    if kind in ("date", "datetime"):
        field["format"] = DAY if kind == "date" else MOMENT
    if column.is_required:
        field["constraints"] = {"required": True}
    return field
