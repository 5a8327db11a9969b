"""The rows behind a failed rule: file, row, column and cell, so that somebody can mend them.

Belongs here: finding them in the raw Parquet. Doesn't: deciding that a rule failed (validation.py),
how lists are written (lists.py). Cells are shown without what may be an identifier, those of
identifiers not at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.lists import MendingList
from expectations.one_export import is_cut
from expectations.raw_files import (
    IDENTIFIERS,
    Cycle,
    Profile,
    RawFile,
    mapped_columns,
    read_profiles,
)
from expectations.rules import Listed, Rule
from expectations.time_profiles import is_outside, is_time, local_time
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import fold
from orchestration.sql_text import as_name
from orchestration.words import FaultText

if TYPE_CHECKING:
    import pandas as pd

_MOST = 1_000  # rows and values of one rule and column that are listed: enough to see the rest

_BY_VALUE = {"off_scale", "unknown", "mojibake", "error", "personal"}


@dataclass(frozen=True)
class FailingCells:
    """A rule's cells in one column of a file: the distinct ones with their counts, and the rows."""

    rule: Rule
    file: str
    column: str
    text: FaultText
    values: list[tuple[str, int]]
    rows: list[tuple[int, str]]
    """Row as a spreadsheet counts, and its cell; none where the file as a whole is at fault."""


def failing_cells(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: Iterable[RawFile],
    macros: EngineMacros,
    rule: Rule,
    failing: "pd.DataFrame",
    most: float,
) -> list[FailingCells]:
    """Return the cells that break a rule about cells, by file and column.

    `connection` holds the table `judged` (one_export.py); `failing`: the rule's rows of the
    frame.
    """
    found: list[FailingCells] = []
    if rule.lists is None:
        return found
    profiles = read_profiles(seeds_dir)
    texts = {
        (row["file_name"], row["source_column"]): rule.sentence(row).text
        for row in failing.to_dict("records")
    }
    for file in files:
        for mapped in mapped_columns(seeds_dir, file):
            heading = fold(mapped.source_column)
            text = texts.get((file.name, heading))
            if mapped.column is None or text is None:
                continue
            where, values = _where(
                rule.lists, mapped.column, file, heading, cycle, profiles, macros, most
            )
            cell = "''" if mapped.target in IDENTIFIERS else as_name(mapped.column)
            # Once: reading a time, say, takes far longer than all else.
            connection.execute(
                "create or replace temp table broken as select _source_row as row,"
                f" {macros.without_identifiers(cell)} as cell from read_parquet(?) where {where}",
                [str(file.parquet(raw_dir, cycle.cycle_id)), *values],
            )
            found.append(
                FailingCells(
                    rule,
                    file.name,
                    heading,
                    text,
                    connection.execute(
                        "select cell, count(*) from broken group by cell"
                        f" order by count(*) desc, cell limit {_MOST}"
                    ).fetchall(),
                    connection.execute(f"from broken order by row limit {_MOST}").fetchall(),
                )
            )
    return found


def failing_files(rule: Rule, failing: "pd.DataFrame") -> list[FailingCells]:
    """Return what breaks a rule about files, columns or rows of the staff frame as a whole."""
    found = {}
    is_of_column = "{source_column}" in rule.place + rule.text.en
    for row in failing.to_dict("records"):
        has_row = "source_row" in row
        column = str(row["source_column"]) if is_of_column else rule.column if has_row else ""
        cell = str(row[rule.column]) if has_row else ""
        cells = FailingCells(
            rule,
            str(row["file_name"]),
            column,
            rule.sentence(row).text,
            [(cell, 1)],
            [(int(row["source_row"]), cell)] if has_row else [],
        )
        # A figure of the whole file stands in each of its rows.
        found[cells.file, column, cells.text, tuple(cells.rows)] = cells
    return list(found.values())


def mending_list(found: Iterable[FailingCells]) -> MendingList:
    """Return all that is to be mended: distinct values over all files, then row by row."""
    values: dict[tuple[str, str, str, str], dict[str, int]] = {}
    rows: list[tuple[str | int, ...]] = []
    for cells in found:
        rule = cells.rule
        for value, count in cells.values:
            by_file = values.setdefault((rule.name, rule.severity, cells.column, value), {})
            by_file[cells.file] = by_file.get(cells.file, 0) + count
        place = (rule.name, rule.severity, cells.file)
        sentence = (cells.text.id, cells.text.en)
        rows += [(*place, row, cells.column, cell, *sentence) for row, cell in cells.rows]
        if not cells.rows:
            rows.append((*place, "", cells.column, "", *sentence))
        more = sum(count for _, count in cells.values) - len(cells.rows)
        if cells.rows and more > 0:
            told = f"dan {more} baris lagi / and {more} more rows"
            rows.append((*place, "", cells.column, told, *sentence))
    return MendingList(
        "failing_rows",
        ("check", "severity", "column", "cell", "row_count", "file_count"),
        [
            (*key, sum(by_file.values()), len(by_file))
            for key, by_file in sorted(
                values.items(), key=lambda item: (item[0][0], -sum(item[1].values()), item[0])
            )
        ],
        ("check", "severity", "file", "row", "column", "cell", "pesan", "message"),
        rows,
    )


def _where(
    listed: Listed,
    column: str,
    file: RawFile,
    heading: str,
    cycle: Cycle,
    profiles: dict[str, Profile],
    macros: EngineMacros,
    most: float,
) -> tuple[str, list[Any]]:
    """Return the condition that a row breaks the rule in this column, and its parameters."""
    name = as_name(column)
    if listed in _BY_VALUE:
        judged = (
            f"select value from judged where file_number = ? and source_column = ? and is_{listed}"
        )
        return f"{macros.trim_blanks(name)} in ({judged})", [file.file_number, heading]
    if listed == "cut":
        return f"true qualify {is_cut(name, most)}", []
    if listed == "repeated":
        repeated = "select response_id from repeated_ids where profile_id = ? and source = ?"
        plain = macros.plain_response_id(macros.trim_blanks(name))
        return f"{plain} in ({repeated})", [file.profile_id, file.source]
    time = local_time(column, profiles[file.profile_id], macros)
    stray = f"({time} is null or {is_outside(time, cycle.opens_on, cycle.closes_on)})"
    return f"{is_time(column)} and {stray if listed == 'stray' else f'{time} is null'}", []
