"""Degenerate data and penalties: a right answer, in silence."""

import time
import warnings

import numpy as np
import pytest
from oracle import KKT_LIMIT, Oracle, certified
from problems import contain, regression
from sklearn.base import clone

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV, lasso_path
from sklearn_regnorm.solvers import forced_form

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
MODELS = {
    "lasso": Lasso(0.1, **TIGHT),
    "elastic net": ElasticNet(0.1, l1_ratio=0.4, **TIGHT),
    "lasso, positive": Lasso(0.1, positive=True, **TIGHT),
    "lasso, standardised": Lasso(0.1, standardize=True, **TIGHT),
    "ridge": Ridge(0.5, **TIGHT),
    "ridge, cd": Ridge(0.5, solver="cd", **TIGHT),
    "ridge, standardised": Ridge(0.5, standardize=True, **TIGHT),
}
EPS = np.finfo(float).eps


@pytest.fixture(autouse=True)
def silence():
    """Every warning is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(params=MODELS)
def model(request):
    return clone(MODELS[request.param])


@pytest.fixture(params=["gram", "working_set"])
def form(request):
    with forced_form(request.param):
        yield request.param


@pytest.mark.parametrize("c", [1e-300, -1e-12, 0.1, 1.0, 1e50, 1e150, -1e300])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_constant_columns_get_zero_h08_h14(c, container, model, form):
    """Also the rounding of their mean must not look like a signal, in any number of rows."""
    for n in (3, 64, 15_500) if c in (0.1, 1e50) else (3, 64):
        X = np.full((n, 3), c)
        X[:, 1] = np.arange(n) % 7
        y = 2.0 * X[:, 1] + np.sin(np.arange(n))
        v = 1.0 + np.arange(n) % 3
        model.fit(contain(X, container), y, sample_weight=v)
        assert model.coef_[0] == model.coef_[2] == 0 and model.coef_[1] > 0
        alone = clone(model).fit(X[:, 1:2], y, sample_weight=v)
        assert model.coef_[1] == pytest.approx(alone.coef_[0], rel=1e-12)
        assert model.intercept_ == pytest.approx(alone.intercept_, rel=1e-12)


@pytest.mark.parametrize("c", [1e-300, 0.1, 1e50, 1e300])
@pytest.mark.parametrize("n", [3, 15_500, 16_000])
def test_constant_data_take_no_sweeps_h08(n, c, form):
    X = np.full((n, 2), c)
    for model in (Lasso(1.0), Lasso(1e-10, tol=1e-14), ElasticNet(1e-3), Ridge()):
        model.fit(X, X[:, 0])
        assert np.all(model.coef_ == 0) and np.max(model.n_iter_) <= 2
        assert abs(model.intercept_ - c) <= np.spacing(c)


@pytest.mark.parametrize("c", [0.0, 3.7, 0.1, 1e8, 1e-300, -1e150])
@pytest.mark.parametrize("container", ["F", "csr"])
def test_constant_target(c, container, model, form):
    X, _ = regression(31, 30, 5)
    v = np.random.default_rng(32).random(30)
    model.fit(contain(X, container), np.full(30, c), sample_weight=v)
    assert np.all(model.coef_ == 0)
    assert abs(model.intercept_ - c) <= abs(np.spacing(c)) * (c != 0)
    assert model.dual_gap_ == 0 and model.n_iter_ >= 1


@pytest.mark.parametrize("c", [0.0, 3.7, 1e8, 1e-300])
def test_constant_target_in_cross_validation_h34(c):
    X, _ = regression(33, 30, 5)
    y = np.full(30, c)
    for cv in (LassoCV(), ElasticNetCV(l1_ratio=[0.0, 0.5, 1.0]), LassoCV(positive=True)):
        cv.fit(X, y)
        assert np.all(np.isfinite(cv.alphas_)) and np.all(cv.coef_ == 0)
        assert abs(cv.intercept_ - c) <= abs(np.spacing(c)) * (c != 0)
        assert np.all(cv.mse_path_ <= (2 * EPS * c) ** 2)
    ridge = RidgeCV(alphas=[1.0])
    assert np.all(np.abs(ridge.fit(X, y).coef_) == 0)


@pytest.mark.parametrize("container", ["F", "csc"])
def test_zero_columns_h14(container, model, form):
    X, y = regression(34, 30, 6)
    full = clone(model).fit(X[:, 1:4], y)
    X[:, [0, 4, 5]] = 0.0
    model.fit(contain(X, container), y)
    assert np.all(model.coef_[[0, 4, 5]] == 0)
    np.testing.assert_allclose(model.coef_[1:4], full.coef_, rtol=1e-10, atol=1e-13)
    nothing = clone(model).fit(contain(0 * X, container), y)
    assert np.all(nothing.coef_ == 0)
    assert nothing.intercept_ == pytest.approx(y.mean(), rel=1e-14)


@pytest.mark.parametrize("shape", [(40, 5), (12, 30)])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_duplicated_and_negated_columns(container, shape, model, form):
    X, y = regression(35, *shape)
    twins = contain(np.hstack([X, X, -X, 2 * X]), container)
    v = np.random.default_rng(36).integers(0, 3, len(y))
    certified(model.fit(twins, y, sample_weight=v), twins, y, v)
    if isinstance(model, Ridge) and not model.standardize:  # shares are in proportion to the units
        p = X.shape[1]
        w = model.coef_
        for k, share in enumerate((1, 1, -1, 2)):
            w_k = w[k * p : (k + 1) * p]
            np.testing.assert_allclose(w_k, share * w[:p], rtol=0, atol=1e-10 * np.abs(w).max())


@pytest.mark.parametrize("exponents", [(-150, 150), (150, -150), (0, 150), (-150, 0)])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_huge_and_tiny_columns_h11(container, exponents, form):
    """A penalty far from any column's scale acts on it as none at all, or as an infinite one."""
    X, y = regression(37, 50, 6)
    scales = np.logspace(*exponents, 6)
    alpha = 1e-3 * np.abs(X.T @ (y - y.mean())).max() / 50
    for l1_ratio in (1.0, 0.5):
        for unit in (scales.min(), scales.max(), 1.0):
            model = ElasticNet(alpha * unit, l1_ratio=l1_ratio, **TIGHT)
            certified(model.fit(contain(X * scales, container), y), X * scales, y)


