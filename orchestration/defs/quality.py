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
import yaml  # type: ignore[import-untyped]  # it ships no types

from expectations import border, rules
from expectations.raw_files import Cycle, method_parameter
from expectations.rule_words import rule_in_words
from expectations.validation import Outcome
from orchestration.cycles.fingerprints import border_fingerprint, fingerprints
from orchestration.defs.survey_exports import EXPORT_FILES, STAFF_FRAME, SURVEY_RESPONSES
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings, get_settings
from orchestration.words import both

logger = logging.getLogger("ilk.quality")

_ASSETS = (SURVEY_RESPONSES, STAFF_FRAME, EXPORT_FILES)
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
    settings = get_settings()
    cycle_id = context.partition_key
    here = _border(settings, cycle_id)
    key = here.check_pseudonym_key(is_set=settings.pseudonym_key is not None)
    yield _result(SURVEY_RESPONSES, key, here)
    blocked = [key.messages] if not key.passed else []
    for asset, outcomes in _outcomes(settings, here).items():
        for outcome in outcomes:
            yield _result(asset, outcome, here)
            if outcome.severity == "critical" and not outcome.passed:
                blocked.append(outcome.messages)
    if blocked:  # Dagster's own failure would name the checks and not say what is wrong
        sentences = "\n".join("\n".join(messages) for messages in blocked)
        raise dg.Failure(sentences, allow_retries=False)


def _border(settings: Settings, cycle_id: str) -> border.Border:
    cycle = find_cycle(read_cycles(settings.seeds_dir), cycle_id)
    project = (settings.dbt_project_dir / "dbt_project.yml").read_text(encoding="utf-8")
    defaults = yaml.safe_load(project)["vars"]["method_parameter_defaults"]

    def share(parameter: str) -> float:
        given = method_parameter(settings.seeds_dir, cycle.method_id, parameter)
        return float(defaults[parameter]) if given is None else given

    return border.Border(
        raw_dir=settings.raw_dir,
        seeds_dir=settings.seeds_dir,
        export_files=settings.export_files,
        dbt_project_dir=settings.dbt_project_dir,
        quality_dir=settings.quality_dir,
        cycle=Cycle(
            cycle_id=cycle.cycle_id,
            instrument_id=cycle.instrument_id,
            opens_on=cycle.opens_on,
            closes_on=cycle.closes_on,
            previous_cycle_id=cycle.previous_cycle_id,
            is_over=cycle.status in ("closed", "final"),
        ),
        max_off_scale_share=share("max_off_scale_share"),
        max_superseded_share=share("max_superseded_share"),
    )


def _outcomes(settings: Settings, here: border.Border) -> dict[dg.AssetKey, list[Outcome]]:
    """Return the outcomes of the suites: those of before where nothing they depend on changed."""
    memory = fingerprints(settings)
    cycle_id = here.cycle.cycle_id
    current = border_fingerprint(settings, cycle_id)
    known: dict[str, Any] = memory.get("border", cycle_id) or {}
    if known.get("fingerprint") == current:
        return {
            asset: [_remembered(outcome) for outcome in known["outcomes"][asset.path[-1]]]
            for asset in _ASSETS
        }
    logger.info("%s: memeriksa ekspor / checking the exports", cycle_id)
    found = here.check()
    has_passed = all(
        outcome.passed or outcome.severity == "warning"
        for group in found.values()
        for outcome in group
    )
    value = {
        "fingerprint": current,
        "outcomes": {
            suite: [asdict(outcome) for outcome in group] for suite, group in found.items()
        },
    }
    memory.put("border", cycle_id, value if has_passed else None)
    return {asset: found[asset.path[-1]] for asset in _ASSETS}


def _remembered(value: dict[str, Any]) -> Outcome:
    lists = {name: tuple(value[name]) for name in ("messages", "examples")}
    return Outcome(**{**value, **lists})


def _result(asset: dg.AssetKey, outcome: Outcome, here: border.Border) -> dg.AssetCheckResult:
    metadata: dict[str, dg.RawMetadataValue] = {
        "failing_count": outcome.failing_count,
        "judged_count": outcome.judged_count,
    }
    # Paths to copy: Dagster's page is http, from where no browser opens a file.
    if outcome.judged_count and here.page.is_file():
        metadata["report"] = dg.MetadataValue.path(here.page)
    if not outcome.passed and here.failing_rows_file.is_file():
        metadata["failing_rows"] = dg.MetadataValue.path(
            here.failing_rows_file.with_suffix(".xlsx")
        )
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
