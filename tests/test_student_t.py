"""Student's t quantiles of the warehouse against scipy's."""

import duckdb
import pytest
from scipy import stats

from tests.conftest import SAMPLE_CYCLES, Sample


def test_the_quantiles_up_to_a_hundred_degrees_of_freedom_are_scipys(sample: Sample) -> None:
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select df, quantile from figures.scores_student_t where cycle_id = ? order by df",
            [SAMPLE_CYCLES[-1]],
        ).fetchall()
    assert [df for df, _ in rows] == list(range(1, 101))
    for df, quantile in rows:
        assert quantile == pytest.approx(stats.t.ppf(0.975, df), rel=1e-14)


def test_intervals_beyond_a_hundred_degrees_of_freedom_use_scipys_quantiles(sample: Sample) -> None:
    with duckdb.connect(str(sample.settings.warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select df, (ci_high - score) / se from indexes.idx_scores "
            "where df between 101 and 2000 and ci_high < 4 and se > 0"
        ).fetchall()
    assert len(rows) > 100
    for df, quantile in rows:
        assert quantile == pytest.approx(stats.t.ppf(0.975, df), abs=1e-9)
