"""Profiles of exports' columns: few rows that tell whether a file arrived whole.

Belongs here: DuckDB queries over the raw zone. Doesn't: which files and columns (raw_files.py),
what is demanded of the figures (rules.py). A million answers x 80 columns become 80 rows, so that
Great Expectations, which copies a frame for every metric, never sees the answers themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.raw_files import (
    IDENTIFIERS,
    Cycle,
    MappedColumn,
    RawFile,
    listed,
    mapped_columns,
    read_profiles,
)
from expectations.repeated_rows import find_repeats
from expectations.time_profiles import time_figures
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import BLANKS, fold
from orchestration.seeds.seed_tables import seed_records
from orchestration.sql_text import as_name, as_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# Attributes with a value of its own in almost every row: no use in counting their values.
_UNCOUNTED = {*IDENTIFIERS, "submitted_at", "started_at"}
# Attributes that must lead to an id of a seed.
_KNOWN_IDS = {
    "unit_id": "units",
    "recipient_category_id": "recipient_categories",
    "role_id": "roles",
}
SCIENTIFIC = r"regexp_full_match(trim({0}), '[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+')"
# Excel keeps 15 digits of a number; what it cut off ends in zeros. A single one may be a person's.
CUT = "regexp_full_match(trim({0}), '[0-9]{{15}}0{{2,5}}')"
_LONG = "regexp_full_match(trim({0}), '[0-9]{{17,20}}')"
_FEW = 3  # cells: fewer are no fault of their file, and told one by one
_ERROR = (
    "value in ('#NULL!', '#DIV/0!', '#VALUE!', '#REF!', '#NAME?', '#NUM!', '#N/A', '#ERROR',"
    " '#ERROR!', '#SPILL!', '#CALC!', '#GETTING_DATA')"
)
_MOJIBAKE = r"regexp_matches(value, 'Ã[\x{0080}-\x{00BF}]|â€|Â[\x{0080}-\x{00BF}]|\x{FFFD}')"


def profile_responses(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
    most: float,
) -> "pd.DataFrame":
    """Return one row per file x mapped column with the figures that the rules speak of.

    `scratch`: a folder for what lies on disk meanwhile. `most`: the share (max_off_scale_share)
    above which a file is taken to be broken as a whole.

    A figure that has no meaning for a column (off-scale shares of an attribute) is NULL; figures
    of the file as a whole stand in each of its rows. The table `judged` (a row a file, column and
    value) stays in the connection: failing rows are found by it.
    """
    connection.execute(_PROFILE_TABLES)
    asked = _load_instrument(connection, seeds_dir, cycle)
    profiles = read_profiles(seeds_dir)
    for file in files:
        columns = [
            mapped
            for mapped in mapped_columns(seeds_dir, file)
            if mapped.target_kind == "attribute"
            or (mapped.target_kind == "question" and mapped.target in asked)
        ]
        profile, whole = profiles[file.profile_id], file.parquet(raw_dir, cycle.cycle_id)
        with _responses_alone(connection, scratch, whole, file, columns, macros) as parquet:
            _profile_file(connection, parquet, file, columns, seeds_dir, macros, most)
            for mapped in columns:
                if mapped.column and mapped.target == "submitted_at":
                    figures = time_figures(
                        connection, parquet, file, mapped.column, cycle, profile, macros, most
                    )
                    connection.execute(
                        "insert into times values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        [
                            file.file_number, mapped.target, figures.date_order,
                            figures.unreadable_share, figures.outside_share, figures.stray_share,
                            figures.time_cell, figures.time_row, figures.better_order,
                            figures.readable, cycle.opens_on, cycle.closes_on, profile.timezone,
                        ],
                    )  # fmt: skip
    find_repeats(connection, raw_dir, seeds_dir, cycle, files, macros)
    connection.execute(_judged(macros))
    for file in files:
        _show_unknown(connection, raw_dir, seeds_dir, cycle, file, macros)
    frame = connection.execute(_PROFILE, {"most": most, "few": _FEW}).df()
    headers = {file.name: _unmapped(file, seeds_dir) for file in files}
    frame["nearest_heading"] = [
        _nearest(str(heading), headers[name]) if is_present is False else "–"
        for name, heading, is_present in zip(
            frame["file_name"], frame["source_column"], frame["is_present"], strict=True
        )
    ]
    return frame


def _unmapped(file: RawFile, seeds_dir: Path) -> list[str]:
    """Return the file's headings that no row of export_columns.csv names."""
    named = {fold(mapped.source_column) for mapped in mapped_columns(seeds_dir, file)}
    return [
        heading
        for heading, folded in zip(file.header, file.header_folded, strict=True)
        if folded not in named
    ]


