"""When a cycle runs by itself, under simulated time and a landing of the test's own."""

import json
import shutil
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import fsspec
import pytest

from orchestration.defs import resources
from orchestration.defs.automation import every_morning_of_the_window, landed_files
from orchestration.exports.pull_report import PullReport
from orchestration.run_lock import RunInProgressError, run_lock
from orchestration.settings import get_settings
from orchestration.stages import pull

JAKARTA = ZoneInfo("Asia/Jakarta")


def requested(day: str) -> list[str]:
    """Partitions that the schedule asks for at six on that morning."""
    at = datetime.fromisoformat(f"{day}T06:00").replace(tzinfo=JAKARTA)
    context = dg.build_schedule_context(scheduled_execution_time=at)
    ticks = every_morning_of_the_window(context)
    return [tick.partition_key for tick in ticks if isinstance(tick, dg.RunRequest)]


@pytest.mark.parametrize(
    ("day", "cycles"),
    [
        ("2025-10-05", []),
        ("2025-10-06", ["ilk-2025-s2"]),
        ("2025-11-07", ["ilk-2025-s2"]),
        ("2025-11-08", ["ilk-2025-s2"]),
        ("2025-11-09", ["ilk-2025-s2"]),
        ("2025-11-10", []),
    ],
    ids=["before", "opens", "closes", "day after", "two days after", "three days after"],
)
def test_a_cycle_runs_each_morning_of_its_window_and_twice_after_it(day: str, cycles: list[str]):
    assert requested(day) == cycles


def test_six_in_jakarta_is_that_day_although_it_is_the_day_before_in_utc():
    at = datetime.fromisoformat("2025-10-05T23:00+00:00")
    context = dg.build_schedule_context(scheduled_execution_time=at)
    keys = [tick.run_key for tick in every_morning_of_the_window(context)]
    assert keys == ["ilk-2025-s2:2025-10-06"]


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ILK_LANDING_URL", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path / "ilk-2025-s2" / "gform"
    get_settings.cache_clear()


