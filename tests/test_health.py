"""Is it alive: each thing that is looked at, red and well, over Dagster's own storage and ours.

Belongs here: what `ilk health` finds, its exit code and JSON. Doesn't: who is told of it.
"""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo
from typer.testing import CliRunner

from orchestration.auditing import run_records
from orchestration.auditing.run_records import FAILED, PUBLISHED, note_outcome, start_run
from orchestration.cli import app
from orchestration.cycle_run import _instance
from orchestration.cycles.fingerprints import cycle_fingerprint
from orchestration.exports.registry import READ, REFUSED, ExportFile, Registry
from orchestration.health import HealthFinding, findings
from orchestration.run_lock import show_alive
from orchestration.settings import Settings, get_settings

IN_THE_WINDOW = datetime(2025, 10, 20, 8, 0, tzinfo=UTC)
OUTSIDE = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
SCHEDULE, SENSOR = "every_morning_of_the_window", "landed_files"
REQUIRED = ("SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    seeds = tmp_path / "seeds"
    shutil.copytree(get_settings().seeds_dir, seeds)
    return Settings(data_dir=tmp_path / "data", seeds_dir=seeds)


@pytest.fixture
def storage(settings: Settings):
    with _instance(settings) as instance:
        yield instance


def beat(instance: dg.DagsterInstance, at: datetime, *names: str) -> None:
    for name in names:
        instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), name, "a-daemon", []))


def origin(name: str) -> RemoteInstigatorOrigin:
    return RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ours"), "ours"), name
    )


def tick(
    instance: dg.DagsterInstance,
    name: str,
    at: datetime,
    status: TickStatus = TickStatus.SKIPPED,
    error: str | None = None,
) -> None:
    kind = InstigatorType.SCHEDULE if name == SCHEDULE else InstigatorType.SENSOR
    instance.create_tick(
        TickData(
            instigator_origin_id=origin(name).get_id(),
            instigator_name=name,
            instigator_type=kind,
            status=status,
            timestamp=at.timestamp(),
            selector_id=origin(name).get_selector().get_id(),
            error=SerializableErrorInfo(error, [], None) if error else None,
        )
    )


def switch(instance: dg.DagsterInstance, name: str, at: datetime, status: InstigatorStatus) -> None:
    instance.add_instigator_state(
        InstigatorState(
            origin(name),
            InstigatorType.SCHEDULE,
            status,
            ScheduleInstigatorData("0 0 * * *", start_timestamp=at.timestamp()),
        )
    )


def red(settings: Settings, now: datetime, name: str) -> list[str | None]:
    """The cycles, schedules and sensors that are red, in order."""
    found = findings(settings, now, names=[name])
    return [each.about or each.cycle_id or each.name for each in found if each.is_red]


def only(settings: Settings, now: datetime, name: str) -> HealthFinding:
    (found,) = findings(settings, now, names=[name])
    return found


def test_a_daemon_that_never_was_and_one_that_fell_silent_are_red(
    settings: Settings, storage: dg.DagsterInstance
):
    assert only(settings, OUTSIDE, "daemon").is_red, "no storage, or an empty one"
    beat(storage, OUTSIDE - timedelta(minutes=9), *REQUIRED[:2])
    assert only(settings, OUTSIDE, "daemon").is_red, "no run would ever be launched"
    beat(storage, OUTSIDE - timedelta(minutes=9), *REQUIRED)
    assert not only(settings, OUTSIDE, "daemon").is_red
    later = only(settings, OUTSIDE + timedelta(minutes=2), "daemon")
    assert later.is_red
    assert later.since == OUTSIDE - timedelta(minutes=9)
    assert "Nyalakan daemon Dagster" in later.sentence.id


def test_a_scheduler_alone_that_fell_silent_is_red(settings: Settings, storage: dg.DagsterInstance):
    beat(storage, OUTSIDE, *REQUIRED)
    beat(storage, OUTSIDE - timedelta(hours=1), "SCHEDULER")
    assert only(settings, OUTSIDE, "daemon").since == OUTSIDE - timedelta(hours=1)


def test_a_storage_that_cannot_be_read_is_red_and_says_so(settings: Settings):
    for store in ("history/runs.db", "schedules/schedules.db"):
        path = settings.dagster_home / store
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no database" * 100)
    for name in ("daemon", "automation"):
        found = only(settings, OUTSIDE, name)
        assert found.is_red
        assert "file is not a database" in found.sentence.en


