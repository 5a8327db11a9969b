"""The sample cycle's scores against R's survey package (tests/reference/scores.R), to 1e-9.

As ilk-1.0 computes them, and with strata by unit, as ilk-1.1 does.
"""

from pathlib import Path

import duckdb
import pytest

from tests.conftest import Sample
from tests.reference.by_unit import weighed_by_unit

REFERENCE = Path(__file__).parent / "reference"
KEYS = "weighting_mode, domain_type, domain_id, component_type, service_id, perspective_id, item_id"
CYCLE = "ilk-2025-s2"


@pytest.fixture(scope="module", params=["scores", "scores_by_unit"])
def compared(
    request: pytest.FixtureRequest, sample: Sample, tmp_path_factory: pytest.TempPathFactory
) -> duckdb.DuckDBPyConnection:
    """Each of R's figures beside the warehouse's, in a table `compared`."""
    warehouse = sample.settings.warehouse
    if request.param == "scores_by_unit":
        warehouse = weighed_by_unit(warehouse, CYCLE, tmp_path_factory.mktemp("by_unit"))
    connection = duckdb.connect()
    connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
    on = " and ".join(f"ours.{key} is not distinct from r.{key}" for key in KEYS.split(", "))
    connection.execute(
        f"""
        create table compared as
        select r.*, ours.score as our_score, ours.se as our_se, ours.df as our_df,
            ours.respondent_count as our_respondent_count, ours.answer_count as our_answer_count,
            ours.unit_design_effect as our_unit_design_effect
        from read_csv(
            '{REFERENCE}/{request.param}_{CYCLE}.csv.gz', all_varchar = true, nullstr = ''
        ) as r
        left join warehouse.figures.scores_with_errors as ours
            on ours.cycle_id = '{CYCLE}' and {on}
        """
    )
    return connection


def largest_difference(connection: duckdb.DuckDBPyConnection, figure: str) -> float:
    """The largest difference; infinite where one side alone has the figure."""
    [(difference,)] = connection.execute(
        f"""
        select max(case
            when our_{figure} is null and {figure} is null then 0
            when our_{figure} is null or {figure} is null then 'infinity'::double
            else abs(our_{figure} - {figure}::double)
        end) from compared
        """
    ).fetchall()
    return difference


def test_the_reference_holds_every_domain_type_and_component_type_in_both_modes(compared):
    [(domains, components, modes, rows)] = compared.execute(
        "select count(distinct domain_type), count(distinct component_type), "
        "count(distinct weighting_mode), count(*) from compared"
    ).fetchall()
    assert (domains, components, modes) == (12, 5, 2)
    assert rows > 4_000


def test_every_score_is_the_one_of_r(compared):
    assert largest_difference(compared, "score") < 1e-9


def test_every_standard_error_is_the_one_of_r(compared):
    # Where all influences in a stratum are alike the variance is nought; R's covariance of totals
    # leaves rounding there (some 1e-15, so a se of some 1e-8), ours is exact.
    rounding = "our_se = 0 and se::double < 1e-6"
    assert compared.execute(f"select count(*) from compared where {rounding}").fetchone() > (0,)
    compared.execute(f"update compared set se = '0' where {rounding}")
    assert largest_difference(compared, "se") < 1e-9


@pytest.mark.parametrize("figure", ["df", "respondent_count", "answer_count"])
def test_every_count_is_the_one_of_r(compared, figure):
    assert largest_difference(compared, figure) == 0


def test_the_design_effect_of_units_is_the_one_of_r(compared):
    [(count, domains)] = compared.execute(
        "select count(our_unit_design_effect), count(distinct domain_type)"
        " filter (our_unit_design_effect is not null) from compared"
    ).fetchall()
    assert count > 1000
    assert domains == 3
    assert largest_difference(compared, "unit_design_effect") < 1e-9


def test_covariances_of_who_answered_both_cycles_are_those_of_r(sample):
    """tests/reference/changes.R: influences regressed on strata, residuals multiplied."""
    reference = REFERENCE / "changes_ilk-2025-s2.csv.gz"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{sample.settings.warehouse}' as warehouse (read_only)")
        rows = connection.execute(
            f"""
            select r.overlap_count - ours.overlap_count, r.score - changes.score,
                r.score_previous - changes.score_previous,
                r.se_independent - changes.se, r.covariance, ours.covariance
            from read_csv('{reference}') as r
            left join warehouse.figures.comparison_changes as changes
                on changes.cycle_id = 'ilk-2025-s2' and changes.weighting_mode = 'poststrat'
                and changes.domain_type = r.domain_type and changes.domain_id = r.domain_id
                and r.component = concat_ws(
                    ' ', changes.component_type, coalesce(changes.service_id, 'NA'),
                    coalesce(changes.perspective_id, 'NA'), coalesce(changes.item_id, 'NA')
                )
            left join warehouse.sums.sums_domains as domains
                on domains.cycle_id = 'ilk-2025-s2'
                and domains.domain_type = r.domain_type and domains.domain_id = r.domain_id
            left join warehouse.figures.comparison_covariances as ours
                on ours.cycle_id = 'ilk-2025-s2' and ours.weighting_mode = 'poststrat'
                and ours.domain_number = domains.domain_number
                and ours.component_number = changes.component_number
            """
        ).fetchall()
    assert len(rows) > 50
    for *differences, covariance, ours in rows:
        assert differences == pytest.approx([0, 0, 0, 0], abs=1e-9)
        assert ours == pytest.approx(covariance, rel=1e-9, abs=1e-14)
