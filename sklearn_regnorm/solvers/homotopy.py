"""The lasso path itself: piecewise linear in alpha, followed from event to event.

Between two events, at which a column joins or leaves the active set A, the coefficients are
``w_A = G_AA^-1 (q_A - alpha l1_A s_A)`` with signs s (Osborne, Presnell and Turlach 2000; Efron
et al. 2004). The Cholesky factor of G_AA is updated by one row per event, so that a few hundred
rows cost less than coordinate descent to any tolerance, and the points of the grid are exact to
rounding.

Columns far from joining are not looked at. A stretch of the grid is followed on the columns that
are near at its start; correlations at its end, from one pass over X, then prove that no other
column came in between, or the stretch is followed once more with those that did.
"""

import numpy as np

from .._threads import check_cancelled
from . import kernels
from .events import ACTIVE, ASTRAY, FREE, UNDERWAY, Walk, append, doubtful, follow, judge_terms

# Share of the way to joining, by the Cauchy-Schwarz bound, from which columns are followed.
SHARE = 0.5
# Columns with correlations above this share of a stretch's last alpha may join.
NEAR = 0.85
# Multiplications before control returns to Python, so that Ctrl-C is heard.
WORK = 1e8
# Events for one stretch, in rows, beyond which the path is not worth following.
MOST_EVENTS = 20