def _nearest(heading: str, unmapped: list[str]) -> str:
    """Return the unmapped heading that is nearly the one that is missing, if there is any."""
    folded = {fold(name).lower(): fold(name) for name in reversed(unmapped)}
    found = get_close_matches(fold(heading).lower(), folded, n=1, cutoff=0.8)
    return f"'{folded[found[0]]}'" if found else "–"


_PROFILE_TABLES = """
create temp table files (
    file_number bigint, profile_id varchar, file_name varchar, header varchar, row_count bigint,
    unmapped_count bigint, unmapped_columns varchar);
create temp table columns (
    file_number bigint, source_column varchar, target_kind varchar, target varchar,
    is_present boolean, cut_count bigint, first_cut_row bigint, blank_count bigint,
    twice_count bigint, first_twice_row bigint);
create temp table times (
    file_number bigint, target varchar, date_order varchar, unreadable_share double,
    outside_share double, stray_share double, time_cell varchar, time_row bigint,
    better_order varchar, readable varchar, opens_on date, closes_on date, timezone varchar);
create temp table unknown_cells (
    file_number bigint, target varchar, unknown_cell varchar, unknown_row bigint,
    nearest varchar);
create temp table codes (
    profile_id varchar, target varchar, source_value varchar, code varchar, precedence integer);
create temp table known_ids (target varchar, id varchar);
create temp table value_counts (
    file_number bigint, source_column varchar, target_kind varchar, target varchar,
    value varchar, cell_count bigint);
"""


def _judged(macros: EngineMacros) -> str:
    """Return the statements that make the table `judged`: what each value of a column is.

    By the macros that the warehouse reads cells with, in the order of method.md 1.
    """
    number = macros.plain_number("value")
    return f"""
create temp view mapped_values as
select distinct profile_id, target, value from value_counts join files using (file_number);
create temp table translated as select * from {macros.codes_of_values("mapped_values", "codes")};
create temp table judged as
with coded as (
    select
        value_counts.*,
        translated.code,
        coalesce(translated.code, {number}) as meaning,
        scales.scale_min,
        scales.scale_max,
        target_kind = 'question' as is_answer,
        known_ids.id is not null as is_known_id,
        target_kind = 'attribute' and value_counts.target in {tuple(_KNOWN_IDS)} as is_id,
    from value_counts
    join files using (file_number)
    join translated using (profile_id, target, value)
    left join scales on scales.question_id = value_counts.target
        and value_counts.target_kind = 'question'
    left join known_ids on known_ids.target = value_counts.target
        and value_counts.target_kind = 'attribute'
        and known_ids.id = coalesce(translated.code, value)
)
select
    file_number,
    source_column,
    target_kind,
    target,
    value,
    cell_count,
    is_answer,
    is_id,
    {macros.fold_value("value")} = '' or coalesce(code, '') = 'blank' as is_blank,
    is_answer and not is_blank and not (
        coalesce(code, '') in ('not_available', 'not_used')
        or coalesce(
            (code is not null or regexp_full_match(meaning, '-?[0-9]{{1,4}}'))
            and try_cast(meaning as double) = floor(try_cast(meaning as double))
            and try_cast(meaning as double) between scale_min and scale_max,
            false
        )
    ) as is_off_scale,
    -- A blank unit is rejected as any other that nobody knows.
    is_id and not is_known_id as is_unknown,
    {_MOJIBAKE} as is_mojibake,
    {_ERROR} as is_error,
    code is null and not is_known_id and {macros.holds_identifier("value")} as is_personal,
    '''' || {macros.without_identifiers("value")} || '''' as quoted_value,
from coded
"""


