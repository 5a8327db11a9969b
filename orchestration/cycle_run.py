"""One run of the job `survey_cycle` in this process, and what it came to in sentences.

Belongs here: Dagster's run storage, executing the job, reading its events. Doesn't: what the job
does (orchestration/defs), what is printed (cli.py). It imports Dagster: import it late.
"""

import logging
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.execution.plan.objects import StepFailureData
from sqlalchemy.exc import OperationalError

from orchestration.settings import REPOSITORY, Settings
from orchestration.warehouse_build import WarehouseBuildError, manifest_path
from orchestration.words import RUN_STATUSES, both, in_words, on_the_readers_clock

_INTERRUPTED = "RunFailureReason.UNEXPECTED_TERMINATION"
_QUERY_INTERRUPTED = "RuntimeError: Query interrupted"  # what DuckDB makes of Ctrl-C
# What the system refuses, and the remedy that its own words don't tell.
_DISK_FULL = (
    "Disk penuh: kosongkan ruang, lalu jalankan lagi. / The disk is full: make room, and run again."
)
_REMEDIES = {
    "No space left on device": _DISK_FULL,
    "database or disk is full": _DISK_FULL,
    "Could not set lock on file": "Gudang sedang dibuka program lain: tutup program itu, lalu "
    "jalankan lagi. / Another program has the warehouse open: close it, and run again.",
}


@dataclass(frozen=True)
class RunOutcome:
    """What a run of one cycle came to, in sentences."""

    cycle_id: str
    succeeded: bool
    is_new: bool
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's run storage below the data folder, set up as the repository says."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    configured = REPOSITORY / "orchestration" / "dagster.yaml"
    shutil.copyfile(configured, settings.dagster_home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    # Its library's own remarks; what concerns a person is in the outcome.
    for name in ("dagster", "dagster._core.execution.plan.active"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with dg.DagsterInstance.get() as instance:
        yield instance


def run_cycle(
    settings: Settings,
    cycle_id: str,
    *,
    to_come: list[str],
    restatement: dict[str, object],
    accept_fewer: Collection[str] = (),
) -> RunOutcome:
    """Run the job for one cycle, as Dagster's UI would.

    `to_come`: the cycles that are run after it. `restatement`: the publication's config for final
    cycles. `accept_fewer`: cycles whose files and respondents may become few. Raises
    KeyboardInterrupt where a person stopped it, and notes that in the run's log.
    """
    try:
        manifest_path(settings)  # first, since Dagster wraps what fails while it loads
    except WarehouseBuildError as error:
        return _not_run(cycle_id, str(error))
    from orchestration.definitions import defs  # needs the manifest

    job = defs().resolve_job_def("survey_cycle")
    config = {"cycles_to_come": to_come, "accept_fewer": list(accept_fewer), **restatement}
    try:
        with _instance(settings) as instance:
            result = job.execute_in_process(
                instance=instance,
                partition_key=cycle_id,
                raise_on_error=False,
                run_config=dg.RunConfig(
                    ops={
                        "pull": {"config": {"accept_fewer": cycle_id in accept_fewer}},
                        "publication__ilk": {"config": config},
                    },
                    loggers={"console": {"config": {"log_level": "CRITICAL"}}},
                ),
            )
    except OperationalError as error:  # of Dagster's run storage
        return _not_run(cycle_id, f"{settings.dagster_home}: {error.orig}")
    failures = [event.job_failure_data for event in result.all_events if event.is_job_failure]
    if any(str(failure.failure_reason) == _INTERRUPTED for failure in failures):
        raise KeyboardInterrupt  # Dagster has noted it in the run's log, and swallowed it
    outcome = _outcome(cycle_id, result)
    if _QUERY_INTERRUPTED in outcome.problems:
        raise KeyboardInterrupt
    return outcome


def _not_run(cycle_id: str, problem: str) -> RunOutcome:
    return RunOutcome(cycle_id, succeeded=False, is_new=False, problems=[_with_remedy(problem)])


def _outcome(cycle_id: str, result: dg.ExecuteInProcessResult) -> RunOutcome:
    problems: list[str] = []
    warnings: list[str] = []
    for check in result.get_asset_check_evaluations():
        if check.passed:
            continue
        is_error = check.severity == dg.AssetCheckSeverity.ERROR
        sentence = check.description or check.check_name
        (problems if is_error else warnings).append(sentence)
    for event in result.all_events:
        if event.is_step_failure:
            said = "\n".join(problems)  # by the checks
            problems.extend(
                sentence
                for sentence in _failure_sentences(event.step_failure_data)
                if sentence not in said
            )
    is_new = any(
        metadata.value is True
        for event in result.all_events
        if event.is_step_materialization
        for name, metadata in event.step_materialization_data.materialization.metadata.items()
        if name == "is_new"
    )
    return RunOutcome(
        cycle_id,
        succeeded=result.success,
        is_new=is_new,
        problems=[_with_remedy(problem) for problem in dict.fromkeys(problems)],
        warnings=list(dict.fromkeys(warnings)),
    )


def _failure_sentences(failure: StepFailureData) -> list[str]:
    """Return what went wrong without the stack, which Dagster's log of the run keeps."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return [failure.user_failure_data.description]
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is None:
        return []
    # Dagster writes some names of classes with their module, and some twice.
    said = re.sub(rf"^((\w+\.)*{error.cls_name}: )+", "", error.message.strip())
    return [said if error.cls_name == WarehouseBuildError.__name__ else f"{error.cls_name}: {said}"]


def _with_remedy(problem: str) -> str:
    remedies = [remedy for words, remedy in _REMEDIES.items() if words in problem]
    return " ".join([*remedies, problem])


def last_runs(settings: Settings, cycle_ids: Iterable[str]) -> dict[str, str]:
    """Return when each cycle's last run started, and how it ended."""
    found = {}
    with _instance(settings) as instance:
        for cycle_id in cycle_ids:
            records = instance.get_run_records(
                dg.RunsFilter(tags={"dagster/partition": cycle_id}), limit=1
            )
            for record in records:
                ended = in_words(RUN_STATUSES, record.dagster_run.status.value)
                found[cycle_id] = f"{on_the_readers_clock(record.create_timestamp)}\n{both(ended)}"
    return found
