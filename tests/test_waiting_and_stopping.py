"""Ends of a run that are no fault: nobody has answered yet, or it was asked to stop."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pyarrow.parquet
import pytest
import typer

from orchestration.cli import _stoppable
from orchestration.exports.registry import READ, ExportFile, Registry
from orchestration.run_lock import run_lock
from orchestration.settings import get_settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, ilk


@pytest.fixture
def seeds(tmp_path: Path) -> Callable[[date], Path]:
    """Seeds whose cycle ilk-2026-s2, for which no file has come, closes on a day."""

    def closing(day: date) -> Path:
        folder = tmp_path / "seeds"
        folder.mkdir()
        for path in (SAMPLE_SEEDS).glob("*.csv"):
            (folder / path.name).write_bytes(path.read_bytes())
        cycles = folder / "survey_cycles.csv"
        text, count = re.subn(
            r"(\nilk-2026-s2,.*?,)2026-11-02,2026-12-04(,)",
            rf"\g<1>{day.replace(day=1)},{day}\g<2>",
            cycles.read_text(encoding="utf-8"),
        )
        assert count == 1
        cycles.write_text(text, encoding="utf-8")
        return folder

    return closing


@pytest.fixture
def installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Path]]:
    """A data folder and a landing with nothing in them."""

    def make(seeds_dir: Path) -> Path:
        monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("ILK_LANDING_URL", str(tmp_path / "landing"))
        monkeypatch.setenv("ILK_SEEDS_DIR", str(seeds_dir))
        return tmp_path / "data"

    yield make
    get_settings.cache_clear()


def test_a_cycle_that_is_not_over_waits_for_its_first_file_and_that_is_no_failure(
    installation: Callable[[Path], Path], seeds: Callable[[date], Path]
) -> None:
    data_dir = installation(seeds(date(2099, 12, 31)))
    result = ilk("run", "ilk-2026-s2")
    assert result.exit_code == 0, result.output
    assert result.output.count("waiting for the first file") == 1
    assert "waiting for files" in result.output
    assert not re.search("Warning|Problem|Peringatan|Masalah", result.output)
    (run,) = [
        row
        for row in pyarrow.parquet.read_table(data_dir / "audit" / "runs.parquet").to_pylist()
        if row["cycle_id"] == "ilk-2026-s2"
    ]
    assert run["outcome"] == "waiting"
    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        (last,) = instance.get_run_records(limit=1)
        assert last.dagster_run.status == dg.DagsterRunStatus.SUCCESS


def test_a_cycle_that_is_over_without_a_file_has_failed(
    installation: Callable[[Path], Path], seeds: Callable[[date], Path]
) -> None:
    installation(seeds(date(2026, 6, 30)))
    result = ilk("run", "ilk-2026-s2")
    assert (result.exit_code, "no readable export" in result.output) == (1, True), result.output


def test_a_file_that_is_refused_is_no_reason_to_wait(
    installation: Callable[[Path], Path], seeds: Callable[[date], Path], tmp_path: Path
) -> None:
    installation(seeds(date(2099, 12, 31)))
    folder = tmp_path / "landing" / "ilk-2026-s2" / "gform"
    folder.mkdir(parents=True)
    (folder / "jawaban.csv").write_bytes(b"")
    result = ilk("run", "ilk-2026-s2")
    assert (result.exit_code, "waiting" in result.output) == (1, False), result.output


def test_an_export_that_was_taken_away_is_no_first_file_to_wait_for(
    installation: Callable[[Path], Path], seeds: Callable[[date], Path]
) -> None:
    data_dir = installation(seeds(date(2099, 12, 31)))
    registry = Registry(data_dir / "raw")
    registry.add(
        ExportFile(
            file_number=1,
            cycle_id="ilk-2026-s2",
            profile_id="ilk-gform",
            kind="survey_responses",
            source="a row that is no longer in the seed",
            name="ilk-2026-s2/old/jawaban.csv",
            sha256="0" * 64,
            bytes=1,
            pulled_at=datetime(2026, 11, 3),  # as the registry keeps it
            status=READ,
        )
    )
    registry.withdraw(registry.rows[0])
    registry.save()
    result = ilk("run", "ilk-2026-s2")
    assert (result.exit_code, "no readable export" in result.output) == (1, True), result.output


def test_sigterm_stops_a_run_that_a_shell_started_deaf_to_ctrl_c() -> None:
    # What `ilk run &` in a script does; the tests' own process may have been started otherwise.
    given = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in given.items()}
    try:
        with pytest.raises(typer.Exit) as ended, _stoppable():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ended.value.exit_code == 130


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGHUP, "raw/files/*"),
        (signal.SIGTERM, "warehouse.duckdb.wal"),
    ],
    ids=["terminal closed while pulling", "term while building"],
)
def test_a_run_that_the_system_stops_ends_as_with_ctrl_c(
    tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    data_dir = tmp_path / "data"
    run = subprocess.Popen(
        [str(Path(sys.executable).with_name("ilk")), "run", SAMPLE_CYCLES[0]],
        env=os.environ | {"ILK_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        # Tests under nohup hand on that it is ignored.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    while not any(data_dir.glob(moment)):
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(number)
    said, _ = run.communicate()
    assert run.returncode == 130, said
    assert f"\n{number.name}" in said, "whoever reads the log learns who stopped it"
    assert "Stopped. The last publication stays whole" in said
    assert not re.search("Traceback|Problem", said)
    assert [path for path in data_dir.rglob("*.tmp")] == []
    with run_lock(data_dir):
        pass
    (record,) = pyarrow.parquet.read_table(data_dir / "audit" / "runs.parquet").to_pylist()
    assert record["finished_at"] is not None
    with dg.DagsterInstance.from_config(str(data_dir / "dagster")) as instance:
        (last,) = instance.get_run_records()
        assert last.dagster_run.is_finished
