"""What Python models are handed: the cycle, and relations as plain tables.

Belongs here: all that Python models know of dbt's relations and of the environment. Doesn't:
anything computed. A Python model reads here, calls a function of `orchestration` with tables and
values, and returns its table: the same function serves rows that lie on another machine.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa


def cycle_id() -> str:
    """Return the cycle of this run."""
    return os.environ["ILK_CYCLE_ID"]


def rows(relation: Any, *, order: str = "", **wanted: object) -> pd.DataFrame:  # noqa: ANN401
    """Return the rows whose columns have the `wanted` values, in the order of some columns."""
    found: pd.DataFrame = _chosen(relation, order, wanted).df()
    return found


def arrow(
    relation: Any,  # noqa: ANN401
    *,
    order: str = "",
    columns: Sequence[str] = (),
    **wanted: object,
) -> pa.Table:
    """Return the same as an Arrow table, a fifth of the memory; `columns`: no others."""
    chosen = _chosen(relation, order, wanted)
    found: pa.Table = (chosen.select(*columns) if columns else chosen).to_arrow_table()
    return found


def batches(relation: Any, *, rows_each: int) -> pa.RecordBatchReader:  # noqa: ANN401
    """Return all rows, so many at a time, to go through once; any other query ends them."""
    found: pa.RecordBatchReader = relation.to_arrow_reader(rows_each)
    return found


def _chosen(relation: Any, order: str, wanted: Mapping[str, object]) -> Any:  # noqa: ANN401
    conditions = [
        f"{name} = {value}" if isinstance(value, int) else f"{name} = '{value}'"
        for name, value in wanted.items()
    ]
    chosen = relation.filter(" and ".join(conditions)) if conditions else relation
    return chosen.order(order) if order else chosen