def test_nothing_is_due_and_the_scheduler_is_dead_are_told_apart(
    settings: Settings, storage: dg.DagsterInstance
):
    assert red(settings, OUTSIDE, "automation") == [], "no cycle is open: both may be off"
    assert red(settings, IN_THE_WINDOW, "automation") == [SCHEDULE, SENSOR], "never on"
    tick(storage, SCHEDULE, IN_THE_WINDOW - timedelta(hours=24))
    tick(storage, SENSOR, IN_THE_WINDOW - timedelta(minutes=29))
    assert red(settings, IN_THE_WINDOW, "automation") == []
    assert red(settings, IN_THE_WINDOW + timedelta(minutes=5), "automation") == [SENSOR]
    assert red(settings, IN_THE_WINDOW + timedelta(hours=2), "automation") == [SCHEDULE, SENSOR]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(InstigatorStatus.RUNNING, [SENSOR]), (InstigatorStatus.STOPPED, [SCHEDULE, SENSOR])],
)
def test_what_was_switched_on_an_hour_ago_has_its_first_tick_to_come(
    settings: Settings,
    storage: dg.DagsterInstance,
    status: InstigatorStatus,
    expected: list[str],
):
    switch(storage, SCHEDULE, IN_THE_WINDOW - timedelta(hours=1), status)
    assert red(settings, IN_THE_WINDOW, "automation") == expected


def test_a_tick_that_failed_is_red_at_any_time_with_what_it_said(
    settings: Settings, storage: dg.DagsterInstance
):
    tick(storage, SCHEDULE, OUTSIDE, TickStatus.FAILURE, "the {code} can't be loaded\nat line 1")
    (found,) = [each for each in findings(settings, OUTSIDE, names=["automation"]) if each.is_red]
    assert found.sentence.en.endswith("the {code} can't be loaded")
    tick(storage, SCHEDULE, OUTSIDE + timedelta(minutes=1))
    assert red(settings, OUTSIDE, "automation") == []


def arrive(settings: Settings, at: datetime, content: str, status: str = READ) -> None:
    registry = Registry(settings.raw_dir)
    registry.add(
        ExportFile(
            file_number=1,
            cycle_id="ilk-2025-s2",
            profile_id="gform",
            kind="responses",
            source="ilk-2025-s2/gform/*",
            name="a.csv",
            sha256=content * 64,
            bytes=1,
            pulled_at=at.replace(tzinfo=None),
            status=status,
        )
    )
    registry.save()


@pytest.mark.parametrize(
    ("came", "today", "is_red"),
    [
        ("2025-10-18T20:00", "2025-10-20T16:00", False),  # Sunday and Monday, on Jakarta's clock
        ("2025-10-18T20:00", "2025-10-20T17:30", True),
        ("2025-10-18T16:00", "2025-10-20T16:00", True),
    ],
)
def test_a_cycle_in_its_window_that_got_nothing_since_yesterday_is_red(
    settings: Settings, came: str, today: str, is_red: bool
):
    arrive(settings, datetime.fromisoformat(f"{came}+00:00"), "a")
    found = only(settings, datetime.fromisoformat(f"{today}+00:00"), "arrivals")
    assert (found.cycle_id, found.is_red) == ("ilk-2025-s2", is_red)


def test_a_refused_file_is_red_until_it_was_read_or_taken_away(settings: Settings):
    assert findings(settings, OUTSIDE, names=["files"]) == []
    at = IN_THE_WINDOW - timedelta(days=1)
    arrive(settings, at, "a")
    assert not only(settings, OUTSIDE, "files").is_red
    arrive(settings, at + timedelta(hours=1), "b", REFUSED)
    found = only(settings, OUTSIDE, "files")
    assert (found.cycle_id, found.is_red, found.since) == (
        "ilk-2025-s2",
        True,
        at + timedelta(hours=1),
    )
    assert "1 files are refused" in found.sentence.en
    assert "a.csv" not in found.sentence.en, "alerts tell it on, and people name files"
    arrive(settings, at + timedelta(hours=2), "c")
    assert not only(settings, OUTSIDE, "files").is_red


def test_the_same_bytes_again_and_a_refused_file_are_nothing_new(settings: Settings):
    arrive(settings, IN_THE_WINDOW - timedelta(days=5), "a")
    arrive(settings, IN_THE_WINDOW, "a")
    arrive(settings, IN_THE_WINDOW, "b", status="refused")
    assert only(settings, IN_THE_WINDOW, "arrivals").since == IN_THE_WINDOW - timedelta(days=5)
    arrive(settings, IN_THE_WINDOW, "c")
    assert not only(settings, IN_THE_WINDOW, "arrivals").is_red


