"""Who did not answer: against numpy written apart, from what is published and from single answers.

Belongs here: R-indicators, late less early, what they leave open. Doesn't: the models' own numbers
by hand (the YAML beside each).
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from orchestration.scoring.late_and_early import late_less_early, sums_of_thirds
from orchestration.stages.uneven_response import biased_response, uneven_response
from tests.conftest import Sample
from tests.test_linearisation import COMPONENTS, EDGES, QUESTIONS

Floats = NDArray[np.float64]


def spread(staff: Floats, respondents: Floats, *, of_source: bool = False) -> float:
    """S of response rates between groups; `of_source`: adjusted as Shlomo et al. (2012) do."""
    rates = np.minimum(respondents / staff, 1)
    rate = staff @ rates / staff.sum()
    noise = rates * (1 - rates)
    chance = (
        noise.sum() * (staff.sum() - 1) / staff.sum()
        if of_source
        else (noise * (1 - staff / staff.sum()) * staff / np.maximum(staff - 1, 1)).sum()
    )
    return float((staff @ (rates - rate) ** 2 - chance) / (staff.sum() - 1))


def test_chance_alone_makes_no_spread_even_in_small_groups():
    generator = np.random.default_rng(19)
    staff = generator.integers(10, 16, size=200).astype(float)
    samples = [generator.binomial(staff.astype(int), 0.3).astype(float) for _ in range(400)]
    own = np.array([spread(staff, sample) for sample in samples])
    source = np.array([spread(staff, sample, of_source=True) for sample in samples])
    error = own.std() / 20
    assert abs(own.mean()) < 4 * error
    assert source.mean() > 8 * error, "to the first order alone a little of chance is left"


@pytest.fixture(scope="module")
def published(sample: Sample) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(sample.database, read_only=True) as connection:
        yield connection


def test_r_indicators_follow_from_published_counts(sample, published):
    """But for the frame, all that they are made of is published: they tell nothing new."""
    with duckdb.connect(sample.settings.warehouse, read_only=True) as warehouse:
        frame = warehouse.execute("from design.design_staff where role_id = 'penerima'").df()
    rows = published.execute("from fct_participation").df()
    sums = published.execute("from fct_participation_units").df()
    units = published.execute(
        "select cycle_id, unit_id, region_id, unit_level_id from dim_cycle_units"
    )
    placed = rows.merge(units.df(), on=["cycle_id", "unit_id"])
    told = published.execute(
        "from idx_nonresponse where domain_type in ('national', 'role') and part_id is null"
    ).df()
    assert {"all", "unit", "region_level", "category", "gender"} == {*told["variable"]}
    for row in told.itertuples():
        of_sums = sums[(sums["cycle_id"] == row.cycle_id) & (sums["role_id"] == row.role_id)]
        of_sums = of_sums[of_sums["staff_count"] > 0].reset_index(drop=True)
        place = of_sums["region_id"].fillna("") + "|" + of_sums["unit_level_id"].fillna("")
        if row.variable == "unit":
            cells = of_sums
        elif row.variable == "region_level":
            cells = of_sums.groupby(place)[["staff_count", "respondent_count"]].sum()
        elif row.variable == "all":
            cells = _rows_and_rests(placed, of_sums, place, row)
        else:
            cells = _groups(published, row, of_sums, frame[frame["cycle_id"] == row.cycle_id])
        staff = cells["staff_count"].to_numpy(dtype=float)
        answered = cells["respondent_count"].to_numpy(dtype=float)
        assert row.cell_count == len(cells), row
        variance = max(spread(staff, answered), 0)
        assert row.partial_r == pytest.approx(np.sqrt(variance), abs=1e-9)
        assert row.r_indicator == pytest.approx(1 - 2 * np.sqrt(variance), abs=1e-9)
        rate = np.minimum(answered, staff).sum() / staff.sum()
        assert row.max_standardised_bias == pytest.approx(np.sqrt(variance) / rate, abs=1e-9)


def _rows_and_rests(placed, of_sums, place, told) -> pd.DataFrame:
    """Shown rows, and what is left of each unit, or group of units, once they are taken out."""
    mine = placed[
        (placed["cycle_id"] == told.cycle_id)
        & (placed["role_id"] == told.role_id)
        & ~placed["is_suppressed"]
    ]
    single = {*of_sums["unit_id"].dropna()}
    group = {
        at: number
        for number, (at, unit) in enumerate(zip(place, of_sums["unit_id"], strict=True))
        if pd.isna(unit)
    }
    number_of = {unit: number for number, unit in enumerate(of_sums["unit_id"])}
    at = mine["region_id"].fillna("") + "|" + mine["unit_level_id"]
    of_sum = [
        number_of[unit] if unit in single else group.get(where, group.get("|", -1))
        for unit, where in zip(mine["unit_id"], at, strict=True)
    ]
    taken = mine.groupby(of_sum)[["staff_count", "respondent_count"]].sum()
    rest = of_sums[["staff_count", "respondent_count"]].sub(
        taken.reindex(of_sums.index, fill_value=0)
    )
    kept = mine.loc[np.array(of_sum) >= 0, ["staff_count", "respondent_count"]]
    both = pd.concat([kept, rest]).astype(float)
    return both[both["staff_count"] > 0]


def _groups(published, told, of_sums, frame) -> pd.DataFrame:
    """Staff of the frame, and the counts beside scores, scaled to all that are told."""
    kind = "recipient_category" if told.variable == "category" else told.variable
    column = "recipient_category_id" if told.variable == "category" else told.variable
    counts = published.execute(
        """
        select domain_id, respondent_count from idx_scores
        where cycle_id = ? and domain_type = ?
            and component_type = 'index' and weighting_mode = 'poststrat'
        """,
        [told.cycle_id, kind],
    ).df()
    staff = frame.groupby(column)["staff_count"].sum()
    both = counts.set_index("domain_id").join(staff)[["staff_count", "respondent_count"]]
    whole = of_sums[["staff_count", "respondent_count"]].sum()
    return both.astype(float) * (whole / both.sum())


def test_late_less_early_is_the_sum_over_persons():
    """The difference and its variance, against Taylor's sum over respondents in numpy."""
    generator = np.random.default_rng(7)
    count = 240
    people = pd.DataFrame(
        {
            "response_key": generator.permutation(count) + 1,
            "stratum_number": np.sort(generator.integers(1, 5, count)),
            "unit_id": generator.choice(["u", "v"], count),
            "role_id": generator.choice(["penerima", "pemberi"], count, p=[0.9, 0.1]),
            **{
                f"rating_{number}": generator.integers(0, 5, count).astype(np.int16)
                for number in (1, 2, 3)
            },
            **{
                f"{kind}_count_2_{rank}": np.zeros(count, np.int16)
                for kind in ("not_used", "not_available")
                for rank in (1, 2)
            },
        }
    ).assign(weight_cell_number=lambda of: of["stratum_number"], steps_per_point=1)
    people["steps_per_point"] = people["steps_per_point"].astype(np.int32)
    minutes = generator.permutation(count)
    submitted = np.datetime64("2025-05-01", "us") + minutes.astype("timedelta64[m]")
    sizes = people.groupby("stratum_number").size()
    strata = pd.DataFrame(
        {
            "stratum_number": sizes.index,
            "stratum_respondent_count": sizes.to_numpy(),
            "stratum_staff_count": sizes.to_numpy() * [2, 3, 4, 9],
            "weight": [2.0, 3.0, 4.0, 9.0],
            "sampling_fraction": [1 / 2, 1 / 3, 1 / 4, 1 / 9],
        }
    )
    settings = pd.DataFrame(
        {
            "cycle_id": ["c"],
            "instrument_id": ["i"],
            "weighting_mode": ["poststrat"],
            "min_weight_share": [0.5],
        }
    )
    components = COMPONENTS.assign(cycle_id="c", perspective_id=None)
    questions = QUESTIONS.assign(instrument_id="i", perspective_id=None)
    routes = pd.DataFrame(
        [
            ("role_id", "penerima", "national", 1, True, True),
            ("unit_id", "u", "provider_level", 2, False, True),
            ("unit_id", "u", "provider_unit", 3, True, True),
        ],
        columns=[
            *("attribute_name", "attribute_value", "domain_type", "domain_number"),
            *("is_level_1", "is_level_2"),
        ],
    ).assign(role_id="penerima")
    submissions = pa.table(
        {
            "response_key": people["response_key"].to_numpy(),
            "role_id": people["role_id"].to_list(),
            "submitted_at": submitted,
        }
    )
    is_ours = (people["role_id"] == "penerima").to_numpy()
    rank = pd.Series(minutes)[is_ours].rank()
    third = pd.Series("", index=people.index)
    third[rank.index[3 * rank <= len(rank)]] = "early"
    third[rank.index[3 * (len(rank) + 1 - rank) <= len(rank)]] = "late"
    ends = submitted[third == "early"].max(), submitted[third == "late"].min()
    sums = sums_of_thirds(
        pa.Table.from_pandas(people, preserve_index=False),
        submissions,
        role_id="penerima",
        bounds=pd.DataFrame([ends], columns=["early_until", "late_since"]),
        cycle_id="c",
        settings=settings,
        questions=questions,
        components=components,
        routes=routes,
    )
    found = late_less_early(
        sums, cycle_id="c", settings=settings, components=components, edges=EDGES, strata=strata
    ).to_pandas()
    assert found["domain_number"].tolist() == [1, 2]

    weight = people["stratum_number"].map(strata.set_index("stratum_number")["weight"])
    for domain, asked in {
        1: (("rating_1", "rating_2"), ("rating_3",)),
        2: (("rating_2",), ("rating_3",)),
    }.items():
        within = is_ours & ((people["unit_id"] == "u") if domain == 2 else True)
        scores, influence = {}, pd.Series(0.0, index=people.index)
        for name, sign in (("late", 1), ("early", -1)):
            mine = within & (third == name)
            ratios = []
            for item in asked:
                rated = people[[*item]].where(mine, 0)
                total, number = rated.sum(axis=1), (rated > 0).sum(axis=1)
                ratio = (weight * total).sum() / (weight * number).sum()
                ratios.append(ratio)
                influence += sign * 0.5 * (total - ratio * number) / (weight * number).sum()
            scores[name] = np.mean(ratios)
        variance = 0.0
        for stratum in strata.itertuples():
            added = (weight * influence)[people["stratum_number"] == stratum.stratum_number]
            size = len(added)
            variance += (1 - stratum.sampling_fraction) * size * added.var(ddof=1)
        (row,) = found[found["domain_number"] == domain].itertuples()
        assert row.late_score == pytest.approx(scores["late"], abs=1e-12)
        assert row.early_score == pytest.approx(scores["early"], abs=1e-12)
        assert row.variance == pytest.approx(variance, rel=1e-9)
        rated = (people[[column for item in asked for column in item]] > 0).any(axis=1)
        assert row.early_count == (within & rated & (third == "early")).sum()
        assert row.late_weight == pytest.approx(weight[within & rated & (third == "late")].sum())


