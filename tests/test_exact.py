"""Estimators against answers in rational arithmetic: coefficients, active set, objective, gap."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from exact import Exact, floats, fractions
from problems import contain
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, ElasticNetCV, Ridge, RidgeCV, enet_path
from sklearn_regnorm.solvers import forced_form

EPS = np.finfo(float).eps
TIGHT = {"tol": 1e-14, "max_iter": 100_000}
# Units of rounding that a stable method may lose on problems this small.
UNITS = 32
form = pytest.mark.parametrize("form", ["gram", "working_set"])


@dataclass
class Case:
    """A problem; `unique` if the data determine the coefficients."""

    X: np.ndarray
    y: np.ndarray
    v: np.ndarray | None = None
    params: dict = field(default_factory=dict)
    unique: bool = True


def numbers(seed, n, p, span=99):
    """Return X and y of small integers over 8."""
    rng = np.random.default_rng(seed)
    return rng.integers(-span, span + 1, (n, p)) / 8, rng.integers(-span, span + 1, n) / 8


def squares(seed, n, p):
    """Return columns whose variances are squares: one distance above or below a middle."""
    rng = np.random.default_rng(seed)
    sides = [rng.permutation(np.repeat([-1, 1], n // 2)) for _ in range(p)]
    return np.column_stack(sides) * 2.0 ** rng.integers(-3, 4, p) + rng.integers(-9, 10, p)


def cases():
    X, y = numbers(0, 11, 4)
    wide, z = numbers(1, 4, 6)
    v = np.array([0, 1, 2, 3, 0, 1, 5, 1, 2, 0, 1])
    hilbert = 1.0 / (1.0 + np.arange(9)[:, None] + np.arange(5))
    even = squares(2, 12, 4)
    return {
        "plain": Case(X, y),
        "no intercept": Case(X, y, params={"fit_intercept": False}),
        "weights": Case(X, y, v),
        "fractional weights": Case(X, y, v / 7 + 1e-3),
        "weights far apart": Case(X, y, 2.0 ** np.arange(-40, 48, 8)),
        "positive": Case(X, y, v, {"positive": True}),
        "factors": Case(X, y, v, {"penalty_factor": [0.0, 0.5, 3.0, np.inf]}),
        "bounds": Case(X[:, :3], y, v, {"lower": [-0.1, -np.inf, 0.0], "upper": [0.2, 0.1, 0.3]}),
        "both": Case(X[:, :3], y, v, {"penalty_factor": [0.0, 1.0, 2.0], "upper": 0.05}),
        "standardised": Case(even, numbers(3, 12, 1)[1], params={"standardize": True}),
        "standardised without intercept": Case(
            even, numbers(3, 12, 1)[1], params={"standardize": True, "fit_intercept": False}
        ),
        "more columns than rows": Case(wide, z, unique=False),
        "one row": Case(X[:1], y[:1], unique=False),
        "one row, no intercept": Case(X[:1], y[:1], params={"fit_intercept": False}, unique=False),
        "one column": Case(X[:, :1], y),
        "one row counts": Case(X, y, np.eye(11)[4], unique=False),
        "twins": Case(X[:, [0, 1, 0]], y, unique=False),
        "mirrored twins": Case(np.c_[X[:, :3], -X[:, 1]], y, v, unique=False),
        "constant column": Case(np.c_[X[:, :3], np.full(11, 7.0)], y),
        "constant target": Case(X, np.full(11, 2.5)),
        "Hilbert": Case(hilbert, numbers(4, 9, 1)[1]),
        "Hilbert, no intercept": Case(
            hilbert, numbers(4, 9, 1)[1], params={"fit_intercept": False}
        ),
        "offset 1e8": Case(X + 1e8, y + 1e6),
        "offsets": Case(X + np.array([0, 1e4, -1e8, 1e12]), y, v),
        "scale 1e150": Case(np.ldexp(X, 500), y),
        "scale 1e-150": Case(np.ldexp(X, -500), y, v),
        "y of 1e150": Case(X, np.ldexp(y, 500)),
        "y of 1e-150": Case(X, np.ldexp(y, -500)),
        "units far apart": Case(np.ldexp(X, [-90, 0, 30, 60]), y),
    }


CASES = cases()
CASES["eight columns"] = Case(*numbers(10, 20, 8), np.arange(20) % 3)
CASES["eight columns, fewer rows"] = Case(*numbers(11, 6, 8), unique=False)
KINDS = [pytest.param(kind, marks=pytest.mark.slow if "eight" in kind else ()) for kind in CASES]


def largest_alpha(case):
    """Return the least alpha whose lasso has only zeros, roughly, for columns without factors."""
    X, y = fractions(case.X), fractions(case.y)
    v = fractions(np.ones(len(y)) if case.v is None else case.v)
    v = v / v.sum()
    centre = case.params.get("fit_intercept", True)
    t = y - v @ y if centre else y
    Z = X - v @ X if centre else X
    largest = max(abs(Z.T @ (v * t)))
    if case.params.get("standardize"):
        largest /= min(np.sqrt(floats(v @ (X - v @ X) ** 2)))
    return float(largest) or 1.0


def last_digits(truth):
    """Return bounds of the error of each coefficient and of the intercept: some last digits.

    A few units are lost to the rounding of alpha, factors and weights.
    """
    w, b = np.abs(floats(truth.w)), abs(float(truth.b))
    parts = b + abs(float(truth.y_mean)) + np.abs(floats(truth.x_mean)) @ w
    return UNITS * EPS * w, UNITS * EPS * parts


def rounding(truth):
    """Return the same for any stable method.

    Those of least squares on the active columns, after Wedin, with columns at length one: the
    condition number times the fit, and its square times what remains of y.
    """
    w, b = floats(truth.w), float(truth.b)
    A = floats(truth.Z) * np.sqrt(floats(truth.v))[:, None]
    size = np.hypot(np.sqrt((A**2).sum(axis=0)), np.sqrt(floats(truth.l2)))
    size = np.where(size > 0, size, 1.0)
    on = w != 0
    scaled = np.vstack([A / size, np.diag(np.sqrt(floats(truth.l2)) / size)])[:, on]
    condition = np.linalg.cond(scaled) if on.any() else 1.0
    v, t, r = (floats(one) for one in (truth.v, truth.t, truth.t - truth.Z @ truth.w))
    rest, fitted = np.sqrt(v @ r**2), np.sqrt(v @ t**2)
    total = np.linalg.norm(size * w)
    error = UNITS * EPS * (condition * (total + fitted) + condition**2 * rest)
    means = np.abs(floats(truth.x_mean))
    centre = UNITS * EPS * (abs(b) + abs(float(truth.y_mean)) + means @ np.abs(w))
    return error / size * on, means @ (error / size * on) + centre


@cache
def exact_of(kind, alpha, ratio):
    case = CASES[kind]
    return Exact(case.X, case.y, case.v, alpha=alpha, l1_ratio=ratio, **case.params)


def judge(case, truth, coef, intercept, gap, limits):
    """Assert that a solution is the exact one, to `limits` of coefficients and intercept."""
    excess = truth.objective(coef) - truth.objective(truth.w)
    null, mean = float(truth.v @ truth.t**2), float(truth.y_mean)
    assert 0 <= excess <= EPS * null
    units = EPS * (null + mean**2)
    assert float(excess) <= gap + units
    # large coefficients that nearly cancel are certified to what is left of their own digits
    size = np.sqrt(floats(truth.v @ truth.Z**2)) @ np.abs(floats(truth.w))
    assert 0 <= gap <= TIGHT["tol"] * null + 64 * (units + EPS * size**2)
    left = fractions(coef) - truth.w
    if not case.unique:
        apart = truth.Z @ left
        assert truth.v @ apart**2 <= (UNITS * EPS) ** 2 * null
        return
    error, error_b = limits(truth)
    assert np.array_equal(coef != 0, truth.w != 0)
    assert np.all(abs(floats(left)) <= error)
    assert abs(Fraction(float(intercept)) - truth.b) <= error_b


def fitted(model, case):
    return model.fit(case.X, case.y, sample_weight=case.v)


# The largest one leaves nothing, the least one hardly penalises.
SHARES = 3.0, 0.3, 0.01, 0.0
ratios = pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])


@form
@ratios
@pytest.mark.parametrize("kind", KINDS)
def test_elastic_net(kind, ratio, form):
    case = CASES[kind]
    for share in SHARES:
        alpha = share * largest_alpha(case)
        truth = exact_of(kind, alpha, ratio)
        with forced_form(form):
            model = fitted(ElasticNet(alpha, l1_ratio=ratio, **TIGHT, **case.params), case)
        judge(case, truth, model.coef_, model.intercept_, model.dual_gap_, last_digits)
        assert share <= 1 or ratio == 0 or not np.delete(model.coef_, free(case)).any()


def free(case):
    """Return the columns without penalty."""
    return np.flatnonzero(np.equal(case.params.get("penalty_factor", 1.0), 0.0))


RIDGES = [
    kind
    for kind, one in CASES.items()
    if not one.params.keys() & {"positive", "penalty_factor", "lower", "upper"}
    and "eight" not in kind
]
NAMED = [("svd", "C"), ("cholesky", "C"), ("cholesky", "csr"), ("sparse_cg", "csr"), ("cd", "csr")]
# What takes iterations very long, and what singular vectors of X cannot tell from rounding.
TOO_MUCH = {
    "svd": {"units far apart"},
    "sparse_cg": {"units far apart", "weights far apart"},
    "cd": {"weights far apart"},
}
BY_NAME = [(kind, *one) for kind in RIDGES for one in NAMED if kind not in TOO_MUCH.get(one[0], ())]


def judge_ridge(kind, container, shares=SHARES, **given):
    case = CASES[kind]
    total = len(case.y) if case.v is None else case.v.sum()
    X = contain(case.X, container)
    for share in shares:
        alpha = share * largest_alpha(case)
        truth = exact_of(kind, Fraction(alpha) / Fraction(float(total)), 0)
        model = Ridge(alpha, **TIGHT, **case.params, **given).fit(X, case.y, case.v)
        judge(case, truth, model.coef_, model.intercept_, model.dual_gap_, last_digits)


@pytest.mark.parametrize("container", ["C", "csr"])
@pytest.mark.parametrize("kind", [*RIDGES, "positive"])
def test_ridge(kind, container):
    judge_ridge(kind, container)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "solver", "container"), BY_NAME)
def test_ridge_by_a_given_solver(kind, solver, container):
    judge_ridge(kind, container, solver=solver)


@pytest.mark.parametrize(("solver", "container"), [("svd", "C"), ("sparse_cg", "C")])
def test_a_given_solver_says_that_it_is_not_enough(solver, container):
    with pytest.warns(ConvergenceWarning, match="Ridge did not converge"):
        with pytest.raises(AssertionError):
            judge_ridge("units far apart", container, shares=[0.0], solver=solver)


PATHS = {
    "plain": Case(*numbers(5, 10, 5), params={}),
    "positive": Case(*numbers(6, 10, 5), params={"positive": True}),
    "more columns than rows": Case(*numbers(7, 4, 6), unique=False),
}


@form
@ratios
@pytest.mark.parametrize("kind", PATHS)
def test_path(kind, ratio, form):
    """Which has no intercept, as scikit-learn's."""
    case = PATHS[kind]
    alphas = largest_alpha(case) * np.array([2.0, 0.5, 0.1, 0.03, 0.01, 1e-3, 0.0])
    with forced_form(form):
        _, coefs, gaps = enet_path(
            case.X, case.y, l1_ratio=ratio, alphas=alphas, **TIGHT, **case.params
        )
    for alpha, coef, gap in zip(alphas, coefs.T, gaps, strict=True):
        truth = Exact(
            case.X, case.y, alpha=alpha, l1_ratio=ratio, fit_intercept=False, **case.params
        )
        judge(case, truth, coef, 0.0, gap, rounding)


