"""Brings a published database into PostgreSQL in one transaction, under its readers' eyes.

Belongs here: the order of it, rows, who may read. Doesn't: what the tables are (structure.py),
changing them (altering.py), when this is done (following.py). It imports psycopg: import it late.

Rows are replaced by DELETE and COPY, which wait for no reader and make none wait; a snapshot that
was taken before still sees the old rows. (TRUNCATE, or a table swapped for another, would leave it
none.) Only where the structure changed do readers wait, until the commit.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv

from orchestration.postgres import READER, SCHEMA, PostgresError
from orchestration.postgres.altering import (
    alter_after,
    alter_before,
    find,
    prepare_schema,
    record,
)
from orchestration.postgres.server import (
    STATEMENT_SECONDS,
    Connection,
    bound,
    one,
    run,
    version,
)
from orchestration.postgres.structure import PUBLICATION, Column, structure
from orchestration.publishing.specifications import Described, TableSpec, specifications
from orchestration.sql_text import as_name, as_text

logger = logging.getLogger("ilk.postgres")

ROWS_A_BATCH = 50_000  # of 25 columns: 10 MB of text
LOCK_NUMBER = 0x494C4B  # "ILK": any number, the same in every publisher


def published_there(connection: Connection) -> str | None:
    """Return the id of the publication that PostgreSQL holds; None where it holds none."""
    if one(connection, f"select to_regclass('{SCHEMA}.{PUBLICATION}')") is None:
        return None
    found: str | None = one(
        connection, f"select max(publication_id) from {SCHEMA}.{as_name(PUBLICATION)}"
    )
    return found


def holds(
    connection: Connection, database: Path, known: Mapping[str, Described], publication_id: str
) -> bool:
    """Whether PostgreSQL holds that publication, in the structure that it would be given today."""
    if published_there(connection) != publication_id:
        return False
    with _opened(database) as source:
        wanted = structure(_specifications(known, source), version=version(connection))
    found = find(connection)
    return (
        wanted.marks == found.marks
        and all(found.columns.get(table) == columns for table, columns in wanted.tables.items())
        and found.views.issuperset(wanted.views)
    )


def replace(
    connection: Connection, database: Path, known: Mapping[str, Described], publication_id: str
) -> list[str]:
    """Load a published database within the transaction that is open; return its tables.

    Raises PostgresError and psycopg.Error; nothing is changed then once it is rolled back.
    """
    with _opened(database) as source:
        wanted = structure(_specifications(known, source), version=version(connection))
        bound(connection)
        encoding = one(connection, "show server_encoding")
        if encoding != "UTF8":
            raise PostgresError(
                f"Buat basis data dengan ENCODING 'UTF8', bukan {encoding}. / Create the database "
                "with that encoding."
            )
        # The second publisher waits as long as for any lock, then says so.
        run(connection, f"select pg_advisory_xact_lock({LOCK_NUMBER})")
        prepare_schema(connection)
        to_do = alter_before(connection, wanted)
        loaded = _loaded_parts(connection)
        parts = {}
        for table, columns in wanted.tables.items():
            parts[table] = _parts(source, table, columns)
            has_all_columns = table not in to_do.columns and table not in to_do.made
            there = loaded.get(table, {}) if has_all_columns else {}
            _replace_rows(connection, source, table, columns, there=there, wanted=parts[table])
        alter_after(connection, wanted, to_do)
    # Before the commit: over tables that the planner knows nothing of, views take half a minute.
    run(connection, f"analyze {', '.join(as_name(table) for table in wanted.tables)}")
    run(connection, "; ".join(wanted.comments))
    record(connection, publication_id, wanted, parts)
    _let_read(connection, [*wanted.tables, *wanted.views, PUBLICATION])
    return list(wanted.tables)


def _specifications(
    known: Mapping[str, Described], source: duckdb.DuckDBPyConnection
) -> dict[str, TableSpec]:
    """Return what can be made of a file: one of older models may lack what today's views read."""
    specs = specifications(known, source)
    return {name: spec for name, spec in specs.items() if spec.view is None or _reads(source, spec)}


