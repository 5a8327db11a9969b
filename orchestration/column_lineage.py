"""Which columns each column of a model is made of, read from the SQL that dbt compiled.

Belongs here: the warehouse's tables as they are, the tracing, what YAML declares of Python models,
the cache. Doesn't: showing it (orchestration/defs/warehouse.py, orchestration/run_lineage.py). All
models together take 2 CPU s, once a code version and instrument; dagster-dbt's own way took three
times that in every run.
"""

import fnmatch
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from orchestration.fingerprints import project_hash
from orchestration.settings import Settings

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope
    from sqlglot.schema import MappingSchema

logger = logging.getLogger("ilk.lineage")


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


def column_lineage(
    settings: Settings, tables: Mapping[str, Table], *, instrument_id: str
) -> ColumnLineage:
    """Return the lineage of every model as dbt compiled it last, traced or remembered.

    What SQL can't tell is declared (`declared_columns`). A cycle's instrument generates columns, so
    each has a lineage of its own.
    """
    from sqlglot.errors import SqlglotError

    path = settings.dbt_target_dir / "column_lineage" / f"{instrument_id}.json"
    stamp = project_hash(settings)
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["project"] == stamp:
            return {
                model: {column: [ColumnOf(*of) for of in made_of] for column, made_of in of.items()}
                for model, of in held["models"].items()
            }
    compiled = (settings.dbt_target_dir / "compiled" / "models").glob("*/*.sql")
    traced: ColumnLineage = {}
    schema = sqlglot_schema(tables)
    for file in sorted(compiled):
        try:
            columns = trace_columns(file.read_text(encoding="utf-8"), tables, schema)
        except SqlglotError as error:  # a run does not fail for what sqlglot can't read
            logger.warning("column lineage of %s is not known: %s", file.stem, error)
            continue
        traced[f"{file.parent.name}.{file.stem}"] = columns
    manifest = json.loads((settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    for model, declared in declared_columns(manifest, tables).items():
        known = traced.setdefault(model, {})
        for column, made_of in declared.items():
            known[column] = sorted({*known.get(column, ()), *made_of})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"project": stamp, "models": traced}), encoding="utf-8")
    return traced


def declared_columns(manifest: Mapping[str, Any], tables: Mapping[str, Table]) -> ColumnLineage:
    """Return what models' YAML says of columns, as `config: {meta: {made_of: [model.column]}}`.

    Python models say it of every column, SQL models of what the instrument writes into them as
    text. `*` stands for any part of a column's name (`int_ratings.rating_*`).
    """
    nodes = manifest["nodes"].values()
    places = {node["name"]: f"{node['schema']}.{node['name']}" for node in nodes}
    return {
        places[node["name"]]: {
            name: [
                ColumnOf(places[table], found)
                for table, _, pattern in (of.partition(".") for of in column["meta"]["made_of"])
                for found in fnmatch.filter(tables[places[table]].columns, pattern)
            ]
            for name, column in node["columns"].items()
            if "made_of" in column["meta"]
        }
        for node in nodes
        if node["resource_type"] == "model"
    }


def sqlglot_schema(tables: Mapping[str, Table]) -> "MappingSchema":
    """Return the tables as sqlglot knows them; making it takes as long as tracing a model."""
    from sqlglot.schema import MappingSchema

    folders: dict[str, Any] = {}
    for name, table in tables.items():
        folder, _, bare = name.partition(".")
        folders.setdefault(folder, {})[bare] = dict.fromkeys(table.columns, "text")
    return MappingSchema(folders, dialect="duckdb")


