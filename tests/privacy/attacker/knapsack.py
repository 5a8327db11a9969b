"""Sums of whole ratings that a figure or two leave possible: what linear programs can't see.

A cell of two or three weights is like a knapsack: at full precision one weighted score has hardly
two splits into whole sums, however wide the range that its linear program leaves.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PAIRS = 4_000_000


def possible_sums(
    most: Sequence[int],
    figures: Sequence[tuple[Floats, float, float]],
    *,
    most_states: int,
) -> tuple[Ints, Ints] | None:
    """Return the least and greatest of each whole k_j, 0 to most_j, that all figures allow.

    A figure is coefficients, low and high: low <= coefficients k <= high. None where there are too
    many states to look through (two halves of `most_states` each).
    """
    sizes = [number + 1 for number in most]
    half = _halves(sizes, most_states)
    if half is None:
        return None
    first, second = half
    states = [_states([most[j] for j in part]) for part in (first, second)]
    # The narrowest figure first: it leaves the fewest pairs.
    ordered = sorted(
        figures,
        key=lambda figure: (
            (figure[2] - figure[1]) / np.ptp(figure[0] + 1e-12) if np.ptp(figure[0]) > 0 else np.inf
        ),
    )
    (coefficients, low, high), *others = ordered
    of_first = states[0] @ coefficients[first]
    of_second = states[1] @ coefficients[second]
    order = np.argsort(of_second, kind="stable")
    of_second = of_second[order]
    begins = np.searchsorted(of_second, low - of_first, side="left")
    ends = np.searchsorted(of_second, high - of_first, side="right")
    counts = ends - begins
    total = int(counts.sum())
    if others and total <= MOST_PAIRS:
        left = np.repeat(np.arange(len(of_first)), counts)
        right = order[
            np.arange(total)
            - np.repeat(np.cumsum(counts) - counts, counts)
            + np.repeat(begins, counts)
        ]
        fits = np.ones(total, dtype=bool)
        for coefficients, low, high in others:
            sums = (states[0] @ coefficients[first])[left] + (states[1] @ coefficients[second])[
                right
            ]
            fits &= (sums >= low) & (sums <= high)
        used = [np.unique(left[fits]), np.unique(right[fits])]
    else:
        marks = np.zeros(len(of_second) + 1, dtype=np.int64)
        np.add.at(marks, begins[counts > 0], 1)
        np.add.at(marks, ends[counts > 0], -1)
        used = [np.flatnonzero(counts > 0), order[np.cumsum(marks[:-1]) > 0]]
    least, greatest = np.zeros(len(most), dtype=np.int64), np.array(most, dtype=np.int64)
    for part, of_part, positions in zip((first, second), states, used, strict=True):
        if not len(positions):
            raise ValueError("no whole ratings fit the figures")
        least[part] = of_part[positions].min(axis=0) if part else []
        greatest[part] = of_part[positions].max(axis=0) if part else []
    return least, greatest


def _halves(sizes: list[int], most_states: int) -> tuple[list[int], list[int]] | None:
    parts: tuple[list[int], list[int]] = ([], [])
    products = [1, 1]
    for position in sorted(range(len(sizes)), key=lambda position: -sizes[position]):
        side = int(products[0] > products[1])
        parts[side].append(position)
        products[side] *= sizes[position]
        if products[side] > most_states:
            return None
    return parts


def _states(most: list[int]) -> Ints:
    if not most:
        return np.zeros((1, 0), dtype=np.int64)
    grids = np.meshgrid(*(np.arange(number + 1) for number in most), indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1)
