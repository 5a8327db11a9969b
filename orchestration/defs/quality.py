"""The gate between raw and warehouse: Great Expectations' outcomes as blocking asset checks.

Belongs here: checks on raw assets. Doesn't: looking (orchestration/stages/check.py), what is
demanded (expectations/) and dbt's tests (warehouse.py). Never put dbt tests on sources: Dagster
would then exempt the dbt step from being blocked by these checks.
"""

from collections.abc import Iterator

import dagster as dg

from expectations import border, rules
from expectations.rule_words import rule_in_words
from expectations.validation import Outcome
from orchestration.auditing.run_records import recorded_step
from orchestration.defs.survey_exports import EXPORT_FILES, STAFF_FRAME, SURVEY_RESPONSES
from orchestration.defs.translation import failing_as_ours
from orchestration.settings import get_settings
from orchestration.stages.check import Checked, check_exports
from orchestration.words import both

_SEVERITIES = {
    "critical": dg.AssetCheckSeverity.ERROR,
    "warning": dg.AssetCheckSeverity.WARN,
}


def _specs(asset: dg.AssetKey, checks: dict[str, rules.Severity]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name,
            asset=asset,
            blocking=severity == "critical",
            description=both(rule_in_words(name)),
        )
        for name, severity in checks.items()
    ]


@dg.multi_asset_check(
    name="raw_border",
    specs=[
        *_specs(SURVEY_RESPONSES, {border.PSEUDONYM_CHECK: "critical", **rules.RESPONSE_CHECKS}),
        *_specs(STAFF_FRAME, rules.STAFF_CHECKS),
        *_specs(EXPORT_FILES, rules.FILE_CHECKS),
    ],
    required_resource_keys={"run_lock"},
)
def raw_border(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Demand of a cycle's raw files what the suites say; unchanged files are not asked twice."""
    settings, cycle_id = get_settings(), context.partition_key
    run_id = context.op_execution_context.run_id
    with (
        failing_as_ours(),
        recorded_step(settings, run_id=run_id, cycle_id=cycle_id, step="check") as step,
    ):
        checked = check_exports(settings, cycle_id)
        outcomes = [each for group in checked.outcomes.values() for each in group]
        step.rows = max((each.judged_count or 0 for each in outcomes), default=None)
    for asset in (SURVEY_RESPONSES, STAFF_FRAME, EXPORT_FILES):
        for outcome in checked.outcomes[asset.path[-1]]:
            yield _result(asset, outcome, checked)
    if checked.blocked:  # Dagster's own failure would name the checks and not say what is wrong
        raise dg.Failure(checked.blocked, allow_retries=False)


def _result(asset: dg.AssetKey, outcome: Outcome, checked: Checked) -> dg.AssetCheckResult:
    metadata: dict[str, dg.RawMetadataValue] = {
        "failing_count": outcome.failing_count,
        "judged_count": outcome.judged_count,
    }
    # Paths to copy: Dagster's page is http, from where no browser opens a file.
    if outcome.judged_count and checked.page:
        metadata["report"] = dg.MetadataValue.path(checked.page)
    if not outcome.passed and checked.failing_rows:
        metadata["failing_rows"] = dg.MetadataValue.path(checked.failing_rows)
    if outcome.examples:
        metadata["examples"] = dg.MetadataValue.table(
            [dg.TableRecord(example) for example in outcome.examples]
        )
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=outcome.check,
        passed=outcome.passed,
        severity=_SEVERITIES[outcome.severity],
        description="\n".join(outcome.messages) or None,
        metadata=metadata,
    )
