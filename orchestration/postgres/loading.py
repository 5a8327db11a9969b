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
    alter_emptied,
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
from orchestration.publishing.specifications import Described, specifications
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
        wanted = structure(specifications(known, source), version=version(connection))
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
        wanted = structure(specifications(known, source), version=version(connection))
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
        for table in reversed(list(wanted.tables)):
            run(connection, f"delete from {as_name(table)}")
        alter_emptied(connection, to_do)
        for table, columns in wanted.tables.items():
            _fill(connection, source, table, columns)
        alter_after(connection, wanted, to_do)
    run(connection, "; ".join(wanted.comments))
    record(connection, publication_id, wanted)
    _let_read(connection, [*wanted.tables, *wanted.views, PUBLICATION])
    return list(wanted.tables)


def vacuum(connection: Connection, tables: list[str]) -> None:
    """Let the next publication write where the last one's rows were, and tell the planner."""
    run(connection, f"set statement_timeout = '{STATEMENT_SECONDS}s'")
    names = ", ".join(f"{SCHEMA}.{as_name(table)}" for table in tables)
    # Without truncating: that would lock readers out for a moment.
    run(connection, f"vacuum (analyze, skip_locked, truncate false) {names}")


def _fill(
    connection: Connection,
    source: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, Column],
) -> None:
    names = ", ".join(as_name(name) for name in columns)
    _refuse_nul(source, table, [name for name, column in columns.items() if column.type == "text"])
    rows = source.sql(f"select {names} from {as_name(table)}").to_arrow_reader(ROWS_A_BATCH)
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
