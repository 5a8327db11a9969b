"""What the three frameworks cost before any work: imports, a parse of the project, an empty job.

Belongs here: the frameworks alone. Doesn't: any of the project's Python. The second run is the one
to measure: the first makes dbt's partial parse and Dagster's run storage.

    DAGSTER_HOME=<folder> python benchmarks/bare_start.py <dbt's target folder>
"""

import sys
from pathlib import Path

import dagster as dg  # noqa: TID251
import dagster_dbt  # noqa: F401, TID251  # its import is what is measured
import great_expectations  # noqa: F401  # likewise
from dbt.cli.main import dbtRunner

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
    if not dbtRunner().invoke(["parse", "--log-level", "none", *words]).success:
        raise SystemExit("dbt parse failed")
    with dg.DagsterInstance.get() as instance:
        empty.execute_in_process(instance=instance)


if __name__ == "__main__":
    main(sys.argv[1])
