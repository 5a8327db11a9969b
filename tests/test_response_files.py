"""Responses in files beside the warehouse: whose they are, what happens where they are lost.

Relations over them: test_materializations.py; what forgetting takes out: privacy/.
"""

import re
from pathlib import Path

import pytest

from orchestration.cycles.state import cycle_states
from orchestration.publishing.publication import table_checksums
from orchestration.response_files import ResponseFiles, ResponseFilesError
from orchestration.settings import Settings
from tests.small_cycle import SmallCycle


def test_two_data_folders_do_not_share_one_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    files = ResponseFiles(tmp_path / "shards" / "responses")
    files.claim(one)
    files.claim(one)
    with pytest.raises(ResponseFilesError, match=f"ILK_SHARD_DIR: .* belongs to {one}"):
        files.claim(other)
    one.rename(tmp_path / "moved")  # it is nobody's then
    files.claim(tmp_path / "moved")
    files.claim(tmp_path / "moved")


def test_a_cycle_in_shards_publishes_what_it_does_whole_is_traced_and_told_lost(
    tmp_path: Path,
) -> None:
    """In processes of this machine; on Spark: spark/."""
    small = SmallCycle(tmp_path / "ilk's")
    answers = (
        f"{n},2025-10-{n % 28 + 1:02} 09:00,{n % 57},{'AB'[n % 2]},{n % 4 + 1},{n // 3 % 4 + 1}"
        for n in range(60)
    )
    small.drop("c1/p/a.csv", answers)

    def published(**environment: str) -> dict[str, str]:
        done = small.run("c1", environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return table_checksums(small.data / "published" / "ilk.duckdb")

    in_shards = published(ILK_SHARDS="3", ILK_SHARD_PROCESSES="2")
    settings = Settings(data_dir=small.data)
    assert not settings.shards_dir.exists()
    files = settings.response_files.found("responses_answered", "c1")
    assert [path.name for path in files] == ["00000.parquet", "00001.parquet", "00002.parquet"]
    modes = {path.stat().st_mode & 0o777 for path in settings.response_files.folder.rglob("*")}
    assert modes == {0o600, 0o700}

    def traced() -> str:
        done = small.start("trace", "c1", "--file", "a.csv", "--row", "9").wait()
        return done.stdout + done.stderr

    assert re.search(r"valid +4 +4,0000 +B", traced())
    moved = small.data.rename(tmp_path / "moved")
    here = {"ILK_DATA_DIR": str(moved), "ILK_LANDING_URL": str(moved / "landing")}
    trace = ("trace", "c1", "--file", "a.csv", "--row", "9")
    assert "was moved; run it first" in small.start(*trace, environment=here).wait().stderr
    assert small.start("run", "c1", environment=here).wait().returncode == 0  # nothing is new
    assert "4,0000" in small.start(*trace, environment=here).wait().stdout
    moved.rename(small.data)
    settings.response_files.follow(settings.warehouse)

    kept = files[1].read_bytes()
    files[1].write_bytes(kept[:-9])
    lost = r"ILK_SHARD_DIR.*\n.*1 .* damaged: responses_answered/cycle_id=c1/00001\.parquet"
    assert re.search(lost, traced())
    cycle_states(settings).release("c1")  # so that it is built again
    done = small.run("c1")
    assert done.returncode == 1
    assert re.search(lost, done.stdout + done.stderr)
    files[1].write_bytes(kept)
    assert published() == in_shards
    assert not [*settings.response_files.folder.rglob("*.parquet")]
    assert small.warehouse("select count(*) from marts.fct_responses") == [(60,)]
