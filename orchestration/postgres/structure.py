"""What published tables are in PostgreSQL: types, keys, indexes, views and comments, as SQL.

Belongs here: turning specifications into statements. Doesn't: running them (loading.py).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from orchestration.postgres import PostgresError
from orchestration.publishing.specifications import TableSpec
from orchestration.sql_text import as_name, as_text

PUBLICATION = "publication"  # the one row that says what the schema holds; readers may join it

# By PostgreSQL's own names (format_type), which its catalog is compared with.
_TYPES = {
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
# What people filter and join by, where a table has all of it and its key doesn't begin with it.
_LOOKUPS = (("cycle_id",), ("domain_type", "domain_id"), ("unit_id",), ("region_id",))
NULLS_NOT_DISTINCT_SINCE = 15


@dataclass(frozen=True)
class Column:
    """A column as PostgreSQL's catalog tells it."""

    type: str
    is_required: bool


@dataclass(frozen=True)
class Structure:
    """Everything but the rows. Tables stand in the order in which they can be filled."""

    tables: Mapping[str, Mapping[str, Column]]
    views: Mapping[str, str]
    after_loading: tuple[str, ...]
    """Keys, foreign keys, indexes, views: what needs the tables, and is cheaper over their rows."""
    comments: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What changes where a table, key, index or view does; comments need nobody to wait."""
        content = [
            {
                table: {name: [column.type, column.is_required] for name, column in columns.items()}
                for table, columns in self.tables.items()
            },
            self.after_loading,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()


def structure(specs: Mapping[str, TableSpec], *, version: int) -> Structure:
    """Return what PostgreSQL of that major version is to hold of the tables and views.

    Before 15 a key with a column that may be NULL is a plain UNIQUE, which lets rows through that
    differ in nothing but a NULL. Raises PostgresError where a type has no counterpart.
    """
    tables = {spec.name: spec for spec in specs.values() if spec.view is None}
    views = {spec.name: spec.view for spec in specs.values() if spec.view is not None}
    if PUBLICATION in specs:
        raise PostgresError(
            f"Ganti nama tabel {PUBLICATION}: di PostgreSQL nama itu milik catatan publikasi. / "
            "Rename that table: in PostgreSQL the name is the record's of what is published."
        )
    return Structure(
        tables={
            name: {
                # Of what disclosure control blanks, only the keys never become NULL.
                column.name: Column(
                    _type(name, column.name, column.type),
                    column.is_required and column.name in tables[name].key,
                )
                for column in tables[name].columns
            }
            for name in _parents_first(tables)
        },
        views=views,
        after_loading=(
            *(_key(spec, version) for spec in tables.values() if spec.key),
            *(line for spec in tables.values() for line in _foreign_keys(spec)),
            *(line for spec in tables.values() for line in _indexes(spec)),
            *(f"create view {as_name(name)} as {text}" for name, text in views.items()),
        ),
        comments=tuple(line for spec in specs.values() for line in _comments(spec)),
    )


def column_definition(name: str, column: Column) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN want it."""
    return f"{as_name(name)} {column.type}{' not null' if column.is_required else ''}"


def _type(table: str, column: str, kind: str) -> str:
    if decimal := _DECIMAL.fullmatch(kind):
        return f"numeric({decimal[1]},{decimal[2]})"
    if kind not in _TYPES:
        raise PostgresError(
            f"{table}.{column}: tipe {kind} belum punya padanan PostgreSQL; tambahkan di / type "
            "has no counterpart in PostgreSQL yet; add it in orchestration/postgres/structure.py"
        )
    return _TYPES[kind]


def _parents_first(tables: Mapping[str, TableSpec]) -> list[str]:
    """Return the tables so that each comes after those that its foreign keys name."""
    parents = {
        name: sorted(
            {key.table for key in spec.foreign_keys if key.table in tables and key.table != name}
        )
        for name, spec in sorted(tables.items())
    }
    try:
        return list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        raise PostgresError(
            f"Hapus satu kunci asing (foreign_keys): melingkar. / Drop one foreign key, they go "
            f"round in a circle: {' > '.join(error.args[1])}"
        ) from error


def _key(spec: TableSpec, version: int) -> str:
    required = {column.name for column in spec.columns if column.is_required}
    kind = "primary key"
    if not required.issuperset(spec.key):
        kind = "unique nulls not distinct" if version >= NULLS_NOT_DISTINCT_SINCE else "unique"
    return (
        f"alter table {as_name(spec.name)} add constraint {as_name(f'{spec.name}_key')} "
        f"{kind} ({_names(spec.key)})"
    )


def _foreign_keys(spec: TableSpec) -> list[str]:
    return [
        f"alter table {as_name(spec.name)} add constraint {as_name(f'{spec.name}_fkey_{number}')} "
        f"foreign key ({_names(key.columns)}) references {as_name(key.table)} ({_names(key.to)})"
        for number, key in enumerate(spec.foreign_keys, start=1)
    ]


def _indexes(spec: TableSpec) -> list[str]:
    have = {column.name for column in spec.columns}
    wanted = dict.fromkeys([*_LOOKUPS, *(key.columns for key in spec.foreign_keys)])
    found = [
        columns
        for columns in wanted
        if have.issuperset(columns) and spec.key[: len(columns)] != columns
    ]
    return [
        f"create index {as_name(f'{spec.name}_idx_{number}')} on {as_name(spec.name)} "
        f"({_names(columns)})"
        for number, columns in enumerate(found, start=1)
    ]


def _comments(spec: TableSpec) -> list[str]:
    """Return the comments in both languages; an empty one takes away what stood there."""
    kind = "table" if spec.view is None else "view"
    said = [(f"{kind} {as_name(spec.name)}", spec.description.both)]
    said += [
        (f"column {as_name(spec.name)}.{as_name(column.name)}", column.description.both)
        for column in spec.columns
    ]
    return [f"comment on {what} is {as_text(text)}" for what, text in said]


def _names(columns: Iterable[str]) -> str:
    return ", ".join(as_name(column) for column in columns)
