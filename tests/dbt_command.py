"""dbt's own command over a copy of the sample's warehouse, as a person calls it by hand.

Belongs here: its environment (docs/operations.md). Doesn't: dbt as a cycle's run calls it
(orchestration/dbt_build.py).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestration.settings import REPOSITORY
from tests.conftest import Sample


def dbt(
    sample: Sample, folder: Path, *arguments: str, environment: Mapping[str, str]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run dbt in `folder`, with no cycle but that of `environment`; return it and the warehouse."""
    # A copy: dbt locks the file that other tests read.
    warehouse = folder / "warehouse.duckdb"
    shutil.copyfile(sample.settings.warehouse, warehouse)
    result = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", *arguments],
        cwd=REPOSITORY / "dbt_project",
        env={
            **{name: value for name, value in os.environ.items() if name != "ILK_CYCLE_ID"},
            "DBT_PROFILES_DIR": str(REPOSITORY / "dbt_project"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
            "ILK_DBT_SEED_PATH": "../tests/seeds",
            "ILK_RAW_DIR": str(sample.settings.raw_dir),
            "ILK_WAREHOUSE_PATH": str(warehouse),
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return result, warehouse
