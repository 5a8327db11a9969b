"""Profiles of whole files: one row an export with the counts of its cycle, and the staff frames.

Belongs here: DuckDB queries over the registry and the staff frames. Doesn't: the columns of an
export (response_profiles.py), what is demanded of the figures (rules.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.raw_files import (
    Cycle,
    Profile,
    RawFile,
    current_files,
    known_ids,
    listed,
    read_profiles,
)
from expectations.repeated_rows import count_previous_responses, count_responses
from expectations.rules import STAFF_IDS
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import fold
from orchestration.seeds.seed_tables import seed_records
from orchestration.sql_text import as_name

if TYPE_CHECKING:
    import pandas as pd

# A heading that each export of a tool has, whatever the survey and the language.
TOOL_HEADINGS = {
    "limesurvey": ("id",),
    "kobo": ("_id", "_uuid", "_submission_time"),
    "google_forms": ("Timestamp", "Cap waktu", "Stempel waktu"),
    "ms_forms": ("ID", "Id"),
    "qualtrics": ("ResponseId", "ResponseID", "V1"),
    "surveymonkey": ("RespondentID", "Respondent ID", "respondent_id"),
}
_STAFF_COLUMNS = ("unit_id", "recipient_category_id", "role_id", "staff_count")


def profile_files(
    connection: duckdb.DuckDBPyConnection,
    engine: BoundedEngine,
    export_files: Path,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
) -> "pd.DataFrame":
    """Return one row per current export, with the counts of its cycle beside its own.

    `connection` holds what exports' profiles say (one_export.py).
    """
    with duckdb.connect() as frames:
        staff_count = None
        for file in (file for file in files if file.kind == "staff_frame"):
            if heading := _by_name(file).get("staff_count"):
                unit = as_name(_by_name(file).get("unit_id", heading))
                count = f"try_cast({macros.plain_count(as_name(heading))} as bigint)"
                count = f"{count}) filter (not {macros.is_summary_word(unit)}"
                row = frames.execute(
                    f"select sum({count}) from read_parquet(?)",
                    [str(file.parquet(raw_dir, cycle.cycle_id))],
                ).fetchall()[0]
                staff_count = (staff_count or 0) + int(row[0] or 0)
    import pandas as pd

    exports = [file for file in files if file.kind == "survey_responses"]
    record_count = count_responses(connection, seeds_dir, exports)
    previous_count = 0
    if previous := cycle.previous_cycle_id:
        of_previous = current_files(export_files, previous)
        previous_count = count_previous_responses(
            engine,
            raw_dir,
            seeds_dir,
            previous,
            [file for file in of_previous if file.kind == "survey_responses"],
            macros,
        )
    profiles = read_profiles(seeds_dir)
    return pd.DataFrame(
        [
            {
                "file_name": file.name,
                "profile_id": file.profile_id,
                "tool": profiles[file.profile_id].tool,
                "header": listed(file.header),
                "tool_headings": " / ".join(TOOL_HEADINGS.get(profiles[file.profile_id].tool, ())),
                "has_tool_heading": _has_tool_heading(file, profiles[file.profile_id]),
                "is_encoding_told": "cp1252" not in file.message,
                "is_whole": "\ufffd" not in file.message,
                **_note(file),
                "cycle_id": cycle.cycle_id,
                "record_count": record_count,
                "previous_cycle_id": cycle.previous_cycle_id,
                "previous_record_count": previous_count or None,
                # Before the window ends there may be fewer: nothing to compare yet.
                "share_of_last_cycle": record_count / previous_count
                if previous_count and cycle.is_over
                else None,
                "staff_count": staff_count,
                "share_of_staff": record_count / staff_count if staff_count else None,
            }
            for file in exports
        ]
    )


def profile_staff_frame(
    raw_dir: Path, seeds_dir: Path, cycle_id: str, files: list[RawFile], macros: EngineMacros
) -> "pd.DataFrame":
    """Return the rows of the cycle's staff frames (thousands, not millions) as text.

    A total's cells are NULL but for `delivered_unit`: what it is called is told once.
    """
    import pandas as pd

    frames = []
    with duckdb.connect() as connection:
        for file in files:
            present = _by_name(file)
            missing = [name for name in _STAFF_COLUMNS if name not in present]
            chosen = ", ".join(
                f"{as_name(present[name])} as {name}" if name in present else f"null as {name}"
                for name in _STAFF_COLUMNS
            )
            gender = as_name(present["gender"]) if "gender" in present else "''"
            cells = ", ".join(
                f"case when not is_total then {macros.trim_blanks(name)} end as {name}"
                for name in _STAFF_COLUMNS[:-1]
            )
            frame = connection.execute(
                f"""
                with delivered as (
                    select {chosen}, {gender} as gender, _source_row as source_row,
                    from read_parquet(?)
                ),
                told as (
                    select *,
                        coalesce({macros.is_summary_word("unit_id")}, false)
                            and not list_contains(?, unit_id) as is_total,
                    from delivered
                )
                select {cells}, gender, source_row, is_total,
                    case when not is_total then {macros.plain_count("staff_count")} end
                        as staff_count,
                    unit_id as delivered_unit,
                from told order by source_row
                """,
                [str(file.parquet(raw_dir, cycle_id)), known_ids(seeds_dir, "units", "unit_id")],
            ).df()
            for column, seed in STAFF_IDS.items():
                frame = _with_hints(frame, column, seed_records(seeds_dir, seed))
            key = [*STAFF_IDS, "gender"]
            frames.append(
                frame.assign(
                    file_name=file.name,
                    is_encoding_told="cp1252" not in file.message,
                    is_whole="\ufffd" not in file.message,
                    **_note(file),
                    missing_columns=", ".join(missing),
                    is_repeated=frame.duplicated(key) & ~frame["is_total"],
                )
            )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _with_hints(frame: "pd.DataFrame", column: str, seed: list[dict[str, str]]) -> "pd.DataFrame":
    """Add to each id of a frame that the seed lacks its rows, and the id whose name it is."""
    known = {row[column] for row in seed}
    ids_by_name: dict[str, set[str]] = {}
    for row in seed:
        for text in row.values():
            ids_by_name.setdefault(fold(text or "").casefold(), set()).add(row[column])
    rows, in_english, in_indonesian = {}, {}, {}
    for value, places in frame.groupby(column)["source_row"]:
        if value in known:
            continue
        numbers = list(map(str, places))
        more = f" (+{len(numbers) - 3})" if len(numbers) > 3 else ""
        rows[value] = ", ".join(numbers[:3]) + more
        ids = sorted(ids_by_name.get(fold(str(value)).casefold(), ()))
        if ids:
            listed_ids = ", ".join(f"'{name}'" for name in ids[:5])
            in_english[value] = f": it is the name of {listed_ids}. Write that id."
            in_indonesian[value] = f": itu nama {listed_ids}. Tulis id itu."
        else:
            in_english[value] = ". Add it there, or correct the row."
            in_indonesian[value] = ". Tambahkan di sana, atau perbaiki baris itu."
    return frame.assign(
        **{
            f"{column}_rows": frame[column].map(rows),
            f"{column}_hint_en": frame[column].map(in_english),
            f"{column}_hint_id": frame[column].map(in_indonesian),
        }
    )


def _note(file: RawFile) -> dict[str, str]:
    """Return what the pull noted of a file, which is not what the file's name says."""
    in_indonesian, _, in_english = file.message.removeprefix(f"{file.name}: ").partition(" / ")
    return {"note_id": in_indonesian, "note_en": in_english}


def _has_tool_heading(file: RawFile, profile: Profile) -> bool:
    expected = TOOL_HEADINGS.get(profile.tool, ())
    return not expected or any(heading in expected for heading in file.header_folded)


def _by_name(file: RawFile) -> dict[str, str]:
    """Return a staff frame's headings by name: folded, in small letters."""
    return {
        folded.lower(): heading
        for folded, heading in zip(file.header_folded, file.header, strict=True)
    }
