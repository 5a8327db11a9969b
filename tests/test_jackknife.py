"""The jackknife's variances: against numbers worked out by hand, and R's survey package to 1e-9.

Belongs here: the function that a method with a jackknife calls, also over the sample's small
domains (tests/reference/jackknife.R). Doesn't: that a cycle's errors are these (test_formulas.py).
"""

import math
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from orchestration.scoring.jackknife import jackknife_variances
from orchestration.scoring.linearisation import VARIANCES
from orchestration.settings import REPOSITORY
from tests.test_linearisation import COMPONENTS, EDGES, QUESTIONS, ROUTES

CYCLE = "ilk-2025-s2"
REFERENCE = Path(__file__).parent / "reference" / f"jackknife_{CYCLE}.csv.gz"
KEYS = (
    *("weighting_mode", "domain_type", "domain_id", "component_type"),
    *("service_id", "perspective_id", "item_id"),
)
# Where nobody could be left out there is no variance here; R has rounding of those left in.
NOTHING = 1e-24


def by_hand(people: list[tuple[int, str, int]], staff: dict[int, int], below: int) -> dict:
    """Variances by domain and component of people: stratum, unit, rating of item b (0: none)."""
    frame = pd.DataFrame(people, columns=["stratum_number", "unit_id", "rating_3"])
    sizes = frame.groupby("stratum_number").size()
    ratings = frame.astype({"rating_3": np.int16}).assign(
        role_id="penerima", steps_per_point=1, rating_1=np.int16(0), rating_2=np.int16(0)
    )
    of_all = pd.Series(staff)
    found = jackknife_variances(
        pa.Table.from_pandas(ratings, preserve_index=False),
        cycle_id="c1",
        settings=pd.DataFrame(
            {"cycle_id": ["c1"], "instrument_id": ["i"], "jackknife_below_n": [below],
             "min_weight_share": [0.5]}
        ),
        questions=QUESTIONS.assign(instrument_id="i"),
        components=COMPONENTS,
        edges=EDGES,
        routes=ROUTES,
        strata=pd.DataFrame(
            {"stratum_number": sizes.index, "weighting_mode": "poststrat",
             "stratum_respondent_count": sizes.to_numpy(), "sampling_fraction": sizes / of_all,
             "weight": of_all / sizes}
        ),
    ).to_pandas()  # fmt: skip
    return found.set_index(["domain_number", "component_number"])["variance"].to_dict()


TWO_STRATA = [(1, "u", 2), (1, "u", 4), (1, "v", 0), (2, "u", 4), (2, "v", 0)]


def test_one_item_with_each_of_two_strata_left_out():
    # Everybody weighs 2: 20/6 = 10/3. Without the first the two left of his stratum weigh 3:
    # (12 + 8) / 5; without the second (6 + 8) / 5; without the third, who rated nothing,
    # (18 + 8) / 8. Of the other stratum, whose one weighs 4 then: 12 / 4, (12 + 16) / 8.
    found = by_hand(TWO_STRATA, {1: 6, 2: 4}, below=60)
    variance = 1 / 2 * 2 / 3 * ((2 / 3) ** 2 + (8 / 15) ** 2 + (1 / 12) ** 2)
    variance += 1 / 2 * 1 / 2 * ((1 / 3) ** 2 + (1 / 6) ** 2)
    # Item a nobody rated: b carries all of its parents.
    assert found == pytest.approx(
        {(domain, component): variance for domain in (1, 2) for component in (1, 2, 3, 5)}
    )


def test_a_domain_of_as_many_as_the_method_says_has_none():
    assert by_hand(TWO_STRATA, {1: 6, 2: 4}, below=3) == {}
    assert by_hand(TWO_STRATA, {1: 6, 2: 4}, below=4)


def test_who_is_the_only_one_to_have_rated_is_never_left_out():
    # 7 / 3 - (7 / 6 x 3 - 7 / 6) is no nought in binary, though nobody is left.
    assert by_hand([(1, "u", 3), (1, "v", 0), (1, "v", 0)], {1: 7}, below=60) == {}


def test_all_alike_have_a_variance_of_nought():
    found = by_hand([(1, "u", 3), (1, "u", 3), (2, "u", 3), (2, "v", 0)], {1: 7, 2: 5}, below=60)
    assert set(found.values()) == {0.0}


@pytest.fixture(scope="module")
def compared(sample) -> pd.DataFrame:
    """R's variances beside ours (`our_variance`)."""
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:

        def of_cycle(table: str) -> pd.DataFrame:
            return connection.execute(f"from {table} where cycle_id = ?", [CYCLE]).df()

        # The warehouse keeps the ratings of the last cycle, which is this one.
        ratings = connection.sql(
            "from people.ratings_of_cycle order by stratum_number, response_key"
        ).to_arrow_table()
        connection.register(
            "found",
            jackknife_variances(
                ratings,
                cycle_id=CYCLE,
                settings=of_cycle("design.design_settings").assign(jackknife_below_n=60),
                questions=connection.execute(
                    "from staging.stg_seeds__questions where asks = 'performance'"
                ).df(),
                components=of_cycle("design.design_components"),
                edges=of_cycle("design.design_edges"),
                routes=of_cycle("sums.sums_domain_routes"),
                strata=of_cycle("people.weights_by_stratum"),
            ),
        )
        on = " and ".join(f"ours.{key} is not distinct from r.{key}" for key in KEYS)
        return connection.execute(
            f"""
            with ours as (
                select found.weighting_mode, domains.*, components.*, found.variance
                from found
                inner join sums.sums_domains as domains using (cycle_id, domain_number)
                inner join design.design_components as components
                    using (cycle_id, component_number)
            )
            select r.*, ours.variance as our_variance
            from read_csv('{REFERENCE}', nullstr = '', all_varchar = true) as r
            left join ours on {on}
            """
        ).df()


def test_every_jackknife_error_is_the_one_of_r(compared):
    variances = compared[["variance", "our_variance"]].astype(float)
    assert variances["variance"].notna().all()
    assert (variances["our_variance"] > 0).sum() > 1000
    errors = variances.map(math.sqrt, na_action="ignore")
    # A variance of nought is exact here.
    errors.loc[variances["variance"] < NOTHING, "variance"] = 0
    assert (errors["variance"] - errors["our_variance"].fillna(0)).abs().max() < 1e-9


def test_a_table_of_cycles_without_a_jackknife_has_the_columns_that_one_gives_it():
    """dbt makes it of the YAML, and Python is not run."""
    path = REPOSITORY / "models" / "sums" / "sums_jackknife_variances.yml"
    [described] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    assert described["config"]["meta"] == {"only_where_jackknifed": True}
    with duckdb.connect() as connection:
        rows = connection.from_arrow(VARIANCES.empty_table())
        written = dict(zip(rows.columns, map(str, rows.types), strict=True))
    declared = {column["name"]: column["data_type"].upper() for column in described["columns"]}
    assert declared == written