def _reads(source: duckdb.DuckDBPyConnection, view: TableSpec) -> bool:
    try:
        found = source.execute(f"describe {view.view}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return [name for name, *_ in found] == [column.name for column in view.columns]


def vacuum(connection: Connection, tables: list[str]) -> None:
    """Let the next publication write where the last one's rows were."""
    run(connection, f"set statement_timeout = '{STATEMENT_SECONDS}s'")
    names = ", ".join(f"{SCHEMA}.{as_name(table)}" for table in tables)
    # Without truncating: that would lock readers out for a moment.
    run(connection, f"vacuum (skip_locked, truncate false) {names}")


def _loaded_parts(connection: Connection) -> dict[str, dict[str, str]]:
    """Return the parts of tables that the last publication loaded, with their checksums."""
    found = connection.execute(f"select parts from {as_name(PUBLICATION)}").fetchall()
    return {table: parts for (tables,) in found for table, parts in tables.items()}


def _parts(
    source: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, Column]
) -> dict[str, str]:
    """Return a checksum of each cycle's rows; of all rows where a table knows no cycles."""
    rows = source.execute(
        f"select {_part_of(columns)}, count(*),"
        " sum(md5_number_lower(cast(to_json(whole_row) as varchar)))"
        f" from {as_name(table)} as whole_row group by all order by all"
    ).fetchall()
    return {part: f"{count} {checksum}" for part, count, checksum in rows}


def _replace_rows(
    connection: Connection,
    source: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    *,
    there: Mapping[str, str],
    wanted: Mapping[str, str],
) -> None:
    """Replace the parts that differ: an index of ten cycles is not checked anew for one more.

    What was loaded is trusted as far as its rows can be counted; only the tables' owner may write.
    """
    part = _part_of(columns)
    counts: dict[str, int] = dict(
        connection.execute(f"select {part}, count(*) from {as_name(table)} group by 1").fetchall()
    )
    same = [
        name
        for name, checksum in wanted.items()
        if there.get(name) == checksum and checksum.split()[0] == str(counts.get(name))
    ]
    if set(counts) - set(same):
        connection.execute(f"delete from {as_name(table)} where {part} <> all(%s)", [same])
    stale = [name for name in wanted if name not in same]
    if stale:
        listed = ", ".join(as_text(name) for name in stale)
        _fill(connection, source, table, columns, where=f"{part} in ({listed})")


def _part_of(columns: Mapping[str, Column]) -> str:
    cycle = columns.get("cycle_id")
    return "coalesce(cycle_id, '')" if cycle and cycle.type == "text" else "''"


def _fill(
    connection: Connection,
    source: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
    *,
    where: str,
) -> None:
    names = ", ".join(as_name(name) for name in columns)
    _refuse_nul(source, table, [name for name, column in columns.items() if column.type == "text"])
    select = f"select {names} from {as_name(table)} where {where}"
    rows = source.sql(select).to_arrow_reader(ROWS_A_BATCH)
    # Texts are quoted and NULL is not: an empty text stays one.
    options = pa.csv.WriteOptions(include_header=False)
    statement = f"copy {as_name(table)} ({names}) from stdin (format csv, encoding 'UTF8')"
    with connection.cursor().copy(statement) as copy:
        for batch in rows:
            text = pa.BufferOutputStream()
            pa.csv.write_csv(batch, text, options)
            copy.write(text.getvalue().to_pybytes())


def _refuse_nul(source: duckdb.DuckDBPyConnection, table: str, texts: list[str]) -> None:
    """PostgreSQL has no text with the character NUL; say where there is one."""
    if not texts:
        return
    counts = ", ".join(f"count(*) filter (contains({as_name(name)}, chr(0)))" for name in texts)
    [found] = source.execute(f"select {counts} from {as_name(table)}").fetchall()
    for name, count in zip(texts, found, strict=True):
        if count:
            raise PostgresError(
                f"{table}.{name}: hapus karakter NUL dari {count} baris (biasanya dari seed). / "
                "Take the character NUL out of those rows (it mostly comes from a seed): "
                "PostgreSQL can't hold it."
            )


def _let_read(connection: Connection, relations: list[str]) -> None:
    """Grant what the readers' role lacks; make the role where we may."""
    if not one(connection, f"select count(*) from pg_roles where rolname = '{READER}'"):
        try:
            with connection.transaction():
                run(connection, f"create role {READER} nologin")
                run(connection, f"comment on role {READER} is 'Hanya baca ILK. / Reads ILK.'")
        except psycopg.errors.InsufficientPrivilege:
            logger.warning(
                "Minta DBA menjalankan / ask the DBA to run: CREATE ROLE %s NOLOGIN; sesudah itu "
                "publikasi berikutnya memberi hak baca. / the next publication then lets it read.",
                READER,
            )
            return
    if not one(connection, f"select has_schema_privilege('{READER}', '{SCHEMA}', 'usage')"):
        run(connection, f"grant usage on schema {SCHEMA} to {READER}")
    lacking = [
        name
        for name in relations
        if not one(
            connection,
            "select has_table_privilege("
            f"'{READER}', {as_text(f'{SCHEMA}.{as_name(name)}')}, 'select')",
        )
    ]
    if lacking:
        names = ", ".join(as_name(name) for name in lacking)
        run(connection, f"grant select on {names} to {READER}")


@contextmanager
def _opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database.resolve()), read_only=True) as source:
        source.execute("set TimeZone = 'UTC'")
        yield source
