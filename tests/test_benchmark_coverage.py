"""benchmarks/coverage.py computes what the product does: a small organisation's sample, to 1e-9.

Belongs here: the product's functions and SQL over the benchmark's sample. Doesn't: what comes out
of thousands (docs/method.md, make coverage).
"""

from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from jinja2 import Environment
from scipy import stats

from benchmarks import coverage
from orchestration.scoring.domain_sums import component_sums
from orchestration.scoring.jackknife import jackknife_variances
from orchestration.scoring.linearisation import linearise
from orchestration.scoring.score_tree import edges_of, parents_of, roll_up
from orchestration.scoring.second_moments import second_moments
from orchestration.settings import REPOSITORY

RANKS = (1, 2, 3)
ITEMS = [f"i{item:02}" for item in range(coverage.ITEMS)]
CELLS = 2 + coverage.SERVICES
FIRST_ITEM = CELLS + coverage.ITEMS
COMPONENTS = pd.DataFrame(
    [
        (1, "index", None, None, None),
        *((2 + of, "service", f"s{of}", None, None) for of in range(coverage.SERVICES)),
        *(
            (first + place, kind, f"s{service}", f"p{place % coverage.PERSPECTIVES}", item)
            for kind, first in (("service_perspective", CELLS), ("item", FIRST_ITEM))
            for place, service in enumerate(coverage.SERVICE_OF)
            for item in [ITEMS[place] if kind == "item" else None]
        ),
    ],
    columns=["component_number", "component_type", "service_id", "perspective_id", "item_id"],
)
EDGES = pd.DataFrame(
    [
        *((1, CELLS + place, FIRST_ITEM + place, 1.0) for place in range(coverage.ITEMS)),
        *((2, 2 + of, CELLS + place, 1.0) for place, of in enumerate(coverage.SERVICE_OF)),
        *((3, 1, 2 + of, 1.0) for of in range(coverage.SERVICES)),
    ],
    columns=["storey", "parent_number", "child_number", "weight"],
)
QUESTIONS = pd.DataFrame(
    [
        (1 + place * len(RANKS) + rank - 1, item, f"s{coverage.SERVICE_OF[place]}",
         f"p{place % coverage.PERSPECTIVES}", rank, "i")
        for place, item in enumerate(ITEMS)
        for rank in RANKS
    ],
    columns=["question_number", "item_id", "service_id", "perspective_id", "provider_level_rank",
             "instrument_id"],
)  # fmt: skip
KEYS = ["domain_number", "component_number"]


@pytest.fixture(scope="module")
def small() -> tuple[coverage.Population, np.ndarray]:
    """A population, and who of it answers."""
    random = np.random.default_rng(7)
    scenario = coverage.Scenario("S0", "answers near 4", mean=3.7, response_sd=0.12)
    of = coverage.organisation(random, units=(1, 4, 8), regions=2, staff=500, largest=120)
    middle = coverage.middle_of(scenario)
    people = coverage.population(random, scenario, of, middle=middle)
    return people, coverage.who_answers(random, scenario, people)


def ratings_of_cycle(people: coverage.Population, of: coverage.Sample) -> pa.Table:
    whole, given = people.organisation, people.ratings[of.rows]
    columns: dict[str, Any] = {
        "response_key": [f"{row:05}" for row in range(len(of.rows))],
        "stratum_number": of.stratum.astype(np.int32),
        "weight_cell_number": of.stratum.astype(np.int32),
        "unit_id": [f"u{unit}" for unit in whole.unit[of.rows]],
        "role_id": ["penerima"] * len(of.rows),
        "steps_per_point": np.ones(len(of.rows), dtype=np.int32),
    }
    for number, item, rank in QUESTIONS[
        ["question_number", "item_id", "provider_level_rank"]
    ].itertuples(index=False):
        columns[f"rating_{number}"] = given[:, rank - 1, ITEMS.index(item)].astype(np.int16)
    for service in range(coverage.SERVICES):
        for rank in RANKS:
            for kind in ("not_used", "not_available"):
                columns[f"{kind}_count_{2 + service}_{rank}"] = np.zeros(len(given), np.int16)
    return pa.table(columns)