def _show_unknown(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    file: RawFile,
    macros: EngineMacros,
) -> None:
    """Note the first cell of each column that leads to no known id, and the name nearest to it."""
    for mapped in mapped_columns(seeds_dir, file):
        if mapped.target_kind != "attribute" or mapped.target not in _KNOWN_IDS:
            continue
        if mapped.column is None:
            continue
        cell = macros.trim_blanks(as_name(mapped.column))
        connection.execute(
            f"""
            insert into unknown_cells
            with unknown as (
                select {cell} as cell, _source_row as row from read_parquet($parquet)
                where {cell} in (
                    select value from judged
                    where file_number = $file and target = $target and is_unknown
                )
                order by row limit 1
            ),
            nearest as (
                select source_value from codes, unknown
                where profile_id = $profile and target = $target and len(cell) > 3
                    and jaro_winkler_similarity(
                        {macros.fold_value("source_value")}, {macros.fold_value("cell")}
                    ) > 0.9
                order by jaro_winkler_similarity(
                    {macros.fold_value("source_value")}, {macros.fold_value("cell")}
                ) desc, source_value
                limit 1
            )
            select $file, $target, {macros.without_identifiers("cell")}, row,
                coalesce((select '; ''' || source_value || '''?' from nearest), ''),
            from unknown
            """,
            {
                "parquet": str(file.parquet(raw_dir, cycle.cycle_id)),
                "file": file.file_number,
                "target": mapped.target,
                "profile": file.profile_id,
            },
        )


