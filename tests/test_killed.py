"""Killed (SIGKILL) at any moment and run again, a run publishes what an undisturbed one does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.cycles.fingerprints import models_hash
from orchestration.cycles.state import cycle_states
from orchestration.publishing.publication import table_checksums
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, Sample

# What a run leaves behind as it goes, in its order: it is killed as soon as each is there.
MOMENTS = {
    "while the first export is pulled": "raw/files/*",
    "when the raw zone's registry is written": "raw/export_files.parquet",
    "when dbt opens the warehouse": "warehouse.duckdb",
    "while dbt writes it": "warehouse.duckdb.wal",
    "while the publication is built": "publications/*building*",
    "when the first cycle is published": "published",
}


def start(data_dir: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("ilk")), "run", *SAMPLE_CYCLES],
        env=os.environ | {"ILK_DATA_DIR": str(data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_when(run: subprocess.Popen[bytes], data_dir: Path, pattern: str) -> bool:
    """Kill the run once a path below the data folder fits; False if it ended before."""
    while run.poll() is None:
        if any(data_dir.glob(pattern)):
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            for path in data_dir.glob("warehouse*"):  # what single persons answered
                assert path.stat().st_mode & 0o077 == 0, path
            return True
        time.sleep(0.005)
    return False


def test_a_run_killed_at_each_of_its_stages_ends_in_the_publication_of_an_undisturbed_run(
    sample: Sample, tmp_path: Path
) -> None:
    data_dir = tmp_path / "Data Ma'ruf, né à"  # as people name folders
    killed = [
        moment
        for moment, pattern in MOMENTS.items()
        if kill_when(start(data_dir), data_dir, pattern)
    ]
    assert killed == list(MOMENTS)
    assert start(data_dir).wait() == 0
    assert table_checksums(data_dir / "published" / "ilk.duckdb") == table_checksums(
        sample.database
    )


def test_a_cycle_that_broke_off_leaves_the_cycle_before_it_free_to_run(
    sample: Sample, own_sample: Callable[..., Settings]
) -> None:
    settings = own_sample()
    before, broken_off = SAMPLE_CYCLES
    states = cycle_states(settings)
    states.begin_build(broken_off, "broken off", seeds="older", models=models_hash())
    states.drop([before], why="seeds or code changed, both are to be run")
    with duckdb.connect(settings.warehouse) as connection:
        connection.execute("delete from indexes.idx_scores where cycle_id = ?", [broken_off])
    assert start(settings.data_dir).wait() == 0
    assert table_checksums(settings.published_dir / "ilk.duckdb") == table_checksums(
        sample.database
    )
