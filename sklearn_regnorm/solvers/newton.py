"""Newton steps on the active set: for few rows, as many of which as columns the solution fits.

For given active columns A with signs s the optimality conditions are linear,

    (G_AA + diag(l2_A)) w_A = q_A - l1_A s_A,

and their solution tells which signs were wrong (those columns leave) and which conditions outside
are violated (those columns join). Repeated, this is a semismooth Newton method (Hintermueller, Ito
and Kunisch 2002). From the solution at the last alpha a first step, on the same columns, goes
along the path, and one or two more find the columns that joined or left meanwhile, dozens at a
time. Each costs one Cholesky factor, at the speed of BLAS.

The matrix is kept and factorised in float32, scaled to a unit diagonal, with `DAMPING` on it:
directions that the rows do not determine are then gone along slowly, and there may be more active
columns than rows on the way. The right-hand side, from X in float64, is what the conditions lack
at the present w. So neither limits what the steps lead to.
"""

from ctypes import CFUNCTYPE, byref, c_char, c_int, c_void_p
from functools import cache

import numpy as np
from numba.extending import get_cython_function_address

from .._jit import VECTORISED_SUM, jit
from .._threads import check_cancelled
from . import kernels

# Added to the unit diagonal, well above the rounding of float32; ten times more each time that no
# factor exists.
DAMPING = 3e-6
# Steps in a row without a new least gap before they are given up. Where coefficients may not be
# negative, there is no gap as long as one is.
PATIENCE = 5
PATIENCE_ONE_SIDED = 10
# Columns that may join at once: so many, and this share of those that are active.
JOINING = 20, 0.25
# Shortest way, as a share of that between two alphas, that is tried when longer ones fail.
SHORTEST = 1 / 64
# Violation, relative to l1, from which there is a way to go on the same columns.
AHEAD = 1e-3
# Columns that are kept without being active: so many, and this share of those that are.
KEPT = 50, 0.15


# ---------------------------------------------------------------- float32 matrices


@cache
def _lapack(name, n_arguments):
    """Return a routine of LAPACK: by ctypes, because scipy's own wrapper keeps the GIL."""
    address = get_cython_function_address("scipy.linalg.cython_lapack", name)
    return CFUNCTYPE(None, *[c_void_p] * n_arguments)(address)


def _factorise(M):
    """Replace the lower triangle of M, in C order, by its Cholesky factor; return if it exists."""
    n, info = c_int(len(M)), c_int()
    # in LAPACK's order of entries the lower triangle is the upper one
    _lapack("spotrf", 5)(byref(c_char(b"U")), byref(n), M.ctypes.data, byref(n), byref(info))
    return info.value == 0


def _solve_factored(L, b):
    """Replace b by the solution of L L' x = b."""
    n, one, info = c_int(len(L)), c_int(1), c_int()
    at = L.ctypes.data, byref(n), b.ctypes.data, byref(n), byref(info)
    _lapack("spotrs", 8)(byref(c_char(b"U")), byref(n), byref(one), *at)


@jit
def _append_rows(triangle, side, norm, old):
    """Write the rows from `old` on of a packed lower triangle, from the columns side (m, new)."""
    for k in range(side.shape[1]):
        i = old + k
        start = i * (i + 1) // 2
        for j in range(i + 1):
            scale = norm[i] * norm[j]
            triangle[start + j] = side[j, k] / scale if scale > 0.0 else 0.0


