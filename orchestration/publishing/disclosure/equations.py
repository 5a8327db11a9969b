"""Published sums of a cycle as linear equations whose unknowns are the hidden cells.

Belongs here: which cells are in which equation. Doesn't: solving them (unknowns.py).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.publishing.disclosure.arrays import Floats, Integers

# What an equation adds up: answers over the parts of a domain, answers over the parts of a
# component, or the scores of the parts of a component. In this order complements are chosen.
OVER_DOMAINS, OVER_COMPONENTS, MEANS = 0, 1, 2


@dataclass(frozen=True)
class Equations:
    """Published sums, one entry per cell in one: the parts, the smallest first, then the whole.

    Equation e has the entries starts[e] to starts[e] + size[e]. The sum of a cell's answers and the
    mean of its scores are two unknowns: `variable` is the cell for the one, cell + cell_count for
    the other. All means count with weight 1: scaling a score by its own weight gives that, and
    what is determined stays the same.
    """

    cell_count: int
    kind: Integers
    starts: Integers
    size: Integers
    cell: Integers
    variable: Integers
    sign: Floats


def equations_of(
    cells: pd.DataFrame, over_domains: pd.DataFrame, over_components: pd.DataFrame
) -> Equations:
    """Return the sums of the cells (`with_unlisted`) along both of their `divisions`."""
    # A mean leaves out the children without a score, and weight_share tells so.
    has_score = cells["has_score"].to_numpy(dtype=bool)
    means = over_components[
        has_score[over_components["cell"]] & has_score[over_components["whole"]]
    ]
    parts = pd.concat(
        [
            over_domains.assign(kind=OVER_DOMAINS),
            over_components.assign(kind=OVER_COMPONENTS),
            means.assign(kind=MEANS),
        ],
        ignore_index=True,
    )
    equation = ["kind", "whole", "division"]
    wholes = parts[equation].drop_duplicates()
    entries = pd.concat([parts.assign(sign=1.0), wholes.assign(cell=wholes["whole"], sign=-1.0)])
    entries["equation"] = entries.groupby(equation).ngroup()
    entries = entries.sort_values(["equation", "sign", "cell"], ascending=[True, False, True])
    cell = entries["cell"].to_numpy(dtype=np.int64)
    kind = entries["kind"].to_numpy(dtype=np.int64)
    starts = np.flatnonzero(np.diff(entries["equation"].to_numpy(dtype=np.int64), prepend=-1))
    return Equations(
        cell_count=len(cells),
        kind=kind[starts],
        starts=starts,
        size=np.diff(starts, append=len(cell)),
        cell=cell,
        variable=cell + np.where(kind == MEANS, len(cells), 0),
        sign=entries["sign"].to_numpy(dtype=np.float64),
    )
