"""Profiles of exports' columns: few rows that tell whether a file arrived whole.

Belongs here: DuckDB queries over the raw zone. Doesn't: which files and columns (raw_files.py),
what is demanded of the figures (rules.py). A million answers x 80 columns become 80 rows, so that
Great Expectations, which copies a frame for every metric, never sees the answers themselves.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from expectations.macros import EngineMacros
from expectations.raw_files import (
    IDENTIFIERS,
    Cycle,
    MappedColumn,
    Profile,
    RawFile,
    known_ids,
    listed,
    mapped_columns,
    read_profiles,
)
from expectations.repeated_rows import find_repeats
from orchestration.exports.headers import fold
from orchestration.seed_tables import seed_records
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
_SAMPLED_TIMES = 20_000  # reading a time costs some 2 us; a share is told by fewer rows
SCIENTIFIC = r"regexp_full_match(trim({0}), '[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+')"
_MOJIBAKE = r"regexp_matches(value, 'Ã[\x{0080}-\x{00BF}]|â€|Â[\x{0080}-\x{00BF}]|\x{FFFD}')"


def profile_responses(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
) -> "pd.DataFrame":
    """Return one row per file x mapped column with the figures that the rules speak of.

    A figure that has no meaning for a column (off-scale shares of an attribute) is NULL; figures
    of the file as a whole stand in each of its rows. The table `judged` (a row a file, column and
    value) stays in the connection: failing rows are found by it.
    """
    connection.execute(_PROFILE_TABLES)
    _load_instrument(connection, seeds_dir, cycle.instrument_id)
    profiles = read_profiles(seeds_dir)
    for file in files:
        columns = [
            mapped for mapped in mapped_columns(seeds_dir, file) if mapped.target_kind != "ignore"
        ]
        profile, whole = profiles[file.profile_id], file.parquet(raw_dir, cycle.cycle_id)
        with _responses_alone(connection, whole, file, columns, macros) as parquet:
            _profile_file(connection, parquet, file, columns, seeds_dir, macros)
            for mapped in columns:
                if mapped.column and mapped.target == "submitted_at":
                    _profile_times(connection, parquet, file, mapped, cycle, profile, macros)
    find_repeats(connection, raw_dir, seeds_dir, cycle, files, macros)
    connection.execute(_judged(macros))
    return connection.execute(_PROFILE).df()


_PROFILE_TABLES = """
create temp table files (
    file_number bigint, profile_id varchar, file_name varchar, header varchar, row_count bigint,
    unmapped_count bigint, unmapped_columns varchar);
create temp table columns (
    file_number bigint, source_column varchar, target_kind varchar, target varchar,
    is_present boolean, scientific_count bigint, first_scientific_row bigint,
    blank_count bigint);
create temp table times (
    file_number bigint, target varchar, unreadable_share double, outside_share double);
create temp table known_ids (target varchar, id varchar);
create temp table value_counts (
    file_number bigint, target_kind varchar, target varchar, value varchar, cell_count bigint);
"""


def _judged(macros: EngineMacros) -> str:
    """Return the statement that makes the table `judged`: what each value of a column is.

    The order of method.md 11: a code row of the question, then one of all questions (*), then a
    whole number as itself; what is then on no scale is off_scale.
    """
    return f"""
create temp table judged as
with coded as (
    select
        value_counts.*,
        coalesce(own.code, every.code) as code,
        coalesce(own.code, every.code, value) as meaning,
        scales.scale_min,
        scales.scale_max,
        target_kind = 'question' as is_answer,
        known_ids.id is not null as is_known_id,
        target_kind = 'attribute' and value_counts.target in {tuple(_KNOWN_IDS)} as is_id,
    from value_counts
    join files using (file_number)
    left join scales on scales.question_id = value_counts.target
        and value_counts.target_kind = 'question'
    left join codes as own on own.profile_id = files.profile_id
        and own.target = value_counts.target and own.source_value = value
    left join codes as every on every.profile_id = files.profile_id
        and every.target = '*' and every.source_value = value
        and value_counts.target_kind = 'question'
    left join known_ids on known_ids.target = value_counts.target
        and value_counts.target_kind = 'attribute'
        and known_ids.id = coalesce(own.code, value)
)
select
    file_number,
    target_kind,
    target,
    value,
    cell_count,
    is_answer,
    is_id,
    value = '' or coalesce(code, '') = 'blank' as is_blank,
    is_answer and not is_blank and not (
        coalesce(code, '') in ('not_available', 'not_used')
        or coalesce(
            regexp_full_match(meaning, '[+-]?[0-9]{{1,4}}([.,]0*)?')
            and try_cast(regexp_extract(meaning, '^[+-]?[0-9]+') as integer)
                between scale_min and scale_max,
            false
        )
    ) as is_off_scale,
    is_id and not is_blank and not is_known_id as is_unknown,
    {_MOJIBAKE} as is_mojibake,
    code is null and not is_known_id and {macros.holds_identifier("value")} as is_personal,
    '''' || {macros.without_identifiers("value")} || '''' as quoted_value,
