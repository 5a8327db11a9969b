"""How precisely each cell may be shown, so that no figure confines a few persons' ratings.

Belongs here: steps of rounding, and what a reader can work out of a whole, its parts and its
classes of equal weight (method.md, "Disclosure"). Doesn't: what sums give away exactly
(disclosure.py).

A cell's score is a mean of ratings from 1 to 4. Of a group with the share `a` of a whole, of whose
rest nothing is known, it tells that the group's mean lies between (score - (1 - a) 4) / a and
(score - (1 - a) 1) / a: a whole near an end of the scale tells of all its parts. Where that leaves
a group of fewer than `min_cell_n` persons `disclosure_interval` points or less, the whole is
rounded more coarsely, and where that does not help, more is hidden.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# The steps that scores are rounded to: 1, 2, 5 as on a ruler. A score that would need a coarser one
# than the last is no figure any more: it is hidden.
LADDER = np.array([0.01, 0.02, 0.05, 0.1, 0.2])
EXACT = 0.0
LOWEST, HIGHEST = 1.0, 4.0
# A cell's ratings by class of weight can be told apart by trial where there are few ways to split
# them. An exact figure tells 52 bits: it leaves 2^28 of 2^80 ways, and two leave 2^24 of 2^128.
LEAST_SPLIT_BITS = 80
LEAST_SPLIT_BITS_OF_TWO = 128
NEGLIGIBLE = 1e-9
MAX_PASSES = 12
# Sums are looked at one after the other here; a linear program over all tells a little more.
MARGIN = 1.1
WORTH_A_PASS = 1e-7


@dataclass(frozen=True)
class Sums:
    """Which cells are parts of which wholes: one entry a part of a division of a whole.

    `share` is the part's weight in the whole, of its ratings or in the mean of its components; a
    sum's shares add up to 1. `whole` and `tolerance` are by sum: how far the whole may lie from its
    parts, where shares are known roughly.
    """

    equation: Integers
    part: Integers
    share: Floats
    whole: Integers
    tolerance: Floats


def steps(cells: pd.DataFrame, *, may_be_exact: Bools) -> Floats:
    """Return each cell's step of rounding (0 = exact).

    `cells`: person_share (the heaviest person's share of the weight), class_count, split_bits.
    A step is at least what a point of the heaviest person moves the score, so that the sums behind
    it can't be counted out.
    """
    person_share = cells["person_share"].fillna(0).to_numpy(dtype=np.float64)
    notch = np.minimum(np.searchsorted(LADDER, person_share - NEGLIGIBLE), len(LADDER) - 1)
    return np.where(may_be_exact & _has_splits(cells, LEAST_SPLIT_BITS), EXACT, LADDER[notch])


def other_steps(cells: pd.DataFrame, step: Floats) -> Floats:
    """Return the step of a cell's score in other weighting modes than the method's own.

    NaN where it is not shown: two scores with other weights split a cell into its classes.
    """
    rounded = np.where(
        _has_splits(cells, LEAST_SPLIT_BITS_OF_TWO), step, np.maximum(step, LADDER[0])
    )
    return np.where(_has_splits(cells, LEAST_SPLIT_BITS), rounded, np.nan)


def _has_splits(cells: pd.DataFrame, bits: int) -> Bools:
    return ((cells["class_count"] == 1) | (cells["split_bits"] >= bits)).to_numpy(dtype=bool)


@dataclass
class Bounds:
    """What a reader can tell of groups, and the cells that must be coarser or hidden for it.

    Arrays by cell: `score` (NaN: none), `respondent_count`, `person_share` (of the heaviest one),
    `class_share` and `class_count` (the class of weight under min_cell_n that the score tells most
    of, as a share of the cell and in persons), `step` (changed in place), `is_small`.
    """

    score: Floats
    respondent_count: Integers
    person_share: Floats
    class_share: Floats
    class_count: Integers
    is_small: Bools
    can_hide: Bools
    step: Floats
    sums: Sums
    least_width: float

    def __post_init__(self) -> None:
        """Give up no cell so far."""
        self.is_given_up = np.zeros(len(self.score), dtype=bool)

    def to_hide(self, is_hidden: Bools) -> Integers:
        """Coarsen steps until no group is confined; return the cells to hide where that fails."""
        is_shown = ~is_hidden & ~np.isnan(self.score)
        while True:
            own_low, own_high = self._shown_range(is_shown)
            by_itself = self._confined(own_low, own_high) & is_shown
            low, high = self._propagated(own_low, own_high)
            by_others = self._confined(low, high) & ~by_itself
            if not (by_itself | by_others).any():
                return np.empty(0, dtype=np.int64)
            coarser = by_itself & (self.step > EXACT) & (self.step < LADDER[-1])
            if coarser.any():
                self.step[coarser] = LADDER[np.searchsorted(LADDER, self.step[coarser]) + 1]
                continue
            hidden = self._next_to_hide(by_itself, by_others, is_shown)
            if len(hidden):
                return hidden
            exact = by_itself & (self.step == EXACT)
            if exact.any():
                # Only wholes that are never hidden are left: they are exact no more.
                self.step[exact] = LADDER[0]
            else:
                self.is_given_up |= by_itself | by_others

    def _shown_range(self, is_shown: Bools) -> tuple[Floats, Floats]:
        """The lowest and highest score that a figure stands for; any score where none is shown."""
        step = np.where(self.step > EXACT, self.step, 1.0)
        rounded = np.floor(np.nan_to_num(self.score) / step + 0.5) * step
        is_exact = self.step == EXACT
        low = np.where(is_exact, self.score, np.maximum(rounded - step / 2, LOWEST))
        high = np.where(is_exact, self.score, np.minimum(rounded + step / 2, HIGHEST))
        return np.where(is_shown, low, LOWEST), np.where(is_shown, high, HIGHEST)

    def _propagated(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Narrow each cell's range by the sums that it is in, as often as that tells anything."""
        sums = self.sums
        low, high = low.copy(), high.copy()
        whole_of_entry = sums.whole[sums.equation]
        for _ in range(MAX_PASSES):
            before = float((high - low).sum())
            parts_low = np.bincount(sums.equation, sums.share * low[sums.part], len(sums.whole))
            parts_high = np.bincount(sums.equation, sums.share * high[sums.part], len(sums.whole))
            others_low = parts_low[sums.equation] - sums.share * low[sums.part]
            others_high = parts_high[sums.equation] - sums.share * high[sums.part]
            tolerance = sums.tolerance[sums.equation]
            part_low = (low[whole_of_entry] - tolerance - others_high) / sums.share
            part_high = (high[whole_of_entry] + tolerance - others_low) / sums.share
            new_low, new_high = low.copy(), high.copy()
            np.maximum.at(new_low, sums.part, part_low)
            np.minimum.at(new_high, sums.part, part_high)
            np.maximum.at(new_low, sums.whole, parts_low - sums.tolerance)
            np.minimum.at(new_high, sums.whole, parts_high + sums.tolerance)
            # Shares that are known roughly may contradict a figure, which then stands.
            is_possible = new_low <= new_high
            low = np.where(is_possible, new_low, low)
            high = np.where(is_possible, new_high, high)
            if before - float((high - low).sum()) <= WORTH_A_PASS * len(low):
                break
        return low, high

    def _confined(self, low: Floats, high: Floats) -> Bools:
        """The cells whose range leaves a small group's mean least_width or less."""
        tells = np.zeros(len(low), dtype=bool)
        for is_asked, share, count in (
            (self.is_small, np.ones(len(low)), self.respondent_count),
            (~self.is_small & (self.class_share > 0), self.class_share, self.class_count),
            (~self.is_small & (self.person_share > 0), self.person_share, np.ones(len(low))),
        ):
            share = np.where(is_asked, share, 1.0)
            lowest = np.maximum((low - (1 - share) * HIGHEST) / share, LOWEST)
            highest = np.minimum((high - (1 - share) * LOWEST) / share, HIGHEST)
            # The mean of `count` whole ratings is one of a grid, to which the range is cut.
            first = np.ceil(lowest * count - NEGLIGIBLE)
            last = np.floor(highest * count + NEGLIGIBLE)
            tells |= is_asked & (last - first <= (self.least_width * MARGIN + NEGLIGIBLE) * count)
        return tells & ~self.is_given_up

    def _next_to_hide(self, by_itself: Bools, by_others: Bools, is_shown: Bools) -> Integers:
        """The cells that tell by themselves; of each sum that tells, the smallest shown part.

        Its whole where no part is left.
        """
        if (by_itself & self.can_hide).any():
            return np.flatnonzero(by_itself & self.can_hide)
        sums = self.sums
        is_candidate = is_shown & self.can_hide
        telling = by_others
        for _ in range(MAX_PASSES):
            has_cell = np.zeros(len(sums.whole), dtype=bool)
            has_cell[sums.equation[telling[sums.part]]] = True
            has_cell |= telling[sums.whole]
            chosen = has_cell[sums.equation] & is_candidate[sums.part]
            chosen &= is_shown[sums.whole[sums.equation]]
            wholes = has_cell & is_candidate[sums.whole]
            if chosen.any() or wholes.any():
                break
            # Nothing shown is next to it: what tells comes through hidden cells.
            telling = telling.copy()
            telling[sums.part[has_cell[sums.equation]]] = True
            telling[sums.whole[has_cell]] = True
        equation, part = sums.equation[chosen], sums.part[chosen]
        order = np.lexsort((part, self.respondent_count[part], equation))
        _, first = np.unique(equation[order], return_index=True)
        smallest = part[order][first]
        wholes[equation] = False
        return np.unique(np.concatenate([smallest, sums.whole[wholes]])).astype(np.int64)