def trace_columns(
    sql: str, tables: Mapping[str, Table], schema: "MappingSchema | None" = None
) -> dict[str, list[ColumnOf]]:
    """Return by output column of a query the columns of `tables` and raw files it is made of.

    What decides which rows there are (joins, filters, groups) is not part of it. `schema`: the
    tables as `sqlglot_schema` gives them, where many queries are traced. Raises sqlglot's
    ParseError for SQL that sqlglot does not know.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    # sqlglot takes a column of this name for the operator; it is one where nothing follows.
    quoted = re.sub(
        r"(?<=\bas )between\b|(?<=\.)between\b|\bbetween(?=\s*([,)]|order by\b))",
        '"between"',
        sql.replace('"warehouse".', ""),
    )
    parsed = sqlglot.parse_one(quoted, dialect="duckdb")
    # sqlglot folds names as DuckDB compares them; an export's headings are shown as they are.
    as_written = {name.name.lower(): name.name for name in parsed.find_all(exp.Identifier)}
    tree: Any = qualify(
        parsed,
        schema=schema or sqlglot_schema(tables),
        dialect="duckdb",
        validate_qualify_columns=False,
    )
    scope = build_scope(tree)
    if scope is None:
        return {}
    tracing = _Tracing()
    return {
        name: sorted(
            ColumnOf(table, column if table in tables else as_written.get(column, column))
            for table, column in tracing.column(scope, name)
        )
        for name in tree.named_selects
    }


@dataclass
class _Tracing:
    """Follows columns through the scopes of one query, each column of each scope once."""

    known: dict[tuple[int, str], set[ColumnOf]] = field(default_factory=dict)
    listed: dict[int, "_Listed"] = field(default_factory=dict)

    def column(self, scope: "Scope", name: str) -> set[ColumnOf]:
        key = (id(scope), name)
        if key not in self.known:
            self.known[key] = set()  # a recursive query reaches itself
            self.known[key] = self._column(scope, name)
        return self.known[key]

    def _column(self, scope: "Scope", name: str) -> set[ColumnOf]:
        found = set()
        here = self._list(scope)
        if scope.set_operation_scopes:
            for branch in scope.set_operation_scopes:
                own = self._list(branch)
                is_alike = len(own.names) == len(here.names) and name in here.places
                found |= self.column(branch, own.names[here.places[name]] if is_alike else name)
            return found
        for selected in here.expressions.get(name, ()):
            found |= self._expression(scope, selected)
        if here.has_star:  # of a raw file, whose columns nobody has told sqlglot
            for source in scope.sources.values():
                found |= self._of(source, name)
        return found

    def _list(self, scope: "Scope") -> "_Listed":
        if id(scope) not in self.listed:
            self.listed[id(scope)] = _Listed(scope.expression)
        return self.listed[id(scope)]

    def _of(self, source: "Scope | exp.Expression | None", name: str) -> set[ColumnOf]:
        from sqlglot.optimizer.scope import Scope

        if isinstance(source, Scope):
            return self.column(source, name)
        return set() if source is None else {ColumnOf(_table_name(source), name)}

    def _expression(self, scope: "Scope", node: "exp.Expression") -> set[ColumnOf]:
        from sqlglot import exp

        if isinstance(node, exp.Column):
            if node.table:
                return self._of(scope.sources.get(node.table), node.name)
            # Of a raw file, which sqlglot can't know: its query reads nothing else.
            read = [source for _, source in scope.selected_sources.values()]
            return self._of(read[0], node.name) if len(read) == 1 else set()
        for inner in scope.subquery_scopes:
            if inner.expression is node:
                return set().union(*(self.column(inner, name) for name in self._list(inner).names))
        return set().union(*(self._expression(scope, child) for child in node.iter_expressions()))


class _Listed:
    """What a query selects, listed once: some have a thousand columns."""

    def __init__(self, query: Any) -> None:  # noqa: ANN401  # sqlglot types few of its own
        self.names: list[str] = query.named_selects
        self.places = {name: place for place, name in reversed([*enumerate(self.names)])}
        self.expressions: dict[str, list[exp.Expression]] = {}
        self.has_star = False
        for selected in query.selects:
            self.has_star |= selected.is_star
            if not selected.is_star:
                self.expressions.setdefault(selected.alias_or_name, []).append(selected)


def _table_name(table: "exp.Expression") -> str:
    """Return `schema.name`, or of a raw file read by its path the source that it belongs to."""
    if table.name and table.text("db"):
        return f"{table.text('db')}.{table.name}"
    in_folders = re.findall(r"/(raw|audit)/(\w+)", table.sql())
    if in_folders:
        return ".".join(in_folders[-1])
    return table.name
