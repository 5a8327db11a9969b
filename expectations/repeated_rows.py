"""Rows that stand in an export twice, or in two exports: weekly downloads, CSV beside XLSX.

Belongs here: DuckDB queries over the files of a cycle together. Doesn't: which of the rows counts
(dbt_project/macros/responses.sql), figures of one file (response_profiles.py).
"""

from collections import defaultdict
from itertools import permutations
from pathlib import Path

import duckdb

from expectations.raw_files import Cycle, MappedColumn, Profile, RawFile, mapped_columns
from expectations.raw_files import read_profiles as _read_profiles
from orchestration.engine_macros import EngineMacros
from orchestration.sql_text import as_name, as_text

_TIMES = ("submitted_at", "started_at")
_TABLES = """
create temp table repeated_ids (profile_id varchar, response_id varchar, last_key bigint);
create temp table repeats (
    file_number bigint, repeated_count bigint, repeated_row bigint, repeated_in varchar);
create temp table copied (file_number bigint, copied_in varchar);
"""


def find_repeats(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
) -> None:
    """Make `repeats` and `repeated_ids`, by response ids, and `copied`, where there are none.

    `repeats`: per file the rows whose response id stands in a later row of its profile, of any
    file; one of them, and where it stands again. `copied`: the other file in which all of a file's
    rows stand.
    """
    connection.execute(_TABLES)
    profiles = _read_profiles(seeds_dir)
    of_profile: dict[str, list[RawFile]] = defaultdict(list)
    for file in files:
        of_profile[file.profile_id].append(file)
    for profile_id, exports in of_profile.items():
        columns = {
            file.file_number: [
                mapped
                for mapped in mapped_columns(seeds_dir, file)
                if mapped.target_kind != "ignore" and mapped.column not in (None, "_profile_id")
            ]
            for file in exports
        }
        places = {file.file_number: file.parquet(raw_dir, cycle.cycle_id) for file in exports}
        is_numbered = {
            file.file_number: any(m.target == "response_id" for m in columns[file.file_number])
            for file in exports
        }
        numbered = [file for file in exports if is_numbered[file.file_number]]
        if numbered:
            _by_response_id(connection, profile_id, numbered, columns, places, macros)
        others = [file for file in exports if not is_numbered[file.file_number]]
        _whole_files(connection, others, columns, places, profiles[profile_id], macros)


def _by_response_id(
    connection: duckdb.DuckDBPyConnection,
    profile_id: str,
    files: list[RawFile],
    columns: dict[int, list[MappedColumn]],
    places: dict[int, Path],
    macros: EngineMacros,
) -> None:
    ids = " union all ".join(
        f"select {file.file_number}::bigint * 1000000000 + _source_row as response_key,"
        f" {macros.trim_blanks(as_name(str(mapped.column)))} as response_id"
        f" from read_parquet({as_text(places[file.file_number])})"
        for file in files
        for mapped in columns[file.file_number]
        if mapped.target == "response_id"
    )
    connection.execute(
        f"insert into repeated_ids select {as_text(profile_id)}, response_id, max(response_key)"
        f" from ({ids}) where response_id <> '' group by response_id having count(*) > 1"
    )
    connection.execute(
        f"""
        insert into repeats
        select
            response_key // 1000000000 as file_number,
            count(*),
            min(response_key) % 1000000000,
            arg_min(later.name, response_key) || ', baris / row '
                || arg_min(last_key % 1000000000, response_key),
        from ({ids})
        inner join repeated_ids using (response_id)
        inner join (select unnest(?) as file_number, unnest(?) as name) as later
            on later.file_number = last_key // 1000000000
        where profile_id = ? and response_key < last_key
        group by 1
        """,
        [[file.file_number for file in files], [file.name for file in files], profile_id],
    )


def _whole_files(
    connection: duckdb.DuckDBPyConnection,
    files: list[RawFile],
    columns: dict[int, list[MappedColumn]],
    places: dict[int, Path],
    profile: Profile,
    macros: EngineMacros,
) -> None:
    """Find files whose rows all stand in another one, by their attributes, then by their answers.

    Attributes first: they are few, and nearly always tell two files apart.
    """

    def rows(file: RawFile, *, with_answers: bool) -> str:
        cells = {
            mapped.target: _comparable(mapped, profile, macros)
            for mapped in columns[file.file_number]
            if with_answers or mapped.target_kind == "attribute"
        }
        listed = ", ".join(cells[target] for target in sorted(cells))
        parquet = as_text(places[file.file_number])
        return f"select distinct [{listed}] as cells from read_parquet({parquet})"

    def lies_in(file: RawFile, other: RawFile, *, with_answers: bool) -> bool:
        own, others = (rows(each, with_answers=with_answers) for each in (file, other))
        sql = f"select 1 from ({own}) anti join ({others}) using (cells) limit 1"
        return not connection.execute(sql).fetchall()

    found: set[int] = set()
    for file, other in permutations(sorted(files, key=lambda file: -file.file_number), 2):
        targets = [{m.target for m in columns[each.file_number]} for each in (file, other)]
        # Of two that hold the same rows, the one read later is told, once.
        if (
            file.file_number not in found
            and other.file_number not in found
            and targets[0] == targets[1]
            and lies_in(file, other, with_answers=False)
            and lies_in(file, other, with_answers=True)
        ):
            found.add(file.file_number)
            connection.execute("insert into copied values (?, ?)", [file.file_number, other.name])


def _comparable(mapped: MappedColumn, profile: Profile, macros: EngineMacros) -> str:
    """Return SQL of a cell's text, alike in CSV and workbook: an instant, '4' for '4.0'."""
    text = macros.trim_blanks(as_name(str(mapped.column)))
    if mapped.target in _TIMES:
        instant = macros.parse_instant(text, profile.written_timezone, profile.date_order)
        return f"coalesce(cast({instant} as varchar), {text})"
    return macros.plain_number(text)
