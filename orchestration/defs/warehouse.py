"""The warehouse: every dbt seed and model an asset, every dbt test an asset check.

Belongs here: translating what dbt did into Dagster's events. Doesn't: whether and in which order
(orchestration/stages/build.py), calling dbt (orchestration/dbt_build.py) and SQL (models/).
"""

import json
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from itertools import takewhile
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets

from orchestration.auditing.run_records import recorded_step
from orchestration.dbt_build import NodeResult, manifest_path
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.defs.translation import failing_as_ours
from orchestration.lineage.tables import ColumnLineage, Table
from orchestration.settings import get_settings
from orchestration.stages.build import build_cycle

MANIFEST: dict[str, Any] = json.loads(manifest_path(get_settings()).read_text(encoding="utf-8"))


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
    settings, cycle_id, run_id = get_settings(), context.partition_key, context.run_id
    with (
        failing_as_ours(),
        recorded_step(settings, run_id=run_id, cycle_id=cycle_id, step="build") as step,
    ):
        build = build_cycle(
            settings,
            cycle_id,
            run_id=run_id,
            manifest=MANIFEST,
            lineage=context.resources.lineage,
        )
        if not build.is_unchanged:
            step.rows = sum(table.row_count or 0 for table in build.tables.values())
    selected_checks = context.selected_asset_check_keys
    if build.is_unchanged:
        context.log.info(f"{context.partition_key}: nothing new since the last publication")
        if _last_run_failed(context):
            yield from _as_they_stand(selected_checks)
        return
    versions = {"code_hash": build.code_hash, "seeds_hash": build.seeds_hash}
    for result in build.results:
        facts = {**versions, **_facts(result, build.tables, build.lineage)}
        yield from _events(result, selected_checks, facts)
    if build.failed:
        raise dg.Failure(
            description="\n".join(_sentence(result) for result in build.failed),
            metadata={"failed_nodes": [result.unique_id for result in build.failed]},
            allow_retries=False,
        )


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
