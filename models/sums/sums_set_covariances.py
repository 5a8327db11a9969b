"""The variances and covariances of each set's items, each over the respondents who rated both.

Belongs here: frames out of the warehouse and figures into it. Doesn't: the covariances, which are
orchestration/scoring/item_covariances.py.
"""

import os
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.item_covariances import PERSONS, ItemSums, ratings_of, sets_of

SCHEMA = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("set_type", pa.string()),
        ("set_id", pa.string()),
        ("is_complete", pa.bool_()),
        ("item_variance_sum", pa.float64()),
        ("total_variance", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per set of this cycle: what R's psych::alpha computes from.

    Where answers are missing here and there it is not the same as over those who answered every
    item (sums_set_moments).
    """
    cycle_id = os.environ["ILK_CYCLE_ID"]
    item_sets: pd.DataFrame = dbt.ref("design_item_sets").filter(f"cycle_id = '{cycle_id}'").df()
    sets = sets_of(item_sets)
    sums = {key: ItemSums.of_items(len(items)) for key, items in sets.items()}
    person_items = dbt.ref("ratings_by_item")
    ((parts_per_point,),) = person_items.max("parts_per_point").fetchall()  # NULL of nobody
    for people in person_items.to_arrow_reader(PERSONS):
        for key, items in sets.items():
            sums[key].add(ratings_of(people, items["item_column"]))
    rows = []
    for (set_type, set_id), of_set in sums.items():
        covariances = of_set.covariances(parts_per_point or 1).values
        is_known = ~np.isnan(covariances)
        rows.append(
            {
                "cycle_id": cycle_id,
                "set_type": set_type,
                "set_id": set_id,
                "is_complete": bool(is_known.all()),
                "item_variance_sum": np.nansum(np.diagonal(covariances)),
                "total_variance": np.nansum(covariances),
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)