def routes_of(of: coverage.Organisation) -> pd.DataFrame:
    """sums_domain_routes; domain numbers: 0 the nation, 100 on regions, 1000 on units."""
    heard: dict[tuple[str, str, int], set[int]] = {("role_id", "penerima", 0): set(RANKS)}
    for unit in range(len(of.level)):
        above = unit
        while above >= 0:
            domains = [1000 + above, *([100 + of.region[above]] if of.region[above] >= 0 else [])]
            for domain in domains:
                heard.setdefault(("unit_id", f"u{unit}", int(domain)), set()).add(
                    int(of.level[above]) + 1
                )
            above = of.parent[above]
    return pd.DataFrame(
        [(*key, *(rank in ranks for rank in RANKS)) for key, ranks in heard.items()],
        columns=["attribute_name", "attribute_value", "domain_number",
                 *(f"is_level_{rank}" for rank in RANKS)],
    ).assign(role_id="penerima")  # fmt: skip


def by_the_product(
    people: coverage.Population, of: coverage.Sample, method: coverage.Method
) -> pd.DataFrame:
    """Return score, se, df, effective, respondents, low, high by domain and component."""
    ratings, routes = ratings_of_cycle(people, of), routes_of(people.organisation)
    settings = pd.DataFrame(
        {
            "cycle_id": ["c"],
            "instrument_id": ["i"],
            "jackknife_below_n": [method.jackknife_below_n],
            "min_weight_share": [coverage.MIN_WEIGHT_SHARE],
        }
    )
    strata = pd.DataFrame(
        {
            "stratum_number": np.arange(len(of.staff)),
            "weighting_mode": "poststrat",
            "stratum_respondent_count": of.strata.sizes,
            "weight": of.strata.weights,
            "sampling_fraction": of.strata.fractions,
        }
    )
    whole = {"questions": QUESTIONS, "components": COMPONENTS, "routes": routes}
    sums = component_sums(ratings, **whole).to_pandas()
    weight = of.strata.weights[sums["stratum_number"]]
    sums = sums.assign(
        steps=weight * sums["step_sum"].fillna(0),
        ratings=weight * sums["rating_count"],
        weight=weight * sums["respondent_count"],
        square=weight**2 * sums["respondent_count"],
        strata=(sums["respondent_count"] > 0).astype(int),
    )
    totals = sums.groupby(KEYS)[
        ["steps", "ratings", "weight", "square", "strata", "respondent_count"]
    ].sum()
    domains = np.sort(routes["domain_number"].unique())
    grid = pd.MultiIndex.from_product([COMPONENTS["component_number"], domains])
    of_grid = totals.swaplevel().reindex(grid)
    values = (of_grid["steps"] / of_grid["ratings"]).to_numpy(copy=True)
    values = values.reshape(-1, len(domains))
    values[: FIRST_ITEM - 1] = np.nan
    roll_up(values, parents_of(edges_of(EDGES)), min_weight_share=coverage.MIN_WEIGHT_SHARE)
    of_grid["score"] = values.ravel()
    of_grid["weighting_mode"] = "poststrat"
    of_grid.index.names = ["component_number", "domain_number"]
    scores = of_grid[of_grid["score"].notna()].reset_index()
    linearised = linearise(
        second_moments(ratings, cycle_id="c", settings=settings, **whole),
        components=COMPONENTS,
        edges=EDGES,
        scores=scores.rename(columns={"ratings": "weighted_rating_count"}),
        strata=strata,
    ).variances()
    found = scores.set_index(KEYS)
    found["variance"] = linearised.set_index(KEYS)["variance"]
    if method.jackknife_below_n:
        jackknifed = jackknife_variances(
            ratings, cycle_id="c", settings=settings, edges=EDGES, strata=strata, **whole
        )
        found.update(jackknifed.to_pandas().set_index(KEYS)[["variance"]])
    found["df"] = found["respondent_count"] - found["strata"]
    found["effective"] = found["weight"] ** 2 / found["square"]
    found["se"] = np.sqrt(found["variance"]).where(found["df"] >= 1)
    found["t"] = stats.t.ppf(0.975, found["df"].clip(lower=1))
    return _with_interval(found.reset_index(), method).set_index(KEYS)


