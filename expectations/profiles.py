"""Profiles of raw Parquet: few rows that tell whether a file arrived whole.

Belongs here: DuckDB queries over the raw zone and the seeds that map it. Doesn't: what is
demanded of the figures (rules.py). A million answers x 80 columns become 80 rows, so that Great
Expectations, which copies a frame for every metric, never sees the answers themselves.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    import pandas as pd

_IDENTIFIERS = {"respondent_identifier", "response_id"}
# Attributes with a value of its own in almost every row: no use in counting their values.
_UNCOUNTED = _IDENTIFIERS | {"submitted_at", "started_at"}
_SCIENTIFIC = r"regexp_full_match(trim({0}), '[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+')"
_MOJIBAKE = r"regexp_matches(value, 'Ã[\x{0080}-\x{00BF}]|â€|Â[\x{0080}-\x{00BF}]|\x{FFFD}')"
# A cell as an example in a sentence that people and logs get: where columns have slipped it may be
# somebody's identifier or address, of which the shape is enough.
_EXAMPLE = r"'''' || regexp_replace(value, '[0-9]{5,}|[^\s@]+@[^\s@]+', '…', 'g') || ''''"
_STAFF_COLUMNS = ("unit_id", "recipient_category_id", "role_id", "staff_count")


@dataclass(frozen=True)
class RawFile:
    """A current file of a cycle, as the registry of the raw zone has it."""

    file_number: int
    profile_id: str
    kind: str
    name: str
    sha256: str
    header: list[str]
    header_folded: list[str]

    def parquet(self, raw_dir: Path, cycle_id: str) -> Path:
        """Return where its rows lie."""
        return raw_dir / self.kind / f"cycle_id={cycle_id}" / f"{self.sha256}.parquet"


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
            "select file_number, profile_id, kind, name, sha256, header, header_folded"
            " from read_parquet(?)"
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
            column=by_heading.get(_fold(row["source_column"])),
        )
        for row in _seed(seeds_dir, "export_columns")
        if row["profile_id"] == file.profile_id
    ]


def maps_identifiers(seeds_dir: Path, file: RawFile) -> bool:
    """Whether the file's profile maps a column to respondent_identifier."""
    return any(
        mapped.target_kind == "attribute" and mapped.target == "respondent_identifier"
        for mapped in mapped_columns(seeds_dir, file)
    )


def profile_responses(
    raw_dir: Path, seeds_dir: Path, cycle_id: str, files: list[RawFile], *, instrument_id: str
) -> "pd.DataFrame":
    """Return one row per file x mapped column with the figures that the rules speak of.

    A figure that has no meaning for a column (off-scale shares of an attribute) is NULL; figures
    of the file as a whole stand in each of its rows.
    """
    with duckdb.connect() as connection:
        connection.execute(_PROFILE_TABLES)
        _load_instrument(connection, seeds_dir, instrument_id)
        for file in files:
            columns = [
                mapped
                for mapped in mapped_columns(seeds_dir, file)
                if mapped.target_kind != "ignore"
            ]
            _profile_file(connection, file.parquet(raw_dir, cycle_id), file, columns, seeds_dir)
        return connection.execute(_PROFILE).df()


