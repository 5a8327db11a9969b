"""One run of the job `survey_cycle` in this process, and what it came to in sentences.

Belongs here: Dagster's run storage, executing the job, reading its events. Doesn't: what the job
does (orchestration/defs), what is printed (cli.py). It imports Dagster: import it late.
"""

import logging
import re
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy.exc import DatabaseError, OperationalError

from orchestration.dagster_home import one_sets_up, set_up_dagster_home
from orchestration.dbt_build import WarehouseBuildError, manifest_path
from orchestration.durable_files import DISK_FULL, DISK_READ_ONLY, UnreadableFileError, disk_remedy
from orchestration.exports.registry import read_registry
from orchestration.local_disk import NetworkDiskError
from orchestration.run_lock import DIED, RunInProgressError, has_died, show_alive
from orchestration.settings import Settings
from orchestration.words import RUN_STATUSES, both, in_words, on_the_readers_clock

_INTERRUPTED = "RunFailureReason.UNEXPECTED_TERMINATION"
_QUERY_INTERRUPTED = "RuntimeError: Query interrupted"  # what DuckDB makes of Ctrl-C
# What the system refuses, and the remedy that its own words don't tell.
_REMEDIES = {
    "No space left on device": DISK_FULL,
    "database or disk is full": DISK_FULL,
    "Read-only file system": DISK_READ_ONLY,
    "attempt to write a readonly database": DISK_READ_ONLY,
    "PermissionError: [Errno 13]": "Izinkan proses ini memakai berkas itu, lalu jalankan lagi. / "
    "Allow this process to use that file, and run again.",
    "disk I/O error": "Disk penuh atau rusak: kosongkan ruang atau ganti, lalu jalankan lagi. / "
    "The disk is full or failing: make room or replace it, and run again.",
    "Out of Memory Error": "Perbesar ILK_MEMORY_LIMIT, atau kosongkan memori mesin ini, lalu "
    "jalankan lagi. / Raise ILK_MEMORY_LIMIT, or free memory of this machine, and run again.",
    "Could not set lock on file": "Gudang sedang dibuka program lain: tutup program itu, lalu "
    "jalankan lagi. / Another program has the warehouse open: close it, and run again.",
    # Tables of an earlier version: columns that are added come by themselves, other changes don't.
    **dict.fromkeys(
        ("Binder Error", "Catalog Error", "Conversion Error"),
        "Bila kode berubah sejak gudang dibuat, buat baru semuanya: / Where the code changed since "
        "the warehouse was made, make all anew: ./ilk run --all --full-refresh",
    ),
}


# Errors of ours, whose words are for people.
_SENTENCES = {
    kind.__name__
    for kind in (WarehouseBuildError, UnreadableFileError, RunInProgressError, NetworkDiskError)
}


