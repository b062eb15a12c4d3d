"""Working-set form: many columns, a few of which matter at each alpha.

Several weightings of one X advance along one grid in lockstep. At each alpha every problem is
solved on a small set of columns; one product X'R with the residuals of all problems then certifies
them or names the columns that are missing.
"""

from functools import partial

import numpy as np
from scipy import sparse

from .._threads import Workers, check_cancelled
from . import kernels
from .gram import WORK, Path, solve_point
from .kernels import HUGE

# Share of the wanted duality gap that the problem restricted to the working set is solved to.
INNER_SHARE = 0.8
# Working sets up to which the Gram form is tried first, and the largest whose Gram is formed.
GRAM_FIRST = 1000
GRAM_LIMIT = 2000
# Sweeps on the residual before a set is given to its Gram matrix.
PATIENCE = 200
# Below this tolerance, as documented for `tol`, solving goes on to the rounding floor.
FLOOR_TOL = 1e-12


class _WorkingSet:
    """Some columns of X, in the order they came in, and their Gram matrix as far as needed."""

    def __init__(self, problem):
        self.problem = problem
        self.index = np.zeros(0, dtype=np.int64)
        self.G = np.zeros((0, 0))

    def add(self, columns):
        self.index = np.concatenate([self.index, columns])

    def keep(self, mask):
        known = mask[: len(self.G)]
        self.G = self.G[np.ix_(known, known)]
        self.index = self.index[mask]

    def gram(self):
        """Return X'VX of the set; only the columns that are new since last time cost anything."""
        old, m = len(self.G), len(self.index)
        if old < m:
            side = self._products(old)
            G = np.empty((m, m))
            G[:old, :old] = self.G
            G[:, old:] = side
            G[old:, :] = side.T
            self.G = G
        return self.G


class _Gathered(_WorkingSet):
    """Columns of a dense X, copied next to each other and centred."""

    def __init__(self, problem):
        super().__init__(problem)
        self.values = np.zeros((len(problem.y), 0), order="F")

    def add(self, columns):
        super().add(columns)
        new = self.problem.design.gather(columns)
        new -= self.problem.mean[columns]
        self.values = np.concatenate([self.values.T, new.T]).T

    def keep(self, mask):
        super().keep(mask)
        self.values = np.asfortranarray(self.values[:, mask])

    def _products(self, old):
        return self.values.T @ (self.problem.weights[:, None] * self.values[:, old:])

    def residual(self, w):
        return self.problem.y - self.values @ w

    def correlate(self, r):
        u = self.problem.weights * r
        return self.values.T @ u, float(u @ r)

    def prefers_gram(self):
        return len(self.index) <= min(GRAM_FIRST, max(len(self.problem.y), 100))

    def entries(self):
        return self.values.size

    def kernel_columns(self):
        record = kernels.Gathered(self.values, self.problem.weights)
        return record, np.arange(len(self.index))


class _Sparse(_WorkingSet):
    """Columns of a sparse X, used in place."""

    def _products(self, old):
        chosen = self.problem.design.X[:, self.index]
        new = sparse.diags_array(self.problem.weights) @ chosen[:, old:]
        mean = self.problem.mean[self.index]
        return (chosen.T @ new).toarray() - np.outer(mean, mean[old:])

    def residual(self, w):
        used = w != 0
        index, w = self.index[used], w[used]
        return self.problem.y - (self.problem.design.X[:, index] @ w - self.problem.mean[index] @ w)

    def correlate(self, r):
        u = self.problem.weights * r
        g = self.problem.design.X[:, self.index].T @ u - self.problem.mean[self.index] * u.sum()
        return g, float(u @ r)

    def prefers_gram(self):
        return len(self.index) <= GRAM_FIRST

    def entries(self):
        return int(np.diff(self.problem.design.X.indptr)[self.index].sum()) + len(self.problem.y)

    def kernel_columns(self):
        X = self.problem.design.X
        record = kernels.Csc(X.data, X.indices, X.indptr, self.problem.mean, self.problem.weights)
        return record, self.index


