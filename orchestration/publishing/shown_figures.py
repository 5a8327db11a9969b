"""The rows of each published table, with which of their figures blank, and how precisely.

Belongs here: what is refused, the query of each published table. Doesn't: which tables are
published (tables.py), which cells are hidden and how precise the others may be (shown_scores,
by disclosure/), running the queries (publication.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from orchestration.publishing import PublicationError
from orchestration.publishing.disclosure.cells import CELL, COMPONENT, DOMAIN, NEVER_HIDDEN
from orchestration.publishing.standing import CONTRIBUTIONS
from orchestration.publishing.tables import Declaration
from orchestration.sql_text import as_name

# What must be there to be blanked, and to tell that all was judged.
NEEDED_COLUMNS = {
    ("figures", "disclosure_hidden_cells"): {*CELL, "reason", "is_exposed"},
    ("figures", "shown_scores"): {
        *CELL,
        "weighting_mode",
        "component_type",
        "is_suppressed",
        "score",
        "null_reason",
        "score_step",
        "respondent_count",
    },
    ("figures", "disclosure_unanswered_cells"): {*CELL, "weighting_mode"},
    ("marts", "dim_cycles"): {"cycle_id", "min_cell_n", "previous_cycle_id", "closes_on"},
    CONTRIBUTIONS: {"cycle_id", "_file_sha256", "_source_row", "answers"},
}
NULL_REASON = "null_reason"
# Of a cell without a score (nobody rated) no step is known.
COARSE_STEP = 0.1


@dataclass(frozen=True)
class ShownTable:
    """A published table: what its model says of it, and the columns of its rows."""

    declared: Declaration
    columns: Mapping[str, str]
    """The type of each, in their order."""

    @property
    def name(self) -> str:
        """Its name, inside and outside."""
        return self.declared.name

    @property
    def rows(self) -> str:
        """The relation of the attached `warehouse` that holds its rows."""
        schema, name = self.declared.rows_of
        return f"warehouse.{as_name(schema)}.{as_name(name)}"


def shown_tables(
    connection: duckdb.DuckDBPyConnection, declared: Mapping[str, Declaration]
) -> list[ShownTable]:
    """Return the tables to publish, by name, of the attached `warehouse`.

    Raises PublicationError where one leads to a respondent, or can't be judged.
    """
    rows = connection.execute(
        """
        select table_schema, table_name, list([column_name, data_type] order by ordinal_position)
        from information_schema.columns
        where table_catalog = 'warehouse'
        group by all
        """
    ).fetchall()
    columns_of = {(schema, name): dict(columns) for schema, name, columns in rows}
    for (schema, name), needed in NEEDED_COLUMNS.items():
        if missing := needed - {*columns_of.get((schema, name), ())}:
            raise PublicationError(
                f"the warehouse has no {schema}.{name} with {', '.join(sorted(missing))}, without "
                "which nothing can be judged: run dbt build first"
            )
    faults = [f"{table.name} {fault}" for table in declared.values() for fault in table.faults]
    if faults:
        raise PublicationError("; ".join(faults))
    lost = [table for table in declared.values() if table.rows_of not in columns_of]
    if lost:
        raise PublicationError(
            f"the warehouse has no {', '.join('.'.join(table.rows_of) for table in lost)}, whose "
            "rows are published: run dbt build first"
        )
    return [
        ShownTable(table, columns_of[table.rows_of])
        for table in sorted(declared.values(), key=lambda table: table.name)
    ]


def name_hidden_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the warehouse's hidden cells known as `hidden`, and what is shown as `shown_cells`.

    No component is '' in both. `shown_cells_of_two` has for each cell what both its cycle and the
    one before may show. A score on too few persons that is shown was never judged: nothing is
    published then.
    """
    components = ", ".join(f"coalesce({key}, '') as {key}" for key in COMPONENT)
    keys = ", ".join([*DOMAIN, *COMPONENT])
    same_cell = " and ".join(
        f"unanswered.{key} is not distinct from shown.{key}" for key in (*CELL, "weighting_mode")
    )
    connection.execute(
        f"""
        create temp view hidden as
        select cycle_id, domain_type, domain_id, {components}, reason, is_exposed
        from warehouse.figures.disclosure_hidden_cells;

        create temp table shown_cells as
        select
            cycle_id, weighting_mode, domain_type, domain_id, component_type, {components},
            score, score_step, is_suppressed, true as is_whole,
            case when is_suppressed then null_reason end as null_reason,
            exists (
                from warehouse.figures.disclosure_unanswered_cells as unanswered
                where {same_cell}
            ) as is_unanswered
        from warehouse.figures.shown_scores as shown;

        create temp table shown_cells_of_two as
        select
            cycle_id, weighting_mode, component_type, {keys},
            max(score_step) as score_step, bool_or(is_suppressed) as is_suppressed,
            count(*) = 2 as is_whole,  -- both cycles asked it
            false as is_unanswered,
            max(null_reason) as null_reason  -- suppressed rather than secondary
        from (
            from shown_cells
            union all
            select shown_cells.* replace (cycles.cycle_id as cycle_id)
            from shown_cells
            inner join warehouse.marts.dim_cycles as cycles
                on cycles.previous_cycle_id = shown_cells.cycle_id
        )
        group by all
        """
    )
    unjudged = connection.execute(
        f"""
        select distinct scores.cycle_id
        from warehouse.indexes.idx_scores as scores
        left join warehouse.marts.dim_cycles as cycles using (cycle_id)
        where scores.domain_type not in {NEVER_HIDDEN}
            and (cycles.min_cell_n is null or scores.respondent_count < cycles.min_cell_n)
            and exists (
                from shown_cells
                where shown_cells.cycle_id = scores.cycle_id and not shown_cells.is_suppressed
                    and shown_cells.weighting_mode = scores.weighting_mode
                    and {_is_cell_of("shown_cells", "scores", CELL)}
            )
        order by all
        """
    ).fetchall()
    if unjudged:
        raise PublicationError(
            f"{', '.join(cycle_id for (cycle_id,) in unjudged)}: shown_scores shows scores on "
            "fewer than min_cell_n persons: run the cycle again"
        )