def _with_interval(found: pd.DataFrame, method: coverage.Method) -> pd.DataFrame:
    text = REPOSITORY / "dbt_project" / "macros" / "intervals.sql"
    macros: Any = Environment().from_string(text.read_text(encoding="utf-8")).module
    size = macros.wilson_size("score", "score", "se", "effective", "effective")
    ends = [macros.wilson_end("score", "size", "t", sign) for sign in "-+"]
    if not method.is_wilson:
        ends = ["greatest(score - t * se, 1)", "least(score + t * se, 4)"]
    query = f"select * exclude (size), {ends[0]} as low, {ends[1]} as high from "
    with_ends: pd.DataFrame = duckdb.sql(f"{query} (select *, {size} as size from found)").df()
    with_ends.loc[with_ends["se"].isna(), ["low", "high"]] = np.nan
    return with_ends


@pytest.mark.parametrize("method", coverage.METHODS, ids=lambda method: method.name)
def test_scores_errors_and_intervals_are_the_products(small, method):
    people, answers = small
    of = coverage.sample(people.organisation, answers, method)
    assert of.strata.sizes.min() >= 2
    product = by_the_product(people, of, method)
    compared = 0
    for kind, first in zip(coverage.KINDS, (0, 100, 1000), strict=True):
        ours = coverage.estimates(coverage.ratings_of_sample(kind, people, of), of, method)
        for place, number in enumerate([1, *range(FIRST_ITEM, FIRST_ITEM + coverage.ITEMS)]):
            theirs = product.reindex([(int(first + domain), number) for domain in ours.domains])
            for name in ("score", "se", "low", "high"):
                mine = getattr(ours, name)[:, place]
                known = ~np.isnan(mine)
                assert (known == theirs[name].notna().to_numpy()).all(), (kind, number, name)
                assert mine[known] == pytest.approx(theirs[name].to_numpy()[known], abs=1e-9)
                compared += int(known.sum())
            known = ~np.isnan(ours.score[:, place])
            for name, of_product in (("df", "df"), ("respondents", "respondent_count")):
                mine = getattr(ours, name)[known, place]
                assert (mine == theirs[of_product].to_numpy()[known]).all()
    assert compared > 1000


@pytest.mark.parametrize("method", coverage.METHODS, ids=lambda method: method.name)
def test_strata_are_collapsed_as_the_warehouse_does(small, method):
    people, _ = small
    of, random = people.organisation, np.random.default_rng(3)
    path = REPOSITORY / "models" / "people" / "weights" / "weights_collapsed_strata.sql"
    query = Environment().from_string(path.read_text(encoding="utf-8")).render(ref=lambda of: of)
    steps = set()
    for rate in (0.03, 0.08, 0.15, 0.3, 0.5):
        bases, _ = coverage.base_strata(
            of, random.random(len(of.unit)) < rate, is_by_unit=method.is_by_unit
        )
        bases = [base for base in bases if base.staff]
        frame = pd.DataFrame(
            {
                "cycle_id": "c",
                "role_id": "penerima",
                "base_stratum_id": [base.id for base in bases],
                "region_id": [base.place.partition("|")[0] or None for base in bases],
                "unit_level_id": [base.level for base in bases],
                "unit_id": [base.id if method.is_by_unit else None for base in bases],
                "recipient_category_id": [base.category for base in bases],
                "staff_count": [base.staff for base in bases],
                "respondent_count": [base.respondents for base in bases],
            }
        )
        with duckdb.connect() as connection:
            connection.register("weights_base_strata", frame)
            connection.execute(
                "create table design_settings as select 'c' as cycle_id, ? as min_stratum_n",
                [coverage.MIN_STRATUM_N],
            )
            rows = connection.sql(query).df().set_index("base_stratum_id")
        # What a stratum is called is each side's own; who is in it is not.
        ours = pd.Series(coverage.final_strata(bases), index=[base.id for base in bases])
        theirs = rows["stratum_id"].reindex(ours.index)
        assert (theirs.groupby(ours).nunique() == 1).all()
        assert (ours.groupby(theirs).nunique() == 1).all()
        steps |= set(rows["collapse_step"])
    assert len(steps) > 2
