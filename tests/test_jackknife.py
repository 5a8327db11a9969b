"""The jackknife's variances against R's survey package (tests/reference/jackknife.R), to 1e-9.

Belongs here: the sample's small domains, whose method has no jackknife, by the function that a
method with one calls. Doesn't: that a cycle's errors are these (test_formulas.py).
"""

import math
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from orchestration.scoring.jackknife import jackknife_variances
from orchestration.scoring.linearisation import VARIANCES
from orchestration.settings import REPOSITORY

CYCLE = "ilk-2025-s2"
REFERENCE = Path(__file__).parent / "reference" / f"jackknife_{CYCLE}.csv.gz"
KEYS = (
    *("weighting_mode", "domain_type", "domain_id", "component_type"),
    *("service_id", "perspective_id", "item_id"),
)
# Where nobody could be left out there is no variance here; R has rounding of those left in.
NOTHING = 1e-24


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
