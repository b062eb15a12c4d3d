"""One problem on its way along the path: its working set, and how it is solved there."""

from dataclasses import dataclass

import numpy as np

from .._threads import check_cancelled
from . import kernels
from .column_sets import DenseColumns, SparseColumns
from .gram import FLOOR_TOL, INNER_SHARE, WORK, solve_point
from .homotopy import Homotopy
from .kernels import HUGE
from .newton import Newton
from .unpenalised import Unpenalised

# Largest working set whose Gram matrix is formed.
GRAM_LIMIT = 2000
# Sweeps on the residual before a set is given to its Gram matrix.
PATIENCE = 200
# And before Newton steps come first where there is a ridge part: descent is often quick there.
PATIENCE_EARLY = 60
# Rows up to which the path of a lasso is followed from event to event, on grids as long as this.
HOMOTOPY_ROWS = 1000
HOMOTOPY_ALPHAS = 10
# Rows up to which Newton steps come first. They are taken to a share of the wanted gap, and `tol`
# is at most this: from solutions that are only just good enough they go astray.
NEWTON_ROWS = 2500
NEWTON_SHARE = 0.3
NEWTON_TOL = 1e-4
# Alphas at which they go astray before they are given up for the rest of the path.
MOST_FAILURES = 5


def worth_following(design, weights, n_alphas):
    """Return whether a piecewise linear path is better followed than solved alpha by alpha."""
    few = np.count_nonzero(weights) <= HOMOTOPY_ROWS
    return few and n_alphas >= HOMOTOPY_ALPHAS and not design.sparse


def worth_stepping(problem, penalty):
    """Return whether Newton steps apply, and their factors cost little beside descent.

    That is m^3 / 3 multiplications for m active columns: of a lasso, about as many as rows at most.
    """
    few = np.count_nonzero(problem.weights) <= NEWTON_ROWS
    return bool(few and penalty.open and np.all(penalty.l1 > 0))


def _columns(problem, rows):
    return SparseColumns(problem) if rows is None else DenseColumns(problem, rows)


@dataclass
class Point:
    """One problem's solution at one alpha of a segment, on the inner scale."""

    w: np.ndarray
    r: np.ndarray
    sweeps: int = 0
    gap: float = np.inf
    worst: float = np.inf


