"""When a cycle runs by itself, under simulated time and a landing of the test's own."""

import json
import runpy
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import fsspec
import pytest

from orchestration.defs import automation, resources, survey_exports
from orchestration.defs.automation import (
    every_morning_of_the_window,
    landed_files,
    listed_cycles,
)
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.exports.faults import FAULTS
from orchestration.exports.pull_report import PullReport, Refusal
from orchestration.run_lock import RunInProgressError, run_lock
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import get_settings
from orchestration.stages import pull
from orchestration.stages.findings import StageError

JAKARTA = ZoneInfo("Asia/Jakarta")


def requested(day: str) -> list[str]:
    """Partitions that the schedule asks for that morning."""
    at = datetime.fromisoformat(f"{day}T07:05").replace(tzinfo=JAKARTA)
    return [each.partition_key for each in morning(at) if isinstance(each, dg.RunRequest)]


def morning(at: datetime) -> list[dg.RunRequest | dg.SkipReason]:
    context = dg.build_schedule_context(scheduled_execution_time=at)
    return list(every_morning_of_the_window(context))


@pytest.mark.parametrize(
    ("day", "cycles"),
    [
        ("2025-10-05", []),
        ("2025-10-06", ["ilk-2025-s2"]),
        ("2025-11-07", ["ilk-2025-s2"]),
        ("2025-11-08", ["ilk-2025-s2"]),
        ("2025-11-09", []),
    ],
    ids=["before", "opens", "closes", "day after", "two days after"],
)
def test_a_cycle_runs_each_morning_of_its_window_and_once_after_it(day: str, cycles: list[str]):
    assert requested(day) == cycles


def test_a_morning_in_jakarta_is_a_day_of_jakarta_and_comes_after_midnight_utc():
    """Windows close by UTC: on the morning after the last day, the scores are published."""
    minute, hour, *_ = str(every_morning_of_the_window.cron_schedule).split()
    at = datetime(2025, 11, 8, int(hour), int(minute), tzinfo=JAKARTA)
    assert at.astimezone(UTC).date() == at.date()
    before = datetime.fromisoformat("2025-10-05T23:55+00:00")
    keys = [each.run_key for each in morning(before) if isinstance(each, dg.RunRequest)]
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


def test_a_new_row_of_the_seed_becomes_a_cycle_of_dagsters_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seeds = tmp_path / "seeds"
    shutil.copytree(get_settings().seeds_dir, seeds)
    monkeypatch.setenv("ILK_SEEDS_DIR", str(seeds))
    get_settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:

        def known() -> list[str]:
            listed_cycles(dg.build_sensor_context(instance=instance))
            return list(instance.get_dynamic_partitions(str(SURVEY_CYCLES.name)))

        before = known()
        assert before == [cycle.cycle_id for cycle in read_cycles(seeds)], "by their opening"
        path = seeds / "survey_cycles.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        last = lines[-1].replace(before[-1], "ilk-2031-s1")
        path.write_text("\n".join([*lines, last, ""]), encoding="utf-8")
        assert known() == [*before, "ilk-2031-s1"]
        path.write_text("\n".join([*lines[:-1], ""]), encoding="utf-8")
        assert known() == [*before, "ilk-2031-s1"], "what is listed no more keeps its history"
    get_settings.cache_clear()


def test_what_was_made_of_a_cycle_before_cycles_were_dynamic_is_still_shown():
    """Earlier versions had a fixed list of the same names: their storage is read as it is."""
    old = dg.StaticPartitionsDefinition(["ilk-2025-s1", "ilk-2025-s2"])

    @dg.asset(key=["raw", "survey_responses"], partitions_def=old)
    def responses() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([responses], partition_key="ilk-2025-s1", instance=instance)
        instance.add_dynamic_partitions(str(SURVEY_CYCLES.name), ["ilk-2025-s1", "ilk-2025-s2"])
        made = instance.get_materialized_partitions(dg.AssetKey(["raw", "survey_responses"]))
        statuses = instance.get_status_by_partition(
            dg.AssetKey(["raw", "survey_responses"]), ["ilk-2025-s1", "ilk-2025-s2"], SURVEY_CYCLES
        )
    assert made == {"ilk-2025-s1"}
    assert statuses is not None
    assert [statuses[cycle] is not None for cycle in ("ilk-2025-s1", "ilk-2025-s2")] == [
        True,
        False,
    ]


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


def pulled(*codes: str) -> pull.Pulled:
    """A pull whose files are refused for these reasons; the cycle waits for others."""
    refused = tuple(Refusal(f"{code}.csv", code, "Wait.", "Tunggu.") for code in codes)
    report = PullReport("ilk-2025-s2", (), (), (), (), refused, (), (), 0)
    return pull.Pulled("ilk-2025-s2", report, (), "landing", "", is_unanswered=True)


def attempts(monkeypatch: pytest.MonkeyPatch, *outcomes: object, asked_again: int = 3) -> int:
    """How often a run pulls, where its attempts end so."""
    left = list(outcomes)

    def pull_exports(*_: object, **__: object) -> object:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(survey_exports, "pull_exports", pull_exports)
    monkeypatch.setattr(survey_exports, "_FIRST_WAIT", 0)
    nothing = dg.ResourceDefinition.none_resource()
    with dg.DagsterInstance.ephemeral() as instance:
        survey_exports.know_cycles(instance)
        dg.materialize(
            [survey_exports.pull],
            partition_key="ilk-2025-s2",
            instance=instance,
            resources={"run_lock": nothing, "lineage": nothing},
            run_config={"ops": {"pull": {"config": {"asked_again": asked_again}}}},
            raise_on_error=False,
        )
    return len(outcomes) - len(left)


@pytest.mark.parametrize("code", ["unreachable", "place_unreachable", "api_unreachable"])
def test_what_did_not_answer_is_asked_again_until_it_does(
    code: str, monkeypatch: pytest.MonkeyPatch
):
    assert FAULTS.keys() >= {code}
    assert attempts(monkeypatch, pulled(code), pulled(code), pulled()) == 3
    down = [pulled(code)] * 9
    assert attempts(monkeypatch, *down) == 4, "then the run goes on with what it has"
    assert attempts(monkeypatch, *down, asked_again=0) == 1, "a person asks again himself"


def test_bad_data_is_never_tried_again(monkeypatch: pytest.MonkeyPatch):
    assert attempts(monkeypatch, pulled("empty_file"), pulled()) == 1
    assert attempts(monkeypatch, StageError("seeds contradict themselves"), pulled()) == 1


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


def test_a_run_that_tells_in_json_tells_nothing_twice(monkeypatch: pytest.MonkeyPatch):
    def on_the_console() -> object:
        get_settings.cache_clear()
        job = runpy.run_path(automation.__file__)["survey_cycle"]
        return job.config and job.config["loggers"]

    assert on_the_console() is None
    monkeypatch.setenv("ILK_LOG_FORMAT", "json")
    assert on_the_console() == {"console": {"config": {"log_level": "ERROR"}}}
    monkeypatch.undo()
    get_settings.cache_clear()
