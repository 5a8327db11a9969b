"""What the three frameworks cost before any work: imports, a parse of the project, an empty job.

Belongs here: the frameworks alone, started as sparingly as `ilk` starts them: garbage is collected
rarely and memory not freed at the end (orchestration/__main__.py), Great Expectations comes without
altair and scipy, dbt writes no manifest.json. Doesn't: anything that the project does with them.
The second run is the one to measure: the first makes dbt's partial parse and Dagster's run storage.

    DAGSTER_HOME=<folder> python benchmarks/bare_start.py <dbt's target folder>
"""

import atexit
import gc
import os
import sys
from pathlib import Path

gc.set_threshold(3_000_000, 20, 100)

import dagster as dg  # noqa: E402, TID251
import dagster_dbt  # noqa: E402, F401, TID251  # its import is what is measured
from dbt.cli.main import dbtRunner  # noqa: E402

from expectations.validation import as_if_missing, imported_when_used  # noqa: E402

with imported_when_used("altair", "scipy.stats"), as_if_missing("pyspark", "py4j"):
    import great_expectations  # noqa: F401

PROJECT = Path(__file__).resolve().parents[1] / "dbt_project"


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def empty() -> None:
    """One step that does nothing."""
    nothing()


def main(target: str) -> None:
    """Parse the project and run the empty job."""
    folders = {"--project-dir": PROJECT, "--profiles-dir": PROJECT, "--target-path": target}
    folders |= {"--log-path": target}
    words = [str(word) for place in folders.items() for word in place]
    if not dbtRunner().invoke(["parse", "--log-level", "none", "--no-write-json", *words]).success:
        raise SystemExit("dbt parse failed")
    with dg.DagsterInstance.get() as instance:
        empty.execute_in_process(instance=instance)


if __name__ == "__main__":
    main(sys.argv[1])
    atexit._run_exitfuncs()
    os._exit(0)
