"""Responses that stand in an export twice, or in two exports: weekly downloads, CSV beside XLSX.

Belongs here: DuckDB queries over the files of a cycle together. Doesn't: which of the rows counts
(dbt_project/macros/responses.sql), figures of one file (response_profiles.py).
"""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import duckdb

from expectations.raw_files import Cycle, MappedColumn, Profile, RawFile, mapped_columns
from expectations.raw_files import read_profiles as _read_profiles
from orchestration.bounded_engine import BoundedEngine
from orchestration.engine_macros import EngineMacros
from orchestration.sql_text import as_name, as_text

_TIMES = ("submitted_at", "started_at")
_SHOWN = 5  # files that a message names
_FEW = 3  # rows: fewer may be alike by chance
_TABLES = """
create temp table repeated_ids (
    profile_id varchar, source varchar, response_id varchar, last_key bigint);
create temp table repeats (
    file_number bigint, repeated_count bigint, repeated_row bigint, repeated_in varchar,
    repeated_files varchar);
create temp table copied (file_number bigint, copied_count bigint, copied_in varchar);
create temp table twofold (
    file_number bigint, twofold_count bigint, twofold_in varchar, twofold_sources varchar);
"""


def find_repeats(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
) -> None:
    """Make `repeats`, `repeated_ids` and `twofold` by response ids, `copied` where they don't tell.

    Of the rows of `compared` (one_export.py), and of exports where these are not enough.

    `repeats`: per file the rows whose response id stands in a later row of its source, of any
    file; one of them, where it stands again, and how many in each file. `twofold`: the rows of a
    file that a file of another source of the profile has with the same id and attributes, where
    that is what most of the ids that both have do. `copied`: how many of a file's rows stand in
    which other one without an id, or under another one in a file of the same source, where that is
    half of them at least.
    """
    connection.execute(_TABLES)
    profiles = _read_profiles(seeds_dir)
    for profile_id, exports in _of_profiles(files).items():
        columns = {file.file_number: _mapped(mapped_columns(seeds_dir, file)) for file in exports}
        places = {file.file_number: file.parquet(raw_dir, cycle.cycle_id) for file in exports}
        profile = profiles[profile_id]
        numbered, others = _by_numbering(exports, columns)
        if numbered:
            _by_response_id(connection, profile_id, numbered)
        _by_rows(connection, others, columns, places, profile, macros)
        for source in {file.source for file in numbered}:
            of_source = [file for file in numbered if file.source == source]
            _by_rows(connection, of_source, columns, places, profile, macros)


def compared_with_others(
    files: list[RawFile], columns: Mapping[int, list[MappedColumn]]
) -> set[int]:
    """Return the numbers of the files of which `find_repeats` compares the rows with others'."""
    alike = [
        group
        for exports in _of_profiles(files).values()
        for group in _by_numbering(exports, columns)
    ]
    return {file.file_number for group in alike if len(group) > 1 for file in group}


def response_id(columns: list[MappedColumn], macros: EngineMacros) -> str:
    """Return SQL of a row's response id as ids are compared, NULL in a file that has none."""
    for mapped in _mapped(columns):
        if mapped.target == "response_id":
            return macros.plain_response_id(macros.trim_blanks(as_name(str(mapped.column))))
    return "null::varchar"


def attributes(columns: list[MappedColumn], profile: Profile, macros: EngineMacros) -> str:
    """Return SQL of a hash of a row's attributes."""
    return _cells(_mapped(columns), profile, macros, with_answers=False)


def count_responses(
    connection: duckdb.DuckDBPyConnection, seeds_dir: Path, files: list[RawFile]
) -> int:
    """Return how many responses the profiled files hold: of one source each response id once."""
    numbered, others = _by_numbering(
        files, {file.file_number: mapped_columns(seeds_dir, file) for file in files}
    )
    numbers = [file.file_number for file in numbered]
    return sum(file.record_count for file in others) + _count_identified(
        connection,
        "select profile_id, source, response_id from compared inner join files using (file_number)"
        f" where list_contains({numbers}::bigint[], file_number)",
    )


