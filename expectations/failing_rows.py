"""The rows behind a failed rule: file, row, column and cell, so that somebody can mend them.

Belongs here: finding them in the raw Parquet, writing them as CSV for people. Doesn't: deciding
that a rule failed (validation.py). Cells are shown without what may be an identifier, those of
identifiers not at all.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.raw_files import IDENTIFIERS, Cycle, Profile, RawFile, mapped_columns
from expectations.response_profiles import is_cut
from expectations.rules import Listed, Rule
from expectations.time_profiles import is_outside, is_time, local_time
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import fold
from orchestration.sql_text import as_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("check", "severity", "file", "row", "column", "cell")
_MOST = (
    1_000  # rows of one rule and column that are listed: enough to see what is wrong with the rest
)

_BY_VALUE = {"off_scale", "unknown", "mojibake", "error", "personal"}


def failing_rows(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: Iterable[RawFile],
    profiles: dict[str, Profile],
    macros: EngineMacros,
    rule: Rule,
    failing: "pd.DataFrame",
    most: float,
) -> list[dict[str, str]]:
    """Return the rows that break a rule, by file and row; none for a rule about files as a whole.

    `connection` holds the table `judged` (response_profiles.py); `failing`: the rule's rows of the
    frame.
    """
    if rule.lists is None:
        return []
    found = []
    wanted = set(zip(failing["file_name"], failing["source_column"], strict=True))
    for file in files:
        for mapped in mapped_columns(seeds_dir, file):
            heading = fold(mapped.source_column)
            if mapped.column is None or (file.name, heading) not in wanted:
                continue
            where, values = _where(
                rule.lists, mapped.column, file, heading, cycle, profiles, macros, most
            )
            cell = "''" if mapped.target in IDENTIFIERS else as_name(mapped.column)
            rows = connection.execute(
                f"select _source_row, {macros.without_identifiers(cell)}"
                f" from read_parquet(?) where {where} order by _source_row limit {_MOST}",
                [str(file.parquet(raw_dir, cycle.cycle_id)), *values],
            ).fetchall()
            found += [
                {
                    "check": rule.name,
                    "severity": rule.severity,
                    "file": file.name,
                    "row": str(row),
                    "column": heading,
                    "cell": cell,
                }
                for row, cell in rows
            ]
    return found


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the rows as CSV that Excel opens; what begins like a formula gets an apostrophe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({name: plain(text) for name, text in row.items()} for row in rows)
    path.chmod(0o600)  # rows of persons, if without their identifiers


def plain(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


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
        repeated = "select response_id from repeated_ids where profile_id = ?"
        return f"{macros.trim_blanks(name)} in ({repeated})", [file.profile_id]
    time = local_time(column, profiles[file.profile_id], macros)
    stray = f"({time} is null or {is_outside(time, cycle.opens_on, cycle.closes_on)})"
    return f"{is_time(column)} and {stray if listed == 'stray' else f'{time} is null'}", []