from coded
"""


_PROFILE = """
with by_column as (
    select
        file_number,
        target,
        sum(cell_count) as cell_count,
        sum(cell_count) filter (is_blank) as blank_count,
        sum(cell_count) filter (is_answer and not is_blank) as answer_count,
        sum(cell_count) filter (is_off_scale) as off_scale_count,
        sum(cell_count) filter (is_unknown) as unknown_count,
        bool_or(is_id) as is_id,
        sum(cell_count) filter (is_mojibake) as mojibake_count,
        sum(cell_count) filter (is_personal) as personal_count,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_off_scale), 80) as off_scale_examples,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_unknown), 80) as unknown_examples,
        left(string_agg(distinct quoted_value, ', ' order by quoted_value)
            filter (is_mojibake), 80) as mojibake_examples,
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
    columns.is_present,
    columns.scientific_count,
    columns.first_scientific_row,
    case when columns.target = 'response_id' then coalesce(repeats.repeated_count, 0)
    end as repeated_count,
    repeats.repeated_row,
    repeats.repeated_in,
    copied.copied_in,
    cast(coalesce(by_column.blank_count, columns.blank_count, 0) as double)
        / nullif(files.row_count, 0) as blank_share,
    cast(coalesce(by_column.off_scale_count, 0) as double)
        / nullif(by_column.answer_count, 0) as off_scale_share,
    by_column.off_scale_examples,
    case when by_column.is_id
        then cast(coalesce(by_column.unknown_count, 0) as double)
            / nullif(by_column.cell_count - coalesce(by_column.blank_count, 0), 0)
    end as unknown_share,
    by_column.unknown_examples,
    coalesce(by_column.mojibake_count, 0)::bigint as mojibake_count,
    by_column.mojibake_examples,
    coalesce(by_column.personal_count, 0)::bigint as personal_count,
    cast(coalesce(by_column.personal_count, 0) as double) / by_column.cell_count as personal_share,
    times.unreadable_share,
    times.outside_share,
    by_file.file_off_scale_share,
    by_file.file_off_scale_examples,
from columns
join files using (file_number)
left join by_column using (file_number, target)
left join times using (file_number, target)
left join by_file using (file_number)
left join repeats using (file_number)
left join copied using (file_number)
order by files.file_name, columns.source_column
"""


def _load_instrument(
    connection: duckdb.DuckDBPyConnection, seeds_dir: Path, instrument_id: str
) -> None:
    questions = [
        row for row in seed_records(seeds_dir, "questions") if row["instrument_id"] == instrument_id
    ]
    # One statement with lists: a row at a time, 2,000 codes cost half a second.
    connection.execute(
        "create temp table scales as select unnest(?::varchar[]) as question_id,"
        " unnest(?::double[]) as scale_min, unnest(?::double[]) as scale_max",
        [[row[name] for row in questions] for name in ("question_id", "scale_min", "scale_max")],
    )
    codes = seed_records(seeds_dir, "export_codes")
    connection.execute(
        "create temp table codes as select unnest(?::varchar[]) as profile_id,"
        " unnest(?::varchar[]) as target, unnest(?::varchar[]) as source_value,"
        " unnest(?::varchar[]) as code",
        [
            [row["profile_id"] for row in codes],
            [row["target"] for row in codes],
            [_trimmed(row["source_value"]) for row in codes],
            [row["code"] for row in codes],
        ],
    )
    for target, seed in _KNOWN_IDS.items():
        connection.execute(
            "insert into known_ids select ?, unnest(?::varchar[])",
            [target, known_ids(seeds_dir, seed, target)],
        )


@contextmanager
def _responses_alone(
    connection: duckdb.DuckDBPyConnection,
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
        shared=[cells[target] for target, is_of_one in is_own.items() if not is_of_one],
        maps_more=bool(is_own),
    )
    found = f"from read_parquet({as_text(parquet)}, hive_partitioning = false)"
    if connection.execute(f"select 1 {found} where {is_summary_row} limit 1").fetchall():
        with TemporaryDirectory() as folder:
            rest = Path(folder) / parquet.name
            connection.execute(
                f"copy (select * {found} where not {is_summary_row} order by _source_row)"
                f" to {as_text(rest)} (format parquet)"
            )
            yield rest
    else:
        yield parquet


def _profile_file(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    columns: list[MappedColumn],
    seeds_dir: Path,
    macros: EngineMacros,
) -> None:
    named = {fold(mapped.source_column) for mapped in mapped_columns(seeds_dir, file)}
    unmapped = [
        heading
        for heading, folded in zip(file.header, file.header_folded, strict=True)
        if folded not in named
    ]
    connection.execute(
        "insert into files select ?, ?, ?, ?, count(*), ?, ? from read_parquet(?)",
        [
            file.file_number, file.profile_id, file.name, listed(file.header),
            len(unmapped), listed(unmapped), str(parquet),
        ],
    )  # fmt: skip
    nothing = (None, None, None)
    rows = [
        (
            fold(mapped.source_column),
            mapped.target_kind,
            mapped.target,
            mapped.column is not None,
            *(
                _uncounted_figures(connection, parquet, mapped)
                if mapped.column and mapped.target in _UNCOUNTED
                else nothing
            ),
        )
        for mapped in columns
    ]
    if rows:
        # One statement with lists, as in _load_instrument.
        connection.execute(
            "insert into columns select ?, unnest(?::varchar[]), unnest(?::varchar[]),"
            " unnest(?::varchar[]), unnest(?::boolean[]), unnest(?::bigint[]), unnest(?::bigint[]),"
            " unnest(?::bigint[])",
            [file.file_number, *map(list, zip(*rows, strict=True))],
        )
    counts = _value_counts(
        parquet, [mapped for mapped in columns if mapped.target not in _UNCOUNTED]
    )
    if counts is not None:
        connection.register("counts", counts)
        connection.execute(
            "insert into value_counts select ?, target_kind, target,"
            f" {macros.trim_blanks('value')} as trimmed, sum(cell_count) from counts group by all",
            [file.file_number],
        )
        connection.unregister("counts")


def _value_counts(parquet: Path, columns: list[MappedColumn]) -> "pa.Table | None":
    """Return target_kind, target, value and cell_count for all cells of the columns there are.

    A row group of the file keeps the texts of a column once, in a dictionary, and numbers for the
    cells: counting those costs less than half of grouping texts in SQL. Values come once for each.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    present = [mapped for mapped in columns if mapped.column]
    names = [mapped.column for mapped in present]
    cells = pa.parquet.ParquetFile(parquet, read_dictionary=names).read(names, use_threads=False)
    counts = []
    for mapped in present:
        for chunk in cells[mapped.column].chunks:
            values = chunk.dictionary
            rows = len(values)
            counts.append(
                pa.table(
                    {
                        "target_kind": pa.repeat(mapped.target_kind, rows),
                        "target": pa.repeat(mapped.target, rows),
                        "value": values,
                        "cell_count": np.bincount(chunk.indices, minlength=rows),
                    }
                )
            )
    return pa.concat_tables(counts) if counts else None


