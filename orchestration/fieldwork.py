"""`ilk status CYCLE`: who has answered, who is missing where, from day to day, as published.

Belongs here: a cycle's fieldwork read from the publication, and how it is printed. Doesn't: the
files for regions (publishing/region_files.py), sending them (orchestration/alerts), the pages.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.markup import escape
from rich.table import Table

from orchestration.dbt_build import manifest_path
from orchestration.durable_files import below, whole_file
from orchestration.publishing.reading.headline import decimal_comma, grouped
from orchestration.publishing.region_files import FOLDER, fieldwork_rows, write_region_files
from orchestration.publishing.specifications import read_described
from orchestration.seeds.survey_cycles import SurveyCycle
from orchestration.settings import Settings
from orchestration.survey_days import local_day
from orchestration.survey_terms import HEADLINE_ROLE
from orchestration.terminal import console, fail

_NAMED_SHORT = 25  # units that the screen names; the files have all
_DAYS = 7
_SUMS = """
    cast(sum(unit_count) as bigint) as unit_count,
    cast(sum(staff_count) as bigint) as staff_count,
    cast(sum(respondent_count) as bigint) as respondent_count,
    cast(sum(required_sample) as bigint) as required_sample,
    cast(sum(shortfall) as bigint) as shortfall
"""

Row = Mapping[str, Any]


class NoFieldworkError(ValueError):
    """Nothing is published of who answered in the cycle; the message is for people."""


@dataclass(frozen=True)
class Fieldwork:
    """Who of the headline role answered in a cycle by now, as it is published.

    Rows have unit_count, staff_count, respondent_count, required_sample (the sum of the units'
    own) and shortfall, in persons; what the staff frame doesn't tell is None.
    """

    cycle: SurveyCycle
    today: date
    """In the zone of the survey's window."""
    whole: Row
    regions: Sequence[Row]
    """With region_id and region_name, those that miss most first."""
    short: Sequence[Row]
    """Units, and small ones told together, that miss some; those that miss most first."""
    days: Sequence[tuple[date, int, int]]
    """Days of the window up to today: who answered on it, and up to it."""

    @property
    def days_left(self) -> int:
        """Days of the window after today; negative when it has closed."""
        return (self.cycle.closes_on - self.today).days


def read_fieldwork(
    connection: duckdb.DuckDBPyConnection, cycle: SurveyCycle, *, today: date
) -> Fieldwork:
    """Return a cycle's fieldwork, `connection` being of fieldwork_rows.

    Raises NoFieldworkError.
    """

    def rows(sql: str) -> list[dict[str, Any]]:
        found = connection.execute(sql, {"cycle_id": cycle.cycle_id})
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    of_role = f"from fieldwork where cycle_id = $cycle_id and role_id = '{HEADLINE_ROLE}'"
    (whole,) = rows(f"select {_SUMS} {of_role}")
    if whole["unit_count"] is None:
        raise NoFieldworkError(
            f"Jalankan siklusnya / run the cycle: ./ilk run {cycle.cycle_id}. Partisipasinya belum "
            "terbit: terbit sejak masa survei dibuka, begitu ada kerangka pegawai atau jawaban. / "
            "Its participation is not published yet: it is from the window's first day on, as soon "
            "as there is a staff frame or an answer."
        )
    days = connection.execute(
        "select day_on, sum(new_respondent_count)::bigint, sum(respondent_count)::bigint"
        " from shown.main.fct_participation_region_days where cycle_id = ? and day_on <= ?"
        " group by day_on order by day_on",
        [cycle.cycle_id, today],
    ).fetchall()
    return Fieldwork(
        cycle=cycle,
        today=today,
        whole=whole,
        regions=rows(
            f"select region_id, region_name, {_SUMS} {of_role} group by all"
            " order by shortfall desc nulls last, region_name nulls last, region_id"
        ),
        short=rows(f"select * {of_role} and shortfall > 0"),
        days=days,
    )