@pytest.mark.parametrize("exponents", [(-150, 150), (-300, -290), (290, 300), (-300, 300)])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_units_do_not_matter_where_the_penalty_does_not_see_them_h11(container, exponents, form):
    X, y = regression(37, 50, 6)
    scales = np.logspace(*exponents, 6)
    alpha = 1e-3 * np.abs(X.T @ (y - y.mean())).max() / 50
    ours = Lasso(alpha, standardize=True, **TIGHT).fit(contain(X * scales, container), y)
    theirs = Lasso(alpha, standardize=True, **TIGHT).fit(X, y)
    np.testing.assert_allclose(ours.coef_ * scales, theirs.coef_, rtol=1e-9)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-9)
    squares = Ridge(alpha=0.0).fit(contain(X * scales, container), y)
    exact = np.linalg.lstsq(np.column_stack([X, np.ones(50)]), y, rcond=None)[0]
    np.testing.assert_allclose(squares.coef_ * scales, exact[:-1], rtol=1e-9)
    assert squares.intercept_ == pytest.approx(exact[-1], rel=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("p", [1, 5])
def test_one_row_h30_h72(p, fit_intercept, model, form):
    X, y = regression(38, 1, p)
    model.set_params(fit_intercept=fit_intercept).fit(X, y)
    certified(model, X, y)
    if fit_intercept:
        assert np.all(model.coef_ == 0) and model.intercept_ == y[0]
        v = np.zeros(20)
        v[7] = 0.3
        X, y = regression(39, 20, p)
        model.fit(X, y, sample_weight=v)
        assert np.all(model.coef_ == 0) and model.intercept_ == y[7]


@pytest.mark.parametrize("n", [2, 3, 50])
@pytest.mark.parametrize("container", ["F", "csc", "csr64"])
def test_one_column_h72(container, n, model, form):
    X, y = regression(40, n, 1, nonzero=1)
    certified(model.fit(contain(X, container), y), X, y)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 1e-12])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
def test_around_alpha_max_h06(standardize, positive, l1_ratio, form):
    flags = {"l1_ratio": l1_ratio, "positive": positive, "standardize": standardize}
    for seed in range(8):
        n, p = (60, 10) if seed % 2 else (15, 70)
        X, y = regression(100 + seed, n, p)
        v = np.random.default_rng(seed).integers(0, 4, n) if seed % 3 else np.ones(n)
        alpha_max = Oracle(X, y, v, alpha=1.0, **flags).alpha_max()
        for factor in (1 + 4 * EPS, 1 + 1e-9, 2.0, 1e100):
            model = ElasticNet(alpha_max * factor, **flags).fit(X, y, sample_weight=v)
            assert np.all(model.coef_ == 0) and model.n_iter_ >= 1, factor
            assert model.intercept_ == pytest.approx(np.average(y, weights=v), rel=1e-14)
            assert model.dual_gap_ <= 1e-12 * np.average(y**2, weights=v)
        below = ElasticNet(alpha_max * (1 - 1e-6), **flags, **TIGHT).fit(X, y, sample_weight=v)
        assert np.count_nonzero(below.coef_) == 1
        if not standardize:
            root = np.sqrt(v / v.sum())
            Z = root[:, None] * (X - np.average(X, axis=0, weights=v))
            grid, coefs, _ = lasso_path(Z, root * y, positive=positive)
            assert np.all(coefs[:, 0] == 0) and np.count_nonzero(coefs[:, 1]) >= 1


