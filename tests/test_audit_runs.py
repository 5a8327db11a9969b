"""`audit_runs`: every run leaves its record, however it ends."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from orchestration.auditing.run_records import PUBLISHED, finish_run, note_outcome, start_run
from orchestration.cycles.fingerprints import code_hash, seeds_hash
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, Sample, ilk

FIRST, LAST = SAMPLE_CYCLES
OwnSample = Callable[..., Settings]


def records(settings: Settings) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "from read_parquet(?) order by started_at", [str(settings.audit_dir / "runs.parquet")]
        )
        names = [column for column, *_ in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def test_the_publication_holds_the_run_that_made_it_with_code_seeds_and_files(sample: Sample):
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        [(cycle_id, seeds, code, files, publication_id, is_in_order)] = connection.execute(
            "select cycle_id, seeds_hash, code_hash, input_files, publication_id,"
            " started_at < finished_at"
            " from audit_runs where outcome = 'published' order by started_at desc limit 1"
        ).fetchall()
    assert (cycle_id, is_in_order) == (LAST, True)
    assert (seeds, code) == (seeds_hash(sample.settings), code_hash())
    assert publication_id == sample.database.parent.name
    listed = json.loads(files)
    assert len(listed) == 4
    for file in listed:
        landed = Path(sample.settings.landing) / file["name"]
        assert hashlib.sha256(landed.read_bytes()).hexdigest() == file["sha256"]


def test_each_step_has_its_seconds_and_rows(sample: Sample):
    *_, last = records(sample.settings)
    steps = json.loads(last["steps"])
    assert [step["step"] for step in steps] == ["pull", "check", "build", "publish"]
    assert all(step["seconds"] > 0 and step["rows"] > 0 for step in steps)
    took = (last["finished_at"] - last["started_at"]).total_seconds()
    assert sum(step["seconds"] for step in steps) <= took
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        [(told,)] = connection.execute(
            "select steps from audit_runs where run_id = ?", [last["run_id"]]
        ).fetchall()
    assert json.loads(told) == steps[:3], "how long it takes to publish, no publication can hold"


def test_runs_that_publish_nothing_are_recorded_too(own_sample: OwnSample):
    settings = own_sample(ILK_LANDING_URL=str(own_sample().landing))
    before = len(records(settings))
    assert ilk("run", FIRST).exit_code == 0
    own_sample(ILK_PSEUDONYM_KEY="")  # as good as none: the export's identifiers can't be hashed
    assert ilk("run", FIRST).exit_code == 1
    nothing_new, failed = records(settings)[before:]
    assert (nothing_new["outcome"], failed["outcome"]) == ("nothing_new", "failed")
    for record in (nothing_new, failed):
        assert record["publication_id"] is None
        assert record["finished_at"] > record["started_at"]
        assert len(json.loads(record["input_files"])) == 4


def test_a_run_that_was_killed_is_marked_by_the_next_one(sample: Sample, tmp_path: Path):
    settings = sample.settings.model_copy(update={"data_dir": tmp_path})
    start_run(settings, run_id="killed", cycle_id=LAST)
    start_run(settings, run_id="next", cycle_id=LAST)
    finish_run(settings, run_id="next")
    killed, following = records(settings)
    assert (killed["outcome"], killed["finished_at"]) == ("broken_off", None)
    assert following["outcome"] == "failed"  # it never said that it did anything


def test_a_run_killed_before_the_swap_is_not_left_as_published(sample: Sample, tmp_path: Path):
    settings = sample.settings.model_copy(update={"data_dir": tmp_path})
    (tmp_path / "publications").mkdir()
    for run_id, shown in (("first", "one"), ("killed", "one"), ("next", "two"), ("last", "two")):
        start_run(settings, run_id=run_id, cycle_id=LAST)
        announced = "never shown" if run_id == "killed" else shown
        note_outcome(settings, run_id=run_id, outcome=PUBLISHED, publication_id=announced)
        settings.published_dir.unlink(missing_ok=True)
        settings.published_dir.symlink_to(Path("publications") / shown)
    ends = [(record["outcome"], record["publication_id"]) for record in records(settings)]
    assert ends == [
        ("published", "one"),
        ("broken_off", None),
        ("published", "two"),
        ("published", "two"),
    ]
