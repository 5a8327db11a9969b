"""Columns are traced through every shape of SQL that the models use, and shown by Dagster."""

import dagster as dg
import pytest

from orchestration.column_lineage import (
    ColumnLineage,
    ColumnOf,
    Table,
    column_lineage,
    trace_columns,
    warehouse_tables,
)
from orchestration.cycles import find_cycle, read_cycles
from orchestration.settings import REPOSITORY
from tests.conftest import SAMPLE_CYCLES, Sample

TABLES = {
    "marts.staff": Table({"unit_id": "VARCHAR", "role_id": "VARCHAR", "n": "BIGINT"}, 3),
    "marts.units": Table({"unit_id": "VARCHAR", "level": "VARCHAR"}, 2),
}


@pytest.mark.parametrize(
    ("sql", "column", "expected"),
    [
        (
            "with a as (select * from warehouse.marts.staff), b as (select unit_id, sum(n) as n"
            " from a group by all) select * from b",
            "n",
            ["marts.staff.n"],
        ),
        (
            "select coalesce(s.n, 0) * length(u.level) as size from warehouse.marts.staff as s"
            " left join warehouse.marts.units as u using (unit_id) where s.role_id = 'x'",
            "size",
            ["marts.staff.n", "marts.units.level"],
        ),
        (
            "select unit_id from warehouse.marts.staff union all"
            " select level from warehouse.marts.units",
            "unit_id",
            ["marts.staff.unit_id", "marts.units.level"],
        ),
        (
            "select (select max(n) from warehouse.marts.staff) as most, 1 as one",
            "most",
            ["marts.staff.n"],
        ),
        ("select count(*) as rows_read from warehouse.marts.staff", "rows_read", []),
        (
            "with a as (select level as between from warehouse.marts.units)"
            " select a.between, count(*) as n from a group by all",
            "between",
            ["marts.units.level"],
        ),
        (
            "with a as (select * from read_parquet('/d/raw/export_files.parquet'))"
            " select sha256 from a",
            "sha256",
            ["raw.export_files.sha256"],
        ),
    ],
)
def test_a_column_is_made_of(sql: str, column: str, expected: list[str]) -> None:
    quoted = sql.replace("warehouse.", '"warehouse".')
    found = trace_columns(quoted, TABLES)[column]
    assert [f"{table}.{field}" for table, field in found] == expected


@pytest.fixture(scope="module")
def traced(sample: Sample) -> tuple[ColumnLineage, dict[str, Table]]:
    tables = warehouse_tables(sample.settings.warehouse)
    cycle = find_cycle(read_cycles(sample.settings.seeds_dir), SAMPLE_CYCLES[-1])
    return column_lineage(sample.settings, tables, instrument_id=cycle.instrument_id), tables


def test_every_column_of_every_sql_model_is_traced_to_columns_that_exist(
    traced: tuple[ColumnLineage, dict[str, Table]],
) -> None:
    lineage, tables = traced
    # In `main` lie temporary tables of dbt's.
    models = {name for name in tables if not name.startswith(("seeds.", "main."))}
    written_in_python = {path.stem for path in (REPOSITORY / "models").rglob("*.py")}
    assert {name.partition(".")[2] for name in models - lineage.keys()} == written_in_python, (
        "only Python models, whose code sqlglot can't read, go without"
    )
    for model, columns in lineage.items():
        assert columns.keys() == tables[model].columns.keys()
        for made_of in columns.values():
            for of in map(ColumnOf._make, made_of):
                known = tables[of.table].columns if of.table in tables else [of.column]
                assert of.column in known
                assert of.table in tables or of.table.split(".")[0] in ("raw", "audit"), of


def test_dagster_shows_rows_columns_and_versions_of_what_was_made(sample: Sample) -> None:
    with dg.DagsterInstance.from_config(str(sample.settings.dagster_home)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["indexes", "idx_scores"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    made_of = metadata["dagster/column_lineage"].value.deps_by_column
    assert dg.AssetKey(["intermediate", "int_components"]) in {
        dependence.asset_key for dependence in made_of["service_id"]
    }
    assert metadata["dagster/row_count"].value > 1000
    assert {"code_hash", "seeds_hash"} <= metadata.keys()
