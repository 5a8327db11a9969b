"""What Python models are handed: the cycle, and relations as plain tables.

Belongs here: all that Python models know of dbt's relations and of the environment. Doesn't:
anything computed. A Python model reads here, calls a function of `orchestration` with tables and
values, and returns its table: the same function serves rows that lie on another machine.
"""

import os
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa


def cycle_id() -> str:
    """Return the cycle of this run."""
    return os.environ["ILK_CYCLE_ID"]


def rows(relation: Any, **wanted: object) -> pd.DataFrame:  # noqa: ANN401  # dbt-duckdb's own
    """Return the rows of a relation whose columns have the `wanted` values."""
    found: pd.DataFrame = _filtered(relation, wanted).df()
    return found


def arrow(
    relation: Any,  # noqa: ANN401  # dbt-duckdb's own
    *,
    order: str | None = None,
    **wanted: object,
) -> pa.Table:
    """Return the same as an Arrow table, in the order of these columns."""
    chosen = _filtered(relation, wanted)
    found: pa.Table = (chosen.order(order) if order else chosen).to_arrow_table()
    return found


def _filtered(relation: Any, wanted: Mapping[str, object]) -> Any:  # noqa: ANN401
    conditions = [
        f"{name} = {value}" if isinstance(value, int) else f"{name} = '{value}'"
        for name, value in wanted.items()
    ]
    return relation.filter(" and ".join(conditions)) if conditions else relation