def print_fieldwork(settings: Settings, cycle: SurveyCycle, out: Path | None) -> None:
    """Print a cycle's fieldwork, and write each region's list below `out` where it is given.

    Ends the command where nothing of it is published.
    """
    database = (settings.published_dir / "ilk.duckdb").resolve()
    if not database.is_file():
        fail(
            f"Jalankan dulu / first run: ./ilk run {cycle.cycle_id}. Belum ada publikasi. / "
            "Nothing is published yet."
        )
    try:
        with fieldwork_rows(database) as connection:
            found = read_fieldwork(connection, cycle, today=local_day(datetime.now(UTC)))
            if out is not None:
                _write(connection, settings, cycle, out)
    except NoFieldworkError as error:
        fail(str(error))
    except duckdb.CatalogException:
        fail(
            "Terbitkan lagi dengan versi ini: ./ilk run --all; publikasi ini dari versi lama. / "
            "Publish again with this version: the publication is an older one's."
        )
    _print(found)
    place = (out or settings.published_dir / FOLDER) / cycle.cycle_id
    if place.is_dir():
        console.print(f"Untuk dikirim per wilayah / To send, by region: {place}", soft_wrap=True)
    else:
        console.print(
            f"Daftar per wilayah / each region's list: ./ilk status {cycle.cycle_id} --out FOLDER",
            soft_wrap=True,
        )


def _write(
    connection: duckdb.DuckDBPyConnection, settings: Settings, cycle: SurveyCycle, out: Path
) -> None:
    known = read_described(manifest_path(settings))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        write_region_files(connection, known, cycle.cycle_id, made, with_workbooks=True)
        for file in sorted((made / cycle.cycle_id).iterdir()):
            with whole_file(below(out, cycle.cycle_id, file.name)) as fresh:
                shutil.copyfile(file, fresh)


def _print(found: Fieldwork) -> None:
    cycle, left = found.cycle, found.days_left
    when = (
        "belum dibuka / not open yet"
        if found.today < cycle.opens_on
        else f"sisa hari / days left: {left}"
        if left > 0
        else "hari terakhir / the last day"
        if left == 0
        else "sudah ditutup / closed"
    )
    console.print(f"{cycle.cycle_id}: {cycle.opens_on} – {cycle.closes_on}, {when}")
    if found.days:
        days = Table("Hari\nDay", box=box.SIMPLE_HEAD)
        for heading in ("Baru\nNew", "Sejauh ini\nSo far", "Respons\nResponse"):
            days.add_column(heading, justify="right")
        for day, new, count in found.days[-_DAYS:]:
            days.add_row(
                str(day), grouped(new), grouped(count), _rate(count, found.whole["staff_count"])
            )
        console.print(days)
    regions = _table("Wilayah\nRegion", "Satuan\nUnits")
    for row in found.regions:
        name = row["region_name"] or "beberapa, atau tanpa / several, or none"
        regions.add_row(escape(name), grouped(row["unit_count"]), *_counts(row))
    regions.add_section()
    regions.add_row("Semua / All", grouped(found.whole["unit_count"]), *_counts(found.whole))
    console.print(regions)
    if found.short:
        short = _table("Masih kurang, terbanyak dulu\nStill missing, most first", "Wilayah\nRegion")
        for row in found.short[:_NAMED_SHORT]:
            short.add_row(
                escape(row["unit_name"]), escape(row["region_name"] or "–"), *_counts(row)
            )
        console.print(short)
        if (more := len(found.short) - _NAMED_SHORT) > 0:
            console.print(f"dan {more} lagi / and {more} more")


def _table(first: str, second: str) -> Table:
    table = Table(first, box=box.SIMPLE_HEAD)
    table.add_column(second, justify="right" if second.endswith("Units") else "left")
    for heading in (
        "Pegawai\nStaff",
        "Menjawab\nAnswered",
        "Respons\nResponse",
        "Perlu\nRequired",
        "Kurang\nMissing",
    ):
        table.add_column(heading, justify="right")
    return table


def _counts(row: Row) -> list[str]:
    return [
        grouped(row["staff_count"]),
        grouped(row["respondent_count"]),
        _rate(row["respondent_count"], row["staff_count"]),
        grouped(row["required_sample"]),
        grouped(row["shortfall"]),
    ]


def _rate(count: int, staff: int | None) -> str:
    return f"{decimal_comma(100 * count / staff, 1)}%" if staff else "–"
