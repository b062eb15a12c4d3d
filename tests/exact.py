"""Least squares, ridge, lasso and elastic net in rational arithmetic: answers without an error.

Shares nothing with the package, nor with `oracle`. Floats are taken for the fractions they are. The
problem is that of `oracle`; it is solved by trying every pattern of signs (and bounds met) until
the optimality conditions hold exactly, which for a convex problem proves the answer.
"""

import itertools
import math
from fractions import Fraction

import numpy as np

ZERO = Fraction(0)


def fractions(values):
    """Return an array of Fractions, equal to the numbers given."""
    values = np.asarray(values)
    exact = [v if isinstance(v, Fraction) else Fraction(v) for v in values.ravel().tolist()]
    return np.array(exact, dtype=object).reshape(values.shape)


def floats(values):
    """Return the floats nearest to Fractions."""
    return np.array([float(v) for v in np.ravel(values)]).reshape(np.shape(values))


def solve(A, b):
    """Return the solution of A x = b, or None if A is singular; Gaussian elimination."""
    n = len(b)
    M = np.column_stack([A, b])
    for k in range(n):
        pivot = next((i for i in range(k, n) if M[i, k] != 0), None)
        if pivot is None:
            return None
        M[[k, pivot]] = M[[pivot, k]]
        M[k, k:] = M[k, k:] / M[k, k]
        for i in range(n):
            if i != k and M[i, k] != 0:
                M[i, k:] = M[i, k:] - M[i, k] * M[k, k:]
    return M[:, n:].reshape(np.shape(b))


def inverse(A):
    """Return the inverse of A, or None."""
    return solve(A, fractions(np.eye(len(A), dtype=int)))


def root(q):
    """Return the square root of a Fraction that has one."""
    found = Fraction(math.isqrt(q.numerator), math.isqrt(q.denominator))
    if found**2 != q:
        raise ValueError(f"{q} is not the square of a fraction")
    return found


class Exact:
    """One problem and its solution; alpha is that of ElasticNet."""

    def __init__(
        self, X, y, v=None, *, alpha, l1_ratio, fit_intercept=True, standardize=False,
        positive=False, penalty_factor=None, lower=None, upper=None,
    ):  # fmt: skip
        self.X, self.y = fractions(X), fractions(y)
        n, p = self.X.shape
        v = fractions(np.ones(n, dtype=int) if v is None else v)
        self.v = v / v.sum()
        self.fit_intercept = fit_intercept
        self.x_mean, self.y_mean = self.v @ self.X, self.v @ self.y
        centred = self.X - self.x_mean
        self.Z, self.t = (centred, self.y - self.y_mean) if fit_intercept else (self.X, self.y)
        self.G = self.Z.T @ (self.v[:, None] * self.Z)
        self.c = self.Z.T @ (self.v * self.t)
        alpha, ratio = Fraction(alpha), Fraction(l1_ratio)
        f = [1.0] * p if penalty_factor is None else list(penalty_factor)
        squares = self.v @ centred**2 if standardize else [1] * p
        squares = [s if s else Fraction(1) for s in squares]
        out = [one == math.inf for one in f]
        f = [ZERO if gone else Fraction(one) for one, gone in zip(f, out, strict=True)]
        self.l1, self.l2 = [ZERO] * p, [ZERO] * p
        for j, s in enumerate(squares):
            self.l2[j] = alpha * (1 - ratio) * f[j] * s
            if alpha * ratio * f[j]:
                self.l1[j] = alpha * ratio * f[j] * root(Fraction(s))
        lower, upper = (
            [None if math.isinf(one) else Fraction(one) for one in np.broadcast_to(given, p)]
            for given in (
                -math.inf if lower is None else lower,
                math.inf if upper is None else upper,
            )
        )
        self.lower = [max(one or ZERO, ZERO) if positive else one for one in lower]
        self.upper = upper
        for j in np.flatnonzero(out):
            self.lower[j] = self.upper[j] = ZERO
        self.w = self._search()
        self.b = self.y_mean - self.x_mean @ self.w if fit_intercept else ZERO

    def _search(self):
        """Return the first point that a pattern leads to at which the conditions hold."""
        H = self.G + np.diag(self.l2)
        p = len(self.c)
        for size in range(p + 1):
            for moving in itertools.combinations(range(p), size):
                F = list(moving)
                rest = [j for j in range(p) if j not in moving]
                inner = inverse(H[np.ix_(F, F)]) if F else H[:0, :0]
                if inner is None:  # some other pattern, of fewer columns, is as good
                    continue
                for held in itertools.product(*(self._ends(j) for j in rest)):
                    w = fractions([0] * p)
                    w[rest] = held
                    right = self.c[F] - H[np.ix_(F, rest)] @ w[rest]
                    sides = [(1, -1) if self.l1[j] else (1,) for j in F]
                    for signs in itertools.product(*sides):
                        w[F] = inner @ [
                            r - s * self.l1[j] for r, s, j in zip(right, signs, F, strict=True)
                        ]
                        if all(
                            w[j] * s > 0 or not self.l1[j] for s, j in zip(signs, F, strict=True)
                        ):
                            if self.optimal(w):
                                return w
        raise AssertionError("there is an optimum, and a pattern of it")

    def _ends(self, j):
        """Return the points at which column j may be held."""
        return sorted({one for one in (ZERO, self.lower[j], self.upper[j]) if one is not None})

    def optimal(self, w):
        """Return whether w is optimal, exactly."""
        g = self.c - self.G @ w - fractions(self.l2) * w
        for j, (one, slope) in enumerate(zip(w, g, strict=True)):
            lower, upper, l1 = self.lower[j], self.upper[j], self.l1[j]
            if (lower is not None and one < lower) or (upper is not None and one > upper):
                return False
            # the slope has to lie between the one-sided derivatives; a bound frees one side
            if one != lower and slope < (l1 if one > 0 else -l1):
                return False
            if one != upper and slope > (-l1 if one < 0 else l1):
                return False
        return True

    def objective(self, w):
        """Return the objective at w, with the best intercept."""
        w = fractions(w)
        r = self.t - self.Z @ w
        if self.fit_intercept:
            r = r - self.v @ r
        return self.v @ r**2 / 2 + fractions(self.l1) @ abs(w) + fractions(self.l2) @ w**2 / 2

    def predict(self):
        """Return the exact fitted values."""
        return self.X @ self.w + self.b
