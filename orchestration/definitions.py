"""The door `dg` and `dagster` knock on: everything in defs/, run in one process.

One process a run: each further step process would import dbt and Great Expectations again
(6-8 s each), and DuckDB lets one process alone write the warehouse.
"""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Return all definitions of this code location."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(executor=dg.in_process_executor),
    )
