"""Dealing the people of a cycle to shards: all rows of one person into one of them.

Belongs here: writing rows into a folder a shard. Doesn't: by what they are dealt, which is SQL
(dbt_project/analyses), and reading them (tasks.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import duckdb

from orchestration.durable_files import whole_folder
from orchestration.sharding.engine import Engine
from orchestration.sharding.tasks import rows_of
from orchestration.sql_text import as_text

# Rows of all shards that wait in memory, in each thread, until their shard's file gets them: some
# 0.8 GB of 68 questions. A shard's fewest make row groups that are still worth it.
_WAITING_ROWS, _FEWEST_OF_A_SHARD = 65_536, 512
FEWEST_OF_A_PART = 122_880  # a row group of a reading: of two parts' one both read all


class Part(NamedTuple):
    """Rows of an export, as a spreadsheet counts them: from `first`, and before `end` if given."""

    sha256: str
    first: int = 0
    end: int | None = None

    @property
    def condition(self) -> str:
        """Which rows these are, in SQL."""
        before = "" if self.end is None else f" and _source_row < {self.end}"
        return f"(_file_sha256 = {as_text(self.sha256)} and _source_row >= {self.first}{before})"


Rows = TypeVar("Rows", str, int, Part)


def in_parts(rows: Mapping[str, int], count: int) -> dict[Part, int]:
    """Return exports, large ones in parts, of which so many tasks get nearly as many rows each.

    `rows`: how many each has, by sha256. Returned: some how many each part has.
    """
    most = max(-(-sum(rows.values()) // count), FEWEST_OF_A_PART)
    found = {}
    for sha256, row_count in rows.items():
        parts = max(-(-row_count // most), 1)
        size = -(-row_count // parts)
        for part in range(parts):
            end = (part + 1) * size if part + 1 < parts else None
            found[Part(sha256, part * size, end)] = size
    return found


@dataclass(frozen=True)
class DealJob:
    """Rows of a cycle's exports to deal, file by file: into <folder>/<item>/shard=<number>/.

    `staging`: name and SQL of the relation that `query` reads, whose rows are to be dealt; `query`
    adds deal_number. An item is a place in `parts`. Whoever runs it sees the exports where the SQL
    says.
    """

    staging: tuple[str, str]
    query: str
    parts: tuple[tuple[Part, ...], ...]
    folder: Path
    shards: int
    engine: Engine

    def __call__(self, item: int) -> int:
        """Deal the rows of some parts of exports; return how many there are."""
        with _opened(self.engine, [self.staging], self.folder) as connection:
            these = " or ".join(part.condition for part in self.parts[item]) or "false"
            rows = f"select * from ({self.query}\n) as rows where {these}"
            return deal(connection, rows, self.folder / f"{item:05}", shards=self.shards)


@dataclass(frozen=True)
class DealAgainJob:
    """Responses of an earlier cycle to deal, by the files of its shards: <folder>/<model>/<item>/.

    `models`: name, relation and in each place of `files` an item's; one place is the same persons
    in all of them. `numbers`: SQL of their response_key and deal_number, from these relations.
    """

    models: tuple[tuple[str, str], ...]
    files: tuple[tuple[tuple[str, ...], ...], ...]
    numbers: str
    folder: Path
    shards: int
    engine: Engine

    def __call__(self, item: int) -> int:
        """Deal the rows of some shards; return how many there are."""
        views = [
            (relation, rows_of(files))
            for (_, relation), files in zip(self.models, self.files[item], strict=True)
        ]
        with _opened(self.engine, views, self.folder) as connection:
            return sum(
                deal(
                    connection,
                    with_numbers(relation, self.numbers),
                    self.folder / name / f"{item:05}",
                    shards=self.shards,
                )
                for name, relation in self.models
            )


def with_numbers(relation: str, numbers: str) -> str:
    """Return SQL of a relation's responses with what they are dealt by."""
    return (
        f"select rows.*, dealt.deal_number from {relation} as rows "
        f"inner join ({numbers}\n) as dealt using (response_key)"
    )


@contextmanager
def _opened(
    engine: Engine, views: Sequence[tuple[str, str]], folder: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database with views, by the names that they have in the warehouse."""
    database = views[0][0].replace('"', "").partition(".")[0]
    with engine.opened(database, spilling_into=folder) as connection:
        for relation, sql in views:
            connection.execute(f"create schema if not exists {relation.rpartition('.')[0]}")
            connection.execute(f"create view {relation} as {sql}")
        yield connection


def deal(connection: duckdb.DuckDBPyConnection, query: str, folder: Path, *, shards: int) -> int:
    """Write a query's rows, less deal_number, below <folder>/shard=<number>/; return how many.

    Whole or not at all: a task that is tried again finds nothing, or what it would write.
    """
    with whole_folder(folder) as temporary:
        waiting = max(_WAITING_ROWS // shards, _FEWEST_OF_A_SHARD)
        connection.execute(f"set partitioned_write_flush_threshold = {waiting}")
        [(count,)] = connection.execute(
            f"copy (select * exclude (deal_number), deal_number % {shards} as shard from ({query}) "
            f"as dealt) to {as_text(temporary / 'rows')} (format parquet, partition_by (shard))"
        ).fetchall()
        # One without rows too: whoever reads no others takes the columns from it.
        connection.execute(
            f"copy (select * exclude (deal_number) from ({query}) as dealt limit 0) "
            f"to {as_text(temporary / 'columns.parquet')} (format parquet)"
        )
    return int(count)


def dealt_files(folder: Path, shards: int) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return a file that has the columns, and the files of each shard, of what was dealt there."""
    of_shards: Mapping[int, list[str]] = {number: [] for number in range(shards)}
    # [!.]: what a task whose machine was lost began lies there too.
    for path in sorted(folder.glob("[!.]*/rows/shard=*/*.parquet")):
        of_shards[int(path.parent.name.partition("=")[2])].append(str(path))
    columns = sorted(folder.glob("[!.]*/columns.parquet"))[:1]
    return tuple(map(str, columns)), tuple(tuple(files) for files in of_shards.values())


def in_groups(rows: Mapping[Rows, int], count: int) -> tuple[tuple[Rows, ...], ...]:
    """Return files, or parts, in at most so many groups with nearly as many rows, none empty.

    `rows`: how many each has.
    """
    groups: list[list[Rows]] = [[] for _ in range(min(count, len(rows)))]
    for file in sorted(rows, key=lambda of: (-rows[of], of)):
        smallest = min(groups, key=lambda group: (sum(rows[of] for of in group), len(group)))
        smallest.append(file)
    return tuple(map(tuple, groups))
