"""Is all of it alive? Asked from outside Dagster, of which nothing is imported or started.

Belongs here: what is looked at, and what a person is to do where it is red. Doesn't: printing
(health_command.py), telling anybody.

In Dagster a scheduler that is dead looks like one for which nothing was due: both are silent. So
red is said by somebody else, who reads what Dagster's daemon leaves in its storage.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from orchestration.auditing.held_cycles import held_cycles
from orchestration.auditing.run_records import BROKEN_OFF, FAILED, last_runs_of_cycles
from orchestration.cycles.fingerprints import cycle_fingerprint
from orchestration.durable_files import UnreadableFileError, read_json
from orchestration.exports.registry import READ, REFUSED, read_registry
from orchestration.exports.seed_files import read_sources
from orchestration.seeds.survey_cycles import SurveyCycle, read_cycles
from orchestration.settings import Settings
from orchestration.survey_days import local_day, start_of_day
from orchestration.words import FaultText, on_the_readers_clock

DAEMON, AUTOMATION, ARRIVALS, FILES, PUBLICATION, RUN, BACKUP = KINDS = (
    "daemon",
    "automation",
    "arrivals",
    "files",
    "publication",
    "run",
    "backup",
)

# They write once or twice a minute, but wait for a source that is slow to answer.
_HEARTBEAT_LIMIT = timedelta(minutes=10)
_DAEMONS = ("SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR")
_TICK_LIMITS = {
    "every_morning_of_the_window": timedelta(hours=25),
    "landed_files": timedelta(minutes=30),
}
# Each row is what Dagster serialized, whatever the database: its columns' times bear no zone.
_RUNS_STORE, _TICKS_STORE = "history/runs.db", "schedules/schedules.db"
_LAST_TICKS = """
select tick_body from job_ticks where id in (select max(id) from job_ticks group by selector_id)
"""
_DAYS_WITHOUT_FILES = 1  # where fresh_within_days of survey_sources.csv says nothing else
# Scores are published once the window has closed, by UTC: the schedule has that long for it.
_TIME_FOR_THE_CLOSE = timedelta(hours=1)

_WELL = {
    DAEMON: FaultText("Dagster's daemon is alive.", "Daemon Dagster hidup."),
    AUTOMATION: FaultText("It ticks.", "Berdetak."),
    ARRIVALS: FaultText("Files come in.", "Berkas berdatangan."),
    FILES: FaultText("No file is refused.", "Tidak ada berkas yang ditolak."),
    PUBLICATION: FaultText("What is published is current.", "Yang terbit terkini."),
    RUN: FaultText("The last run came to a good end.", "Proses terakhir berakhir baik."),
    BACKUP: FaultText(
        "The last good backup is young enough.", "Cadangan baik terakhir masih baru."
    ),
}
_RED = {
    DAEMON: FaultText(
        "Start Dagster's daemon, or look into its log: no sign of life {since}. Nothing runs by "
        "itself.",
        "Nyalakan daemon Dagster, atau lihat lognya: tanpa tanda hidup {sejak}. Tidak ada yang "
        "berjalan sendiri.",
    ),
    AUTOMATION: FaultText(
        "Switch {name} on in Dagster (Automation), or look into the daemon's log: no tick {since}.",
        "Nyalakan {name} di Dagster (Automation), atau lihat log daemon: tidak berdetak {sejak}.",
    ),
    ARRIVALS: FaultText(
        "Ask whether the survey is still open and its export still comes: nothing new {since}.",
        "Tanyakan apakah surveinya masih dibuka dan ekspornya masih dikirim: tidak ada yang baru "
        "{sejak}.",
    ),
    FILES: FaultText(
        "./ilk run {cycle_id}, and mend what its sentences name: {count} files are refused "
        "{since}. Their older versions, where there are any, stay in use.",
        "./ilk run {cycle_id}, dan perbaiki yang disebut kalimatnya: {count} berkas ditolak "
        "{sejak}. Versi lamanya, bila ada, tetap dipakai.",
    ),
    PUBLICATION: FaultText(
        "./ilk run {cycle_id}: files, seeds, code or key changed since it was published.",
        "./ilk run {cycle_id}: berkas, seed, kode, atau kunci berubah sejak terbit.",
    ),
    RUN: FaultText(
        "./ilk run {cycle_id}, and follow its sentences: its last run failed, {since}.",
        "./ilk run {cycle_id}, lalu ikuti kalimatnya: proses terakhirnya gagal, {sejak}.",
    ),
    BACKUP: FaultText(
        "Look at ilk-backup's timer and log (journalctl -u ilk-backup): no good backup {since}.",
        "Lihat pewaktu dan log ilk-backup (journalctl -u ilk-backup): tidak ada cadangan yang baik "
        "{sejak}.",
    ),
}
_FAULTY_TICK = FaultText(
    "Look at {name} in Dagster (Automation): its last tick failed, {since}: {error}",
    "Lihat {name} di Dagster (Automation): detak terakhirnya gagal, {sejak}: {error}",
)
_REMOVE_IT = (
    "Hapus {path}, lalu jalankan ilk-backup: ia menulisnya lagi. / Remove it, and run ilk-backup, "
    "which writes it again."
)
_UNREADABLE = FaultText(
    "Let Dagster's storage be read: {error}", "Pastikan penyimpanan Dagster terbaca: {error}"
)


@dataclass(frozen=True, kw_only=True)
class HealthFinding:
    """One thing that was looked at. `since`: when it turned red, where that is known; UTC."""

    name: str
    """One of KINDS; with `cycle_id`, and of `automation` its `about`, it tells findings apart."""
    cycle_id: str | None = None
    about: str | None = None
    is_red: bool
    sentence: FaultText
    since: datetime | None = None


def findings(
    settings: Settings, now: datetime, *, names: Iterable[str] = KINDS
) -> list[HealthFinding]:
    """Return what was found, red or well, in the order of KINDS; only that of `names`.

    `now` bears its zone. Nothing is written. Raises UnreadableFileError where a record of ours is
    damaged, SeedFileError, SeedError and ValueError where a seed can't be read.
    """
    looks = {
        DAEMON: _daemon,
        AUTOMATION: _automation,
        ARRIVALS: _arrivals,
        FILES: _files,
        PUBLICATION: _publication,
        RUN: _runs,
        BACKUP: _backup,
    }
    cycles = read_cycles(settings.seeds_dir)
    return [each for name in KINDS if name in names for each in looks[name](settings, cycles, now)]


def _daemon(settings: Settings, _: list[SurveyCycle], now: datetime) -> Iterator[HealthFinding]:
    try:
        bodies = _bodies(settings, _RUNS_STORE, "select body from daemon_heartbeats")
    except _UnreadableStorageError as error:
        yield _red(DAEMON, _UNREADABLE, error=error)
        return
    beats = {body["daemon_type"]: _instant(body["timestamp"]) for body in bodies}
    oldest = min((beats[each] for each in _DAEMONS if each in beats), default=None)
    if not beats.keys() >= {*_DAEMONS} or oldest is None or now - oldest > _HEARTBEAT_LIMIT:
        yield _red(DAEMON, since=oldest)
    else:
        yield _well(DAEMON)


def _automation(
    settings: Settings, cycles: list[SurveyCycle], now: datetime
) -> Iterator[HealthFinding]:
    """Schedule and sensor must tick while a cycle is open, and no tick at any time may fail."""
    try:
        states = _bodies(settings, _TICKS_STORE, "select instigator_body from instigators")
        ticks = _bodies(settings, _TICKS_STORE, _LAST_TICKS)
    except _UnreadableStorageError as error:
        yield _red(AUTOMATION, _UNREADABLE, error=error)
        return
    last = {tick["job_name"]: tick for tick in sorted(ticks, key=lambda tick: tick["timestamp"])}
    signs: dict[str, datetime] = {name: _instant(tick["timestamp"]) for name, tick in last.items()}
    for name, at in _switched_on(states):
        signs[name] = max(at, signs.get(name, at))
    is_open = any(cycle.opens_on <= local_day(now) <= cycle.closes_on for cycle in cycles)
    for name in sorted(signs.keys() | _TICK_LIMITS.keys()):
        seen, limit = signs.get(name), _TICK_LIMITS.get(name)
        if is_open and limit is not None and (seen is None or now - seen > limit):
            yield _red(AUTOMATION, about=name, since=seen)
        elif said := _failure(last.get(name), now):
            yield _red(AUTOMATION, _FAULTY_TICK, about=name, since=seen, error=said)
        elif seen is not None:
            yield _well(AUTOMATION, about=name)


def _switched_on(states: list[dict[str, Any]]) -> Iterator[tuple[str, datetime]]:
    """Yield when a schedule or sensor that is on was switched on: its first tick is to come."""
    for state in states:
        data = state["job_specific_data"] or {}
        started = data.get("start_timestamp") or data.get("last_sensor_start_timestamp")
        if started and state["status"]["__enum__"] != "InstigatorStatus.STOPPED":
            yield state["origin"]["job_name"], _instant(started)


def _failure(tick: dict[str, Any] | None, now: datetime) -> str:
    """Return the first line of what a tick that failed said, while there was time for no other."""
    if tick is None or tick["status"]["__enum__"] != "TickStatus.FAILURE":
        return ""
    if now - _instant(tick["timestamp"]) > max(_TICK_LIMITS.values()):
        return ""  # of one that is no more, or switched off
    said = (tick["error"] or {}).get("message", "")
    return next(iter(said.strip().splitlines()), "?")


def _arrivals(
    settings: Settings, cycles: list[SurveyCycle], now: datetime
) -> Iterator[HealthFinding]:
    """In its window a cycle gets new bytes each day, or as often as its seed says of a source."""
    today = local_day(now)
    in_window = [cycle for cycle in cycles if cycle.opens_on <= today <= cycle.closes_on]
    if not in_window:
        return
    limits: dict[str, int] = {}
    for source in read_sources(settings.seeds_dir):
        days = source.fresh_within_days or _DAYS_WITHOUT_FILES
        limits[source.cycle_id] = min(days, limits.get(source.cycle_id, days))
    came: dict[str, dict[str, datetime]] = {}
    for row in read_registry(settings.raw_dir).to_pylist():
        if row["status"] == READ:  # the same bytes again are nothing new
            pulled_at = row["pulled_at"].replace(tzinfo=UTC)
            came.setdefault(row["cycle_id"], {}).setdefault(row["sha256"], pulled_at)
    for cycle in in_window:
        newest = max(came.get(cycle.cycle_id, {}).values(), default=None)
        since = newest or start_of_day(cycle.opens_on)
        if (today - local_day(since)).days > limits.get(cycle.cycle_id, _DAYS_WITHOUT_FILES):
            yield _red(ARRIVALS, cycle_id=cycle.cycle_id, since=since)
        else:
            yield _well(ARRIVALS, cycle_id=cycle.cycle_id)


def _files(settings: Settings, cycles: list[SurveyCycle], _: datetime) -> Iterator[HealthFinding]:
    """A refused file keeps no other from being published, so its run ends well: told here."""
    current = [
        row for row in read_registry(settings.raw_dir).to_pylist() if row["superseded_by"] is None
    ]
    for cycle_id in [cycle.cycle_id for cycle in cycles]:
        of_cycle = [row for row in current if row["cycle_id"] == cycle_id]
        refused = [row["pulled_at"] for row in of_cycle if row["status"] == REFUSED]
        if refused:
            since = min(refused).replace(tzinfo=UTC)
            yield _red(FILES, cycle_id=cycle_id, since=since, count=len(refused))
        elif of_cycle:
            yield _well(FILES, cycle_id=cycle_id)


def _publication(
    settings: Settings, cycles: list[SurveyCycle], now: datetime
) -> Iterator[HealthFinding]:
    """What `ilk status` calls outdated, by what is shown: a run that is on has changed nothing."""
    shown = (read_json(settings.published_dir / "publication.json") or {}).get("fingerprint", {})
    for cycle in cycles:
        if cycle.cycle_id not in shown:
            continue
        current = cycle_fingerprint(settings, cycle.cycle_id)
        closed = datetime.combine(cycle.closes_on + timedelta(days=1), time(), UTC)
        is_due = not closed <= now < closed + _TIME_FOR_THE_CLOSE
        is_held = bool(held_cycles(settings, {cycle.cycle_id: current}))
        if is_due and not is_held and shown[cycle.cycle_id] != current:
            yield _red(PUBLICATION, cycle_id=cycle.cycle_id)
        else:
            yield _well(PUBLICATION, cycle_id=cycle.cycle_id)


def _runs(settings: Settings, _: list[SurveyCycle], __: datetime) -> Iterator[HealthFinding]:
    for cycle_id, run in sorted(last_runs_of_cycles(settings).items()):
        if run.outcome in (FAILED, BROKEN_OFF):
            ended = (run.finished_at or run.started_at).replace(tzinfo=UTC)
            yield _red(RUN, cycle_id=cycle_id, since=ended)
        else:
            yield _well(RUN, cycle_id=cycle_id)


def _backup(settings: Settings, _: list[SurveyCycle], now: datetime) -> Iterator[HealthFinding]:
    """Once asked for it is expected for ever. A restored folder is red till it is backed up too."""
    since = _noted(settings.backup_dir / "good_at") or _noted(settings.backup_dir / "asked_at")
    if since is None:
        return
    if now - since > timedelta(hours=settings.backup_within_hours):
        yield _red(BACKUP, since=since)
    else:
        yield _well(BACKUP)


def _noted(path: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(path.read_text(encoding="utf-8").strip()).astimezone(UTC)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UnreadableFileError(path, error, _REMOVE_IT.format(path=path)) from error


def _red(
    name: str,
    text: FaultText | None = None,
    *,
    cycle_id: str | None = None,
    about: str | None = None,
    since: datetime | None = None,
    error: object = "",
    count: int = 0,
) -> HealthFinding:
    at = on_the_readers_clock(since) if since else ""
    sentence = (text or _RED[name]).filled(
        cycle_id=cycle_id,
        name=about,
        since=f"since {at}" if at else "ever",
        sejak=f"sejak {at}" if at else "selama ini",
        error=error,
        count=count,
    )
    return HealthFinding(
        name=name, cycle_id=cycle_id, about=about, is_red=True, sentence=sentence, since=since
    )


def _well(name: str, *, cycle_id: str | None = None, about: str | None = None) -> HealthFinding:
    sentence = _WELL[name].filled(name=about)
    return HealthFinding(name=name, cycle_id=cycle_id, about=about, is_red=False, sentence=sentence)


class _UnreadableStorageError(Exception):
    """Dagster's storage can't be read; the message says why."""


def _bodies(settings: Settings, store: str, select: str) -> list[dict[str, Any]]:
    """Return what Dagster wrote of itself, as it wrote it: JSON, one a row of the first column."""
    if settings.dagster_postgres_url is not None:
        return _bodies_in_postgres(settings.dagster_postgres_url.get_secret_value(), select)
    path = settings.dagster_home / store
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as storage:
            return [json.loads(body) for (body,) in storage.execute(select)]
    except sqlite3.Error as error:
        raise _UnreadableStorageError(f"{path}: {error}") from error


def _bodies_in_postgres(url: str, select: str) -> list[dict[str, Any]]:
    try:
        import psycopg
    except ModuleNotFoundError as error:
        raise _UnreadableStorageError("ilk-warehouse[postgres]") from error
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            rows = connection.execute(select.encode()).fetchall()
    except psycopg.errors.UndefinedTable:  # no daemon was ever started on it
        return []
    except psycopg.Error as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise _UnreadableStorageError(f"PostgreSQL: {said[0]}") from error
    return [json.loads(body) for (body,) in rows]


def _instant(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
