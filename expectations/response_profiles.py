"""Profiles of exports' columns: few rows that tell whether a file arrived whole.

Belongs here: DuckDB queries over what each export's profile says. Doesn't: profiling one
(one_export.py), what is demanded of the figures (rules.py). A million answers x 80 columns become
80 rows, so that Great Expectations, which copies a frame for every metric, never sees the answers
themselves.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.one_export import unmapped
from expectations.raw_files import Cycle, RawFile, mapped_columns
from expectations.repeated_rows import find_repeats
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import fold

if TYPE_CHECKING:
    import pandas as pd

_FEW = 3  # cells: fewer are no fault of their file, and told one by one


def profile_responses(
    connection: duckdb.DuckDBPyConnection,
    raw_dir: Path,
    seeds_dir: Path,
    cycle: Cycle,
    files: list[RawFile],
    macros: EngineMacros,
    most: float,
) -> "pd.DataFrame":
    """Return one row per file x mapped column with the figures that the rules speak of.

    `connection` holds what exports' profiles say (one_export.py). `most`: the share
    (max_off_scale_share) above which a file is taken to be broken as a whole.

    A figure that has no meaning for a column (off-scale shares of an attribute) is NULL; figures
    of the file as a whole stand in each of its rows.
    """
    find_repeats(connection, raw_dir, seeds_dir, cycle, files, macros)
    frame = connection.execute(_PROFILE, {"most": most, "few": _FEW}).df()
    headings = {file.name: unmapped(file, mapped_columns(seeds_dir, file)) for file in files}
    frame["nearest_heading"] = [
        _nearest(str(heading), headings[name]) if is_present is False else "–"
        for name, heading, is_present in zip(
            frame["file_name"], frame["source_column"], frame["is_present"], strict=True
        )
    ]
    return frame


def _nearest(heading: str, headings: list[str]) -> str:
    """Return the unmapped heading that is nearly the one that is missing, if there is any."""
    folded = {fold(name).lower(): fold(name) for name in reversed(headings)}
    found = get_close_matches(fold(heading).lower(), folded, n=1, cutoff=0.8)
    return f"'{folded[found[0]]}'" if found else "–"


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
    files.* exclude (source),
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
