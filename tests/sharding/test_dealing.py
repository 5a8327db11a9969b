"""Dealing rows to shards: which files together, what a task that was lost or ran twice leaves."""

from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings
from orchestration.sharding.dealing import DealJob, deal, dealt_files, in_groups, in_parts
from orchestration.sharding.engine import Engine
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.workplace import Workplace

ROWS = "select n, n as deal_number from range(1000) as numbers (n)"


def dealt(folder: Path) -> list[int]:
    _, of_shards = dealt_files(folder, 3)
    files = [file for shard in of_shards for file in shard]
    found = duckdb.execute("select n from read_parquet(?) order by n", [files]).fetchall()
    return [n for (n,) in found]


def test_files_are_dealt_in_groups_of_nearly_as_many_rows_none_of_them_empty():
    rows = {"a": 90, "b": 50, "c": 40, "d": 0, "e": 0}
    assert in_groups(rows, 2) == (("a", "d", "e"), ("b", "c"))
    assert in_groups(rows, 9) == (("a",), ("b",), ("c",), ("d",), ("e",))
    assert in_groups({}, 2) == ()


def test_a_large_export_is_dealt_by_several_tasks_each_row_once(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("orchestration.sharding.dealing.FEWEST_OF_A_PART", 100)
    rows = {"large": 997, "small": 3}
    parts = in_parts(rows, 4)
    assert [part.sha256 for part in parts] == ["large"] * 4 + ["small"]
    assert in_parts({"large": 997}, 40) == in_parts({"large": 997}, 10)
    job = DealJob(
        staging=(
            '"warehouse"."staging"."exported"',
            "select 'large' as _file_sha256, n + 2 as _source_row, n from range(997) as made (n) "
            "union all select 'small', n - 990, n from range(997, 1000) as made (n)",
        ),
        query='select *, n as deal_number from "warehouse"."staging"."exported"',
        parts=in_groups(parts, 4),
        folder=tmp_path / "dealt",
        shards=3,
        engine=Engine("1GB", 1),
    )
    counts = [job(item) for item in range(len(job.parts))]
    assert len(counts) == 4
    assert min(counts) > 240
    assert dealt(tmp_path / "dealt") == list(range(1000))


def test_a_task_that_ran_twice_and_one_that_was_lost_deal_nothing_twice(tmp_path: Path):
    lost = tmp_path / ".00000-lost" / "rows" / "shard=1"
    lost.mkdir(parents=True)
    (lost / "data_0.parquet").write_bytes(b"PAR1, and then its machine was lost")
    (lost.parents[1] / "columns.parquet").write_bytes(b"")
    with duckdb.connect() as connection:
        for _ in range(2):
            assert deal(connection, ROWS, tmp_path / "00000", shards=3) == 1000
    assert dealt(tmp_path) == list(range(1000))
    columns, _ = dealt_files(tmp_path, 3)
    assert columns == (str(tmp_path / "00000" / "columns.parquet"),)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".00000-lost", "00000"]


def test_a_folder_that_cannot_be_moved_into_place_is_an_error(tmp_path: Path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "rename", full)
    with duckdb.connect() as connection, pytest.raises(OSError, match="no room"):
        deal(connection, ROWS, tmp_path / "00000", shards=3)


@pytest.mark.parametrize("has_links", [True, False])
def test_readings_are_lent_to_other_machines_whole_and_their_owners_alone(
    tmp_path: Path, monkeypatch, has_links
):
    settings = Settings(data_dir=tmp_path / "data", shard_dir=tmp_path / "shards")
    own = settings.raw_dir / "survey_responses" / "cycle_id=c1" / "ab.parquet"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"PAR1")
    if not has_links:

        def refused(*_: object) -> None:
            raise OSError("another disk")

        monkeypatch.setattr(Path, "hardlink_to", refused)
    workplace = Workplace(settings.shards_dir, LocalRunner())
    for _ in range(2):  # to the checks, and to the build
        lent_zone = workplace.lend(settings.raw_dir, "c1", ["ab"])
    lent = lent_zone / own.relative_to(settings.raw_dir)
    assert lent.read_bytes() == b"PAR1"
    assert lent.samefile(own) == has_links
    assert [path.name for path in lent.parent.iterdir()] == ["ab.parquet"]
    assert lent_zone.stat().st_mode & 0o077 == 0
    workplace.take_back()
    assert not lent_zone.exists()
    assert own.read_bytes() == b"PAR1"
