"""What is solved: data brought to a safe scale, one weighting of its rows, and the penalty.

The objective, for weights v that sum to one, everywhere in the package::

    P(b, w) = 1/2 sum_i v_i (y_i - b - x_i'w)^2
              + alpha * l1_ratio * sum_j f_j s_j |w_j|
              + alpha * (1 - l1_ratio) / 2 * sum_j f_j s_j^2 w_j^2,    lower_j <= w_j <= upper_j

with penalty factors f_j (1 by default) and s_j = 1, or the weighted standard deviation of column j
when standardising. Inside, columns and y are divided by powers of two where that is needed to keep
squares finite, and columns with an infinite factor are left out; `Data` knows how, and
`Problem.outer_coef` undoes it.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .._statistics import cross_products
from .._threads import computed_once
from . import kernels
from .design import make_design
from .unpenalised import dependent

# Squares and products of four columns stay finite within these.
SAFE = 1e-60, 1e60
# Rows that differ by less of their size are the same.
ALIKE = 1e-12
# Squared scales of columns are kept within these, so that their ratios to one stay numbers.
EXTREME = np.finfo(np.float64).tiny, kernels.HUGE
# Deviations of y whose squares are floats, so that there are errors and gaps.
SQUARABLE = 2.0**-530, 2.0**511


@dataclass(frozen=True)
class Controls:
    """What is asked of each coefficient: penalty factor and bounds, of shape (p,)."""

    factor: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    @classmethod
    def none(cls, p):
        """Return equal penalties and no bounds."""
        return cls(np.ones(p), np.full(p, -np.inf), np.full(p, np.inf))

    def some(self, columns):
        """Return those of some columns."""
        return Controls(self.factor[columns], self.lower[columns], self.upper[columns])

    def bounds_in(self, dtype):
        """Return (lower, upper) rounded towards zero, so that nothing within them is beyond."""
        with np.errstate(under="ignore", over="ignore"):
            rounded = [one.astype(dtype) for one in (self.lower, self.upper)]
        return tuple(
            np.where(np.abs(one) > np.abs(exact), np.nextafter(one, dtype.type(0)), one)
            for one, exact in zip(rounded, (self.lower, self.upper), strict=True)
        )


@dataclass(frozen=True)
class Data:
    """X, one or several targets and row weights, ready to be weighted and solved.

    Attributes
    ----------
    design : DenseDesign or SparseDesign
    targets : ndarray of shape (n, n_targets)
        Float64, less `y_origin`, divided by `y_scale`.
    raw_targets : ndarray of shape (n, n_targets)
        As the caller has them.
    weights : ndarray of shape (n,)
        The largest is one.
    weight_unit : float
        What the caller's weights were divided by.
    column_scale : ndarray of shape (p,) or float
        Powers of two; the design holds the caller's columns divided by it.
    dtype : dtype
        That of the caller's X, and of the coefficients returned.
    controls : Controls
        Those of the columns of the design, on the caller's scale.
    kept : ndarray of bool of shape (n_features,), optional
        Which of the caller's columns the design has, if not all.
    """

    design: object
    targets: np.ndarray
    raw_targets: np.ndarray
    weights: np.ndarray
    weight_unit: float
    fit_intercept: bool
    standardize: bool
    y_origin: np.ndarray
    y_scale: np.ndarray
    column_scale: np.ndarray | float
    dtype: np.dtype
    controls: Controls
    kept: np.ndarray | None = None

    @property
    def total_weight(self):
        """The sum of the caller's weights, which may be infinite."""
        return float(self.weights.sum()) * self.weight_unit


def prepare(X, y, weights, weight_unit, *, fit_intercept, standardize, controls=None):
    """Bring validated arrays to a safe scale and return them as `Data`.

    Columns with an infinite penalty factor are left out, which copies the others.
    """
    controls = Controls.none(X.shape[1]) if controls is None else controls
    kept = controls.factor < np.inf
    if kept.all():
        kept = None
    else:
        X, controls = X[:, kept], controls.some(kept)
    Y = y[:, None] if y.ndim == 1 else y
    origin = np.zeros(Y.shape[1])
    if fit_intercept:
        total = np.cumsum(weights)  # the row in the middle by weight: exact where one row rules
        origin = Y[np.searchsorted(total, total[-1] / 2)].copy()
    y_scale = _power_of_two(_largest_deviation(Y[weights > 0], origin))
    X, column_scale = _tame(X)
    return Data(
        make_design(X, weights, shift=fit_intercept),
        (Y - origin) / y_scale,
        Y,
        weights,
        weight_unit,
        fit_intercept,
        standardize,
        origin,
        y_scale,
        column_scale,
        X.dtype,
        controls,
        kept,
    )


