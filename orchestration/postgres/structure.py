"""What published tables are in PostgreSQL: types, keys, indexes, views and comments, as SQL.

Belongs here: turning specifications into statements, and what is to be done where some of it is
there already. Doesn't: running them (altering.py, loading.py).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from orchestration.postgres import SCHEMA, PostgresError
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
_SHOWN = 5  # names that are told


@dataclass(frozen=True)
class Column:
    """A column as PostgreSQL's catalog tells it."""

    type: str
    is_required: bool


@dataclass(frozen=True)
class Structure:
    """Everything but the rows, each as the statement that makes it."""

    tables: Mapping[str, Mapping[str, Column]]
    """In the order in which foreign keys let them be filled."""
    keys: Mapping[str, tuple[str, ...]]
    """A table's key and indexes: cheaper to make over its rows."""
    links: Mapping[str, tuple[str, ...]]
    """A table's foreign keys."""
    views: Mapping[str, str]
    view_columns: Mapping[str, tuple[tuple[str, str], ...]]
    """Their names and DuckDB's types: what `select *` in a view came to."""
    comments: tuple[str, ...]

    @property
    def marks(self) -> dict[str, list[str]]:
        """What tells of each relation whether it is still made as it was; kept beside it."""
        made = {
            table: [_digest(self.keys[table]), _digest(self.links[table])] for table in self.tables
        }
        return made | {
            view: [_digest([text, self.view_columns[view]])] for view, text in self.views.items()
        }


@dataclass(frozen=True)
class Found:
    """What PostgreSQL has: the catalog's word, and the marks that were kept."""

    columns: Mapping[str, Mapping[str, Column]]
    views: frozenset[str]
    links: frozenset[tuple[str, str]]
    """Tables, and those that their foreign keys name."""
    marks: Mapping[str, list[str]]
    """Of every relation of ours; others' have none."""


@dataclass(frozen=True)
class Changes:
    """What is to be made otherwise, and which relations readers must be kept from meanwhile."""

    columns: Mapping[str, tuple[str, ...]]
    """What ALTER TABLE is to do; nothing rewrites rows, which old snapshots would not see then."""
    required: Mapping[str, tuple[str, ...]]
    """What it is to do when all rows are there."""
    made: tuple[str, ...]
    gone: tuple[str, ...]
    rekeyed: tuple[str, ...]
    relinked: tuple[str, ...]
    dropped_views: tuple[str, ...]
    made_views: tuple[str, ...]
    held: tuple[str, ...]
    """Tables that nobody may read until the commit."""


def structure(specs: Mapping[str, TableSpec], *, version: int) -> Structure:
    """Return what PostgreSQL of that major version is to hold of the tables and views.

    Before 15 a key with a column that may be NULL is a plain UNIQUE, which lets rows through that
    differ in nothing but a NULL. Raises PostgresError where a type has no counterpart.
    """
    tables = {spec.name: spec for spec in specs.values() if spec.view is None}
    views = {spec.name: spec for spec in specs.values() if spec.view is not None}
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
        keys={name: (*_key(spec, version), *_indexes(spec)) for name, spec in tables.items()},
        links={name: tuple(_foreign_keys(spec)) for name, spec in tables.items()},
        views={name: f"create view {as_name(name)} as {spec.view}" for name, spec in views.items()},
        view_columns={
            name: tuple((column.name, column.type) for column in spec.columns)
            for name, spec in views.items()
        },
        comments=tuple(line for spec in specs.values() for line in _comments(spec)),
    )