@dataclass(frozen=True)
class RunOutcome:
    """What a run of one cycle came to, in sentences."""

    cycle_id: str
    succeeded: bool
    is_new: bool
    is_waiting: bool = False
    """Nothing was made: the cycle is not over, and has no file yet."""
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's run storage below the data folder, set up as the repository says."""
    set_up_dagster_home(settings)
    # Its library's own remarks; what concerns a person is in the outcome.
    for name in ("dagster", "dagster._core.execution.plan.active"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with ExitStack() as opened:
            with one_sets_up(settings):
                instance = opened.enter_context(dg.DagsterInstance.get())
            yield instance
    except _postgres_gone(settings) as error:
        remedy = (
            "Nyalakan PostgreSQL itu dan periksa alamatnya; isinya log proses saja. / Start that "
            "PostgreSQL and check its address; it holds logs of runs alone."
        )
        cause = error.__cause__ or error
        said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        place = Path("ILK_DAGSTER_POSTGRES_URL")
        raise UnreadableFileError(place, RuntimeError(said), remedy) from None
    except DatabaseError as error:
        if isinstance(error, OperationalError):  # a full disk, a lock
            raise
        remedy = (
            f"Hapus {settings.dagster_home}, lalu jalankan lagi; isinya log proses saja. / Remove "
            "it, and run again: it holds logs of runs alone."
        )
        raise UnreadableFileError(settings.dagster_home, error, remedy) from error


def make_storage(settings: Settings) -> None:
    """Make Dagster's run storage where it isn't there, one process at a time.

    Raises UnreadableFileError where it is damaged, or its PostgreSQL can't be reached.
    """
    with _instance(settings):
        pass


def _postgres_gone(settings: Settings) -> tuple[type[Exception], ...]:
    """Return what is raised where PostgreSQL holds Dagster's runs and can't be reached."""
    if settings.dagster_postgres_url is None:
        return ()
    from dagster_postgres.utils import DagsterPostgresException

    return (DagsterPostgresException,)


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
        read_registry(settings.raw_dir)
    except (WarehouseBuildError, UnreadableFileError, OSError) as error:
        return _not_run(cycle_id, str(error))
    from orchestration.definitions import defs  # needs the manifest
    from orchestration.defs.survey_exports import know_cycles

    job = defs().resolve_job_def("survey_cycle")
    config = {"cycles_to_come": to_come, "accept_fewer": list(accept_fewer), **restatement}
    try:
        run_id = str(uuid.uuid4())
        with _instance(settings) as instance:
            show_alive(settings.data_dir, run_id)
            _close_dead_runs(settings, instance)
            know_cycles(instance)
            result = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                partition_key=cycle_id,
                raise_on_error=False,
                run_config=dg.RunConfig(
                    ops={
                        "pull": {
                            "config": {"accept_fewer": cycle_id in accept_fewer, "asked_again": 0}
                        },
                        "publication__ilk": {"config": config},
                    },
                    loggers={"console": {"config": {"log_level": "CRITICAL"}}},
                ),
            )
    except OperationalError as error:  # of Dagster's run storage
        return _not_run(cycle_id, f"{settings.dagster_home}: {error.orig}")
    except UnreadableFileError as error:
        return _not_run(cycle_id, str(error))
    except OSError as error:
        if not disk_remedy(error):
            raise
        return _not_run(cycle_id, str(error))
    failures = [event.job_failure_data for event in result.all_events if event.is_job_failure]
    if any(str(failure.failure_reason) == _INTERRUPTED for failure in failures):
        raise KeyboardInterrupt  # Dagster has noted it in the run's log, and swallowed it
    outcome = _outcome(cycle_id, result)
    if _QUERY_INTERRUPTED in outcome.problems:
        raise KeyboardInterrupt
    return outcome


def _close_dead_runs(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Let Dagster know of runs whose process is gone: it launches none while one seems to be on."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run = record.dagster_run
        if has_died(settings.data_dir, run.run_id, started_at=record.start_time):
            instance.report_run_failed(run, DIED)


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
            failure = event.step_failure_data
            human = failure.user_failure_data.description if failure.user_failure_data else None
            said = "\n".join(problems)  # by the checks
            problems.extend(
                sentence
                for sentence in ([human] if human else _sentences(failure.error))
                if sentence not in said
            )
    for event in result.all_events:
        if event.is_job_failure and not problems:  # before its first step: the lock, the records
            problems.extend(_sentences(event.job_failure_data.error))
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
        is_waiting=result.success
        and not any(event.is_step_materialization for event in result.all_events),
        problems=[_with_remedy(problem) for problem in dict.fromkeys(problems)],
        warnings=list(dict.fromkeys(warnings)),
    )


def _sentences(error: SerializableErrorInfo | None) -> list[str]:
    """Return what went wrong without the stack, which Dagster's log of the run keeps."""
    while error is not None and error.cause is not None and error.cls_name not in _SENTENCES:
        error = error.cause
    if error is None:
        return []
    # Dagster writes some names of classes with their module, and some twice.
    said = re.sub(rf"^((\w+\.)*{error.cls_name}: )+", "", error.message.strip())
    return [said if error.cls_name in _SENTENCES else f"{error.cls_name}: {said}"]


def _with_remedy(problem: str) -> str:
    remedies = [remedy for words, remedy in _REMEDIES.items() if words in problem]
    return " ".join([*remedies, problem])


def last_runs(settings: Settings, cycle_ids: Iterable[str]) -> dict[str, str]:
    """Return when each cycle's last run started, and how it ended."""
    found = {}
    with _instance(settings) as instance:
        _close_dead_runs(settings, instance)
        for cycle_id in cycle_ids:
            records = instance.get_run_records(
                dg.RunsFilter(tags={"dagster/partition": cycle_id}), limit=1
            )
            for record in records:
                ended = in_words(RUN_STATUSES, record.dagster_run.status.value)
                found[cycle_id] = f"{on_the_readers_clock(record.create_timestamp)}\n{both(ended)}"
    return found
