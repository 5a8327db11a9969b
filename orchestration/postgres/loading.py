"""Brings a published database into PostgreSQL in one transaction, under its readers' eyes.

Belongs here: the connection, locks, time-outs, the order of statements. Doesn't: what the tables
are (structure.py), when this is done (following.py). It imports psycopg: import it late.

Rows are replaced by DELETE and COPY, which wait for no reader and make none wait; a snapshot that
was taken before still sees the old rows. (TRUNCATE, or a table swapped for another, would leave it
none.) Only where the structure changed do readers wait, until the commit.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.postgres import READER, SCHEMA, PostgresError
from orchestration.postgres.structure import PUBLICATION, Column, Structure, column_definition
from orchestration.postgres.structure import structure as structure_of
from orchestration.publishing.specifications import Described, specifications
from orchestration.sql_text import as_name, as_text

logger = logging.getLogger("ilk.postgres")

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 10
LOCK_SECONDS = 60  # for another publisher, and for readers where the structure changed
STATEMENT_SECONDS = 900
IDLE_SECONDS = 600  # between the load and the commit the link is swapped: seconds
ROWS_A_BATCH = 50_000  # of 25 columns: 10 MB of text
_LOCK_NUMBER = 0x494C4B  # "ILK": any number, the same in every publisher
# A network that swallows packets is told after two minutes, not after the system's two hours.
_KEEPALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 120_000,
}


def server_name(url: str) -> str:
    """Return where the database lies, without the password."""
    parts = conninfo_to_dict(url)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


@contextmanager
def connected(url: str, *, seconds: int = CONNECT_SECONDS) -> Iterator[Connection]:
    """Open the database; the connection commits nothing by itself, and is closed at the end."""
    conninfo = make_conninfo(url, application_name="ilk", connect_timeout=seconds, **_KEEPALIVE)
    connection = psycopg.connect(conninfo, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def published_there(connection: Connection) -> str | None:
    """Return the id of the publication that PostgreSQL holds; None where it holds none."""
    if _one(connection, f"select to_regclass('{SCHEMA}.{PUBLICATION}')") is None:
        return None
    found: str | None = _one(
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
        wanted = structure_of(specifications(known, source), version=_version(connection))
    return _is_built(connection, wanted)


def replace(
    connection: Connection, database: Path, known: Mapping[str, Described], publication_id: str
) -> list[str]:
    """Load a published database within the transaction that is open; return its tables.

    Raises PostgresError and psycopg.Error; nothing is changed then once it is rolled back.
    """
    with _opened(database) as source:
        specs = specifications(known, source)
        wanted = structure_of(specs, version=_version(connection))
        _bound(connection)
        encoding = _one(connection, "show server_encoding")
        if encoding != "UTF8":
            raise PostgresError(
                f"Buat basis data dengan ENCODING 'UTF8', bukan {encoding}. / Create the database "
                "with that encoding."
            )
        # The second publisher waits as long as for any lock, then says so.
        _run(connection, f"select pg_advisory_xact_lock({_LOCK_NUMBER})")
        _prepare_schema(connection)
        is_built = _is_built(connection, wanted)
        if not is_built:
            _stop_readers(connection)
            _clear_away(connection, wanted)
        for table in reversed(list(wanted.tables)):
            _run(connection, f"delete from {as_name(table)}")
        if not is_built:
            _build_tables(connection, wanted)
        for table, columns in wanted.tables.items():
            _fill(connection, source, table, columns)
        if not is_built:
            for statement in wanted.after_loading:
                _run(connection, statement)
    _run(connection, "; ".join(wanted.comments))
    _let_read(connection, [*wanted.tables, *wanted.views, PUBLICATION])
    _run(connection, f"delete from {as_name(PUBLICATION)}")
    connection.execute(
        f"insert into {as_name(PUBLICATION)} values (%s, now(), %s, %s, %s)",
        [publication_id, wanted.digest, list(wanted.tables), list(wanted.views)],
    )
    return list(wanted.tables)


def vacuum(connection: Connection, tables: list[str]) -> None:
    """Let the next publication write where the last one's rows were, and tell the planner."""
    _run(connection, f"set statement_timeout = '{STATEMENT_SECONDS}s'")
    names = ", ".join(f"{SCHEMA}.{as_name(table)}" for table in tables)
    # Without truncating: that would lock readers out for a moment.
    _run(connection, f"vacuum (analyze, skip_locked, truncate false) {names}")


