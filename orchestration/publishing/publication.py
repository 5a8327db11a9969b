"""Builds a publication from the warehouse and swaps it in, whole or not at all.

Belongs here: the files, their id, their checksums. Doesn't: which tables and figures are shown
(shown_figures.py), how the link comes to show them (swap.py), when to publish (orchestration/defs).

`<data>/published` is a link to `<data>/publications/<id>/`, which holds `ilk.duckdb`,
`parquet/<table>/<table>.parquet`, `csv/` and what describes it: `publication.json`,
`datapackage.json`, `SHA256SUMS`. A publication is written to its end and synced before the link is
replaced, in one step, so that a reader meets the last one or the next one and never a mixture; who
has the old file open keeps it. Within one process, DuckDB hands out the file that is open already
under the same name: resolve the link first.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import duckdb

from orchestration.bounded_engine import MEMORY_LIMIT, SPILLED, BoundedEngine
from orchestration.publishing import PublicationError
from orchestration.publishing.checksums import write_sums
from orchestration.publishing.data_package import write_data_package
from orchestration.publishing.disclosure.cells import CELL
from orchestration.publishing.reading.maps import ShapesError
from orchestration.publishing.region_files import write_unscored
from orchestration.publishing.reports import ReportError
from orchestration.publishing.reports.build import write_reports
from orchestration.publishing.shown_figures import (
    ShownTable,
    name_hidden_cells,
    shown_figures,
    shown_tables,
)
from orchestration.publishing.site.build import write_site
from orchestration.publishing.specifications import Described, TableSpec, specifications
from orchestration.publishing.spreadsheets import write_spreadsheets
from orchestration.publishing.standing import (
    ShownAnswers,
    Timing,
    attach_standing,
    judge,
    keep_named,
    new_sets,
    timed,
)
from orchestration.publishing.swap import KEPT_PUBLICATIONS, next_publication
from orchestration.publishing.tables import Declaration
from orchestration.sql_text import as_name, as_text
from orchestration.survey_days import closing_day

# Copied last, when the guard and the run's record have had their say. The records of runs tell of
# the making, with times: they are no part of what a publication's id and checksums stand for.
RESTATEMENTS = "audit_restatements"
RUNS = "audit_runs"

STORAGE_VERSION = "v1.0.0"  # what DuckDB 2 writes by default no 1.x client (BI drivers) can read


@dataclass(frozen=True)
class PublicationReport:
    """What was published.

    `checksums` and `row_counts` are by table. `small_count` and `complement_count` count the hidden
    cells; `exposed` names those that follow from a national or a level's figure all the same.
    `timing` names the cycles that are not shown as the warehouse holds them.
    """

    publication_id: str
    folder: Path
    is_new: bool
    row_counts: Mapping[str, int]
    checksums: Mapping[str, str]
    small_count: int
    complement_count: int
    exposed: tuple[str, ...]
    timing: Timing


def _nothing(*_: object) -> None:
    """Do nothing, where nobody is to be asked or told."""


def _alone(*_: object) -> AbstractContextManager[None]:
    """Show the files with nothing beside them."""
    return nullcontext()


def publish(
    *,
    warehouse: Path,
    declared: Mapping[str, Declaration],
    known: Mapping[str, Described] = MappingProxyType({}),
    data_dir: Path,
    fingerprint: Mapping[str, str],
    unfit_cycles: Collection[str] = (),
    guard: Callable[[duckdb.DuckDBPyConnection], None] = _nothing,
    announce: Callable[[str, Timing], None] = _nothing,
    along: Callable[[Path, str], AbstractContextManager[None]] = _alone,
    today: date | None = None,
    with_pages: bool = False,
    regions_geojson: Path | None = None,
    kept: int = KEPT_PUBLICATIONS,
    memory_limit: str = MEMORY_LIMIT,
) -> PublicationReport:
    """Publish the `declared` tables of the warehouse below `data_dir`, after disclosure control.

    `known` has the words of tables and the views over them (specifications.py).
    `fingerprint` says what made it (code version, hashes of seeds and inputs; no times) and is kept
    in `publication.json`. It and the tables' contents make the id: the same again changes nothing.
    `unfit_cycles` (stages/unfit_cycles.py) stay as the last publication has them, rows and
    fingerprint.
    `guard` sees the tables to be published as `ilk.main.*` and may raise PublicationError;
    `announce` is then told the id, and which cycles are not shown as they were computed. What both
    record is published with it.
    `along` is given the whole folder and the id, and surrounds the swap: what holds the publication
    too takes it in before, and shows it after. It raises nothing of its own.
    `today`: as survey_days.closing_day has it; windows that hold it have not closed.
    `with_pages`: pages (site/) and workbooks (xlsx/) are written beside the tables, the pages with
    a map of the outlines in `regions_geojson` where one is given. Cycles without a score have files
    a region of who has still to answer (fieldwork/).
    `kept`: how many publications stay, this one among them. `memory_limit`: what DuckDB may take,
    which reads who answered what here too: by whom two publications differ.
    Reports (reports/) are where a cycle's row of survey_cycles asks for them.
    Raises PublicationError; the last publication then stands, without debris. What a killed run
    left is removed by the next.
    """
    with next_publication(data_dir, kept=kept) as building:
        memory = ShownAnswers(data_dir)
        report = _build(
            building.folder,
            memory,
            data_dir=data_dir,
            today=today or closing_day(datetime.now(UTC)),
            warehouse=warehouse,
            declared=declared,
            known=known,
            fingerprint=_made_from(fingerprint, unfit_cycles, data_dir / "published"),
            unfit=unfit_cycles,
            guard=guard,
            announce=announce,
            memory_limit=memory_limit,
        )
        database = building.folder / "ilk.duckdb"
        # From the closed file, as anybody else would read it: nothing else can get out.
        write_spreadsheets(database, known, building.folder, with_workbooks=with_pages)
        write_unscored(database, known, building.folder, with_workbooks=with_pages)
        write_data_package(database, known, building.folder, report.publication_id)
        try:
            if with_pages:
                write_site(database, building.folder / "site", regions_geojson, known)
            write_reports(database, building.folder / "reports", report.publication_id)
        except (ShapesError, ReportError) as error:
            raise PublicationError(str(error)) from error
        write_sums(building.folder)
        # Of an id that was published before, its own folder is shown again.
        folder = report.folder if report.folder.exists() else building.folder
        with along(folder, report.publication_id):
            is_new = building.show(report.publication_id)
        memory.confirm(report.publication_id)
    return dataclasses.replace(report, is_new=is_new)


def table_checksums(path: Path) -> dict[str, str]:
    """Return a checksum of each table's columns, types and rows in a published DuckDB file.

    Not of the record of runs, which differs between two publications of the same figures.

    The order of rows doesn't enter, nor does the way DuckDB lays them out.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {as_text(path.resolve())} as ilk (read_only)")
        return _checksums(connection)


