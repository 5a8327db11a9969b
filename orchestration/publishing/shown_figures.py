"""The rows of each published table, with which of their figures blank.

Belongs here: what is refused, the query of each published table. Doesn't: which tables are
published (tables.py), which cells are hidden (int_hidden_cells, by disclosure.py), running the
queries (publication.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from orchestration.publishing import PublicationError
from orchestration.publishing.disclosure import CELL, COMPONENT, DOMAIN, NEVER_HIDDEN
from orchestration.publishing.tables import Declaration
from orchestration.sql_text import as_name

# What must be there to be blanked, and to tell that all was judged.
NEEDED_COLUMNS = {
    ("intermediate", "int_hidden_cells"): {*CELL, "reason", "is_exposed"},
    ("indexes", "idx_scores"): {
        *CELL,
        "weighting_mode",
        "component_type",
        "score",
        "score_100",
        "band",
        "respondent_count",
        "answer_count",
    },
    ("marts", "dim_cycles"): {"cycle_id", "min_cell_n", "previous_cycle_id"},
}


@dataclass(frozen=True)
class ShownTable:
    """A published table: what its model says of it, and the columns of its rows."""

    declared: Declaration
    columns: tuple[str, ...]

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
        select table_schema, table_name, list(column_name order by ordinal_position)
        from information_schema.columns
        where table_catalog = 'warehouse'
        group by all
        """
    ).fetchall()
    columns_of = {(schema, name): tuple(columns) for schema, name, columns in rows}
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
    """Make the warehouse's hidden cells known as `hidden`, with '' for no component.

    A score on too few persons that isn't among them was never judged: nothing is published then.
    """
    components = ", ".join(f"coalesce({key}, '') as {key}" for key in COMPONENT)
    connection.execute(
        f"""
        create temp view hidden as
        select cycle_id, domain_type, domain_id, {components}, reason, is_exposed
        from warehouse.intermediate.int_hidden_cells
        """
    )
    unjudged = connection.execute(
        f"""
        select distinct scores.cycle_id
        from warehouse.indexes.idx_scores as scores
        left join warehouse.marts.dim_cycles as cycles using (cycle_id)
        where scores.domain_type not in {NEVER_HIDDEN}
            and (cycles.min_cell_n is null or scores.respondent_count < cycles.min_cell_n)
            and not exists (
                from hidden
                where hidden.cycle_id = scores.cycle_id and {_is_cell_of("scores", CELL)}
            )
        order by all
        """
    ).fetchall()
    if unjudged:
        raise PublicationError(
            f"{', '.join(cycle_id for (cycle_id,) in unjudged)}: idx_scores has scores on fewer "
            "than min_cell_n persons that int_hidden_cells doesn't hide: run the cycle again"
        )


def shown_figures(table: ShownTable) -> str:
    """Return the query whose rows are published."""
    if not table.declared.cell_keys:
        return f"select * from {table.rows}"
    if table.name == "idx_scores":
        return _with_shown_medians(_blanked(table))
    return _blanked(table)


def _is_cell_of(figures: str, columns: Collection[str]) -> str:
    """Return the condition that a hidden cell has the domain and component of a row, any cycle."""
    keys = [
        f"hidden.{key} = " + (f"coalesce({figures}.{key}, '')" if key in columns else "''")
        for key in COMPONENT
    ]
    return " and ".join([*(f"hidden.{key} = {figures}.{key}" for key in DOMAIN), *keys])


def _blanked(table: ShownTable) -> str:
    """Return the query of a table of domains and components, NULL for each figure of a hidden cell.

    A component key that the table hasn't is none: coverage by service_id is judged as the service.
    """
    cell = _is_cell_of("figures", table.columns)
    cycle = "hidden.cycle_id = figures.cycle_id"
    if table.declared.is_over_two_cycles:
        cycle = f"""({cycle} or hidden.cycle_id in (
            select previous_cycle_id from warehouse.marts.dim_cycles as cycles
            where cycles.cycle_id = figures.cycle_id
        ))"""
    columns = [
        f"figures.{as_name(column)}"
        if column in table.declared.cell_keys
        else f"case when not is_suppressed then figures.{as_name(column)} end as {as_name(column)}"
        for column in table.columns
    ]
    return f"""
        select {", ".join(columns)}, is_suppressed
        from (
            select
                figures,
                exists (
                    from hidden
                    where {cycle} and {cell}
                ) as is_suppressed
            from {table.rows} as figures
        )"""


def _with_shown_medians(scores: str) -> str:
    """Return the scores with `unit_median` taken over the shown units only: its score, no more.

    With all units the median would be the figure of a hidden one, or tell on which side it lies.
    """
    return f"""
        with shown as ({scores}),
        medians as (
            select
                cycle_id,
                weighting_mode,
                median(score) as median_score,
                median(score_100) as median_score_100
            from shown
            where domain_type = 'provider_unit' and component_type = 'index'
            group by all
        )
        select
            shown.* replace (
                if(domain_type = 'unit_median', median_score, score) as score,
                if(domain_type = 'unit_median', median_score_100, score_100) as score_100,
                if(domain_type = 'unit_median', null, band) as band,
                if(domain_type = 'unit_median', median_score is null, is_suppressed)
                    as is_suppressed
            )
        from shown
        left join medians using (cycle_id, weighting_mode)"""
