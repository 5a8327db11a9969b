"""Variances and covariances of the items of a set over persons (method.md 9: alpha and its parts).

Belongs here: matrix products over persons and what follows from them. Doesn't: which items are a
set, alpha itself (models/), the warehouse.

Ratings are whole numbers of parts of a point, so that products and their sums are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.scoring.score_tree import Floats

PERSONS = 16_384  # at a time: what fits a processor's cache is added up in half the time


@dataclass(frozen=True)
class Covariances:
    """Sample covariances of items on 1-4, items x items, NaN over fewer than two persons.

    `counts`: over how many persons each is.
    """

    values: Floats
    counts: Floats


@dataclass
class ItemSums:
    """What covariances are made of, items x items, each over the persons who rated both.

    `counts`: how many they are. `sums`: of the row's item. `products`: of both items' ratings.
    """

    counts: Floats
    sums: Floats
    products: Floats

    @classmethod
    def of_items(cls, item_count: int) -> "ItemSums":
        """Return the sums over nobody."""
        return cls(*np.zeros((3, item_count, item_count)))

    def add(self, ratings: Floats) -> None:
        """Add persons: `ratings` as ratings_of gives them."""
        is_there = (~np.isnan(ratings)).astype(np.float64)
        values = np.where(is_there, ratings, 0.0)
        self.counts += is_there.T @ is_there
        self.sums += values.T @ is_there
        self.products += values.T @ values

    def covariances(self, parts_per_point: float) -> Covariances:
        """Return the covariances over all persons that were added."""
        known = np.where(self.counts > 1, self.counts, np.nan)
        in_parts = (self.products - self.sums * self.sums.T / known) / (known - 1)
        return Covariances(values=in_parts / parts_per_point**2, counts=self.counts)


def ratings_of(people: pa.RecordBatch, item_columns: Sequence[str]) -> Floats:
    """Return these columns of ratings_by_item, persons x items, NaN for no rating."""
    columns = [people[name].cast(pa.float64()) for name in item_columns]
    # By item in memory, as they come: writing them by person takes longer.
    return np.array([column.to_numpy(zero_copy_only=False) for column in columns]).T


def sets_of(item_sets: pd.DataFrame) -> Mapping[tuple[str, str], pd.DataFrame]:
    """Return the items of each set (design_item_sets) by set_type and set_id, by number."""
    ordered = item_sets.sort_values(["set_type", "set_id", "component_number"])
    keys = list(zip(ordered["set_type"], ordered["set_id"], strict=True))
    return {
        key: ordered[(ordered["set_type"] == key[0]) & (ordered["set_id"] == key[1])]
        for key in dict.fromkeys(keys)
    }