def _uncounted_figures(
    connection: duckdb.DuckDBPyConnection, parquet: Path, mapped: MappedColumn
) -> tuple[int | None, ...]:
    """Return how many cells are scientific, the first one's row, blanks; None unasked."""
    cell = f"trim({as_name(str(mapped.column))})"
    is_identifier = mapped.target in IDENTIFIERS
    figures = {
        "count(*) filter (is_scientific)": is_identifier,
        "min(_source_row) filter (is_scientific)": is_identifier,
        "count(*) filter (cell = '')": True,
    }
    asked = ", ".join(figure if is_asked else "null" for figure, is_asked in figures.items())
    row: tuple[int | None, ...] = connection.execute(
        f"select {asked} from (select {cell} as cell, _source_row,"
        f" {SCIENTIFIC.format(as_name(str(mapped.column)))} as is_scientific from read_parquet(?))",
        [str(parquet)],
    ).fetchall()[0]
    return row


def _profile_times(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    mapped: MappedColumn,
    cycle: Cycle,
    profile: Profile,
    macros: EngineMacros,
) -> None:
    """Note which share of a column's times can't be read, or lies outside the cycle's window."""
    rows = connection.execute("select count(*) from read_parquet(?)", [str(parquet)]).fetchall()
    step = max(1, math.ceil(rows[0][0] / _SAMPLED_TIMES))
    connection.execute(
        f"""
        insert into times
        with read as (
            select {local_time(str(mapped.column), profile, macros)} as local_time
            from read_parquet(?)
            where _source_row % {step} = 0 and {is_time(str(mapped.column))}
        )
        select ?, ?, avg((local_time is null)::integer),
            avg((cast(local_time as date) not between ? and ?)::integer)
                filter (local_time is not null),
        from read
        """,
        [str(parquet), file.file_number, mapped.target, cycle.opens_on, cycle.closes_on],
    )


def local_time(column: str, profile: Profile, macros: EngineMacros) -> str:
    """Return SQL of the local time that a cell names, NULL where it can't be read."""
    text = macros.trim_blanks(as_name(column))
    instant = macros.parse_instant(text, profile.timezone, profile.date_order)
    return macros.utc_to_local(instant, profile.timezone)


def is_time(column: str) -> str:
    """Return SQL of whether a cell names a time at all; LimeSurvey's 1980-01-01 stands for none."""
    return f"trim({as_name(column)}) not in ('', '1980-01-01 00:00:00', '1980-01-01 00:00')"


def _trimmed(text: str) -> str:
    return text.strip(" \u00a0\t\n\r")
