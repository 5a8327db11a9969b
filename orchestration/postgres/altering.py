"""Makes PostgreSQL's tables, keys and views as they are to be, where something of it changed.

Belongs here: the schema, locks, DDL, the record of what the schema holds. Doesn't: what is to be
changed (structure.py), rows (loading.py). It imports psycopg: import it late.
"""

import json
import time
from collections.abc import Iterable, Mapping

import psycopg

from orchestration.postgres import SCHEMA, PostgresError, server
from orchestration.postgres.server import Connection, one, run
from orchestration.postgres.structure import (
    PUBLICATION,
    Changes,
    Column,
    Found,
    Structure,
    changes,
    column_definition,
)
from orchestration.sql_text import as_name, as_text

_SAID_OF_COLUMNS = {
    "publication_id": "Publikasi yang termuat, seperti publication_id di publication.json. / The "
    "publication that is loaded, as publication.json has it.",
    "loaded_at": "Kapan dimuat. / When it was loaded.",
    "marks": "Untuk penerbit: bagaimana tiap tabel dan view dibuat (sidik jari). / For the "
    "publisher: how each table and view was made (fingerprints).",
    "parts": "Untuk penerbit: isi tiap tabel per siklus (jumlah baris, checksum). / For the "
    "publisher: what each table holds by cycle (number of rows, checksum).",
}


def prepare_schema(connection: Connection) -> None:
    """Make the schema, and the table of one row that says what it holds, where there is none."""
    if one(connection, f"select to_regnamespace('{SCHEMA}')") is None:
        run(connection, f"create schema {SCHEMA}")
    if one(connection, f"select to_regclass('{SCHEMA}.{PUBLICATION}')") is None:
        run(
            connection,
            f"""
            create table {as_name(PUBLICATION)} (
                publication_id text not null, loaded_at timestamptz not null,
                marks jsonb not null, parts jsonb not null
            );
            comment on table {as_name(PUBLICATION)} is
                'Publikasi mana yang termuat; satu baris. / Which publication this is; one row.'
            """,
        )
    for column, said in _SAID_OF_COLUMNS.items():  # an older version's table has none
        run(
            connection,
            f"comment on column {as_name(PUBLICATION)}.{as_name(column)} is {as_text(said)}",
        )


def find(connection: Connection) -> Found:
    """Return what PostgreSQL has of it; there is a schema."""
    columns: dict[str, dict[str, Column]] = {}
    for table, name, kind, is_required in connection.execute(
        """
        select relname, attname, format_type(atttypid, atttypmod), attnotnull
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        where relnamespace = to_regnamespace(%s) and relkind = 'r'
            and attnum > 0 and not attisdropped
        order by relname, attnum
        """,
        [SCHEMA],
    ).fetchall():
        columns.setdefault(table, {})[name] = Column(kind, is_required)
    views = connection.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s) and relkind = 'v'",
        [SCHEMA],
    ).fetchall()
    links = connection.execute(
        """
        select referring.relname, referred.relname
        from pg_constraint
        inner join pg_class as referring on referring.oid = conrelid
        inner join pg_class as referred on referred.oid = confrelid
        where contype = 'f' and referring.relnamespace = to_regnamespace(%s)
        """,
        [SCHEMA],
    ).fetchall()
    kept = connection.execute(f"select marks from {SCHEMA}.{as_name(PUBLICATION)}").fetchall()
    return Found(
        columns=columns,
        views=frozenset(name for (name,) in views),
        links=frozenset((table, parent) for table, parent in links),
        marks={name: mark for (marks,) in kept for name, mark in marks.items()},
    )


def record(
    connection: Connection, publication_id: str, wanted: Structure, parts: Mapping[str, object]
) -> None:
    """Say which publication this is, how its tables were made, and what is in their parts."""
    run(connection, f"delete from {as_name(PUBLICATION)}")
    connection.execute(
        f"insert into {as_name(PUBLICATION)} values (%s, now(), %s, %s)",
        [publication_id, json.dumps(wanted.marks), json.dumps(parts)],
    )