def test_arrivals_are_waited_for_from_the_second_day_to_the_last_and_as_the_seed_says(
    settings: Settings,
):
    def on(day: int) -> list[str | None]:
        return red(settings, datetime(2025, 10, day, 3, tzinfo=UTC), "arrivals")

    assert (on(5), on(7), on(8)) == ([], [], ["ilk-2025-s2"])
    path = settings.seeds_dir / "survey_sources.csv"
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join([f"{first},fresh_within_days", *(f"{row},4" for row in rows), ""]),
        encoding="utf-8",
    )
    assert (on(10), on(11)) == ([], ["ilk-2025-s2"])


def show(settings: Settings, **fingerprints: str) -> None:
    settings.published_dir.mkdir(parents=True, exist_ok=True)
    shown = {cycle.replace("_", "-"): made_from for cycle, made_from in fingerprints.items()}
    (settings.published_dir / "publication.json").write_text(
        json.dumps({"fingerprint": shown}), encoding="utf-8"
    )


def test_a_publication_that_is_older_than_its_inputs_is_red(settings: Settings):
    assert findings(settings, OUTSIDE, names=["publication"]) == [], "none yet"
    now = datetime.now(UTC)
    show(settings, ilk_2025_s1=cycle_fingerprint(settings, "ilk-2025-s1"), ilk_2025_s2="other")
    assert red(settings, now, "publication") == ["ilk-2025-s2"]
    closed = datetime(2025, 11, 8, tzinfo=UTC)
    assert red(settings, closed + timedelta(minutes=59), "publication") == []
    assert red(settings, closed + timedelta(minutes=61), "publication") == ["ilk-2025-s2"]


def test_the_last_run_of_a_cycle_that_failed_or_was_killed_is_red_until_one_goes_through(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    start_run(settings, run_id="one", cycle_id="ilk-2025-s1")
    note_outcome(settings, run_id="one", outcome=FAILED)
    start_run(settings, run_id="two", cycle_id="ilk-2025-s2")
    note_outcome(settings, run_id="two", outcome=PUBLISHED)
    assert red(settings, OUTSIDE, "run") == ["ilk-2025-s1"]
    begun = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=5)
    monkeypatch.setattr(run_records, "_now", lambda: begun)
    start_run(settings, run_id="three", cycle_id="ilk-2025-s1")
    show_alive(settings.data_dir, "three")
    assert red(settings, OUTSIDE, "run") == [], "it is on"
    (settings.dagster_home / "alive" / "three").unlink()  # as its process's end would unlock it
    (killed,) = [each for each in findings(settings, OUTSIDE, names=["run"]) if each.is_red]
    assert (killed.cycle_id, killed.since) == ("ilk-2025-s1", begun.replace(tzinfo=UTC))


def test_a_run_that_has_failed_is_red_before_its_process_ends(settings: Settings):
    start_run(settings, run_id="one", cycle_id="ilk-2025-s1")
    show_alive(settings.data_dir, "one")
    note_outcome(settings, run_id="one", outcome=PUBLISHED)
    assert red(settings, OUTSIDE, "run") == [], "it is noted before the swap"
    note_outcome(settings, run_id="one", outcome=FAILED)
    assert red(settings, OUTSIDE, "run") == ["ilk-2025-s1"]


def test_the_command_ends_in_one_where_anything_is_red_and_speaks_json(
    settings: Settings, storage: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ILK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("ILK_SEEDS_DIR", str(settings.seeds_dir))
    get_settings.cache_clear()
    run = CliRunner().invoke
    try:
        dead = run(app, ["health", "--json", "--only", "daemon"])
        beat(storage, datetime.now(UTC), *REQUIRED)
        alive = run(app, ["health", "--only", "daemon"])
        unknown = run(app, ["health", "--only", "demon"])
    finally:
        get_settings.cache_clear()
    said = json.loads(dead.stdout)
    assert (dead.exit_code, said["is_red"]) == (1, True)
    (finding,) = said["findings"]
    assert {*finding} == {"name", "cycle_id", "about", "is_red", "sentence", "since"}
    assert {*finding["sentence"]} == {"id", "en"}
    assert (alive.exit_code, unknown.exit_code) == (0, 2)
    assert "baik/well daemon" in alive.stdout
