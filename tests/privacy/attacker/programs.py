"""Linear programs: the range that published figures leave to each of many groups at once.

Belongs here: rows and bounds in, ranges out. Doesn't: what a row means.

One program is kept and its aim changed, so that each solution starts at the last one. Every
solution is a state of the world that all figures allow: a group that two of them show far enough
apart needs no program of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOWEST, HIGHEST = 1.0, 4.0
FEASIBLE = 1e-9
ROUGHLY_FEASIBLE = 1e-7


class AttackerError(Exception):
    """The figures contradict each other as the attacker reads them, so his claims are void."""


@dataclass
class Program:
    """Mean ratings of atoms, each from 1 to 4, under rows low <= coefficients x <= high."""

    rows: csr_matrix
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        count = self.rows.shape[1]
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = count, self.rows.shape[0]
        model.col_cost_ = np.zeros(count)
        model.col_lower_ = np.full(count, LOWEST)
        model.col_upper_ = np.full(count, HIGHEST)
        model.row_lower_, model.row_upper_ = self.low, self.high
        matrix = model.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.start_ = self.rows.indptr.astype(np.int32)
        matrix.index_ = self.rows.indices.astype(np.int32)
        matrix.value_ = self.rows.data
        solver = highspy.Highs()
        solver.silent()
        solver.setOptionValue("threads", 1)
        solver.passModel(model)
        self._solver = solver
        self._tolerate(FEASIBLE)
        self._columns = np.arange(count, dtype=np.int32)
        self.solved = 0
        self.given_up = 0

    def least(self, aim: Floats) -> Floats | None:
        """Return the mean ratings that make the aim smallest, None where the solver gives up.

        Figures at full precision make rows that hardly differ: what can't be solved from the last
        solution is tried from scratch, then less exactly.
        """
        self.solved += 1
        self._solver.changeColsCost(len(self._columns), self._columns, aim)
        for tolerance in (None, FEASIBLE, ROUGHLY_FEASIBLE):
            if tolerance is not None:
                self._solver.clearSolver()
                self._tolerate(tolerance)
            self._solver.run()
            status = self._solver.getModelStatus()
            if status == highspy.HighsModelStatus.kOptimal:
                solution = np.array(self._solver.getSolution().col_value)
                self._tolerate(FEASIBLE)
                return solution
        if status == highspy.HighsModelStatus.kInfeasible:
            raise AttackerError(
                "no ratings fit the figures: a published one is not what the attacker takes it for"
            )
        self._tolerate(FEASIBLE)
        self._solver.clearSolver()
        self.given_up += 1
        return None

    def _tolerate(self, tolerance: float) -> None:
        for side in ("primal", "dual"):
            self._solver.setOptionValue(f"{side}_feasibility_tolerance", tolerance)


def ranges(
    program: Program,
    targets: csr_matrix,
    is_clear: Callable[[Floats, Floats], Bools],
    *,
    random: np.random.Generator,
    trials: int = 4,
    most: int | None = None,
) -> tuple[Floats, Floats, Bools]:
    """Return the least and greatest value seen of each target, and for which both are proved.

    A target is left as soon as `is_clear` says that what was seen of it is wide enough. `most`
    bounds how many targets are given programs of their own.
    """
    count = targets.shape[0]
    least, greatest = np.full(count, np.inf), np.full(count, -np.inf)

    def see(solution: Floats | None) -> bool:
        if solution is None:
            return False
        values = targets @ solution
        np.minimum(least, values, out=least)
        np.maximum(greatest, values, out=greatest)
        return True

    scale = np.asarray(abs(targets).sum(axis=0)).ravel()
    for trial in range(trials):
        signs = random.choice([-1.0, 1.0], size=len(scale)) if trial else np.ones(len(scale))
        aim = signs * (scale > 0)
        see(program.least(aim))
        see(program.least(-aim))
        if is_clear(least, greatest).all():
            break
    is_proved = np.zeros(count, dtype=bool)
    left = np.flatnonzero(~is_clear(least, greatest))
    for number, target in enumerate(left):
        if most is not None and number >= most:
            break
        if is_clear(least, greatest)[target]:
            continue
        aim = targets[target].toarray().ravel()
        is_solved = see(program.least(aim))
        if is_clear(least, greatest)[target]:
            continue
        is_solved &= see(program.least(-aim))
        is_proved[target] = is_solved and not is_clear(least, greatest)[target]
    return least, greatest, is_proved
