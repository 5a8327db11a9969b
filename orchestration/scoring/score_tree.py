"""The score's tree over arrays: the means of method.md 3 for many replicates or draws at once.

Belongs here: how children become a parent's score, as macro roll_up says it in SQL. Doesn't: where
the children's values come from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Parent:
    """A node with its children, places in the array of components, and what these weigh."""

    place: int
    children: tuple[int, ...]
    weights: Floats


def parents_of(
    edges: Iterable[tuple[int, int, int, float]],
) -> list[Parent]:
    """Return the parents in the order in which they can be computed, from the edges of the tree.

    `edges`: storey, parent, child, weight (design_edges), components numbered from 1.
    """
    by_parent: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for storey, parent, child, weight in sorted(edges):
        by_parent.setdefault((storey, parent), []).append((child, weight))
    return [
        Parent(
            place=parent - 1,
            children=tuple(child - 1 for child, _ in children),
            weights=np.array([weight for _, weight in children]),
        )
        for (_, parent), children in by_parent.items()
    ]


def edges_of(edges: pd.DataFrame) -> list[tuple[int, int, int, float]]:
    """Return storey, parent, child, weight of design_edges or design_shared_edges."""
    columns = ["storey", "parent_number", "child_number", "weight"]
    return list(edges[columns].itertuples(index=False, name=None))


def roll_up(
    values: Floats,
    parents: Sequence[Parent],
    *,
    min_weight_share: float,
    drawn: Floats | None = None,
) -> None:
    """Fill in the parents of `values`, components first, any axes after; NaN is no value.

    A parent whose children with a value carry less than `min_weight_share` of the tree's weight
    has none. `drawn` are other factors of the weights, components x the axes after, for the mean
    alone: who has a value does not depend on a draw.
    """
    for parent in parents:
        children = values[list(parent.children)]
        weights = parent.weights.reshape(-1, *[1] * (values.ndim - 1))
        has_value = ~np.isnan(children)
        share = (weights * has_value).sum(axis=0) / weights.sum()
        if drawn is not None:
            weights = weights * drawn[list(parent.children)]
        total = (weights * has_value).sum(axis=0)
        mean = np.divide(
            (weights * np.where(has_value, children, 0.0)).sum(axis=0),
            total,
            out=np.full(total.shape, np.nan),
            where=(share >= min_weight_share - 1e-12) & (total > 0),
        )
        values[parent.place] = mean
