"""The published figures, looked up as pages and reports need them.

Belongs here: reading the tables of one publication, once. Doesn't: computing a figure (the models
do), words, layout. The tables are the published ones, so that what is NULL there is nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from orchestration.durable_files import UnreadableFileError
from orchestration.sql_text import as_text

Row = Mapping[str, Any]
"""A row of a published table, by column."""


class Component(NamedTuple):
    """What of a domain is scored; '' where a part doesn't apply. All '' is the index."""

    service_id: str = ""
    perspective_id: str = ""
    item_id: str = ""


INDEX = Component()


class Score(NamedTuple):
    """A row of idx_scores in the cycle's own weighting mode; figures are None where hidden."""

    cycle_id: str
    domain_type: str
    domain_id: str
    component_type: str
    component: Component
    weighting_mode: str
    score: float | None
    score_100: float | None
    se: float | None
    df: int | None
    ci_low: float | None
    ci_high: float | None
    band: str | None
    is_band_certain: bool | None
    respondent_count: int | None
    answer_count: int | None
    null_reason: str | None
    is_suppressed: bool
    score_step: float | None
    """What the score is rounded to a multiple of, on 1-4; None where it isn't."""


class Cycle(NamedTuple):
    """A row of dim_cycles; `is_scored`: the publication shows its scores."""

    cycle_id: str
    index_id: str
    name_id: str
    name_en: str
    instrument_id: str
    method_id: str
    weighting_mode: str
    band_scheme_id: str
    ci_level: float
    min_cell_n: int
    year: int
    semester: str
    opens_on: date
    closes_on: date
    previous_cycle_id: str | None
    status: str
    is_scored: bool


@dataclass(frozen=True)
class Scale:
    """How an index's people speak of a score: of 1-4 as it is, or of 25-100 (`factor` 25)."""

    factor: int = 1
    decimals: int = 2
    low: float = 1
    high: float = 4

    def of(self, value: float | None) -> float | None:
        """Return a score, its error or a difference of two on this scale."""
        return None if value is None else value * self.factor


@dataclass(frozen=True)
class Book:
    """Everything that one publication says of one index. `read_book` makes it."""

    connection: duckdb.DuckDBPyConnection
    cycles: Mapping[str, Cycle]
    scale: Scale
    _scores: Mapping[tuple[str, str, str], Mapping[Component, Score]]
    services: Sequence[Row]
    perspectives: Sequence[Row]
    regions: Mapping[str, Row]
    units: Mapping[str, Mapping[str, Row]]
    """By cycle and unit: the unit as the cycle knew it, of those it has staff or figures of."""
    _indexed: dict[tuple[str, ...], dict[tuple[Any, ...], list[Row]]] = field(default_factory=dict)

    @property
    def latest(self) -> Cycle:
        """The newest cycle whose scores are shown. Raises LookupError where none is."""
        scored = [cycle for cycle in self.cycles.values() if cycle.is_scored]
        if not scored:
            raise LookupError("no cycle's scores are published")
        return max(scored, key=lambda cycle: (cycle.closes_on, cycle.cycle_id))

    @property
    def has_scores(self) -> bool:
        """Whether any cycle's scores are shown."""
        return any(cycle.is_scored for cycle in self.cycles.values())

    def score(
        self, cycle_id: str, domain_type: str, domain_id: str, component: Component = INDEX
    ) -> Score | None:
        """Return a row of idx_scores; None where nobody answered."""
        return self.scores(cycle_id, domain_type, domain_id).get(component)

    def scores(self, cycle_id: str, domain_type: str, domain_id: str) -> Mapping[Component, Score]:
        """Return all components' rows of a domain."""
        return self._scores.get((cycle_id, domain_type, domain_id), {})

    def domains(self, cycle_id: str, domain_type: str) -> list[str]:
        """Return the ids of a type's domains that have a row."""
        return sorted(
            domain_id
            for cycle, kind, domain_id in self._scores
            if cycle == cycle_id and kind == domain_type
        )

    def has_table(self, table: str) -> bool:
        """Whether the publication has it: one of an older version may not."""
        found = self.connection.execute(
            "select 1 from duckdb_columns() where database_name = current_database() "
            "and schema_name = current_schema() and table_name = ? limit 1",
            [table],
        )
        return found.fetchone() is not None

    def rows(self, table: str, **key: object) -> list[Row]:
        """Return the rows of a published table with these values in these columns; [] for none.

        A table is read once for each set of columns asked for. Rows of another weighting mode than
        the cycle's own are left out.
        """
        columns = tuple(sorted(key))
        index = self._indexed.get((table, *columns))
        if index is None:
            index = defaultdict(list)
            for row in self._table(table):
                index[tuple(row[column] for column in columns)].append(row)
            self._indexed[(table, *columns)] = index
        return index.get(tuple(key[column] for column in columns), [])

    def one(self, table: str, **key: object) -> Row | None:
        """Return the only row with these values, or None. Raises LookupError for several."""
        found = self.rows(table, **key)
        if len(found) > 1:
            raise LookupError(f"{table} has {len(found)} rows with {key}")
        return found[0] if found else None

    def _table(self, table: str) -> list[Row]:
        whole = self._indexed.get((table,))
        if whole is None:
            cursor = self.connection.execute(f'from "{table}"')
            names = [column[0] for column in cursor.description or ()]
            rows: list[Row] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            if "weighting_mode" in names and table != "dim_cycles":
                modes = {cycle.cycle_id: cycle.weighting_mode for cycle in self.cycles.values()}
                rows = [
                    row for row in rows if row["weighting_mode"] in (None, modes[row["cycle_id"]])
                ]
            whole = {(): rows}
            self._indexed[(table,)] = whole
        return whole[()]


