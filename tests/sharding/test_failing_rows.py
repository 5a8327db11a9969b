"""What a build says of rows that a model fails on (orchestration/sharding/failing_rows.py)."""

import duckdb
import pytest

from orchestration.dbt_build import CycleDbt, WarehouseBuildError
from orchestration.settings import Settings
from orchestration.sharding.build import ShardedBuild
from orchestration.sharding.dealing import DealJob, Part
from orchestration.sharding.engine import Engine
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.runners import TaskError
from orchestration.sharding.workplace import Workplace
from tests.sharding.failing_job import AS_NUMBERS, what_is_said


@pytest.mark.parametrize("processes", [1, 2])
def test_the_export_and_the_row_that_a_model_fails_on_are_named(tmp_path, processes):
    said, where = what_is_said(tmp_path, LocalRunner(processes)).splitlines()
    assert said.startswith(
        "pecahan 1 gagal, tidak ada yang terbit / shard 1 failed, nothing is published: as_numbers:"
    )
    assert where == "dari ekspor / of the exports: c1/p/3.csv, baris / row 17"
    assert list(tmp_path.glob("rows/.*")) == []


def test_exports_that_fail_together_alone_are_named_up_to_three(tmp_path):
    together = (
        "select if(count(distinct _file_sha256) > 4, error('five'), 0) as answer "
        "from warehouse.staging.answers"
    )
    assert what_is_said(tmp_path, LocalRunner(), model=together).splitlines()[1:] == [
        "dari ekspor / of the exports: c1/p/0.csv, c1/p/1.csv, c1/p/2.csv "
        "(dan 2 lainnya / and 2 more)"
    ]


@pytest.mark.parametrize(
    "model", ["select no_such_column from warehouse.staging.answers", f"{AS_NUMBERS} selct group"]
)
def test_no_export_is_blamed_for_a_model_that_fails_without_rows(tmp_path, model):
    said = what_is_said(tmp_path, LocalRunner(), model=model, shards=[1])
    assert "shard 1 failed" in said
    assert "\n" not in said


def test_no_export_is_blamed_where_what_is_right_finds_no_place(tmp_path):
    (tmp_path / "rows").touch()
    said = what_is_said(tmp_path, LocalRunner(), model=AS_NUMBERS, wrong=(9, 9), shards=[1])
    assert "shard 1 failed" in said
    assert "\n" not in said


def test_no_export_is_blamed_for_a_process_that_was_lost(tmp_path):
    class Lost:
        def map(self, task, items):
            raise TaskError(1, "its machine or process was lost")

    assert what_is_said(tmp_path, Lost()).endswith("its machine or process was lost")


def test_exports_that_cannot_be_dealt_are_named_and_no_shard(tmp_path):
    class Lost:
        def map(self, task, items):
            raise TaskError(1, "its machine or process was lost")

    settings = Settings(data_dir=tmp_path)
    with duckdb.connect(settings.warehouse) as warehouse:
        warehouse.execute(
            "create schema staging; create table staging.stg_raw__export_files as "
            "from (values ('c1/p/a.csv', 'a'), ('c1/p/b.csv', 'b'), ('c1/p/c.csv', 'c')) "
            "as made (name, sha256)"
        )
    job = DealJob(
        ("", ""),
        "",
        ((Part("a"),), (Part("b", 0, 9), Part("b", 9), Part("c"))),
        tmp_path,
        2,
        Engine("1GB", 1),
    )
    dbt = CycleDbt(settings, "c1", held=(), load_seeds=False)
    with pytest.raises(WarehouseBuildError) as raised:
        ShardedBuild(dbt, {}, Workplace(tmp_path, Lost()), 2)._map(job, (0, 1))
    assert str(raised.value).splitlines() == [
        "membagi ekspor gagal, tidak ada yang terbit / dealing the exports failed, nothing is "
        "published: its machine or process was lost",
        "dari ekspor / of the exports: c1/p/b.csv, c1/p/c.csv",
    ]


def test_a_shard_all_of_whose_rows_are_right_is_not_tried_again(tmp_path):
    assert what_is_said(tmp_path, LocalRunner(), model=AS_NUMBERS, wrong=(9, 9)) == ""
