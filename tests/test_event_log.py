"""The log of events: what Dagster would have stored, through files that stay open."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Engine, event

from orchestration.dagster_home import set_up_dagster_home
from orchestration.defs.event_log import OpenSqliteEventLogStorage
from orchestration.settings import Settings

TABLES = 40


@dg.multi_asset(
    specs=[dg.AssetSpec(f"table_{number}") for number in range(TABLES)],
    check_specs=[
        dg.AssetCheckSpec("is_whole", asset=f"table_{number}") for number in range(TABLES)
    ],
)
def tables():  # type: ignore[no-untyped-def]  # a generator of Dagster's own kinds
    """Stand for a build of many tables, each with a check."""
    for number in range(TABLES):
        yield dg.MaterializeResult(f"table_{number}", metadata={"rows": number})
        yield dg.AssetCheckResult(
            passed=number != 7, asset_key=f"table_{number}", check_name="is_whole"
        )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dagster home set up as the repository says."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)  # brought back afterwards
    settings = Settings(data_dir=tmp_path)
    set_up_dagster_home(settings)
    return settings.dagster_home


def test_dagsters_own_class_reads_what_was_stored(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenSqliteEventLogStorage)
        runs = [dg.materialize([tables], instance=instance).run_id for _ in range(2)]
        ours = {run_id: instance.all_logs(run_id) for run_id in runs}
        newest = instance.get_latest_materialization_event(dg.AssetKey("table_39"))
    theirs = SqliteEventLogStorage(str(home / "history" / "runs"))
    for run_id in runs:
        read = theirs.get_logs_for_run(run_id)
        assert read == ours[run_id]
        kinds = [entry.dagster_event_type for entry in read if entry.is_dagster_event]
        assert kinds.count(dg.DagsterEventType.ASSET_MATERIALIZATION) == TABLES
        assert kinds.count(dg.DagsterEventType.ASSET_CHECK_EVALUATION) == TABLES
    assert newest is not None and newest.run_id == runs[1]


def test_a_run_does_not_open_a_file_for_each_event(home: Path) -> None:
    opened = []

    def count(connection: object, _: object) -> None:
        opened.append(connection)

    with dg.DagsterInstance.get() as instance:
        dg.materialize([tables], instance=instance)  # makes the index
        event.listen(Engine, "connect", count)
        try:
            run = dg.materialize([tables], instance=instance)
        finally:
            event.remove(Engine, "connect", count)
        assert len(instance.all_logs(run.run_id)) > 4 * TABLES
    # The index, the run's own file, and what Dagster's run storage opens at its beginning and end.
    assert len(opened) < TABLES


def test_wiping_removes_all_runs_and_the_log_goes_on(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        first = dg.materialize([tables], instance=instance).run_id
        instance.wipe()
        assert not (home / "history" / "runs" / f"{first}.db").exists()
        second = dg.materialize([tables], instance=instance).run_id
        assert instance.all_logs(second)
        assert not instance.all_logs(first)


def test_no_process_is_left_to_copy_what_a_step_prints(home: Path) -> None:
    watched: list[str] = []

    @dg.asset
    def look() -> None:
        children = Path("/proc/self/task").glob("*/children")
        pids = " ".join(path.read_text(encoding="ascii") for path in children).split()
        watched.extend(
            Path("/proc", pid, "cmdline").read_text(encoding="utf-8").replace("\0", " ")
            for pid in pids
        )

    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert dg.materialize([look], instance=instance).success
    assert not [words for words in watched if "tail" in words or "watch_orphans" in words]
