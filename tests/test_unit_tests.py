"""dbt's unit tests: formulas against numbers worked out by hand (the YAML beside each model).

Belongs here: running them. They stay out of a cycle's build, since they say nothing on its data.
"""

from pathlib import Path

from tests.conftest import SAMPLE_CYCLES, Sample
from tests.dbt_command import dbt


def test_every_formula_gives_the_numbers_worked_out_by_hand(sample: Sample, tmp_path: Path) -> None:
    result, _ = dbt(
        sample,
        tmp_path,
        *("test", "--select", "resource_type:unit_test"),
        environment={"ILK_CYCLE_ID": SAMPLE_CYCLES[-1]},
    )
    assert result.returncode == 0, result.stdout
    assert "Nothing to do" not in result.stdout
