"""DuckDB where a shard is computed: its limits, and the key of pseudonyms.

Belongs here: opening a database that lives as long as a task. Doesn't: what is asked of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

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
        spilling_into.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".spilled-", dir=spilling_into) as spilled:
            settings: dict[str, Any] = {
                "memory_limit": self.memory_limit,
                "threads": self.threads,
                "temp_directory": spilled,
                "preserve_insertion_order": False,
            }
            with duckdb.connect(":memory:", config=settings) as connection:
                connection.execute(f"attach ':memory:' as {as_name(database)}")
                connection.execute(f"use {as_name(database)}")
                if self.key:
                    hand_over(connection, self.key, "pseudonym")
                yield connection
