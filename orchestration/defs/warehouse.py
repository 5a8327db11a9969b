"""The warehouse: every dbt seed and model an asset, every dbt test an asset check.

Belongs here: translating what dbt did into Dagster's events. Doesn't: calling dbt
(orchestration/dbt_build.py) and SQL (models/).
"""

import json
import logging
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from itertools import takewhile
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from expectations.rejected_rows import rejected_rows
from orchestration.auditing.held_cycles import held_cycles
from orchestration.auditing.run_records import NOTHING_NEW, note_outcome
from orchestration.cycles.fingerprints import (
    Fingerprints,
    code_hash,
    cycle_fingerprint,
    fingerprints,
    outdated_ancestors,
    seeds_hash,
)
from orchestration.dbt_build import NodeResult, build_warehouse, manifest_path
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.durable_files import below
from orchestration.lineage.columns import column_lineage
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
from orchestration.seeds.survey_cycles import find_cycle, later_cycles, read_cycles
from orchestration.settings import Settings, get_settings

logger = logging.getLogger("ilk.warehouse")

MANIFEST: dict[str, Any] = json.loads(manifest_path(get_settings()).read_text(encoding="utf-8"))
_KEPT_BY_CYCLE = {
    f"{node['schema']}.{node['name']}"
    for node in MANIFEST["nodes"].values()
    if node["resource_type"] == "model" and node["config"]["materialized"] == "cycle_part"
}


class _Translator(DagsterDbtTranslator):
    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Describe a check by its own words, or by what its kind demands of which columns."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None or spec.description:
            return spec
        return spec._replace(description=_demand(manifest["nodes"][unique_id]))


def _demand(test: Mapping[str, Any]) -> str:
    if kind := test.get("test_metadata"):
        demanded = {name: of for name, of in kind["kwargs"].items() if name != "model"}
        return f"{kind['name']}: {', '.join(f'{name} {of}' for name, of in demanded.items())}"
    comment = takewhile(lambda line: line.startswith("--"), test["raw_code"].splitlines())
    return " ".join(line.removeprefix("--").strip() for line in comment)


