"""Hides cells until the published sums determine none that is hidden.

Belongs here: which cell covers which. Doesn't: how the sums are solved (unknowns.py), what a reader
can tell roughly (bounds.py).
"""

import heapq

import numpy as np
from scipy.sparse import csr_array

from orchestration.publishing.disclosure.arrays import Bools, Floats, Integers
from orchestration.publishing.disclosure.equations import Equations
from orchestration.publishing.disclosure.unknowns import ZERO, UnknownSums


class Hiding:
    """Hides cells until the equations determine none of them.

    A reader doesn't know the hidden cells, nor the unlisted ones. Cells that follow from the never
    hidden ones alone are given: known whatever else is hidden, so they protect nothing.
    """

    def __init__(
        self, equations: Equations, *, is_small: Bools, can_hide: Bools, is_unlisted: Bools
    ) -> None:
        """Hide the small cells; what can't be hidden is known, but for the unlisted."""
        self.is_hidden = is_small & can_hide
        self._equations = equations
        self._may_be_unknown = self._without_given(can_hide | is_unlisted)
        self._can_hide = can_hide & self._may_be_unknown
        self._is_unknown = (self.is_hidden | is_unlisted) & self._may_be_unknown
        self._must_protect = is_small & self._is_unknown
        entry_equation = np.repeat(np.arange(len(equations.starts)), equations.size)
        self._entry_equation = entry_equation
        by_cell = np.argsort(equations.cell, kind="stable")
        bounds = np.searchsorted(equations.cell[by_cell], np.arange(equations.cell_count + 1))
        self._cell_equations = entry_equation[by_cell]
        self._cell_bounds = bounds
        self._unknown_count = self._count(self._is_unknown)
        self._queue = [
            self._urgency(int(equation)) for equation in np.flatnonzero(self._unknown_count == 1)
        ]
        heapq.heapify(self._queue)

    @property
    def is_exposed(self) -> Bools:
        """The hidden cells that nothing can protect."""
        return self.is_hidden & ~self._may_be_unknown

    def complete(self) -> None:
        """Hide complements until nothing hidden can be found."""
        while True:
            while self._queue:
                self._settle_single_unknown(heapq.heappop(self._queue)[-1])
            if not self._settle_together():
                return

    def _without_given(self, free: Bools) -> Bools:
        """Drop the cells that are alone in an equation whose other cells can't be hidden."""
        free = free.copy()
        while True:
            is_free = free[self._equations.cell]
            lone = np.repeat(self._count(free) == 1, self._equations.size) & is_free
            if not lone.any():
                return free
            free[self._equations.cell[lone]] = False

    def _count(self, cells: Bools) -> Integers:
        entries = cells[self._equations.cell].astype(np.int64)
        return np.add.reduceat(entries, self._equations.starts) if len(entries) else entries

    def _urgency(self, equation: int) -> tuple[int, int, int]:
        """Narrow divisions first: what is hidden in a region x level protects in the level too."""
        return int(self._equations.kind[equation]), int(self._equations.size[equation]), equation

    def _equations_of(self, cell: int) -> list[int]:
        start, end = self._cell_bounds[cell : cell + 2]
        return [int(equation) for equation in self._cell_equations[start:end]]

    def _cells_of(self, equation: int) -> Integers:
        start = self._equations.starts[equation]
        return self._equations.cell[start : start + self._equations.size[equation]]

    def _settle_single_unknown(self, equation: int) -> None:
        if self._unknown_count[equation] != 1:
            return
        cells = self._cells_of(equation)
        unknown = cells[self._is_unknown[cells]][0]
        if not (self.is_hidden[unknown] or self._must_protect[unknown]):
            return
        complements = cells[self._can_hide[cells] & ~self.is_hidden[cells]]
        if len(complements):
            self._hide(complements[0])
        else:
            self._give(int(unknown))  # another one that was given left it alone

    def _hide(self, cell: int) -> None:
        self.is_hidden[cell] = True
        self._is_unknown[cell] = True
        self._recount(cell, by=1)

    def _give(self, cell: int) -> None:
        self._may_be_unknown[cell] = self._can_hide[cell] = self._is_unknown[cell] = False
        self._recount(cell, by=-1)

    def _recount(self, cell: int, *, by: int) -> None:
        for equation in self._equations_of(cell):
            self._unknown_count[equation] += by
            if self._unknown_count[equation] == 1:
                heapq.heappush(self._queue, self._urgency(equation))

    def _settle_together(self) -> bool:
        """Protect what all equations together determine; False where that is nothing.

        An exposed cell is a weighted sum of equations, in which only cells that are shown remain.
        Hiding one of those breaks that sum; hiding any other cell of the same equations would not.
        """
        kept = self._is_unknown[self._equations.cell]
        variables, columns = np.unique(self._equations.variable[kept], return_inverse=True)
        equations, rows = np.unique(self._entry_equation[kept], return_inverse=True)
        shape = (len(equations), len(variables))
        sums = UnknownSums(csr_array((self._equations.sign[kept], (rows, columns)), shape))
        unknown = variables % self._equations.cell_count
        protected = self.is_hidden[unknown] | self._must_protect[unknown]
        exposed = np.flatnonzero(sums.determined() & protected)
        hidden_now: list[int] = []
        for column in exposed[np.argsort(unknown[exposed], kind="stable")]:
            weights = np.zeros(len(self._equations.starts))
            weights[equations] = sums.weights_that_give(int(column))
            shown = self._shown_in(weights)
            if shown[hidden_now].any():
                continue
            candidates = np.flatnonzero(shown & self._can_hide & ~self.is_hidden)
            if len(candidates):
                hidden_now.append(int(candidates[0]))
                self._hide(hidden_now[-1])
            elif self._is_unknown[unknown[column]]:
                self._give(int(unknown[column]))
        return len(exposed) > 0

    def _shown_in(self, weights: Floats) -> Bools:
        """The cells that don't cancel out in the weighted sum of the equations."""
        variables = 2 * self._equations.cell_count
        share = np.bincount(
            self._equations.variable,
            weights=self._equations.sign * weights[self._entry_equation],
            minlength=variables,
        )
        is_left = np.abs(share) > ZERO
        return is_left[: self._equations.cell_count] | is_left[self._equations.cell_count :]