def alter_before(connection: Connection, wanted: Structure) -> Changes:
    """Keep readers from what changes, and take away what is in the way; return what is to do."""
    to_do = changes(wanted, find(connection))
    _stop_readers(connection, to_do)
    for table in to_do.relinked:
        _drop_constraints(connection, table, "f")
    for table in to_do.gone:
        _drop_constraints(connection, table, "f")
    for table in to_do.rekeyed:
        _drop_constraints(connection, table, "p", "u")
        for (index,) in connection.execute(
            "select indexname from pg_indexes where schemaname = %s and tablename = %s"
            " and starts_with(indexname, %s)",
            [SCHEMA, table, f"{table}_idx_"],
        ).fetchall():
            run(connection, f"drop index {as_name(index)}")
    for table in to_do.gone:
        run(connection, f"drop table {as_name(table)}")
    for table, clauses in to_do.columns.items():
        _alter(connection, table, clauses)
    for table in to_do.made:
        columns = ", ".join(
            column_definition(name, column) for name, column in wanted.tables[table].items()
        )
        run(connection, f"create table {as_name(table)} ({columns})")
    return to_do


def alter_after(connection: Connection, wanted: Structure, to_do: Changes) -> None:
    """Make what stands on the rows: keys before the foreign keys that name them, then views."""
    run(connection, "set constraints all immediate")  # ALTER TABLE waits for no check
    for table, clauses in to_do.required.items():
        _alter(connection, table, clauses)
    for table in (*to_do.made, *to_do.rekeyed):
        for statement in wanted.keys[table]:
            run(connection, statement)
    for table in (*to_do.made, *to_do.relinked):
        for statement in wanted.links[table]:
            run(connection, statement)
    for view in to_do.made_views:
        run(connection, wanted.views[view])


def _stop_readers(connection: Connection, to_do: Changes) -> None:
    """Take what is to be changed, all of it or nothing, before any of it is.

    A reader's transaction may hold one of them and ask for another that we hold. So we let go of
    all before the server looks for deadlocks (`deadlock_timeout`), which would end the reader, and
    begin again with the one that wasn't to be had: in the order in which readers take them, each
    attempt comes further.
    """
    wanted = {  # LOCK TABLE would take the tables below a view as well
        view: f"drop view {as_name(view)}" for view in to_do.dropped_views
    } | {table: f"lock table {as_name(table)} in access exclusive mode" for table in to_do.held}
    patience = one(  # milliseconds
        connection, "select setting::int from pg_settings where name = 'deadlock_timeout'"
    )
    until = time.monotonic() + server.LOCK_SECONDS
    while held_up := _take(connection, wanted, seconds=patience / 2000):
        if time.monotonic() > until:
            raise PostgresError(
                f"Tutup pembaca yang menahan {held_up} (pg_stat_activity): struktur tabel berubah "
                f"dan pembaca tidak selesai dalam {server.LOCK_SECONDS} detik. / Close the readers "
                "that hold it: the tables' structure changed, and they did not end in that time."
            )
        wanted = {held_up: wanted[held_up]} | wanted
        time.sleep(0.2)  # those who waited for us go on


def _take(connection: Connection, wanted: dict[str, str], *, seconds: float) -> str:
    """Take all or none within that time; return the one that was in use."""
    until = time.monotonic() + seconds
    asked = ""
    try:
        with connection.transaction():
            for asked, statement in wanted.items():  # noqa: B007  # told where it fails
                left = max(round(1000 * (until - time.monotonic())), 1)
                run(connection, f"set local lock_timeout = {left}")
                run(connection, statement)
            run(connection, f"set local lock_timeout = '{server.LOCK_SECONDS}s'")
    except psycopg.errors.LockNotAvailable:
        return asked
    return ""


def _alter(connection: Connection, table: str, clauses: Iterable[str]) -> None:
    if clauses := list(clauses):
        run(connection, f"alter table {as_name(table)} {', '.join(clauses)}")


def _drop_constraints(connection: Connection, table: str, *kinds: str) -> None:
    for (constraint,) in connection.execute(
        "select conname from pg_constraint"
        " where conrelid = %s::regclass and contype::text = any(%s)",
        [f"{SCHEMA}.{as_name(table)}", list(kinds)],
    ).fetchall():
        run(connection, f"alter table {as_name(table)} drop constraint {as_name(constraint)}")
