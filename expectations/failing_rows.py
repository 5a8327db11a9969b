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

from expectations.macros import EngineMacros
from expectations.raw_files import IDENTIFIERS, Cycle, Profile, RawFile, mapped_columns
from expectations.response_profiles import SCIENTIFIC, is_time, local_time
from expectations.rules import Listed, Rule
from orchestration.sql_text import as_name

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("check", "severity", "file", "row", "column", "cell")
_MOST = (
    1_000  # rows of one rule and column that are listed: enough to see what is wrong with the rest
)

_BY_VALUE = {"off_scale", "unknown", "mojibake", "personal"}


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
) -> list[dict[str, str]]:
    """Return the rows that break a rule, by file and row; none for a rule about files as a whole.

    `connection` holds the table `judged` (response_profiles.py); `failing`: the rule's rows of the
    frame.
    """
    if rule.lists is None:
        return []
    found = []
    wanted = set(zip(failing["file_name"], failing["target"], strict=True))
    for file in files:
        for mapped in mapped_columns(seeds_dir, file):
            if mapped.column is None or (file.name, mapped.target) not in wanted:
                continue
            where, values = _where(
                rule.lists, mapped.column, file, mapped.target, cycle, profiles, macros
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
                    "column": " ".join(mapped.source_column.split()),
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
    target: str,
    cycle: Cycle,
    profiles: dict[str, Profile],
    macros: EngineMacros,
) -> tuple[str, list[Any]]:
    """Return the condition that a row breaks the rule in this column, and its parameters."""
    name = as_name(column)
    if listed in _BY_VALUE:
        judged = f"select value from judged where file_number = ? and target = ? and is_{listed}"
        return f"{macros.trim_blanks(name)} in ({judged})", [file.file_number, target]
    if listed == "scientific":
        return SCIENTIFIC.format(name), []
    if listed == "repeated":
        repeated = "select response_id from repeated_ids where profile_id = ?"
        return f"{macros.trim_blanks(name)} in ({repeated})", [file.profile_id]
    time = local_time(column, profiles[file.profile_id], macros)
    if listed == "unreadable":
        return f"{is_time(column)} and {time} is null", []
    return (
        f"{is_time(column)} and cast({time} as date) not between ? and ?",
        [cycle.opens_on, cycle.closes_on],
    )