class _State:
    """One problem on its way along the path."""

    def __init__(self, problem, penalty, w, tol):
        self.problem = problem
        self.penalty = penalty
        self.goal = problem.goal(tol)
        self.to_floor = tol < FLOOR_TOL
        self.store = (_Sparse if problem.design.sparse else _Gathered)(problem)
        self.w = w.copy()
        self.r = None
        self.gap = self.worst = np.inf

    def choose(self, threshold, g):
        """Let into the working set the columns with a correlation above `threshold` times l1.

        The largest first, at most about as many as the support, which a wrong guess can then at
        worst double. Columns that have left the support and lie below the threshold are dropped
        once they are many. Returns how many were added.
        """
        support = self.w != 0
        pull = np.where((g < 0) & (self.penalty.lower == 0), 0.0, np.abs(g))
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            score = np.where(pull > 0, pull / np.minimum(threshold * self.penalty.l1, HUGE), 0.0)
        score[support] = np.inf
        size = int(support.sum())
        if len(self.store.index) > 2 * size + 200:
            self.store.keep(score[self.store.index] > 1)
        outside = np.ones(len(score), dtype=bool)
        outside[self.store.index] = False
        wanted = np.flatnonzero((score > 1.0) & outside)
        limit = max(50, size) + int((support & outside).sum())
        if len(wanted) > limit:
            wanted = np.sort(wanted[np.argpartition(-score[wanted], limit)[:limit]])
        if len(wanted):
            self.store.add(wanted)
        return len(wanted)

    def solve(self, terms, g, rr, max_sweeps):
        """Solve on the working set, given the penalty `terms` there; return the sweeps taken."""
        store, index = self.store, self.store.index
        if len(index) == 0:
            return 1
        w, g = self.w[index], g[index]
        goal = 0.0 if self.to_floor else INNER_SHARE * self.goal
        sweeps = 0
        if not store.prefers_gram():
            sweeps, status = self._descend(terms, w, goal, min(max_sweeps, PATIENCE))
            if status != 0 or len(index) > GRAM_LIMIT:
                return sweeps
            g, rr = store.correlate(self.r)
        G = store.gram()
        q = g + G @ w
        sweeps += solve_point(G, q, rr + w @ q + w @ g, terms, goal, max_sweeps, w)
        self.w[index] = w
        self.r = store.residual(w)
        return sweeps

    def _descend(self, terms, w, goal, max_sweeps):
        """Coordinate descent on the residual; updates w, self.w and self.r."""
        columns, chosen = self.store.kernel_columns()
        index = self.store.index
        r = self.store.residual(w)
        # a sparse column is centred implicitly: what it does to all rows is kept apart
        shift = float(self.problem.mean[index] @ w) if self.problem.design.sparse else 0.0
        r -= shift
        sweeps, status = 0, 0
        g = np.empty(len(index))
        most = 1 + int(WORK / (2.0 * self.store.entries()))
        while status == 0 and sweeps < max_sweeps:
            check_cancelled()
            sweeps, shift, status = kernels.residual_solve(
                columns, chosen, w, r, shift, *terms, self.problem.norm[index],
                goal, sweeps, max_sweeps, most, g,
            )  # fmt: skip
        self.w[index] = w
        self.r = r + shift
        return sweeps, status


class Lockstep:
    """Problems (weightings and penalties) of one design that share a grid of alphas.

    Parameters
    ----------
    problems : list of Problem
    penalties : list of Penalty
    tol : float
    max_iter : int
        Most sweeps per problem and alpha.
    starts : list of ndarray of shape (p,), optional
        Warm starts, by default zero.
    workers : Workers
        Spreads the problems over threads.
    """

    def __init__(self, problems, penalties, tol, max_iter, workers, starts=None):
        p = problems[0].design.shape[1]
        starts = [np.zeros(p)] * len(problems) if starts is None else starts
        self.states = [_State(*args, tol) for args in zip(problems, penalties, starts, strict=True)]
        self.max_iter = max_iter
        self.workers = workers
        self.g = np.empty((len(problems), p))
        self.rr = np.empty(len(problems))
        for state in self.states:
            state.r = state.problem.residual(state.w) if state.w.any() else state.problem.y
        self._correlate(range(len(problems)))
        self.previous = None

    def _correlate(self, which):
        """Refresh correlations and r'Vr of some problems: one pass over X for all of them."""
        states = [self.states[k] for k in which]
        U = np.stack([s.problem.weights * s.r for s in states], axis=1)
        means = np.stack([s.problem.mean for s in states], axis=1)
        g = states[0].problem.design.transposed_times(U, self.workers)
        self.g[list(which)] = (g - means * U.sum(axis=0)).T
        for k, s, u in zip(which, states, U.T, strict=True):
            self.g[k, s.problem.norm == 0] = 0.0
            self.rr[k] = u @ s.r

    def advance(self, alpha):
        """Solve all problems at `alpha`; return the sweeps each took."""
        sweeps = np.zeros(len(self.states), dtype=np.int64)
        pending = list(range(len(self.states)))
        previous = alpha if self.previous is None else self.previous
        threshold = min(max(alpha - (previous - alpha), 0.0), alpha)
        for state in self.states:
            state.gap = state.worst = np.inf
            state.terms = state.penalty.at(alpha)
        while pending:
            solve = partial(self._round, threshold, self.max_iter - sweeps)
            rounds = self.workers.map(solve, pending)
            self._correlate(pending)
            still = []
            for k, (added, done) in zip(pending, rounds, strict=True):
                sweeps[k] += done
                finished = self._certify(k, added)
                if not finished and sweeps[k] < self.max_iter:
                    still.append(k)
            pending, threshold = still, alpha
        self.previous = alpha
        return sweeps

    def _round(self, threshold, sweeps_left, k):
        state = self.states[k]
        added = state.choose(threshold, self.g[k])
        terms = [one[state.store.index] for one in state.terms]
        return added, state.solve(terms, self.g[k], self.rr[k], sweeps_left[k])

    def _certify(self, k, added):
        """Set the state's certificate; return whether it is solved or beyond improvement."""
        state = self.states[k]
        before = state.gap, state.worst
        terms = state.w, self.g[k], *state.terms, state.problem.norm, self.rr[k]
        state.gap = kernels.duality_gap(*terms, kernels.EPS)
        if not state.to_floor:
            return state.gap <= state.goal or (not added and state.gap > 0.99 * before[0])
        state.worst = kernels.worst_violation(*terms)
        return state.worst <= 1.0 or (not added and state.worst > 0.5 * before[1])


def solve_working_set(problem, penalty, alphas, tol, max_iter, w):
    """Solve one problem along `alphas`, warm-started at w; return its `Path`."""
    lockstep = Lockstep([problem], [penalty], tol, max_iter, Workers(1), starts=[w])
    state = lockstep.states[0]
    path = Path.empty(len(alphas), len(w))
    for i, alpha in enumerate(alphas):
        path.n_iter[i] = lockstep.advance(alpha)[0]
        path.coefs[i] = state.w
        path.gaps[i] = state.gap
    return path
