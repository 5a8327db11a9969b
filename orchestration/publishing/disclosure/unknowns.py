"""Which unknowns a system of sums determines, and by which of the sums.

Belongs here: sparse linear algebra. Doesn't: what the unknowns are (hiding.py).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from orchestration.publishing.disclosure.arrays import Bools, Floats
from orchestration.publishing.disclosure.cells import DisclosureError

# A null vector's entry at a cell that the sums determine is zero up to rounding (about 1e-12 here),
# elsewhere it is of the order of 1e-2. Too large a bound hides too much, never too little.
ZERO = 1e-7
NULL_VECTORS = 2
RESIDUAL = 1e-11
MAX_ROUNDS = 20_000


@dataclass(frozen=True)
class UnknownSums:
    """The sparse matrix A of the equations with unknowns (rows) in the unknowns (columns)."""

    matrix: csr_array

    def determined(self) -> Bools:
        """Whether the equations have one solution for a column.

        That is so where every null vector of A is zero. A random one is zero nowhere else.
        """
        width = self.matrix.shape[1]
        random = np.random.default_rng(seed=width)
        determined = np.ones(width, dtype=bool)
        for _ in range(NULL_VECTORS if width else 0):
            null_vector, _ = self._project(random.standard_normal(width))
            determined &= np.abs(null_vector) < ZERO
        return determined

    def weights_that_give(self, column: int) -> Floats:
        """Return weights of equations that add up to this (determined) column alone.

        They are of the equations nearest to it: of those with it, else of those with an unknown of
        these too, and so on. All together add up to it in ever so many ways, and the mean of these
        has a little of every equation in it: to break that breaks none of them.
        """
        equations = self._by_column[[column]].indices
        while True:
            near = self.matrix[equations]
            columns = np.unique(near.indices)
            unit = (columns == column).astype(np.float64)
            null_vector, weights = UnknownSums(near[:, columns])._project(unit)
            further = np.unique(self._by_column[columns].indices)
            # The unit's projection is as long as the null vectors let it be.
            if np.linalg.norm(null_vector) < ZERO or len(further) == len(equations):
                of_all = np.zeros(self.matrix.shape[0])
                of_all[equations] = weights
                return of_all
            equations = further

    @cached_property
    def _by_column(self) -> csr_array:
        return csr_array(self.matrix.T)

    @cached_property
    def _scaled(self) -> tuple[csr_array, csr_array, Floats]:
        """A by rows, A' by rows, and what A's rows are scaled by, so that their length is 1.

        Without it the widest sums slow the convergence.
        """
        counts = np.diff(self.matrix.indptr)
        scale = 1 / np.sqrt(counts)
        entries = self.matrix.data * np.repeat(scale, counts)
        matrix = csr_array((entries, self.matrix.indices, self.matrix.indptr), self.matrix.shape)
        return matrix, csr_array(matrix.T), scale

    def _project(self, start: Floats) -> tuple[Floats, Floats]:
        """Project on the null space: start - A'y with AA'y = A start; return it and y.

        Conjugate gradients, since there are tens of thousands of unknowns in a few equations each.
        """
        matrix, transposed, scale = self._scaled
        projected, weights = start.copy(), np.zeros(len(scale))
        residual = matrix @ projected
        direction, square = residual.copy(), residual @ residual
        for _ in range(MAX_ROUNDS):
            if square <= RESIDUAL**2:
                return projected, weights * scale
            back = transposed @ direction
            step = square / (back @ back)
            weights += step * direction
            projected -= step * back
            residual -= step * (matrix @ back)
            square, previous = residual @ residual, square
            direction = residual + (square / previous) * direction
        raise DisclosureError(
            f"what {len(start)} hidden figures add up to was not solved in {MAX_ROUNDS} rounds, so "
            "nothing is published: raise MAX_ROUNDS "
            "(orchestration/publishing/disclosure/unknowns.py)"
        )
