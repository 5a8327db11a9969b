"""Who still has to answer, as files to send: one CSV and one workbook a region, and of all.

Belongs here: the rows of a cycle's fieldwork by name, out of published tables, and those files.
Doesn't: how a file is written (spreadsheets.py), the pages of it (site/pages_participation.py),
who is sent them (orchestration/alerts).

In a publication `fieldwork/<cycle>/<region>.csv` and `.xlsx` of each cycle that shows participation
and no score yet; `none` is what has no region, or is told with units of several, `all` the nation.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from orchestration.durable_files import below
from orchestration.publishing.specifications import ColumnSpec, Described, TableSpec, Words
from orchestration.publishing.spreadsheets import write_csv, write_workbook
from orchestration.sql_text import as_text
from orchestration.survey_terms import HEADLINE_ROLE

FOLDER = "fieldwork"
ALL, NO_REGION = "all", "none"
_UNITS = "fct_participation_units"
_TABLE = Words("Partisipasi selama masa survei", "Participation while the window is open")
_ROWS_ARE = Words(
    "Satu baris per peran dan satuan kerja, yang paling banyak kekurangannya lebih dulu; satuan "
    "kerja kecil disajikan bersama.",
    "One row per role and unit, those that miss most first; small units are told together.",
)
# What is called by name, beside columns of published tables: type, label, description.
_NAMES = {
    "region_name": (Words("Wilayah", "Region"), Words("Nama wilayah.", "The region by name.")),
    "role_name": (Words("Peran", "Role"), Words("Peran yang menjawab.", "Who answers.")),
    "unit_level_name": (Words("Tingkat", "Level"), Words("Tingkat satuan kerja.", "Its level.")),
    "unit_name": (
        Words("Nama satuan kerja", "Unit name"),
        Words(
            "Nama satuan kerja, atau berapa satuan kerja kecil yang disajikan bersama.",
            "The unit by name, or how many small units are told together.",
        ),
    ),
}
_LAST = ColumnSpec(
    "last_answer_on",
    "DATE",
    Words("Jawaban terakhir", "Last answer"),
    Words(
        "Hari terakhir ada jawaban penerima dari satuan kerja itu; kosong bila belum ada, atau "
        "bila barisnya tentang beberapa.",
        "Last day on which recipients of the unit answered; empty where none has, or where the "
        "row is of several.",
    ),
    "",
    False,
)
_COLUMNS = (
    *("cycle_id", "region_name", "role_name", "unit_level_name", "unit_id", "unit_name"),
    *("staff_count", "respondent_count", "response_rate", "required_sample", "shortfall"),
    "last_answer_on",
)


def _both(table: str) -> str:
    return f"concat_ws(' / ', {table}.name_id, nullif({table}.name_en, {table}.name_id))"


# Tables of an older version may lack columns of the newer: named are only those that always were.
_ROWS = f"""
create table fieldwork as
with last_days as (
    select cycle_id, unit_id, max(day_on) as last_answer_on
    from shown.main.fct_participation_days
    where new_respondent_count > 0
    group by all
)
select
    units.cycle_id,
    units.region_id,
    units.role_id,
    units.unit_count,
    regions.name as region_name,
    {_both("roles")} as role_name,
    {_both("levels")} as unit_level_name,
    units.unit_id,
    case
        when units.unit_id is null then
            units.unit_count || ' satuan kerja kecil bersama / small units together'
        else coalesce(names.unit_name, units.unit_id)
    end as unit_name,
    units.staff_count,
    units.respondent_count,
    units.respondent_count / nullif(units.staff_count, 0) as response_rate,
    units.required_sample,
    units.shortfall,
    case when units.role_id = '{HEADLINE_ROLE}' then last_days.last_answer_on end as last_answer_on,
from shown.main.{_UNITS} as units
left join shown.main.dim_cycle_units as names
    on names.cycle_id = units.cycle_id and names.unit_id = units.unit_id
left join shown.main.dim_regions as regions on regions.region_id = units.region_id
left join shown.main.dim_roles as roles on roles.role_id = units.role_id
left join shown.main.dim_unit_levels as levels on levels.unit_level_id = units.unit_level_id
left join last_days
    on last_days.cycle_id = units.cycle_id and last_days.unit_id = units.unit_id
