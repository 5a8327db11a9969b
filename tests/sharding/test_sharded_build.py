"""A cycle built in shards against the same built whole: every table of the warehouse."""

import os
import shutil
import signal

import duckdb
import pytest

from orchestration.dbt_build import CycleDbt, WarehouseBuildError
from orchestration.settings import Settings
from orchestration.sharding.build import ShardedBuild
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sql_text import as_name
from orchestration.stages.build import build_warehouse
from tests.spark.cluster import IS_HERE

CYCLE = "ilk-2025-s2"
# What nobody outside the shards reads is not kept.
NOT_KEPT = {
    "responses_read",
    "ratings_of_cycle",
    "ratings_of_previous_cycle",
    "ratings_in_both_cycles",
}
NUMBERS = [int(number) for number in os.environ.get("ILK_TEST_SHARDS", "2").split()]


@pytest.mark.parametrize("shards", NUMBERS)
def test_any_number_of_shards_makes_the_same_warehouse(sample, tmp_path, shards):
    """On Spark, where it is here. The previous cycle's responses come out of a warehouse that was
    built whole."""
    data = tmp_path / "data"
    shutil.copytree(sample.settings.data_dir / "raw", data / "raw")
    shutil.copytree(sample.settings.data_dir / "audit", data / "audit")
    shutil.copyfile(sample.settings.warehouse, data / "warehouse.duckdb")
    whole = duckdb.connect()
    whole.execute(f"attach '{sample.settings.warehouse}' as whole (read_only)")
    with duckdb.connect(data / "warehouse.duckdb") as warehouse:
        for schema, name in _tables(warehouse, "warehouse"):
            if schema != "seeds" and "cycle_id" in _columns(warehouse, "warehouse", schema, name):
                warehouse.execute(f"delete from {schema}.{name} where cycle_id = ?", [CYCLE])
    settings = Settings(
        data_dir=data,
        pseudonym_key=sample.settings.pseudonym_key,
        shards=shards,
        spark_master="local[2]" if IS_HERE else None,
    )
    results = build_warehouse(settings, CYCLE, load_seeds=False, held=())
    assert [result for result in results if result.has_failed] == []

    whole.execute(f"attach '{settings.warehouse}' as shards (read_only)")
    tables = _tables(whole, "whole")
    assert tables == _tables(whole, "shards")
    differing = [
        name
        for schema, name in tables
        if name not in NOT_KEPT and _differs(whole, f"{schema}.{name}", schema, name)
    ]
    assert differing == []
    assert not settings.shards_dir.exists()


def test_a_cycle_whose_errors_are_a_bootstrap_says_that_it_is_computed_whole(tmp_path):
    settings = Settings(data_dir=tmp_path, shards=2)
    with duckdb.connect(settings.warehouse) as warehouse:
        warehouse.execute("create schema design; create schema staging")
        warehouse.execute(
            "create table design.design_settings as from (values ('c1', null, 'rake', 'i'), "
            "('c2', 'c1', 'poststrat', 'i'), ('c3', 'c2', 'poststrat', 'i'), "
            "('c4', 'c3', 'poststrat', 'j')) "
            "as made (cycle_id, previous_cycle_id, weighting_mode, instrument_id)"
        )
        warehouse.execute(
            "create table staging.stg_seeds__questions as from (values ('i', 'performance'), "
            "('j', 'performance'), ('j', 'overall')) as made (instrument_id, asks)"
        )

    def demanded(cycle_id):
        dbt = CycleDbt(settings, cycle_id, held=(), load_seeds=False)
        ShardedBuild(dbt, {}, tmp_path, LocalRunner()).demand_divisible()

    for cycle_id in ("c1", "c2"):  # its own weights, or those of the cycle it is compared with
        with pytest.raises(WarehouseBuildError, match="c1 "):
            demanded(cycle_id)
    demanded("c3")
    with pytest.raises(WarehouseBuildError, match="asks overall"):
        demanded("c4")


def test_ctrl_c_ends_a_build_in_shards_though_dagster_holds_it_back(tmp_path, monkeypatch):
    def pressed(_):
        signal.raise_signal(signal.SIGINT)
        return ["went on"]

    monkeypatch.setattr("orchestration.stages.build.build_in_shards", pressed)
    held = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            build_warehouse(Settings(data_dir=tmp_path, shards=2), CYCLE, load_seeds=False, held=())
    finally:
        signal.signal(signal.SIGINT, held)


def _tables(connection, database):
    return connection.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = ? and table_type = 'BASE TABLE' order by all",
        [database],
    ).fetchall()


def _columns(connection, database, schema, name):
    found = connection.execute(
        "select column_name from information_schema.columns "
        "where table_catalog = ? and table_schema = ? and table_name = ? order by all",
        [database, schema, name],
    ).fetchall()
    return [column for (column,) in found]


def _differs(connection, table, schema, name):
    columns = ", ".join(map(as_name, _columns(connection, "whole", schema, name)))
    one, other = (f"select {columns} from {of}.{table}" for of in ("whole", "shards"))
    return connection.execute(
        f"({one} except all {other}) union all ({other} except all {one}) limit 1"
    ).fetchall()
