"""dbt called by hand, as docs/operations.md says: what it does without what a run sets for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from orchestration.settings import REPOSITORY
from tests.conftest import Sample


def test_without_a_cycle_dbt_says_so_and_touches_nothing(sample: Sample, tmp_path: Path) -> None:
    # A copy: dbt locks the file that other tests read.
    warehouse = tmp_path / "warehouse.duckdb"
    shutil.copyfile(sample.settings.warehouse, warehouse)
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "build", "--select", "idx_targets"],
        cwd=REPOSITORY / "dbt_project",
        env={
            **{name: value for name, value in os.environ.items() if name != "ILK_CYCLE_ID"},
            "DBT_PROFILES_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            "ILK_DBT_SEED_PATH": "../tests/seeds",
            "ILK_RAW_DIR": str(sample.settings.raw_dir),
            "ILK_WAREHOUSE_PATH": str(warehouse),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode != 0
    assert "Set ILK_CYCLE_ID to a cycle_id of survey_cycles.csv" in result.stdout
    assert warehouse.read_bytes() == sample.settings.warehouse.read_bytes()
