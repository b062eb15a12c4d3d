"""Newton steps on the active set: for few rows, as many of which as columns the solution fits.

For given active columns A with signs s the optimality conditions are linear,

    (G_AA + diag(l2_A)) w_A = q_A - l1_A s_A,

and their solution tells which signs were wrong (those columns leave) and which conditions outside
are violated (those columns join). Repeated, this is a semismooth Newton method (Hintermueller, Ito
and Kunisch 2002). From the solution at the last alpha a first step, on the same columns, goes
along the path, and a few more find the columns that joined or left meanwhile, dozens at a time. A
Cholesky factor, at the speed of BLAS, serves as long as few columns have changed.

The matrix is kept and factorised in float32, scaled to a unit diagonal, with `DAMPING` on it:
directions that the rows do not determine are then gone along slowly, and there may be more active
columns than rows on the way. The right-hand side, from X in float64, is what the conditions lack
at the present w. So neither limits what the steps lead to.
"""

from ctypes import CFUNCTYPE, byref, c_char, c_int, c_void_p
from functools import cache
from typing import NamedTuple

import numpy as np
from numba.extending import get_cython_function_address

from .._jit import jit
from .._threads import check_cancelled
from . import kernels

# Added to the unit diagonal, well above the rounding of float32; ten times more each time that no
# factor exists.
DAMPING = 3e-6
# Steps in a row without a new least gap before they are given up. Where coefficients may not be
# negative, there is no gap as long as one is.
PATIENCE = 5
PATIENCE_ONE_SIDED = 10
# Steps at one alpha: where they need more they are slower than descent.
MOST_STEPS = 50
# Columns that may join at once: so many, and this share of those that are active.
JOINING = 20, 0.25
# Shortest way, as a share of that between two alphas, that is tried when longer ones fail.
SHORTEST = 1 / 64
# Violation, relative to l1, from which there is a way to go on the same columns.
AHEAD = 1e-3
# Columns that may have joined or left since a factor was made, as a share of its own.
BORDER = 0.08
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


def _solve_triangular(L, b, transposed):
    """Replace the rows of b by the solutions x of L x = row, or of L'x = row."""
    n, number, info = c_int(len(L)), c_int(len(b)), c_int()
    mode = (byref(c_char(one)) for one in (b"U", b"N" if transposed else b"T", b"N"))
    at = L.ctypes.data, byref(n), b.ctypes.data, byref(n), byref(info)
    _lapack("strtrs", 10)(*mode, byref(n), byref(number), *at)


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


