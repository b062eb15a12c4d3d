"""Working-set form: many columns, a few of which matter at each alpha.

Several weightings of one X advance along one grid in lockstep. At each alpha every problem is
solved on a small set of columns; one product X'R with the residuals of all problems then certifies
them or names the columns that are missing.
"""

from functools import partial

import numpy as np
from scipy import sparse

from .._threads import Workers
from . import kernels
from .gram import WORK, Path

# Share of the wanted duality gap that the problem restricted to the working set is solved to.
INNER_SHARE = 0.3
# Largest working set whose Gram matrix is formed.
GRAM_LIMIT = 2000
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

    def prefers_gram(self):
        return len(self.index) <= min(GRAM_LIMIT, max(len(self.problem.y), 100))

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

    def prefers_gram(self):
        return len(self.index) <= GRAM_LIMIT

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

    def on_set(self):
        """Return the penalty restricted to the working set: l1, l2, lower, upper."""
        index = self.store.index
        full = self.penalty
        return full.l1[index], full.l2[index], full.lower[index], full.upper[index]

    def choose(self, threshold, g):
        """Let into the working set the columns with a correlation above `threshold` times l1.

        The largest first, at most about as many as the support, which a wrong guess can then at
        worst double. Columns that have left the support and lie below the threshold are dropped
        once they are many. Returns how many were added.
        """
        support = self.w != 0
        pull = np.where((g < 0) & (self.penalty.lower == 0), 0.0, np.abs(g))
        pull[self.problem.norm == 0] = 0.0
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            score = np.where(pull > 0, pull / (threshold * self.penalty.l1), 0.0)
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

    def solve(self, alpha, g, rr, max_sweeps):
        """Solve on the working set; return the number of sweeps."""
        index = self.store.index
        if len(index) == 0:
            return 1
        w = self.w[index]
        goal = 0.0 if self.to_floor else INNER_SHARE * self.goal
        sweeps = 0
        if not self.store.prefers_gram():
            sweeps, status = self._descend(alpha, w, goal, max_sweeps)
            if status != 0 or len(index) > GRAM_LIMIT:
                return sweeps
            w, g = self.w[index], None
        G = self.store.gram()
        if g is None:
            g_set, rr = self._set_correlations(w)
        else:
            g_set = g[index]
        q = g_set + G @ w
        yy = rr + w @ q + w @ g_set
        path = _gram_point(G, q, yy, self.on_set(), alpha, goal, max_sweeps, w)
        self.w[index] = path.coefs[0]
        self.r = self.store.residual(self.w[index])
        return sweeps + int(path.n_iter[0])

    def _set_correlations(self, w):
        r = self.store.residual(w)
        v = self.problem.weights
        X = self.problem.design.X[:, self.store.index]
        u = v * r
        return X.T @ u - self.problem.mean[self.store.index] * u.sum(), float(u @ r)

    def _descend(self, alpha, w, goal, max_sweeps):
        columns, chosen = self.store.kernel_columns()
        index = self.store.index
        norm = self.problem.norm[index]
        centre = self.problem.mean[index]
        l1, l2, lower, upper = self.on_set()
        r = self.store.residual(w)
        shift = 0.0
        if self.problem.design.sparse:
            shift = float(centre @ w)
            r -= shift
        sweeps, status = 0, 0
        limit = min(max_sweeps, 200)
        g = np.empty(len(index))
        while status == 0 and sweeps < limit:
            done, shift, status = kernels.residual_solve(
                columns, chosen, len(index), w, r, shift, alpha, l1, l2, lower, upper, norm,
                goal, limit - sweeps, WORK, g,
            )  # fmt: skip
            sweeps += done
        self.w[index] = w
        self.r = r + shift
        return sweeps, status


def _gram_point(G, q, yy, penalty, alpha, goal, max_sweeps, w):
    """Solve one alpha in Gram form down to a gap of `goal` (0: the rounding floor)."""
    m = len(q)
    norm = np.sqrt(np.diagonal(G)).copy()
    g, d, L = np.empty(m), np.empty(m), np.empty((m, m))
    active = np.empty(m, dtype=np.int64)
    w, sweeps, status = w.copy(), 0, 0
    G = np.ascontiguousarray(G)
    while status == 0 and sweeps < max_sweeps:
        done, _, status = kernels.gram_solve(
            G, q, yy, w, g, alpha, *penalty, norm, goal, max_sweeps - sweeps, WORK, active, L, d
        )
        sweeps += done
    return Path(w[None], np.zeros(1), np.array([sweeps]))


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
        self.g = np.empty((p, len(problems)))
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
        self.g[:, list(which)] = g - means * U.sum(axis=0)
        for k, s, u in zip(which, states, U.T, strict=True):
            self.rr[k] = u @ s.r

    def advance(self, alpha):
        """Solve all problems at `alpha`; return the sweeps each took."""
        sweeps = np.zeros(len(self.states), dtype=np.int64)
        pending = list(range(len(self.states)))
        previous = alpha if self.previous is None else self.previous
        threshold = min(max(2 * alpha - previous, 0.0), alpha)
        for state in self.states:
            state.gap = state.worst = np.inf
        while pending:
            solve = partial(self._round, alpha, threshold, self.max_iter - sweeps)
            rounds = self.workers.map(solve, pending)
            self._correlate(pending)
            still = []
            for k, (added, done) in zip(pending, rounds, strict=True):
                sweeps[k] += done
                finished = self._certify(k, alpha, added)
                if not finished and sweeps[k] < self.max_iter:
                    still.append(k)
            pending, threshold = still, alpha
        self.previous = alpha
        return sweeps

    def _round(self, alpha, threshold, sweeps_left, k):
        state = self.states[k]
        added = state.choose(threshold, self.g[:, k])
        return added, state.solve(alpha, self.g[:, k], self.rr[k], sweeps_left[k])

    def _certify(self, k, alpha, added):
        """Set the state's certificate; return whether it is solved or beyond improvement."""
        state = self.states[k]
        before = state.gap, state.worst
        terms = (
            state.w, self.g[:, k], alpha, state.penalty.l1, state.penalty.l2,
            state.penalty.lower, state.penalty.upper, state.problem.norm, self.rr[k],
        )  # fmt: skip
        state.gap = kernels.duality_gap(*terms)
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
