"""Building a cycle in the warehouse: whether it must be, what goes before it, what it came to.

Belongs here: those decisions and their order. Doesn't: calling dbt (dbt_build.py), what a cycle's
state is (cycles/state.py), Dagster's events (defs/warehouse.py).
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestration.auditing.held_cycles import held_cycles
from orchestration.auditing.run_records import NOTHING_NEW, ensure_records, note_outcome
from orchestration.cycles.fingerprints import (
    code_hash,
    cycle_fingerprint,
    models_hash,
    seeds_hash,
)
from orchestration.cycles.state import CycleStates, cycle_states, outdated_ancestors
from orchestration.dbt_build import CycleDbt, NodeResult, interrupts, private_files
from orchestration.durable_files import below
from orchestration.exports.registry import Registry
from orchestration.lineage.columns import column_lineage
from orchestration.lineage.events import LineageRun
from orchestration.lineage.runs import tell_built
from orchestration.lineage.tables import (
    ColumnLineage,
    Table,
    can_be_read,
    drop_cycles,
    lacks_tables,
    remove_warehouse,
    warehouse_tables,
)
from orchestration.response_files import ResponseFilesError
from orchestration.seeds.survey_cycles import find_cycle, later_cycles, read_cycles
from orchestration.settings import Settings
from orchestration.sharding.build import build_in_shards
from orchestration.sharding.plan import shards_for
from orchestration.stages.blocking import note_blocking
from orchestration.stages.findings import StageError
from orchestration.stages.readings import demand_undamaged

logger = logging.getLogger("ilk.warehouse")


@dataclass(frozen=True)
class Build:
    """What came of a cycle's build; nothing where nothing it depends on has changed."""

    is_unchanged: bool = False
    results: Sequence[NodeResult] = ()
    """Of every node, those that failed too."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    lineage: ColumnLineage = field(default_factory=dict)
    code_hash: str = ""
    seeds_hash: str = ""

    @property
    def failed(self) -> list[NodeResult]:
        """The nodes that stopped it: the cycle stays half built."""
        return [result for result in self.results if result.has_failed]


def build_cycle(
    settings: Settings,
    cycle_id: str,
    *,
    run_id: str,
    manifest: Mapping[str, Any],
    lineage: LineageRun,
) -> Build:
    """Bring the warehouse to what the cycle's files, seeds and code say now.

    Raises:
        StageError: a cycle that it is compared with is out of date, or responses are lost.
        WarehouseBuildError: dbt could not run at all; the cycle is half built.
        UnreadableFileError: an export's reading was damaged meanwhile; the cycle is half built.
    """
    states = cycle_states(settings)
    _make_room(settings, states, manifest)
    current = cycle_fingerprint(settings, cycle_id)
    if settings.published_dir.exists() and states.is_published_from(cycle_id, current):
        note_outcome(settings, run_id=run_id, outcome=NOTHING_NEW)
        logger.info("%s: tidak ada yang baru / nothing new", cycle_id)
        if why_held := held_cycles(settings, {cycle_id: current}).get(cycle_id):
            logger.warning(why_held)
        return Build(is_unchanged=True)
    if outdated := outdated_ancestors(settings, cycle_id):
        raise StageError(
            f"{cycle_id} dibandingkan dengan {', '.join(outdated)}, yang dibuat dari berkas, seed, "
            "atau kode lain dari yang ada sekarang. / is compared with them, built from other "
            "files, seeds or code than lie here now. Jalankan juga / run them too: "
            f"./ilk run {' '.join(outdated)} {cycle_id}"
        )
    # Half a cycle would fail the closing tests, which look at all: it waits for its own run.
    half_built = states.half_built - {cycle_id}
    drop_cycles(settings.warehouse, half_built)
    seeds = seeds_hash(settings)
    load_seeds = not states.has_loaded(seeds)
    ensure_records(settings)
    states.begin_build(cycle_id, current, seeds=seeds, models=models_hash())
    settings.response_files.take_out({*half_built, cycle_id})
    logger.info("%s: menghitung / building the warehouse", cycle_id)
    held = held_cycles(settings, {**states.built, cycle_id: current})
    results = build_warehouse(settings, cycle_id, load_seeds=load_seeds, held=held)
    demand_undamaged(settings, cycle_id)
    build = _told(settings, cycle_id, results, seeds=seeds, manifest=manifest, lineage=lineage)
    note_blocking(settings, cycle_id, (result.name for result in build.failed))
    if not build.failed:
        settings.response_files.sweep()
        _list_rejected(settings, cycle_id)
        later = later_cycles(read_cycles(settings.seeds_dir), cycle_id)
        states.finish_build(cycle_id, current, seeds=seeds, later=later)
    return build


def build_warehouse(
    settings: Settings, cycle_id: str, *, load_seeds: bool, held: Collection[str]
) -> list[NodeResult]:
    """Build one cycle, whole or in shards; return what became of every node.

    In shards where the settings say so, or say nothing and the cycle's responses are many.
    `load_seeds`, `held`: as for CycleDbt. Raises as CycleDbt.build and build_in_shards do.
    """
    dbt = CycleDbt(settings, cycle_id, held=held, load_seeds=load_seeds)
    with private_files(), interrupts():  # Dagster would hold Ctrl-C back until the build ends
        shards = settings.shards or shards_for(_response_count(settings, cycle_id))
        if shards > 1 or settings.spark_master is not None:
            logger.info("%s: dalam %d pecahan / in %d shards", cycle_id, shards, shards)
            return build_in_shards(dbt, shards)
        return dbt.build()


def _response_count(settings: Settings, cycle_id: str) -> int:
    """Return how many responses the cycle's exports hold, those that won't count among them."""
    return sum(
        file.record_count
        for file in Registry(settings.raw_dir).rows
        if file.cycle_id == cycle_id and file.kind == "survey_responses" and file.is_in_use
    )


def _make_room(settings: Settings, states: CycleStates, manifest: Mapping[str, Any]) -> None:
    """Remove a warehouse that can't be gone on with, and what is remembered of one that is gone."""
    if settings.warehouse.is_file() and (why := _why_anew(settings, states, manifest)):
        logger.warning("%s", why)
        remove_warehouse(settings.warehouse)
    if not settings.warehouse.is_file():
        settings.response_files.remove_all()
        states.lose_warehouse()
        return
    try:
        settings.response_files.follow(settings.warehouse)
    except ResponseFilesError as error:
        raise StageError(str(error)) from error


