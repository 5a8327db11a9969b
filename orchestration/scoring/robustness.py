"""Scores under other weights, another mean and another weighting mode (method.md 9, Robustness).

Belongs here: what a draw is, and the scores that it gives. Doesn't: ranks and bands, which are
SQL's (models/indexes/idx_robustness.sql).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from orchestration.scoring.score_tree import Bools, Floats, Parent, roll_up

DRAWS = 50  # at a time: what bounds the memory


def drawn_scores(
    item_scores: Mapping[str, Floats],
    parents: Sequence[Parent],
    weight_of: Sequence[str],
    *,
    draws: int,
    noise: float,
    seed: int,
    min_weight_share: float,
) -> Floats:
    """Return the score of each unit in each draw, draws x units; NaN where a unit has none.

    A draw takes one of the weighting modes, the arithmetic or the geometric mean on every storey
    above the items, and for each weight a factor from U(1 - noise, 1 + noise).

    `item_scores`: by weighting mode, components x units, NaN but for the items. `parents`: the tree
    of the index, which comes last. `weight_of`: the name of each component's weight; components of
    the same name (a perspective in several services) share it.
    """
    random = np.random.default_rng(seed)
    names, name_of = np.unique(weight_of, return_inverse=True)
    factors = 1 - noise + 2 * noise * random.random((draws, len(names)))
    by_mode = np.stack([item_scores[mode] for mode in sorted(item_scores)])
    mode_of = np.floor(random.random(draws) * len(by_mode)).astype(np.int64)
    is_geometric = random.random(draws) < 0.5
    scores = np.empty((draws, by_mode.shape[2]))
    for start in range(0, draws, DRAWS):
        rows = slice(start, start + DRAWS)
        geometric = is_geometric[rows, np.newaxis]
        values = by_mode[mode_of[rows]].transpose(1, 0, 2)
        # The geometric mean is the arithmetic one of logarithms, on all storeys together.
        values = np.where(geometric, np.log(values), values)
        drawn = factors[rows, name_of].T[..., np.newaxis]
        roll_up(values, parents, min_weight_share=min_weight_share, drawn=drawn)
        index = values[parents[-1].place]
        scores[rows] = np.where(geometric, np.exp(index), index)
    return scores


def agree_with_shown(scores: Floats, is_hidden: Bools, parents: Sequence[Parent]) -> None:
    """Make the means of children their parents' shown scores, from the index downwards.

    Both are components x units, `scores` NaN where hidden or absent. Hidden children of one parent
    all get what its score leaves for them, within 1-4; what rounding still leaves moves all of its
    children alike. So draws move around what is shown, and tell nothing of what isn't.
    """
    for parent in reversed(parents):
        children = list(parent.children)
        weights = parent.weights[:, np.newaxis]
        known = scores[children]
        is_known = ~np.isnan(known)
        is_filled = is_hidden[children] & ~is_known
        weight = (weights * (is_known | is_filled)).sum(axis=0)
        left = weight * scores[parent.place] - (weights * np.where(is_known, known, 0)).sum(axis=0)
        room = (weights * is_filled).sum(axis=0)
        value = np.divide(left, room, out=np.full(room.shape, np.nan), where=room > 0)
        filled = np.where(is_filled, np.clip(value, 1, 4), known)
        total = np.nansum(weights * filled, axis=0)
        mean = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
        moved = scores[parent.place] - mean
        scores[children] = filled + np.where(np.isnan(moved), 0, moved)