order by
    units.cycle_id, units.role_id <> '{HEADLINE_ROLE}', units.role_id,
    units.shortfall desc nulls last, unit_name, units.unit_id, units.region_id, units.unit_level_id
"""


@dataclass(frozen=True)
class RegionFiles:
    """The files of one region; `region_id` None: of what has none, `name` is then empty."""

    region_id: str | None
    name: str
    csv: Path
    workbook: Path | None


@contextmanager
def fieldwork_rows(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection whose table `fieldwork` has the rows of every cycle of a publication.

    Its rows are those of fct_participation_units with names, those that miss most first; the
    publication itself is attached as `shown`.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach {as_text(database)} as shown (read_only)")
        connection.execute(_ROWS)
        yield connection


def write_unscored(
    database: Path, known: Mapping[str, Described], folder: Path, *, with_workbooks: bool
) -> None:
    """Write the files of each cycle without a score below the publication's `folder`."""
    with duckdb.connect(database, read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables()").fetchall()
        if (_UNITS,) not in tables:  # tables of a test
            return
        cycles = connection.execute(
            f"select distinct cycle_id from {_UNITS}"
            " where cycle_id not in (select cycle_id from idx_scores) order by all"
        ).fetchall()
    if not cycles:
        return
    with fieldwork_rows(database) as connection:
        for (cycle_id,) in cycles:
            write_region_files(
                connection, known, cycle_id, folder / FOLDER, with_workbooks=with_workbooks
            )


def write_region_files(
    connection: duckdb.DuckDBPyConnection,
    known: Mapping[str, Described],
    cycle_id: str,
    folder: Path,
    *,
    with_workbooks: bool,
) -> list[RegionFiles]:
    """Write a cycle's files into `folder`/<cycle>, `connection` being of fieldwork_rows.

    The folder is one that nobody reads yet. Returns the files of regions by name, not the nation's.
    """
    regions = connection.execute(
        "select distinct region_id, coalesce(region_name, '') as name from fieldwork"
        " where cycle_id = ? order by region_id is null, name, region_id",
        [cycle_id],
    ).fetchall()
    spec = _specification(known)
    place = below(folder, cycle_id)
    place.mkdir(parents=True, exist_ok=True)
    kinds = {"csv": write_csv} | ({"xlsx": write_workbook} if with_workbooks else {})

    def write(name: str, where: str) -> dict[str, Path]:
        connection.execute(
            f"create or replace table {spec.name} as select {', '.join(_COLUMNS)} from fieldwork"
            f" where cycle_id = {as_text(cycle_id)} and {where}"
        )
        paths = {kind: below(place, f"{name}.{kind}") for kind in kinds}
        for kind, path in paths.items():
            kinds[kind](connection, spec, path)
        return paths

    written = []
    for region_id, name in regions:
        is_its = "is null" if region_id is None else f"= {as_text(region_id)}"
        paths = write(region_id or NO_REGION, f"region_id {is_its}")
        written.append(RegionFiles(region_id, name, paths["csv"], paths.get("xlsx")))
    if regions:
        write(ALL, "true")
    return written


def _specification(known: Mapping[str, Described]) -> TableSpec:
    published = {**known["v_participation"].columns, **known[_UNITS].columns}
    types = {"staff_count": "BIGINT", "respondent_count": "BIGINT", "response_rate": "DOUBLE"}
    types |= {"required_sample": "BIGINT", "shortfall": "BIGINT"}
    named = {
        name: ColumnSpec(name, "VARCHAR", label, description, "", False)
        for name, (label, description) in _NAMES.items()
    }
    return TableSpec(
        name="region",
        label=_TABLE,
        description=_ROWS_ARE,
        columns=tuple(
            {**named, _LAST.name: _LAST}.get(name)
            or replace(published[name], type=types.get(name, "VARCHAR"))
            for name in _COLUMNS
        ),
        key=(),
        foreign_keys=(),
        view=None,
    )
