"""Which ranks of a unit scores and errors still allow, and who is certainly among the best or last.

Confidence sets for ranks by Mogstad, Romano, Shaikh & Wilhelm (2024, REStud 91, 476-518) with their
step-down, as R's csranks computes them. Belongs here: the sets. Doesn't: the ranks themselves,
which are SQL's (models/indexes/idx_rankings.sql).

Unit j is certainly above unit k where y_j - y_k exceeds c times the difference's error, c the
ci_level quantile of the largest such excess that errors alone make. Whoever is certainly above or
below somebody is taken out of the comparisons and c is found anew, until nothing changes. Marginal:
the comparisons of one unit with all others, a c for each unit; simultaneous: all with all, one c.

Units of the same error are a class: within one the largest excess is that over the lowest draw, so
that a draw costs units x classes, not units x units (published errors are rounded, hence few).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from orchestration.scoring.score_tree import Floats

Ints = npt.NDArray[np.int64]
Draws = npt.NDArray[np.float32]
RANK_SETS = pa.schema(
    [
        ("cycle_id", pa.string()),
        ("weighting_mode", pa.string()),
        ("domain_id", pa.string()),
        ("component_text", pa.string()),
        ("rank_set_low", pa.int64()),
        ("rank_set_high", pa.int64()),
        ("is_certainly_top", pa.bool_()),
        ("is_certainly_bottom", pa.bool_()),
    ]
)
RANKED_WITHIN = ["weighting_mode", "component_text", "unit_level_id", "unit_type"]


@dataclass(frozen=True)
class Sets:
    """The lowest and highest rank of each unit, 1 the best."""

    low: Ints
    high: Ints


def rank_sets(scores: pd.DataFrame, *, cycle_id: str, settings: pd.DataFrame) -> pa.Table:
    """Return RANK_SETS: a row per weighting mode, component and unit that has an error.

    `scores`: shown_unit_scores of the index and the services, ordered. `settings`: design_settings.
    """
    of_cycle = settings.iloc[0]
    units = {unit: place for place, unit in enumerate(sorted(set(scores["domain_id"])))}
    # A unit has the same luck in every mode and component.
    random = np.random.default_rng(int(of_cycle["random_seed"]))
    deviates = random.standard_normal((int(of_cycle["rank_draws"]), len(units)))
    level = float(of_cycle["ci_level"])
    found = []
    for (mode, component, _, _), ranked in scores.groupby(RANKED_WITHIN, dropna=False):
        known = ranked[ranked["se"].notna()]
        places = [units[unit] for unit in known["domain_id"]]
        y, se = known["score"].to_numpy(float), known["se"].to_numpy(float)
        pairs = Pairs(y, se, deviates[:, places])
        # Who has no error is certainly above and below nobody.
        count = len(ranked)
        one = pairs.marginal(level, count)
        all_of_them = pairs.simultaneous(level, count)
        quarter = -(-count // 4)
        is_compared = count > 1
        found.append(
            pd.DataFrame(
                {
                    "cycle_id": cycle_id,
                    "weighting_mode": mode,
                    "domain_id": known["domain_id"],
                    "component_text": component,
                    "rank_set_low": one.low,
                    "rank_set_high": one.high,
                    "is_certainly_top": all_of_them.high <= quarter if is_compared else None,
                    "is_certainly_bottom": (
                        all_of_them.low > count - quarter if is_compared else None
                    ),
                }
            )
        )
    if not found:
        return RANK_SETS.empty_table()
    return pa.Table.from_pandas(pd.concat(found), schema=RANK_SETS, preserve_index=False)


class Pairs:
    """All pairs of units that are ranked together, with draws of their errors."""

    def __init__(self, y: Floats, se: Floats, deviates: Floats) -> None:
        """Sort the units of each class of errors by their scores; `deviates`: draws x units."""
        self.y = y
        self.errors = errors = np.unique(se)
        # Seven digits are enough for draws, and half the time.
        self.drawn: Draws = np.ascontiguousarray((deviates * se).T, dtype=np.float32)
        drawn = self.drawn
        self.widths = widths = np.sqrt(se[:, np.newaxis] ** 2 + errors**2)
        inverse = np.divide(1, widths, out=np.zeros_like(widths), where=widths > 0)
        self.by_width = inverse.astype(drawn.dtype)
        self.sorted: list[Floats] = []
        self.lowest_from: list[Draws] = []
        self.highest_up_to: list[Draws] = []
        for error in errors:
            members = np.flatnonzero(se == error)
            members = members[np.argsort(y[members], kind="stable")]
            of_class, nobody = drawn[members], np.full((1, drawn.shape[1]), np.inf, drawn.dtype)
            self.sorted.append(y[members])
            lowest = np.minimum.accumulate(of_class[::-1])[::-1]
            self.lowest_from.append(np.concatenate([lowest, nobody]))
            self.highest_up_to.append(np.concatenate([-nobody, np.maximum.accumulate(of_class)]))

    def marginal(self, level: float, count: int) -> Sets:
        """Return a set for each unit that holds its rank with probability `level`."""
        units = len(self.y)
        below, above = np.zeros((2, units, len(self.errors)), dtype=np.int64)
        moving = np.arange(units)
        while len(moving):
            largest = np.maximum(
                self._excess_over(moving, below[moving]),
                self._excess_under(moving, above[moving]),
            )
            critical = np.quantile(largest, level, axis=1)
            new_below, new_above = self._rejected(moving, critical)
            more = (new_below > below[moving]).any(axis=1) | (new_above > above[moving]).any(axis=1)
            below[moving], above[moving] = new_below, new_above
            moving = moving[more]
        return Sets(1 + above.sum(axis=1), count - below.sum(axis=1))

    def simultaneous(self, level: float, count: int) -> Sets:
        """Return sets that hold the ranks of all units at once with probability `level`."""
        everybody = np.arange(len(self.y))
        below = above = np.zeros((len(everybody), len(self.errors)), dtype=np.int64)
        while len(everybody):
            largest = self._excess_over(everybody, below).max(axis=0)
            critical = np.full(len(everybody), np.quantile(largest, level))
            new_below, above = self._rejected(everybody, critical)
            if not (new_below > below).any():
                break
            below = new_below
        return Sets(1 + above.sum(axis=1), count - below.sum(axis=1))

    def _excess_over(self, units: Ints, below: Ints) -> Draws:
        """Return by how much units exceed, at most, those that aren't certainly below them."""
        own = self.drawn[units]
        largest = np.full_like(own, -np.inf)
        for place, lowest in enumerate(self.lowest_from):
            self._keep_larger(largest, own - lowest[below[:, place]], units, place)
        return largest

    def _excess_under(self, units: Ints, above: Ints) -> Draws:
        """Return by how much those that aren't certainly above units exceed them, at most."""
        own = self.drawn[units]
        largest = np.full_like(own, -np.inf)
        for place, highest in enumerate(self.highest_up_to):
            left = len(self.sorted[place]) - above[:, place]
            self._keep_larger(largest, highest[left] - own, units, place)
        return largest

    def _keep_larger(self, largest: Draws, excess: Draws, units: Ints, place: int) -> None:
        """Measure by the differences' errors; without any, no draw differs."""
        excess *= self.by_width[units, place, np.newaxis]
        np.fmax(largest, excess, out=largest)  # nobody left, -inf, times 0 is no number

    def _rejected(self, units: Ints, critical: Floats) -> tuple[Ints, Ints]:
        """Return, by unit and class, how many are certainly below and how many above."""
        far = critical[:, np.newaxis] * self.widths[units]
        scores = self.y[units, np.newaxis]
        below = np.empty(far.shape, dtype=np.int64)
        above = np.empty(far.shape, dtype=np.int64)
        for place, of_class in enumerate(self.sorted):
            # The hair: scores are decimals, whose differences are not.
            below[:, place] = np.searchsorted(of_class, (scores - far)[:, place] - 1e-12)
            above[:, place] = len(of_class) - np.searchsorted(
                of_class, (scores + far)[:, place] + 1e-12, side="right"
            )
        return below, above
