"""When each node of a sharded build is built (orchestration/sharding/plan.py)."""

import pytest
from dbt.contracts.graph.manifest import Manifest

from orchestration.dbt_build import CycleDbt
from orchestration.settings import get_settings
from orchestration.sharding.plan import shards_for, shards_of, stages, sums_of


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return CycleDbt(get_settings(), "", held=(), load_seeds=True).manifest()


def test_every_node_is_built_once_and_after_what_it_reads(manifest):
    plan = stages(manifest)
    stage_of = {node: number for number, stage in enumerate(plan) for node in stage.built}
    built = [node for stage in plan for node in stage.built]
    assert len(built) == len(stage_of)
    assert set(built) == {
        of for of, node in manifest.nodes.items() if node.resource_type in ("seed", "model", "test")
    }
    in_shards = {node for stage in plan for node in stage.in_shards}
    assert plan[0].in_shards == ()
    for stage in plan:
        for place, node in enumerate(stage.in_shards):
            for parent in set(manifest.nodes[node].depends_on_nodes) & stage_of.keys():
                if parent in in_shards:  # of an earlier stage, or computed before it
                    assert parent in stage.in_shards[:place] or stage_of[parent] < stage_of[node]
                else:  # out of the warehouse
                    assert stage_of[parent] < stage_of[node]
        for node in stage.built:
            parents = set(manifest.nodes[node].depends_on_nodes) & stage_of.keys()
            assert all(stage_of[parent] <= stage_of[node] for parent in parents)


def test_the_columns_that_sums_name_are_theirs(manifest):
    sums = {node.name: node for node in manifest.nodes.values() if sums_of(node) is not None}
    assert {"sums_by_component", "sums_second_moments"} <= sums.keys()
    for name, node in sums.items():
        said = sums_of(node)
        named = {*said["by"]}
        for column, about in said.get("numbered", {}).items():
            named |= {column, *about}
        assert named <= node.columns.keys(), name


def test_no_model_that_reads_rows_of_shards_alone_is_forgotten(manifest):
    """Rows that are kept inside the shards are empty in the warehouse: who reads them is inside."""
    inside = {of for of, node in manifest.nodes.items() if shards_of(node) == "inside"}
    outside = {
        node.name
        for node in manifest.nodes.values()
        if node.resource_type == "model"
        and shards_of(node) is None
        and inside & set(node.depends_on_nodes)
    }
    # Bootstraps, which draw from all people: their cycles are computed whole.
    bootstraps = {"sums_bootstrap_variances", "sums_compared_bootstrap_variances"}
    assert outside == {*bootstraps, "sums_relative_weights"}


def test_shards_are_as_many_as_memory_asks_for():
    assert [shards_for(count) for count in (0, 1_500_000, 1_500_001, 4_300_000, 20_000_000)] == [
        1, 1, 3, 8, 34,
    ]  # fmt: skip
