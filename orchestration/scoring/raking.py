"""Raking: weights that meet the frame's margins, by iterative proportional fitting (method.md 9).

Belongs here: the fit, the trim and the sentence that names a margin which can't be met. Doesn't:
the warehouse (models/people/weights/weights_raked.py).

Everybody in a weight cell weighs the same, so cells are fitted, not persons. Arrays are
cells x replicates: many replicates are fitted at once, the cycle itself is one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CELL_WEIGHTS = pa.schema(
    [("cycle_id", pa.string()), ("weight_cell_number", pa.int32()), ("weight", pa.float64())]
)
UNKNOWN = -1
# Which column of weights_cells says where a cell stands in a margin of weights_rake_margins.
COLUMN_OF = {
    "region_level": "region_level_id",
    "recipient_category": "recipient_category_id",
    "gender": "gender",
}


class RakingError(Exception):
    """The margins can't be met; the message names the one that is furthest off."""


@dataclass(frozen=True)
class Margin:
    """What the frame says of one attribute, and where the cells stand in it.

    `staff_counts`: persons by category. `category_of`: each cell's category, UNKNOWN where the
    respondents left it blank or the frame does not know it; they keep the total that their base
    weights give them, and the frame's categories share the rest.
    """

    name: str
    categories: tuple[str, ...]
    staff_counts: Floats
    category_of: Integers


@dataclass(frozen=True)
class Rules:
    """The parameters rake_max_rounds, rake_tolerance (relative), rake_trim_low and rake_trim_high
    (times the mean weight)."""

    max_rounds: int
    tolerance: float
    trim_low: float
    trim_high: float

    @classmethod
    def of(cls, settings: "pd.Series[float]") -> Self:
        """Read them off a row of design_settings."""
        return cls(
            max_rounds=int(settings["rake_max_rounds"]),
            tolerance=float(settings["rake_tolerance"]),
            trim_low=float(settings["rake_trim_low"]),
            trim_high=float(settings["rake_trim_high"]),
        )


def raking(settings: pd.DataFrame) -> set[str]:
    """Return the cycles whose method rakes, of design_settings."""
    return set(settings.loc[settings["weighting_mode"] == "rake", "cycle_id"])


def cell_weights(
    cells: pd.DataFrame, *, cycle_id: str, margins: pd.DataFrame, settings: pd.DataFrame
) -> pa.Table:
    """Return CELL_WEIGHTS of a cycle that rakes.

    `cells`: weights_cells, ordered by weight_cell_number. `margins`: weights_rake_margins.
    `settings`: design_settings, all of the cycle.
    """
    rules = Rules.of(settings.iloc[0])
    weights = cells["stratum_weight"].to_numpy(dtype=np.float64).copy()
    for role_id, rows in cells.groupby("role_id").indices.items():
        of_role = margins_of(cells.iloc[rows], margins[margins["role_id"] == role_id])
        counts = cells["respondent_count"].to_numpy(dtype=np.float64)[rows]
        if of_role:
            whose = f"{cycle_id}, role {role_id}"
            weights[rows] = raked(weights[rows], counts, of_role, rules, whose=whose)
    found = cells[["weight_cell_number"]].assign(cycle_id=cycle_id, weight=weights)
    return pa.Table.from_pandas(found, schema=CELL_WEIGHTS, preserve_index=False)


def margins_of(cells: pd.DataFrame, totals: pd.DataFrame) -> list[Margin]:
    """Return one role's margins: its rows of weights_rake_margins, its cells of weights_cells.

    None where the role has no staff in the frame; its weights then stay as they are.
    """
    if not totals["staff_count"].sum():
        return []
    by_margin = dict(iter(totals.sort_values("margin_category_id").groupby("margin")))
    margins = []
    for name, column in COLUMN_OF.items():
        if name in by_margin:
            categories = tuple(by_margin[name]["margin_category_id"])
            place = {category: place for place, category in enumerate(categories)}
            margins.append(
                Margin(
                    name=name,
                    categories=categories,
                    staff_counts=by_margin[name]["staff_count"].to_numpy(dtype=np.float64),
                    category_of=cells[column].map(place).fillna(UNKNOWN).to_numpy(dtype=np.int64),
                )
            )
    return margins


