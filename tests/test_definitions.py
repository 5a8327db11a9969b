"""What Dagster shows: every dbt node, the gates between the stages, one job over it all."""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.dbt_build import manifest_path
from orchestration.defs.survey_exports import SURVEY_CYCLES
from orchestration.exports.registry import ExportFile, Registry
from orchestration.settings import Settings, get_settings
from tests.conftest import SAMPLE_CYCLES, Sample


@pytest.fixture(scope="module")
def repository(sample: Sample) -> dg.Definitions:
    from orchestration.definitions import defs

    return defs()


@pytest.fixture(scope="module")
def manifest(repository: dg.Definitions) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest_path(get_settings()).read_text(encoding="utf-8"))
    return found


def keys(repository: dg.Definitions) -> set[dg.AssetKey]:
    return set(repository.resolve_asset_graph().materializable_asset_keys)


def test_every_seed_and_model_is_an_asset_keyed_by_layer_and_name(
    repository: dg.Definitions, manifest: dict[str, Any]
):
    nodes = [
        node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")
    ]
    assert {dg.AssetKey([node["schema"], node["name"]]) for node in nodes} <= keys(repository)


def test_every_asset_is_partitioned_by_the_cycles_of_the_seed(repository: dg.Definitions):
    graph = repository.resolve_asset_graph()
    for key in keys(repository):
        assert graph.get(key).partitions_def == SURVEY_CYCLES, f"{key}: not by cycle"
    job = repository.resolve_job_def("survey_cycle")
    assert job.partitions_def == SURVEY_CYCLES, "a backfill asks for any set of cycles"


def test_dagsters_page_links_to_what_was_published_over_http(sample: Sample, tmp_path: Path):
    from orchestration.defs import publication  # needs the manifest

    settings = Settings(data_dir=tmp_path, site_url="https://ilk.example.go.id/", pages=True)
    links = publication._links(settings)
    assert {link.value for link in links.values()} == {
        "https://ilk.example.go.id/index.html",
        "https://ilk.example.go.id/id/history.html",
        "https://ilk.example.go.id/api/v1/openapi.json",
    }
    assert all(isinstance(link, dg.UrlMetadataValue) for link in links.values())
    on_disk = publication._links(settings.model_copy(update={"site_url": None}))
    assert [type(link) for link in on_disk.values()] == [dg.PathMetadataValue]
    assert publication._links(settings.model_copy(update={"pages": False})) == {}


def test_one_job_covers_every_asset_and_check(repository: dg.Definitions):
    job = repository.resolve_job_def("survey_cycle")
    graph = repository.resolve_asset_graph()
    assert job.asset_layer.executable_asset_keys == keys(repository)
    assert set(job.asset_layer.asset_graph.asset_check_keys) == set(graph.asset_check_keys)


def test_dbt_waits_for_the_critical_checks_on_raw(repository: dg.Definitions):
    graph = repository.resolve_asset_graph()
    blocking = {
        key.name
        for key in graph.asset_check_keys
        if key.asset_key == dg.AssetKey(["raw", "survey_responses"])
        and graph.get_check_spec(key).blocking
    }
    assert blocking == {
        "pseudonym_key_is_set",
        "files_hold_their_questions",
        "mapped_columns_are_present",
        "files_have_rows",
        "codes_are_known",
        "identifiers_are_whole",
        "units_and_categories_are_known",
        "times_are_readable",
        "times_are_in_the_window",
        "date_orders_are_right",
        "questions_keep_their_answers",
        "columns_hold_no_identifiers",
        "responses_are_of_one_source",
    }


def test_no_dbt_test_stands_on_a_source_where_it_would_switch_the_gate_off(
    manifest: dict[str, Any],
):
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    on_sources = [
        test["name"]
        for test in tests
        if any(parent.startswith("source.") for parent in test["depends_on"]["nodes"])
    ]
    assert on_sources == [], "put the demand into expectations/rules.py"


def test_every_dbt_test_is_an_asset_check(repository: dg.Definitions, manifest: dict[str, Any]):
    shown = {key.name for key in repository.resolve_asset_graph().asset_check_keys}
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    missing = [test["name"] for test in tests if test["name"] not in shown]
    assert missing == [], "a test with several refs needs meta.dagster.ref to be shown as a check"


def test_the_publication_waits_for_every_mart_index_and_view(repository: dg.Definitions):
    graph = repository.resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["publication", "ilk"])).parent_keys
    expected = {key for key in keys(repository) if key.path[0] in ("marts", "indexes", "views")}
    assert parents == expected
    assert expected


def test_runs_stay_in_one_process(repository: dg.Definitions):
    assert repository.resolve_job_def("survey_cycle").executor_def == dg.in_process_executor


def test_the_graph_leads_from_each_raw_file_to_each_published_table(
    sample: Sample, repository: dg.Definitions
):
    graph = repository.resolve_asset_graph()
    root = Path(sample.settings.landing)
    landed = {
        dg.AssetKey(["landing", *path.relative_to(root).parts]): path
        for path in root.rglob("*.*")
        if path.is_file()
    }
    sources = {
        dg.AssetKey(["landing", name]) for name in ("gform", "limesurvey", "msform", "staff_frame")
    }
    assert {
        key for key in graph.get_all_asset_keys() if key.path[0] == "landing"
    } == landed.keys() | sources
    published = {key for key in keys(repository) if key.path[0] == "publication"}
    assert dg.AssetKey(["publication", "fct_responses"]) not in published
    assert len(published) > 20
    of_figures = {key for key in published if key.path[1].startswith(("idx_", "fct_"))}
    for key, path in landed.items():
        assert of_figures <= dg.AssetSelection.assets(key).downstream().resolve(graph)
        facts = graph.get(key).metadata
        assert facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert facts["dagster/uri"] == str(path)
        assert facts["dagster/row_count"] > 0
        assert facts["dagster/column_schema"].columns


def test_a_file_read_by_two_cycles_stands_in_the_graph_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from orchestration.defs.sources import landing

    registry = Registry(tmp_path / "raw")
    for number, cycle_id in enumerate(SAMPLE_CYCLES):
        registry.add(
            ExportFile(
                file_number=number, cycle_id=cycle_id, profile_id="gform", kind="survey_responses",
                source="sftp://x.go.id/*.csv", name="sftp://x.go.id/a b.csv", sha256="0",
                bytes=1, pulled_at=datetime(2025, 6, 1), status="read",
            )
        )  # fmt: skip
    registry.save()
    monkeypatch.setenv("ILK_DATA_DIR", str(tmp_path))
    get_settings.cache_clear()
    graph = landing().resolve_asset_graph()
    monkeypatch.undo()
    get_settings.cache_clear()
    key = dg.AssetKey(["landing", "sftp:", "x.go.id", "a b.csv"])
    assert graph.get(dg.AssetKey(["landing", "gform"])).parent_keys == {key}
    assert graph.get(key).metadata["dagster/uri"] == "sftp://x.go.id/a b.csv"


def test_every_check_says_what_it_demands(repository: dg.Definitions):
    graph = repository.resolve_asset_graph()
    without = [
        key.to_user_string()
        for key in graph.asset_check_keys
        if not graph.get_check_spec(key).description
    ]
    assert without == []


def test_every_asset_says_who_owns_it(repository: dg.Definitions):
    graph = repository.resolve_asset_graph()
    without = [key.to_user_string() for key in keys(repository) if not graph.get(key).owners]
    assert without == [], "name its owner: dbt_project.yml by folder, or in its AssetSpec"
