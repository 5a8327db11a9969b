"""Profiles of single exports: all that is a function of one of them, so that anybody may make it.

Belongs here: the task that profiles a group of exports with DuckDB, and what it writes. Doesn't:
what follows from several together (response_profiles.py, repeated_rows.py), who runs the task
(orchestration/stages/check.py).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.judged_values import KNOWN_IDS, Instrument, judged, read_instrument
from expectations.raw_files import (
    IDENTIFIERS,
    Cycle,
    MappedColumn,
    Profile,
    RawFile,
    listed,
    mapped_columns,
    read_profiles,
)
from expectations.repeated_rows import attributes, compared_with_others, response_id
from expectations.time_profiles import time_figures
from orchestration.bounded_engine import BoundedEngine
from orchestration.durable_files import whole_folder
from orchestration.engine_macros import EngineMacros
from orchestration.exports.headers import fold
from orchestration.sql_text import as_name, as_text

if TYPE_CHECKING:
    import pyarrow as pa

# Attributes with a value of its own in almost every row: no use in counting their values.
_UNCOUNTED = {*IDENTIFIERS, "submitted_at", "started_at"}
SCIENTIFIC = r"regexp_full_match(trim({0}), '[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+')"
# Excel keeps 15 digits of a number; what it cut off ends in zeros. A single one may be a person's.
CUT = "regexp_full_match(trim({0}), '[0-9]{{15}}0{{2,5}}')"
_LONG = "regexp_full_match(trim({0}), '[0-9]{{17,20}}')"
_TABLES = """
create temp table files (
    file_number bigint, profile_id varchar, source varchar, file_name varchar, header varchar,
    row_count bigint, unmapped_count bigint, unmapped_columns varchar);
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
create temp table value_counts (
    file_number bigint, source_column varchar, target_kind varchar, target varchar,
    value varchar, cell_count bigint);
create temp table compared (
    file_number bigint, row bigint, response_id varchar, attributes ubigint, person varchar);
"""
# What a task writes: small ones, and `compared`, a row for each of the export's.
_IDENTIFIER = ("attribute", "respondent_identifier")
_SMALL = ("files", "columns", "times", "unknown_cells", "judged")
_ROWS_AT_ONCE = 32_768  # of `compared`: whoever reads texts holds as many, a quarter of the default

Numbers = tuple[int, ...]
Run = Callable[[Callable[[Numbers], None], Mapping[int, int]], None]
"""Carries a task to groups of exports, which are given with their numbers of rows."""


class ProfileError(RuntimeError):
    """An export could not be profiled; the sentence names it."""


@dataclass(frozen=True)
class Export:
    """One export, and what the seeds say of its profile."""

    file: RawFile
    columns: list[MappedColumn]
    profile: Profile
    is_compared: bool
    """Whether its rows may stand in another one too."""


def exports_of(seeds_dir: Path, files: list[RawFile]) -> dict[int, Export]:
    """Return a cycle's exports by their numbers."""
    profiles = read_profiles(seeds_dir)
    columns = {file.file_number: mapped_columns(seeds_dir, file) for file in files}
    compared = compared_with_others(files, columns)
    return {
        file.file_number: Export(
            file,
            columns[file.file_number],
            profiles[file.profile_id],
            file.file_number in compared,
        )
        for file in files
    }


def in_this_process(task: Callable[[Numbers], None], rows: Mapping[int, int]) -> None:
    """Run a task on all exports at once."""
    task(tuple(rows))


@dataclass(frozen=True)
class Profilers:
    """Who profiles exports: what they see of the raw zone, may take, and how a task reaches them.

    `engine`: what they write, and spill, lies where it spills.
    """

    raw_dir: Path
    engine: BoundedEngine
    run: Run = in_this_process
    engine_settings: Mapping[str, int] = field(default_factory=dict)

    @contextmanager
    def profiled(
        self,
        seeds_dir: Path,
        cycle: Cycle,
        files: list[RawFile],
        macros: EngineMacros,
        most: float,
    ) -> Iterator[Path]:
        """Give a folder with the profiles of a cycle's exports, gone after the block.

        `most`: the share (max_off_scale_share) above which a file is taken to be broken as a whole.
        """
        with self.engine.scratch() as folder:
            task = ProfileTask(
                raw_dir=self.raw_dir,
                cycle=cycle,
                exports=exports_of(seeds_dir, files),
                instrument=read_instrument(seeds_dir, cycle),
                macros=macros,
                most=most,
                engine=self.engine,
                engine_settings=self.engine_settings,
                folder=folder,
            )
            self.run(task, {file.file_number: file.record_count for file in files})
            yield folder