@jit
def _block(triangle, rows, columns, out):
    """Fill out with the given rows and columns of a packed symmetric matrix."""
    for k in range(rows.shape[0]):
        for t in range(columns.shape[0]):
            low, high = min(rows[k], columns[t]), max(rows[k], columns[t])
            out[k, t] = triangle[high * (high + 1) // 2 + low]


# ---------------------------------------------------------------- the steps


class _Factor(NamedTuple):
    """The factor L of the matrix of some columns, and their share of the unit of each."""

    columns: np.ndarray
    L: np.ndarray
    share: np.ndarray


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
        self.spot = np.full(p, -1)  # in the factor
        self.factor = None

    def advance(self, store, start, alpha, w, g, rr, goal, most):
        """Go from the solution at alpha `start` to that at `alpha`, on the columns of `store`.

        Where the steps do not converge, by way of alphas in between. w and g, of these columns,
        are updated in place, to the last solution. Returns (steps, r'Vr, whether the gap on these
        columns is at most `goal`; if that is 0, whether the conditions hold to rounding).
        """
        self.store, self.norm = store, self.problem.norm[store.index]
        self.local[:] = -1
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
        if self.factor is not None:
            self.spot[self.factor.columns] = -1
            self.factor = None

    def _solve(self, alpha, w, g, rr, goal, most):
        terms = self.penalty.at(alpha, self.store.index)
        best, idle, steps = np.inf, 0, 0
        if terms[1].any():  # the matrix depends on alpha
            self.forget()
        ready = self._stand(w, g, *terms[:2])
        while steps < min(most, MOST_STEPS):
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
                left = judge(w, g, *terms, self.norm, rr)
            if left <= (goal if goal > 0 else 1.0):
                return steps, rr, True
            idle = 0 if left < best else idle + 1
            if idle:  # may be for lack of digits in a border
                self.forget()
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
            with np.errstate(over="ignore"):  # almost no penalty: all come first
                order = np.argsort(-pull[joining] / l1[joining], kind="stable")
            joining = np.sort(joining[order[:most]])
        self.leaving = index[(w != 0) & ~stay]
        staying = np.flatnonzero(stay)
        chosen = np.concatenate([staying, joining])
        self._activate(index[chosen], np.concatenate([sign[staying], np.sign(g[joining])]))
        return len(chosen) > 0

    def _step(self, w, g, l1, l2):
        """Move w to where the conditions of the active columns hold; return if that is possible."""
        a, gone = self.local[self.active], self.local[self.leaving]
        unit = np.hypot(self.norm[a], np.sqrt(l2[a]))  # of a column and its ridge
        share = (self.norm[a] / unit).astype(np.float32)
        rhs = (g[a] - l1[a] * self.sign[self.active] - l2[a] * w[a]) / unit
        self._hold()
        if len(gone):
            rhs += share * (self._products(self.active, self.leaving) @ (w[gone] * self.norm[gone]))
            w[gone] = 0.0
        size = np.abs(rhs).max()
        if not np.isfinite(size):
            return False
        if size > 0:
            step = self._solve_scaled((rhs / size).astype(np.float32), share)
            if step is None:
                return False
            w[a] += size * step.astype(np.float64) / unit
        return bool(np.all(np.isfinite(w[a])))

    def _solve_scaled(self, b, share):
        """Solve for the active columns; `share` is that of the column itself in each one's unit.

        By the factor of other columns, if they are not too different: what it lacks is a border
        of columns that joined and of constraints x = 0 for those that left.
        """
        at, left = self._compare()
        if len(left) + np.count_nonzero(at < 0) > BORDER * len(at) or self.factor is None:
            if not self._factor(share):
                return None
            at, left = self._compare()
        inside, joined = np.flatnonzero(at >= 0), np.flatnonzero(at < 0)
        L = self.factor.L
        z = np.zeros((1, len(L)), dtype=np.float32)
        z[0, at[inside]] = b[inside]
        _solve_triangular(L, z, transposed=False)
        x = np.empty_like(b)
        if len(joined) + len(left):
            border, corner = self._border(joined, left, share)
            right = np.concatenate([b[joined], np.zeros(len(left))]) - border @ z[0]
            try:
                u = np.linalg.solve(corner - border @ border.T, right)
            except np.linalg.LinAlgError:
                self.forget()
                return self._solve_scaled(b, share)
            z[0] -= u @ border
            x[joined] = u[: len(joined)]
        _solve_triangular(L, z, transposed=True)
        x[inside] = z[0, at[inside]]
        return x

    def _compare(self):
        """Return where active columns are in the factor, or -1, and which of it are not active."""
        if self.factor is None:
            return np.full(len(self.active), -1), self.active[:0]
        at = self.spot[self.active]
        left = np.ones(len(self.factor.columns), dtype=bool)
        left[at[at >= 0]] = False
        return at, np.flatnonzero(left)

    def _border(self, joined, left, share):
        """Return L^-1 times the factor's border, as rows, and the corner that belongs to it."""
        base, L, base_share = self.factor
        j, k = len(joined), len(joined) + len(left)
        new, scale = self.active[joined], share[joined, None]
        border, corner = np.zeros((k, len(L)), dtype=np.float32), np.zeros((k, k))
        border[:j] = self._products(new, base) * (scale * base_share)
        border[np.arange(j, k), left] = 1.0
        corner[:j, :j] = self._products(new, new) * (scale * share[joined])
        corner[np.arange(j), np.arange(j)] = 1.0 + DAMPING
        _solve_triangular(L, border, transposed=False)
        return border.astype(np.float64), corner  # where columns nearly depend, corner cancels

    def _products(self, some, others):
        """Return the scaled products of columns with others, from the triangle."""
        out = np.empty((len(some), len(others)), dtype=np.float32)
        _block(self.triangle, self.place[some], self.place[others], out)
        return out

    def _hold(self):
        """Have the products of columns that are active, leaving or factorised in the triangle."""
        held = self.held
        base = self.factor.columns if self.factor else self.active[:0]
        wanted = np.unique(np.concatenate([self.active, self.leaving, base]))
        if len(held.index) > (1.0 + KEPT[1]) * len(wanted) + KEPT[0]:
            mask = np.isin(held.index, wanted)
            _keep(self.triangle, np.flatnonzero(mask))
            self.place[held.index] = -1
            held.keep(mask)
            self.place[held.index] = np.arange(len(held.index))
            self.triangle = self.triangle[: _packed(len(held.index))].copy()
        new = wanted[self.place[wanted] < 0]
        if len(new):
            old, m = len(held.index), len(held.index) + len(new)
            held.add(new)
            self.place[new] = np.arange(old, m)
            larger = np.empty(_packed(m), dtype=np.float32)
            larger[: len(self.triangle)] = self.triangle
            _append_rows(larger, held.products(old), self.problem.norm[held.index], old)
            self.triangle = larger

    def _factor(self, share):
        """Factorise the matrix of the active columns; return whether that is possible."""
        self.forget()
        L = np.empty((len(self.active), len(self.active)), dtype=np.float32)
        damping = DAMPING
        while damping < 1.0:
            _take(self.triangle, self.place[self.active], share, L)
            np.fill_diagonal(L, 1.0 + damping)
            if _factorise(L):
                self.factor = _Factor(self.active, L, share)
                self.spot[self.active] = np.arange(len(L))
                return True
            damping *= 10.0
        return False


def _packed(m):
    return m * (m + 1) // 2