# ------------------------------------------------------------------------------ cross-validation

N = 12
FOLDS = [(np.arange(N) % 3 != k, np.arange(N) % 3 == k) for k in range(3)]


def held_out_error(X, y, v, train, test, **given):
    """Return the exact weighted mean squared error on `test` of a model of `train`."""
    v = np.ones(len(y)) if v is None else v
    truth = Exact(X[train], y[train], v[train], **given)
    left = fractions(y[test]) - fractions(X[test]) @ truth.w - truth.b
    w = fractions(v[test])
    return w @ left**2 / w.sum()


def assert_predictions_agree(error, exact, y):
    """Assert that mean squared errors differ by the rounding of predictions.

    The condition numbers of the training sides, of up to 30, magnify it.
    """
    limit = 30 * UNITS * EPS * np.abs(y).max()
    assert np.sqrt(error) == pytest.approx(float(exact) ** 0.5, rel=0, abs=limit)


@form
@pytest.mark.parametrize("weights", [None, np.arange(N) % 4 * 1.0], ids=["plain", "weighted"])
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_errors_of_cross_validation(ratio, offset, weights, form):
    X, y = numbers(8, N, 3)
    X = X + offset
    alphas = [30.0, 3.0, 0.1]
    with forced_form(form):
        model = ElasticNetCV(l1_ratio=ratio, alphas=alphas, cv=FOLDS, **TIGHT)
        model.fit(X, y, sample_weight=weights)
    for k, fold in enumerate(FOLDS):
        for alpha, error in zip(alphas, model.mse_path_[:, k], strict=True):
            exact = held_out_error(X, y, weights, *fold, alpha=alpha, l1_ratio=ratio)
            assert_predictions_agree(error, exact, y)


@pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
@pytest.mark.parametrize("shape", [(9, 3), (5, 5), (4, 6)])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_errors_of_leaving_one_out(offset, shape):
    X, y = numbers(9, *shape)
    X = X + offset
    alphas = [1000.0, 10.0, 0.01]
    model = RidgeCV(alphas, store_cv_results=True).fit(X, y)
    rows = np.arange(len(y))
    for i in rows:
        for alpha, error in zip(alphas, model.cv_results_[i], strict=True):
            share = Fraction(alpha) / (len(y) - 1)
            exact = held_out_error(X, y, None, rows != i, rows == i, alpha=share, l1_ratio=0)
            assert_predictions_agree(error, exact, y)
