"""The gate between raw and warehouse: Great Expectations' outcomes as blocking asset checks.

Belongs here: checks on raw assets. Doesn't: what is demanded (expectations/) and dbt's tests
(warehouse.py). Never put dbt tests on sources: Dagster would then exempt the dbt step from being
blocked by these checks.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
import yaml  # type: ignore[import-untyped]  # a dependency of dbt's; ships no types

from expectations import border, rules
from expectations.profiles import method_parameter
from expectations.validation import Outcome
from orchestration.cycles import find_cycle, read_cycles
from orchestration.defs.survey_exports import STAFF_FRAME, SURVEY_RESPONSES
from orchestration.fingerprints import border_fingerprint, fingerprints
from orchestration.settings import Settings, get_settings

logger = logging.getLogger("ilk.quality")

_SEVERITIES = {
    "critical": dg.AssetCheckSeverity.ERROR,
    "warning": dg.AssetCheckSeverity.WARN,
}


def _specs(asset: dg.AssetKey, checks: dict[str, rules.Severity]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=asset, blocking=severity == "critical")
        for name, severity in checks.items()
    ]


@dg.multi_asset_check(
    name="raw_border",
    specs=[
        *_specs(SURVEY_RESPONSES, {border.PSEUDONYM_CHECK: "critical", **rules.RESPONSE_CHECKS}),
        *_specs(STAFF_FRAME, rules.STAFF_CHECKS),
    ],
    required_resource_keys={"run_lock"},
)
def raw_border(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Demand of a cycle's raw files what the suites say; unchanged files are not asked twice."""
    settings = get_settings()
    cycle_id = context.partition_key
    here = _border(settings, cycle_id)
    yield _result(
        SURVEY_RESPONSES, here.check_pseudonym_key(is_set=settings.pseudonym_key is not None)
    )
    for asset, outcomes in _outcomes(settings, here).items():
        for outcome in outcomes:
            yield _result(asset, outcome)


def _border(settings: Settings, cycle_id: str) -> border.Border:
    cycle = find_cycle(read_cycles(settings.seeds_dir), cycle_id)
    share = method_parameter(settings.seeds_dir, cycle.method_id, "max_off_scale_share")
    if share is None:
        project = (settings.dbt_project_dir / "dbt_project.yml").read_text(encoding="utf-8")
        defaults = yaml.safe_load(project)["vars"]["method_parameter_defaults"]
        share = float(defaults["max_off_scale_share"])
    return border.Border(
        raw_dir=settings.raw_dir,
        seeds_dir=settings.seeds_dir,
        export_files=settings.export_files,
        cycle_id=cycle_id,
        instrument_id=cycle.instrument_id,
        max_off_scale_share=share,
    )


def _outcomes(settings: Settings, here: border.Border) -> dict[dg.AssetKey, list[Outcome]]:
    memory = fingerprints(settings)
    current = border_fingerprint(settings, here.cycle_id)
    known: dict[str, Any] = memory.get("border", here.cycle_id) or {}
    if known.get("fingerprint") == current:
        remembered = known["outcomes"]
        return {
            asset: [_remembered(outcome) for outcome in remembered[asset.path[-1]]]
            for asset in (SURVEY_RESPONSES, STAFF_FRAME)
        }
    logger.info("checking the exports of %s", here.cycle_id)
    outcomes = {
        SURVEY_RESPONSES: here.check_responses(),
        STAFF_FRAME: here.check_staff_frame(),
    }
    has_passed = all(
        outcome.passed or outcome.severity == "warning"
        for group in outcomes.values()
        for outcome in group
    )
    value = {
        "fingerprint": current,
        "outcomes": {
            asset.path[-1]: [asdict(outcome) for outcome in group]
            for asset, group in outcomes.items()
        },
    }
    memory.put("border", here.cycle_id, value if has_passed else None)
    return outcomes


def _remembered(value: dict[str, Any]) -> Outcome:
    return Outcome(**{**value, "messages": tuple(value["messages"])})


def _result(asset: dg.AssetKey, outcome: Outcome) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=outcome.check,
        passed=outcome.passed,
        severity=_SEVERITIES[outcome.severity],
        description="\n".join(outcome.messages) or None,
        metadata={"failing_count": outcome.failing_count},
    )
