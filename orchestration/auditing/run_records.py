"""The records of runs and restatements: two small Parquet files that nothing can compute again.

Belongs here: `audit/runs.parquet`, one row a run, written when it starts and again when it ends,
and the empty `audit/restatements.parquet` that dbt needs before there is any. Doesn't: what a run
does. Whoever writes holds the run lock.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from orchestration.cycles.fingerprints import code_hash, code_version, raw_files, seeds_hash
from orchestration.durable_files import UnreadableFileError, read_record, whole_file
from orchestration.exports.place_urls import is_web, public_name
from orchestration.log_lines import at_work_on
from orchestration.run_lock import has_died
from orchestration.settings import Settings

logger = logging.getLogger("ilk.steps")

PUBLISHED = "published"
HELD_BACK = "held_back"  # published together with the cycles that the same command ran next
NOTHING_NEW = "nothing_new"
WAITING = "waiting"  # for the first file of a cycle that is not over
FAILED = "failed"
BROKEN_OFF = "broken_off"  # killed: it could not say how it ended
ROLLED_BACK = "rolled_back"  # no run: an earlier publication is shown again

_RUNS = pa.schema(
    [
        ("run_id", pa.string()),
        ("cycle_id", pa.string()),
        ("started_at", pa.timestamp("us")),
        ("finished_at", pa.timestamp("us")),
        ("outcome", pa.string()),
        ("publication_id", pa.string()),
        ("standing_cycles", pa.string()),
        ("code_version", pa.string()),
        ("code_hash", pa.string()),
        ("seeds_hash", pa.string()),
        ("input_files", pa.string()),
        ("steps", pa.string()),
    ]
)
RESTATEMENTS = pa.schema(
    [
        ("run_id", pa.string()),
        ("restated_at", pa.timestamp("us")),
        ("why", pa.string()),
        ("cycle_id", pa.string()),
        ("table_name", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_type", pa.string()),
        ("domain_id", pa.string()),
        ("component_type", pa.string()),
        ("service_id", pa.string()),
        ("perspective_id", pa.string()),
        ("item_id", pa.string()),
        ("row_name", pa.string()),
        ("figure_name", pa.string()),
        ("old_value", pa.float64()),
        ("new_value", pa.float64()),
        ("old_text", pa.string()),
        ("new_text", pa.string()),
        ("is_suppressed", pa.bool_()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A row of runs.parquet; times are UTC, `outcome` None while the run is on."""

    run_id: str
    cycle_id: str | None
    started_at: datetime
    code_version: str | None
    code_hash: str
    seeds_hash: str
    finished_at: datetime | None = None
    outcome: str | None = None
    publication_id: str | None = None
    standing_cycles: str | None = None
    """The cycles of the publication whose figures stayed as they stood, JSON."""
    input_files: str = "[]"
    steps: str = "[]"
    """What it did, in order: name, seconds and rows of each step, JSON."""


@dataclass
class Step:
    """A step that is on; whoever does it says how many rows it read or wrote."""

    rows: int | None = None


def start_run(settings: Settings, *, run_id: str, cycle_id: str | None) -> None:
    """Record that a run began; one that was killed before it is marked as broken off."""
    ensure_records(settings)
    _write(settings, [*_settled(settings), _begun(settings, run_id, cycle_id)])


def note_rollback(settings: Settings, *, run_id: str, publication_id: str) -> None:
    """Record that an earlier publication is about to be shown again."""
    ensure_records(settings)
    begun = _begun(settings, run_id, None)
    back = replace(
        begun, finished_at=begun.started_at, outcome=ROLLED_BACK, publication_id=publication_id
    )
    _write(settings, [*_settled(settings), back])


def published_runs(settings: Settings) -> dict[str, datetime]:
    """Return when each publication that ever was shown was made, UTC, by its id."""
    if not _path(settings).is_file():
        return {}
    return {
        run.publication_id: run.finished_at
        for run in _settled(settings)
        if run.outcome == PUBLISHED and run.publication_id and run.finished_at
    }


def recorded_runs(settings: Settings) -> list[RunRecord]:
    """Return all runs in order of their start, as they say. Raises UnreadableFileError."""
    return _read(settings) if _path(settings).is_file() else []


def last_runs_of_cycles(settings: Settings) -> dict[str, RunRecord]:
    """Return the last run of each cycle; `outcome` is None as long as its process lives.

    Raises UnreadableFileError.
    """
    runs = recorded_runs(settings)
    if runs:
        started_at = runs[-1].started_at.replace(tzinfo=UTC).timestamp()
        if has_died(settings.data_dir, runs[-1].run_id, started_at=started_at):
            runs = _settled(settings)
        elif runs[-1].outcome != FAILED:  # `ilk run` goes on to tell of it
            runs[-1] = replace(runs[-1], outcome=None)
    return {run.cycle_id: run for run in runs if run.cycle_id}


def _begun(settings: Settings, run_id: str, cycle_id: str | None) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        cycle_id=cycle_id,
        started_at=_now(),
        code_version=code_version(),
        code_hash=code_hash(),
        seeds_hash=seeds_hash(settings),
    )


def _settled(settings: Settings) -> list[RunRecord]:
    """Return the records with what was killed marked as broken off."""
    runs = [
        replace(run, outcome=BROKEN_OFF) if run.finished_at is None else run
        for run in _read(settings)
    ]
    if runs and _was_killed_before_the_swap(settings, runs[-1]):
        runs[-1] = replace(runs[-1], outcome=BROKEN_OFF, publication_id=None, standing_cycles=None)
    return runs