_PROFILE = """
with by_column as (
    select
        file_number,
        source_column,
        target,
        sum(cell_count) as cell_count,
        sum(cell_count) filter (is_blank) as blank_count,
        sum(cell_count) filter (is_answer and not is_blank) as answer_count,
        sum(cell_count) filter (is_off_scale) as off_scale_count,
        sum(cell_count) filter (is_unknown) as unknown_count,
        bool_or(is_id) as is_id,
        sum(cell_count) filter (is_mojibake) as mojibake_count,
        sum(cell_count) filter (is_error) as error_count,
        sum(cell_count) filter (is_personal) as personal_count,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_off_scale), 80) as off_scale_examples,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_unknown), 80) as unknown_examples,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_mojibake), 80) as mojibake_examples,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_error), 80) as error_examples,
    from judged
    group by all
),
by_file as (
    select
        file_number,
        sum(off_scale_count) / nullif(sum(answer_count), 0) as file_off_scale_share,
        coalesce(max(off_scale_examples), '') as file_off_scale_examples,
    from by_column
    group by all
)
select
    files.*,
    columns.source_column,
    columns.target,
    bool_or(columns.is_present and columns.target_kind = 'question') over (
        partition by columns.file_number
    ) as has_questions,
    -- A question may stand in several columns, of which a file has one at least. Of a file that
    -- is another survey's as a whole one sentence says so.
    case when has_questions then bool_or(columns.is_present) over (
        partition by columns.file_number, columns.target_kind, columns.target
    ) end as is_present,
    columns.cut_count,
    columns.first_cut_row,
    case when columns.target = 'response_id' then coalesce(repeats.repeated_count, 0)
    end as repeated_count,
    repeats.repeated_row,
    repeats.repeated_in,
    repeats.repeated_files,
    twofold.twofold_count,
    twofold.twofold_in,
    twofold.twofold_sources,
    copied.copied_count,
    copied.copied_in,
    columns.twice_count,
    columns.first_twice_row,
    cast(coalesce(by_column.blank_count, columns.blank_count, 0) as double)
        / nullif(files.row_count, 0) as blank_share,
    cast(coalesce(by_column.off_scale_count, 0) as double)
        / nullif(by_column.answer_count, 0) as off_scale_share,
    by_column.off_scale_examples,
    by_column.answer_count,
    by_column.answer_count < $few
        or by_column.answer_count > coalesce(by_column.off_scale_count, 0) as keeps_answers,
    case when by_column.is_id
        then cast(coalesce(by_column.unknown_count, 0) as double) / by_column.cell_count
    end as all_unknown_share,
    -- A share of a handful of rows is no file's fault: single ones are judged one by one.
    case
        when all_unknown_share * by_column.cell_count >= $few or all_unknown_share = 0
            then all_unknown_share
    end as unknown_share,
    by_column.unknown_examples,
    unknown_cells.unknown_cell,
    unknown_cells.unknown_row,
    unknown_cells.nearest,
    -- What one critical rule tells is not told again.
    case when coalesce(unknown_share, 0) <= $most then all_unknown_share end as few_unknown_share,
    coalesce(by_column.mojibake_count, 0)::bigint as mojibake_count,
    by_column.mojibake_examples,
    coalesce(by_column.error_count, 0)::bigint as error_count,
    by_column.error_examples,
    coalesce(by_column.personal_count, 0)::bigint as personal_count,
    cast(coalesce(by_column.personal_count, 0) as double) / by_column.cell_count as personal_share,
    times.* exclude (file_number, target, unreadable_share, outside_share, stray_share),
    times.stray_share,
    case when times.better_order is null then times.unreadable_share end as unreadable_share,
    case
        when times.better_order is null and times.unreadable_share <= $most
            and (times.stray_share * files.row_count >= $few or times.stray_share = 0)
            then times.stray_share
    end as outside_share,
    case
        when times.stray_share <= $most or times.stray_share * files.row_count < $few
            then times.stray_share
    end as few_stray_share,
    by_file.file_off_scale_share,
    by_file.file_off_scale_examples,
from columns
join files using (file_number)
left join by_column
    on by_column.file_number = columns.file_number
    and by_column.source_column = columns.source_column
left join times on times.file_number = columns.file_number and times.target = columns.target
left join unknown_cells
    on unknown_cells.file_number = columns.file_number
    and unknown_cells.target = columns.target
left join by_file using (file_number)
left join repeats using (file_number)
left join copied using (file_number)
left join twofold using (file_number)
order by files.file_name, columns.source_column
"""


def _load_instrument(
    connection: duckdb.DuckDBPyConnection, seeds_dir: Path, cycle: Cycle
) -> set[str]:
    """Load the scales, and what each value is translated to: codes, ids, names of units.

    Returns the ids of the questions that the cycle asks: a profile may map others' too.
    """
    questions = [
        row
        for row in seed_records(seeds_dir, "questions")
        if row["instrument_id"] == cycle.instrument_id
    ]
    # One statement with lists: a row at a time, 2,000 codes cost half a second.
    connection.execute(
        "create temp table scales as select unnest(?::varchar[]) as question_id,"
        " unnest(?::double[]) as scale_min, unnest(?::double[]) as scale_max",
        [[row[name] for row in questions] for name in ("question_id", "scale_min", "scale_max")],
    )
    codes = seed_records(seeds_dir, "export_codes")
    connection.execute(
        """
        insert into codes
        with rows as (
            select unnest(?::varchar[]) as profile_id, unnest(?::varchar[]) as target,
                unnest(?::varchar[]) as source_value, unnest(?::varchar[]) as code
        )
        select *, 1 from rows where target <> '*'
        union all
        select profile_id, question_id, source_value, code, 2 from rows, scales where target = '*'
        """,
        [
            [row["profile_id"] for row in codes],
            [row["target"] for row in codes],
            [row["source_value"].strip(BLANKS) for row in codes],
            [row["code"].strip() for row in codes],
        ],
    )
    profiles = list(read_profiles(seeds_dir))
    for target, seed in _KNOWN_IDS.items():
        rows = [
            row
            for row in seed_records(seeds_dir, seed)
            if (row.get("valid_from") or "0001-01-01") <= cycle.opens_on.isoformat()
            and cycle.opens_on.isoformat() <= (row.get("valid_to") or "9999-12-31")
        ]
        ids = [row[target] for row in rows]
        connection.execute(
            "insert into known_ids select distinct ?, unnest(?::varchar[])", [target, ids]
        )
        names = [(row.get("unit_name") or "").strip(BLANKS) for row in rows]
        for spellings, precedence in ((ids, 2), (names, 3)):
            connection.execute(
                "insert into codes select profile_id, ?, spelling, id, ? from"
                " (select unnest(?::varchar[]) as spelling, unnest(?::varchar[]) as id),"
                " (select unnest(?::varchar[]) as profile_id) where spelling <> ''",
                [target, precedence, spellings, ids, profiles],
            )
    return {row["question_id"] for row in questions}