class Homotopy:
    """One problem's lasso path, as far as it has been followed.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
        One that is `piecewise`.
    columns : ColumnRows
        Where the columns are, for all problems of one design.
    alpha : float
        Where the path begins: the largest of the grid. Above alpha_max there is nothing to follow.

    Attributes
    ----------
    near : ndarray of int
        Columns that may join in the present stretch of the grid.
    pull : ndarray of shape (p,)
        Correlations with r / alpha at its start.
    found : list of (active columns, their coefficients, residual)
        For each alpha of the stretch.
    events : int
        How many there were.
    """

    def __init__(self, problem, penalty, columns, alpha):
        n, p = problem.design.shape
        self.problem, self.penalty, self.columns = problem, penalty, columns
        self.one_sided = bool(np.all(penalty.lower == 0))
        pull = self._toward(problem.q) / penalty.l1
        self.alpha = max(alpha, float(pull.max(initial=0.0)))
        self.pull = problem.q / self.alpha if self.alpha > 0 else problem.q
        self.lost = False
        self.m, self.reach, self.room = 0, 0.0, min(np.count_nonzero(problem.weights), p) + 1
        none = np.zeros(0, dtype=np.int64)
        self.walk = Walk(
            none, *np.zeros((4, 0)), np.zeros((0, 0)), problem.y.copy(), *np.zeros((4, n)),
            *np.zeros((3, p)), np.zeros(p, dtype=np.int8), np.zeros(p, dtype=bool), none, none,
        )  # fmt: skip

    def begin(self, alphas):
        """Turn to the next stretch of the grid."""
        walk, m = self.walk, self.m
        self.alphas, self.share = alphas, SHARE
        near = self._toward(self.pull) * self.alpha > NEAR * alphas[-1] * self.penalty.l1
        near &= self.problem.norm > 0
        near[walk.active[:m]] = True
        self.near = np.flatnonzero(near)
        self.start = [one[:m].copy() for one in (walk.active, walk.sign, walk.w)], walk.r.copy()
        self._prepare()

    def _again(self, missed):
        """Go back to the start of the stretch, to look out for more; return if that can help."""
        near = np.union1d(self.near, missed).astype(np.int64)
        if len(near) == len(self.near):  # they were near already, but not looked at
            if self.share == 1.0:
                return False
            self.share = 1.0
        self.near = near
        (active, sign, w), r = self.start
        walk, rows = self.walk, self.columns.record(self.problem, active)
        for k, (j, side) in enumerate(zip(active, sign, strict=True)):
            m = append(rows, walk, k, j, side, self.penalty.l1[j], self.problem.norm[j] ** 2)
            self.lost |= m == k  # by rounding, the column now counts as dependent
        self.m = len(active)
        walk.w[: self.m], walk.r[:] = w, r
        self._prepare()
        return True

    def _toward(self, g):
        return g if self.one_sided else np.abs(g)

    def _prepare(self):
        """Bring what depends on the start of the stretch and the near columns up to date."""
        self.walk = walk = self.walk._replace(near=self.near, live=np.empty_like(self.near))
        active = walk.active[: self.m]
        walk.is_live[:], walk.role[:], walk.role[active] = False, FREE, ACTIVE
        np.divide(walk.r, self.alpha, out=walk.ref)
        near = self.near
        walk.g[near] = self.alpha * self.pull[near]
        left = self.penalty.l1[near] - self._toward(self.pull[near])
        walk.slack[near] = left / self.problem.norm[near]
        walk.slack[active] = 0.0

    def run(self):
        """Follow the path through the stretch; return whether it got through."""
        if self.lost:
            return False
        problem = self.problem
        rows = self.columns.record(problem, self.near)
        alpha, live, reach, spent = self.alpha, -1, 0.25 * self.reach, 0
        n = len(problem.y)
        self.found, self.events, self.overlooked = [], 0, False
        for end in self.alphas:
            arrived = UNDERWAY
            while arrived == UNDERWAY:
                check_cancelled()
                if self.m == len(self.walk.active) and not self._grow():
                    return False
                cost = n * (1.0 + 2.0 * self.m + len(self.near)) + 1.5 * self.m**2
                most = 1 + int(WORK / cost)
                arrived, alpha, self.m, live, reach, spent, left = follow(
                    rows, self.walk, problem.q, problem.y, self.penalty.l1, problem.norm,
                    self.one_sided, alpha, end, self.m, live, reach, spent, self.share, most,
                )  # fmt: skip
                self.events += most - left
                if self.events > MOST_EVENTS * n:
                    return False
            walk, m = self.walk, self.m
            self.found.append((walk.active[:m].copy(), walk.w[:m].copy(), walk.r.copy()))
            self.overlooked |= arrived == ASTRAY
        self.reach = reach
        return True

    def _grow(self):
        """Make room for more active columns; return False if there cannot be more."""
        old = len(self.walk.active)
        new = min(self.room, 32 + 2 * old)
        if new == old:
            return False
        larger = {name: getattr(self.walk, name) for name in ("active", "sign", "w", "t", "d")}
        larger = {name: np.resize(one, new) for name, one in larger.items()}
        L = np.zeros((new, new))
        L[:old, :old] = self.walk.L
        self.walk = self.walk._replace(L=L, **larger)
        return True

    def settle(self, g):
        """Certify what was found, given the correlations g (p,) at its end.

        Returns a list of (w, gap, worst violation), one per alpha of the stretch, or None if
        columns were missed: the stretch must then be followed again.

        Between its ends, columns are looked at only where an interpolation of the dual point
        r / alpha leaves room for their being active.
        """
        if self.overlooked and self._again(()):  # a column that joins too late turns its sign
            return None
        problem, penalty, p = self.problem, self.penalty, len(g)
        n_between = len(self.alphas) - 1
        start, end = self.start[1] / self.alpha, self.found[-1][2] / self.alphas[-1]
        pulls = np.stack([self.pull, g / self.alphas[-1]])
        columns, terms = np.empty(p, dtype=np.int64), np.empty((4, p))
        fixed = penalty.l1, problem.norm, self.one_sided
        points = []
        for i, (alpha, (active, values, r)) in enumerate(zip(self.alphas, self.found, strict=True)):
            w = np.zeros(p)
            w[active] = values
            if i < n_between:
                m = doubtful(problem.weights, r, alpha, start, end, pulls, *fixed, w, columns)
                rows = self.columns.record(problem, columns[:m])
                rr, strays = judge_terms(rows, r, columns, m, alpha, *fixed, w, terms)
            else:
                m, columns, rr = p, np.arange(p), float(problem.weights @ (r * r))
                terms[:] = w, g, alpha * penalty.l1, problem.norm
                strays = True
            if strays:
                far = self._toward(terms[1, :m]) > terms[2, :m] * (1.0 + 1e-8)
                far &= terms[0, :m] == 0
                if far.any() and self._again(columns[:m][far]):
                    return None
            same = penalty.l2[:m], penalty.lower[:m], penalty.upper[:m]  # for all columns
            at = *terms[:3, :m], *same, terms[3, :m], rr
            points.append((w, kernels.duality_gap(*at), kernels.worst_violation(*at)))
        self.alpha, self.pull = self.alphas[-1], pulls[1]
        return points