@dataclass(frozen=True)
class ProfileTask:
    """Profiles groups of a cycle's exports, each into a folder of its own below `folder`.

    Its SQL and what it needs of the seeds travel with it: whoever runs it has neither.
    """

    raw_dir: Path
    cycle: Cycle
    exports: Mapping[int, Export]
    instrument: Instrument
    macros: EngineMacros
    most: float
    engine: BoundedEngine
    engine_settings: Mapping[str, int]
    folder: Path

    def __call__(self, numbers: Numbers) -> None:
        """Profile the exports of these numbers. Raises ProfileError."""
        name = str(numbers[0]) if numbers else "none"
        with (
            whole_folder(self.folder / name) as written,
            self.engine.opened(**self.engine_settings) as connection,
        ):
            connection.execute(_TABLES)
            self.instrument.load(connection)
            for number in numbers:
                export = self.exports[number]
                with _named(export):
                    self._profile(connection, export, written)
            connection.execute(judged(self.macros))
            for number in numbers:
                export = self.exports[number]
                with _named(export):
                    _show_unknown(connection, self._parquet(export), export, self.macros)
            for table in (*_SMALL, "compared"):  # that one has no rows: whoever reads no others
                path = as_text(written / f"{table}.parquet")  # takes the columns from it
                connection.execute(f"copy {table} to {path} (format parquet)")

    def _parquet(self, export: Export) -> Path:
        return export.file.parquet(self.raw_dir, self.cycle.cycle_id)

    def _profile(
        self, connection: duckdb.DuckDBPyConnection, export: Export, written: Path
    ) -> None:
        file, whole = export.file, self._parquet(export)
        columns = [
            mapped
            for mapped in export.columns
            if mapped.target_kind == "attribute"
            or (mapped.target_kind == "question" and mapped.target in self.instrument.asked)
        ]
        _write_compared(connection, whole, export, written, self.macros)
        with _responses_alone(connection, written, whole, file, columns, self.macros) as parquet:
            _profile_file(connection, parquet, export, columns, self.macros, self.most)
            for mapped in columns:
                if mapped.column and mapped.target == "submitted_at":
                    figures = time_figures(
                        connection, parquet, mapped.column, self.cycle, export.profile,
                        self.macros, self.most,
                    )  # fmt: skip
                    connection.execute(
                        "insert into times values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        [
                            file.file_number, mapped.target, figures.date_order,
                            figures.unreadable_share, figures.outside_share, figures.stray_share,
                            figures.time_cell, figures.time_row, figures.better_order,
                            figures.readable, self.cycle.opens_on, self.cycle.closes_on,
                            export.profile.timezone,
                        ],
                    )  # fmt: skip


def read_profiled(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make tables of what tasks wrote there, and a view `compared`: a row for each of the exports'.

    In it `attributes` is a hash, `response_id` and `person` are as the warehouse compares them.
    """
    for table in _SMALL:
        found = _read(folder, f"{table}.parquet")
        connection.execute(f"create temp table {table} as from {found}")
    found = _read(folder, "compared.parquet", "compared/*.parquet")
    connection.execute(f"create temp view compared as from {found}")


def _read(folder: Path, *names: str) -> str:
    """Return SQL of what all tasks wrote under these names."""
    # [!.]: what a task whose machine was lost began lies there too.
    paths = sorted(path for name in names for path in folder.glob(f"[!.]*/{name}"))
    return f"read_parquet([{', '.join(map(as_text, paths))}])"


@contextmanager
def _named(export: Export) -> Iterator[None]:
    """Name the export in what is raised; Ctrl-C passes, which DuckDB tells as a RuntimeError."""
    try:
        yield
    except (duckdb.Error, OSError, ValueError) as error:  # ValueError: of Arrow
        words = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ProfileError(f"{export.file.name}: {words}") from error


def _write_compared(
    connection: duckdb.DuckDBPyConnection,
    whole: Path,
    export: Export,
    written: Path,
    macros: EngineMacros,
) -> None:
    """Write of each row what tells it from others, as a Parquet file of the export's own."""
    columns, number = export.columns, export.file.file_number
    told = attributes(columns, export.profile, macros) if export.is_compared else "null::ubigint"
    path = written / "compared" / f"{number}.parquet"
    path.parent.mkdir(exist_ok=True)
    options = f"format parquet, row_group_size {_ROWS_AT_ONCE}"
    connection.execute(
        f"copy (select {number}::bigint as file_number, _source_row::bigint as row,"
        f" {response_id(columns, macros)} as response_id, {told} as attributes,"
        f" {_person(export, macros)} as person"
        f" from read_parquet({as_text(whole)})) to {as_text(path)} ({options})"
    )


def _person(export: Export, macros: EngineMacros) -> str:
    """Return SQL of whom a row's identifier names, NULL in a file that has none."""
    for mapped in export.columns:
        if mapped.column and (mapped.target_kind, mapped.target) == _IDENTIFIER:
            kind = export.profile.identifier_kind
            return macros.normal_identifier(as_name(mapped.column), kind)
    return "null::varchar"


def unmapped(file: RawFile, columns: list[MappedColumn]) -> list[str]:
    """Return the export's headings that no row of export_columns.csv names."""
    named = {fold(mapped.source_column) for mapped in columns}
    return [
        heading
        for heading, folded in zip(file.header, file.header_folded, strict=True)
        if folded not in named
    ]


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
    export: Export,
    columns: list[MappedColumn],
    macros: EngineMacros,
    most: float,
) -> None:
    file, unknown = export.file, unmapped(export.file, export.columns)
    connection.execute(
        "insert into files select ?, ?, ?, ?, ?, count(*), ?, ? from read_parquet(?)",
        [
            file.file_number, file.profile_id, file.source, file.name, listed(file.header),
            len(unknown), listed(unknown), str(parquet),
        ],
    )  # fmt: skip
    nothing = (None, None, None)
    twice = _answered_twice(connection, parquet, columns, macros)
    rows = [
        (
            fold(mapped.source_column),
            mapped.target_kind,
            mapped.target,
            mapped.column is not None,
            *(
                _uncounted_figures(connection, parquet, mapped, most)
                if mapped.column and mapped.target in _UNCOUNTED
                else nothing
            ),
            *twice.get(mapped.source_column, (None, None)),
        )
        for mapped in columns
    ]
    if rows:
        # One statement with lists: row by row it takes much longer.
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


def _show_unknown(
    connection: duckdb.DuckDBPyConnection, whole: Path, export: Export, macros: EngineMacros
) -> None:
    """Note the first cell of each column that leads to no known id, and the name nearest to it."""
    file = export.file
    for mapped in export.columns:
        if mapped.target_kind != "attribute" or mapped.target not in KNOWN_IDS:
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
                "parquet": str(whole),
                "file": file.file_number,
                "target": mapped.target,
                "profile": file.profile_id,
            },
        )