def raked(
    weights: Floats, counts: Floats, margins: Sequence[Margin], rules: Rules, *, whose: str
) -> Floats:
    """Return the raked weight of a person in each cell, trimmed and raked once more.

    `weights` are the base weights by cell, `counts` the persons. `whose` opens the message.

    Raises:
        RakingError: a margin is off by more than the tolerance after the last round.
    """
    base, count = weights[:, np.newaxis], counts[:, np.newaxis]
    targets = [_targets(margin, base * count, spread_empty=False) for margin in margins]
    fitted = base
    for step in (_unchanged, _trimmed):
        fitted = _fit(step(fitted, count, rules), count, margins, targets, rules)
        _demand_met(fitted * count, margins, targets, rules, whose=whose)
    return fitted[:, 0]


def raked_replicates(
    weights: Floats, counts: Floats, margins: Sequence[Margin], rules: Rules
) -> Floats:
    """Return the raked weights of bootstrap replicates, cells x replicates.

    A category of which a replicate drew nobody leaves its staff to the others of its margin. What
    is still off after the last round is taken as it is: an error of some replicates is a part of
    the variance, not a reason to stop.
    """
    targets = [_targets(margin, weights * counts, spread_empty=True) for margin in margins]
    fitted = _fit(weights, counts, margins, targets, rules)
    return _fit(_trimmed(fitted, counts, rules), counts, margins, targets, rules)


def _targets(margin: Margin, totals: Floats, *, spread_empty: bool) -> Floats:
    """Return the totals to meet, categories + 1 x replicates; the last is the unknown's."""
    found = _totals(margin, totals)
    staff = np.repeat(margin.staff_counts[:, np.newaxis], totals.shape[1], axis=1)
    if spread_empty:
        staff = np.where(found[:-1] > 0, staff, 0.0)
    known = totals.sum(axis=0) - found[-1]
    share = staff / np.maximum(staff.sum(axis=0), np.finfo(np.float64).tiny)
    return np.vstack([share * known, found[-1]])


def _totals(margin: Margin, totals: Floats) -> Floats:
    """Add up cells by category, the unknown last; in the cells' order, the same on every run."""
    summed = np.zeros((len(margin.categories) + 1, totals.shape[1]))
    np.add.at(summed, margin.category_of, totals)
    return summed


def _fit(
    weights: Floats,
    counts: Floats,
    margins: Sequence[Margin],
    targets: Sequence[Floats],
    rules: Rules,
) -> Floats:
    """Scale to one margin after the other until all hold at once, or the rounds are over."""
    fitted = weights
    for _ in range(rules.max_rounds):
        for margin, target in zip(margins, targets, strict=True):
            found = _totals(margin, fitted * counts)
            factor = np.divide(target, found, out=np.ones_like(found), where=found > 0)
            fitted = fitted * factor[margin.category_of]
        if all(
            (_gaps(margin, fitted * counts, target) <= rules.tolerance).all()
            for margin, target in zip(margins, targets, strict=True)
        ):
            break
    return fitted


def _gaps(margin: Margin, totals: Floats, target: Floats) -> Floats:
    """How far each category is off, relative to its target; of a target of 0, to nothing."""
    difference = np.abs(_totals(margin, totals) - target)
    return np.divide(difference, target, out=difference.copy(), where=target > 0)


def _trimmed(weights: Floats, counts: Floats, rules: Rules) -> Floats:
    """Cut weights to the bounds around their mean over persons, and keep the total."""
    total = (weights * counts).sum(axis=0)
    mean = total / counts.sum(axis=0)
    cut = np.clip(weights, rules.trim_low * mean, rules.trim_high * mean)
    kept: Floats = cut * (total / (cut * counts).sum(axis=0))
    return kept


def _unchanged(weights: Floats, counts: Floats, rules: Rules) -> Floats:
    return weights


def _demand_met(
    totals: Floats,
    margins: Sequence[Margin],
    targets: Sequence[Floats],
    rules: Rules,
    *,
    whose: str,
) -> None:
    worst = max(
        (float(gap), margin.name, (*margin.categories, "unknown")[row], row, place)
        for place, (margin, target) in enumerate(zip(margins, targets, strict=True))
        for row, gap in enumerate(_gaps(margin, totals, target)[:, 0])
    )
    gap, name, category, row, place = worst
    if gap > rules.tolerance:
        found = _totals(margins[place], totals)[row, 0]
        raise RakingError(
            f"{whose}: raking did not converge in {rules.max_rounds} rounds; the margin {name} is "
            f"furthest off, in its category '{category}': {targets[place][row, 0]:,.1f} staff, "
            f"raked {found:,.1f}. Correct the category in staff_frame.csv or in export_codes, "
            "raise rake_max_rounds in method_parameters, or give the cycle a method with "
            "weighting_mode poststrat"
        )