def _bound(connection: Connection) -> None:
    """Let nothing hang for ever: neither us, nor readers behind us should we be stopped."""
    for setting, seconds in (
        ("lock_timeout", LOCK_SECONDS),
        ("statement_timeout", STATEMENT_SECONDS),
        ("idle_in_transaction_session_timeout", IDLE_SECONDS),
    ):
        _run(connection, f"set local {setting} = '{seconds}s'")
    _run(connection, f"set local search_path = {SCHEMA}")
    _run(connection, "set local timezone = 'UTC'")
    _run(connection, "set local datestyle = 'ISO'")


def _prepare_schema(connection: Connection) -> None:
    if _one(connection, f"select to_regnamespace('{SCHEMA}')") is None:
        _run(connection, f"create schema {SCHEMA}")
    if _one(connection, f"select to_regclass('{SCHEMA}.{PUBLICATION}')") is None:
        _run(
            connection,
            f"""
            create table {as_name(PUBLICATION)} (
                publication_id text not null, loaded_at timestamptz not null,
                structure text not null, tables text[] not null, views text[] not null
            );
            comment on table {as_name(PUBLICATION)} is
                'Publikasi mana yang termuat; satu baris. / Which publication this is; one row.'
            """,
        )
    _let_read(connection, [])


def _is_built(connection: Connection, wanted: Structure) -> bool:
    """Whether tables, keys and views are as they are to be: nobody need wait then."""
    digest = _one(connection, f"select max(structure) from {SCHEMA}.{as_name(PUBLICATION)}")
    there = _columns(connection)
    return digest == wanted.digest and all(
        there.get(table) == columns for table, columns in wanted.tables.items()
    )


def _stop_readers(connection: Connection) -> None:
    """Take every table and view of ours, before any of them is changed.

    A reader's transaction may hold one of them and ask for another that we hold. So we let go of
    all before the server looks for deadlocks (`deadlock_timeout`), which would end the reader, and
    begin again with the one that wasn't to be had: in the order in which readers take them, each
    attempt comes further.
    """
    there = _relations(connection)
    wanted = [name for name in _ours(connection) if name in there]
    patience = _one(  # milliseconds
        connection, "select setting::int from pg_settings where name = 'deadlock_timeout'"
    )
    until = time.monotonic() + LOCK_SECONDS
    while held_up := _take(connection, wanted, seconds=patience / 2000):
        if time.monotonic() > until:
            raise PostgresError(
                f"Tutup pembaca yang menahan {held_up} (pg_stat_activity): struktur tabel berubah "
                f"dan pembaca tidak selesai dalam {LOCK_SECONDS} detik. / Close the readers that "
                "hold it: the tables' structure changed, and they did not end in that time."
            )
        wanted.remove(held_up)
        wanted.insert(0, held_up)
        time.sleep(0.2)  # those who waited for us go on


def _take(connection: Connection, names: list[str], *, seconds: float) -> str:
    """Lock all or none of the tables and views within that time; return the one that was in use."""
    until = time.monotonic() + seconds
    name = ""
    try:
        with connection.transaction():
            for name in names:
                left = max(round(1000 * (until - time.monotonic())), 1)
                _run(connection, f"set local lock_timeout = {left}")
                _run(connection, f"lock table {as_name(name)} in access exclusive mode")
            _run(connection, f"set local lock_timeout = '{LOCK_SECONDS}s'")
    except psycopg.errors.LockNotAvailable:
        return name
    return ""


def _clear_away(connection: Connection, wanted: Structure) -> None:
    """Drop our views, keys, indexes, and tables that are published no more; never another's."""
    there, ours = _relations(connection), _ours(connection)
    if others := sorted({*wanted.tables, *wanted.views}.intersection(there).difference(ours)):
        raise PostgresError(
            f"Pindahkan {', '.join(others)} dari skema {SCHEMA}: bukan buatan publikasi, dan "
            "namanya diperlukan. / Move them out of the schema: no publication made them, and "
            "their names are needed."
        )
    views = [name for name in ours if there.get(name) == "v"]
    if views:
        _run(connection, f"drop view {', '.join(as_name(name) for name in views)}")
    tables = [name for name in ours if there.get(name) == "r"]
    for kinds in ("{f}", "{p,u}"):  # a key falls when nothing names it any more
        for table, constraint in connection.execute(
            """
            select relname, conname from pg_constraint
            inner join pg_class on pg_class.oid = conrelid
            where conrelid = any(%s::regclass[]) and contype = any(%s::"char"[])
            """,
            [[f"{SCHEMA}.{as_name(table)}" for table in tables], kinds],
        ).fetchall():
            _run(
                connection,
                f"alter table {as_name(table)} drop constraint {as_name(constraint)}",
            )
    for table in tables:
        for (index,) in connection.execute(
            "select indexname from pg_indexes where schemaname = %s and tablename = %s"
            " and starts_with(indexname, %s)",
            [SCHEMA, table, f"{table}_idx_"],
        ).fetchall():
            _run(connection, f"drop index {as_name(index)}")
    for table in tables:
        if table not in wanted.tables:
            _run(connection, f"drop table {as_name(table)}")
    for table, columns in wanted.tables.items():
        if there.get(table) != "r":
            _run(connection, f"create table {as_name(table)} ({_definitions(columns)})")


