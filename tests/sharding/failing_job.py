"""A shard whose model fails on one row of one export, and what its build says of it.

Belongs here: what is the same whoever runs the shards. Doesn't: who runs them.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.dbt_build import CycleDbt, WarehouseBuildError
from orchestration.settings import Settings
from orchestration.sharding.build import ShardedBuild
from orchestration.sharding.engine import Engine
from orchestration.sharding.runners import Runner
from orchestration.sharding.tasks import Input, Model, ShardJob
from orchestration.sharding.workplace import Workplace

AS_NUMBERS = "select cast(answer as integer) as answer from warehouse.staging.answers"
AS_THEY_ARE = "select * from warehouse.staging.answers"


def what_is_said(
    folder: Path,
    runner: Runner,
    *,
    model: str = AS_NUMBERS,
    exports: int = 5,
    wrong: tuple[int, int] = (3, 17),
    shards: Sequence[int] = (0, 1),
) -> str:
    """Return what a build says whose second shard of two has rows of so many exports.

    `shards`: those that are computed. `wrong`: number of the export, and of its row, of the one
    answer that is no number.
    """
    dealt = folder / "dealt.parquet"
    settings = Settings(data_dir=folder, shards=2)
    with duckdb.connect(settings.warehouse) as warehouse:
        warehouse.execute("create schema staging")
        warehouse.execute(
            "create table staging.stg_raw__export_files as "
            "select 'c1/p/' || number || '.csv' as name, sha256(number::varchar) as sha256 "
            f"from range({exports}) as numbers (number)"
        )
        warehouse.execute(
            "copy (select sha256(number::varchar) as _file_sha256, row as _source_row, "
            f"case when (number, row) = {wrong} then 'x' else '4' end as answer "
            f"from range({exports}) as numbers (number), range(2, 40) as rows (row)) "
            f"to '{dealt}' (format parquet)"
        )
        warehouse.execute(f"copy (from '{dealt}' limit 0) to '{folder}/columns.parquet'")
    columns = str(folder / "columns.parquet")
    job = ShardJob(
        cycle_id="c1",
        database="warehouse",
        inputs=(Input("warehouse.staging.answers", (columns,), ((), (str(dealt),))),),
        models=(
            Model("as_read", "warehouse.people.as_read", "sql", AS_THEY_ARE, True, None),
            Model(
                "as_numbers", "warehouse.people.as_numbers", "sql", model, False, folder / "rows"
            ),
        ),
        spilling_into=folder,
        engine=Engine("1GB", 1),
    )
    dbt = CycleDbt(settings, "c1", held=(), load_seeds=False)
    try:
        ShardedBuild(dbt, {}, Workplace(folder, runner), 2)._map(job, shards)
    except WarehouseBuildError as error:
        return str(error)
    return ""