class State:
    """One problem on its way along the path.

    Attributes
    ----------
    points : list of Point
        One for each alpha of the present segment.
    first : int
        The first of them that is not settled.
    """

    def __init__(self, problem, penalty, w, tol, rows):
        self.problem = problem
        self.penalty = penalty
        steppable = worth_stepping(problem, penalty)
        self.failures = 0
        self.steps_first = steppable and not penalty.l2.any()
        self.goal = problem.goal(min(tol, NEWTON_TOL) if self.steps_first else tol)
        self.to_floor = tol < FLOOR_TOL
        self.store = _columns(problem, rows)
        self.unpenalised = Unpenalised(problem, penalty)
        self.w = w.copy()
        self.r = problem.residual(w) if w.any() else problem.y
        self.g, self.rr = None, None
        self.homotopy = None
        self.newton = Newton(problem, penalty, _columns(problem, rows)) if steppable else None
        self.points = []

    def begin(self, alphas, known, first=0):
        """Turn to a segment of the grid, the `first` of which are solved; w is that at `known`."""
        self.alphas, self.known = alphas, alphas[first - 1] if first else known
        self.points[first:] = [Point(self.w, self.r) for _ in alphas[first:]]
        self.first = first

    def follow_path(self, alpha, n_alphas):
        """Follow the path from event to event, from `alpha` on, if that is possible and pays."""
        if self.penalty.piecewise and worth_following(
            self.problem.design, self.problem.weights, n_alphas
        ):
            self.homotopy = Homotopy(self.problem, self.penalty, self.store.rows, alpha)

    def settle(self, alphas, g, rr):
        """Take over what homotopy has found, if it is certified; return whether that is over.

        Where it is not, homotopy is given up.
        """
        found = self.homotopy.settle(g)
        if found is None:
            return False
        sweeps = max(1, self.homotopy.events // len(alphas))
        self.points = []  # those that are solved
        for (w, gap, worst), (_, _, r) in zip(found, self.homotopy.found, strict=True):
            if not (worst <= 1.0 if self.to_floor else gap <= self.goal):
                self.homotopy = None
                break
            self.points.append(Point(w, r, sweeps, gap, worst))
        if self.points:
            self.w, self.r = self.points[-1].w, self.points[-1].r
        if len(self.points) == len(alphas):
            self.g, self.rr = g, rr
        return True

    def choose(self, thresholds, g, anew):
        """Let into the working set the columns with some `g` above its threshold times l1.

        `g` is (m, p), for m thresholds. For descent the largest first, at most about as many as
        the support, which a wrong guess can then at worst double. In a new segment (`anew`)
        columns that have left the support and lie below the thresholds are dropped once they are
        many. Returns how many were added.
        """
        support = self.w != 0
        pull = np.where((g < 0) & (self.penalty.lower == 0), 0.0, np.abs(g))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            levels = np.minimum(np.multiply.outer(thresholds, self.penalty.l1), HUGE)
            score = np.where(pull > 0, pull / levels, 0.0).max(axis=0)
        score[support] = np.inf
        size = int(support.sum())
        useful = score[self.store.index] > 1
        if anew and len(useful) > 2 * useful.sum() + 200:
            self.store.keep(useful)
        outside = np.ones(len(score), dtype=bool)
        outside[self.store.index] = False
        wanted = np.flatnonzero((score > 1.0) & outside)
        limit = max(50, size) + int((support & outside).sum())
        if len(wanted) > limit and not self.steps_first:
            wanted = np.sort(wanted[np.argpartition(-score[wanted], limit)[:limit]])
        if len(wanted):
            self.store.add(wanted)
        return len(wanted)

    def solve(self, max_sweeps):
        """Solve all points that are not settled on the working set, each from the last."""
        store, index = self.store, self.store.index
        w, g, rr = self.w[index], self.g[index], self.rr
        self.in_gram = store.prefers_gram()
        if len(self.unpenalised.index):  # descent would end only at the rounding floor
            self.in_gram = len(index) <= GRAM_LIMIT
        for point, alpha in zip(self.points[self.first :], self.alphas[self.first :], strict=True):
            if len(index) == 0:
                point.w, point.r, point.sweeps = self.w, self.r, point.sweeps + 1
                continue
            rr = self._solve_point(point, alpha, w, g, rr, max_sweeps)
            self.known = alpha
            point.w = np.zeros_like(self.w)
            point.w[index] = w
            point.r = store.residual(w)
            self.unpenalised.project(point.w, point.r)
        if self.newton is not None:
            self.newton.forget()

    def _solve_point(self, point, alpha, w, g, rr, max_sweeps):
        """Solve at one alpha, by the first method that gets there; update w and g, return r'Vr."""
        store, terms = self.store, self.penalty.at(alpha, self.store.index)
        goal = 0.0 if self.to_floor else INNER_SHARE * self.goal
        if self.steps_first and alpha > 0:
            most = max_sweeps - point.sweeps
            steps, rr, solved = self.newton.advance(
                store, self.known, alpha, w, g, rr, NEWTON_SHARE * goal, most
            )
            point.sweeps += steps
            if solved:
                return rr
            self.failures += 1
            if self.failures == MOST_FAILURES:
                self.newton, self.steps_first = None, False
        if not self.in_gram:
            store.forget_gram()
            small = len(store.index) <= GRAM_LIMIT
            left = max_sweeps - point.sweeps
            waiting = self.newton is not None and not self.steps_first
            patience = PATIENCE_EARLY if waiting else PATIENCE if small else left
            done, status = self._descend(terms, w, goal, min(left, patience))
            point.sweeps += done
            _, g[:], rr = store.correlate(w)
            if status == 0 and waiting and point.sweeps < max_sweeps:
                self.steps_first, self.known = True, alpha
                return self._solve_point(point, alpha, w, g, rr, max_sweeps)
            self.in_gram = status == 0 and small
        if self.in_gram:
            G, start, before = store.gram(), w.copy(), g.copy()
            point.sweeps += solve_point(G, g, rr, terms, goal, max_sweeps - point.sweeps, w)
            g -= G @ (w - start)
            rr = max(rr - (w - start) @ (before + g), 0.0)
        return rr

    def _descend(self, terms, w, goal, max_sweeps):
        """Coordinate descent on the residual; updates w."""
        index = self.store.index
        columns, chosen, r, shift = self.store.kernel_columns(w)
        sweeps, status = 0, 0
        g, live = np.empty(len(index)), np.empty(len(index), dtype=np.int64)
        past = kernels.Sweeps(
            np.empty((kernels.RESIDUAL_ROUND, len(index))),
            np.empty((kernels.RESIDUAL_ROUND, len(r))),
            np.empty(kernels.RESIDUAL_ROUND),
            np.zeros(1, dtype=np.int64),
        )
        most = 1 + int(WORK / (2.0 * self.store.entries()))
        while status == 0 and sweeps < max_sweeps:
            check_cancelled()
            sweeps, shift, status = kernels.residual_solve(
                columns, chosen, w, r, shift, *terms, self.problem.norm[index],
                goal, sweeps, max_sweeps, most, g, live, past,
            )  # fmt: skip
        return sweeps, status

    def certify(self, G, rr, added, max_sweeps):
        """Settle the points whose correlations G (m, p) prove them solved or beyond improvement.

        Returns whether all are settled; if not, the state is that of the first that is not.
        """
        for g, one, b in zip(G, rr, range(self.first, len(self.points)), strict=True):
            point = self.points[b]
            before = point.gap, point.worst
            terms = point.w, g, *self.penalty.at(self.alphas[b]), self.problem.norm, one
            point.gap = kernels.duality_gap(*terms)
            if self.to_floor:
                point.worst = kernels.worst_violation(*terms)
                solved, stuck = point.worst <= 1.0, point.worst > 0.5 * before[1]
            else:
                solved, stuck = point.gap <= self.goal, point.gap > 0.99 * before[0]
            self.w, self.r, self.g, self.rr = point.w, point.r, g, one
            solved |= stuck and not added
            if not solved and point.sweeps < max_sweeps:
                break
            self.first = b + 1
        return self.first == len(self.points)