def _build_tables(connection: Connection, wanted: Structure) -> None:
    """Give emptied tables their columns, rewriting none: old snapshots would see no rows at all."""
    found = _columns(connection)
    for table, columns in wanted.tables.items():
        there = found[table]
        changes = [
            f"drop column {as_name(name)}"
            for name, column in there.items()
            if name not in columns or columns[name].type != column.type
        ]
        for name, column in columns.items():
            if name not in there or there[name].type != column.type:
                changes.append(f"add column {column_definition(name, column)}")
            elif there[name].is_required != column.is_required:
                verb = "set" if column.is_required else "drop"
                changes.append(f"alter column {as_name(name)} {verb} not null")
        if changes:
            _run(connection, f"alter table {as_name(table)} {', '.join(changes)}")


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
    if not _one(connection, f"select count(*) from pg_roles where rolname = '{READER}'"):
        try:
            with connection.transaction():
                _run(connection, f"create role {READER} nologin")
                _run(connection, f"comment on role {READER} is 'Hanya baca ILK. / Reads ILK.'")
        except psycopg.errors.InsufficientPrivilege:
            logger.warning(
                "Minta DBA menjalankan / ask the DBA to run: CREATE ROLE %s NOLOGIN; sesudah itu "
                "publikasi berikutnya memberi hak baca. / the next publication then lets it read.",
                READER,
            )
            return
    if not _one(connection, f"select has_schema_privilege('{READER}', '{SCHEMA}', 'usage')"):
        _run(connection, f"grant usage on schema {SCHEMA} to {READER}")
    lacking = [
        name
        for name in relations
        if not _one(
            connection,
            "select has_table_privilege("
            f"'{READER}', {as_text(f'{SCHEMA}.{as_name(name)}')}, 'select')",
        )
    ]
    if lacking:
        names = ", ".join(as_name(name) for name in lacking)
        _run(connection, f"grant select on {names} to {READER}")


def _relations(connection: Connection) -> dict[str, str]:
    """Return the schema's tables ('r') and views ('v') by name, whoever made them."""
    rows = connection.execute(
        "select relname, relkind::text from pg_class where relnamespace = to_regnamespace(%s)"
        " and relkind in ('r', 'v')",
        [SCHEMA],
    ).fetchall()
    return dict(rows)


def _ours(connection: Connection) -> list[str]:
    """Return the tables and views that the last publication made."""
    rows = connection.execute(f"select tables || views from {as_name(PUBLICATION)}").fetchall()
    return sorted(name for (names,) in rows for name in names)


def _columns(connection: Connection) -> dict[str, dict[str, Column]]:
    rows = connection.execute(
        """
        select relname, attname, format_type(atttypid, atttypmod), attnotnull
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        where relnamespace = to_regnamespace(%s) and relkind = 'r'
            and attnum > 0 and not attisdropped
        order by relname, attnum
        """,
        [SCHEMA],
    ).fetchall()
    found: dict[str, dict[str, Column]] = {}
    for table, name, kind, is_required in rows:
        found.setdefault(table, {})[name] = Column(kind, is_required)
    return found


def _definitions(columns: Mapping[str, Column]) -> str:
    return ", ".join(column_definition(name, column) for name, column in columns.items())


@contextmanager
def _opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database.resolve()), read_only=True) as source:
        source.execute("set TimeZone = 'UTC'")
        yield source


def _version(connection: Connection) -> int:
    return connection.info.server_version // 10_000


def _run(connection: Connection, statement: str) -> None:
    """Run what is made of names and literals of ours, all quoted (sql_text.py)."""
    connection.execute(statement)


def _one(connection: Connection, statement: str) -> Any:  # noqa: ANN401  # as the statement says
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