def changes(wanted: Structure, found: Found) -> Changes:
    """Return what must be done so that what was found becomes what is wanted.

    As little as that takes: where a table only gains a column, its keys and the views over it stay.
    Raises PostgresError where a name is taken by what no publication made.
    """
    ours = set(found.marks)
    taken = {*wanted.tables, *wanted.views} & ({*found.columns, *found.views} - ours)
    if others := sorted(taken - {PUBLICATION}):
        named = ", ".join(others[:_SHOWN])
        named += f", +{len(others) - _SHOWN}" if len(others) > _SHOWN else ""
        if not found.marks and len(others) > _SHOWN:  # no five tables of others have our names
            raise PostgresError(
                f"Jalankan di sana: drop schema {SCHEMA} cascade; lalu siklus mana pun lagi. Baris "
                f"{SCHEMA}.{PUBLICATION} hilang, tabelnya ada; milik orang lain di skema itu ikut "
                "terhapus. / Run that there, then any cycle: that row is lost, while its tables "
                "are there; what others made in the schema goes too."
            )
        raise PostgresError(
            f"Pindahkan {named} dari skema {SCHEMA}: bukan buatan publikasi, dan namanya "
            "diperlukan. / Move them out of the schema: no publication made them, and their names "
            "are needed."
        )
    there = ours & set(found.columns)
    gone = there - set(wanted.tables)
    kept = [table for table in wanted.tables if table in there]
    lost = {table: _lost(found.columns[table], wanted.tables[table]) for table in kept}
    marks = wanted.marks
    rekeyed = {
        table
        for table in kept
        if found.marks[table][0] != marks[table][0] or _name(wanted.keys[table], lost[table])
    }
    relinked = {
        table
        for table in kept
        if found.marks[table][1] != marks[table][1] or _name(wanted.links[table], lost[table])
    }
    relinked |= {table for table, parent in found.links if parent in rekeyed | gone} - gone
    relinked &= set(kept)
    columns, required = {}, {}
    for table in kept:
        now, later = _alterations(found.columns[table], wanted.tables[table], lost[table])
        if now or later:
            columns[table], required[table] = tuple(now), tuple(later)
    dropped_views = {
        view
        for view in ours & found.views
        if view not in wanted.views
        or found.marks[view] != marks[view]
        or any(_reads(wanted.views[view], table, lost[table]) for table in kept)
    }
    parents = {parent for table, parent in found.links if table in relinked | gone}
    return Changes(
        columns=columns,
        required=required,
        made=tuple(table for table in wanted.tables if table not in there),
        gone=tuple(sorted(gone)),
        rekeyed=tuple(sorted(rekeyed)),
        relinked=tuple(sorted(relinked)),
        dropped_views=tuple(sorted(dropped_views)),
        made_views=tuple(
            view for view in wanted.views if view in dropped_views or view not in found.views
        ),
        held=tuple(sorted({*columns, *rekeyed, *relinked, *gone, *(parents & there)})),
    )


def column_definition(name: str, column: Column) -> str:
    """Return a column as CREATE TABLE and ADD COLUMN want it.

    Texts are compared byte by byte, as DuckDB does: the same order on every server, an index that
    outlives its system's locales, and half of a load's time.
    """
    collation = ' collate "C"' if column.type == "text" else ""
    return f"{as_name(name)} {column.type}{collation}{' not null' if column.is_required else ''}"


def _lost(there: Mapping[str, Column], wanted: Mapping[str, Column]) -> set[str]:
    """Return the columns that go, with what is built on them; some come again as another type."""
    return {
        name
        for name, column in there.items()
        if name not in wanted or wanted[name].type != column.type
    }


def _name(statements: Iterable[str], columns: Iterable[str]) -> bool:
    """Whether keys, or foreign keys, are made of any of these columns."""
    return any(as_name(column) in statement for statement in statements for column in columns)


def _reads(view: str, table: str, columns: Iterable[str]) -> bool:
    """Whether a view may read any of these columns of a table; at worst it is made again."""
    named = set(re.findall(r"\w+|\*", view))
    return table in named and not named.isdisjoint([*columns, *(["*"] if columns else [])])


def _alterations(
    there: Mapping[str, Column], wanted: Mapping[str, Column], lost: set[str]
) -> tuple[list[str], list[str]]:
    """Return what is to be done before the rows are replaced, and after."""
    now = [f"drop column {as_name(name)}" for name in there if name in lost]
    later = []
    for name, column in wanted.items():
        is_new = name not in there or name in lost
        if is_new:
            now.append(f"add column {column_definition(name, Column(column.type, False))}")
        elif there[name].is_required and not column.is_required:
            now.append(f"alter column {as_name(name)} drop not null")
        if column.is_required and (is_new or not there[name].is_required):
            later.append(f"alter column {as_name(name)} set not null")
    return now, later


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode("utf-8")).hexdigest()[:16]


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


def _key(spec: TableSpec, version: int) -> list[str]:
    if not spec.key:
        return []
    required = {column.name for column in spec.columns if column.is_required}
    kind = "primary key"
    if not required.issuperset(spec.key):
        kind = "unique nulls not distinct" if version >= NULLS_NOT_DISTINCT_SINCE else "unique"
    return [
        f"alter table {as_name(spec.name)} add constraint {as_name(f'{spec.name}_key')} "
        f"{kind} ({_names(spec.key)})"
    ]


def _foreign_keys(spec: TableSpec) -> list[str]:
    return [
        f"alter table {as_name(spec.name)} add constraint {as_name(f'{spec.name}_fkey_{number}')} "
        f"foreign key ({_names(key.columns)}) references {as_name(key.table)} ({_names(key.to)}) "
        # A parent's row may go and come again under its children.
        "deferrable initially deferred"
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
