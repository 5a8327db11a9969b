"""Dagster's storage stays small: which runs go, what goes of them, what of each cycle stays.

Belongs here: the rule over made-up runs, and Dagster's storage after it. Doesn't: how events are
stored (test_event_log.py).
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.auditing import run_records
from orchestration.auditing.run_records import (
    FAILED,
    NOTHING_NEW,
    PUBLISHED,
    finish_run,
    note_outcome,
    start_run,
)
from orchestration.cycle_run import _instance
from orchestration.defs.retention import forget_old_runs
from orchestration.settings import Settings
from orchestration.stages.kept_runs import PastRun, forgettable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FIRST, SECOND = "ilk-2025-s1", "ilk-2025-s2"


def past(count: int, *, cycle_id: str | None = SECOND) -> list[PastRun]:
    """Runs named by their age in days, the newest first."""
    return [PastRun(f"{age}", cycle_id, NOW - timedelta(days=age)) for age in range(count)]


def judged(settings: Settings, runs: list[PastRun]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = forgettable(settings, runs, with_logs={run.run_id for run in runs}, now=NOW)
    return found.logs, found.runs


def test_logs_go_by_count_and_runs_by_count_and_age(tmp_path: Path):
    by_count = Settings(data_dir=tmp_path, kept_run_logs=2, kept_runs=4)
    assert judged(by_count, past(6)) == (("3", "2"), ("5", "4"))
    by_age = Settings(data_dir=tmp_path, kept_run_days=3)
    assert judged(by_age, past(6)) == ((), ("5", "4"))
    assert judged(Settings(data_dir=tmp_path), past(6)) == ((), ())


def test_what_has_no_log_any_more_is_not_stripped_again(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, kept_run_logs=1)
    found = forgettable(settings, past(4), with_logs={"0", "1"}, now=NOW)
    assert found.logs == ("1",)


def test_the_last_run_of_each_cycle_stays_however_old(tmp_path: Path):
    settings = Settings(data_dir=tmp_path, kept_run_logs=1, kept_runs=1, kept_run_days=1)
    old = [PastRun(f"old {age}", FIRST, NOW - timedelta(days=900 + age)) for age in range(2)]
    logs, runs = judged(settings, [*past(2), *old])
    assert (logs, runs) == ((), ("old 1", "1"))


def note(settings: Settings, run_id: str, outcome: str, cycle_id: str = SECOND) -> None:
    start_run(settings, run_id=run_id, cycle_id=cycle_id)
    note_outcome(settings, run_id=run_id, outcome=outcome)
    finish_run(settings, run_id=run_id)


def test_the_last_run_that_published_a_cycle_stays_and_each_behind_a_final_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settings = Settings(data_dir=tmp_path, kept_run_logs=1, kept_runs=1)
    clock = datetime(2026, 1, 1)  # as the records have it: UTC without a zone
    monkeypatch.setattr(run_records, "_now", lambda: clock)
    for age, outcome in ((5, PUBLISHED), (4, PUBLISHED), (3, PUBLISHED), (2, NOTHING_NEW)):
        clock = datetime(2026, 5, 27 - age)
        note(settings, f"{age}", outcome)
    note(settings, "1", FAILED)
    final = tmp_path / "audit" / "final" / SECOND / "001"
    final.mkdir(parents=True)
    (final / "record.json").write_text('{"finalised_at": "2026-05-23T12:00:00"}', encoding="utf-8")
    assert judged(settings, past(6)) == ((), ("5", "2", "1")), "4 is final, 3 published last"


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    settings = Settings(data_dir=tmp_path, kept_run_logs=2, kept_runs=4)
    with _instance(settings) as instance:
        yield settings, instance


@dg.asset(check_specs=[dg.AssetCheckSpec("is_whole", asset="table")])
def table():  # type: ignore[no-untyped-def]  # Dagster would want a tuple named
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


def test_storage_holds_what_is_kept_and_no_more(stored: tuple[Settings, dg.DagsterInstance]):
    settings, instance = stored
    runs = []
    for _ in range(6):
        runs.append(dg.materialize([table], instance=instance, tags={"x": "y"}).run_id)
        (settings.dagster_home / "storage" / runs[-1]).mkdir(parents=True, exist_ok=True)
        forget_old_runs(settings, instance)
    assert [run.run_id for run in instance.get_runs()] == runs[:1:-1]
    files = settings.dagster_home / "history" / "runs"
    assert {path.stem for path in files.glob("*-*.db")} == {*runs[4:]}
    assert {path.name for path in (settings.dagster_home / "storage").iterdir()} == {*runs[4:]}
    assert instance.all_logs(runs[2]) == []
    assert instance.all_logs(runs[5])
    newest = instance.get_latest_materialization_event(dg.AssetKey("table"))
    assert newest is not None and newest.run_id == runs[5]
    key = dg.AssetCheckKey(dg.AssetKey("table"), "is_whole")
    checks = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    assert {check.run_id for check in checks} == {*runs[4:]}


def test_a_run_that_is_on_is_left_alone(stored: tuple[Settings, dg.DagsterInstance]):
    settings, instance = stored
    on = instance.add_run(
        dg.DagsterRun(
            job_name="survey_cycle",
            run_id=str(uuid.uuid4()),
            status=dg.DagsterRunStatus.STARTED,
        )
    )
    instance.report_engine_event("it lives", on)
    for _ in range(5):
        dg.materialize([table], instance=instance)
        forget_old_runs(settings, instance)
    assert instance.all_logs(on.run_id)
    assert instance.get_run_by_id(on.run_id) is not None


def test_the_index_gives_back_what_is_mostly_free(
    stored: tuple[Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("orchestration.defs.event_log._SPARED_PAGES", 0)
    settings, instance = stored
    index = settings.dagster_home / "history" / "runs" / "index.db"
    dg.materialize([table], instance=instance)
    with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("create table big as select zeroblob(9000000) as bytes")
        connection.exec_driver_sql("drop table big")
    forget_old_runs(settings, instance)
    instance.event_log_storage.dispose()
    assert index.stat().st_size < 2_000_000
