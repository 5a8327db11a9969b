"""What each published table is, for every target that is made of it: columns, types, keys, words.

Belongs here: reading this out of dbt's manifest and a database of published tables. Doesn't: which
tables are published (tables.py), writing a target (publication.py and its neighbours).

English stands in a model's YAML. Labels, units and Indonesian stand in `models/_words.md`, a docs
block for each name of a column, `<table>__<column>` where the table means something of its own by
it, and `table__<table>`:

    {% docs se %}
    Galat baku | Standard error | scale
    Galat baku skor; kosong bila df < 1.
    {% enddocs %}

and units in both languages: `unit__<unit>`.

A table's key is its model's `config: unique_key: [...]`, or `config: meta: key: [...]` where its
rows are written by others; `config: meta: foreign_keys:` lists
`{columns: [...], table: dim_..., to: [...]}` (`to` where the names differ).

A view (models/views) says by its own SQL what it is: it reads nothing but published tables, so the
text with each `ref` replaced by its name is the view, in any database that holds them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import duckdb
import jinja2

from orchestration.publishing.tables import declarations, grains

VIEWS = "views"  # the folder and schema of views
_NOBODY_ELSE_DESCRIBES = {
    "is_suppressed": "Whether disclosure control hid the row: every figure of it is NULL then.",
    "null_reason": "Why the row has no figure (dim_null_reasons); NULL where it has one.",
}


@dataclass(frozen=True)
class Words:
    """The same in both languages; `id` is empty where nobody wrote it."""

    id: str
    en: str

    @property
    def both(self) -> str:
        """Indonesian / English, as a comment has it."""
        return " / ".join(filter(None, dict.fromkeys((self.id, self.en))))

    @classmethod
    def of_comment(cls, comment: str) -> Self:
        """Return the two of a table's comment: neither holds ' / ' (tests/test_words.py)."""
        indonesian, _, english = comment.rpartition(" / ")
        return cls(indonesian, english)

    def said_in(self, code: str) -> str:
        """Return it in a language, by its code; in English where nobody wrote it."""
        return self.id if code == "id" and self.id else self.en


@dataclass(frozen=True)
class ColumnSpec:
    """A published column. `type` is DuckDB's; `unit` a word of _words.md or empty."""

    name: str
    type: str
    label: Words
    description: Words
    unit: str
    is_required: bool
    """Whether it is never NULL."""
    unit_label: Words = Words("", "")


@dataclass(frozen=True)
class ForeignKey:
    """Columns of a table that name a row of another, by that one's columns `to`."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]


@dataclass(frozen=True)
class TableSpec:
    """A published table or view."""

    name: str
    label: Words
    description: Words
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...]
    """Columns that tell its rows apart; some of them may be NULL."""
    foreign_keys: tuple[ForeignKey, ...]
    view: str | None
    """The SQL of a view over published tables; None: a table."""


@dataclass(frozen=True)
class Described:
    """What the manifest says of a published table: all of its specification but the types."""

    name: str
    label: Words
    description: Words
    columns: Mapping[str, ColumnSpec]
    """Those that YAML or _words.md knows, without types."""
    key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    view: str | None


def described(manifest: Mapping[str, Any]) -> dict[str, Described]:
    """Return what dbt's manifest says of each published table and view, by name."""
    nodes: Mapping[str, Any] = manifest["nodes"]
    blocks = {doc["name"]: doc["block_contents"].strip() for doc in manifest["docs"].values()}
    keys = grains(manifest)
    found = {
        name: (nodes[f"model.ilk.{name}"], nodes.get(f"model.ilk.{declared.rows_of[1]}"))
        for name, declared in declarations(manifest).items()
    }
    found |= {
        node["name"]: (node, None)
        for node in nodes.values()
        if node["resource_type"] == "model" and node["schema"] == VIEWS
    }
    return {
        name: _described(model, rows_of, blocks, keys.get(model["unique_id"], ()))
        for name, (model, rows_of) in sorted(found.items())
    }


def read_described(manifest: Path) -> dict[str, Described]:
    """Return the same out of a manifest.json."""
    return described(json.loads(manifest.read_text(encoding="utf-8")))


