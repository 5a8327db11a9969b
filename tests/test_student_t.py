"""Student's t of the warehouse, quantiles and probabilities, against scipy's."""

import duckdb
import pytest
from jinja2 import Environment
from scipy import stats

from orchestration.settings import REPOSITORY
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


def test_the_share_above_a_value_is_scipys_for_any_degrees_of_freedom() -> None:
    macros = REPOSITORY / "dbt_project" / "macros" / "distributions.sql"
    module = Environment(autoescape=False).from_string(macros.read_text(encoding="utf-8")).module
    rows = duckdb.sql(
        f"select t, df, {module.student_tail('t', 'df')} from "  # type: ignore[attr-defined]
        "(select unnest([0e0, 0.01, 0.3, 1.0, 2.0, 2.5705818, 5.0, 12.0, 40.0, null]) as t), "
        "(select unnest(list_concat(range(1, 131), [500, 5000, 66000, null])) as df)"
    ).fetchall()
    known = [row for row in rows if None not in row[:2]]
    assert [share for *key, share in rows if None in key] == [None] * (len(rows) - len(known))
    assert len(known) == 9 * 133
    for t, df, share in known:
        assert share == pytest.approx(stats.t.sf(t, df), abs=1e-10)
        assert 0 <= share <= 0.5
