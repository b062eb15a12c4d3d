"""The lasso path itself: piecewise linear in alpha, followed from event to event.

Between two events, at which a column joins or leaves the active set A, the coefficients are
``w_A = G_AA^-1 (q_A - alpha l1_A s_A)`` with signs s (Osborne, Presnell and Turlach 2000; Efron
et al. 2004). The Cholesky factor of G_AA is updated by one row per event, so that a few hundred
rows cost less than coordinate descent to any tolerance, and the points of the grid are exact to
rounding.
Columns are those of a working set; whether that was large enough is certified elsewhere.
"""

from copy import copy

import numpy as np

from .._jit import VECTORISED_SUM, jit
from .._threads import check_cancelled

# Squared pivot, relative to the column's square, below which it depends on the active ones.
DEPENDENCE = 1e-10
FREE, ACTIVE, DEPENDENT = 0, 1, 2
EPS = 2.220446049250313e-16
# Share of the next alpha above which a correlation is followed from event to event.
HOT = 0.8
# Multiplications before control returns to Python, so that Ctrl-C is heard.
WORK = 5e7
# Events for one segment, in rows, beyond which the path is not worth following.
MOST_EVENTS = 20


@jit(fastmath=VECTORISED_SUM)
def _dot(x, y, m):
    total = 0.0
    for i in range(m):
        total += x[i] * y[i]
    return total


@jit(fastmath=VECTORISED_SUM)
def _add(a, x, y, m):
    for i in range(m):
        y[i] += a * x[i]


@jit
def _forward(L, m, d):
    for i in range(m):
        d[i] = (d[i] - _dot(L[i], d, i)) / L[i, i]


@jit
def _solve(L, m, d):
    """Set d = (L L')^-1 d."""
    _forward(L, m, d)
    for i in range(m - 1, -1, -1):
        d[i] /= L[i, i]
        _add(-d[i], L[i], d, i)


@jit
def _remove(L, m, k):
    """Turn the factor of a matrix into that without row and column k."""
    for i in range(k, m - 1):
        for j in range(i + 2):
            L[i, j] = L[i + 1, j]
    for c in range(k, m - 1):
        length = np.hypot(L[c, c], L[c, c + 1])
        cosine, sine = L[c, c] / length, L[c, c + 1] / length
        L[c, c] = length
        for i in range(c + 1, m - 1):
            x, y = L[i, c], L[i, c + 1]
            L[i, c] = cosine * x + sine * y
            L[i, c + 1] = cosine * y - sine * x


@jit
def _next_event(alpha, end, w, d, m, g, a, l1, one_sided, role, hot):
    """Return (step, who, side): side is +-1 for a column that joins, 0 for an active one to leave.

    ``who`` is -1 if `end` is reached first. Columns are FREE to join, ACTIVE, or DEPENDENT.
    """
    # the margin keeps the rounding of alpha_max itself from admitting dust
    step, who, side = alpha - end - 8.0 * EPS * alpha, -1, 0.0
    for k in range(m):
        if w[k] * d[k] < 0.0 and -w[k] / d[k] < step:
            step, who = -w[k] / d[k], k
    for j in hot:
        if role[j] != FREE:
            continue
        if l1[j] - a[j] > 1e-12 * l1[j]:
            t = max((alpha * l1[j] - g[j]) / (l1[j] - a[j]), 0.0)
            if t < step:
                step, who, side = t, j, 1.0
        if not one_sided and l1[j] + a[j] > 1e-12 * l1[j]:
            t = max((alpha * l1[j] + g[j]) / (l1[j] + a[j]), 0.0)
            if t < step:
                step, who, side = t, j, -1.0
    if who < 0:
        step = alpha - end
    return step, who, side


@jit
def residual(Z, active, w, m, y, r):
    """Set r = y - Z_A' w_A."""
    for i in range(y.shape[0]):
        r[i] = y[i]
    for k in range(m):
        _add(-w[k], Z[active[k]], r, y.shape[0])


@jit
def follow(
    Z, v, q, g, l1, square, one_sided, alpha, end, active, sign, m, w, L, role, hot, events
):  # fmt: skip
    """Follow the path from `alpha` down to `end`.

    `Z` (columns, n) holds the centred columns as rows; q = Z v y, and g = Z v r at `alpha`. The
    first m entries of `active`, `sign`, `w` and rows of `L` describe the active set; only columns
    of `hot` may join. Arrays are updated in place, g for hot columns. Returns m, where alpha got
    to, and the `events` that are left (-1 if `L` is full).
    """
    n = Z.shape[1]
    d = np.empty(L.shape[0])
    u = np.empty(n)
    a = np.empty(Z.shape[0])
    while alpha > end and events > 0:
        events -= 1
        for k in range(m):
            d[k] = l1[active[k]] * sign[k]
        _solve(L, m, d)
        for i in range(n):
            u[i] = 0.0
        for k in range(m):
            _add(d[k], Z[active[k]], u, n)
        for i in range(n):
            u[i] *= v[i]
        for j in hot:
            if role[j] != ACTIVE:
                a[j] = _dot(Z[j], u, n)
        for k in range(m):
            a[active[k]] = l1[active[k]] * sign[k]
        step, who, side = _next_event(alpha, end, w, d, m, g, a, l1, one_sided, role, hot)
        alpha -= step
        _add(step, d, w, m)
        for j in hot:
            g[j] -= step * a[j]
        if who < 0:  # afresh, which rids the coefficients of gathered rounding
            alpha = end
            for k in range(m):
                w[k] = q[active[k]] - alpha * l1[active[k]] * sign[k]
            _solve(L, m, w)
        elif side == 0.0:
            _remove(L, m, who)
            for j in range(Z.shape[0]):
                role[j] = FREE
            m -= 1
            for k in range(who, m):
                active[k], sign[k], w[k] = active[k + 1], sign[k + 1], w[k + 1]
            for k in range(m):
                role[active[k]] = ACTIVE
        else:
            if m == L.shape[0]:
                return m, alpha, -1
            for i in range(n):
                u[i] = v[i] * Z[who, i]
            for k in range(m):
                L[m, k] = _dot(Z[active[k]], u, n)
            _forward(L, m, L[m])
            pivot = square[who] - _dot(L[m], L[m], m)
            role[who] = DEPENDENT
            if pivot > DEPENDENCE * square[who]:
                role[who] = ACTIVE
                L[m, m] = np.sqrt(pivot)
                active[m], sign[m], w[m] = who, side, 0.0
                m += 1
    return m, alpha, events