def _largest_deviation(Y, origin):
    """Return the largest |y - origin| of each target, which must be zero or have a square."""
    with np.errstate(over="ignore"):
        largest = np.abs(Y - origin).max(axis=0)
    for refused, what in (
        ((0 < largest) & (largest < SQUARABLE[0]), "vary so little that their squares vanish"),
        (largest >= SQUARABLE[1], "are so large that their squares overflow"),
    ):
        if refused.any():
            raise ValueError(f"y: its values {what}, and with them errors and gaps. Rescale y.")
    return largest


def _power_of_two(size):
    """Return the power of two next to each positive size, and one for zero."""
    return np.exp2(np.clip(np.frexp(np.where(size > 0, size, 1.0))[1], -1000, 1000))


def _tame(X):
    """Divide the columns of X by powers of two, on a copy, if any has entries too large or small.

    Float32 columns that small or large are converted to float64 for that.
    """
    if sparse.issparse(X):
        size = abs(X).max(axis=0).toarray().ravel() if X.nnz else np.zeros(X.shape[1])
    else:
        size = np.maximum(X.max(axis=0), -X.min(axis=0))
    size = size.astype(np.float64)
    wild = (size > 0) & ((size < SAFE[0]) | (size > SAFE[1]))
    if not wild.any():
        return X, 1.0
    scale = np.where(wild, _power_of_two(size), 1.0)
    if sparse.issparse(X):
        X = sparse.csc_array(X @ sparse.diags_array(1.0 / scale))
        X.sort_indices()  # kernels count on it, and scipy's products do not keep it
        return X, scale
    return X / scale, scale


@dataclass(frozen=True)
class Penalty:
    """Strengths per column and unit alpha, and bounds: l1, l2, lower, upper of shape (p,).

    Columns that are `redundant`, by index, have the bounds zero, but count as unbounded.
    """

    l1: np.ndarray
    l2: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    redundant: np.ndarray | tuple = ()

    def at(self, alpha, some=slice(None)):
        """Return (l1, l2, lower, upper) of some columns at one alpha, as the kernels take them."""
        with np.errstate(over="ignore"):
            l1, l2 = (np.minimum(alpha * one[some], kernels.HUGE) for one in (self.l1, self.l2))
        return l1, l2, self.lower[some], self.upper[some]

    def value(self, w, alpha):
        """Return the penalty of coefficients w (p,)."""
        l1, l2, _, _ = self.at(alpha)
        with np.errstate(over="ignore"):
            return float(np.abs(w) @ (l1 + 0.5 * l2 * np.abs(w)))

    @property
    def smooth(self):
        """Whether all there is is an L2 part on every column: ridge, with a closed form."""
        return not self.l1.any() and self.unbounded and bool(np.all(self.l2 > 0))

    @property
    def piecewise(self):
        """Whether solutions are piecewise linear in alpha: the lasso, also of one sign."""
        return self.open and not self.l2.any() and bool(np.all(self.l1 > 0))

    @property
    def free(self):
        """Which columns are not penalised, as a mask."""
        return (self.l1 == 0) & (self.l2 == 0)

    def largest_alpha(self, q):
        """Return the least alpha at which correlations q (p,) let no penalised column in."""
        barred = np.where(q < 0, self.lower == 0, self.upper == 0) | (self.l1 == 0)
        with np.errstate(over="ignore"):
            pull = np.where(barred, 0.0, np.abs(q)) / np.where(barred, 1.0, self.l1)
        return float(np.max(pull, initial=0.0))

    @property
    def open(self):
        """Whether no coefficient is bounded, or all from below by zero."""
        free = np.all(self.lower == -np.inf) or np.all(self.lower == 0)
        return bool(free and np.all(self.upper == np.inf))

    @property
    def unbounded(self):
        """Whether no coefficient is bounded."""
        lower, upper = (np.delete(one, self.redundant) for one in (self.lower, self.upper))
        return bool(np.all(lower == -np.inf) and np.all(upper == np.inf))


