"""Judges of a fit in extended precision, which share no code with the package.

What is judged, with row weights v, W = sum v and s_j = 1 (or the weighted standard deviation of
column j when standardising, 1 if that column is constant)::

    P(b, w) = 1/(2W) sum_i v_i (y_i - b - x_i'w)^2
              + sum_j (l1_j |w_j| + l2_j w_j^2 / 2),    lower_j <= w_j <= upper_j
    l1_j = alpha * l1_ratio * f_j s_j,  l2_j = alpha * (1 - l1_ratio) * f_j s_j^2

A column whose penalty factor f_j is infinite has the bounds 0 and 0 instead.
"""

import copy
import itertools

import numpy as np
from scipy import sparse

LONG = np.longdouble
# Share of a penalty by which an optimality condition may be missed beyond rounding.
KKT_LIMIT = 1e-9
# Rounding units granted to one sum over the rows.
UNITS = 64

assert np.finfo(LONG).nmant > np.finfo(np.float64).nmant, "these tests need extended precision"


def dense(X):
    """Return X as a dense array, duplicates of a sparse matrix summed."""
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


class Oracle:
    """One problem, held in extended precision."""

    def __init__(
        self, X, y, v=None, *, alpha, l1_ratio, fit_intercept=True, standardize=False,
        positive=False, penalty_factor=None, lower=None, upper=None,
    ):  # fmt: skip
        X = dense(X).astype(LONG)
        self.y = np.asarray(y).astype(LONG)
        v = np.ones(len(X)) if v is None else np.broadcast_to(np.asarray(v), len(X))
        rows = np.flatnonzero(v)
        X, self.y, v = X[rows], self.y[rows], v[rows].astype(LONG)
        self.total = v.sum()
        self.v = v / self.total
        self.fit_intercept, self.positive = fit_intercept, positive
        pivot = X[0]
        shifted = X - pivot
        mean = self.v @ shifted
        centred = np.where(shifted.any(axis=0), shifted - mean, LONG(0))
        deviation = np.sqrt(self.v @ centred**2)
        self.s = np.where(standardize & (deviation > 0), deviation, LONG(1))
        self.X, self.Z = X, centred if fit_intercept else X
        self.x_mean = pivot + mean
        y_shifted = self.y - self.y[0]
        self.y_mean = self.y[0] + self.v @ y_shifted
        self.t = y_shifted - self.v @ y_shifted if fit_intercept else self.y
        self.norm = np.sqrt(self.v @ self.Z**2)
        f, self.lower, self.upper = (
            np.broadcast_to(missing if given is None else given, X.shape[1]).astype(LONG)
            for given, missing in ((penalty_factor, 1.0), (lower, -np.inf), (upper, np.inf))
        )
        self.lower = np.maximum(self.lower, 0) if positive else self.lower
        out = np.isinf(f)
        f[out] = self.lower[out] = self.upper[out] = 0
        self.f = f
        self._penalise(alpha, l1_ratio)

    @property
    def bounded(self):
        """Whether there are bounds other than that of `positive`, with which `gap` cannot do."""
        lower = 0 if self.positive else -np.inf
        return not (np.all(self.lower == lower) and np.all(self.upper == np.inf))

    def _penalise(self, alpha, l1_ratio):
        self.l1 = LONG(alpha) * LONG(l1_ratio) * self.f * self.s
        self.l2 = LONG(alpha) * (LONG(1) - LONG(l1_ratio)) * self.f * self.s**2

    def at(self, alpha, l1_ratio):
        """Return the Oracle of the same problem at another penalty."""
        other = copy.copy(self)
        other._penalise(alpha, l1_ratio)
        return other

    def residual(self, coef, intercept):
        """Return y - b - X w."""
        return self.y - LONG(intercept) - self.X @ np.asarray(coef).astype(LONG)

    def centred_residual(self, w):
        """Return y - X w less its mean if there is an intercept."""
        r = self.t - self.Z @ w
        return r - self.v @ r if self.fit_intercept else r

    def floor(self, w, r, eps, extent=None):
        """Return what rounding explains of correlations with the centred residual r of w.

        `extent`, sizes of (columns, y, products) where these are larger than those about the means
        of the rows at hand, is what was rounded when they were centred at some other place.
        """
        left = np.sqrt(self.v @ r**2)
        floor = self.norm * (left + self.norm @ np.abs(w))
        if extent is not None:
            columns, y, products = extent
            floor = floor + (self.norm + products) * (y + columns @ np.abs(w)) + columns * left
        return UNITS * LONG(eps) * floor

    def kkt(self, coef, eps, extent=None):
        """Return the worst violation of optimality beyond rounding, relative to the penalty.

        See `floor` for what rounding explains.
        """
        w = np.asarray(coef).astype(LONG)
        if not np.isfinite(w).all() or np.any(w < self.lower) or np.any(w > self.upper):
            return np.inf
        r = self.centred_residual(w)
        g = self.Z.T @ (self.v * r) - self.l2 * w
        # g has to lie between the one-sided derivatives of the L1 part; a bound frees one side
        down, up = np.where(w > 0, self.l1, -self.l1), np.where(w < 0, -self.l1, self.l1)
        near = 1 - LONG(eps)
        too_small = np.where(w > self.lower * near, down - g, 0)
        too_large = np.where(w < self.upper * near, g - up, 0)
        violation = np.maximum(np.maximum(too_small, too_large), 0)
        floor = self.floor(w, r, eps, extent)
        beyond = np.maximum(violation - floor, 0)
        scale = np.maximum(self.l1 + self.l2 * np.abs(w), floor)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.max(np.where(beyond > 0, beyond / scale, 0)))

    def intercept_error(self, coef, intercept, eps):
        """Return the mean residual, one being what rounding explains."""
        w = np.asarray(coef).astype(LONG)
        if not self.fit_intercept:
            return 0.0 if intercept == 0.0 else np.inf
        left = abs(self.v @ self.residual(w, intercept))
        terms = self.v @ np.abs(self.y) + (self.v @ np.abs(self.X)) @ np.abs(w)
        size = abs(LONG(intercept)) + terms  # of which the mean residual is the difference
        if not np.isfinite(size):
            return np.inf
        return float(left / (UNITS * LONG(eps) * size)) if left > 0 else 0.0

    def objective(self, coef):
        """Return P in extended precision, at the best intercept (which is judged by itself)."""
        w = np.asarray(coef).astype(LONG)
        r = self.centred_residual(w)
        return self.v @ r**2 / 2 + self.l1 @ np.abs(w) + self.l2 @ w**2 / 2

    def null_objective(self):
        """Return P(0)."""
        return self.v @ self.y**2 / 2

    def goal(self, tol, eps):
        """Return the duality gap that counts as converged."""
        return float(tol * (self.v @ self.t**2) + UNITS * LONG(eps) * (self.v @ self.y**2))

    def gap(self, coef):
        """Return a duality gap of `coef` (at its best intercept): P exceeds its minimum by less.

        For problems without bounds, or with that of `positive` only.

        The least of three: the residual itself as dual point, with the ridge part conjugated
        (Fenchel; finite if every column has one); the residual scaled until it is feasible, for
        the design augmented by the ridge part; and P itself.
        """
        w = np.asarray(coef).astype(LONG)
        r = self.centred_residual(w)
        g = self.Z.T @ (self.v * r)
        rr, ridge = self.v @ r**2, self.l2 @ w**2
        gaps = [rr / 2 + self.l1 @ np.abs(w) + ridge / 2]
        if np.all(self.l2 > 0):
            over = np.maximum((g if self.positive else np.abs(g)) - self.l1, 0)
            fenchel = self.l1 * np.abs(w) + self.l2 * w**2 / 2 + over**2 / (2 * self.l2) - g * w
            gaps.append(fenchel.sum())
        z = g - self.l2 * w
        size = z if self.positive else np.abs(z)
        over = size > self.l1
        k = np.min(self.l1[over] / size[over], initial=LONG(1))
        gaps.append((1 - k) ** 2 * (rr + ridge) / 2 + (self.l1 * np.abs(w) - k * z * w).sum())
        return float(min(gaps))

    def alpha_max(self):
        """Return the least alpha without non-zero coefficients, given a constructor's alpha of 1.

        For l1_ratio = 0 that of 1e-3 is returned, as no alpha would do.
        """
        q = self.Z.T @ (self.v * self.t)
        q = np.maximum(q, 0) if self.positive else np.abs(q)
        l1 = np.where(self.l1 > 0, self.l1, LONG(1e-3) * self.s)
        return float(np.max(q / l1))

    def enumerate_signs(self):
        """Return the optimal (coef, intercept), found by solving for every pattern of signs.

        A pattern also says which coefficients are at a bound (2 or -2).
        """
        best, least = None, np.inf
        H = np.asarray(self.Z.T @ (self.v[:, None] * self.Z) + np.diag(self.l2), dtype=float)
        q = self.Z.T @ (self.v * self.t)
        options = [
            [-2] * bool(-np.inf < low < 0) + [-1] * bool(low < 0) + [0]
            + [1] * bool(high > 0) + [2] * bool(0 < high < np.inf)
            for low, high in zip(self.lower, self.upper, strict=True)
        ]  # fmt: skip
        for pattern in itertools.product(*options):
            sign = np.array(pattern)
            on = np.flatnonzero(np.abs(sign) == 1)
            w = np.where(sign == 2, self.upper, np.where(sign == -2, self.lower, LONG(0)))
            for _ in range(3):  # refinement, as LAPACK knows no extended precision
                left = q - self.Z.T @ (self.v * (self.Z @ w)) - self.l2 * w - self.l1 * sign
                step = np.linalg.lstsq(H[np.ix_(on, on)], left[on].astype(float), rcond=1e-14)[0]
                w[on] += step
            if np.any(w * sign < 0) or np.any(w < self.lower) or np.any(w > self.upper):
                continue
            b = self.y_mean - self.x_mean @ w if self.fit_intercept else LONG(0)
            value = self.objective(w)
            if value < least:
                best, least = (w, b), value
        return best


