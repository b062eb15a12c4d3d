"""Working-set form: many columns, a few of which matter at each alpha.

Several weightings of one X advance along one grid in lockstep. At each alpha every problem is
solved on a small set of columns, for a segment of several alphas; one product X'R with the
residuals of all problems and alphas then certifies them or names the columns that are missing.
"""

from dataclasses import dataclass

import numpy as np

from .._threads import Workers, check_cancelled
from . import kernels
from .column_sets import ColumnRows, DenseColumns, SparseColumns
from .gram import FLOOR_TOL, INNER_SHARE, WORK, Path, solve_point
from .homotopy import Homotopy
from .kernels import HUGE

# Largest working set whose Gram matrix is formed.
GRAM_LIMIT = 2000
# Sweeps on the residual before a set is given to its Gram matrix.
PATIENCE = 200
# Columns with correlations above this share of a segment's last alpha are let in beforehand.
NEAR = 0.85
# Rows up to which the path of a lasso is followed from event to event, on grids as long as this;
# and rows where descent would have to reach a tolerance below TIGHT.
HOMOTOPY_ROWS = 1000
HOMOTOPY_ALPHAS = 10
TIGHT_ROWS = 2000
TIGHT = 1e-5
# Alphas of it that one pass over X certifies.
HOMOTOPY_STEP = 8
# Entries of X from which problems are spread over threads.
THREADED_ENTRIES = 2**21
# Targets that advance together.
TOGETHER = 16
# Bytes of residuals and correlations of the segments of all problems.
SEGMENT_BYTES = 2**26


def worth_following(design, weights, n_alphas, tol=1.0):
    """Return whether a piecewise linear path is better followed than solved alpha by alpha."""
    few = np.count_nonzero(weights) <= (TIGHT_ROWS if tol < TIGHT else HOMOTOPY_ROWS)
    return few and n_alphas >= HOMOTOPY_ALPHAS and not design.sparse


@dataclass
class Point:
    """One problem's solution at one alpha of a segment, on the inner scale."""

    w: np.ndarray
    r: np.ndarray
    sweeps: int = 0
    gap: float = np.inf
    worst: float = np.inf


