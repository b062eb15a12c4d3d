"""penalty_factor="adaptive" is a pilot ridge fit by brute force, then its factors given."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import contain, regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form

form = pytest.mark.parametrize("form", ["gram", "working_set"])
designs = pytest.mark.parametrize("design", ["tall", "wide", "weighted", "constant"])
flags = pytest.mark.parametrize(
    "flags",
    [{}, {"standardize": True}, {"fit_intercept": False}],
    ids=["plain", "standardize", "no intercept"],
)
TIGHT = {"tol": 1e-14, "max_iter": 100_000}


def data(design):
    n, p = (15, 20) if design == "wide" else (30, 6)
    X, y = regression(2, n, p, nonzero=3)
    X, y = X * np.geomspace(0.1, 10, p), y - 2.5
    v = np.ones(n)
    if design == "weighted":
        v = np.random.default_rng(3).integers(0, 4, n) * 1.0
    if design == "constant":
        X[:, 2] = 3.0
    return X, y, v


def ridge(Z, y, v, alpha, fit_intercept):
    """Return (b, w) of sum v (y - b - Zw)^2 + alpha |w|^2 by augmented least squares."""
    A = np.column_stack([np.ones(len(y)), Z]) if fit_intercept else Z
    root = np.sqrt(v)
    penalty = np.sqrt(alpha) * np.eye(A.shape[1])[A.shape[1] - Z.shape[1] :]
    b = np.r_[root * y, np.zeros(len(penalty))]
    found = np.linalg.lstsq(np.vstack([root[:, None] * A, penalty]), b, rcond=None)[0]
    return (found[0], found[1:]) if fit_intercept else (0.0, found)


known = {}


def factors(X, y, v, **flags):
    """Return 1 / |w| of the ridge fit that predicts rows left out best, of 50 penalties."""
    key = X.tobytes(), y.tobytes(), v.tobytes(), *flags.items()
    if key not in known:
        known[key] = pilot(X, y, v, **flags)
    return known[key]


def pilot(X, y, v, fit_intercept=True, standardize=False):
    used = v > 0
    X, y, v = X[used], y[used], v[used]
    mean = v @ X / v.sum()
    s = np.sqrt(v @ (X - mean) ** 2 / v.sum())
    constant = s < 1e-12
    s = np.where(standardize & ~constant, s, 1.0)
    Z = X / s
    centred = np.sqrt(v / v.sum())[:, None] * (Z - mean / s if fit_intercept else Z)
    largest = np.linalg.norm(centred, 2) ** 2
    alphas = v.sum() * largest * np.geomspace(1e4, 1e-8, 50)
    errors = np.zeros(50)
    for k, alpha in enumerate(alphas):
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            b, w = ridge(Z[rest], y[rest], v[rest], alpha, fit_intercept)
            errors[k] += v[i] * (y[i] - b - Z[i] @ w) ** 2
    w = ridge(Z, y, v, alphas[np.argmin(errors)], fit_intercept)[1]
    return np.where(constant & fit_intercept, 1.0, 1 / np.maximum(np.abs(w), 1e-300))


@form
@designs
@flags
@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("container", ["F", pytest.param("csc", marks=pytest.mark.slow)])
def test_one_fit(container, ratio, flags, design, form):
    X, y, v = data(design)
    f = factors(X, y, v, **flags)
    given = {"alpha": 0.1, "l1_ratio": ratio, **flags, **TIGHT}
    with forced_form(form):
        expected = ElasticNet(**given, penalty_factor=f).fit(X, y, sample_weight=v)
        model = ElasticNet(**given, penalty_factor="adaptive")
        model.fit(contain(X, container), y, sample_weight=v)
    scale = np.abs(expected.coef_ * X.std(axis=0)).max()
    assert_allclose(model.coef_ * X.std(axis=0), expected.coef_ * X.std(axis=0), atol=1e-9 * scale)
    assert_allclose(model.intercept_, expected.intercept_, rtol=1e-8)
    assert 0 < np.count_nonzero(model.coef_) < X.shape[1] and len(np.unique(f)) > 4


def test_several_targets_have_each_their_own_factors():
    X, y, v = data("weighted")
    Y = np.column_stack([y, X[:, 5] - y**2, -3e7 * y])
    model = Lasso(0.1, penalty_factor="adaptive", **TIGHT).fit(X, Y, sample_weight=v)
    for k, one in enumerate(Y.T):
        alone = Lasso(0.1, penalty_factor="adaptive", **TIGHT).fit(X, one, sample_weight=v)
        assert_allclose(model.coef_[k], alone.coef_, rtol=1e-9, atol=1e-12 * np.std(one))
        given = Lasso(0.1, penalty_factor=factors(X, one, v), **TIGHT).fit(X, one, sample_weight=v)
        assert_allclose(model.coef_[k], given.coef_, rtol=1e-7, atol=1e-9 * np.std(one))


@form
@designs
@flags
@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.slow
def test_every_fold_has_a_pilot_of_its_own(ratio, flags, design, form):
    X, y, v = data(design)
    folds = [(np.arange(len(y)) % 3 != k, np.arange(len(y)) % 3 == k) for k in range(3)]
    given = {"l1_ratio": ratio, "upper": 50.0, **flags, **TIGHT}
    cv = {"alphas": 6, "cv": folds, "relax": [0.0, 1.0]}
    with forced_form(form):
        model = ElasticNetCV(**given, **cv, penalty_factor="adaptive").fit(X, y, sample_weight=v)
        whole = factors(X, y, v, **flags)
        explicit = ElasticNetCV(**given, **cv, penalty_factor=whole).fit(X, y, sample_weight=v)
    assert_allclose(model.alphas_, explicit.alphas_, rtol=1e-8)
    assert_allclose(
        model.coef_path_, explicit.coef_path_, atol=1e-8 * np.abs(model.coef_path_).max()
    )
    learnt = [factors(X[train], y[train], v[train], **flags) for train, _ in folds]
    for k, (train, test) in enumerate(folds):
        for a, alpha in enumerate(model.alphas_):
            one = ElasticNet(alpha, **given, penalty_factor=learnt[k])
            one.fit(X[train], y[train], sample_weight=v[train])
            error = np.average((y[test] - one.predict(X[test])) ** 2, weights=v[test])
            assert model.mse_path_[a, k] == pytest.approx(error, rel=1e-7)
    assert not np.allclose(model.mse_path_, explicit.mse_path_, rtol=1e-4)


@form
@designs
@pytest.mark.parametrize("shared", [True, False])
def test_scaled_by_a_preprocessor(shared, design, form):
    """Whether folds share X, as with this scaler, or have each their own."""
    X, y, v = data(design)
    scaler = StandardScaler()
    if not shared:  # a pipeline does not hand weights on
        scaler, v = make_pipeline(FunctionTransformer(), scaler), np.ones(len(y))
    folds = [(np.arange(len(y)) % 3 != k, np.arange(len(y)) % 3 == k) for k in range(3)]
    options = {"alphas": [1.0, 0.1, 0.01], "cv": folds, "penalty_factor": "adaptive", **TIGHT}
    errors = np.empty((3, 3))
    for k, (train, test) in enumerate(folds):
        used = X[train]
        mean = np.average(used, axis=0, weights=v[train])
        scale = np.sqrt(np.average((used - mean) ** 2, axis=0, weights=v[train]))
        scaled = (X - mean) / np.where(scale > 1e-12, scale, 1.0)
        f = factors(scaled[train], y[train], v[train])
        for a, alpha in enumerate(options["alphas"]):
            one = Lasso(alpha, penalty_factor=f, **TIGHT)
            one.fit(scaled[train], y[train], sample_weight=v[train])
            left = y[test] - one.predict(scaled[test])
            errors[a, k] = np.average(left**2, weights=v[test])
    with forced_form(form):
        model = LassoCV(**options, preprocessor=scaler)
        model.fit(X, y, sample_weight=v if shared else None)
    assert_allclose(model.mse_path_, errors, rtol=1e-7)


@pytest.mark.slow
@form
def test_a_column_that_the_pilot_leaves_out(form):
    """Orthogonal to y and to the others, its coefficient is zero or rounding, in both fits."""
    rng = np.random.default_rng(4)
    X = rng.standard_normal((40, 4))
    y = X[:, 0] + 0.1 * rng.standard_normal(40)
    others = np.column_stack([np.ones(40), X[:, :3], y])
    X[:, 3] -= others @ np.linalg.lstsq(others, X[:, 3], rcond=None)[0]
    with forced_form(form):
        for alpha in (1e-3, 1e-12):
            model = Lasso(alpha, penalty_factor="adaptive").fit(X, y)
            assert abs(model.coef_[3]) <= 1e-14
        model = LassoCV(cv=3, penalty_factor="adaptive").fit(X, y)
    assert np.isfinite(model.coef_path_).all() and model.coef_[0] == pytest.approx(1, abs=0.1)


@form
def test_a_constant_target(form):
    X = data("tall")[0]
    with forced_form(form):
        for cls in (Lasso, LassoCV):
            model = cls(penalty_factor="adaptive").fit(X, np.full(len(X), 3.7))
            assert model.intercept_ == 3.7 and not model.coef_.any() and model.dual_gap_ == 0
