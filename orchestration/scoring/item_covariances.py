"""Variances and covariances of the items of a set over persons (method.md 9: alpha and its parts).

Belongs here: matrix products over persons and what follows from them. Doesn't: which items are a
set, alpha itself (models/), the warehouse.

Ratings are whole numbers of parts of a point, so that products and their sums are exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from orchestration.scoring.score_tree import Floats

PERSONS = 16_384  # at a time: what fits a processor's cache is added up in half the time


@dataclass(frozen=True)
class Ratings:
    """Ratings of a set's items, persons x items, NaN for none, in parts of a point on 1-4."""

    values: Floats
    parts_per_point: float

    @classmethod
    def of(cls, person_items: pd.DataFrame, components: Sequence[int]) -> "Ratings":
        """Return the ratings of these components out of int_person_items."""
        names = [f"item_{component}" for component in components]
        values = person_items[names].to_numpy(dtype=np.float64, na_value=np.nan)
        return cls(values, float(person_items["parts_per_point"].max()))

    def are_there(self) -> NDArray[np.bool_]:
        """Return by person whether there is any."""
        return np.asarray(~np.isnan(self.values).all(axis=1))


@dataclass(frozen=True)
class Covariances:
    """Sample covariances of items on 1-4, items x items, NaN over fewer than two persons.

    `counts`: over how many persons each is.
    """

    values: Floats
    counts: Floats


def pairwise(ratings: Ratings) -> Covariances:
    """Return the covariances of items, each over the persons who rated both."""
    persons, items = ratings.values.shape
    counts, sums, products = np.zeros((3, items, items))
    for start in range(0, persons, PERSONS):
        values = ratings.values[start : start + PERSONS]
        is_there = (~np.isnan(values)).astype(np.float64)
        values = np.where(is_there, values, 0.0)
        counts += is_there.T @ is_there
        sums += values.T @ is_there
        products += values.T @ values
    known = np.where(counts > 1, counts, np.nan)
    in_parts = (products - sums * sums.T / known) / (known - 1)
    return Covariances(values=in_parts / ratings.parts_per_point**2, counts=counts)


def complete(ratings: Ratings) -> Covariances:
    """Return the covariances of items over the persons who rated all of them."""
    is_complete = ~np.isnan(ratings.values).any(axis=1)
    return pairwise(Ratings(ratings.values[is_complete], ratings.parts_per_point))


def sets_of(item_sets: pd.DataFrame) -> Mapping[tuple[str, str], pd.DataFrame]:
    """Return the items of each set (int_item_sets) by set_type and set_id, by number."""
    ordered = item_sets.sort_values(["set_type", "set_id", "component_number"])
    keys = list(zip(ordered["set_type"], ordered["set_id"], strict=True))
    return {
        key: ordered[(ordered["set_type"] == key[0]) & (ordered["set_id"] == key[1])]
        for key in dict.fromkeys(keys)
    }