def shown_figures(table: ShownTable) -> str:
    """Return the query whose rows are published."""
    return _blanked(table) if table.declared.cell_keys else f"select * from {table.rows}"


def _is_cell_of(cells: str, figures: str, columns: Collection[str]) -> str:
    """Return the condition that a cell has the domain and component of a row, any cycle and mode.

    A component key that the row hasn't is none: coverage by service_id is judged as the service.
    """
    keys = [
        f"{cells}.{key} = " + (f"coalesce({figures}.{key}, '')" if key in columns else "''")
        for key in COMPONENT
    ]
    return " and ".join([*(f"{cells}.{key} = {figures}.{key}" for key in DOMAIN), *keys])


def _blanked(table: ShownTable) -> str:
    """Return the query of a table of cells: NULL for each figure that may not be shown.

    Of an exact figure, as much of it as its cell's score shows. A table without a weighting mode is
    in the cycle's own.
    """
    cells = "shown_cells_of_two" if table.declared.is_over_two_cycles else "shown_cells"
    mode = (
        "figures.weighting_mode" if "weighting_mode" in table.columns else "cycles.weighting_mode"
    )
    # What nobody rated has no score to judge: what a table tells of it all the same, it may.
    is_hidden = "coalesce(cells.is_suppressed and not cells.is_unanswered, false)"
    columns = [
        f"figures.{as_name(column)}"
        if column in table.declared.cell_keys
        else f"case when not {is_hidden} "
        f"then {_rounded(column, kind, table)} end as {as_name(column)}"
        for column, kind in table.columns.items()
        if column != NULL_REASON
    ]
    own_reason = [f"figures.{NULL_REASON}"] if NULL_REASON in table.columns else []
    reasons = [f"case when {is_hidden} then cells.{NULL_REASON} end", *own_reason]
    rows = f"""
        select {", ".join(columns)},
            coalesce({", ".join(reasons)}) as {NULL_REASON},
            {is_hidden} as is_suppressed
        from {table.rows} as figures
        left join warehouse.marts.dim_cycles as cycles on cycles.cycle_id = figures.cycle_id
        left join {cells} as cells
            on cells.cycle_id = figures.cycle_id and cells.weighting_mode = {mode}
            and {_is_cell_of("cells", "figures", table.columns)}"""
    if table.declared.hidden_rows:
        rows += f" where not {is_hidden}"
    if table.declared.hidden_rows == "every":
        rows += f" union all by name {_every_hidden(table, cells)}"
    return rows


def _every_hidden(table: ShownTable, cells: str) -> str:
    """Return a row for each hidden cell of the components that the table has in a cycle.

    But for those that nobody answered and that the table tells of.
    """
    components = [key for key in COMPONENT if key in table.columns]
    own = ", ".join(["cycle_id", "weighting_mode", "component_type", *components])
    told = f"""
        cells.is_unanswered and exists (
            from {table.rows} as figures
            where figures.cycle_id = cells.cycle_id
                and figures.weighting_mode = cells.weighting_mode
                and {_is_cell_of("cells", "figures", table.columns)}
        )"""
    keys = {
        "previous_cycle_id": "cycles.previous_cycle_id",
        **{key: f"nullif(cells.{key}, '')" for key in components},
    }
    wanted = ", ".join(
        f"{keys.get(key, f'cells.{key}')} as {as_name(key)}" for key in table.declared.cell_keys
    )
    not_asked = [f"cells.{key} = ''" for key in COMPONENT if key not in table.columns]
    same = " and ".join(
        f"coalesce(asked.{key}, '') = cells.{key}"
        for key in ("cycle_id", "weighting_mode", "component_type", *components)
    )
    return f"""
        select {wanted}, cells.{NULL_REASON}, true as is_suppressed
        from {cells} as cells
        inner join warehouse.marts.dim_cycles as cycles on cycles.cycle_id = cells.cycle_id
        inner join (select distinct {own} from {table.rows}) as asked on {same}
        where {" and ".join(["cells.is_suppressed", "cells.is_whole", *not_asked])}
            and not ({told})"""


def _rounded(column: str, kind: str, table: ShownTable) -> str:
    """Return a figure as precisely as its cell's score: counts to 5, others to the step."""
    figure = f"figures.{as_name(column)}"
    if table.declared.is_of_shown_figures:
        return figure
    kinds = ", ".join(f"'{kind}'" for kind in NEVER_HIDDEN)
    is_judged = f"(cells.cycle_id is not null or figures.domain_type in ({kinds}))"
    exact = f"(cells.score_step is null and {is_judged})"
    step = f"coalesce(cells.score_step, {COARSE_STEP})"
    anew = table.declared.from_shown_score.get(column, figure)
    if kind == "DOUBLE":
        if column == "se" or column.endswith("_se"):
            least = f"round(floor({figure} / ({step} / 2) + 0.5) * {step} / 2, 3)"
            rounded = f"greatest({least}, 2 * {step})"
        else:
            rounded = f"round(floor(({anew}) / {step} + 0.5) * {step}, 3)"
    elif kind in ("BIGINT", "INTEGER", "HUGEINT"):
        rounded = f"cast(5 * round({figure} / 5) as {kind})"
    else:
        return figure
    return f"if({exact} or {figure} is null, {figure}, {rounded})"
