"""Raking: small cases by hand, and a whole cycle of the sample against R's survey package.

Belongs here: orchestration/scoring/raking.py and bootstrap.py, and `ilk run` under a method that
rakes (tests/reference/raking.R). Doesn't: the scores of the other modes (test_reference.py).
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestration.dbt_build import sentence
from orchestration.scoring.bootstrap import Group, times_drawn, variances
from orchestration.scoring.linearisation import COMPARED_VARIANCES, VARIANCES
from orchestration.scoring.raking import (
    CELL_WEIGHTS,
    UNKNOWN,
    Margin,
    RakingError,
    Rules,
    raked,
    raked_replicates,
)
from orchestration.scoring.score_tree import parents_of
from orchestration.settings import REPOSITORY, get_settings
from tests.conftest import SAMPLE_SEEDS, Sample, ilk

REFERENCE = Path(__file__).parent / "reference" / "raking_ilk-2025-s2.csv.gz"
RULES = Rules(max_rounds=50, tolerance=1e-6, trim_low=0.2, trim_high=5)


def margin(name: str, staff: list[float], category_of: list[int]) -> Margin:
    return Margin(
        name=name,
        categories=tuple(f"{name} {place}" for place in range(len(staff))),
        staff_counts=np.array(staff),
        category_of=np.array(category_of),
    )


def test_an_even_table_is_raked_to_the_product_of_its_margins():
    # Four cells of 10 people who weigh 2.5; rows 60 and 40, columns 30 and 70, 100 staff. With
    # nothing that ties rows to columns, a cell gets row x column / 100: 18, 42, 12, 28 staff.
    weights = raked(
        np.full(4, 2.5),
        np.full(4, 10.0),
        [margin("row", [60, 40], [0, 0, 1, 1]), margin("column", [30, 70], [0, 1, 0, 1])],
        RULES,
        whose="test",
    )
    assert weights * 10 == pytest.approx([18, 42, 12, 28])


def test_people_of_unknown_gender_keep_their_total_and_the_frame_shares_the_rest():
    # Base weight 2: the unknown stand for 20 of 100. The frame's 75 and 25 become 60 and 20.
    weights = raked(
        np.full(3, 2.0),
        np.array([20.0, 20.0, 10.0]),
        [margin("gender", [75, 25], [0, 1, UNKNOWN])],
        RULES,
        whose="test",
    )
    assert weights * [20, 20, 10] == pytest.approx([60, 20, 20])


def test_a_weight_beyond_the_bounds_is_cut_and_the_total_kept():
    # 99 people weigh 1, one 101: mean 2, the bounds are 0.4 and 10. Cut to 1 and 10 they weigh 109,
    # and are scaled to 200. No margin tells the two apart, so the second rake changes nothing.
    weights = raked(
        np.array([1.0, 101.0]),
        np.array([99.0, 1.0]),
        [margin("all", [200], [0, 0])],
        RULES,
        whose="test",
    )
    assert weights == pytest.approx([200 / 109, 2000 / 109])


def test_a_margin_that_nobody_can_meet_is_named_with_its_category():
    with pytest.raises(RakingError) as caught:
        raked(
            np.full(2, 5.0),
            np.full(2, 5.0),
            [margin("region", [25, 25], [0, 1]), margin("gender", [30, 20], [0, 0])],
            RULES,
            whose="ilk-2025-s2, role penerima",
        )
    message = str(caught.value)
    assert message.startswith("ilk-2025-s2, role penerima: raking did not converge in 50 rounds")
    assert (
        "margin gender is furthest off, in its category 'gender 1': 20.0 staff, raked 0.0"
        in message
    )


def test_a_person_reads_the_sentence_of_a_python_model_and_not_its_traceback():
    message = """Runtime Error in model weights_raked (../models/weights_raked.py)
  Python model failed:
  Traceback (most recent call last):
    File "raking.py", line 201, in _demand_met
      raise RakingError(
  orchestration.scoring.raking.RakingError: ilk-2025-s2, role penerima: raking did not converge
"""
    assert sentence(message) == "RakingError: ilk-2025-s2, role penerima: raking did not converge"
    assert sentence("Runtime Error\n  no such table") == "Runtime Error no such table"


@given(
    st.lists(st.integers(1, 40), min_size=6, max_size=6),
    st.lists(st.floats(0.5, 4), min_size=6, max_size=6),
    st.lists(st.integers(20, 80), min_size=5, max_size=5),
)
def test_raked_weights_meet_every_margin(counts, base, staff):
    rows = np.array(staff[:2]) / sum(staff[:2])
    columns = np.array(staff[2:]) / sum(staff[2:])
    count, weight = np.array(counts, dtype=float), np.array(base)
    total = float(count @ weight)
    margins = [
        margin("row", list(rows * total), [0, 0, 0, 1, 1, 1]),
        margin("column", list(columns * total), [0, 1, 2, 0, 1, 2]),
    ]
    rules = Rules(max_rounds=10_000, tolerance=1e-6, trim_low=0.01, trim_high=100)
    found = (raked(weight, count, margins, rules, whose="test") * count).reshape(2, 3)
    assert found.sum(axis=1) == pytest.approx(rows * total, rel=1.1e-6)
    assert found.sum(axis=0) == pytest.approx(columns * total, rel=1.1e-6)


def test_a_category_that_a_replicate_drew_nobody_of_leaves_its_staff_to_the_others():
    # Three regions of 10, 20 and 30 staff; the second replicate drew nobody of the first: the
    # others keep their proportion, 2 : 3, of all 60.
    weights = raked_replicates(
        np.full((3, 2), 6.0),
        np.array([[2.0, 0.0], [4.0, 5.0], [4.0, 5.0]]),
        [margin("region", [10, 20, 30], [0, 1, 2])],
        RULES,
    )
    assert weights[:, 0] * [2, 4, 4] == pytest.approx([10, 20, 30])
    assert weights[1:, 1] * [5, 5] == pytest.approx([24, 36])


def test_a_replicate_draws_one_less_than_the_stratum_has_and_the_same_ones_again():
    drawn = times_drawn([1, 5, 40], 30, seed=1)
    assert (drawn[0] == 1).all()
    assert (drawn[1:6].sum(axis=0) == 4).all()
    assert (drawn[6:].sum(axis=0) == 39).all()
    assert (drawn == times_drawn([1, 5, 40], 30, seed=1)).all()
    assert (drawn != times_drawn([1, 5, 40], 30, seed=2)).any()


def test_the_variance_is_that_of_the_replicates_own_scores():
    # One item, two respondents who gave 2 and 4. Drawn (2, 0), (1, 1), (0, 2): scores 2, 3, 4, of
    # which the variance is 1. In the second domain the first respondent alone speaks: 2, 2 and no
    # score, variance 0. The index is that item's score all the way up. The second also did not use
    # one thing and has not another: availability 1, 3/4, 2/3 and accessibility 1, 2/3, 1/2, their
    # product with (score - 1) / 3 is 1/3, 1/2 x 2/3 and 1/3 x 1, which does not vary.
    sums = np.array([[[2, 1, 0, 0]], [[4, 1, 1, 1]]], dtype=np.float32)
    found = variances(
        weights=np.ones((1, 3)),
        cell_of=np.array([0, 0]),
        drawn=np.array([[2, 1, 0], [0, 1, 2]], dtype=np.uint8),
        sums=sums,
        items=np.array([2]),
        coverage={
            0: {
                "rated": np.array([0.0, 1, 0, 0]),
                "not_used": np.array([0.0, 0, 1, 0]),
                "not_available": np.array([0.0, 0, 0, 1]),
            }
        },
        groups=[
            Group(members=np.array([0]), routes=[(0, 0), (1, 0)]),
            Group(members=np.array([1]), routes=[(0, 0)]),
        ],
        domain_count=2,
        parents=parents_of([(1, 2, 3, 1.0), (3, 1, 2, 1.0)]),
        component_count=3,
        min_weight_share=0.5,
        steps_per_point=1,
    )
    assert found["score"].tolist() == [[1, 0], [1, 0], [1, 0]]
    # Of 12ths: 12, 9, 8 vary by 13 / 3 around 29 / 3; of 6ths: 6, 4, 3 by 7 / 3 around 13 / 3.
    assert found["availability"][0] == pytest.approx([13 / 3 / 144, 0])
    assert found["accessibility"][0] == pytest.approx([7 / 3 / 36, 0])
    assert found["effective_coverage"][0] == pytest.approx([0, 0])
    assert np.isnan(found["availability"][1:]).all()


def test_a_margin_that_the_export_does_not_know_asks_nothing_of_replicates():
    with np.errstate(all="raise"):
        weights = raked_replicates(
            np.full((2, 2), 6.0),
            np.array([[2.0, 1.0], [4.0, 5.0]]),
            [margin("gender", [10, 20], [UNKNOWN, UNKNOWN])],
            RULES,
        )
    assert weights.tolist() == [[6, 6], [6, 6]]


@pytest.fixture(scope="module")
def raked_cycle(
    sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The sample's second cycle, run once more under ilk-1.0-rake; attached: raked, sample."""
    folder = tmp_path_factory.mktemp("raked")
    shutil.copytree(sample.settings.data_dir, folder / "data", symlinks=True)
    shutil.copytree(SAMPLE_SEEDS, folder / "seeds")
    cycles = folder / "seeds" / "survey_cycles.csv"
    rows = cycles.read_text(encoding="utf-8")
    given_method, raking = (
        "ilk-2025-s2,ilk,ilk-2025,ilk-1.0,",
        "ilk-2025-s2,ilk,ilk-2025,ilk-1.0-rake,",
    )
    assert given_method in rows
    cycles.write_text(rows.replace(given_method, raking), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ILK_DATA_DIR", str(folder / "data"))
        patch.setenv("ILK_SEEDS_DIR", str(folder / "seeds"))
        result = ilk("run", "ilk-2025-s2")
    get_settings.cache_clear()
    assert result.exit_code == 0, result.output
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'data' / 'warehouse.duckdb'}' as raked (read_only)")
        connection.execute(f"attach '{sample.settings.warehouse}' as sample (read_only)")
        connection.execute(
            f"create table r as from read_csv('{REFERENCE}', all_varchar = true, nullstr = '')"
        )
        connection.execute("use raked")
        yield connection


def test_every_raked_weight_is_the_one_of_r(raked_cycle):
    [(cells, missing, difference)] = raked_cycle.execute(
        """
        with reference as (from memory.main.r where weight is not null)
        select count(*), count(*) filter (where weights.weight is null),
            max(abs(weights.weight / reference.weight::double - 1))
        from reference
        left join people.weights_cells as cells
            on cells.cycle_id = 'ilk-2025-s2'
            and cells.role_id = reference.role_id
            and cells.region_id is not distinct from reference.region_id
            and cells.unit_level_id = reference.unit_level_id
            and cells.recipient_category_id = reference.recipient_category_id
            and cells.gender = reference.gender
        left join people.weights_by_cell as weights
            on weights.cycle_id = cells.cycle_id
            and weights.weight_cell_number = cells.weight_cell_number
            and weights.weighting_mode = 'rake'
        """
    ).fetchall()
    assert cells > 400
    assert missing == 0
    assert difference < 1e-6


ON = " and ".join(
    f"ours.{key} is not distinct from r.{key}"
    for key in ("domain_type", "domain_id", "component_type", "service_id", "perspective_id")
)


@pytest.mark.parametrize(
    ("table", "figure", "least"),
    [
        ("idx_scores", "score", 500),
        ("idx_coverage", "availability", 200),
        ("idx_coverage", "accessibility", 200),
        ("idx_coverage", "effective_coverage", 200),
    ],
)
def test_raked_figures_are_those_of_r_and_their_errors_but_for_chance(
    raked_cycle, table, figure, least
):
    se = "se" if figure == "score" else f"{figure}_se"
    is_score = table == "idx_scores"
    columns = "*" if is_score else "*, null as perspective_id"
    has_figure = "r.domain_type is not null" if is_score else "r.availability is not null"
    raked_cycle.execute(
        f"""
        create or replace table memory.main.compared as
        select r.{figure}::double as figure, r.{se}::double as se,
            ours.{figure} as our_figure, ours.{se} as our_se, ours.respondent_count
        from memory.main.r
        left join (select {columns} from indexes.{table}) as ours
            on ours.cycle_id = 'ilk-2025-s2' and ours.weighting_mode = 'rake' and {ON}
        where {has_figure}
        """
    )
    [(count, differing, difference)] = raked_cycle.execute(
        """
        select
            count(*),
            count(*) filter (where (figure is null) <> (our_figure is null)),
            max(abs(figure - our_figure))
        from memory.main.compared
        """
    ).fetchall()
    assert count > least
    assert differing == 0
    assert difference < 1e-6
    # A standard error out of B replicates is itself uncertain by 1 / sqrt(2 B): 5 % of our 200,
    # 2.2 % of R's 1,000, together 5.5 % of each ratio. Ratios hang together, since all figures
    # share the replicates, so their mean strays nearly as far as one of them.
    [(count, mean, lowest, highest)] = raked_cycle.execute(
        """
        select count(*), avg(our_se / se), min(our_se / se), max(our_se / se)
        from memory.main.compared
        where se > 1e-9 and our_se is not null and respondent_count >= 30
        """
    ).fetchall()
    assert count > 0.6 * least
    assert mean == pytest.approx(1, abs=0.06)
    assert lowest > 0.78
    assert highest < 1.22


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        ("people/weights/weights_raked", CELL_WEIGHTS),
        ("sums/sums_bootstrap_variances", VARIANCES),
        ("sums/sums_compared_bootstrap_variances", COMPARED_VARIANCES),
    ],
    ids=["weights", "variances", "variances of a comparison"],
)
def test_a_table_that_no_cycle_raked_for_has_the_columns_that_raking_gives_it(model, schema):
    """Where no cycle rakes dbt makes it of the YAML, and Python is not run."""
    path = REPOSITORY / "models" / f"{model}.yml"
    [described] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    assert described["config"]["meta"] == {"only_where_raked": True}
    with duckdb.connect() as connection:
        rows = connection.from_arrow(schema.empty_table())
        written = dict(zip(rows.columns, map(str, rows.types), strict=True))
    declared = {column["name"]: column["data_type"].upper() for column in described["columns"]}
    assert declared == written