@contextmanager
def _responses_alone(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    parquet: Path,
    file: RawFile,
    columns: list[MappedColumn],
    macros: EngineMacros,
) -> Iterator[Path]:
    """Give the file's rows without a spreadsheet's totals: what these hold is nobody's mistake.

    Nearly all files have none, and are looked at as they lie.
    """
    cells = {
        mapped.target: f"nullif({macros.trim_blanks(as_name(mapped.column))}, '')"
        for mapped in columns
        if mapped.target_kind == "attribute" and mapped.column
    }
    has_unit = "unit_id" in cells and ("unit_id", "_profile_id") not in {
        (mapped.target, mapped.column) for mapped in columns
    }
    is_own = {target: target in _UNCOUNTED for target in cells if target != "unit_id"}
    unit = cells["unit_id"] if has_unit else "null::varchar"
    is_summary_row = macros.is_summary_row(
        own=[cells[target] for target, is_of_one in is_own.items() if is_of_one],
        unit=unit,
        is_unit_coded=f"{unit} in (select source_value from codes"
        f" where target = 'unit_id' and profile_id = {as_text(file.profile_id)})",
        first=macros.trim_blanks(as_name(file.header[0])),
        shared=[cells[target] for target, is_of_one in is_own.items() if not is_of_one],
        maps_more=bool(is_own),
    )
    found = f"from read_parquet({as_text(parquet)}, hive_partitioning = false)"
    if connection.execute(f"select 1 {found} where {is_summary_row} limit 1").fetchall():
        rest = scratch / parquet.name
        connection.execute(
            f"copy (select * {found} where not {is_summary_row} order by _source_row)"
            f" to {as_text(rest)} (format parquet)"
        )
        yield rest
        rest.unlink()
    else:
        yield parquet


def _profile_file(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    columns: list[MappedColumn],
    seeds_dir: Path,
    macros: EngineMacros,
    most: float,
) -> None:
    unmapped = _unmapped(file, seeds_dir)
    connection.execute(
        "insert into files select ?, ?, ?, ?, count(*), ?, ? from read_parquet(?)",
        [
            file.file_number, file.profile_id, file.name, listed(file.header),
            len(unmapped), listed(unmapped), str(parquet),
        ],
    )  # fmt: skip
    nothing = (None, None, None)
    twice = _answered_twice(connection, parquet, file, columns, macros)
    rows = [
        (
            fold(mapped.source_column),
            mapped.target_kind,
            mapped.target,
            mapped.column is not None,
            *(
                _uncounted_figures(connection, parquet, file, mapped, most)
                if mapped.column and mapped.target in _UNCOUNTED
                else nothing
            ),
            *twice.get(mapped.source_column, (None, None)),
        )
        for mapped in columns
    ]
    if rows:
        # One statement with lists, as in _load_instrument.
        connection.execute(
            "insert into columns select ?, unnest(?::varchar[]), unnest(?::varchar[]),"
            " unnest(?::varchar[]), unnest(?::boolean[]), unnest(?::bigint[]), unnest(?::bigint[]),"
            " unnest(?::bigint[]), unnest(?::bigint[]), unnest(?::bigint[])",
            [file.file_number, *map(list, zip(*rows, strict=True))],
        )
    counts = _value_counts(
        parquet, [mapped for mapped in columns if mapped.target not in _UNCOUNTED]
    )
    if counts is not None:
        connection.register("counts", counts)
        connection.execute(
            "insert into value_counts select ?, source_column, target_kind, target,"
            f" {macros.trim_blanks('value')} as trimmed, sum(cell_count) from counts group by all",
            [file.file_number],
        )
        connection.unregister("counts")


