"""The items of each set over the respondents who answered all of it, and who rated any of it.

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
        ("item_id", pa.string()),
        ("component_number", pa.int32()),
        ("item_count", pa.int64()),
        ("rater_count", pa.int64()),
        ("straight_lining_count", pa.int64()),
        ("respondent_count", pa.int64()),
        ("item_variance", pa.float64()),
        ("total_variance", pa.float64()),
        ("item_total_covariance", pa.float64()),
    ]
)


def model(dbt: Any, session: Any) -> pa.Table:  # noqa: ANN401  # dbt-duckdb ships no types
    """Return one row per set and item of this cycle (Cronbach 1951; method.md 9)."""
    cycle_id = os.environ["ILK_CYCLE_ID"]
    item_sets: pd.DataFrame = dbt.ref("design_item_sets").filter(f"cycle_id = '{cycle_id}'").df()
    sets = sets_of(item_sets)
    sums = {key: ItemSums.of_items(len(items)) for key, items in sets.items()}
    raters, straight_lining = dict.fromkeys(sets, 0), dict.fromkeys(sets, 0)
    person_items = dbt.ref("ratings_by_item")
    ((parts_per_point,),) = person_items.max("parts_per_point").fetchall()  # NULL of nobody
    for people in person_items.to_arrow_reader(PERSONS):
        is_straight_lining = people["is_straight_lining"].to_numpy(zero_copy_only=False)
        for key, items in sets.items():
            ratings = ratings_of(people, items["item_column"])
            is_missing = np.isnan(ratings)
            is_rater = ~is_missing.all(axis=1)
            raters[key] += np.count_nonzero(is_rater)
            straight_lining[key] += np.count_nonzero(is_rater & is_straight_lining)
            sums[key].add(ratings[~is_missing.any(axis=1)])
    found = [SCHEMA.empty_table().to_pandas()]
    for key, items in sets.items():
        covariances = sums[key].covariances(parts_per_point or 1)
        found.append(
            items.assign(
                item_count=len(items),
                rater_count=raters[key],
                straight_lining_count=straight_lining[key],
                respondent_count=np.diagonal(covariances.counts).astype(np.int64),
                item_variance=np.diagonal(covariances.values),
                total_variance=covariances.values.sum(),
                item_total_covariance=covariances.values.sum(axis=1),
            )
        )
    return pa.Table.from_pandas(pd.concat(found), schema=SCHEMA, preserve_index=False)