def profile_staff_frame(raw_dir: Path, cycle_id: str, files: list[RawFile]) -> "pd.DataFrame":
    """Return the rows of the cycle's staff frames (thousands, not millions) as text."""
    import pandas as pd

    frames = []
    with duckdb.connect() as connection:
        for file in files:
            present = {
                heading.lower(): column
                for heading, column in zip(file.header_folded, file.header, strict=True)
            }
            missing = [name for name in _STAFF_COLUMNS if name not in present]
            chosen = ", ".join(
                f"{_quoted(present[name])} as {name}" if name in present else f"null as {name}"
                for name in _STAFF_COLUMNS
            )
            frame = connection.execute(
                f"select {chosen}, _source_row as source_row from read_parquet(?)",
                [str(file.parquet(raw_dir, cycle_id))],
            ).df()
            frames.append(frame.assign(file_name=file.name, missing_columns=", ".join(missing)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def known_units(seeds_dir: Path) -> list[str]:
    """Return the ids of units.csv, each once."""
    return sorted({row["unit_id"] for row in _seed(seeds_dir, "units")})


def method_parameter(seeds_dir: Path, method_id: str, parameter: str) -> float | None:
    """Return a row of method_parameters.csv as a number, None where there is none."""
    for row in _seed(seeds_dir, "method_parameters"):
        if row["method_id"] == method_id and row["parameter"] == parameter:
            return float(row["value"])
    return None


_PROFILE_TABLES = """
create temp table files (
    file_number bigint, profile_id varchar, file_name varchar, header varchar, row_count bigint,
    unmapped_count bigint, unmapped_columns varchar);
create temp table columns (
    file_number bigint, source_column varchar, target_kind varchar, target varchar,
    is_present boolean, scientific_count bigint, first_scientific_row bigint,
    repeated_count bigint, blank_count bigint);
create temp table value_counts (
    file_number bigint, target_kind varchar, target varchar, value varchar, cell_count bigint);
"""

# The order of method.md 11: a code row of the question, then one of all questions (*), then a
# whole number as itself; what is then on no scale is off_scale.
_PROFILE = f"""
with judged as (
    select
        value_counts.file_number,
        value_counts.target,
        value,
        cell_count,
        value = '' or coalesce(own.code, every.code, '') = 'blank' as is_blank,
        coalesce(own.code, every.code, '') in ('not_available', 'not_used')
        or coalesce(
            regexp_full_match(coalesce(own.code, every.code, value), '[+-]?[0-9]{{1,4}}([.,]0*)?')
            and try_cast(
                regexp_extract(coalesce(own.code, every.code, value), '^[+-]?[0-9]+') as integer
            ) between scales.scale_min and scales.scale_max,
            false
        ) as is_known,
        value_counts.target_kind = 'question' as is_answer,
        {_MOJIBAKE} as is_mojibake,
    from value_counts
    join files using (file_number)
    left join scales on scales.question_id = value_counts.target
        and value_counts.target_kind = 'question'
    left join codes as own on own.profile_id = files.profile_id
        and own.target = value_counts.target and own.source_value = value
    left join codes as every on every.profile_id = files.profile_id
        and every.target = '*' and every.source_value = value
        and value_counts.target_kind = 'question'
),
by_column as (
    select
        file_number,
        target,
        sum(cell_count) filter (is_blank) as blank_count,
        sum(cell_count) filter (is_answer and not is_blank) as answer_count,
        sum(cell_count) filter (is_answer and not is_blank and not is_known) as off_scale_count,
        sum(cell_count) filter (is_mojibake) as mojibake_count,
        left(string_agg(distinct {_EXAMPLE}, ', ')
            filter (is_answer and not is_blank and not is_known), 80) as off_scale_examples,
        left(string_agg(distinct {_EXAMPLE}, ', ') filter (is_mojibake), 80)
            as mojibake_examples,
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
    files.* exclude (file_number),
    columns.source_column,
    columns.target,
    columns.is_present,
    columns.scientific_count,
    columns.first_scientific_row,
    columns.repeated_count,
    cast(coalesce(by_column.blank_count, columns.blank_count, 0) as double)
        / nullif(files.row_count, 0) as blank_share,
    cast(coalesce(by_column.off_scale_count, 0) as double)
        / nullif(by_column.answer_count, 0) as off_scale_share,
    by_column.off_scale_examples,
    coalesce(by_column.mojibake_count, 0) as mojibake_count,
    by_column.mojibake_examples,
    by_file.file_off_scale_share,
    by_file.file_off_scale_examples,
from columns
join files using (file_number)
left join by_column using (file_number, target)
left join by_file using (file_number)
order by files.file_name, columns.source_column
"""


def _load_instrument(
    connection: duckdb.DuckDBPyConnection, seeds_dir: Path, instrument_id: str
) -> None:
    connection.execute(
        "create temp table scales (question_id varchar, scale_min double, scale_max double)"
    )
    connection.execute(
        "create temp table codes"
        " (profile_id varchar, target varchar, source_value varchar, code varchar)"
    )
    scales = [
        (row["question_id"], float(row["scale_min"]), float(row["scale_max"]))
        for row in _seed(seeds_dir, "questions")
        if row["instrument_id"] == instrument_id
    ]
    codes = [
        (row["profile_id"], row["target"], _trimmed(row["source_value"]), row["code"])
        for row in _seed(seeds_dir, "export_codes")
    ]
    if scales:
        connection.executemany("insert into scales values (?, ?, ?)", scales)
    if codes:
        connection.executemany("insert into codes values (?, ?, ?, ?)", codes)


def _profile_file(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    file: RawFile,
    columns: list[MappedColumn],
    seeds_dir: Path,
) -> None:
    named = {_fold(mapped.source_column) for mapped in mapped_columns(seeds_dir, file)}
    unmapped = [
        heading
        for heading, folded in zip(file.header, file.header_folded, strict=True)
        if folded not in named
    ]
    connection.execute(
        "insert into files select ?, ?, ?, ?, count(*), ?, ? from read_parquet(?)",
        [
            file.file_number, file.profile_id, file.name, _listed(file.header),
            len(unmapped), _listed(unmapped), str(parquet),
        ],
    )  # fmt: skip
    counted = [mapped for mapped in columns if mapped.column and mapped.target not in _UNCOUNTED]
    for mapped in columns:
        figures: tuple[int | None, ...] = (None, None, None, None)
        if mapped.column and mapped.target in _UNCOUNTED:
            figures = _identifier_figures(connection, parquet, mapped)
        connection.execute(
            "insert into columns values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                file.file_number, _fold(mapped.source_column), mapped.target_kind, mapped.target,
                mapped.column is not None, *figures,
            ],
        )  # fmt: skip
    if counted:
        connection.execute(
            "insert into value_counts "
            "select ?, target_kind, target, trim(value, ' ' || chr(160) || chr(9) || chr(10)"
            " || chr(13)), cell_count from ("
            + " union all ".join(
                f"select {_literal(mapped.target_kind)} as target_kind,"
                f" {_literal(mapped.target)} as target, {_quoted(str(mapped.column))} as value,"
                f" count(*) as cell_count from read_parquet({_literal(str(parquet))}) group by all"
                for mapped in counted
            )
            + ")",
            [file.file_number],
        )


def _identifier_figures(
    connection: duckdb.DuckDBPyConnection, parquet: Path, mapped: MappedColumn
) -> tuple[int | None, ...]:
    column = _quoted(str(mapped.column))
    scientific = _SCIENTIFIC.format(column)
    row = connection.execute(
        f"select count(*) filter ({scientific}), min(_source_row) filter ({scientific}),"
        f" count(nullif(trim({column}), '')) - count(distinct nullif(trim({column}), '')),"
        f" count(*) filter (trim({column}) = '') from read_parquet(?)",
        [str(parquet)],
    ).fetchall()[0]
    is_identifier = mapped.target in _IDENTIFIERS
    return (
        row[0] if is_identifier else None,
        row[1] if is_identifier else None,
        row[2] if mapped.target == "response_id" else None,
        row[3],
    )


def _seed(seeds_dir: Path, name: str) -> list[dict[str, str]]:
    path = seeds_dir / f"{name}.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def _trimmed(text: str) -> str:
    return text.strip(" \u00a0\t\n\r")


def _fold(text: str) -> str:
    return " ".join(text.split())


def _listed(names: list[str]) -> str:
    """Return headings as one line of a message: some surveys have hundreds."""
    shown = ", ".join(f"'{_fold(name)}'" for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