class Problem:
    """One weighting of the rows of `Data` and one target: the unit that is solved.

    Parameters
    ----------
    data : Data
    target : int
    weights : ndarray of shape (n,)
    moments : (mean, variance), optional
        Of the columns of the design at these weights, if known; see `design.moments`.
    products : CrossProducts, optional
        Of columns and targets at these weights, if known; the moments are then read off them.

    Attributes
    ----------
    weights : ndarray of shape (n,)
        v, summing to one; zero for rows left out.
    mean, norm, scale : ndarray of shape (p,)
        Mean of the shifted columns (zero without intercept), their root mean square about it,
        and s of the objective (times what makes it that of the design's columns).
    y : ndarray of shape (n,)
        The target less its weighted mean (if there is an intercept).
    factor : ndarray of shape (p,) or None
        Penalty factors of this problem, if not those of the data.
    """

    def __init__(self, data, target, weights, moments=None, products=None):
        self.data = data
        self.design = data.design
        self.target = target
        self.weights = weights / weights.sum()
        self.products = products
        self.factor = None
        if products is not None and (data.fit_intercept or not data.standardize):
            mean, variance = products.x_mean, np.diagonal(products.xx) / products.weight
        else:
            if moments is None:
                moments = self.design.moments(self.weights[:, None])
            mean, variance = moments[0].ravel(), moments[1].ravel()
        if data.fit_intercept:
            self.mean, self.norm = mean, np.sqrt(variance)
            self.design.inspect(mean, variance)
        else:
            self.mean, self.norm = np.zeros_like(mean), np.sqrt(variance + mean * mean)
        # one for the caller's columns, which the design holds divided by column_scale
        self.scale = np.ones_like(mean) / data.column_scale
        if data.standardize:
            self.scale = np.where(variance > 0, np.sqrt(variance), self.scale)
        self.scale[self.norm == 0] = 1.0  # any number: these have no coefficient
        self.y_mean = 0.0
        self.y = data.targets[:, target]
        for _ in range(2 if data.fit_intercept else 0):  # the second time for the rounding
            left = float(self.weights @ self.y)
            self.y_mean += left
            self.y = self.y - left
        self.yy = float(self.weights @ self.y**2)

    def gram(self):
        """Return (X'VX, X'Vy), from the cross-products it was given if it was."""
        data = self.data
        if self.products is None:
            self.products = cross_products(
                self.design, data.targets, self.weights, data.fit_intercept
            )
        weight = self.products.weight
        return self.products.xx / weight, self.products.xy[:, self.target] / weight

    def penalty(self, l1_ratio):
        """Return the penalty of the elastic net at this weighting, in the inner scale."""
        controls, y_scale = self.data.controls, self.data.y_scale[self.target]
        f = controls.factor if self.factor is None else self.factor
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            l1 = np.minimum(l1_ratio * f * self.scale / y_scale, kernels.HUGE)
            l2 = (1.0 - l1_ratio) * np.where(f > 0, np.clip(f * self.scale**2, *EXTREME), 0.0)
            units = self.data.column_scale / y_scale
            lower, upper = controls.lower * units, controls.upper * units
        if len(self.redundant):
            lower[self.redundant] = upper[self.redundant] = 0.0
        return Penalty(l1, l2, lower, upper, self.redundant)

    @computed_once
    def redundant(self):
        """Columns without penalty or bound that depend on others of that kind, by index.

        They add nothing. Their coefficients would not be determined, and could grow until nothing
        else counts beside their rounding.
        """
        controls = self.data.controls
        free = (controls.factor == 0) & (controls.lower == -np.inf) & (controls.upper == np.inf)
        return dependent(self, np.flatnonzero(free & (self.norm > 0)))

    def no_penalty(self):
        """Return what least squares of least norm are found with, at alpha = 0: plain ridge."""
        return Penalty(
            np.zeros_like(self.scale),
            np.clip(self.scale**2, *EXTREME),
            np.full_like(self.scale, -np.inf),
            np.full_like(self.scale, np.inf),
        )

    def correlate(self, r):
        """Return X'Vr for the centred columns; `r` (n,) or (n, m), with Vr summing to zero."""
        u = self.weights * r if r.ndim == 1 else self.weights[:, None] * r
        g = self.design.transposed_times(u) - np.multiply.outer(self.mean, u.sum(axis=0))
        g[self.norm == 0] = 0.0
        return g

    @computed_once
    def distinct_rows(self):
        """How many of the rows that count some linear function of X and y tells apart."""
        norm = np.where(self.norm > 0, self.norm, 1.0)
        direction = np.random.default_rng(0).standard_normal(len(norm)) / norm
        value = self.design.times(direction) + self.y / (np.sqrt(self.yy) or 1.0)
        value = np.sort(value[self.weights > 0])
        return 1 + int(np.count_nonzero(np.diff(value) > ALIKE * np.abs(value).max()))

    @computed_once
    def q(self):
        """X'Vy, from X itself."""
        return self.correlate(self.y)

    def residual(self, w):
        """Return y - X w for the centred columns, all rows, weighted or not."""
        used = self.design.times(w)
        y = self.y if w.ndim == 1 else self.y[:, None]
        return y - (used - self.mean @ w)

    def certificate(self, w, alpha, penalty):
        """Return (gap, worst KKT violation, correlations, r'Vr) of w, from X and y themselves."""
        r = self.residual(w)
        if self.data.fit_intercept:
            r -= self.weights @ r
        g = self.correlate(r)
        with np.errstate(over="ignore"):
            rr = float(self.weights @ (r * r))
        terms = (*penalty.at(alpha), self.norm, rr)
        worst = kernels.worst_violation(w, g, *terms)
        if 0.5 * rr + penalty.value(w, alpha) > 0.5 * self.yy * (1.0 + 64.0 * kernels.EPS):
            worst = np.inf  # coefficients so large that all there is to see is their rounding
        return kernels.duality_gap(w, g, *terms), worst, g, rr

    def objective(self, w, alpha, penalty):
        """Return P at w and the best intercept; infinite if that is no number."""
        with np.errstate(over="ignore", invalid="ignore"):
            r = self.residual(w)
            if self.data.fit_intercept:
                r -= self.weights @ r
            value = 0.5 * float(self.weights @ (r * r)) + penalty.value(w, alpha)
        return value if np.isfinite(value) else np.inf

    def goal(self, tol):
        """Return the duality gap that counts as converged, on the inner scale.

        ``tol * sum v (y - mean)^2 + 64 eps sum v y^2``, as documented for `tol`.
        """
        eps = np.finfo(self.data.dtype).eps
        with np.errstate(over="ignore"):
            size = self.y + self.y_mean + self.data.y_origin[self.target] / self._y_scale
            return tol * self.yy + 64 * eps * float(self.weights @ size**2)

    @property
    def _y_scale(self):
        return float(self.data.y_scale[self.target])

    def outer_gap(self, gap):
        """Return a gap (or a squared error) on the scale of the caller's P."""
        with np.errstate(over="ignore", under="ignore"):
            return gap * self._y_scale * self._y_scale  # their square may overflow

    def inner_coef(self, coef):
        """Return the caller's coefficients (p,) on the inner scale."""
        if self.data.kept is not None:
            coef = np.asarray(coef)[..., self.data.kept]
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(coef, dtype=np.float64) * (self.data.column_scale / self._y_scale)

    def outer_coef(self, w, overwrite=False):
        """Return inner coefficients (..., p) on the caller's scale and in the caller's dtype."""
        w = w if overwrite else w.copy()
        with np.errstate(over="ignore", under="ignore"):
            if np.ndim(self.data.column_scale):  # in one step, as only the result must be a float
                ours, theirs = np.frexp(self._y_scale)[1], np.frexp(self.data.column_scale)[1]
                np.ldexp(w, ours - theirs, out=w)
            else:
                w *= self._y_scale / self.data.column_scale
            w = w.astype(self.data.dtype, copy=False)
        if w.dtype != np.float64:
            np.clip(w, *self.data.controls.bounds_in(w.dtype), out=w)
        if self.data.kept is None:
            return w
        coef = np.zeros((*w.shape[:-1], len(self.data.kept)), dtype=w.dtype)
        coef[..., self.data.kept] = w
        return coef

    @property
    def original_target(self):
        """The caller's target (n,) on the inner scale, without an origin taken off."""
        return self.data.raw_targets[:, self.target] / self._y_scale

    def outer_target(self, value):
        """Return a value of `original_target` on the caller's scale."""
        return value * self._y_scale

    def intercept(self, w):
        """Return the caller's intercept for inner coefficients w (..., p)."""
        if not self.data.fit_intercept:
            return np.zeros(w.shape[:-1])
        y_mean, means = self._means
        return y_mean - self._y_scale * (w @ means)

    @computed_once
    def _means(self):
        """Means of y and of the design's columns as they are, not shifted."""
        # a shift by an entry may be far above the mean
        y = self.data.raw_targets[:, self.target]
        y_mean = y[np.argmax(self.weights)]  # exactly that of a constant target
        if self.yy > 0:
            y_mean = float(self.weights @ y)
        return y_mean, self.design.raw_means(self.weights)

    def means(self):
        """Return the means of the caller's y and columns, zero for columns left out."""
        y_mean, means = self._means
        means = means * self.data.column_scale
        if self.data.kept is None:
            return y_mean, means
        full = np.zeros(len(self.data.kept))
        full[self.data.kept] = means
        return y_mean, full


def make_problems(data, weights, products=None):
    """Return one problem per target of `data` for one weighting of its rows."""
    moments = None
    if products is None:
        moments = data.design.moments((weights / weights.sum())[:, None])
    return [
        Problem(data, target, weights, moments, products) for target in range(data.targets.shape[1])
    ]
