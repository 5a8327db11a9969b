"""Profiles of columns of times: which of them can't be read, and which lie outside the window.

Belongs here: reading times as the warehouse does, an example for people, whether another order of
day and month would read them. Doesn't: other figures of a column (response_profiles.py).
"""

import math
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from expectations.raw_files import Cycle, Profile
from orchestration.engine_macros import EngineMacros
from orchestration.sql_text import as_name

_SAMPLED_TIMES = 20_000  # reading a time costs some 2 us; a share is told by fewer rows
_READ = {
    "dmy": "27/10/2025 09:05, 27.10.25 09.05.33, 27 Okt 2025 09.05 WIB, 2025-10-27 09:05:33",
    "mdy": "10/27/2025 09:05, 10/27/25 9:05:33 PM, Oct 27, 2025 9:05 PM, 2025-10-27 09:05:33",
    "ymd": "2025-10-27 09:05:33, 25/10/27 09.05, 27 Okt 2025 09.05 WIB",
}
"""Ways of writing a time that are read, by date_order: what people are shown."""


@dataclass(frozen=True)
class TimeFigures:
    """What is told of a column of times. Shares are of the cells that are filled."""

    date_order: str
    unreadable_share: float | None
    outside_share: float | None
    """Of the times that can be read, those before or after the window."""
    stray_share: float | None
    """Both: what is rejected as out_of_window."""
    time_cell: str | None
    """The first cell of these, and its row as a spreadsheet shows it."""
    time_row: int | None
    better_order: str | None = None
    """The date_order under which as good as all would lie in the window."""
    readable: str = ""


def time_figures(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    column: str,
    cycle: Cycle,
    profile: Profile,
    macros: EngineMacros,
    most: float,
) -> TimeFigures:
    """Return a column's figures; where more than `most` stray, other orders of dates are tried."""

    def under(date_order: str) -> TimeFigures:
        read_so = replace(profile, date_order=date_order)
        return _figures(connection, parquet, column, cycle, read_so, macros)

    told = under(profile.date_order)
    if told.stray_share is None or told.stray_share <= most:
        return told
    others = [under(order) for order in _READ if order != profile.date_order]
    best = min(others, key=lambda other: other.stray_share or 0.0)
    is_better = best.stray_share is not None and best.stray_share <= most
    return replace(told, better_order=best.date_order if is_better else None)


def _figures(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    column: str,
    cycle: Cycle,
    profile: Profile,
    macros: EngineMacros,
) -> TimeFigures:
    rows = connection.execute("select count(*) from read_parquet(?)", [str(parquet)]).fetchall()
    step = max(1, math.ceil(rows[0][0] / _SAMPLED_TIMES))
    is_stray = "local_time is null or cast(local_time as date) not between $opens_on and $closes_on"
    row = connection.execute(
        f"""
        with read as (
            select
                {local_time(column, profile, macros)} as local_time,
                {macros.without_identifiers(as_name(column))} as cell,
                _source_row as row,
            from read_parquet($parquet)
            where _source_row % {step} = 0 and {is_time(column)}
        )
        select
            avg((local_time is null)::integer),
            avg(({is_stray})::integer) filter (local_time is not null),
            avg(({is_stray})::integer),
            arg_min(cell, row) filter ({is_stray}),
            min(row) filter ({is_stray}),
        from read
        """,
        {"parquet": str(parquet), "opens_on": cycle.opens_on, "closes_on": cycle.closes_on},
    ).fetchall()[0]
    unreadable, outside, stray, cell, number = row
    return TimeFigures(
        date_order=profile.date_order,
        unreadable_share=unreadable,
        outside_share=outside,
        stray_share=stray,
        time_cell=cell,
        time_row=number,
        readable=_READ[profile.date_order],
    )


def local_time(column: str, profile: Profile, macros: EngineMacros) -> str:
    """Return SQL of the time of day and date in the window's zone, NULL where it can't be read."""
    text = macros.trim_blanks(as_name(column))
    instant = macros.parse_instant(text, profile.written_timezone, profile.date_order)
    return macros.utc_to_local(instant, profile.timezone)


def is_time(column: str) -> str:
    """Return SQL of whether a cell names a time at all; LimeSurvey's 1980-01-01 stands for none."""
    return f"trim({as_name(column)}) not in ('', '1980-01-01 00:00:00', '1980-01-01 00:00')"


def is_outside(time: str, opens_on: date, closes_on: date) -> str:
    """Return SQL of whether a local time is read and lies outside the window."""
    return f"cast({time} as date) not between date '{opens_on}' and date '{closes_on}'"