@dbt_assets(
    manifest=MANIFEST,
    name="warehouse",
    dagster_dbt_translator=_Translator(),
    partitions_def=SURVEY_CYCLES,
    required_resource_keys={"run_lock", "lineage"},
)
def warehouse(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Build one cycle with dbt; yields nothing where nothing it depends on has changed."""
    settings = get_settings()
    cycle_id = context.partition_key
    memory = fingerprints(settings)
    if settings.warehouse.is_file() and (why := _why_anew(settings, memory)):
        logger.warning("%s", why)
        remove_warehouse(settings.warehouse)
    if not settings.warehouse.is_file():
        memory.forget_warehouse()
    current = cycle_fingerprint(settings, cycle_id)
    if settings.published_dir.exists() and memory.get("published", cycle_id) == current:
        note_outcome(settings, run_id=context.run_id, outcome=NOTHING_NEW)
        logger.info("%s: tidak ada yang baru / nothing new", cycle_id)
        context.log.info(f"{cycle_id}: nothing new since the last publication")
        if (held := held_cycles(settings, {cycle_id: current})).get(cycle_id):
            logger.warning(held[cycle_id])
        if _last_run_failed(context):
            yield from _as_they_stand(context.selected_asset_check_keys)
        return

    if outdated := outdated_ancestors(settings, cycle_id):
        raise dg.Failure(
            f"{cycle_id} dibandingkan dengan {', '.join(outdated)}, yang dibuat dari berkas, seed, "
            "atau kode lain dari yang ada sekarang. / is compared with them, built from other "
            "files, seeds or code than lie here now. Jalankan juga / run them too: "
            f"./ilk run {' '.join(outdated)} {cycle_id}",
            allow_retries=False,
        )
    # Half a cycle would fail the closing tests, which look at all: it waits for its own run.
    drop_cycles(settings.warehouse, set(memory.section("unfinished")) - {cycle_id})
    seeds = seeds_hash(settings)
    load_seeds = memory.get("warehouse", "seeds") != seeds
    memory.put("published", cycle_id, None)
    memory.put("unfinished", cycle_id, current)
    if load_seeds:
        memory.put("warehouse", "seeds", None)
    logger.info("%s: menghitung / building the warehouse", cycle_id)
    results = build_warehouse(settings, cycle_id, load_seeds=load_seeds)
    tables = warehouse_tables(settings.warehouse)
    instrument_id = find_cycle(read_cycles(settings.seeds_dir), cycle_id).instrument_id
    failed = [result for result in results if result.has_failed]
    # Of half a warehouse no lineage can be told, nor remembered.
    lineage = {} if failed else column_lineage(settings, tables, instrument_id=instrument_id)
    tell_built(context.resources.lineage, settings, MANIFEST, results, tables, lineage)
    versions = {"code_hash": code_hash(), "seeds_hash": seeds}
    selected_checks = context.selected_asset_check_keys
    for result in results:
        yield from _events(result, selected_checks, {**versions, **_facts(result, tables, lineage)})

    if failed:
        raise dg.Failure(
            description="\n".join(_sentence(result) for result in failed),
            metadata={"failed_nodes": [result.unique_id for result in failed]},
            allow_retries=False,
        )
    rejected = rejected_rows(settings.warehouse, settings.export_files, cycle_id)
    rejected.write(below(settings.quality_dir, cycle_id))
    memory.put("warehouse", "seeds", seeds)
    memory.put("unfinished", cycle_id, None)
    if memory.get("built", cycle_id) is None:
        for later in later_cycles(read_cycles(settings.seeds_dir), cycle_id):
            if memory.get("built", later) is not None:  # without this one: its changes are missing
                memory.put("built", later, f"before {cycle_id}")
                memory.put("published", later, None)
    memory.put("built", cycle_id, current)


def _why_anew(settings: Settings, memory: Fingerprints) -> str | None:
    """Return why the warehouse that is there can't be gone on with; None where it can."""
    if not (memory.knows_the_warehouse and can_be_read(settings.warehouse)):
        return (
            "warehouse.duckdb atau fingerprints.json rusak: gudang dibuat baru / damaged: the "
            "warehouse is made anew"
        )
    # A table that keeps a part for each cycle would lack those of the cycles that don't run now.
    if memory.section("built") and lacks_tables(settings.warehouse, _KEPT_BY_CYCLE):
        return (
            "gudang dibuat versi lain: dibuat baru / another version made the warehouse: it is "
            "made anew: ./ilk run --all"
        )
    return None


def _last_run_failed(context: dg.AssetExecutionContext) -> bool:
    """Whether the cycle's run before this one failed: its assets are red on Dagster's page."""
    records = context.instance.get_run_records(
        dg.RunsFilter(tags={"dagster/partition": context.partition_key}), limit=2
    )
    return any(
        record.dagster_run.status == dg.DagsterRunStatus.FAILURE
        for record in records
        if record.dagster_run.run_id != context.run_id
    )


def _as_they_stand(
    selected_checks: set[dg.AssetCheckKey],
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Report every table and check as they were built: what a failed run left undone is mended."""
    metadata: dict[str, dg.RawMetadataValue] = {"unchanged": True}
    parents = {node: set(MANIFEST["parent_map"].get(node, ())) for node in _ASSET_KEYS}
    for node in TopologicalSorter(parents).static_order():  # Dagster refuses any other
        if node in _ASSET_KEYS:
            output = _ASSET_KEYS[node].to_python_identifier()
            yield dg.Output(None, output_name=output, metadata=metadata)
    for check in _CHECK_KEYS.values():
        if check in selected_checks:
            yield dg.AssetCheckResult(
                passed=True, asset_key=check.asset_key, check_name=check.name, metadata=metadata
            )


def _facts(
    result: NodeResult, tables: Mapping[str, Table], lineage: ColumnLineage
) -> dict[str, Any]:
    """Return rows and column lineage of a model or seed, under names that Dagster's page shows."""
    if result.unique_id not in _ASSET_KEYS:
        return {}
    name = ".".join(_ASSET_KEYS[result.unique_id].path)
    table, columns = tables.get(name), lineage.get(name)
    made_of = {
        column: [
            dg.TableColumnDep(asset_key=dg.AssetKey(table.split(".")), column_name=field)
            for table, field in fields
        ]
        for column, fields in (columns or {}).items()
    }
    return {
        **({"dagster/row_count": table.row_count} if table and table.row_count is not None else {}),
        **(
            {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=made_of)}
            if made_of
            else {}
        ),
    }


def _events(
    result: NodeResult,
    selected_checks: set[dg.AssetCheckKey],
    facts: Mapping[str, Any],
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Translate one node; unit tests and tests of no single model are no asset checks."""
    metadata: dict[str, dg.RawMetadataValue] = {
        "unique_id": result.unique_id,
        "status": result.status,
        "message": result.message,
        "seconds": result.seconds,
    }
    if result.resource_type in ("model", "seed") and result.was_built:
        key = _ASSET_KEYS[result.unique_id]
        output = key.to_python_identifier()
        yield dg.Output(None, output_name=output, metadata={**metadata, **facts})
    if result.resource_type == "test" and result.status in ("pass", "warn", "fail", "error"):
        check = _CHECK_KEYS.get(result.unique_id)
        if check in selected_checks:
            is_warning = result.status == "warn"
            yield dg.AssetCheckResult(
                passed=result.status == "pass",
                asset_key=check.asset_key,
                check_name=check.name,
                severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
                description=None if result.status == "pass" else _sentence(result),
                metadata=metadata,
            )


def _sentence(result: NodeResult) -> str:
    path = MANIFEST["nodes"].get(result.unique_id, {}).get("original_file_path", "")
    where = f" ({path.removeprefix('../')})" if path else ""
    what = {"test": "check", "unit_test": "unit test"}.get(
        result.resource_type, result.resource_type
    )
    return f"dbt {what} {result.name}{where}: {result.message or result.status}"


_UNIQUE_ID = "dagster_dbt/unique_id"
_ASSET_KEYS = {spec.metadata[_UNIQUE_ID]: spec.key for spec in warehouse.specs}
_CHECK_KEYS = {spec.metadata[_UNIQUE_ID]: spec.key for spec in warehouse.check_specs}
