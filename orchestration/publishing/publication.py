"""Builds a publication from the warehouse and swaps it in, whole or not at all.

Belongs here: which tables leave, the blanking of hidden figures, the files, the one swap. Doesn't:
which cells are hidden (int_hidden_cells, by disclosure.py), when to publish (orchestration/defs).

`<data>/published` is a link to `<data>/publications/<id>/`, which holds `ilk.duckdb` and
`parquet/<table>/<table>.parquet`. A publication is written to its end and synced before the link is
replaced, in one step, so that a reader meets the last one or the next one and never a mixture; who
has the old file open keeps it. Within one process, DuckDB hands out the file that is open already
under the same name: resolve the link first.
"""

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from orchestration.publishing.disclosure import CELL, COMPONENT, DOMAIN, NEVER_HIDDEN
from orchestration.publishing.tables import RESPONDENT_COLUMNS, RESPONDENT_TABLES

# Index tables without a domain's keys: made of shown domains alone, or of the nation as a whole.
WITHOUT_DOMAIN = ("idx_evenness", "idx_reliability")
# "A change of a domain that is suppressed in either cycle is suppressed."
OVER_TWO_CYCLES = ("idx_changes", "idx_change_parts")
# A column that ends so says where a row stands; every other one of a hidden row is a figure.
KEY_SUFFIXES = ("_id", "_type", "_mode", "_name", "_at", "why")
# Copied last, when the guard and the run's record have had their say. The records of runs tell of
# the making, with times: they are no part of what a publication's id and checksums stand for.
RESTATEMENTS = "audit_restatements"
RUNS = "audit_runs"

# What must be there to be blanked, and to tell that all was judged.
NEEDED_COLUMNS = {
    ("intermediate", "int_hidden_cells"): {*CELL, "reason", "is_exposed"},
    ("indexes", "idx_scores"): {
        *CELL,
        "weighting_mode",
        "component_type",
        "score",
        "score_100",
        "band",
        "respondent_count",
        "answer_count",
    },
    ("marts", "dim_cycles"): {"cycle_id", "min_cell_n", "previous_cycle_id"},
}

STORAGE_VERSION = "v1.0.0"  # what DuckDB 2 writes by default no 1.x client (BI drivers) can read
KEPT_PUBLICATIONS = 2  # the one shown and the one before it, which readers may be opening still


class PublicationError(Exception):
    """Nothing was published; the last publication stands."""


@dataclass(frozen=True)
class PublicationReport:
    """What was published.

    `checksums` and `row_counts` are by table. `small_count` and `complement_count` count the hidden
    cells; `exposed` names those that follow from a national or a level's figure all the same.
    """

    publication_id: str
    folder: Path
    is_new: bool
    row_counts: Mapping[str, int]
    checksums: Mapping[str, str]
    small_count: int
    complement_count: int
    exposed: tuple[str, ...]


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def has_domain(self) -> bool:
        return {"cycle_id", "domain_type", "domain_id"} <= set(self.columns)


def _nothing(_: object) -> None:
    """Do nothing, where nobody is to be asked or told."""


def publish(
    *,
    warehouse: Path,
    data_dir: Path,
    fingerprint: Mapping[str, str],
    guard: Callable[[duckdb.DuckDBPyConnection], None] = _nothing,
    announce: Callable[[str], None] = _nothing,
) -> PublicationReport:
    """Publish the marts and indexes of the warehouse below `data_dir`, after disclosure control.

    `fingerprint` says what made it (code version, hashes of seeds and inputs; no times) and is kept
    in `publication.json`. It and the tables' contents make the id: the same again changes nothing.
    `guard` sees the tables to be published as `ilk.main.*` and may raise PublicationError;
    `announce` is then told the id. What both record is published with it.
    Raises PublicationError; the last publication then stands, without debris. What a killed run
    left is removed by the next.
    """
    publications = data_dir / "publications"
    link = data_dir / "published"
    if link.exists() and not link.is_symlink():
        raise PublicationError(
            f"{link} is not the link that a publication replaces: move it out of the way"
        )
    publications.mkdir(parents=True, exist_ok=True)
    with _alone_in(publications):
        _remove_leftovers(publications)
        if link.exists():
            os.utime(link)  # last shown now: old ones are removed in this order
        building = publications / ".building"
        building.mkdir()
        try:
            report = _build(
                building,
                warehouse=warehouse,
                fingerprint=fingerprint,
                guard=guard,
                announce=announce,
            )
            is_new = not report.folder.exists()
            if is_new:
                _sync(building)
                building.rename(report.folder)
            try:
                _sync_folder(publications)
                _point(link, report.folder)
            except BaseException:
                if is_new and link.resolve() != report.folder.resolve():
                    _discard(report.folder)
                raise
            _remove_old(publications, shown=report.folder)
        finally:
            _remove_leftovers(publications)
    return dataclasses.replace(report, is_new=is_new)


