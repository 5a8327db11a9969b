"""`ilk plan`: whom to ask in a cycle, out of what is published, for the screen, Excel and a CSV.

Belongs here: the rows of one cycle with names, and where they are written. Doesn't: computing them
(models/marts/fct_sample_plan.sql), the table as a page (publishing/site/pages_plan.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration.durable_files import whole_file
from orchestration.publishing.specifications import (
    ColumnSpec,
    Described,
    TableSpec,
    Words,
    specifications,
)
from orchestration.publishing.spreadsheets import write_csv, write_workbook
from orchestration.sql_text import as_text

TABLE = "fct_sample_plan"
_NAME = ColumnSpec(
    "scope_name",
    "VARCHAR",
    Words("Nama", "Name"),
    Words(
        "Satuan kerja, wilayah, atau tingkat dengan namanya.", "The unit, region or level by name."
    ),
    "",
    False,
)
_SCOPES = ("national", "level", "region", "unit")
_ROWS = f"""
create table {TABLE} as
select
    plan.* exclude (cycle_id),
    plan.cycle_id,
    coalesce(
        units.unit_name, regions.name, levels.name_id || ' / ' || levels.name_en,
        'Nasional / The nation'
    ) as scope_name,
from shown.main.{TABLE} as plan
left join shown.main.dim_cycle_units as units
    on units.cycle_id = plan.cycle_id and units.unit_id = plan.unit_id
left join shown.main.dim_regions as regions
    on plan.plan_scope = 'region' and regions.region_id = plan.region_id
left join shown.main.dim_unit_levels as levels
    on plan.plan_scope = 'level' and levels.unit_level_id = plan.unit_level_id
where plan.cycle_id = $cycle_id
order by list_position({[*_SCOPES]}, plan.plan_scope), levels.level_rank, scope_name, scope_id
"""


class PlanError(ValueError):
    """There is no plan to write; the message is for people."""


@dataclass(frozen=True)
class Plan:
    """A cycle's plan: its rows above units, how many units there are, and the files."""

    rows: Sequence[Mapping[str, Any]]
    unit_count: int
    workbook: Path
    csv: Path

    @property
    def nation(self) -> Mapping[str, Any]:
        """The row of all."""
        return self.rows[0]


def write_plan(
    *, database: Path, known: Mapping[str, Described], cycle_id: str, folder: Path
) -> Plan:
    """Write a cycle's plan into `folder`. Raises PlanError where the publication has none."""
    if not database.is_file():
        raise PlanError(
            "Jalankan dulu satu siklus, dengan kerangka pegawai: ./ilk run. Belum ada publikasi; "
            "siklus pertama punya rencana sejak jawaban pertamanya. / Run a cycle first, with a "
            "staff frame: nothing is published yet; a first cycle has a plan from its first "
            "answers on."
        )
    with duckdb.connect() as connection:
        connection.execute(f"attach {as_text(database)} as shown (read_only)")
        there = connection.execute(
            "select count(*) from duckdb_tables() where database_name = 'shown' and table_name = ?",
            [TABLE],
        ).fetchone()
        if there != (1,):
            raise PlanError(
                "Terbitkan lagi dengan versi ini: ./ilk run --all; publikasi ini dari versi lama. "
                "/ Publish again with this version: the publication is an older one's."
            )
        connection.execute(_ROWS, {"cycle_id": cycle_id})
        rows = _rows(connection)
        if not rows:
            raise PlanError(
                f"Jalankan lagi: ./ilk run --all; publikasi belum memuat rencana {cycle_id}, sebab "
                "siklus itu baru, atau belum ada kerangka pegawainya maupun siklus tertutup "
                "sebelumnya. / Run again: the publication holds no plan of it, since the cycle is "
                "new, or has neither a staff frame of its own nor a closed cycle before it."
            )
        # Words of an older publication's columns are of no use: these are its own.
        spec = _named(specifications(known, connection)[TABLE])
        workbook, csv = (folder / f"{cycle_id}.{kind}" for kind in ("xlsx", "csv"))
        for path, write in ((workbook, write_workbook), (csv, write_csv)):
            with whole_file(path) as fresh:
                write(connection, spec, fresh)
    above = [row for row in rows if row["plan_scope"] != "unit"]
    return Plan(above, len(rows) - len(above), workbook, csv)


def _rows(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    cursor = connection.execute(f"from {TABLE}")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _named(spec: TableSpec) -> TableSpec:
    """Return the table's words with its rows' names after whose they are."""
    columns = [column for column in spec.columns if column.name != _NAME.name]
    place = [column.name for column in columns].index("scope_id") + 1
    return replace(spec, columns=(*columns[:place], _NAME, *columns[place:]))
