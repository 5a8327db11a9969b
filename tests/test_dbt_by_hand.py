"""dbt called by hand, as docs/operations.md says: what it does without what a run sets for it."""

from pathlib import Path

from tests.conftest import Sample
from tests.dbt_command import dbt


def test_without_a_cycle_dbt_says_so_and_touches_nothing(sample: Sample, tmp_path: Path) -> None:
    before = sample.settings.warehouse.read_bytes()
    result, warehouse = dbt(sample, tmp_path, *("build", "--select", "idx_targets"), environment={})
    assert result.returncode != 0
    assert "Set ILK_CYCLE_ID to a cycle_id of survey_cycles.csv" in result.stdout
    assert warehouse.read_bytes() == before