def _value_counts(parquet: Path, columns: list[MappedColumn]) -> "pa.Table | None":
    """Return value and cell_count by column, its kind and target, for all cells of those there are.

    A row group of the file keeps the texts of a column once, in a dictionary, and numbers for the
    cells: counting those costs less than half of grouping texts in SQL. Values come once for each.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    present = [mapped for mapped in columns if mapped.column]
    names = [mapped.column for mapped in present]
    file = pa.parquet.ParquetFile(parquet, read_dictionary=names)
    counts = []
    for mapped in present:  # one by one: all cells of a file of millions would be some 0.6 GB
        for chunk in file.read([mapped.column], use_threads=False)[mapped.column].chunks:
            values = chunk.dictionary
            rows = len(values)
            counts.append(
                pa.table(
                    {
                        "source_column": pa.repeat(fold(mapped.source_column), rows),
                        "target_kind": pa.repeat(mapped.target_kind, rows),
                        "target": pa.repeat(mapped.target, rows),
                        "value": values,
                        "cell_count": np.bincount(chunk.indices, minlength=rows),
                    }
                )
            )
    return pa.concat_tables(counts) if counts else None


def _uncounted_figures(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    mapped: MappedColumn,
    most: float,
) -> tuple[int | None, ...]:
    """Return how many identifiers are cut off, the first one's row, blanks; None unasked."""
    name = as_name(str(mapped.column))
    is_identifier = mapped.target in IDENTIFIERS
    figures = {
        "count(*) filter (is_cut)": is_identifier,
        "min(row) filter (is_cut)": is_identifier,
        "count(*) filter (cell = '')": True,
    }
    asked = ", ".join(figure if is_asked else "null" for figure, is_asked in figures.items())
    row: tuple[int | None, ...] = connection.execute(
        f"select {asked} from (select trim({name}) as cell, _source_row as row,"
        f" {is_cut(name, most)} as is_cut from read_parquet(?))",
        [str(parquet)],
    ).fetchall()[0]
    return row


def is_cut(name: str, most: float) -> str:
    """Return SQL of whether a spreadsheet has cut off an identifier's last digits."""
    # count_if: DuckDB takes eighty times as long for count(*) filter (...) over ().
    return (
        f"({SCIENTIFIC.format(name)} or ({CUT.format(name)}"
        f" and count_if({CUT.format(name)}) over () > 1"
        f" and count_if({CUT.format(name)}) over ()"
        f" > {most} * count_if({_LONG.format(name)}) over ()))"
    )


def _answered_twice(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    columns: list[MappedColumn],
    macros: EngineMacros,
) -> dict[str, tuple[int, int | None]]:
    """Return, by the first column of each question that has several, how many rows fill them
    differently, and the first such row."""
    found = {}
    by_target: dict[str, list[MappedColumn]] = {}
    for mapped in columns:
        if mapped.target_kind == "question" and mapped.column:
            by_target.setdefault(mapped.target, []).append(mapped)
    for several in (group for group in by_target.values() if len(group) > 1):
        cells = ", ".join(
            f"nullif({macros.plain_number(macros.fold_value(as_name(str(mapped.column))))}, '')"
            for mapped in several
        )
        found[several[0].source_column] = connection.execute(
            f"select count(*), min(_source_row) from read_parquet(?)"
            f" where len(list_distinct([{cells}])) > 1",
            [str(parquet)],
        ).fetchall()[0]
    return found
