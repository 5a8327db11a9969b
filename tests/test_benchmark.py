"""The script that the warehouse is measured against computes the same scores.

Belongs here: equality of benchmarks/by_hand.py and the warehouse on a small cycle with every fault
that the sampler makes. Doesn't: speed (make bench).
"""

from pathlib import Path

import duckdb
import pytest

from benchmarks import by_hand, run
from orchestration.sampling import make_cycle
from orchestration.settings import get_settings
from tests.conftest import ilk


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small cycle's warehouse, and the script's scores of the same export files."""
    folder = tmp_path_factory.mktemp("benchmark")
    landing, scores = folder / "landing", folder / "by_hand.parquet"
    make_cycle(
        landing, cycle_id=run.CYCLE, respondents=3_000, seed=7, seeds_dir=run.SEEDS, tools=run.TOOLS
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ILK_DATA_DIR", str(folder / "data"))
        environment.setenv("ILK_LANDING_URL", str(landing))
        result = ilk("run", run.CYCLE)
        warehouse = get_settings().warehouse
    get_settings.cache_clear()
    assert result.exit_code == 0, result.output
    by_hand.main(landing, run.SEEDS, run.CYCLE, scores)
    return warehouse, scores


def test_the_scores_by_hand_are_the_warehouses_to_1e_9(both: tuple[Path, Path]) -> None:
    assert run.differences(*both) == []


def test_a_score_that_is_a_hair_off_is_found(both: tuple[Path, Path], tmp_path: Path) -> None:
    warehouse, scores = both
    spoilt = tmp_path / "spoilt.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"""
            copy (
                select * replace (score + 2e-8 * (domain_type = 'national')::integer as score)
                from '{scores}'
            ) to '{spoilt}' (format parquet)
            """
        )
    found = run.differences(warehouse, spoilt)
    assert any(sentence.startswith("score differs in") for sentence in found), found


def test_a_row_on_one_side_only_is_found(both: tuple[Path, Path], tmp_path: Path) -> None:
    warehouse, scores = both
    short = tmp_path / "short.parquet"
    with duckdb.connect() as con:
        rows = f"from '{scores}' where domain_type <> 'national' or component_type <> 'index'"
        con.execute(f"copy ({rows}) to '{short}' (format parquet)")
    assert "2 rows stand on one side only" in run.differences(warehouse, short)