def _build(
    folder: Path,
    memory: ShownAnswers,
    *,
    warehouse: Path,
    data_dir: Path,
    today: date,
    declared: Mapping[str, Declaration],
    known: Mapping[str, Described],
    fingerprint: Mapping[str, str],
    unfit: Collection[str],
    guard: Callable[[duckdb.DuckDBPyConnection], None],
    announce: Callable[[str, Timing], None],
    memory_limit: str,
) -> PublicationReport:
    """Write the whole publication into `folder`; the report names the folder it is meant for."""
    with BoundedEngine(memory_limit, data_dir / SPILLED).opened() as connection:
        connection.execute("set TimeZone = 'UTC'")
        _attach(connection, warehouse)
        tables = shown_tables(connection, declared)
        name_hidden_cells(connection)
        attach_standing(connection, data_dir)
        timing = judge(connection, memory, unfit=unfit, today=today)
        connection.execute(
            f"attach {as_text(folder / 'ilk.duckdb')} as ilk (storage_version '{STORAGE_VERSION}')"
        )
        results = [table for table in tables if table.name not in (RESTATEMENTS, RUNS)]
        _copy(connection, results, timing)
        keep_named(connection, known, timing)
        guard(connection)
        _copy(connection, [table for table in tables if table.name == RESTATEMENTS], timing)
        _make_views(connection, known)
        checksums = _checksums(connection)
        comments = _comments(specifications(known, connection, "ilk"))
        content = {
            "fingerprint": dict(fingerprint),
            "checksums": checksums,
            "comments": comments,
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()
        memory.note(connection, digest[:16], new_sets(connection, memory, timing))
        announce(digest[:16], timing)
        _copy(connection, [table for table in tables if table.name == RUNS], timing)
        specs = specifications(known, connection, "ilk")  # with the record of runs
        connection.execute("begin")  # or each of a thousand is written through to the disk
        for described, comment in _comments(specs):
            connection.execute(f"comment on {described} is {as_text(comment)}")
        connection.execute("commit")
        row_counts = {}
        for name in specs:
            relation = f"ilk.main.{as_name(name)}"
            target = folder / "parquet" / name / f"{name}.parquet"
            target.parent.mkdir(parents=True)
            connection.execute(f"copy {relation} to {as_text(target)} (format parquet)")
            row_counts[name] = _count(connection, relation)
        hidden_counts = dict(
            connection.execute("select reason, count(*) from hidden group by reason").fetchall()
        )
        exposed = connection.execute(
            f"select {', '.join(CELL)} from hidden where is_exposed order by all"
        ).fetchall()
        connection.execute("checkpoint ilk")
    report = PublicationReport(
        publication_id=digest[:16],
        folder=folder.parent / digest[:16],
        is_new=True,
        row_counts=row_counts,
        checksums=checksums,
        small_count=hidden_counts.get("small", 0),
        complement_count=hidden_counts.get("complement", 0),
        exposed=tuple(" ".join(filter(None, cell)) for cell in exposed),
        timing=timing,
    )
    manifest = {
        "publication_id": report.publication_id,
        "fingerprint": dict(fingerprint),
        "tables": {
            name: {"row_count": row_counts[name], "checksum": checksums[name]} for name in checksums
        },
        "cycles_in_their_window": list(timing.opened),
        "cycles_kept_as_they_stood": list(timing.standing),
        "hidden_cells": {"small": report.small_count, "complement": report.complement_count},
    }
    (folder / "publication.json").write_text(
        json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    return report


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    if not warehouse.is_file():
        raise PublicationError(
            f"gudang {warehouse} tidak ada: jalankan satu siklus dulu. / "
            "There is no warehouse: run a cycle first"
        )
    try:
        connection.execute(f"attach {as_text(warehouse)} as warehouse (read_only)")
    except duckdb.Error as error:
        raise PublicationError(
            f"{warehouse} tidak dapat dibaca: tutup program yang membukanya, lalu jalankan lagi. / "
            f"It can't be read: close what has it open, and run again. {error}"
        ) from error


def _copy(connection: duckdb.DuckDBPyConnection, tables: list[ShownTable], timing: Timing) -> None:
    for table in tables:
        rows = shown_figures(table)
        if table.declared.is_shown_with_results:
            rows = timed(
                connection,
                rows,
                table.name,
                timing,
                is_shown_in_window=table.declared.is_shown_in_window,
            )
        connection.execute(f"create table ilk.main.{as_name(table.name)} as {rows} order by all")


def _made_from(built: Mapping[str, str], unfit: Collection[str], published: Path) -> dict[str, str]:
    """Return what each cycle was made from; the unfit ones as the last publication says."""
    last: dict[str, str] = {}
    if unfit and (published / "publication.json").is_file():
        text = (published / "publication.json").read_text(encoding="utf-8")
        last = json.loads(text)["fingerprint"]
    kept = {cycle_id: last[cycle_id] for cycle_id in unfit if cycle_id in last}
    return {cycle_id: of for cycle_id, of in built.items() if cycle_id not in unfit} | kept


def _comments(specs: Mapping[str, TableSpec]) -> list[tuple[str, str]]:
    """Return the comments on tables and columns, which are part of what is published."""
    comments = []
    for spec in specs.values():
        relation = f"ilk.main.{as_name(spec.name)}"
        comments.append((f"{'view' if spec.view else 'table'} {relation}", spec.description))
        comments += [
            (f"column {relation}.{as_name(column.name)}", column.description)
            for column in spec.columns
        ]
    return sorted((described, words.both) for described, words in comments if words.both)


def _make_views(connection: duckdb.DuckDBPyConnection, known: Mapping[str, Described]) -> None:
    """Make the views over the tables, under the names that they have in the file itself."""
    connection.execute("use ilk")
    for name, table in known.items():
        if table.view is not None:
            connection.execute(f"create view {as_name(name)} as {table.view}")
    connection.execute("use memory")


def _checksums(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    tables = connection.execute(
        """
        select table_name, list([column_name, data_type] order by ordinal_position)
        from information_schema.columns
        where table_catalog = 'ilk' and table_schema = 'main'
            and table_name <> ?
        group by all
        order by all
        """,
        [RUNS],
    ).fetchall()
    checksums = {}
    for name, columns in tables:
        rows = connection.execute(
            f"""
            select count(*), sum(md5_number_lower(cast(to_json(whole_row) as varchar)))
            from ilk.main.{as_name(name)} as whole_row
            """
        ).fetchall()
        content = json.dumps([columns, [str(number) for number in rows[0]]])
        checksums[name] = hashlib.sha256(content.encode("utf-8")).hexdigest()
    return checksums


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
