"""How precisely each cell may be shown, so that no figure confines a few persons' ratings.

Belongs here: steps of rounding, and what a reader can work out of a whole, its parts and its
classes of equal weight (method.md, "Disclosure"). Doesn't: what sums give away exactly
(hiding.py).

A cell's score is a mean of ratings from 1 to 4. Of a group with the share `a` of a whole, of whose
rest nothing is known, it tells that the group's mean lies between (score - (1 - a) 4) / a and
(score - (1 - a) 1) / a: a whole near an end of the scale tells of all its parts. Where that leaves
a group of fewer than `min_cell_n` persons `disclosure_interval` points or less, the whole is
rounded more coarsely, and where that does not help, more is hidden.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from orchestration.publishing.disclosure.arrays import Bools, Floats, Integers

# An end of a cell's range: whose, and whether the lower one.
End = tuple[int, bool]

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
MAX_PASSES = 30  # a chain of sums is as long as this at most
# Sums are looked at one after the other here; a linear program over all tells a little more: in the
# sample up to 0.3 of a group that has this much.
MARGIN = 1.3
WORTH_A_PASS = 1e-3


@dataclass(frozen=True)
class Sums:
    """Which cells are parts of which wholes: one entry a part of a division of a whole.

    `share` is the part's weight in the whole, of its ratings or in the mean of its components; a
    sum's shares add up to 1. By sum: `whole`, `tolerance` (how far it may lie from its parts, where
    shares are known roughly) and `is_division` (its parts are published domains).
    """

    equation: Integers
    part: Integers
    share: Floats
    whole: Integers
    tolerance: Floats
    is_division: Bools


def steps(cells: pd.DataFrame, *, may_be_exact: Bools) -> Floats:
    """Return each cell's step of rounding (0 = exact).

    `cells`: person_share (the heaviest person's share of the weight), class_count, split_bits.
    A step is at least what a point of the heaviest person moves the score, so that the sums behind
    it can't be counted out.
    """
    person_share = cells["person_share"].fillna(0).to_numpy(dtype=np.float64)
    notch = np.minimum(np.searchsorted(LADDER, person_share - NEGLIGIBLE), len(LADDER) - 1)
    return np.where(may_be_exact & _has_splits(cells, LEAST_SPLIT_BITS), EXACT, LADDER[notch])


def other_steps(cells: pd.DataFrame, step: Floats, *, is_blend: Bools) -> Floats:
    """Return the step of a cell's score in other weighting modes than the method's own.

    NaN where it is not shown: two scores with other weights split a cell into its classes, and
    their difference tells of a small one that weighs much. So they are shown where no class is
    small, or (`is_blend`) no other figure divides the cell again.
    """
    rounded = np.where(
        _has_splits(cells, LEAST_SPLIT_BITS_OF_TWO), step, np.maximum(step, LADDER[0])
    )
    is_free = is_blend | (cells["small_class_count"].fillna(0) == 0).to_numpy(dtype=bool)
    return np.where(_has_splits(cells, LEAST_SPLIT_BITS) & is_free, rounded, np.nan)


def _has_splits(cells: pd.DataFrame, bits: int) -> Bools:
    return ((cells["class_count"] == 1) | (cells["split_bits"] >= bits)).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Group:
    """A confined group: the ends of ranges that its own comes from, and where to give it up."""

    is_given_up: Bools
    number: int
    ends: list[End]


def _is_low_nearer(low: Floats, high: Floats, number: np.integer) -> bool:
    """Whether a range loses more of the scale at its lower end."""
    return bool(low[number] - LOWEST > HIGHEST - high[number])


@dataclass
class Bounds:
    """What a reader can tell of groups, and the cells that must be coarser or hidden for it.

    Arrays by cell and, after these, by class of weight in a cell, which has no figure: `score`
    (NaN: none), `respondent_count` (of a class: its ratings), `person_share` (of the heaviest one),
    `class_share` and `class_count` (the class of weight under min_cell_n that the score tells most
    of, as a share of the cell and in persons), `step` (changed in place), `is_small`. A division's
    small parts together are a group where they are of fewer than `least_count`.
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
    least_count: int

    def __post_init__(self) -> None:
        """Give up no group so far; bring the entries of each sum together."""
        sums = self.sums
        self._is_given_up = np.zeros(len(self.score), dtype=bool)
        self._is_rest_given_up = np.zeros(len(sums.whole), dtype=bool)
        order = np.argsort(sums.equation, kind="stable")
        self.sums = replace(
            sums,
            equation=sums.equation[order],
            part=sums.part[order],
            share=sums.share[order],
        )
        self._starts = np.searchsorted(self.sums.equation, np.arange(len(sums.whole) + 1))

    def to_hide(self, is_hidden: Bools) -> Integers:
        """Coarsen steps until no group is confined; return the cells to hide where that fails."""
        is_shown = ~is_hidden & ~np.isnan(self.score)
        while True:
            own_low, own_high = self._shown_range(is_shown)
            by_itself = self._confined(own_low, own_high) & is_shown
            coarser = by_itself & (self.step > EXACT) & (self.step < LADDER[-1])
            if coarser.any():
                self._coarsen(coarser)
                continue
            low, high = self._propagated(own_low, own_high)
            groups = self._confined_groups(low, high) + self._confined_rests(low, high)
            if not groups:
                return np.empty(0, dtype=np.int64)
            telling = self._telling(groups, is_shown)
            is_to_hide = telling & self.can_hide & ((self.step == LADDER[-1]) | by_itself)
            self._coarsen(telling & ~is_to_hide)
            if is_to_hide.any():
                return np.flatnonzero(is_to_hide)

    def _coarsen(self, cells: Bools) -> None:
        """Show cells to the next step of the ladder."""
        notch = np.searchsorted(LADDER, self.step[cells] + NEGLIGIBLE)
        self.step[cells] = LADDER[np.minimum(notch, len(LADDER) - 1)]

    def _confined_groups(self, low: Floats, high: Floats) -> list[Group]:
        return [
            Group(self._is_given_up, int(cell), [(int(cell), _is_low_nearer(low, high, cell))])
            for cell in np.flatnonzero(self._confined(low, high))
        ]

    def _confined_rests(self, low: Floats, high: Floats) -> list[Group]:
        """What the other parts leave of a whole to its small ones together, where that is confined.

        Other parts that are hidden count too, by what follows of them: a cell's double, or its own
        parts, may be shown.
        """
        sums, count = self.sums, len(self.sums.whole)
        is_left = self.is_small[sums.part]
        left = np.bincount(sums.equation, sums.share * is_left, count)
        persons = np.bincount(sums.equation, self.respondent_count[sums.part] * is_left, count)
        told_low = np.bincount(sums.equation, sums.share * ~is_left * low[sums.part], count)
        told_high = np.bincount(sums.equation, sums.share * ~is_left * high[sums.part], count)
        is_asked = sums.is_division & (left > 0) & (persons < self.least_count)
        # A single one is a cell, and asked for as such.
        is_asked &= np.bincount(sums.equation, is_left, count) > 1
        asked = np.flatnonzero(is_asked & ~self._is_rest_given_up)
        whole, tolerance = sums.whole[asked], sums.tolerance[asked]
        least = np.maximum((low[whole] - tolerance - told_high[asked]) / left[asked], LOWEST)
        most = np.minimum((high[whole] + tolerance - told_low[asked]) / left[asked], HIGHEST)
        found = []
        for number in np.flatnonzero(self._is_narrow(least, most, persons[asked])):
            equation = int(asked[number])
            is_low = _is_low_nearer(least, most, number)
            parts = self._parts(equation)
            ends = [(int(part), not is_low) for part in parts[~self.is_small[parts]]]
            ends.append((int(sums.whole[equation]), is_low))
            found.append(Group(self._is_rest_given_up, equation, ends))
        return found

    def _telling(self, groups: list[Group], is_shown: Bools) -> Bools:
        """Of the figures that each confined group's range comes from, the one of the fewest.

        A group that only figures of never hidden cells at the coarsest step tell of is given up.
        """
        telling = np.zeros(len(is_shown), dtype=bool)
        may_yield = is_shown & (self.can_hide | (self.step < LADDER[-1]))
        for group in groups:
            sources = self._sources(group.ends)
            sources = sources[may_yield[sources]]
            if not len(sources):
                group.is_given_up[group.number] = True
            elif not telling[sources].any():
                order = np.lexsort(
                    (sources, self.respondent_count[sources], ~self.can_hide[sources])
                )
                telling[sources[order[0]]] = True
        return telling

    def _parts(self, equation: int) -> Integers:
        return self.sums.part[self._starts[equation] : self._starts[equation + 1]]

    def _sources(self, ends: list[End]) -> Integers:
        """The cells from whose own figures these ends of ranges were worked out."""
        found: set[int] = set()
        seen: set[End] = set()
        waiting = list(ends)
        while waiting:
            end = waiting.pop()
            cell, is_low = end
            is_set = self._is_low_set if is_low else self._is_high_set
            if end in seen or not is_set[cell]:
                continue
            seen.add(end)
            equation = int((self._low_by if is_low else self._high_by)[cell])
            if equation < 0:
                found.add(cell)
                continue
            whole = int(self.sums.whole[equation])
            parts = [int(part) for part in self._parts(equation)]
            if cell == whole:
                waiting += [(part, is_low) for part in parts]
            else:
                waiting += [(part, not is_low) for part in parts if part != cell]
                waiting.append((whole, is_low))
        return np.array(sorted(found), dtype=np.int64)

    def _shown_range(self, is_shown: Bools) -> tuple[Floats, Floats]:
        """The lowest and highest score that a figure stands for; any score where none is shown."""
        step = np.where(self.step > EXACT, self.step, 1.0)
        rounded = np.floor(np.nan_to_num(self.score) / step + 0.5) * step
        is_exact = self.step == EXACT
        low = np.where(is_exact, self.score, np.maximum(rounded - step / 2, LOWEST))
        high = np.where(is_exact, self.score, np.minimum(rounded + step / 2, HIGHEST))
        return np.where(is_shown, low, LOWEST), np.where(is_shown, high, HIGHEST)

    def _propagated(self, low: Floats, high: Floats) -> tuple[Floats, Floats]:
        """Narrow each cell's range by the sums that it is in, as often as that tells anything.

        Which sum told an end is remembered (-1: the cell's own figure).
        """
        low, high = low.copy(), high.copy()
        self._low_by = np.full(len(low), -1)
        self._high_by = np.full(len(low), -1)
        is_new = (low > LOWEST) | (high < HIGHEST)
        for _ in range(MAX_PASSES):
            cell, by, at_least, at_most = self._told(low, high, is_new)
            higher = at_least > low[cell] + WORTH_A_PASS
            lower = at_most < high[cell] - WORTH_A_PASS
            new_low, new_high = low.copy(), high.copy()
            np.maximum.at(new_low, cell[higher], at_least[higher])
            np.minimum.at(new_high, cell[lower], at_most[lower])
            # Shares that are known roughly may contradict a figure, which then stands.
            is_possible = new_low <= new_high + NEGLIGIBLE
            new_low = np.where(is_possible, np.minimum(new_low, new_high), low)
            new_high = np.where(is_possible, new_high, high)
            higher &= is_possible[cell] & (at_least >= new_low[cell])
            self._low_by[cell[higher]] = by[higher]
            lower &= is_possible[cell] & (at_most <= new_high[cell])
            self._high_by[cell[lower]] = by[lower]
            is_new = (new_low > low) | (new_high < high)
            low, high = new_low, new_high
            if not is_new.any():
                break
        self._is_low_set, self._is_high_set = low > LOWEST, high < HIGHEST
        return low, high

    def _told(
        self, low: Floats, high: Floats, is_new: Bools
    ) -> tuple[Integers, Integers, Floats, Floats]:
        """What the sums with a cell that is new tell: of which cell, by which sum, from, to."""
        sums, count = self.sums, len(self.sums.whole)
        is_active = is_new[sums.whole]
        is_active[sums.equation[is_new[sums.part]]] = True
        entry, active = np.flatnonzero(is_active[sums.equation]), np.flatnonzero(is_active)
        equation, part, share = sums.equation[entry], sums.part[entry], sums.share[entry]
        parts_low = np.bincount(equation, share * low[part], count)
        parts_high = np.bincount(equation, share * high[part], count)
        whole_low = (low[sums.whole] - sums.tolerance - parts_high)[equation]
        whole_high = (high[sums.whole] + sums.tolerance - parts_low)[equation]
        return (
            np.concatenate([part, sums.whole[active]]),
            np.concatenate([equation, active]),
            np.concatenate([whole_low / share + high[part], (parts_low - sums.tolerance)[active]]),
            np.concatenate([whole_high / share + low[part], (parts_high + sums.tolerance)[active]]),
        )

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
            tells |= is_asked & self._is_narrow(lowest, highest, count)
        return tells & ~self._is_given_up

    def _is_narrow(self, low: Floats, high: Floats, count: Floats | Integers) -> Bools:
        # The mean of `count` whole ratings is one of a grid, to which the range is cut.
        first = np.ceil(low * count - NEGLIGIBLE)
        last = np.floor(high * count + NEGLIGIBLE)
        is_narrow: Bools = last - first <= (self.least_width * MARGIN + NEGLIGIBLE) * count
        return is_narrow
