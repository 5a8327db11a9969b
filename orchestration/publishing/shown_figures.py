"""Which tables of the warehouse leave, and with which of their figures blank.

Belongs here: what is refused, the query of each published table. Doesn't: which cells are hidden
(int_hidden_cells, by disclosure.py), running the queries (publication.py).
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from orchestration.publishing import PublicationError
from orchestration.publishing.disclosure import CELL, COMPONENT, DOMAIN, NEVER_HIDDEN
from orchestration.publishing.tables import RESPONDENT_COLUMNS, RESPONDENT_TABLES
from orchestration.sql_text import as_name

# Index tables without a domain's keys: made of shown domains alone, or of the nation as a whole.
WITHOUT_DOMAIN = ("idx_evenness", "idx_reliability")
# "A change of a domain that is suppressed in either cycle is suppressed."
OVER_TWO_CYCLES = ("idx_changes", "idx_change_parts")
# A column that ends so says where a row stands; every other one of a hidden row is a figure.
KEY_SUFFIXES = ("_id", "_type", "_mode", "_name", "_at", "why")
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
    """A table of the warehouse that is published."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def has_domain(self) -> bool:
        """Whether its rows are about domains, which may be hidden."""
        return {"cycle_id", "domain_type", "domain_id"} <= set(self.columns)


def shown_tables(connection: duckdb.DuckDBPyConnection) -> list[ShownTable]:
    """Return the tables to publish, by name, of the attached `warehouse`.

    Raises PublicationError where one leads to a respondent, or can't be judged.
    """
    rows = connection.execute(
        """
        select table_schema, table_name, list(column_name order by ordinal_position)
        from information_schema.columns
        where table_catalog = 'warehouse' and table_schema in ('marts', 'indexes', 'intermediate')
        group by all
        order by table_name, table_schema
        """
    ).fetchall()
    found = [
        ShownTable(schema=schema, name=name, columns=tuple(columns))
        for schema, name, columns in rows
    ]
    columns_of = {(table.schema, table.name): set(table.columns) for table in found}
    for (schema, name), needed in NEEDED_COLUMNS.items():
        if missing := needed - columns_of.get((schema, name), set()):
            raise PublicationError(
                f"the warehouse has no {schema}.{name} with {', '.join(sorted(missing))}, without "
                "which nothing can be judged: run dbt build first"
            )
    tables = [
        table
        for table in found
        if table.schema != "intermediate" and table.name not in RESPONDENT_TABLES
    ]
    for one, other in pairwise(tables):
        if one.name == other.name:
            raise PublicationError(f"marts and indexes both have a table {one.name}: rename one")
    for table in tables:
        _refuse_what_tells(table)
    return tables


def _refuse_what_tells(table: ShownTable) -> None:
    personal = [column for column in table.columns if column.lower() in RESPONDENT_COLUMNS]
    if personal:
        raise PublicationError(
            f"{table.schema}.{table.name} has {', '.join(personal)}, which lead to a respondent: "
            "drop the column, or add the table to RESPONDENT_TABLES so that it stays inside"
        )
    if table.schema == "indexes" and not table.has_domain and table.name not in WITHOUT_DOMAIN:
        raise PublicationError(
            f"indexes.{table.name} has no cycle_id, domain_type and domain_id, by which hidden "
            "figures are found: add them, or name it in WITHOUT_DOMAIN if it tells on no domain"
        )


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
    if not table.has_domain:
        return f"select * from warehouse.{table.schema}.{as_name(table.name)}"
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
    if table.name in OVER_TWO_CYCLES:
        cycle = f"""({cycle} or hidden.cycle_id in (
            select previous_cycle_id from warehouse.marts.dim_cycles as cycles
            where cycles.cycle_id = figures.cycle_id
        ))"""
    columns = [
        f"figures.{as_name(column)}"
        if column.endswith(KEY_SUFFIXES)
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
            from warehouse.{table.schema}.{as_name(table.name)} as figures
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
