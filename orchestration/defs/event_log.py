"""Dagster's event log in SQLite with its connections kept open (dagster.yaml names it).

Belongs here: how the log's files are opened. Doesn't: what is stored in them and how it is read,
which is Dagster's. A cycle's run stores some 700 events. Dagster's own class opens a file two to
four times for each, to write it, to mirror it and to ask whether a table exists, and has the disk
confirm each time: 8 ms of CPU an event, 2 this way (docs/performance.md).
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

from orchestration.settings import get_settings

_SPARED_PAGES = 5_000  # 20 MB: the next runs fill them again


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log; the index and the run last used stay open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the log in a folder, which is made where it isn't there."""
        self._engines: dict[str, Engine] = {}  # by shard: the index, or a run's id
        self._found_tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the settings that dagster.yaml may give: none."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> Self:
        """Open the log where Dagster's own class keeps it: either reads what the other wrote."""
        home = Path(os.environ.get("DAGSTER_HOME") or get_settings().dagster_home)
        return cls(str(home / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            self._close(keep={INDEX_SHARD_NAME})  # a web server looks into many runs
            engine = create_engine(
                self.conn_string_for_shard(shard),
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
            event.listen(engine, "connect", _confirm_at_checkpoints)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        return self._engines[shard]

    def _close(self, *, keep: set[str]) -> None:
        for shard in set(self._engines) - keep:
            self._engines.pop(shard).dispose()

    def has_table(self, table_name: str) -> bool:
        """Return whether the log has a table; one that was there once is not asked for again."""
        if table_name not in self._found_tables and super().has_table(table_name):
            self._found_tables.add(table_name)
        return table_name in self._found_tables

    def delete_events(self, run_id: str) -> None:
        """Remove a run's events: those in the index, and the run's own file."""
        self._close(keep={INDEX_SHARD_NAME})
        with self.index_connection() as connection:
            self.delete_events_for_run(connection, run_id)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)
        self._initialized_dbs.discard(run_id)

    def give_back(self) -> None:
        """Give back to the disk what more than half of the index is: pages of events that went.

        Raises sqlalchemy.exc.OperationalError where another process is reading just now.
        """
        with self.index_connection() as connection:
            pages: int = connection.exec_driver_sql("pragma page_count").scalar_one()
            free: int = connection.exec_driver_sql("pragma freelist_count").scalar_one()
        if free > _SPARED_PAGES and 2 * free > pages:
            engine = self._engine(INDEX_SHARD_NAME)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("vacuum")

    def wipe(self) -> None:
        """Remove all runs' events."""
        self._close(keep=set())
        super().wipe()

    def dispose(self) -> None:
        """Close all files."""
        self._close(keep=set())
        super().dispose()


def _confirm_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    """Spare the disk's confirmation of each event: a log in WAL mode stays whole without it.

    A power failure may lose the last events; the killed run's own are then of no use either.
    """
    connection.execute("pragma synchronous = normal")