def count_previous_responses(
    engine: BoundedEngine,
    raw_dir: Path,
    seeds_dir: Path,
    cycle_id: str,
    files: list[RawFile],
    macros: EngineMacros,
) -> int:
    """Return the same of files that were not profiled: those of an earlier cycle."""
    count = 0
    ids = []
    for file in files:
        parquet = file.parquet(raw_dir, cycle_id)
        columns = mapped_columns(seeds_dir, file)
        if not is_numbered(columns) or not parquet.is_file():  # an old cycle's may be cleared away
            count += file.record_count
            continue
        ids.append(
            f"select {as_text(file.profile_id)} as profile_id, {as_text(file.source)} as source,"
            f" {response_id(columns, macros)} as response_id from read_parquet({as_text(parquet)})"
        )
    if ids:
        with engine.opened() as connection:
            count += _count_identified(connection, " union all ".join(ids))
    return count


def _count_identified(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    [(count,)] = connection.execute(
        "select count(distinct (profile_id, source, response_id))"
        " filter (response_id <> '') + count(*) filter (coalesce(response_id, '') = '')"
        f" from ({rows})"
    ).fetchall()
    return int(count)


def is_numbered(columns: list[MappedColumn]) -> bool:
    """Whether a file's rows have response ids."""
    return any(mapped.target == "response_id" for mapped in _mapped(columns))


def _of_profiles(files: list[RawFile]) -> Mapping[str, list[RawFile]]:
    of_profile: dict[str, list[RawFile]] = defaultdict(list)
    for file in files:
        of_profile[file.profile_id].append(file)
    return of_profile


def _by_numbering(
    files: list[RawFile], columns: Mapping[int, list[MappedColumn]]
) -> tuple[list[RawFile], list[RawFile]]:
    """Return the files that have response ids, and those that have none."""
    numbered: list[RawFile] = []
    others: list[RawFile] = []
    for file in files:
        (numbered if is_numbered(columns[file.file_number]) else others).append(file)
    return numbered, others


def _mapped(columns: list[MappedColumn]) -> list[MappedColumn]:
    """Return the columns that a file has and that say something of its rows."""
    return [
        mapped
        for mapped in columns
        if mapped.target_kind != "ignore" and mapped.column not in (None, "_profile_id")
    ]


def _by_response_id(
    connection: duckdb.DuckDBPyConnection, profile_id: str, files: list[RawFile]
) -> None:
    is_one_source = len({file.source for file in files}) == 1
    numbers = ", ".join(str(file.file_number) for file in files)
    connection.execute(
        "create or replace temp view identified as select source, file_number,"
        " file_number * 1000000000 + row as response_key, response_id, attributes"
        f" from compared inner join files using (file_number) where file_number in ({numbers})"
    )
    connection.execute(
        f"insert into repeated_ids"
        f" select {as_text(profile_id)}, source, response_id, max(response_key) from identified"
        f" where response_id <> '' group by source, response_id having count(*) > 1"
    )
    names = "(select unnest(?) as file_number, unnest(?) as name)"
    named = [[file.file_number for file in files], [file.name for file in files]]
    connection.execute(
        f"""
        insert into repeats
        with again as (
            select identified.file_number, response_key, last_key, later.name
            from identified
            inner join repeated_ids using (source, response_id)
            inner join {names} as later on later.file_number = last_key // 1000000000
            where profile_id = ? and response_key < last_key
        ),
        by_file as (
            select file_number, name, count(*) as row_count from again group by all
        ),
        listed as (
            select
                file_number,
                array_to_string(
                    list(name || ': ' || row_count order by row_count desc, name)[:{_SHOWN}], ', '
                ) || case when count(*) > {_SHOWN} then ' (+' || count(*) - {_SHOWN} || ')' else ''
                end as repeated_files,
            from by_file group by file_number
        )
        select
            file_number,
            count(*),
            min(response_key) % 1000000000,
            arg_min(name, response_key) || ', baris / row '
                || arg_min(last_key % 1000000000, response_key),
            any_value(repeated_files),
        from again inner join listed using (file_number)
        group by file_number
        """,
        [*named, profile_id],
    )
    if is_one_source:
        return
    connection.execute(
        f"""
        insert into twofold
        with shared as (
            select
                own.file_number, own.source, other.file_number as other_number,
                other.source as other_source, own.attributes = other.attributes as is_same,
            from identified as own
            inner join identified as other on other.response_id = own.response_id
                and other.source <> own.source and other.file_number < own.file_number
            where own.response_id <> ''
        ),
        same_surveys as (
            select source, other_source from shared group by all
            having count(*) filter (is_same) >= greatest({_FEW}, count(*) / 2)
        ),
        by_file as (
            select file_number, other_number, source, other_source, count(*) as row_count
            from shared inner join same_surveys using (source, other_source)
            where is_same group by all
        )
        select
            by_file.file_number, row_count, name, source || ' – ' || other_source,
        from by_file
        inner join {names} as other on other.file_number = by_file.other_number
        qualify row_number() over (
            partition by by_file.file_number order by row_count desc, other_number desc
        ) = 1
        """,
        named,
    )


def _by_rows(
    connection: duckdb.DuckDBPyConnection,
    files: list[RawFile],
    columns: dict[int, list[MappedColumn]],
    places: dict[int, Path],
    profile: Profile,
    macros: EngineMacros,
) -> None:
    """Find files whose rows stand in another one, by their attributes, then by their answers.

    Attributes first: they are few, and nearly always tell two files apart. Half the rows are
    enough where a time tells two responses apart; without one, chance makes rows alike, and all
    must be there. Rows whose id stands again are told by it, and passed over.
    """
    targets = {
        file.file_number: frozenset(m.target for m in columns[file.file_number]) for file in files
    }

    def counts(numbers: set[int], *, with_answers: bool) -> dict[tuple[int, int], int]:
        """Return by pair of files how many rows of the first stand in the second."""
        rows = (
            " union all ".join(
                f"select {number} as file_number,"
                f" {_cells(columns[number], profile, macros, with_answers=True)} as cells"
                f" from read_parquet({as_text(places[number])})"
                f" where {response_id(columns[number], macros)} {is_told_by_no_id}"
                for number in numbers
            )
            if with_answers
            else "select file_number, attributes as cells from compared"
            f" where file_number in {tuple(numbers)} and response_id {is_told_by_no_id}"
        )
        found = connection.execute(
            f"""
            with counted as (
                select file_number, cells, count(*) as row_count from ({rows}) group by all
            )
            select own.file_number, other.file_number, sum(own.row_count)::bigint
            from counted as own
            inner join counted as other
                on other.cells = own.cells and other.file_number <> own.file_number
            group by all
            """
        ).fetchall()
        return {(own, other): count for own, other, count in found}

    def enough(found: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
        """Return the pairs with enough rows alike: first what lies whole in another one, and of
        two that hold the same rows the one read later."""
        shares = {
            (own, other): count / total[own]
            for (own, other), count in found.items()
            if targets[own] == targets[other]
            and count >= total[own] * (0.5 if "submitted_at" in targets[own] else 1)
        }
        return sorted(shares, key=lambda pair: (-shares[pair], -pair[0], pair[1]))

    if len(files) < 2:
        return
    by_number = {file.file_number: file for file in files}
    numbers = set(by_number)
    total = dict(
        connection.execute("select file_number, count(*) from compared group by all").fetchall()
    )
    # Files that are looked at together all have ids of one source, or none has.
    is_told_by_no_id = "is null"
    if is_numbered(columns[files[0].file_number]):
        of_source = f"{as_text(files[0].profile_id)}, {as_text(files[0].source)}"
        is_told_by_no_id = (
            "not in (select response_id from repeated_ids"
            f" where (profile_id, source) = ({of_source}))"
        )
    alike = {number for pair in enough(counts(numbers, with_answers=False)) for number in pair}
    if not alike:
        return
    found = counts(alike, with_answers=True)
    told: set[int] = set()
    for own, other in enough(found):
        if own not in told and other not in told:
            told.add(own)
            connection.execute(
                "insert into copied values (?, ?, ?)",
                [own, found[own, other], by_number[other].name],
            )


def _cells(
    columns: list[MappedColumn], profile: Profile, macros: EngineMacros, *, with_answers: bool
) -> str:
    """Return SQL of a hash of what a row says, in the order of the targets."""
    cells = {
        mapped.target: _comparable(mapped, profile, macros)
        for mapped in columns
        if mapped.target != "response_id" and (with_answers or mapped.target_kind == "attribute")
    }
    return f"hash([{', '.join(cells[target] for target in sorted(cells))}])"


def _comparable(mapped: MappedColumn, profile: Profile, macros: EngineMacros) -> str:
    """Return SQL of a cell's text, alike in CSV and workbook: an instant, '4' for '4.0'."""
    text = macros.trim_blanks(as_name(str(mapped.column)))
    if mapped.target in _TIMES:
        instant = macros.parse_instant(text, profile.written_timezone, profile.date_order)
        return f"coalesce(cast({instant} as varchar), {text})"
    return macros.plain_number(text)