def tick(cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    with dg.DagsterInstance.ephemeral() as instance:
        result = landed_files(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def test_a_new_a_changed_and_a_withdrawn_file_each_ask_for_one_run(landing: Path):
    nothing = tick(None)
    assert isinstance(nothing, dg.SkipReason)

    landing.mkdir(parents=True)
    file = landing / "a.csv"
    file.write_text("Timestamp\n1\n", encoding="utf-8")
    new = tick(None)
    assert isinstance(new, dg.SensorResult)
    assert [request.partition_key for request in new.run_requests or []] == ["ilk-2025-s2"]
    assert isinstance(tick(new.cursor), dg.SkipReason)

    file.write_text("Timestamp\n1\n2\n", encoding="utf-8")
    changed = tick(new.cursor)
    assert isinstance(changed, dg.SensorResult)

    file.unlink()
    withdrawn = tick(changed.cursor)
    assert isinstance(withdrawn, dg.SensorResult)
    keys = [result.run_requests[0].run_key for result in (new, changed, withdrawn)]
    assert len(set(keys)) == 3


@pytest.fixture
def another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second source of the cycle beside those of the seeds: a folder elsewhere, by URL."""
    seeds, folder = tmp_path / "seeds", tmp_path / "elsewhere"
    shutil.copytree(get_settings().seeds_dir, seeds)
    folder.mkdir()
    with (seeds / "survey_sources.csv").open("a", encoding="utf-8") as file:
        file.write(f"ilk-2025-s2,gform,landing,memory://{folder}/*\n")
    monkeypatch.setenv("ILK_SEEDS_DIR", str(seeds))
    get_settings.cache_clear()
    return folder


def test_a_place_that_is_down_holds_no_cycle_and_tells_of_no_file(
    landing: Path, another_place: Path, monkeypatch: pytest.MonkeyPatch
):
    memory = fsspec.filesystem("memory")
    memory.pipe(f"{another_place}/b.csv", b"Timestamp\n1\n")
    first = tick(None)
    assert isinstance(first, dg.SensorResult)

    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "ls", lambda *_, **__: 1 / 0)
        down = tick(first.cursor)
        assert isinstance(down, dg.SkipReason)
        assert "Check the location in survey_sources.csv" in str(down.skip_message)
        landing.mkdir(parents=True)
        (landing / "a.csv").write_text("Timestamp\n1\n", encoding="utf-8")
        dropped = tick(first.cursor)
        assert isinstance(dropped, dg.SensorResult)
    assert isinstance(tick(dropped.cursor), dg.SkipReason), "as it was before it was down"
    memory.rm(f"{another_place}/b.csv")
    assert isinstance(tick(dropped.cursor), dg.SensorResult)


def test_a_landing_that_is_down_raises_nothing_and_is_no_empty_one(
    landing: Path, monkeypatch: pytest.MonkeyPatch
):
    landing.mkdir(parents=True)
    (landing / "a.csv").write_text("Timestamp\n1\n", encoding="utf-8")
    first = tick(None)
    assert isinstance(first, dg.SensorResult)
    with monkeypatch.context() as patched:
        patched.setattr(type(fsspec.filesystem("file")), "ls", lambda *_, **__: 1 / 0)
        patched.setattr(type(fsspec.filesystem("file")), "info", lambda *_, **__: 1 / 0)
        down = tick(first.cursor)
    assert isinstance(down, dg.SkipReason)
    assert "ILK_LANDING_URL" in str(down.skip_message)
    assert isinstance(tick(first.cursor), dg.SkipReason)


def test_the_cursor_of_an_earlier_version_asks_for_one_run(landing: Path):
    landing.mkdir(parents=True)
    (landing / "a.csv").write_text("Timestamp\n1\n", encoding="utf-8")
    result = tick(json.dumps({"ilk-2025-s2": ["0" * 64, 3]}))
    assert isinstance(result, dg.SensorResult)
    assert [request.run_key.split(":")[1] for request in result.run_requests or []] == ["4"]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def test_a_stale_source_is_told_with_its_remedy_and_its_last_pull(
    data_dir: Path, another_place: Path
):
    path = get_settings().seeds_dir / "survey_sources.csv"
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{first},fresh_within_days", *(f"{row}," for row in rows[:-1])]
    path.write_text("\n".join([*lines, f"{rows[-1]},7", ""]), encoding="utf-8")
    opened = datetime.fromisoformat("2025-10-06T08:00+07:00")
    assert pull._stale(get_settings(), "ilk-2025-s2", opened + timedelta(days=7)) == ""
    told = pull._stale(get_settings(), "ilk-2025-s2", opened + timedelta(days=8))
    assert told.startswith(f"memory://{another_place}/*: periksa apakah survei")
    assert "8 hari tanpa yang baru (batas 7), belum pernah ada. / Check" in told
    assert "8 days without anything new (limit 7), nothing ever came." in told
    assert "\n" not in told


def test_what_has_no_file_is_told_with_where_it_would_lie():
    """Below the landing, or on the web, whose server knows no such address."""
    sheet = "https://docs.google.com/...#3fa1b2c4"
    empty = PullReport("c1", (), (), (), (), (), (), ("c1/p/*", sheet, "kobo:aX7"), 0)
    told = pull._missing(empty, "/srv/landing")
    assert f"No file or response for /srv/landing/c1/p/*, {sheet}, kobo:aX7 (survey" in told
    assert "check the link" in told and "periksa tautannya" in told
    below = pull._missing(replace(empty, missing_sources=("c1/p/*",)), "/srv/landing")
    assert "check the link" not in below and "stays in use" in below


@dg.op(required_resource_keys={"run_lock"})
def do_nothing() -> None: ...


@dg.job(resource_defs={"run_lock": resources.RunLock()})
def locked() -> None:
    do_nothing()


def test_a_run_waits_for_the_one_that_is_on_but_not_for_ever(data_dir: Path):
    is_held, may_go, order = threading.Event(), threading.Event(), list[str]()

    def other_run() -> None:
        with run_lock(data_dir):
            is_held.set()
            may_go.wait(30)
            order.append("other")

    other = threading.Thread(target=other_run)
    other.start()
    is_held.wait(30)
    timer = threading.Timer(0.5, may_go.set)
    timer.start()
    assert locked.execute_in_process().success
    order.append("waited")
    other.join()
    assert order == ["other", "waited"]

    with (
        run_lock(data_dir),
        pytest.raises(RunInProgressError, match="wait for it to end"),
        run_lock(data_dir, patience=0.1),
    ):
        pass