def specifications(
    known: Mapping[str, Described],
    connection: duckdb.DuckDBPyConnection,
    catalog: str | None = None,
) -> dict[str, TableSpec]:
    """Return the tables and views of a database of published tables, by name, tables first.

    `catalog`: the attached database, where it isn't the connection's own. One that the manifest
    doesn't know (of an older version of the models) is called by its names alone; a key, or a
    foreign key, of what an older database lacks is left out.
    """
    rows = connection.execute(
        """
        select table_name, column_name, data_type
        from duckdb_columns()
        where database_name = coalesce(?, current_database()) and schema_name = 'main'
            and not internal
        order by table_name, column_index
        """,
        [catalog],
    ).fetchall()
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        columns.setdefault(table, {})[column] = kind
    specs = [_specification(known.get(name) or _unknown(name), name, columns) for name in columns]
    specs.sort(key=lambda spec: (spec.view is not None, spec.name))
    return {spec.name: spec for spec in specs}


def _described(
    model: Mapping[str, Any],
    rows_of: Mapping[str, Any] | None,
    blocks: Mapping[str, str],
    key: tuple[str, ...],
) -> Described:
    name, meta = model["name"], model["config"]["meta"]
    # Rows of another model may have columns more; this one's words come first.
    yaml = {**(rows_of["columns"] if rows_of else {}), **model["columns"]}
    written = {*yaml, *_NOBODY_ELSE_DESCRIBES}
    label, description, _ = _words(
        blocks.get(f"table__{name}", ""), name=name, english=model["description"]
    )
    return Described(
        name=name,
        label=label,
        description=description,
        columns={column: _column(name, column, yaml.get(column), blocks) for column in written},
        key=tuple(meta.get("key", key)),
        foreign_keys=tuple(
            ForeignKey(
                tuple(said["columns"]), said["table"], tuple(said.get("to", said["columns"]))
            )
            for said in meta.get("foreign_keys", ())
        ),
        view=_view(model["raw_code"]) if model["schema"] == VIEWS else None,
    )


def _column(
    table: str, column: str, yaml: Mapping[str, Any] | None, blocks: Mapping[str, str]
) -> ColumnSpec:
    english = yaml["description"] if yaml else _NOBODY_ELSE_DESCRIBES.get(column, "")
    block = blocks.get(f"{table}__{column}") or blocks.get(column, "")
    label, description, unit = _words(block, name=column, english=english)
    required = any(said["type"] == "not_null" for said in yaml["constraints"]) if yaml else False
    return ColumnSpec(column, "", label, description, unit, required, _unit(blocks, unit))


def _words(block: str, *, name: str, english: str) -> tuple[Words, Words, str]:
    """Return label, description and unit of a docs block."""
    head, _, indonesian = block.partition("\n")
    label_id, label_en, unit = [*(part.strip() for part in head.split("|")), "", "", ""][:3]
    label = Words(label_id or name, label_en or name)
    return label, Words(" ".join(indonesian.split()), " ".join(english.split())), unit


def _unit(blocks: Mapping[str, str], unit: str) -> Words:
    return _words(blocks.get(f"unit__{unit}", ""), name=unit, english="")[0]


def _view(raw_code: str) -> str:
    return jinja2.Template(raw_code).render(ref=lambda name: name).strip()


def _unknown(name: str) -> Described:
    return Described(name, Words(name, name), Words("", ""), {}, (), (), None)


def _specification(
    known: Described, table: str, there: Mapping[str, Mapping[str, str]]
) -> TableSpec:
    """`there`: the types of the columns of every table of the database."""
    types = there[table]

    def column(name: str, kind: str) -> ColumnSpec:
        words = known.columns.get(name)
        if words is None:
            return ColumnSpec(name, kind, Words(name, name), Words("", ""), "", False)
        return replace(words, type=kind)

    return TableSpec(
        name=known.name,
        label=known.label,
        description=known.description,
        columns=tuple(column(name, kind) for name, kind in types.items()),
        key=known.key if types.keys() >= {*known.key} else (),
        foreign_keys=tuple(
            key
            for key in known.foreign_keys
            if types.keys() >= {*key.columns} and there.get(key.table, {}).keys() >= {*key.to}
        ),
        view=known.view,
    )