def oracle_of(model, X, y, v=None, *, alpha=None, l1_ratio=None, **flags):
    """Return the Oracle of a Lasso, ElasticNet or (alpha converted) Ridge."""
    given = {**model.get_params(), **flags}
    alpha = given["alpha"] if alpha is None else alpha
    if "solver" in given:  # Ridge: alpha is that of the sum over rows
        total = len(dense(y)) if v is None else np.sum(np.broadcast_to(v, len(dense(y))))
        alpha, l1_ratio = LONG(alpha) / LONG(total), 0.0
    if l1_ratio is None:
        l1_ratio = given.get("l1_ratio", 1.0)
    names = "fit_intercept", "standardize", "positive", "penalty_factor", "lower", "upper"
    flags = {name: given[name] for name in names if name in given}
    return Oracle(X, y, v, alpha=alpha, l1_ratio=l1_ratio, **flags)


def kkt_violation(
    X, y, v, coef, intercept, alpha, l1_ratio, fit_intercept, standardize, positive, eps
):
    """Return the worst relative KKT violation, or inf if the intercept is wrong."""
    oracle = Oracle(
        X, y, v, alpha=alpha, l1_ratio=l1_ratio, fit_intercept=fit_intercept,
        standardize=standardize, positive=positive,
    )  # fmt: skip
    if not oracle.intercept_error(coef, intercept, eps) <= 1:
        return np.inf
    return oracle.kkt(coef, eps)


def certified(model, X, y, v=None, *, limit=KKT_LIMIT, **given):
    """Assert that a fitted model is optimal to rounding; return its Oracle."""
    oracle = oracle_of(model, X, y, v, **given)
    eps = np.finfo(model.coef_.dtype).eps
    kkt = oracle.kkt(model.coef_, eps)
    assert kkt <= limit, f"{model}: KKT violation {kkt:.3g}"
    error = oracle.intercept_error(model.coef_, model.intercept_, eps)
    assert error <= 1, f"{model}: mean residual {error:.3g} times what rounding explains"
    return oracle