@jit
def _take(triangle, chosen, share, out):
    """Fill the lower triangle of out with the chosen rows and columns of a packed one, scaled."""
    for k in range(chosen.shape[0]):
        i = chosen[k]
        start = i * (i + 1) // 2
        for t in range(k + 1):
            j = chosen[t]
            entry = triangle[start + j] if j <= i else triangle[j * (j + 1) // 2 + i]
            out[k, t] = entry * (share[k] * share[t])


@jit
def _keep(triangle, kept):
    """Move the kept rows and columns, in their order, to the front of a packed lower triangle."""
    place = 0
    for k in range(kept.shape[0]):
        start = kept[k] * (kept[k] + 1) // 2
        for t in range(k + 1):
            triangle[place] = triangle[start + kept[t]]
            place += 1


@jit(fastmath=VECTORISED_SUM)
def _add_product(triangle, rows, columns, d, out):
    """Add M[rows, columns] d to out, for a packed symmetric M."""
    for k in range(rows.shape[0]):
        i = rows[k]
        total = 0.0
        for t in range(columns.shape[0]):
            j = columns[t]
            low, high = min(i, j), max(i, j)
            total += triangle[high * (high + 1) // 2 + low] * d[t]
        out[k] += total


# ---------------------------------------------------------------- the steps


class Newton:
    """One problem's active columns, their signs, and the factor of their Gram matrix.

    Parameters
    ----------
    problem : Problem
    penalty : Penalty
        One that is `open`, with an L1 part for every column.
    held : DenseColumns or SparseColumns
        An empty set of columns, to hold those that are active or lately were.
    """

    def __init__(self, problem, penalty, held):
        p = len(problem.norm)
        self.problem, self.penalty, self.held = problem, penalty, held
        self.one_sided = bool(np.all(penalty.lower == 0))
        self.patience = PATIENCE_ONE_SIDED if self.one_sided else PATIENCE
        self.active = self.leaving = np.zeros(0, dtype=np.int64)
        self.sign = np.zeros(p)  # of active columns, which w may have come to contradict
        self.triangle = np.zeros(0, dtype=np.float32)  # of the Gram matrix of `held`
        self.place = np.full(p, -1)  # in `held`
        self.local = np.full(p, -1)  # in the working set
        self.factor = None

    def advance(self, store, start, alpha, w, g, rr, goal, most):
        """Go from the solution at alpha `start` to that at `alpha`, on the columns of `store`.

        Where the steps do not converge, by way of alphas in between. w and g, of these columns,
        are updated in place, to the last solution. Returns (steps, r'Vr, whether the gap on these
        columns is at most `goal`; if that is 0, whether the conditions hold to rounding).
        """
        self.store, self.norm = store, self.problem.norm[store.index]
        self.local[store.index] = np.arange(len(store.index))
        ratio, share, done = alpha / start, 1.0, 0
        target = alpha
        while True:
            before = w.copy(), g.copy(), rr, self.active, self.sign[self.active]
            steps, rr, solved = self._solve(target, w, g, rr, goal, most - done)
            done += steps
            if solved and target == alpha:
                break
            if solved:
                start, share = target, min(1.0, 2.0 * share)
            else:
                w[:], g[:], rr, active, signs = before
                self._activate(active, signs)
                share *= 0.5
                if done >= most or start <= alpha or share < SHORTEST:
                    break
            target = max(alpha, start * ratio**share) if share < 1.0 else alpha
        return done, rr, solved

    def forget(self):
        """Free the memory of the factor."""
        self.factor = None

    def _solve(self, alpha, w, g, rr, goal, most):
        terms = self.penalty.at(alpha, self.store.index)
        best, idle, steps = np.inf, 0, 0
        ready = self._stand(w, g, *terms[:2])
        while steps < most:
            check_cancelled()
            ready = ready or self._choose(w, g, terms[0])
            if not ready or not self._step(w, g, *terms[:2]):
                break
            ready = False
            _, g[:], rr = self.store.correlate(w)
            steps += 1
            left = np.inf
            if not (self.one_sided and np.any(w < 0)):
                judge = kernels.duality_gap if goal > 0 else kernels.worst_violation
                unit = (kernels.EPS,) if goal > 0 else ()
                left = judge(w, g, *terms, self.norm, rr, *unit)
            if left <= (goal if goal > 0 else 1.0):
                return steps, rr, True
            idle = 0 if left < best else idle + 1
            best = min(left, best)
            if idle >= self.patience:
                break
        return steps, rr, False

    def _activate(self, active, signs):
        self.sign[self.active] = 0.0
        self.active = active
        self.sign[active] = signs

    def _stand(self, w, g, l1, l2):
        """Take the active columns as they are; return whether there is a way to go on them."""
        w[self.norm == 0] = 0.0  # constant columns, from a warm start: without effect
        a = self.local[self.active]
        if len(a) != np.count_nonzero(w) or np.any(a < 0) or np.any(w[a] == 0):
            a = np.flatnonzero(w)  # what others have left
            self._activate(self.store.index[a], np.sign(w[a]))
        self.leaving = self.active[:0]
        lacking = g[a] - l1[a] * self.sign[self.active] - l2[a] * w[a]
        return bool(np.any(np.abs(lacking) > AHEAD * l1[a]))

    def _choose(self, w, g, l1):
        """Let columns join and leave; return whether any is active."""
        index = self.store.index
        sign = np.sign(w)
        stay = (w != 0) & (self.sign[index] == sign)
        pull = g if self.one_sided else np.abs(g)
        joining = np.flatnonzero((w == 0) & (pull > l1 * (1.0 + 1e-10)) & (self.norm > 0))
        most = JOINING[0] + int(JOINING[1] * len(self.active))
        if len(joining) > most:
            order = np.argsort(-pull[joining] / l1[joining], kind="stable")
            joining = np.sort(joining[order[:most]])
        self.leaving = index[(w != 0) & ~stay]
        staying = np.flatnonzero(stay)
        chosen = np.concatenate([staying, joining])
        self._activate(index[chosen], np.concatenate([sign[staying], np.sign(g[joining])]))
        return len(chosen) > 0

    def _step(self, w, g, l1, l2):
        """Move w to where the conditions of the active columns hold; return if that is possible."""
        if self.factor is None or self.factor[0] is not self.active:
            self._hold()
        a, gone = self.local[self.active], self.local[self.leaving]
        unit = np.hypot(self.norm[a], np.sqrt(l2[a]))  # of a column and its ridge
        rhs = (g[a] - l1[a] * self.sign[self.active] - l2[a] * w[a]) / unit
        if len(gone):
            places = self.place[self.active], self.place[self.leaving]
            coupling = np.zeros(len(a))
            _add_product(self.triangle, *places, w[gone] * self.norm[gone], coupling)
            rhs += coupling * (self.norm[a] / unit)
            w[gone] = 0.0
        if self.factor is None or self.factor[0] is not self.active:
            self.factor = self._factor((self.norm[a] / unit).astype(np.float32))
        size = np.abs(rhs).max()
        if self.factor is None or not np.isfinite(size):
            return False
        if size > 0:
            step = (rhs / size).astype(np.float32)
            _solve_factored(self.factor[1], step)
            w[a] += size * step.astype(np.float64) / unit
        return bool(np.all(np.isfinite(w[a])))

    def _hold(self):
        """Have the products of all columns that are active or leaving in the triangle."""
        held, wanted = self.held, np.concatenate([self.active, self.leaving])
        if len(held.index) > (1.0 + KEPT[1]) * len(wanted) + KEPT[0]:
            mask = np.isin(held.index, wanted)
            _keep(self.triangle, np.flatnonzero(mask))
            self.place[held.index] = -1
            held.keep(mask)
            self.place[held.index] = np.arange(len(held.index))
            self.triangle = self.triangle[: _packed(len(held.index))].copy()
        new = np.sort(wanted[self.place[wanted] < 0])
        if len(new):
            old, m = len(held.index), len(held.index) + len(new)
            held.add(new)
            self.place[new] = np.arange(old, m)
            larger = np.empty(_packed(m), dtype=np.float32)
            larger[: len(self.triangle)] = self.triangle
            _append_rows(larger, held.products(old), self.problem.norm[held.index], old)
            self.triangle = larger

    def _factor(self, share):
        """Return the active columns and the factor of their matrix; None if there is none.

        `share` is that of the column itself in the unit of each.
        """
        L = np.empty((len(self.active), len(self.active)), dtype=np.float32)
        damping = DAMPING
        while damping < 1.0:
            _take(self.triangle, self.place[self.active], share, L)
            np.einsum("ii->i", L)[:] = 1.0 + damping
            if _factorise(L):
                return self.active, L
            damping *= 10.0
        return None


def _packed(m):
    return m * (m + 1) // 2