def _why_anew(settings: Settings, states: CycleStates, manifest: Mapping[str, Any]) -> str | None:
    """Return why the warehouse that is there can't be gone on with; None where it can."""
    if not (states.knows_the_warehouse and can_be_read(settings.warehouse)):
        return (
            "warehouse.duckdb atau fingerprints.json rusak: gudang dibuat baru / damaged: the "
            "warehouse is made anew"
        )
    # A table that keeps a part for each cycle would lack those of the cycles that don't run now;
    # one whose columns are of other types would take new figures rounded, and say nothing.
    kept_by_cycle = {
        f"{node['schema']}.{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "cycle_part"
    }
    if states.built and (
        not states.was_made_by(models_hash()) or lacks_tables(settings.warehouse, kept_by_cycle)
    ):
        return (
            "gudang dibuat versi lain: dibuat baru / another version made the warehouse: it is "
            "made anew: ./ilk run --all"
        )
    return None


def _told(
    settings: Settings,
    cycle_id: str,
    results: Sequence[NodeResult],
    *,
    seeds: str,
    manifest: Mapping[str, Any],
    lineage: LineageRun,
) -> Build:
    """Return what the build came to, with what its tables are made of; OpenLineage hears it too."""
    tables = warehouse_tables(settings.warehouse)
    instrument_id = find_cycle(read_cycles(settings.seeds_dir), cycle_id).instrument_id
    has_failed = any(result.has_failed for result in results)
    # Of half a warehouse no lineage can be told, nor remembered.
    columns = {} if has_failed else column_lineage(settings, tables, instrument_id=instrument_id)
    tell_built(lineage, settings, manifest, results, tables, columns)
    return Build(
        results=results,
        tables=tables,
        lineage=columns,
        code_hash=code_hash(),
        seeds_hash=seeds,
    )


def _list_rejected(settings: Settings, cycle_id: str) -> None:
    # Here, since it is heavy: a run with nothing new ends before it.
    from expectations.rejected_rows import rejected_rows

    rejected = rejected_rows(settings.engine, settings.warehouse, settings.export_files, cycle_id)
    rejected.write(below(settings.quality_dir, cycle_id))
