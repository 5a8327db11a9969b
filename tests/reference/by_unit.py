"""A copy of a warehouse in which a cycle is weighed by unit, as ilk-1.1 does, up to its errors.

Usage: python -m tests.reference.by_unit WAREHOUSE CYCLE FOLDER (make reference calls it).
Belongs here: what dbt builds anew where post-strata are units, a third of a cycle's run. Doesn't:
what is compared (tests/test_reference.py).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from orchestration.settings import REPOSITORY

MODELS = (
    "design_settings weights_base_strata weights_collapsed_strata weights_strata weights_cells "
    "weights_by_stratum weights_by_cell weights_by_response ratings_of_cycle sums_by_component "
    "sums_second_moments sums_unit_totals scores_of_components scores_coverage_ratios scores_bases "
    "scores_linearised_variances scores_unit_effects scores_variances scores_student_t "
    "scores_with_errors fct_strata fct_responses"
)


def weighed_by_unit(warehouse: Path, cycle_id: str, folder: Path) -> Path:
    """Return the copy, in `folder`."""
    copy = folder / "by_unit.duckdb"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("alter table seeds.methods add column if not exists poststrata varchar")
        connection.execute("update seeds.methods set poststrata = 'unit'")
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "run", "--select", *MODELS.split()],
        cwd=REPOSITORY / "dbt_project",
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            "ILK_DBT_SEED_PATH": "../tests/seeds",
            "ILK_CYCLE_ID": cycle_id,
            "ILK_RAW_DIR": str(warehouse.parent / "raw"),
            "ILK_WAREHOUSE_PATH": str(copy),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout
    return copy


if __name__ == "__main__":
    weighed_by_unit(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