class Homotopy:
    """Where one problem's path has got to: alpha, the active columns, and their factor.

    Parameters
    ----------
    problem : Problem
    l1 : ndarray of shape (p,)
        Strengths per unit alpha.
    one_sided : bool
        Whether coefficients are kept non-negative.
    """

    def __init__(self, problem, l1, one_sided):
        self.problem, self.l1, self.q, self.one_sided = problem, l1, problem.q, one_sided
        pull = self.q if one_sided else np.abs(self.q)
        self.alpha = float(np.max(pull[l1 > 0] / l1[l1 > 0], initial=0.0))
        self.columns, self.sign, self.w = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)
        self.L = np.zeros((0, 0))

    def run(self, index, Z, alphas):
        """Follow the path on the columns `index`, which are the rows of Z.

        Returns (coefs (n_alphas, columns), residuals (n_alphas, n), events, where it has got to),
        or None if the path is better left.
        """
        n = Z.shape[1]
        m, room = len(self.columns), min(len(index), n) + 1
        place = np.full(len(self.q), -1)
        place[index] = np.arange(len(index))
        if np.any(place[self.columns] < 0):
            return None
        walk = _Walk(self, index, Z, room)
        walk.active[:m], walk.sign[:m], walk.w[:m] = place[self.columns], self.sign, self.w
        walk.L[:m, :m] = self.L
        walk.m, walk.alpha = m, max(self.alpha, alphas[0])
        coefs, residuals = np.zeros((len(alphas), len(index))), np.empty((len(alphas), n))
        for i, alpha in enumerate(alphas):
            if not walk.go_to(alpha):
                return None
            coefs[i, walk.active[: walk.m]] = walk.w[: walk.m]
            residuals[i] = walk.r
        after = copy(self)
        after.alpha = alphas[-1]
        m = walk.m
        after.columns, after.sign = index[walk.active[:m]], walk.sign[:m].copy()
        after.w, after.L = walk.w[:m].copy(), walk.L[:m, :m].copy()
        return coefs, residuals, walk.events, after


class _Walk:
    """The arrays that `follow` works on, for some columns of one problem."""

    def __init__(self, homotopy, index, Z, room):
        self.problem, self.one_sided, self.Z = homotopy.problem, homotopy.one_sided, Z
        self.q, self.l1 = homotopy.q[index], homotopy.l1[index]
        self.square = homotopy.problem.norm[index] ** 2
        self.active, self.sign = np.zeros(room, dtype=np.int64), np.zeros(room)
        self.w, self.L = np.zeros(room), np.zeros((room, room))
        self.events, self.r, self.g = 0, np.empty(Z.shape[1]), None

    def go_to(self, end):
        """Follow the path to `end`; return whether that was worth while."""
        if self.g is None:
            self._refresh()
        pull = self.g if self.one_sided else np.abs(self.g)
        hot = pull > HOT * end * self.l1
        while True:
            hot[self.active[: self.m]] = True
            before = self.alpha, self.m, *(one.copy() for one in self._state())
            if not self._follow(end, np.flatnonzero(hot)):
                return False
            self._refresh()
            pull = self.g if self.one_sided else np.abs(self.g)
            missed = (pull > end * self.l1 * (1.0 + 1e-9)) & ~hot
            if not missed.any():
                return True
            hot |= missed
            self.alpha, self.m, *arrays = before
            for one, old in zip(self._state(), arrays, strict=True):
                one[:] = old
            self._refresh()

    def _state(self):
        return self.active, self.sign, self.w, self.L[: self.m + 1]

    def _refresh(self):
        """Compute residuals and correlations afresh."""
        residual(self.Z, self.active, self.w, self.m, self.problem.y, self.r)
        self.g = self.Z @ (self.problem.weights * self.r)

    def _follow(self, end, hot):
        role = np.full(len(self.q), FREE)
        role[self.active[: self.m]] = ACTIVE
        most = 1 + int(WORK / (2.0 * self.Z.size))
        while self.alpha > end:
            check_cancelled()
            self.m, self.alpha, left = follow(
                self.Z, self.problem.weights, self.q, self.g, self.l1, self.square, self.one_sided,
                self.alpha, end, self.active, self.sign, self.m, self.w, self.L, role, hot, most,
            )  # fmt: skip
            self.events += most - left
            if left < 0 or self.events > MOST_EVENTS * self.Z.shape[1]:
                return False
        return True
