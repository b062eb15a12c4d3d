"""Working-set form: many columns, a few of which matter at each alpha.

Several weightings of one X advance along one grid in lockstep. At each alpha every problem is
solved on a small set of columns, for a segment of several alphas; one product X'R with the
residuals of all problems and alphas then certifies them or names the columns that are missing.
"""

import numpy as np

from .._threads import Workers
from .column_sets import ColumnRows
from .gram import Path
from .state import State

# Columns with correlations above this share of a segment's last alpha are let in beforehand: more
# for Newton steps, which look at a column once where descent does so in every sweep.
NEAR = 0.85
NEAR_NEWTON = 0.6
# Alphas of a followed path that one pass over X certifies.
HOMOTOPY_STEP = 8
# Entries of X from which problems are spread over threads.
THREADED_ENTRIES = 2**21
# Targets that advance together.
TOGETHER = 16
# Bytes of residuals and correlations of the segments of all problems.
SEGMENT_BYTES = 2**26


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
            State(*args, tol, self.rows) for args in zip(problems, penalties, starts, strict=True)
        ]
        self.max_iter = max_iter
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
                state.follow_path(alphas[0], len(alphas))
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
        near = NEAR_NEWTON if self.states[0].steps_first else NEAR
        strong = max(alphas[-1] - (previous - alphas[-1]), near * alphas[-1])
        thresholds = np.array([min(strong, alphas[0])])
        done = {state: len(state.points) for state in self._follow(alphas)}
        pending = [state for state in self.states if done.get(state, 0) < len(alphas)]
        for state in pending:
            state.begin(alphas, previous, done.get(state, 0))
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
