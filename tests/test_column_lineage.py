"""Columns are traced through every shape of SQL that the models use, and shown by Dagster."""

import fnmatch
import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from orchestration.dbt_build import manifest_path
from orchestration.lineage.columns import column_lineage, declared_columns
from orchestration.lineage.tables import ColumnLineage, ColumnOf, Table, warehouse_tables
from orchestration.lineage.tracing import trace_columns
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
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
            "with a as (select upper(columns(['unit_id', 'role_id'])) from warehouse.marts.staff)"
            " select role_id as role from a",
            "role",
            ["marts.staff.role_id"],
        ),
        (
            "select greatest(*columns(['unit_id', 'role_id'])) as last from warehouse.marts.staff",
            "last",
            ["marts.staff.role_id", "marts.staff.unit_id"],
        ),
        (
            "select max(columns(['n'])) as 'most_\\0' from warehouse.marts.staff",
            "most_n",
            ["marts.staff.n"],
        ),
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


@pytest.fixture(scope="module")
def models(sample: Sample) -> dict[str, Any]:
    """dbt's nodes of the models, by schema.name."""
    nodes = json.loads(manifest_path(sample.settings).read_text(encoding="utf-8"))["nodes"].values()
    return {
        f"{node['schema']}.{node['name']}": node
        for node in nodes
        if node["resource_type"] == "model"
    }


def declared(node: dict[str, Any]) -> dict[str, list[str]]:
    columns = node["columns"].items()
    return {
        name: column["meta"]["made_of"] for name, column in columns if "made_of" in column["meta"]
    }


def test_every_column_of_every_model_is_made_of_columns_that_exist_or_says_that_it_is_of_none(
    traced: tuple[ColumnLineage, dict[str, Table]], models: dict[str, Any]
) -> None:
    lineage, tables = traced
    # In `main` lie temporary tables of dbt's.
    assert lineage.keys() == {
        name for name in tables if not name.startswith(("seeds.", "main."))
    } == models.keys()  # fmt: skip
    for model, columns in lineage.items():
        assert columns.keys() == tables[model].columns.keys()
        for column, made_of in columns.items():
            assert (
                made_of
                or column == "cycle_id"  # the run's, written into the SQL
                or column in declared(models[model])
                or model == "staging.stg_raw__survey_responses"  # NULL where no profile maps it
            ), f"{model}.{column}: a count or constant says so in its YAML, meta: made_of: []"
            for of in map(ColumnOf._make, made_of):
                known = tables[of.table].columns if of.table in tables else [of.column]
                assert of.column in known
                assert of.table in tables or of.table.split(".")[0] in ("raw", "audit"), of


def test_a_data_folder_that_was_moved_keeps_its_lineage(
    traced: tuple[ColumnLineage, dict[str, Table]],
    own_sample: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lineage, tables = traced
    settings = own_sample()
    instrument_id = find_cycle(read_cycles(settings.seeds_dir), SAMPLE_CYCLES[-1]).instrument_id
    monkeypatch.setattr("orchestration.lineage.tracing.trace_columns", None)
    assert column_lineage(settings, tables, instrument_id=instrument_id) == lineage


def test_what_yaml_declares_is_read_by_its_model_and_exists(
    traced: tuple[ColumnLineage, dict[str, Table]], models: dict[str, Any]
) -> None:
    _, tables = traced
    places = {node["name"]: name for name, node in models.items()}
    for model, node in models.items():
        read = {parent.rpartition(".")[2] for parent in node["depends_on"]["nodes"]}
        said = declared(node)
        assert node["language"] == "sql" or said.keys() == tables[model].columns.keys(), (
            f"{model}: no tool reads Python, so its YAML says `made_of` of every column"
        )
        for column, made_of in said.items():
            for of in made_of:
                table, _, pattern = of.partition(".")
                assert table in read, f"{model}.{column} is made of {of}, which it does not read"
                assert fnmatch.filter(tables[places[table]].columns, pattern), f"{of}: no column"


def test_what_is_declared_adds_to_what_sql_says_and_takes_in_what_the_instrument_generates() -> (
    None
):
    manifest = {
        "nodes": {
            name: {"name": name, "schema": "marts", "resource_type": kind, "columns": columns}
            for name, kind, columns in (
                ("staff", "seed", {}),
                ("idx", "model", {"score": {"meta": {"made_of": ["staff.*_id", "staff.gone"]}},
                                  "n": {"meta": {"made_of": []}}, "other": {"meta": {}}}),
            )
        }
    }  # fmt: skip
    assert declared_columns(manifest, TABLES) == {
        "marts.idx": {
            "score": [ColumnOf("marts.staff", "unit_id"), ColumnOf("marts.staff", "role_id")],
            "n": [],
        }
    }


def test_a_hidden_cell_leads_back_to_the_counts_that_it_was_judged_by(
    traced: tuple[ColumnLineage, dict[str, Table]],
) -> None:
    lineage, _ = traced
    reason = lineage["figures.disclosure_cell_verdicts"]["reason"]
    assert ColumnOf("figures.disclosure_cells", "respondent_count") in reason
    variance = lineage["figures.scores_linearised_variances"]["variance"]
    assert ColumnOf("sums.sums_second_moments", "products") in variance
    products = lineage["sums.sums_second_moments"]["products"]
    assert ColumnOf("people.ratings_of_cycle", "rating_1") in products


def test_dagster_shows_rows_columns_and_versions_of_what_was_made(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log lies where this says, whichever home a run of another test set.
    monkeypatch.setenv("DAGSTER_HOME", str(sample.settings.dagster_home))
    with dg.DagsterInstance.from_config(str(sample.settings.dagster_home)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["indexes", "idx_scores"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    made_of = metadata["dagster/column_lineage"].value.deps_by_column
    assert dg.AssetKey(["figures", "scores_with_errors"]) in {
        dependence.asset_key for dependence in made_of["service_id"]
    }
    assert metadata["dagster/row_count"].value > 1000
    assert {"code_hash", "seeds_hash"} <= metadata.keys()
