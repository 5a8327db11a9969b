"""What the static API says of itself: an OpenAPI 3.1 document and a page of plain text.

Belongs here: paths, schemas, words in both languages. Doesn't: the files (files.py). Types, labels,
descriptions and units are those of the specifications (orchestration/publishing).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.publishing.specifications import ColumnSpec, TableSpec, Words

Schema = dict[str, Any]

# Views of many rows a unit: with all names beside each figure they took 75 MB of 185 (the sample,
# 2026-11-27), and what they say idx_scores and fct_participation_days say too.
_LEFT_OUT = ("v_service_perspective", "v_participation_by_day")

_ABOUT = Words(
    id="Berkas JSON dan CSV dari publikasi: satu per tabel dan satu per satuan kerja. Tidak ada "
    "kueri; unduh berkas yang diperlukan. `rows` berisi larik dalam urutan `columns`. null: tidak "
    "ada angka, karena dirahasiakan (`is_suppressed`) atau tidak dapat dihitung; bukan nol.",
    en="JSON and CSV files of the publication: one a table and one a unit. Nothing is queried: "
    "fetch the file you need. `rows` holds arrays in the order of `columns`. null: there is no "
    "figure, since it is hidden (`is_suppressed`) or can't be computed; it is not zero.",
)
_JSON_TYPES = {
    "BOOLEAN": "boolean",
    "DATE": "string",
    "DOUBLE": "number",
    "FLOAT": "number",
    "VARCHAR": "string",
}
_FORMATS = {"DATE": "date"}


def told(specs: Mapping[str, TableSpec]) -> dict[str, TableSpec]:
    """Return the tables and views that the API has."""
    return {name: spec for name, spec in specs.items() if name not in _LEFT_OUT}


def rows_of_a_unit(spec: TableSpec) -> tuple[str, str] | None:
    """Return the column that names a unit, and the SQL of rows that speak of one; None: none do.

    Of several weighting modes the cycle's own alone, as on pages; whole tables have the others.
    """
    names = {column.name for column in spec.columns}
    if "unit_id" in names:
        key, where = "unit_id", "true"
    elif {"domain_type", "domain_id"} <= names:
        key, where = "domain_id", "domain_type = 'provider_unit'"
    else:
        return None
    if {"cycle_id", "weighting_mode"} <= names:
        where += (
            " and (weighting_mode is null or (cycle_id, weighting_mode) in"
            " (select (cycle_id, weighting_mode) from dim_cycles))"
        )
    return key, where


def document(
    specs: Mapping[str, TableSpec], unit_ids: Sequence[str], *, publication_id: str
) -> Schema:
    """Return the OpenAPI 3.1 document of the files; `specs`: of the tables that are told."""
    paths: Schema = {}
    for name, spec in specs.items():
        paths[f"/tables/{name}.json"] = _path(
            f"{name}_json", "tables", spec.label, spec.description, _json(_ref(name))
        )
        paths[f"/tables/{name}.csv"] = _path(
            f"{name}_csv", "tables", spec.label, spec.description, _CSV
        )
    of_units = [name for name, spec in specs.items() if rows_of_a_unit(spec)]
    paths |= _unit_paths(specs, unit_ids)
    paths["/cycles.json"] = _path(
        "cycles",
        "lists",
        Words("Siklus survei", "Survey cycles"),
        specs["dim_cycles"].description if "dim_cycles" in specs else Words("", ""),
        _json({"type": "array", "items": _object(specs.get("dim_cycles"))}),
    )
    paths["/units.json"] = _path(
        "units",
        "lists",
        Words("Satuan kerja yang punya berkas", "Units that have a file"),
        Words("", ""),
        _json(
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["unit_id", "json", "csv"],
                    "properties": {
                        "unit_id": {"type": "string"},
                        **{
                            name: {"type": ["string", "null"]}
                            for name in ("unit_name", "unit_level_id", "unit_type", "region_id")
                        },
                        "json": {"type": "string"},
                        "csv": {"type": "string"},
                    },
                },
            }
        ),
    )
    schemas = {name: _table(spec) for name, spec in specs.items()}
    schemas["unit"] = {
        "type": "object",
        "required": ["unit_id", "tables"],
        "properties": {
            "unit_id": {"type": "string"},
            "tables": {
                "type": "object",
                "properties": {name: _rows(specs[name]) for name in of_units},
                "additionalProperties": False,
            },
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ILK: publikasi sebagai berkas / the publication as files",
            "version": publication_id or "1",
            "description": _both(_ABOUT),
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def readme() -> str:
    """Return how the files are used, as plain text in both languages."""
    example = (
        "    import json, urllib.request\n"
        "    import pandas as pd\n\n"
        '    address = "https://HOST/site/api/v1/tables/idx_scores.json"\n'
        "    with urllib.request.urlopen(address) as file:\n"
        "        table = json.load(file)\n"
        '    scores = pd.DataFrame(table["rows"], columns=table["columns"])\n'
    )
    places = (
        "    openapi.json            OpenAPI 3.1\n"
        "    cycles.json             siklus / cycles\n"
        "    units.json              satuan kerja / units\n"
        "    tables/<table>.json     tables/<table>.csv\n"
        "    units/<unit_id>.json    units/<unit_id>.csv (idx_scores)\n"
    )
    return f"{_ABOUT.id}\n\n{_ABOUT.en}\n\n{places}\n{example}"


def _unit_paths(specs: Mapping[str, TableSpec], unit_ids: Sequence[str]) -> Schema:
    if not unit_ids:  # a template that stands for no file would be a path to nothing
        return {}
    parameter = {
        "name": "unit_id",
        "in": "path",
        "required": True,
        "description": "units.json",
        "schema": {"type": "string", "enum": list(unit_ids)},
    }
    label = Words("Semua tentang satu satuan kerja", "All that is said of one unit")
    told = Words(
        "Baris setiap tabel tentang satuan kerja itu, dalam mode bobot siklusnya.",
        "The rows of every table that speak of the unit, in the cycle's own weighting mode.",
    )
    paths = {
        "/units/{unit_id}.json": _path("unit_json", "units", label, told, _json(_ref("unit")))
        | {"parameters": [parameter]}
    }
    if "idx_scores" in specs:
        label = Words("Skor satu satuan kerja", "Scores of one unit")
        paths["/units/{unit_id}.csv"] = _path(
            "unit_csv", "units", label, specs["idx_scores"].description, _CSV
        ) | {"parameters": [parameter]}
    return paths


def _path(name: str, tag: str, label: Words, description: Words, content: Schema) -> Schema:
    told = {"description": "OK", "content": content}
    operation: Schema = {
        "operationId": name,
        "tags": [tag],
        "summary": label.both,
        "responses": {"200": told},
    }
    if text := _both(description):
        operation["description"] = text
    return {"get": operation}


_CSV: Schema = {"text/csv": {"schema": {"type": "string"}}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _table(spec: TableSpec) -> Schema:
    schema = _rows(spec)
    return {
        "title": spec.label.both,
        "description": _both(spec.description),
        **schema,
        "required": ["table", *schema["required"]],
        "properties": {"table": {"const": spec.name}, **schema["properties"]},
    }


def _rows(spec: TableSpec) -> Schema:
    """Return the schema of `columns` and `rows`; a row's cells are told in the columns' order."""
    return {
        "type": "object",
        "required": ["columns", "rows"],
        "properties": {
            "columns": {"const": [column.name for column in spec.columns]},
            "rows": {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [_cell(column) for column in spec.columns],
                    "minItems": len(spec.columns),
                    "maxItems": len(spec.columns),
                },
            },
        },
    }


def _object(spec: TableSpec | None) -> Schema:
    columns = spec.columns if spec else ()
    return {"type": "object", "properties": {column.name: _cell(column) for column in columns}}


def _cell(column: ColumnSpec) -> Schema:
    kind = column.type.split("(")[0]
    name = _JSON_TYPES.get(kind, "integer" if "INT" in kind else "number")
    cell: Schema = {}
    if kind.startswith("TIMESTAMP"):
        name, cell["format"] = "string", "date-time"
    elif kind in _FORMATS:
        cell["format"] = _FORMATS[kind]
    cell["type"] = name if column.is_required else [name, "null"]
    cell["title"] = f"{column.name}: {column.label.both}"
    if text := _both(column.description):
        cell["description"] = text
    if column.unit:
        cell["x-unit"] = column.unit
    return cell


def _both(words: Words) -> str:
    return "\n\n".join(filter(None, dict.fromkeys((words.id, words.en))))
