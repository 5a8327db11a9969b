"""A cycle built in shards against the same built whole: every table of the warehouse."""

import math
import os
import shutil
import signal
from contextlib import nullcontext
from types import SimpleNamespace

import duckdb
import pytest

from orchestration.dbt_build import CycleDbt, WarehouseBuildError
from orchestration.settings import Settings
from orchestration.sharding import build, plan
from orchestration.sharding.build import ShardedBuild
from orchestration.sharding.dealing import DealJob
from orchestration.sharding.local_runner import LocalRunner
from orchestration.sharding.plan import Stage
from orchestration.sharding.spark_session import session
from orchestration.sharding.workplace import Workplace, closing_workplace
from orchestration.sql_text import as_name
from orchestration.stages.build import build_warehouse
from orchestration.stages.check import check_exports
from tests.spark.cluster import IS_HERE

CYCLE = "ilk-2025-s2"
# What nobody outside the shards reads is not kept.
NOT_KEPT = {
    "responses_read",
    "ratings_of_cycle",
    "ratings_of_previous_cycle",
    "ratings_in_both_cycles",
    "ratings_by_item",
}
NUMBERS = [int(number) for number in os.environ.get("ILK_TEST_SHARDS", "2").split()]


@pytest.mark.parametrize("shards", NUMBERS)
def test_any_number_of_shards_makes_the_same_warehouse(sample, tmp_path, shards, monkeypatch):
    """On Spark, where it is here, as on a cluster: no task reads the raw zone, and one session does
    the checks too. The previous cycle's responses come out of a warehouse that was built whole."""
    monkeypatch.setattr(Settings, "is_one_machine", property(lambda _: False))
    dealt = []
    monkeypatch.setattr(
        "orchestration.sharding.build.DealJob",
        lambda **told: dealt.append(DealJob(**told)) or dealt[-1],
    )
    sessions = []
    monkeypatch.setattr(
        "orchestration.sharding.spark_runner.session",
        lambda *told, **more: sessions.append(session(*told, **more)) or sessions[-1],
    )
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
        shard_dir=tmp_path / "shards",
    )
    with closing_workplace():
        checked = check_exports(settings, CYCLE)
        if IS_HERE:  # or they are checked in this process
            assert list((settings.shards_dir / "raw").rglob("*.parquet"))
            assert sessions
        results = build_warehouse(settings, CYCLE, load_seeds=False, held=())
    assert [result for result in results if result.has_failed] == []
    assert len(sessions) == IS_HERE
    assert checked.outcomes == check_exports(sample.settings, CYCLE).outcomes

    whole.execute(f"attach '{settings.warehouse}' as shards (read_only)")
    tables = _tables(whole, "whole")
    in_files = ["responses_answered", "responses_judged", "weights_by_response"]
    assert [
        (schema, name.removesuffix("_in_warehouse")) for schema, name in _tables(whole, "shards")
    ] == tables
    for name in in_files:
        assert len(settings.response_files.found(name, CYCLE)) == shards
        [(own,)] = whole.execute(
            f"select count(*) from shards.people.{name}_in_warehouse where cycle_id = ?", [CYCLE]
        ).fetchall()
        assert not own
    [job] = dealt
    assert f"'{settings.raw_dir}/survey_responses/cycle_id=" not in job.staging[1]
    assert f"'{settings.shards_dir}/raw/survey_responses/cycle_id=" in job.staging[1]
    differing = [
        name
        for schema, name in tables
        if name not in NOT_KEPT and _differs(whole, f"{schema}.{name}", schema, name)
    ]
    # What `ilk trace` reads of a row, and Parquet of whichever cycle.
    differing += [
        name
        for name in ("fct_responses", "fct_answers")
        if _differs(whole, f"marts.{name}", "marts", name)
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

    def said(cycle_id):
        dbt = CycleDbt(settings, cycle_id, held=(), load_seeds=False)
        return ShardedBuild(dbt, {}, Workplace(tmp_path, LocalRunner()), 2).why_whole()

    for cycle_id in ("c1", "c2"):  # its own weights, or those of the cycle it is compared with
        assert "c1 (weighting_mode rake)" in said(cycle_id)
    assert said("c3") is None
    assert "asks overall" in said("c4")


@pytest.mark.parametrize(("asked", "built"), [(None, ["first", "later"]), (2, ["first"])])
def test_what_cannot_be_divided_is_built_whole_where_nobody_asked_for_shards(
    tmp_path, monkeypatch, asked, built
):
    nodes = {name: SimpleNamespace(name=name, resource_type="model") for name in ("first", "later")}
    done = []

    class Dbt:
        settings = Settings(data_dir=tmp_path, shards=asked)

        def manifest(self):
            return SimpleNamespace(nodes=nodes)

        def build(self, selected, **_):
            done.extend(selected)
            return []

    monkeypatch.setattr(build, "stages", lambda _: [Stage((), (name,)) for name in nodes])
    monkeypatch.setattr(ShardedBuild, "why_whole", lambda _: "c1 (weighting_mode rake)")
    with pytest.raises(WarehouseBuildError, match="rake") if asked else nullcontext():
        build.build_in_shards(Dbt(), 2)
    assert done == [f"{name},resource_type:model" for name in built]


def test_many_responses_are_computed_in_shards_unless_the_settings_say_how(
    sample, tmp_path, monkeypatch
):
    """Those of the cycle's own exports in use, and no staff frame's rows, count."""
    shutil.copytree(sample.settings.raw_dir, tmp_path / "raw")
    monkeypatch.setattr("orchestration.stages.build.build_in_shards", lambda _, shards: shards)
    monkeypatch.setattr(CycleDbt, "build", lambda _: 1)

    def shards(**said):
        settings = Settings(data_dir=tmp_path, **said)
        return build_warehouse(settings, CYCLE, load_seeds=False, held=())

    assert shards() == 1
    monkeypatch.setattr(plan, "MOST_AT_ONCE", 3_000)
    monkeypatch.setattr(plan, "RESPONSES_OF_A_SHARD", 1_000)
    with duckdb.connect(sample.settings.warehouse, read_only=True) as warehouse:
        [(count,)] = warehouse.execute(
            "select sum(response_count) from marts.audit_reconciliation where cycle_id = ?", [CYCLE]
        ).fetchall()
    assert count > 3_000
    assert shards() == math.ceil(count / 1_000)
    assert shards(shards=1) == 1
    assert shards(shards=7) == 7


def test_ctrl_c_ends_a_build_in_shards_though_dagster_holds_it_back(tmp_path, monkeypatch):
    def pressed(*_):
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