def _thirds(submitted: pd.Series) -> pd.Series:
    """Early and late by ranks, of which those of one instant share the worst."""
    known = submitted.dropna()
    until = known.rank(method="max")
    since = known.rank(method="max", ascending=False)
    third = pd.Series(None, index=submitted.index, dtype=object)
    third[until.index[3 * until <= len(known)]] = "early"
    third[since.index[3 * since <= len(known)]] = "late"
    return third


def test_score_and_difference_leave_open_what_few_of_a_third_said(sample, published):
    """A linear program for each domain that is told: the heaviest nine of a third, as one mean."""
    shown = published.execute(
        """
        select cycle_id, domain_type, domain_id, nonresponse.score, late_minus_early,
            coalesce(score_step, 0) as score_step
        from idx_nonresponse as nonresponse
        inner join idx_scores using (cycle_id, domain_type, domain_id)
        where variable = 'all' and late_minus_early is not null
            and component_type = 'index' and weighting_mode = 'poststrat'
        """
    ).df()
    assert {"national", "provider_region"} <= {*shown["domain_type"]}
    with duckdb.connect(sample.settings.warehouse, read_only=True) as warehouse:
        people = warehouse.execute(
            "select cycle_id, unit_id, submitted_at, respondent_weight as weight "
            "from people.weights_by_response where is_accepted and role_id = 'penerima'"
        ).df()
        routes = warehouse.execute(
            "select distinct cycle_id, domain_type, domain_id, attribute_value as unit_id "
            "from sums.sums_domain_routes where attribute_name = 'unit_id'"
        ).df()
    for cycle_id, of_cycle in people.groupby("cycle_id"):
        third = _thirds(of_cycle["submitted_at"])
        placed = of_cycle.assign(third=third)
        for row in shown[shown["cycle_id"] == cycle_id].itertuples():
            units = routes[
                (routes["cycle_id"] == cycle_id)
                & (routes["domain_type"] == row.domain_type)
                & (routes["domain_id"] == row.domain_id)
            ]["unit_id"]
            mine = (
                placed if row.domain_type == "national" else placed[placed["unit_id"].isin(units)]
            )
            for name, sign in (("late", 1), ("early", -1)):
                low, high = _range_of_nine(mine, name, sign, row)
                assert high - low > 1.0, (row, name)


