"""How models become tables (macros/materializations.sql), on a warehouse of an older version."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dbt_common.contracts.constraints import ConstraintType

from orchestration.dbt_build import _invoke, _manifest, manifest_path, sentence
from orchestration.response_files import ResponseFilesError
from orchestration.settings import Settings
from tests.conftest import Sample

SQL_MODEL, PYTHON_MODEL = "figures.scores_of_components", "figures.disclosure_hidden_cells"
GENERATED_MODEL = "sums.sums_domain_routes"  # its columns follow the instrument
UNDESCRIBED_MODEL = "figures.shown_reconciliation"  # here, in the column that it gained
EARLIER, LATER = "ilk-2025-s1", "ilk-2025-s2"


def test_a_column_that_an_older_version_lacked_is_added_and_other_cycles_keep_their_rows(
    own_sample: Callable[..., Settings],
) -> None:
    settings = own_sample()
    added = {SQL_MODEL: "score", PYTHON_MODEL: "reason", GENERATED_MODEL: "is_level_1"}
    added[UNDESCRIBED_MODEL] = "null_reason"
    before = {table: _rows(settings, table) for table in added}
    with duckdb.connect(settings.warehouse) as connection:
        for table, column in added.items():
            connection.execute(f"alter table {table} drop column {column}")
        # Of another kind, too: this version makes a view of what was a table, and the reverse.
        connection.execute("drop view people.responses_routed")
        connection.execute("create table people.responses_routed as select 1 as n")
        connection.execute("drop table people.ratings_of_cycle")
        connection.execute("create view people.ratings_of_cycle as select 1 as n")

    manifest = _manifest(settings)
    described = manifest.nodes[f"model.ilk.{UNDESCRIBED_MODEL.partition('.')[2]}"].columns
    del described[added[UNDESCRIBED_MODEL]]
    models = [table.partition(".")[2] for table in added]
    selected = ["--select", "responses_routed", "ratings_of_cycle", *models]
    arguments = ["run", "--log-level", "none", *selected]
    result = _invoke(settings, arguments, cycle_id=LATER, manifest=manifest)
    assert result.success, result.exception

    for table, column in added.items():
        after = _rows(settings, table)
        assert after[LATER] == before[table][LATER]
        assert len(after[EARLIER]) == len(before[table][EARLIER])
        with duckdb.connect(settings.warehouse, read_only=True) as connection:
            (known,) = connection.execute(
                f"select count({column}) from {table} where cycle_id = ?", [EARLIER]
            ).fetchall()[0]
        assert known == 0
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        kinds = dict(
            connection.execute(
                "select table_name, table_type from information_schema.tables"
                " where table_name in ('responses_routed', 'ratings_of_cycle')"
            ).fetchall()
        )
    assert kinds == {"responses_routed": "VIEW", "ratings_of_cycle": "BASE TABLE"}


def test_a_key_in_two_rows_stops_its_model_before_such_rows_stand(
    own_sample: Callable[..., Settings],
) -> None:
    settings = own_sample()
    models = ["scores_of_components", "disclosure_cell_verdicts", "dim_bands", "v_index"]
    manifest = _manifest(settings)
    for model in models:
        manifest.nodes[f"model.ilk.{model}"].config.unique_key = ["1"]  # of every row
    tables = ["figures.scores_of_components", "figures.disclosure_cell_verdicts", "marts.dim_bands"]
    before = {table: _all_rows(settings, table) for table in tables}
    for model in models:
        arguments = ["run", "--log-level", "none", "--select", model]
        result = _invoke(settings, arguments, cycle_id=LATER, manifest=manifest)
        [told] = [
            sentence(node.message) for node in result.result.results if node.node.name == model
        ]
        assert f"keys stand in more than one row of {model}: 1" in told
    assert {table: _all_rows(settings, table) for table in tables} == before


def test_a_row_that_breaks_a_constraint_stops_its_model_with_a_contract_or_without(
    own_sample: Callable[..., Settings],
) -> None:
    settings = own_sample()
    broken = {
        "figures.disclosure_cell_verdicts": "is_hidden",  # Python
        "figures.shown_unit_scores": "score",
        "marts.audit_runs": "outcome",  # a view, of whose contract DuckDB holds nothing
    }
    before = {table: _all_rows(settings, table) for table in broken}
    manifest = _manifest(settings)
    for table, column in broken.items():
        model = table.partition(".")[2]
        [constraint] = manifest.nodes[f"model.ilk.{model}"].columns[column].constraints
        constraint.type, constraint.expression = ConstraintType.check, "1 = 2"
        arguments = ["run", "--log-level", "none", "--select", model]
        result = _invoke(settings, arguments, cycle_id=LATER, manifest=manifest)
        [told] = [
            sentence(node.message) for node in result.result.results if node.node.name == model
        ]
        assert f"rows of {model} break: 1 = 2" in told
    assert {table: _all_rows(settings, table) for table in broken} == before


def test_responses_that_shards_computed_stay_in_their_files(
    own_sample: Callable[..., Settings],
) -> None:
    """A cycle in files, taken out of them, whole again; then its files are gone."""
    settings = own_sample()
    table, files = "people.responses_judged", settings.response_files
    before = _rows(settings, table)

    def write(cycle_id: str) -> None:
        folder = files.of_cycle("responses_judged", cycle_id)
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(settings.warehouse, read_only=True) as connection:
            for shard in range(2):
                connection.execute(
                    f"copy (from {table} where cycle_id = '{cycle_id}' and response_key % 2 = "
                    f"{shard}) to '{folder}/{shard:05}.parquet'"
                )

    def build(cycle_id: str, rows_of_shards: Path | None) -> None:
        arguments = ["run", "--log-level", "none", "--select", "responses_judged"]
        result = _invoke(
            settings,
            arguments,
            cycle_id=cycle_id,
            manifest=_manifest(settings),
            rows_of_shards=rows_of_shards,
        )
        assert result.success, result.result.results[0].message

    write(LATER)
    manifest = _manifest(settings)
    manifest.nodes["model.ilk.responses_judged"].config.unique_key = ["1"]  # of every row
    arguments = ["run", "--log-level", "none", "--select", "responses_judged"]
    told = {"cycle_id": LATER, "manifest": manifest, "rows_of_shards": settings.shards_dir}
    assert not _invoke(settings, arguments, **told).success
    assert _rows(settings, table) == before
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        kinds = connection.execute(
            "select table_name, table_type from information_schema.tables"
            " where table_name like 'responses_judged%'"
        ).fetchall()
    assert kinds == [("responses_judged", "BASE TABLE")]

    for cycle_id in (LATER, EARLIER):
        write(cycle_id)
        build(cycle_id, settings.shards_dir)
        assert _rows(settings, table) == before
    assert _rows(settings, f"{table}_in_warehouse") == {EARLIER: set(), LATER: set()}
    files.demand_whole(settings.warehouse)

    files.take_out([LATER])
    assert _rows(settings, table) == {EARLIER: before[EARLIER], LATER: set()}
    build(LATER, None)
    files.sweep()
    assert _rows(settings, table) == before
    assert not files.found("responses_judged", LATER)

    one, _ = files.found("responses_judged", EARLIER)
    one.unlink()
    with pytest.raises(ResponseFilesError, match=r"ILK_SHARD_DIR.*\n1 .*damaged: .*00000\.parquet"):
        files.demand_whole(settings.warehouse)
    with pytest.raises(duckdb.IOException, match="00000"):
        _rows(settings, table)


def test_descriptions_lie_with_relations_of_every_kind(sample: Sample) -> None:
    manifest = json.loads(manifest_path(sample.settings).read_text(encoding="utf-8"))
    described = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            table = f"{node['schema']}.{node['name']}"
            described[table, ""] = node["description"]
            for column in node["columns"].values():
                described[table, column["name"]] = column["description"]
    with duckdb.connect(sample.settings.warehouse, read_only=True) as connection:
        held = connection.execute(
            "select schema_name || '.' || table_name, '', comment from duckdb_tables()"
            " union all select schema_name || '.' || view_name, '', comment from duckdb_views()"
            " union all select schema_name || '.' || table_name, column_name, comment"
            " from duckdb_columns()"
        ).fetchall()
    comments = {(table, column): comment for table, column, comment in held}
    assert {place: comments[place] for place in described} == described


def test_answers_take_two_bytes_each(sample: Sample) -> None:
    with duckdb.connect(sample.settings.warehouse, read_only=True) as connection:
        kinds = connection.execute(
            "select distinct data_type from duckdb_columns()"
            " where table_name in ('responses_answered', 'ratings_of_cycle')"
            " and regexp_matches(column_name, '^(answer|rating)_[0-9]+$')"
        ).fetchall()
    assert kinds == [("SMALLINT",)]


def _all_rows(settings: Settings, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        return connection.execute(f"select * from {table} order by all").fetchall()


def _rows(settings: Settings, table: str) -> dict[str, set[tuple[object, ...]]]:
    """Return a table's rows by cycle, columns in the order of their names."""
    with duckdb.connect(settings.warehouse, read_only=True) as connection:
        names = sorted(column for column, *_ in connection.execute(f"describe {table}").fetchall())
        return {
            cycle_id: set(
                connection.execute(
                    f"select {', '.join(names)} from {table} where cycle_id = ?", [cycle_id]
                ).fetchall()
            )
            for cycle_id in (EARLIER, LATER)
        }