class _State:
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
        self.goal = problem.goal(tol)
        self.to_floor = tol < FLOOR_TOL
        self.store = DenseColumns(problem, rows) if rows else SparseColumns(problem)
        self.w = w.copy()
        self.r = problem.residual(w) if w.any() else problem.y
        self.g, self.rr = None, None
        self.homotopy = None
        self.points = []

    def begin(self, alphas, first=0):
        """Turn to a segment of the grid, the first alphas of which are solved."""
        self.alphas = alphas
        self.points[first:] = [Point(self.w, self.r) for _ in alphas[first:]]
        self.first = first

    def follow_path(self, alpha, n_alphas, tol):
        """Follow the path from event to event, from `alpha` on, if that is possible and pays."""
        if self.penalty.piecewise and worth_following(
            self.problem.design, self.problem.weights, n_alphas, tol
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

        `g` is (m, p), for m thresholds. The largest first, at most about as many as the support,
        which a wrong guess can then at worst double. In a new segment (`anew`) columns that have
        left the support and lie below the thresholds are dropped once they are many. Returns how
        many were added.
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
        if len(wanted) > limit:
            wanted = np.sort(wanted[np.argpartition(-score[wanted], limit)[:limit]])
        if len(wanted):
            self.store.add(wanted)
        return len(wanted)

    def solve(self, max_sweeps):
        """Solve all points that are not settled on the working set, each from the last."""
        store, index = self.store, self.store.index
        goal = 0.0 if self.to_floor else INNER_SHARE * self.goal
        w, g, rr = self.w[index], self.g[index], self.rr
        gram = store.prefers_gram()
        for point, alpha in zip(self.points[self.first :], self.alphas[self.first :], strict=True):
            if len(index) == 0:
                point.w, point.r, point.sweeps = self.w, self.r, point.sweeps + 1
                continue
            terms = self.penalty.at(alpha, index)
            left = max_sweeps - point.sweeps
            if not gram:
                store.forget_gram()
                patience = min(left, PATIENCE) if len(index) <= GRAM_LIMIT else left
                done, status = self._descend(terms, w, goal, patience)
                point.sweeps += done
                if status == 0 and len(index) <= GRAM_LIMIT:
                    gram = True
                    g, rr = store.correlate(w)
            if gram:
                G = store.gram()
                q = g + G @ w
                yy = rr + w @ q + w @ g
                point.sweeps += solve_point(G, q, yy, terms, goal, left, w)
                g = q - G @ w
                rr = max(yy - w @ q - w @ g, 0.0)
            point.w = np.zeros_like(self.w)
            point.w[index] = w
            point.r = store.residual(w)

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
            point.gap = kernels.duality_gap(*terms, kernels.EPS)
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
        self.design = problems[0].design
        self.rows = None if self.design.sparse else ColumnRows(self.design)
        self.states = [
            _State(*args, tol, self.rows) for args in zip(problems, penalties, starts, strict=True)
        ]
        self.tol, self.max_iter = tol, max_iter
        # handing over to threads costs more than small problems take
        n, p = self.design.shape
        self.workers = Workers(1) if n * p < THREADED_ENTRIES else workers
        found = self._correlate([(state, state.r) for state in self.states])
        for state, g, rr in zip(self.states, *found, strict=True):
            state.g, state.rr = g, rr
        self.previous = None

    def segments(self, alphas):
        """Yield slices of the grid: alphas solved before one pass over X certifies them all."""
        if alphas[-1] > 0:
            for state in self.states:
                state.follow_path(alphas[0], len(alphas), self.tol)
        step = HOMOTOPY_STEP if self.states[0].homotopy else 2 if self.design.sparse else 4
        n, p = self.design.shape
        step = max(1, min(step, SEGMENT_BYTES // (16 * len(self.states) * (n + p))))
        yield slice(0, 1)
        for start in range(1, len(alphas), step):
            yield slice(start, start + step)

    def _correlate(self, pairs):
        """Return X'Vr and r'Vr for many (state, r): one pass over X for all of them."""
        if not pairs:
            return np.zeros((0, 0)), np.zeros(0)
        U = np.stack([s.problem.weights * r for s, r in pairs], axis=1)
        means = np.stack([s.problem.mean for s, _ in pairs], axis=1)
        g = self.design.transposed_times(U, self.workers)
        g -= means * U.sum(axis=0)
        for k, (s, _) in enumerate(pairs):
            g[s.problem.norm == 0, k] = 0.0
        rr = np.array([u @ r for u, (_, r) in zip(U.T, pairs, strict=True)])
        return np.ascontiguousarray(g.T), rr

    def advance(self, alphas):
        """Solve all problems at a segment of decreasing alphas; their `points` are the result."""
        previous = alphas[0] if self.previous is None else self.previous
        # the sequential strong rule, or for long segments a guess that is certified anyway
        strong = max(alphas[-1] - (previous - alphas[-1]), NEAR * alphas[-1])
        thresholds = np.array([min(strong, alphas[0])])
        done = {state: len(state.points) for state in self._follow(alphas)}
        pending = [state for state in self.states if done.get(state, 0) < len(alphas)]
        for state in pending:
            state.begin(alphas, done.get(state, 0))
            state.seen, state.thresholds, state.anew = state.g[None], thresholds, True
        while pending:
            added = self.workers.map(self._round, pending)
            pairs = [(state, one.r) for state in pending for one in state.points[state.first :]]
            G, rr = self._correlate(pairs)
            still, begin = [], 0
            for state, more in zip(pending, added, strict=True):
                first = state.first
                here = slice(begin, begin + len(state.points) - first)
                begin = here.stop
                if not state.certify(G[here], rr[here], more, self.max_iter):
                    state.seen = G[here][state.first - first :]
                    state.thresholds, state.anew = alphas[state.first :], False
                    still.append(state)
            pending = still
        self.previous = alphas[-1]

    def _follow(self, alphas):
        """Go on with the problems whose paths are followed; return those at least begun."""
        walking = followed = [state for state in self.states if state.homotopy]
        for state in walking:
            state.homotopy.begin(alphas)
        while walking:
            through = self.workers.map(lambda state: state.homotopy.run(), walking)
            for state, well in zip(walking, through, strict=True):
                if not well:
                    state.homotopy, state.points = None, []
            walking = [state for state in walking if state.homotopy]
            found = self._correlate([(state, state.homotopy.found[-1][2]) for state in walking])
            over = self.workers.map(lambda *one: one[0].settle(alphas, *one[1:]), walking, *found)
            walking = [state for state, ended in zip(walking, over, strict=True) if not ended]
        back = [state for state in followed if 0 < len(state.points) < len(alphas)]
        found = self._correlate([(state, state.r) for state in back])
        for state, g, rr in zip(back, *found, strict=True):
            state.g, state.rr = g, rr
        return followed

    def _round(self, state):
        added = state.choose(state.thresholds, state.seen, state.anew)
        state.solve(self.max_iter)
        return added


def solve_working_sets(problems, penalties, alphas, tol, max_iter, starts):
    """Solve problems of one design along `alphas`, warm-started; return a list of `Path`."""
    paths = [Path.empty(len(alphas), len(start)) for start in starts]
    for first in range(0, len(problems) if len(alphas) else 0, TOGETHER):
        some = slice(first, first + TOGETHER)
        lockstep = Lockstep(
            problems[some], penalties[some], tol, max_iter, Workers(1), starts[some]
        )
        for part in lockstep.segments(alphas):
            lockstep.advance(alphas[part])
            for path, state in zip(paths[some], lockstep.states, strict=True):
                path.fill(part, state.points)
    return paths