def _was_killed_before_the_swap(settings: Settings, last: RunRecord) -> bool:
    """Whether the last run said what it would publish, and that is not what is shown.

    A data folder brought back from a backup shows nothing: its records stay as they are.
    """
    return (
        last.outcome in (PUBLISHED, ROLLED_BACK)
        and (settings.data_dir / "publications").is_dir()
        and settings.published_dir.resolve().name != last.publication_id
    )


def note_outcome(
    settings: Settings,
    *,
    run_id: str,
    outcome: str,
    publication_id: str | None = None,
    standing_cycles: Sequence[str] = (),
) -> None:
    """Record what the run came to, as far as it got."""
    _change(
        settings,
        run_id,
        outcome=outcome,
        publication_id=publication_id,
        standing_cycles=json.dumps(list(standing_cycles)) if publication_id else None,
    )


@contextmanager
def recorded_step(settings: Settings, *, run_id: str, cycle_id: str, step: str) -> Iterator[Step]:
    """Record how long the block took and its rows, however it ends; its log lines name it.

    A run that keeps no record (one asset alone, in tests) has no steps either.
    """
    begun = time.monotonic()
    done = Step()
    try:
        with at_work_on(run_id=run_id, cycle_id=cycle_id, step=step):
            yield done
    finally:
        seconds = round(time.monotonic() - begun, 3)
        told = {"step": step, "seconds": seconds, "rows": done.rows}
        runs = recorded_runs(settings)
        for place, run in enumerate(runs):
            if run.run_id == run_id:
                steps = json.dumps([*json.loads(run.steps), told])
                runs[place] = replace(run, steps=steps)
                _write(settings, runs)
        logger.debug("%s: %s, %.1f s", cycle_id, step, seconds)


def finish_run(settings: Settings, *, run_id: str) -> None:
    """Record that a run ended, and the input files as it left them; failed if it said nothing."""
    _change(settings, run_id)


def has_failed(settings: Settings, *, run_id: str) -> bool:
    """Whether the run has not come to a good end: as it looks now, while it is on."""
    return not any(
        run.run_id == run_id and run.outcome in (PUBLISHED, HELD_BACK, NOTHING_NEW, WAITING)
        for run in _read(settings)
    )


def has_published(settings: Settings, *, run_id: str) -> bool:
    """Whether the run has published what it made: as it looks now, while it is on."""
    return any(run.run_id == run_id and run.outcome == PUBLISHED for run in _read(settings))


def ensure_records(settings: Settings) -> None:
    """Make the files that dbt reads where there are none yet, with all their columns.

    Raises UnreadableFileError.
    """
    path = _path(settings)
    runs = _read(settings) if path.is_file() else []
    if not path.is_file() or pa.parquet.read_schema(path).names != _RUNS.names:
        _write(settings, runs)  # an earlier version wrote it, or none
    try:
        read_record(restatements_path(settings), RESTATEMENTS)
        is_current = pa.parquet.read_schema(restatements_path(settings)).names == RESTATEMENTS.names
    except UnreadableFileError:  # or it isn't there
        is_current = False
    if not is_current:
        gather_restatements(settings)


def gather_restatements(settings: Settings) -> None:
    """Put the restatements of all final versions into the one file audit_restatements reads."""
    paths = sorted((settings.audit_dir / "final").glob("*/[0-9]*/restatements.parquet"))
    tables = [read_record(path, RESTATEMENTS) for path in paths]
    with whole_file(restatements_path(settings)) as temporary:
        pa.parquet.write_table(pa.concat_tables([RESTATEMENTS.empty_table(), *tables]), temporary)


def restatements_path(settings: Settings) -> Path:
    """Return where the numbers of final cycles that moved are listed."""
    return settings.audit_dir / "restatements.parquet"


def _change(
    settings: Settings,
    run_id: str,
    *,
    outcome: str | None = None,
    publication_id: str | None = None,
    standing_cycles: str | None = None,
) -> None:
    runs = _read(settings)
    place = next(place for place, run in enumerate(runs) if run.run_id == run_id)
    run = runs[place]
    files = raw_files(settings, [run.cycle_id]) if run.cycle_id else []
    runs[place] = replace(
        run,
        finished_at=_now(),
        outcome=outcome or run.outcome or FAILED,
        publication_id=publication_id if outcome else run.publication_id,
        standing_cycles=standing_cycles if outcome else run.standing_cycles,
        input_files=json.dumps(
            [{"name": file.name, "sha256": file.sha256, "status": file.status} for file in files]
        ),
    )
    _write(settings, runs)


def _read(settings: Settings) -> list[RunRecord]:
    rows = read_record(_path(settings), _RUNS).to_pylist()
    return [
        replace(
            RunRecord(**row),
            input_files=_in_public(row["input_files"]),
            steps=row["steps"] or "[]",  # of earlier versions
        )
        for row in rows
    ]


def _in_public(input_files: str | None) -> str:
    """Return the list with public names where earlier versions wrote addresses of the web."""
    if not input_files or not is_web(input_files):
        return input_files or "[]"
    files = json.loads(input_files)
    return json.dumps([{**file, "name": public_name(file["name"])} for file in files])


def _write(settings: Settings, runs: list[RunRecord]) -> None:
    table = pa.Table.from_pylist([asdict(run) for run in runs], schema=_RUNS)
    with whole_file(_path(settings)) as temporary:
        pa.parquet.write_table(table, temporary)


def _path(settings: Settings) -> Path:
    return settings.audit_dir / "runs.parquet"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
