"""Which columns each column of one query is made of, read from its SQL by sqlglot.

Belongs here: the walk over sqlglot's scopes. Doesn't: which queries (columns.py). Import it
where queries are traced: sqlglot takes 0.2 CPU s.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from orchestration.lineage.tables import ColumnOf, Table

UnreadableQueryError = SqlglotError


def sqlglot_schema(tables: Mapping[str, Table]) -> MappingSchema:
    """Return the tables as sqlglot knows them; making it takes as long as tracing a model."""
    folders: dict[str, Any] = {}
    for name, table in tables.items():
        folder, _, bare = name.partition(".")
        folders.setdefault(folder, {})[bare] = dict(table.columns)
    return MappingSchema(folders, dialect="duckdb")


def trace_columns(
    sql: str, tables: Mapping[str, Table], schema: MappingSchema | None = None
) -> dict[str, list[ColumnOf]]:
    """Return by output column of a query the columns of `tables` and raw files it is made of.

    What decides which rows there are (joins, filters, groups) is not part of it. `schema`: the
    tables as `sqlglot_schema` gives them, where many queries are traced. Raises
    UnreadableQueryError for SQL that sqlglot does not know.
    """
    query = parsed(sql)
    # sqlglot folds names as DuckDB compares them; an export's headings are shown as they are.
    as_written = {name.name.lower(): name.name for name in query.find_all(exp.Identifier)}
    tree = qualified(query, schema or sqlglot_schema(tables))
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


def parsed(sql: str) -> exp.Expr:
    """Return a compiled query as sqlglot's tree."""
    # sqlglot takes a column of this name for the operator; it is one where nothing follows.
    quoted = re.sub(
        r"(?<=\bas )between\b|(?<=\.)between\b|\bbetween(?=\s*([,)]|order by\b))",
        '"between"',
        sql.replace('"warehouse".', ""),
    )
    tree = sqlglot.parse_one(quoted, dialect="duckdb")
    for select in tree.find_all(exp.Select):
        select.set("expressions", [one for of in select.expressions for one in _written_out(of)])
    return tree


def _written_out(selected: exp.Expr) -> list[exp.Expr]:
    """Return an expression over `columns(['a', 'b'])` as DuckDB does, once for each of them."""
    for unpacked in [of for of in selected.find_all(exp.Columns) if of.args.get("unpack")]:
        unpacked.replace(exp.Tuple(expressions=[exp.column(name) for name in _listed(unpacked)]))
    columns = [of for of in selected.find_all(exp.Columns) if isinstance(of.this, exp.Array)]
    if not columns:
        return [selected]
    alias, bare = selected.alias or "\\0", selected.unalias()
    return [
        exp.alias_(
            bare.transform(
                lambda node, name=name: exp.column(name) if isinstance(node, exp.Columns) else node
            ),
            alias.replace("\\0", name),
        )
        for name in _listed(columns[0])
    ]


def _listed(columns: exp.Columns) -> list[str]:
    return [of.name for of in columns.this.expressions]


def qualified(tree: exp.Expr, schema: MappingSchema) -> Any:  # noqa: ANN401  # sqlglot's own
    """Return the tree with the table of each column told, and `*` written out."""
    return qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False)


@dataclass
class _Tracing:
    """Follows columns through the scopes of one query, each column of each scope once."""

    known: dict[tuple[int, str], set[ColumnOf]] = field(default_factory=dict)
    listed: dict[int, "_Listed"] = field(default_factory=dict)

    def column(self, scope: Scope, name: str) -> set[ColumnOf]:
        key = (id(scope), name)
        if key not in self.known:
            self.known[key] = set()  # a recursive query reaches itself
            self.known[key] = self._column(scope, name)
        return self.known[key]

    def _column(self, scope: Scope, name: str) -> set[ColumnOf]:
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

    def _list(self, scope: Scope) -> "_Listed":
        if id(scope) not in self.listed:
            self.listed[id(scope)] = _Listed(scope.expression)
        return self.listed[id(scope)]

    def _of(self, source: Scope | exp.Expression | None, name: str) -> set[ColumnOf]:
        if isinstance(source, Scope):
            return self.column(source, name)
        return set() if source is None else {ColumnOf(_table_name(source), name)}

    def _expression(self, scope: Scope, selected: exp.Expression) -> set[ColumnOf]:
        inner = {id(subquery.expression): subquery for subquery in scope.subquery_scopes}
        found: set[ColumnOf] = set()
        for node in selected.walk(prune=lambda node: id(node) in inner):
            if subquery := inner.get(id(node)):
                found.update(*(self.column(subquery, name) for name in self._list(subquery).names))
            elif isinstance(node, exp.Column):
                if node.table:
                    found |= self._of(scope.sources.get(node.table), node.name)
                    continue
                # Of a raw file, which sqlglot can't know: its query reads nothing else.
                read = [source for _, source in scope.selected_sources.values()]
                found |= self._of(read[0], node.name) if len(read) == 1 else set()
        return found


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


def _table_name(table: exp.Expression) -> str:
    """Return `schema.name`, or of a raw file read by its path the source that it belongs to."""
    if table.name and table.text("db"):
        return f"{table.text('db')}.{table.name}"
    in_folders = re.findall(r"/(raw|audit)/(\w+)", table.sql())
    if in_folders:
        return ".".join(in_folders[-1])
    return table.name
