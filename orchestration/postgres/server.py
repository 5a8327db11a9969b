"""The connection to PostgreSQL: bounded in time, closed in the end, silent about its password.

Belongs here: connecting, time-outs, running one statement. Doesn't: which statements. It imports
psycopg: import it late.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.postgres import SCHEMA

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 10
LOCK_SECONDS = 60  # for another publisher, and for readers where the structure changed
STATEMENT_SECONDS = 900
IDLE_SECONDS = 600  # between the load and the commit the link is swapped: seconds
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


def bound(connection: Connection) -> None:
    """Let nothing hang for ever: neither us, nor readers behind us should we be stopped."""
    for setting, seconds in (
        ("lock_timeout", LOCK_SECONDS),
        ("statement_timeout", STATEMENT_SECONDS),
        ("idle_in_transaction_session_timeout", IDLE_SECONDS),
    ):
        run(connection, f"set local {setting} = '{seconds}s'")
    run(connection, f"set local search_path = {SCHEMA}")
    run(connection, "set local timezone = 'UTC'")
    run(connection, "set local datestyle = 'ISO'")


def version(connection: Connection) -> int:
    """Return the server's major version."""
    return connection.info.server_version // 10_000


def run(connection: Connection, statement: str) -> None:
    """Run what is made of names and literals of ours, all quoted (sql_text.py)."""
    connection.execute(statement)


def one(connection: Connection, statement: str) -> Any:  # noqa: ANN401  # as the statement says
    """Return the only value of a statement, as `run`; None where there is no row."""
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
