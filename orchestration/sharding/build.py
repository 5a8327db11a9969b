"""A cycle built in shards: dealt, computed one by one, merged, and gone on with by dbt.

Belongs here: the order of it, and what lies where meanwhile. Doesn't: which model is computed where
(plan.py), what runs in a shard (tasks.py), adding up (merging.py).

Every model is dbt's: it compiles each once, and what shards have computed is put into the warehouse
by its own statements, with contract, constraints and tests (macro rows_of_shards).
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from orchestration.dbt_build import CycleDbt, NodeResult, WarehouseBuildError
from orchestration.durable_files import whole_file
from orchestration.exports.sources import SURVEY_RESPONSES_KIND
from orchestration.settings import Settings
from orchestration.sharding.dealing import (
    DealAgainJob,
    DealJob,
    deal,
    dealt_files,
    in_groups,
    in_parts,
    with_numbers,
)
from orchestration.sharding.engine import Engine
from orchestration.sharding.failing_rows import failing_rows
from orchestration.sharding.merging import merged_files
from orchestration.sharding.plan import (
    DEALT,
    FILES,
    ROWS,
    VIEW,
    Stage,
    has_previous,
    shards_of,
    stages,
    sums_of,
)
from orchestration.sharding.runners import RunnerError, TaskError, of_exports
from orchestration.sharding.tasks import Input, Model, ShardJob, file_of
from orchestration.sharding.workplace import Workplace, closing_workplace, open_workplace
from orchestration.sql_text import as_text

logger = logging.getLogger("ilk.shards")

_MOST_DEALING = 64  # tasks: each writes a file a shard, and a shard opens them all
DEALT_RESPONSES, DEALT_PREVIOUS = "dealt_responses", "dealt_previous_responses"


def build_in_shards(dbt: CycleDbt, shards: int) -> list[NodeResult]:
    """Build a cycle as `dbt build` would, its people in shards; return what became of each node.

    Where nodes of a stage fail, the later ones are not begun. What can't be divided is built whole
    where the settings ask for no shards.

    Raises:
        WarehouseBuildError: dbt or a shard could not run, or shards are asked for of what can't
            be divided, or where they are to lie is another data folder's.
    """
    manifest = dbt.manifest()
    first, *later = stages(manifest)
    with _workplace(dbt.settings) as workplace:
        build = ShardedBuild(dbt, manifest.nodes, workplace, shards)
        results = dbt.build(build.selected(first.built))
        if _has_failed(results):
            return results
        if (why := build.why_whole()) is not None:
            if dbt.settings.shards is not None:
                raise WarehouseBuildError(why)
            return results + dbt.build(build.selected(of for stage in later for of in stage.built))
        build.deal(later)
        for place, stage in enumerate(later):
            build.compute(stage, later[place + 1 :])
            built = dbt.build(build.selected(stage.built), rows_of_shards=build.rows)
            results += built
            if _has_failed(built):
                break
    return results


@dataclass(frozen=True)
class ShardedBuild:
    """A cycle's build: dbt and its nodes, where it works, in how many shards."""

    dbt: CycleDbt
    nodes: Mapping[str, Any]
    workplace: Workplace
    shards: int

    @property
    def folder(self) -> Path:
        """Where what is dealt and computed lies."""
        return self.workplace.folder

    @property
    def engine(self) -> Engine:
        """What a task may take: of several at once each its share of the processors."""
        settings = self.dbt.settings
        return Engine(
            memory_limit=settings.memory_limit,
            threads=max(len(os.sched_getaffinity(0)) // settings.shard_processes, 1),
            key=settings.pseudonym_key.get_secret_value() if settings.pseudonym_key else None,
        )

    def _engine_of_shards(self) -> Engine:
        """Return the same; of Spark, each core of an executor has a task of its own."""
        is_local = self.dbt.settings.spark_master is None
        return self.engine if is_local else replace(self.engine, threads=1)

    @property
    def rows(self) -> Path:
        """Where shards write what no relation reads once the run ends: <model>/<number>.parquet."""
        return self.folder / "rows"

    def _folder_of(self, node: Any) -> Path:  # noqa: ANN401
        if shards_of(node) == FILES:
            return self.dbt.settings.response_files.of_cycle(node.name, self.dbt.cycle_id)
        return self.rows / str(node.name)

    def selected(self, unique_ids: Iterable[str]) -> list[str]:
        """Return what selects these nodes: a seed may bear the name of a folder of models."""
        nodes = (self.nodes[of] for of in unique_ids)
        return [f"{node.name},resource_type:{node.resource_type}" for node in nodes]

    def why_whole(self) -> str | None:
        """Return why no part of the people can be computed alone; None where it can.

        A bootstrap draws from all people.
        """
        with self._warehouse() as warehouse:
            whole = warehouse.execute(
                "select cycle_id, 'weighting_mode rake' from design.design_settings "
                "where weighting_mode = 'rake' and cycle_id in ("
                "select unnest([cycle_id, previous_cycle_id]) from design.design_settings "
                "where cycle_id = $cycle) union all "
                "select settings.cycle_id, 'asks overall' from design.design_settings as settings "
                "inner join staging.stg_seeds__questions as questions using (instrument_id) "
                "where settings.cycle_id = $cycle and questions.asks = 'overall'",
                {"cycle": self.dbt.cycle_id},
            ).fetchall()
        if not whole:
            return None
        cycle_id, why = whole[0]
        return (
            f"jalankan tanpa / run without ILK_SHARDS, ILK_SPARK_MASTER: {cycle_id} ({why}). "
            "Galatnya dihitung atas semua responden sekaligus. / Its errors are computed over "
            "all respondents at once."
        )

    def deal(self, later: Sequence[Stage]) -> None:
        """Deal the exports' rows, and the previous cycle's responses, to the shards."""
        [name] = self._dealt_read_by(later)
        [staging] = [of for of in self.nodes.values() if of.name == name]
        settings = self.dbt.settings
        with self._warehouse() as warehouse:
            rows = dict(
                warehouse.execute(
                    "select sha256, max(record_count) from staging.stg_raw__export_files "
                    "where cycle_id = ? and kind = ? group by sha256",
                    [self.dbt.cycle_id, SURVEY_RESPONSES_KIND],
                ).fetchall()
            )
        raw_dir = settings.raw_dir
        if not settings.is_one_machine:
            raw_dir = self.workplace.lend(raw_dir, self.dbt.cycle_id, rows)
        code = self.dbt.compiled([staging.name, DEALT_RESPONSES], raw_dir=raw_dir)
        job = DealJob(
            staging=(str(staging.relation_name), code[staging.name]),
            query=code[DEALT_RESPONSES],
            parts=in_groups(in_parts(rows, self._dealing_tasks), self._dealing_tasks) or ((),),
            folder=self._dealt(staging.name),
            shards=self.shards,
            engine=self._engine_of_shards(),
        )
        logger.info("membagi / dealing: %s", self.dbt.cycle_id)
        self._map(job, range(len(job.parts)))
        self.workplace.take_back()
        self._deal_previous(later)

    @property
    def _dealing_tasks(self) -> int:
        """At most how many: each writes a file a shard."""
        settings = self.dbt.settings
        return (
            min(self.shards, _MOST_DEALING) if settings.spark_master else settings.shard_processes
        )

    def _deal_previous(self, later: Sequence[Stage]) -> None:
        with self._warehouse() as warehouse:
            known = {
                f'"{database}"."{schema}"."{name}"'
                for database, schema, name in warehouse.execute(
                    "select table_catalog, table_schema, table_name from information_schema.tables"
                ).fetchall()
            }
            models = [
                node
                for stage in later
                for node in (self.nodes[of] for of in stage.in_shards)
                if has_previous(node) and node.relation_name in known
            ]
            if not models:
                return
            previous = warehouse.execute(
                "select previous_cycle_id from design.design_settings where cycle_id = ? "
                "and previous_cycle_id is not null",
                [self.dbt.cycle_id],
            ).fetchall()
        numbers = self.dbt.compiled([DEALT_PREVIOUS])[DEALT_PREVIOUS]
        files = [
            self.dbt.settings.response_files.found(node.name, cycle_id)
            for node in models
            for (cycle_id,) in previous
        ]
        if any(files):
            shards_of_each = [tuple(map(str, shard)) for shard in zip(*files, strict=True)]
            tasks = min(self._dealing_tasks, len(shards_of_each))
            again = DealAgainJob(
                models=tuple((node.name, node.relation_name) for node in models),
                files=tuple(
                    tuple(zip(*shards_of_each[task::tasks], strict=True)) for task in range(tasks)
                ),
                numbers=numbers,
                folder=self.folder / "dealt",
                shards=self.shards,
                engine=self._engine_of_shards(),
            )
            self._map(again, range(tasks))
            return
        with self._warehouse() as warehouse:
            for node in models:
                deal(
                    warehouse,
                    with_numbers(node.relation_name, numbers),
                    self._dealt(node.name) / "previous",
                    shards=self.shards,
                )

    def compute(self, stage: Stage, later: Sequence[Stage]) -> None:
        """Compute a stage's models in every shard, and add up those that are sums."""
        nodes = [self.nodes[of] for of in stage.in_shards]
        code = self.dbt.compiled([node.name for node in nodes])
        read_later = {
            parent
            for of in later
            for unique_id in of.in_shards
            for parent in self.nodes[unique_id].depends_on_nodes
        }
        job = ShardJob(
            cycle_id=self.dbt.cycle_id,
            database=nodes[0].database,
            inputs=tuple(self._inputs(nodes)),
            models=tuple(
                Model(
                    name=node.name,
                    relation=node.relation_name,
                    language=node.language,
                    code=code[node.name],
                    is_view=shards_of(node) == VIEW,
                    folder=self._folder_of(node)
                    if shards_of(node) in (ROWS, FILES)
                    or sums_of(node) is not None
                    or node.unique_id in read_later
                    else None,
                )
                for node in nodes
            ),
            spilling_into=self.rows,
            engine=self._engine_of_shards(),
        )
        logger.info("menghitung / computing: %s", ", ".join(node.name for node in nodes))
        self._map(job, range(self.shards))
        for node in nodes:
            if sums := sums_of(node):
                self._merge(self.rows / node.name, sums)
        for name in self._dealt_read_by([stage]) - self._dealt_read_by(later):
            shutil.rmtree(self._dealt(name))  # as exported: with the respondents' identifiers

    def _merge(self, folder: Path, sums: Mapping[str, Any]) -> None:
        parts = sorted(folder.glob("*.parquet"))
        table = merged_files(parts, by=sums["by"], numbered=sums.get("numbered", {}))
        with whole_file(folder / "merged.parquet") as temporary:
            pq.write_table(table, temporary)
        for part in parts:
            part.unlink()

    def _inputs(self, nodes: Sequence[Any]) -> Iterator[Input]:
        """Yield what the nodes read and do not compute, small tables written out for it."""
        computed = {node.unique_id for node in nodes}
        parents = {of for node in nodes for of in node.depends_on_nodes if of not in computed}
        tables = self.folder / "tables"
        tables.mkdir(exist_ok=True)
        with self._warehouse() as warehouse:
            for unique_id in sorted(parents):
                if unique_id.startswith("source."):
                    continue  # named for the order of things: staging alone reads them
                node = self.nodes[unique_id]
                kind = shards_of(node)
                if kind == DEALT:
                    columns, of_shards = dealt_files(self._dealt(node.name), self.shards)
                    yield Input(node.relation_name, columns, of_shards)
                elif kind == VIEW:
                    raise WarehouseBuildError(f"{node.name}: a view is read in its own stage alone")
                elif kind is not None and sums_of(node) is None:
                    yield Input(node.relation_name, *self._computed(node))
                else:
                    path = tables / f"{node.name}.parquet"
                    with whole_file(path) as temporary:
                        warehouse.execute(
                            f"copy (select * from {node.relation_name}) "
                            f"to {as_text(temporary)} (format parquet)"
                        )
                    yield Input(node.relation_name, (str(path),))
        for node in nodes:
            if has_previous(node):
                columns, of_shards = dealt_files(self._dealt(node.name), self.shards)
                if columns:
                    yield Input(node.relation_name, columns, of_shards)

    def _computed(self, node: Any) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:  # noqa: ANN401
        """Return the files of an earlier stage's rows, and of the previous cycle's beside them."""
        columns, previous = dealt_files(self._dealt(node.name), self.shards)
        own = [str(file_of(self._folder_of(node), number)) for number in range(self.shards)]
        return columns, tuple((of, *others) for of, others in zip(own, previous, strict=True))

    def _dealt_read_by(self, stages_of: Iterable[Stage]) -> set[str]:
        """Return the names of the models in place of which these stages read what was dealt."""
        return {
            self.nodes[parent].name
            for stage in stages_of
            for of in stage.in_shards
            for parent in self.nodes[of].depends_on_nodes
            if parent.startswith("model.") and shards_of(self.nodes[parent]) == DEALT
        }

    def _dealt(self, name: str) -> Path:
        return self.folder / "dealt" / name

    def _map(self, task: Any, items: Sequence[int]) -> None:  # noqa: ANN401
        try:
            self.workplace.runner.map(task, items)
        except TaskError as error:
            number = int(str(error.item))
            if isinstance(task, DealJob):
                id_, en = "membagi ekspor", "dealing the exports"
                where = self._names({part.sha256 for part in task.parts[number]})
            elif isinstance(task, DealAgainJob):
                id_, en = "membagi siklus sebelumnya", "dealing the previous cycle"
                where = ""
            else:
                id_, en = f"pecahan {number}", f"shard {number}"
                where = self._failing_rows(task, number, error)
            raise WarehouseBuildError(
                f"{id_} gagal, tidak ada yang terbit / {en} failed, nothing is published: "
                f"{error.words}{where}"
            ) from error

    def _failing_rows(self, task: ShardJob, number: int, error: TaskError) -> str:
        """Return a line that names the files, as exported, whose rows a model fails on, or none."""
        found = failing_rows(task, number, error.words)
        return self._names(found.files, found.row) if found else ""  # else it isn't the rows

    def _names(self, sha256s: Iterable[str], row: int | None = None) -> str:
        """Return a line that names these files as they were exported, and a row; or none."""
        with self._warehouse() as warehouse:
            names = [
                name
                for (name,) in warehouse.execute(
                    "select distinct name from staging.stg_raw__export_files "
                    "where list_contains(?, sha256) order by name",
                    [list(sha256s)],
                ).fetchall()
            ]
        return of_exports(names, row)

    @contextmanager
    def _warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.dbt.settings.engine.opened() as connection:
            path = as_text(self.dbt.settings.warehouse)
            connection.execute(f"attach {path} as warehouse (read_only)")
            connection.execute("use warehouse")
            yield connection


@contextmanager
def _workplace(settings: Settings) -> Iterator[Workplace]:
    """Give the run's workplace, which a build in shards needs last."""
    try:
        with closing_workplace():
            yield open_workplace(settings)
    except RunnerError as error:
        raise WarehouseBuildError(str(error)) from error


def _has_failed(results: Iterable[NodeResult]) -> bool:
    return any(result.has_failed for result in results)
