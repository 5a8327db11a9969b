"""Dagster's runs in PostgreSQL, the choice of a server: stored, forgotten, read by `ilk health`.

Belongs here: ILK_DAGSTER_POSTGRES_URL against a real server. Doesn't: the publication in PostgreSQL
(publishing/), what health and retention judge (test_health.py, test_retention.py).
"""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat
from pydantic import SecretStr

from orchestration.cycle_run import _instance
from orchestration.defs.retention import forget_old_runs
from orchestration.durable_files import UnreadableFileError
from orchestration.health import findings
from orchestration.settings import Settings, get_settings
from tests.postgres_server import PostgresServer
from tests.test_retention import table

NOW = datetime.now(UTC)


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ILK_DAGSTER_POSTGRES_URL", postgres.database())
    return Settings(
        data_dir=tmp_path, seeds_dir=get_settings().seeds_dir, kept_run_logs=1, kept_runs=2
    )


def daemon_is_red(settings: Settings, now: datetime = NOW) -> str:
    """What `ilk health` says of the daemon where it is red."""
    (found,) = findings(settings, now, names=["daemon"])
    return found.sentence.en if found.is_red else ""


def test_runs_are_stored_there_and_forgotten_and_the_daemon_is_heard(settings: Settings):
    assert "no sign of life ever" in daemon_is_red(settings), "no tables yet"
    with _instance(settings) as instance:
        runs = []
        for _ in range(3):
            runs.append(dg.materialize([table], instance=instance).run_id)
            forget_old_runs(settings, instance)
        assert [run.run_id for run in instance.get_runs()] == runs[:0:-1]
        assert instance.all_logs(runs[1]) == []
        assert instance.all_logs(runs[2])
        for name in ("SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR"):
            instance.add_daemon_heartbeat(DaemonHeartbeat(NOW.timestamp(), name, "a-daemon", []))
    assert daemon_is_red(settings) == ""
    assert "no sign of life since" in daemon_is_red(settings, NOW + timedelta(minutes=11))
    assert not (settings.dagster_home / "history").exists(), "SQLite was written too"


def test_many_who_write_at_once_do_not_lock_each_other_out(settings: Settings):
    failed: list[Exception] = []
    with _instance(settings) as instance:
        run = instance.add_run(
            dg.DagsterRun(
                job_name="survey_cycle",
                run_id="11111111-1111-4111-8111-111111111111",
                status=dg.DagsterRunStatus.STARTED,
            )
        )

        def write() -> None:
            try:
                for number in range(10):
                    instance.report_engine_event(str(number), run)
                    instance.get_run_records(limit=5)
            except Exception as error:
                failed.append(error)

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert (failed, len(instance.all_logs(run.run_id))) == ([], 40)


def test_a_server_that_is_gone_is_told_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    nowhere = "postgresql://dagster:kata-sandi@127.0.0.1:1/dagster"
    monkeypatch.setenv("ILK_DAGSTER_POSTGRES_URL", nowhere)
    monkeypatch.setattr("dagster_postgres.utils.calculate_delay", lambda **_: 0)
    gone = settings.model_copy(update={"dagster_postgres_url": SecretStr(nowhere)})
    red = daemon_is_red(gone)
    with pytest.raises(UnreadableFileError) as raised, _instance(gone):
        pass
    said = str(raised.value)
    assert "Nyalakan PostgreSQL itu" in said and "Connection refused" in said
    assert red.startswith("Let Dagster's storage be read: PostgreSQL:")
    assert "kata-sandi" not in red + said
    assert said.count("\n") < 3


def test_an_address_is_written_with_or_without_the_driver_that_dagster_needs():
    for driver in ("", "+psycopg2"):
        settings = Settings(dagster_postgres_url=SecretStr(f"postgresql{driver}://me@host/dagster"))
        address = settings.dagster_postgres_url
        assert address is not None and address.get_secret_value() == "postgresql://me@host/dagster"
    with pytest.raises(ValueError, match="ILK_DAGSTER_POSTGRES_URL"):
        Settings(dagster_postgres_url=SecretStr("mysql://me@host/dagster"))
