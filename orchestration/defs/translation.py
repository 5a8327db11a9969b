"""What a stage says, in Dagster's terms.

Belongs here: findings as results of checks, what stops a stage as a failure of its step. Doesn't:
finding, or stopping (orchestration/stages).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from orchestration.stages.findings import Finding, StageError


@contextmanager
def failing_as_ours() -> Iterator[None]:
    """Fail the step with the stage's own sentence; to try it again would say the same."""
    try:
        yield
    except StageError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def check_results(
    findings: Iterable[Finding], asset_of: Callable[[str], dg.AssetKey]
) -> Iterator[dg.AssetCheckResult]:
    """Return the results of checks, each on the asset that it is about."""
    for finding in findings:
        yield dg.AssetCheckResult(
            asset_key=asset_of(finding.check),
            check_name=finding.check,
            passed=finding.passed,
            severity=dg.AssetCheckSeverity.ERROR
            if finding.is_error
            else dg.AssetCheckSeverity.WARN,
            description=finding.sentence or None,
        )
