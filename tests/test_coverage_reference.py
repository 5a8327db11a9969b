"""The sample cycle's coverage against R's survey package (tests/reference/coverage.R), to 1e-9."""

from pathlib import Path

import duckdb
import pytest

REFERENCE = Path(__file__).parent / "reference" / "coverage_ilk-2025-s2.csv.gz"
KEYS = ("weighting_mode", "domain_type", "domain_id", "service_id")
FIGURES = [
    f"{measure}{error}"
    for measure in ("availability", "accessibility", "effective_coverage")
    for error in ("", "_se")
]


@pytest.fixture(scope="module")
def compared(sample) -> duckdb.DuckDBPyConnection:
    """R's figures beside the warehouse's, in a table `compared`, but for what nobody may see."""
    connection = duckdb.connect()
    connection.execute(f"attach '{sample.settings.warehouse}' as warehouse (read_only)")
    on = " and ".join(f"ours.{key} is not distinct from r.{key}" for key in KEYS)
    figures = ", ".join(f"ours.{figure} as our_{figure}" for figure in FIGURES)
    connection.execute(
        f"""
        create table compared as
        select r.*, ours.respondent_count as our_respondent_count, {figures}
        from read_csv('{REFERENCE}', all_varchar = true, nullstr = '') as r
        left join warehouse.indexes.idx_coverage as ours
            on ours.cycle_id = 'ilk-2025-s2' and {on}
        where ours.cycle_id is not null or r.accessibility::double > 0
        """
    )
    return connection


def test_the_reference_holds_seven_domain_types_in_both_modes(compared):
    [found] = compared.execute(
        "select count(distinct domain_type), count(distinct weighting_mode), count(*) > 800,"
        " count(effective_coverage_se) > 300 from compared"
    ).fetchall()
    assert found == (7, 2, True, True)


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_the_one_of_r(compared, figure):
    # Of a variance of nought R's covariance of totals leaves rounding, ours is exact.
    rounding = f"our_{figure} = 0 and {figure}::double < 1e-6" if "_se" in figure else "false"
    [(difference,)] = compared.execute(
        f"""
        select max(case
            when {rounding} or our_{figure} is null and {figure} is null then 0
            when our_{figure} is null or {figure} is null then 'infinity'::double
            else abs(our_{figure} - {figure}::double)
        end) from compared
        """
    ).fetchall()
    assert difference < 1e-9


def test_every_count_is_the_one_of_r(compared):
    assert compared.execute(
        "select count(*) from compared "
        "where our_respondent_count is distinct from respondent_count::bigint"
    ).fetchall() == [(0,)]
