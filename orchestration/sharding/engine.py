"""DuckDB where a shard is computed: its limits, and the key of pseudonyms.

Belongs here: opening a database that lives as long as a task. Doesn't: what is asked of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.bounded_engine import BoundedEngine
from orchestration.keyed_hash import hand_over
from orchestration.sql_text import as_name


@dataclass(frozen=True)
class Engine:
    """What a task may take of its machine. The key is in no message and no text of a statement."""

    memory_limit: str
    threads: int
    key: str | None = field(default=None, repr=False)

    @contextmanager
    def opened(self, database: str, *, spilling_into: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give an empty database of this name, in memory; beyond its limit it spills."""
        bounded = BoundedEngine(self.memory_limit, spilling_into)
        with bounded.opened(threads=self.threads, preserve_insertion_order=False) as connection:
            connection.execute(f"attach ':memory:' as {as_name(database)}")
            connection.execute(f"use {as_name(database)}")
            if self.key:
                hand_over(connection, self.key, "pseudonym")
            yield connection