_CYCLES = """
select
    cycle_id, index_id, index_name_id, index_name_en, instrument_id, method_id, weighting_mode,
    band_scheme_id, ci_level, cast(min_cell_n as integer), year, semester, opens_on, closes_on,
    previous_cycle_id, status,
    cycle_id in (select distinct cycle_id from idx_scores) as is_scored,
from dim_cycles
order by closes_on, cycle_id
"""
_SCORES = """
select
    scores.cycle_id, domain_type, domain_id, component_type,
    coalesce(service_id, ''), coalesce(perspective_id, ''), coalesce(item_id, ''),
    scores.weighting_mode, score, score_100, se, df, ci_low, ci_high, band, is_band_certain,
    respondent_count, answer_count, null_reason, is_suppressed, score_step,
from idx_scores as scores
inner join dim_cycles as cycles using (cycle_id, weighting_mode)
order by domain_type, domain_id, service_id nulls first, perspective_id nulls first,
    item_id nulls first
"""
_UNITS = """
select cycles.cycle_id, units.*
from dim_units as units
inner join dim_cycles as cycles
    on cycles.opens_on between units.valid_from and coalesce(units.valid_to, date '9999-12-31')
where (cycles.cycle_id, units.unit_id) in (
    select (cycle_id, unit_id) from fct_participation
    union
    select (cycle_id, domain_id) from idx_scores where domain_type = 'provider_unit'
)
order by units.unit_name, units.unit_id
"""


@contextmanager
def read_book(database: Path) -> Iterator[Book]:
    """Open a publication's DuckDB file and read what is looked up most. Shapes: see Book.

    Raises UnreadableFileError where another version of this code made it, or it is damaged.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {as_text(database.resolve())} as ilk (read_only)")
            connection.execute("use ilk.main")
            book = book_of(connection)
        except duckdb.Error as error:
            remedy = (
                f"Terbitkan lagi dengan versi ini, ./ilk run --all: {database} rusak atau buatan "
                "versi lain. / Publish again with this version: it is damaged or another's."
            )
            raise UnreadableFileError(database, error, remedy) from error
        yield book


def book_of(connection: duckdb.DuckDBPyConnection) -> Book:
    """Read a book from a connection whose current schema holds the published tables."""
    cycles = {row[0]: Cycle(*row) for row in connection.execute(_CYCLES).fetchall()}
    scores: dict[tuple[str, str, str], dict[Component, Score]] = defaultdict(dict)
    for row in connection.execute(_SCORES).fetchall():
        component = Component(*row[4:7])
        scores[row[0], row[1], row[2]][component] = Score._make((*row[:4], component, *row[7:]))
    units: dict[str, dict[str, Row]] = defaultdict(dict)
    for unit in _rows(connection, _UNITS):
        units[unit["cycle_id"]][unit["unit_id"]] = unit
    return Book(
        connection=connection,
        cycles=cycles,
        scale=_scale(connection),
        _scores=scores,
        services=_rows(connection, "from dim_services order by sort_order, service_id"),
        perspectives=_rows(connection, "from dim_perspectives order by sort_order, perspective_id"),
        regions={row["region_id"]: row for row in _rows(connection, "from dim_regions")},
        units=units,
    )


def _scale(connection: duckdb.DuckDBPyConnection) -> Scale:
    """Return the scale that dim_cycles says the index is spoken of on."""
    found = connection.execute("select any_value(reported_scale) from dim_cycles").fetchone()
    is_of_100 = found is not None and found[0] == 100  # 25-100, as SKM's
    return Scale(factor=25, low=25, high=100) if is_of_100 else Scale()


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def known_sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum of what is known; None where nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