def _range_of_nine(people: pd.DataFrame, third: str, sign: int, told) -> tuple[float, float]:
    """The means that the heaviest nine of a third can have, by the score and the difference."""
    other = "early" if third == "late" else "late"
    weights = people.loc[people["third"] == third, "weight"].sort_values(ascending=False)
    nine, rest = weights[:9].sum(), weights[9:].sum()
    of_other = people.loc[people["third"] == other, "weight"].sum()
    between = people.loc[people["third"].isna(), "weight"].sum()
    score = np.array([nine, rest, of_other, between]) / people["weight"].sum()
    difference = sign * np.array([nine / weights.sum(), rest / weights.sum(), -1, 0])
    half = max(told.score_step / 2, 1e-9)
    step = max(told.score_step, 0.01) / 2
    found = []
    for direction in (1, -1):
        solved = linprog(
            [direction, 0, 0, 0],
            A_ub=[score, -score, difference, -difference],
            b_ub=[
                told.score + half,
                -(told.score - half),
                told.late_minus_early + step,
                -(told.late_minus_early - step),
            ],
            bounds=[(1, 4)] * 4,
        )
        assert solved.success
        found.append(solved.x[0])
    return found[0], found[1]


def warehouse_of(folder: Path, nonresponse: str) -> Path:
    """Make a warehouse with the bounds of c1's method and what a query makes of idx_nonresponse."""
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"""
            create schema indexes;
            create schema design;
            create table design.design_settings as
            select 'c1' as cycle_id, 0.8e0 as min_r_indicator, 0.5e0 as max_response_bias;
            create table indexes.idx_nonresponse as {nonresponse}
            """
        )
    return warehouse