@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("alpha", [0.0, 5e-324, 1e-300])
@pytest.mark.parametrize("l1_ratio", [0.0, 1e-12, 0.5, 1.0])
def test_no_penalty_or_next_to_none_h07_h72(l1_ratio, alpha, container, form):
    X, y = regression(41, 60, 10)
    design = np.column_stack([X, np.ones(60)])
    exact = np.linalg.lstsq(design, y, rcond=None)[0]
    model = ElasticNet(alpha, l1_ratio=l1_ratio).fit(contain(X, container), y)
    np.testing.assert_allclose(np.r_[model.coef_, model.intercept_], exact, rtol=1e-10)
    ridge = Ridge(alpha).fit(contain(X, container), y)
    np.testing.assert_allclose(ridge.coef_, exact[:-1], rtol=1e-10)
    positive = ElasticNet(alpha, l1_ratio=l1_ratio, positive=True, **TIGHT)
    certified(positive.fit(contain(X, container), y), X, y)


@pytest.mark.parametrize("l1_ratio", [0.0, 1e-12, 0.5, 1.0])
@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("positive", [False, True])
def test_overwhelming_penalty_h72(positive, container, l1_ratio, form):
    X, y = regression(42, 30, 8)
    for alpha in (1e300, 1e308):
        for kind in (ElasticNet(alpha, l1_ratio=l1_ratio, positive=positive), Ridge(alpha)):
            model = kind.fit(contain(X, container), y)
            assert np.abs(model.coef_).max() <= 1e-296
            assert l1_ratio == 0 or isinstance(model, Ridge) or np.all(model.coef_ == 0)
            assert model.intercept_ == pytest.approx(y.mean(), rel=1e-14)


@pytest.mark.parametrize("alpha", [np.inf, -np.inf, np.nan, -1.0])
@pytest.mark.parametrize("kind", [Lasso, ElasticNet, Ridge])
def test_alphas_that_are_refused(kind, alpha):
    X, y = regression(43, 10, 2)
    with pytest.raises(ValueError, match="alpha"):
        kind(alpha).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_many_more_columns_than_rows(container, l1_ratio, form):
    X, y = regression(44, 20, 1200)
    alpha_max = Oracle(X, y, alpha=1.0, l1_ratio=l1_ratio).alpha_max()
    for factor in (0.5, 1e-4):
        model = ElasticNet(alpha_max * factor, l1_ratio=l1_ratio, **TIGHT)
        certified(model.fit(contain(X, container), y), X, y)


@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "cd"])
@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (20, 20)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_least_norm_h07_h23(fit_intercept, shape, solver):
    """alpha = 0 without full rank: the shortest of the solutions, for Ridge."""
    rng = np.random.default_rng(45)
    n, p = shape
    X = rng.standard_normal((n, 6)) @ rng.standard_normal((6, p))
    X[:, 3] = X[:, 5]
    X[:, 7] = 2.0
    y = rng.standard_normal(n) + 1.0
    v = rng.integers(1, 4, n)
    root = np.sqrt(v)
    centre = np.average(X, axis=0, weights=v) if fit_intercept else 0.0
    mean = np.average(y, weights=v) if fit_intercept else 0.0
    w = np.linalg.pinv(root[:, None] * (X - centre), rcond=1e-12) @ (root * (y - mean))
    containers = ["F", "csc"] if solver != "svd" else ["C"]
    for container in containers:
        model = Ridge(0.0, fit_intercept=fit_intercept, solver=solver, **TIGHT)
        model.fit(contain(X, container), y, sample_weight=v)
        np.testing.assert_allclose(model.coef_, w, rtol=0, atol=1e-9 * np.abs(w).max())
        oracle = Oracle(X, y, v, alpha=0.0, l1_ratio=0.0, fit_intercept=fit_intercept)
        assert oracle.kkt(model.coef_, EPS) <= KKT_LIMIT


@pytest.mark.slow
def test_many_rows_of_float32_h12():
    """A threshold in proportion to the number of rows would take all columns for dependent."""
    rng = np.random.default_rng(46)
    X = (rng.standard_normal((600_000, 3)) * [1, 2, 3] + [0, 1, 5]).astype(np.float32)
    y = X @ [1.0, -2.0, 0.5] + rng.standard_normal(600_000)
    for model in (Ridge(0.0), Ridge(1.0), Lasso(0.0), Lasso(0.01)):
        single = clone(model).fit(X, y)
        np.testing.assert_allclose(single.coef_, model.fit(X.astype(float), y).coef_, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-310, 5e-322])
def test_numbers_below_the_smallest_normal_one_are_not_slow_h71(scale, form):
    """Columns are brought to a size at which processors compute at full speed."""
    X, y = regression(47, 4000, 40)
    seconds = {}
    for given in (X, X * scale) * 5:
        start = time.perf_counter()
        model = Lasso(1e-23, standardize=True, tol=1e-10).fit(given, 1e-20 * y)
        seconds.setdefault(given is X, []).append(time.perf_counter() - start)
        assert np.count_nonzero(model.coef_) > 10
    assert min(seconds[False]) <= 3 * min(seconds[True]) + 0.01