def test_raking_leaves_the_unweighted_scores_as_they_were(raked_cycle):
    keys = "cycle_id, weighting_mode, domain_type, domain_id, component_type, service_id"
    # Middles are of what is shown, and raked weights show other cells.
    no_middle = "domain_type not in ('unit_median', 'equal_level')"
    [(count, differing)] = raked_cycle.execute(
        f"""
        with sides as (
            select {keys}, perspective_id, item_id, score, se, df, effective_respondent_count
            from raked.indexes.idx_scores
            where cycle_id = 'ilk-2025-s2' and weighting_mode = 'none' and {no_middle}
            union all
            select {keys}, perspective_id, item_id, score, se, df, effective_respondent_count
            from sample.indexes.idx_scores
            where cycle_id = 'ilk-2025-s2' and weighting_mode = 'none' and {no_middle}
        )
        select count(*), count(*) filter (where not is_same) from (
            select
                count(*) = 2 and count(distinct df) <= 1
                and coalesce(max(score) - min(score), 0) < 1e-12
                and coalesce(max(se) - min(se), 0) < 1e-12
                and count(score) <> 1 and count(se) <> 1 as is_same
            from sides
            group by {keys}, perspective_id, item_id
        )
        """
    ).fetchall()
    assert count > 10_000
    assert differing == 0


def test_a_raked_cycle_is_published_with_its_mode_beside_the_unweighted_one(raked_cycle):
    modes = raked_cycle.execute(
        "select distinct weighting_mode from indexes.idx_scores where cycle_id = 'ilk-2025-s2'"
    ).fetchall()
    assert sorted(modes) == [("none",), ("rake",)]
    assert raked_cycle.execute(
        """
        select count(*) from indexes.idx_scores as scores
        where cycle_id = 'ilk-2025-s2' and weighting_mode = 'rake'
            and domain_type = 'national' and component_type = 'index' and band is not null
        """
    ).fetchone() == (1,)
