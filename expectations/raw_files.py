"""What the border looks at: a cycle's files as the raw zone has them, and the seeds that map them.

Belongs here: the values that profiles, rules and failing rows are told in, and reading them.
Doesn't: figures of a file (response_profiles.py, file_profiles.py).
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.exports.headers import fold
from orchestration.exports.store import parquet_path
from orchestration.seeds.seed_tables import seed_records

IDENTIFIERS = ("respondent_identifier", "response_id")


@dataclass(frozen=True)
class Cycle:
    """What the figures of a cycle are measured against."""

    cycle_id: str
    instrument_id: str
    opens_on: date
    closes_on: date
    previous_cycle_id: str | None
    is_over: bool


@dataclass(frozen=True)
class Profile:
    """What export_profiles.csv says of a profile's exports."""

    tool: str
    timezone: str
    date_order: str
    written_timezone: str
    """Of times written without one; the window is judged in `timezone`."""
    identifier_kind: str


@dataclass(frozen=True)
class RawFile:
    """A current file of a cycle, as the registry of the raw zone has it."""

    file_number: int
    profile_id: str
    kind: str
    source: str
    name: str
    sha256: str
    header: list[str]
    header_folded: list[str]
    record_count: int
    message: str = ""

    def parquet(self, raw_dir: Path, cycle_id: str) -> Path:
        """Return where its rows lie."""
        return parquet_path(raw_dir, kind=self.kind, cycle_id=cycle_id, sha256=self.sha256)


@dataclass(frozen=True)
class MappedColumn:
    """A row of export_columns.csv met with a file; `column` is None where the file lacks it."""

    source_column: str
    target_kind: str
    target: str
    column: str | None


def current_files(export_files: Path, cycle_id: str) -> list[RawFile]:
    """Return the cycle's files that were read and that no newer version has replaced."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select file_number, profile_id, kind, source, name, sha256, header, header_folded,"
            " record_count, message from read_parquet(?)"
            " where cycle_id = ? and superseded_by is null and status = 'read'"
            " order by file_number",
            [str(export_files), cycle_id],
        ).fetchall()
    return [RawFile(*row) for row in rows]


def mapped_columns(seeds_dir: Path, file: RawFile) -> list[MappedColumn]:
    """Return what export_columns.csv says of the file's profile, met with the file's header."""
    by_heading = dict(zip(file.header_folded, file.header, strict=True))
    by_heading["_profile_id"] = "_profile_id"
    return [
        MappedColumn(
            source_column=row["source_column"],
            target_kind=row["target_kind"],
            target=row["target"],
            column=by_heading.get(fold(row["source_column"])),
        )
        for row in seed_records(seeds_dir, "export_columns")
        if row["profile_id"] == file.profile_id
    ]


def maps_identifiers(seeds_dir: Path, file: RawFile) -> bool:
    """Whether the file's profile maps a column to respondent_identifier."""
    return any(
        mapped.target_kind == "attribute" and mapped.target == "respondent_identifier"
        for mapped in mapped_columns(seeds_dir, file)
    )


def known_ids(seeds_dir: Path, seed: str, column: str) -> list[str]:
    """Return the ids that a column of a seed holds, each once."""
    return sorted({row[column] for row in seed_records(seeds_dir, seed)})


def read_profiles(seeds_dir: Path) -> dict[str, Profile]:
    """Return the profiles of export_profiles.csv by id."""
    return {
        row["profile_id"]: Profile(
            tool=row.get("tool") or "plain",
            timezone=row.get("timezone") or "UTC",
            date_order=row.get("date_order") or "dmy",
            written_timezone=row.get("written_timezone") or row.get("timezone") or "UTC",
            identifier_kind=row.get("identifier_kind") or "",
        )
        for row in seed_records(seeds_dir, "export_profiles")
    }


def method_parameter(seeds_dir: Path, method_id: str, parameter: str) -> float | None:
    """Return a row of method_parameters.csv as a number, None where there is none."""
    for row in seed_records(seeds_dir, "method_parameters"):
        if row["method_id"] == method_id and row["parameter"] == parameter:
            return float(row["value"])
    return None


def listed(names: list[str]) -> str:
    """Return headings as one line of a message: some surveys have hundreds."""
    shown = ", ".join(f"'{fold(name)}'" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
