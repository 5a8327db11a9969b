"""A run whose process is gone is closed, so that Dagster launches others; a living one is not.

Belongs here: what Dagster believes of killed runs. Doesn't: what they leave in the data folder
(test_killed.py).
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from orchestration.cycle_run import _close_dead_runs, _instance
from orchestration.run_lock import DIED, has_died, show_alive
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES

STARTED, FAILED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
SHOW = (
    "import sys; from pathlib import Path; from orchestration.run_lock import show_alive;"
    " show_alive(Path(sys.argv[1]), sys.argv[2]); print('alive', flush=True); input()"
)


def test_a_run_has_died_once_its_process_is_gone_however_it_went(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(tmp_path), "a-run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == b"alive\n"
        assert not has_died(tmp_path, "a-run", started_at=0)
        process.kill()
    assert has_died(tmp_path, "a-run", started_at=time.time())


def test_a_run_that_started_just_now_may_not_have_shown_itself(tmp_path: Path) -> None:
    assert not has_died(tmp_path, "a-run", started_at=time.time() - 5)
    assert has_died(tmp_path, "a-run", started_at=time.time() - 3600)


def note_started(instance: dg.DagsterInstance) -> str:
    run_id = str(uuid.uuid4())
    instance.add_run(dg.DagsterRun(job_name="survey_cycle", run_id=run_id, status=STARTED))
    return run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_what_a_killed_run_left_is_closed_by_the_next_and_a_run_that_waits_is_left_alone(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        killed, waiting = note_started(instance), note_started(instance)
        show_alive(tmp_path, waiting)
        _close_dead_runs(settings, instance)
        assert (status(instance, killed), status(instance, waiting)) == (FAILED, STARTED)
        (event,) = instance.all_logs(killed, dg.DagsterEventType.RUN_FAILURE)
        assert event.get_dagster_event().message == DIED


@pytest.fixture
def daemon() -> Callable[[Path], subprocess.Popen[bytes]]:
    def start(data_dir: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                str(Path(sys.executable).with_name("dagster-daemon")),
                *("run", "-m", "orchestration.definitions"),
            ],
            env=os.environ
            | {"ILK_DATA_DIR": str(data_dir), "DAGSTER_HOME": str(data_dir / "dagster")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    return start


def test_a_daemon_that_starts_after_a_power_cut_closes_the_run_that_it_cut_off(
    tmp_path: Path, daemon: Callable[[Path], subprocess.Popen[bytes]]
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    run = subprocess.Popen(
        [str(Path(sys.executable).with_name("ilk")), "run", SAMPLE_CYCLES[0]],
        env=os.environ | {"ILK_DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not any(settings.data_dir.glob("raw/files/*")):  # Dagster has it as started
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    with _instance(settings) as instance:
        (killed,) = [record.dagster_run.run_id for record in instance.get_run_records()]
        assert status(instance, killed) == STARTED
        watching = daemon(settings.data_dir)
        try:
            until = time.monotonic() + 300
            while status(instance, killed) == STARTED and time.monotonic() < until:
                assert watching.poll() is None
                time.sleep(0.5)
        finally:
            os.killpg(watching.pid, signal.SIGKILL)
            watching.wait()
        assert status(instance, killed) == FAILED
        (event,) = instance.all_logs(killed, dg.DagsterEventType.RUN_FAILURE)
        assert DIED in str(event.get_dagster_event().message)
