"""Large data go in blocks: with tiny ones small data do, and nothing but rounding changes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import certified
from problems import contain, regression

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, Ridge, RidgeCV
from sklearn_regnorm._statistics import ColumnMoments, cross_products, moments
from sklearn_regnorm.solvers import column_sets, design, forced_form, orthogonal, working_set
from sklearn_regnorm.solvers.problem import prepare

EPS = np.finfo(float).eps
CONTAINERS = "F", "C", "csc", "F32", "C32"


@pytest.fixture
def tiny(monkeypatch):
    """Blocks of few rows and columns, wherever there are blocks."""
    for module, name, value in [
        (design, "BLOCK_ENTRIES", 128),
        (design, "COLUMN_BLOCK", 5),
        (orthogonal, "BLOCK_ENTRIES", 1),
        (column_sets, "PRODUCT_BLOCK", 4),
        (column_sets, "LEAST_BLOCK", 3),
        (working_set, "TOGETHER", 2),
        (working_set, "SEGMENT_BYTES", 1),
        (moments, "TASK_ROWS", 64),
        (moments, "TASK_COLUMNS", 2),
        (moments, "TASK_ENTRIES", 150),
        (moments, "CACHED_ENTRIES", 100),
    ]:
        monkeypatch.setattr(module, name, value)


def problem(container, n=150, p=11, offset=0.0):
    X, y = regression(1, n, p)
    X = (X + offset).astype(np.float32 if container.endswith("32") else float)
    v = np.random.default_rng(2).integers(0, 3, n) * 1.0
    return contain(X, container.removesuffix("32")), y, v


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize(
    "model", [Lasso(alpha=0.1, tol=1e-14), ElasticNet(alpha=0.1, tol=1e-14), Ridge(alpha=0.01)]
)
def test_a_fit_in_blocks_is_certified(model, form, container, offset, tiny):
    X, y, v = problem(container, offset=offset)
    with forced_form(form):
        model.fit(X, y, sample_weight=v)
    certified(model, X, y, v)
    assert_allclose(model.predict(X), model.intercept_ + X @ model.coef_, rtol=1e-5)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize(
    "model",
    [
        ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=12, cv=3, tol=1e-14, max_iter=10**5),
        RidgeCV(alphas=[0.01, 1.0, 100.0], cv=3),
        RidgeCV(alphas=[0.01, 1.0, 100.0], store_cv_results=True),
    ],
    ids=["enet", "ridge", "leave one out"],
)
def test_cross_validation_in_blocks_is_that_in_one(model, form, container, request):
    X, y, v = problem(container, p=7)
    eps = np.finfo(X.dtype).eps

    def curve():
        with forced_form(form):
            fitted = model.fit(X, y, sample_weight=v)
        name = "mse_path_" if hasattr(fitted, "mse_path_") else "cv_results_"
        return np.copy(getattr(fitted, name)), fitted.alpha_, fitted.coef_.copy()

    expected = curve()
    request.getfixturevalue("tiny")
    found = curve()
    assert_allclose(found[0], expected[0], rtol=1e-10)
    assert_allclose(found[1], expected[1], rtol=1e-14)
    assert_allclose(found[2], expected[2], rtol=1e3 * eps, atol=10 * eps)


@pytest.mark.parametrize("container", ["F", "C"])
def test_many_targets_in_blocks_are_certified(container, tiny):
    X, _, v = problem(container)
    Y = np.random.default_rng(3).standard_normal((len(v), 5)) + X[:, :5]
    with forced_form("working_set"):
        model = Lasso(alpha=0.1, tol=1e-14).fit(X, Y, sample_weight=v)
    for t, y in enumerate(Y.T):
        alone = Lasso(alpha=0.1, tol=1e-14).fit(X, y, sample_weight=v)
        assert_allclose(model.coef_[t], alone.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_columns", [5, 60])
@pytest.mark.parametrize("container", ["F", "C", "strided"])
def test_moments_in_blocks_are_those_in_one(container, n_columns, tiny, monkeypatch):
    monkeypatch.setattr(moments, "THREADED_ENTRIES", 1)
    rng = np.random.default_rng(4)
    X = rng.standard_normal((150, n_columns)) * 10.0 ** rng.uniform(-3, 3, n_columns) + 7.0
    v = rng.integers(0, 3, 150) * 1.0
    found = ColumnMoments.of(contain(X, container), v, n_jobs=2)
    long = X.astype(np.longdouble)
    mean = v @ long / v.sum()
    variance = v @ (long - mean) ** 2 / v.sum()
    assert np.all(abs(found.mean - mean) <= EPS * (abs(mean) + np.sqrt(variance)))
    assert_allclose(found.variance(), variance.astype(float), rtol=4e-15)
    assert np.all(found.weight == v.sum())


@pytest.mark.parametrize("equal", [True, False], ids=["equal weights", "weights"])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("container", CONTAINERS)
def test_cross_products_in_blocks_are_exact(container, centred, equal, tiny):
    X, y, v = problem(container)
    v = np.full(len(v), 2.0) if equal else v
    Y = np.stack([y, y**2], axis=1)
    data = prepare(X, Y, v, 1.0, fit_intercept=centred, standardize=False)
    found = cross_products(data.design, data.targets, v, centred)
    Z = (X.toarray() if container == "csc" else X).astype(np.longdouble) - data.design.pivot
    T = data.targets.astype(np.longdouble)
    x_mean, y_mean = (v @ one / v.sum() * centred for one in (Z, T))
    Z, T = Z - x_mean, T - y_mean
    assert found.weight == v.sum()
    assert_allclose(found.x_mean, x_mean.astype(float), atol=1e-14)
    assert_allclose(found.y_mean, y_mean.astype(float), atol=1e-14)
    assert_allclose(found.xx, (Z.T @ (v[:, None] * Z)).astype(float), rtol=1e-11, atol=1e-11)
    assert_allclose(found.xy, (Z.T @ (v[:, None] * T)).astype(float), rtol=1e-11, atol=1e-11)
    assert_allclose(found.yy, (v @ T**2).astype(float), rtol=1e-13)
