"""What a model says of its publication: what is refused, with the remedy."""

import copy
import json
from typing import Any

import pytest

from orchestration.dbt_build import manifest_path
from orchestration.publishing.tables import RESPONDENT_COLUMNS, declarations, undeclared
from orchestration.settings import get_settings

Node = dict[str, Any]


@pytest.fixture(scope="module")
def project() -> Node:
    found: Node = json.loads(manifest_path(get_settings()).read_text(encoding="utf-8"))
    return found


def with_model(
    project: Node,
    name: str,
    published: Node | None,
    *,
    grain: list[str],
    reads: str = "fct_answers",
    columns: tuple[str, ...] = (),
) -> Node:
    """The project with one more model, built by the recipe of CONTRIBUTING.md."""
    manifest = copy.deepcopy(project)
    key = f"model.ilk.{name}"
    manifest["nodes"][key] = {
        "unique_id": key,
        "name": name,
        "resource_type": "model",
        "schema": "indexes" if name.startswith("idx_") else "marts",
        "config": {
            "meta": {} if published is None else {"published": published},
            "unique_key": grain,
        },
        "columns": {column: {"name": column} for column in (*grain, *columns, "mean")},
    }
    manifest["parent_map"][key] = [f"model.ilk.{reads}"]
    return manifest


def faults(manifest: Node, name: str) -> str:
    return "; ".join(declarations(manifest)[name].faults)


UNIT_MEANS = ["cycle_id", "unit_id"]
QUESTION_MEANS = ["cycle_id", "domain_type", "domain_id", "question_id"]


@pytest.mark.parametrize(
    ("name", "grain"), [("fct_unit_means", UNIT_MEANS), ("idx_questions", QUESTION_MEANS)]
)
def test_a_model_that_says_nothing_is_not_published_and_is_named(project, name, grain):
    manifest = with_model(project, name, None, grain=grain)
    assert name not in declarations(manifest)
    assert undeclared(manifest) == [name]


def test_means_by_unit_are_refused_however_they_are_declared(project):
    def refused(published: Node) -> str:
        manifest = with_model(project, "fct_unit_means", published, grain=UNIT_MEANS)
        return faults(manifest, "fct_unit_means")

    assert "rows by unit_id" in refused({"nothing_to_hide": "means tell on nobody"})
    assert "must both have domain_id, domain_type" in refused({"cells": {"keys": UNIT_MEANS}})


def test_means_by_question_are_refused_though_they_are_of_domains(project):
    published = {"cells": {"keys": QUESTION_MEANS}}
    manifest = with_model(project, "idx_questions", published, grain=QUESTION_MEANS)
    assert "rows by question_id" in faults(manifest, "idx_questions")


def test_cells_with_nothing_to_hide_are_refused(project):
    grain = ["cycle_id", "domain_type", "domain_id"]
    manifest = with_model(project, "idx_new", {"nothing_to_hide": "a mean"}, grain=grain)
    assert "rows by domain_type, domain_id" in faults(manifest, "idx_new")


def test_a_key_that_divides_nobody_is_explained(project):
    grain = ["cycle_id", "domain_type", "domain_id", "band"]
    published = {
        "cells": {"keys": grain[:3]},
        "no_smaller_group": {"band": "every band speaks of all"},
    }
    manifest = with_model(project, "idx_new", published, grain=grain)
    assert faults(manifest, "idx_new") == ""
    assert declarations(manifest)["idx_new"].has_persons


def test_what_no_persons_answers_stand_behind_has_any_key(project):
    published = {"nothing_to_hide": "a seed"}
    manifest = with_model(project, "dim_new", published, grain=["unit_id"], reads="dim_units")
    assert faults(manifest, "dim_new") == ""
    assert not declarations(manifest)["dim_new"].has_persons


def test_a_model_without_a_unique_key_is_refused(project):
    manifest = with_model(project, "idx_new", {"nothing_to_hide": "the nation"}, grain=[])
    assert "unique_key" in faults(manifest, "idx_new")


@pytest.mark.parametrize("column", RESPONDENT_COLUMNS)
def test_a_column_that_leads_to_a_respondent_is_refused(project, column):
    manifest = with_model(
        project, "fct_new", {"nothing_to_hide": "no"}, grain=["cycle_id"], columns=(column,)
    )
    assert f"has {column}, which lead to a respondent" in faults(manifest, "fct_new")


@pytest.mark.parametrize("rows_of", ["responses_answered", "shown_nowhere"])
def test_rows_are_taken_of_a_model_that_hides_by_itself(project, rows_of):
    manifest = with_model(project, "idx_new", {"rows_of": rows_of}, grain=["cycle_id"])
    assert f"{rows_of} is no model shown_" in faults(manifest, "idx_new")


@pytest.mark.parametrize(
    "published",
    [{}, {"nothing": "x"}, {"nothing_to_hide": "x", "rows_of": "shown_unit_scores"}],
)
def test_a_declaration_says_one_thing_that_is_known(project, published):
    manifest = with_model(project, "idx_new", published, grain=["cycle_id"])
    assert "say one of nothing_to_hide, cells, rows_of, stays_inside" in faults(manifest, "idx_new")


def test_a_dimension_that_tells_whether_anything_was_computed_is_no_result(project):
    published = {"nothing_to_hide": "a seed"}
    manifest = with_model(project, "dim_new", published, grain=["cycle_id"])
    dimension = declarations(manifest)["dim_new"]
    assert dimension.has_persons
    assert not dimension.is_result
    assert declarations(project)["idx_scores"].is_result
    assert not declarations(project)["dim_cycles"].is_result


def test_which_domains_there_are_waits_for_the_results_and_is_none(project):
    domains = declarations(project)["dim_domains"]
    assert domains.is_shown_with_results
    assert not domains.is_result
    assert not declarations(project)["dim_cycles"].is_shown_with_results
