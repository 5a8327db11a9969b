"""dbt's unit tests: formulas against numbers worked out by hand (the YAML beside each model).

Belongs here: running them. They stay out of a cycle's build, since they say nothing on its data.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from orchestration.settings import REPOSITORY
from tests.conftest import Sample


def test_every_formula_gives_the_numbers_worked_out_by_hand(sample: Sample, tmp_path: Path) -> None:
    # A copy: dbt locks the file that other tests read.
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copyfile(sample.settings.warehouse, warehouse)
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "test", "--select", "resource_type:unit_test"],
        cwd=REPOSITORY / "dbt_project",
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            "ILK_CYCLE_ID": "ilk-2025-s2",
            "ILK_DBT_SEED_PATH": "../tests/seeds",
            "ILK_RAW_DIR": str(sample.settings.raw_dir),
            "ILK_WAREHOUSE_PATH": str(warehouse),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "Nothing to do" not in result.stdout
