"""One shard: the models that are functions of any part of the people, over its own part.

Belongs here: what runs where a shard is computed, with DuckDB alone: no dbt, no Dagster. Doesn't:
what the models say, which dbt compiled once for all shards (build.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.durable_files import whole_file
from orchestration.process_environment import environment
from orchestration.sharding.engine import Engine
from orchestration.sql_text import as_text


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it.

    `relation`: its name in SQL, quoted. `folder`: where its rows go to a file; None: nowhere.
    """

    name: str
    relation: str
    language: str
    code: str
    is_view: bool
    folder: Path | None


@dataclass(frozen=True)
class Input:
    """A relation that shards read, and its files: those of all shards, and of each its own.

    `where`: which of the rows, as SQL has it.
    """

    relation: str
    files: tuple[str, ...]
    by_shard: tuple[tuple[str, ...], ...] = ()
    where: str = "true"

    def files_of(self, number: int) -> list[str]:
        """Return the files of one shard, counted from 0."""
        return [*self.files, *(self.by_shard[number] if self.by_shard else ())]


@dataclass(frozen=True)
class ShardJob:
    """What to compute in every shard of a stage; where a model has a folder, into <number>.parquet.

    `spilling_into`: the folder for what memory has no room for. An input under the name of one of
    the models holds the previous cycle's rows, beside which those of this cycle stand once they are
    computed.
    """

    cycle_id: str
    database: str
    inputs: tuple[Input, ...]
    models: tuple[Model, ...]
    spilling_into: Path
    engine: Engine

    def __call__(self, number: int) -> dict[str, int]:
        """Compute one shard, counted from 0; return how many rows each model has that is written.

        Raises:
            ShardModelError: a model failed; the message names it.
        """
        with (
            self.engine.opened(self.database, spilling_into=self.spilling_into) as warehouse,
            environment({"ILK_CYCLE_ID": self.cycle_id}),
        ):
            computed = {model.relation: model for model in self.models}
            schemas = {
                _schema(of) for of in (*computed, *(given.relation for given in self.inputs))
            }
            for schema in sorted(schemas):
                warehouse.execute(f"create schema if not exists {schema}")
            given = {
                of.relation: f"{rows_of(of.files_of(number))} where {of.where}"
                for of in self.inputs
            }
            for relation, query in given.items():
                if relation not in computed:
                    warehouse.execute(f"create view {relation} as {query}")
            return {
                model.name: rows
                for model in self.models
                if (rows := self._compute(warehouse, model, number, given.get(model.relation)))
                is not None
            }

    def _compute(
        self, warehouse: duckdb.DuckDBPyConnection, model: Model, number: int, previous: str | None
    ) -> int | None:
        try:
            if model.is_view:
                warehouse.execute(f"create view {model.relation} as {model.code}")
                return None
            if model.language == "python":
                warehouse.register("model_rows", _python_rows(warehouse, model))
                warehouse.execute(f"create table {model.relation} as from model_rows")
                warehouse.unregister("model_rows")
            else:
                warehouse.execute(f"create table {model.relation} as {model.code}")
            if model.folder is None:
                return None
            path = file_of(model.folder, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as temporary:
                warehouse.execute(f"copy {model.relation} to {as_text(temporary)} (format parquet)")
            counted = warehouse.execute(f"select count(*) from {model.relation}").fetchall()
            if previous is not None:
                warehouse.execute(f"insert into {model.relation} by name {previous}")
            return int(counted[0][0])
        except Exception as error:
            raise ShardModelError(model.name, error) from error


class ShardModelError(RuntimeError):
    """A model failed in a shard."""

    def __init__(self, model: str, error: object) -> None:
        """`error`: what was raised, or its words: what is pickled on the way back."""
        self.args = (model, str(error).strip())
        super().__init__(*self.args)

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.args[0])

    def __str__(self) -> str:
        """Return the model and what was said, on one line."""
        model, words = self.args
        return f"{model}: {' '.join(words.split())}"


def _python_rows(warehouse: duckdb.DuckDBPyConnection, model: Model) -> pa.Table:
    """Return a Python model's rows, as dbt-duckdb has it compute them."""
    module: dict[str, Any] = {"__name__": model.name}
    exec(compile(model.code, model.name, "exec"), module)  # the project's own models
    found: pa.Table = module["model"](
        module["dbtObj"](lambda relation: warehouse.query(f"select * from {relation}")), warehouse
    )
    return found


def file_of(folder: Path, number: int) -> Path:
    """Return the file of a shard's rows of a model, counted from 0."""
    return folder / f"{number:05}.parquet"


def _schema(relation: str) -> str:
    return relation.rpartition(".")[0]


def rows_of(files: Sequence[str]) -> str:
    """Return the query of all rows of Parquet files, columns that some lack NULL there."""
    listed = ", ".join(as_text(file) for file in files)
    return (
        f"select * from read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    )