def table_checksums(path: Path) -> dict[str, str]:
    """Return a checksum of each table's columns, types and rows in a published DuckDB file.

    Not of the record of runs, which differs between two publications of the same figures.

    The order of rows doesn't enter, nor does the way DuckDB lays them out.
    """
    with _session() as connection:
        connection.execute(f"attach {_text(path.resolve())} as ilk (read_only)")
        return _checksums(connection)


def _build(
    folder: Path,
    *,
    warehouse: Path,
    fingerprint: Mapping[str, str],
    guard: Callable[[duckdb.DuckDBPyConnection], None],
    announce: Callable[[str], None],
) -> PublicationReport:
    """Write the whole publication into `folder`; the report names the folder it is meant for."""
    with _session() as connection:
        _attach(connection, warehouse)
        tables = _published_tables(connection)
        _name_hidden_cells(connection)
        connection.execute(
            f"attach {_text(folder / 'ilk.duckdb')} as ilk (storage_version '{STORAGE_VERSION}')"
        )
        _copy(connection, [table for table in tables if table.name not in (RESTATEMENTS, RUNS)])
        guard(connection)
        _copy(connection, [table for table in tables if table.name == RESTATEMENTS])
        checksums = _checksums(connection)
        content = {
            "fingerprint": dict(fingerprint),
            "checksums": checksums,
            "comments": _comments(connection, tables),
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()
        announce(digest[:16])
        _copy(connection, [table for table in tables if table.name == RUNS])
        for described, comment in _comments(connection, tables):
            connection.execute(f"comment on {described} is {_text(comment)}")
        for table in tables:
            target = folder / "parquet" / table.name / f"{table.name}.parquet"
            target.parent.mkdir(parents=True)
            connection.execute(
                f"copy ilk.main.{_name(table.name)} to {_text(target)} (format parquet)"
            )
        row_counts = {
            table.name: _count(connection, f"ilk.main.{_name(table.name)}") for table in tables
        }
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
    )
    manifest = {
        "publication_id": report.publication_id,
        "fingerprint": dict(fingerprint),
        "tables": {
            name: {"row_count": row_counts[name], "checksum": checksums[name]} for name in checksums
        },
        "hidden_cells": {"small": report.small_count, "complement": report.complement_count},
    }
    (folder / "publication.json").write_text(
        json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    return report


# --- what leaves -----------------------------------------------------------------------------


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    if not warehouse.is_file():
        raise PublicationError(f"there is no warehouse at {warehouse}: run a cycle first")
    try:
        connection.execute(f"attach {_text(warehouse)} as warehouse (read_only)")
    except duckdb.Error as error:
        raise PublicationError(
            f"{warehouse} can't be read, publish when no dbt run has it open: {error}"
        ) from error


def _published_tables(connection: duckdb.DuckDBPyConnection) -> list[_Table]:
    rows = connection.execute(
        """
        select table_schema, table_name, list(column_name order by ordinal_position)
        from information_schema.columns
        where table_catalog = 'warehouse' and table_schema in ('marts', 'indexes', 'intermediate')
        group by all
        order by table_name, table_schema
        """
    ).fetchall()
    found = [
        _Table(schema=schema, name=name, columns=tuple(columns)) for schema, name, columns in rows
    ]
    columns_of = {(table.schema, table.name): set(table.columns) for table in found}
    for (schema, name), needed in NEEDED_COLUMNS.items():
        if missing := needed - columns_of.get((schema, name), set()):
            raise PublicationError(
                f"the warehouse has no {schema}.{name} with {', '.join(sorted(missing))}, without "
                "which nothing can be judged: run dbt build first"
            )
    tables = [
        table
        for table in found
        if table.schema != "intermediate" and table.name not in RESPONDENT_TABLES
    ]
    for one, other in pairwise(tables):
        if one.name == other.name:
            raise PublicationError(f"marts and indexes both have a table {one.name}: rename one")
    for table in tables:
        _refuse_what_tells(table)
    return tables


def _refuse_what_tells(table: _Table) -> None:
    personal = [column for column in table.columns if column.lower() in RESPONDENT_COLUMNS]
    if personal:
        raise PublicationError(
            f"{table.schema}.{table.name} has {', '.join(personal)}, which lead to a respondent: "
            "drop the column, or add the table to RESPONDENT_TABLES so that it stays inside"
        )
    if table.schema == "indexes" and not table.has_domain and table.name not in WITHOUT_DOMAIN:
        raise PublicationError(
            f"indexes.{table.name} has no cycle_id, domain_type and domain_id, by which hidden "
            "figures are found: add them, or name it in WITHOUT_DOMAIN if it tells on no domain"
        )


def _name_hidden_cells(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the warehouse's hidden cells known as `hidden`, with '' for no component.

    A score on too few persons that isn't among them was never judged: nothing is published then.
    """
    components = ", ".join(f"coalesce({key}, '') as {key}" for key in COMPONENT)
    connection.execute(
        f"""
        create temp view hidden as
        select cycle_id, domain_type, domain_id, {components}, reason, is_exposed
        from warehouse.intermediate.int_hidden_cells
        """
    )
    unjudged = connection.execute(
        f"""
        select distinct scores.cycle_id
        from warehouse.indexes.idx_scores as scores
        left join warehouse.marts.dim_cycles as cycles using (cycle_id)
        where scores.domain_type not in {NEVER_HIDDEN}
            and (cycles.min_cell_n is null or scores.respondent_count < cycles.min_cell_n)
            and not exists (
                from hidden
                where hidden.cycle_id = scores.cycle_id and {_is_cell_of("scores", CELL)}
            )
        order by all
        """
    ).fetchall()
    if unjudged:
        raise PublicationError(
            f"{', '.join(cycle_id for (cycle_id,) in unjudged)}: idx_scores has scores on fewer "
            "than min_cell_n persons that int_hidden_cells doesn't hide: run the cycle again"
        )


def _select(table: _Table) -> str:
    """Return the query whose rows are published."""
    if not table.has_domain:
        return f"select * from warehouse.{table.schema}.{_name(table.name)}"
    if table.name == "idx_scores":
        return _with_shown_medians(_blanked(table))
    return _blanked(table)


def _is_cell_of(figures: str, columns: Collection[str]) -> str:
    """Return the condition that a hidden cell has the domain and component of a row, any cycle."""
    keys = [
        f"hidden.{key} = " + (f"coalesce({figures}.{key}, '')" if key in columns else "''")
        for key in COMPONENT
    ]
    return " and ".join([*(f"hidden.{key} = {figures}.{key}" for key in DOMAIN), *keys])


def _blanked(table: _Table) -> str:
    """Return the query of a table of domains and components, NULL for each figure of a hidden cell.

    A component key that the table hasn't is none: coverage by service_id is judged as the service.
    """
    cell = _is_cell_of("figures", table.columns)
    cycle = "hidden.cycle_id = figures.cycle_id"
    if table.name in OVER_TWO_CYCLES:
        cycle = f"""({cycle} or hidden.cycle_id in (
            select previous_cycle_id from warehouse.marts.dim_cycles as cycles
            where cycles.cycle_id = figures.cycle_id
        ))"""
    columns = [
        f"figures.{_name(column)}"
        if column.endswith(KEY_SUFFIXES)
        else f"case when not is_suppressed then figures.{_name(column)} end as {_name(column)}"
        for column in table.columns
    ]
    return f"""
        select {", ".join(columns)}, is_suppressed
        from (
            select
                figures,
                exists (
                    from hidden
                    where {cycle} and {cell}
                ) as is_suppressed
            from warehouse.{table.schema}.{_name(table.name)} as figures
        )"""


def _with_shown_medians(scores: str) -> str:
    """Return the scores with `unit_median` taken over the shown units only: its score, no more.

    With all units the median would be the figure of a hidden one, or tell on which side it lies.
    """
    return f"""
        with shown as ({scores}),
        medians as (
            select
                cycle_id,
                weighting_mode,
                median(score) as median_score,
                median(score_100) as median_score_100
            from shown
            where domain_type = 'provider_unit' and component_type = 'index'
            group by all
        )
        select
            shown.* replace (
                if(domain_type = 'unit_median', median_score, score) as score,
                if(domain_type = 'unit_median', median_score_100, score_100) as score_100,
                if(domain_type = 'unit_median', null, band) as band,
                if(domain_type = 'unit_median', median_score is null, is_suppressed)
                    as is_suppressed
            )
        from shown
        left join medians using (cycle_id, weighting_mode)"""


def _copy(connection: duckdb.DuckDBPyConnection, tables: list[_Table]) -> None:
    for table in tables:
        connection.execute(
            f"create table ilk.main.{_name(table.name)} as {_select(table)} order by all"
        )


def _comments(connection: duckdb.DuckDBPyConnection, tables: list[_Table]) -> list[tuple[str, str]]:
    """Return the comments on tables and columns, which are part of what is published."""
    on_tables = connection.execute(
        """
        select schema_name, table_name, comment from duckdb_tables()
        where database_name = 'warehouse' and comment is not null
        union all
        select schema_name, view_name, comment from duckdb_views()
        where database_name = 'warehouse' and comment is not null
        """
    ).fetchall()
    on_columns = connection.execute(
        """
        select schema_name, table_name, column_name, comment from duckdb_columns()
        where database_name = 'warehouse' and comment is not null
        """
    ).fetchall()
    published = {(table.schema, table.name) for table in tables}
    comments = [
        (f"table ilk.main.{_name(table)}", comment)
        for schema, table, comment in on_tables
        if (schema, table) in published
    ] + [
        (f"column ilk.main.{_name(table)}.{_name(column)}", comment)
        for schema, table, column, comment in on_columns
        if (schema, table) in published
    ]
    return sorted(comments)


# --- the swap --------------------------------------------------------------------------------


@contextmanager
def _alone_in(publications: Path) -> Iterator[None]:
    """Hold the folder against a second publication; the lock ends with the process."""
    descriptor = os.open(publications, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublicationError(
                f"another publication is being written to {publications}: try again when it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _point(link: Path, folder: Path) -> None:
    """Let the link show the folder, in one step. Relative, so the data folder can be moved."""
    target = folder.relative_to(link.parent)
    if not link.is_symlink() or link.readlink() != target:
        waiting = folder.parent / ".link"
        waiting.symlink_to(target)
        waiting.replace(link)
        _sync_folder(link.parent)


def _remove_old(publications: Path, *, shown: Path) -> None:
    others = [folder for folder in publications.iterdir() if folder != shown and _is_whole(folder)]
    others.sort(key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
    for old in others[KEPT_PUBLICATIONS - 1 :]:
        _discard(old)


def _discard(folder: Path) -> None:
    """Mark a publication as a leftover: half of one must not stand under its id while it goes."""
    folder.rename(folder.with_name(f".removing-{folder.name}"))


def _is_whole(folder: Path) -> bool:
    return not folder.name.startswith(".")


def _remove_leftovers(publications: Path) -> None:
    """Remove what isn't a whole publication."""
    for leftover in publications.iterdir():
        if leftover.is_symlink():
            leftover.unlink()
        elif not _is_whole(leftover):
            shutil.rmtree(leftover)


def _sync(folder: Path) -> None:
    """Bring a folder, and all in it, to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with Path(parent, name).open("rb") as file:
                os.fsync(file.fileno())
        _sync_folder(Path(parent))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- DuckDB ----------------------------------------------------------------------------------


@contextmanager
def _session() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory to attach files to: they are closed with it, whatever happens."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


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
            from ilk.main.{_name(name)} as whole_row
            """
        ).fetchall()
        content = json.dumps([columns, [str(number) for number in rows[0]]])
        checksums[name] = hashlib.sha256(content.encode("utf-8")).hexdigest()
    return checksums


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