def test_a_run_warns_where_those_who_answered_are_unlike_the_staff(tmp_path: Path):
    warehouse = warehouse_of(
        tmp_path,
        """
            from (values
                ('c1', 'penerima', 'national', 'all', null, 0.79::double),
                ('c1', 'penerima', 'national', 'unit', null, 0.75),
                ('c1', 'penerima', 'national', 'category', 'k', null),
                ('c1', 'penerima', 'provider_region', 'all', null, 0.1),
                ('c1', 'pemberi', 'role', 'all', null, 0.8),
                ('c2', 'penerima', 'national', 'all', null, 0.1)
            ) as rows (cycle_id, role_id, domain_type, variable, part_id, r_indicator)
        """,
    )
    (sentence,) = uneven_response(warehouse, "c1")
    assert "R 0,75 (unit)" in sentence
    assert "0,80 (min_r_indicator)" in sentence
    assert "penerima" in sentence and " / " in sentence


def test_a_run_warns_where_few_answered_however_alike_they_are(tmp_path: Path):
    warehouse = warehouse_of(
        tmp_path,
        """
            from (values
                ('c1', 'penerima', 'national', 'all', null, 0.04e0, 0.93e0, 0.77e0),
                ('c1', 'penerima', 'national', 'unit', null, 0.04, 0.94, 0.68),
                ('c1', 'penerima', 'national', 'category', 'k', 0.04, null, 0.9),
                ('c1', 'penerima', 'provider_region', 'all', null, 0.04, 0.9, 2.0),
                ('c1', 'pemberi', 'role', 'all', null, 0.2, 0.8, 0.5),
                ('c2', 'penerima', 'national', 'all', null, 0.04, 0.9, 2.0)
            ) as rows (
                cycle_id, role_id, domain_type, variable, part_id, response_rate, r_indicator,
                max_standardised_bias
            )
        """,
    )
    assert uneven_response(warehouse, "c1") == []
    (sentence,) = biased_response(warehouse, "c1")
    assert "penerima" in sentence and " / " in sentence
    assert "kini 4,0%" in sentence
    assert "0,77 simpangan baku, di atas 0,50 (max_response_bias)" in sentence
