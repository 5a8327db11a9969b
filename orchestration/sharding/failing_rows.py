"""The rows of exports that a model fails on in a shard: found by computing parts of it again.

Belongs here: which files, and which row, the fault can be narrowed to. Doesn't: names of files, and
the sentence (build.py).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pyarrow.parquet as pq

from orchestration.sharding.tasks import Input, ShardJob, ShardModelError, rows_of
from orchestration.sql_text import as_text

logger = logging.getLogger("ilk.shards")

Value = TypeVar("Value")
_FILE, _ROW = "_file_sha256", "_source_row"


@dataclass(frozen=True)
class FailingRows:
    """Files by sha256: the fewest whose rows the model fails on; of one alone, a row's number."""

    files: tuple[str, ...]
    row: int | None = None


def failing_rows(job: ShardJob, number: int, words: str) -> FailingRows | None:
    """Return the rows that a model fails on in a shard, counted from 0.

    `words`: what the task said, which begins with the model. None where it isn't the exports' rows:
    no model failed, it fails without any rows, or what it reads knows no files.
    """
    model = next((of.name for of in job.models if f" {of.name}: " in f" {words}"), None)
    read = [of for of in job.inputs if of.by_shard and _knows_files(of.files_of(number))]
    if model is None or not read:
        return None
    unwritten = tuple(replace(of, folder=None) for of in job.models)
    logger.info("mencari baris penyebabnya / looking for the row that it fails on: %s", model)

    def fails(where: str) -> bool:
        inputs = tuple(replace(of, where=where) if of in read else of for of in job.inputs)
        try:
            replace(job, inputs=inputs, models=unwritten)(number)
        except ShardModelError as error:
            return error.model == model
        return False

    if fails("false") or not fails("true"):  # nor where its rows found no room
        return None

    def of_files(some: Sequence[str]) -> str:
        return f"{_FILE} in ({', '.join(map(as_text, some))})"

    files = _fewest(_values(job, read, number, _FILE, "true"), lambda some: fails(of_files(some)))
    if len(files) != 1:
        return FailingRows(tuple(files))

    def of_rows(some: Sequence[int]) -> str:
        return f"{of_files(files)} and {_ROW} between {some[0]} and {some[-1]}"

    rows = _fewest(
        _values(job, read, number, _ROW, of_files(files)), lambda some: fails(of_rows(some))
    )
    return FailingRows(tuple(files), rows[0] if len(rows) == 1 else None)


def _fewest(items: Sequence[Value], fails: Callable[[Sequence[Value]], bool]) -> Sequence[Value]:
    """Return the fewest neighbours that it fails with, as far as halves tell."""
    while len(items) > 1:
        middle = len(items) // 2
        half = next((of for of in (items[:middle], items[middle:]) if fails(of)), None)
        if half is None:
            break
        items = half
    return items


def _knows_files(files: Sequence[str]) -> bool:
    return {_FILE, _ROW} <= {name for file in files for name in pq.read_schema(file).names}


def _values(
    job: ShardJob, read: Sequence[Input], number: int, column: str, where: str
) -> list[Any]:
    """Return what stands in a column, in its order."""
    queries = " union ".join(
        f"select {column} from ({rows_of(of.files_of(number))}) as rows where {where}"
        for of in read
    )
    with job.engine.opened(job.database, spilling_into=job.spilling_into) as connection:
        found = connection.execute(
            f"from ({queries}) as found where {column} is not null order by all"
        ).fetchall()
    return [value for (value,) in found]
