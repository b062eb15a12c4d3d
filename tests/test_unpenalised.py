"""Columns that are never penalised and depend on each other, such as dummies of all levels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import KKT_LIMIT, Oracle
from problems import ar1, contain, regression

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso
from sklearn_regnorm.solvers import forced_form

form = pytest.mark.parametrize("form", ["gram", "working_set"])
ratios = pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
kinds = pytest.mark.parametrize("kind", ["levels", "twins", "two factors", "fewer rows"])
EPS = np.finfo(float).eps
TIGHT = {"tol": 1e-14, "max_iter": 100_000}


def data(kind, n=200, p=30):
    """Return X, whose last columns are to be free, y, the factors, and how many are redundant."""
    rng = np.random.default_rng(0)
    n = 12 if kind == "fewer rows" else n
    levels = (rng.permutation(n)[:, None] % 10 == np.arange(10)) * 1.0
    free, redundant = levels, 1
    if kind == "twins":
        free, redundant = np.hstack([levels, levels[:, :2], -3e4 * levels[:, 1:2]]), 4
    if kind == "two factors":
        free, redundant = np.hstack([levels, rng.integers(0, 4, n)[:, None] == np.arange(4)]), 2
    if kind == "fewer rows":
        free, redundant = np.hstack([levels, rng.standard_normal((n, 5))]), 4
    X = ar1(rng, n, p, 0.5)
    y = X[:, 0] - X[:, 3] + free[:, :10] @ np.arange(10.0) + rng.standard_normal(n)
    return np.hstack([X, free]), y, np.r_[np.ones(p), np.zeros(free.shape[1])], redundant


@form
@kinds
@ratios
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("tol", [1e-14, 1e-4])
def test_they_are_left_at_zero(tol, container, ratio, kind, form):
    X, y, f, redundant = data(kind)
    given = {"alpha": 0.05, "l1_ratio": ratio, "penalty_factor": f}
    with forced_form(form):
        model = ElasticNet(**given, tol=tol, max_iter=100_000).fit(contain(X, container), y)
    oracle = Oracle(X, y, **given)
    assert np.count_nonzero(model.coef_[f == 0] == 0) == redundant
    assert oracle.norm @ np.abs(model.coef_) <= 100 * np.sqrt(oracle.v @ oracle.t**2)
    assert oracle.intercept_error(model.coef_, model.intercept_, EPS) <= 1
    assert 0 <= model.dual_gap_ <= oracle.goal(tol, EPS)
    assert tol > 1e-12 or oracle.kkt(model.coef_, EPS) <= KKT_LIMIT


@form
@ratios
@pytest.mark.parametrize("kind", ["levels", "twins", "two factors"])
def test_as_if_they_had_not_been_given(kind, ratio, form):
    X, y, f, redundant = data(kind, p=8)
    cv = [(np.arange(len(y)) % 3 != k, np.arange(len(y)) % 3 == k) for k in range(3)]
    options = {"alphas": 6, "cv": cv, "l1_ratio": ratio, "standardize": True, **TIGHT}
    with forced_form(form):
        model = ElasticNetCV(**options, penalty_factor=f).fit(X, y)
        kept = (model.coef_ != 0) | (f > 0)
        assert kept.sum() == len(f) - redundant
        part = ElasticNetCV(**options, penalty_factor=f[kept]).fit(X[:, kept], y)
    assert_allclose(model.alphas_, part.alphas_, rtol=1e-11)
    assert_allclose(model.mse_path_, part.mse_path_, rtol=1e-8, atol=1e-12)
    size = np.sqrt(np.var(y))
    assert_allclose(X @ model.coef_path_.T, X[:, kept] @ part.coef_path_.T, atol=1e-10 * size)
    assert_array_equal(model.cv_table_["n_nonzero"], part.cv_table_["n_nonzero"])
    assert_allclose(model.cv_table_["df"], part.cv_table_["df"], rtol=1e-9)


@form
@pytest.mark.parametrize("apart", [1e-3, 1e-5, 1e-7])
def test_nearly_dependent_columns_both_count(apart, form):
    """Their difference carries signal that nothing else does."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((100, 10))
    X[:, 1] = X[:, 0] + apart * X[:, 1]
    y = (X[:, 1] - X[:, 0]) / apart + 0.1 * rng.standard_normal(100)
    f = np.r_[0.0, 0.0, np.ones(8)]
    with forced_form(form):
        model = Lasso(0.01, penalty_factor=f, **TIGHT).fit(X, y)
    assert_allclose(model.coef_[1] * apart, 1.0, atol=0.05)
    assert Oracle(X, y, alpha=0.01, l1_ratio=1.0, penalty_factor=f).kkt(model.coef_, EPS) <= 1e-9


@form
def test_without_any_penalty_it_is_least_squares(form):
    X, y, f, redundant = data("levels")
    with forced_form(form):
        model = Lasso(1.0, penalty_factor=0 * f, **TIGHT).fit(X, y)
        least = Lasso(0.0, penalty_factor=f, **TIGHT).fit(X, y)
    best = np.linalg.lstsq(np.column_stack([np.ones(len(y)), X]), y, rcond=None)[0]
    expected = best[0] + X @ best[1:]
    assert_allclose(model.predict(X), expected, atol=1e-12 * np.abs(y).max())
    assert_allclose(least.predict(X), expected, atol=1e-12 * np.abs(y).max())
    assert np.count_nonzero(model.coef_ == 0) == redundant


@form
@pytest.mark.parametrize("container", ["F", "csr"])
def test_partialled_out_by_hand_h15(container, form):
    """Columns without penalty, taken out of y and the others first (Frisch, Waugh and Lovell)."""
    X, y = regression(2, 60, 12)
    v = np.random.default_rng(3).random(60)
    f = np.where(np.arange(12) % 4 == 1, 0.0, 1.0)
    with forced_form(form):
        model = Lasso(0.05, penalty_factor=f, **TIGHT).fit(contain(X, container), y, v)
        root = np.sqrt(v)[:, None]
        free = root * np.column_stack([np.ones(60), X[:, f == 0]])
        Z = np.column_stack([root * X[:, f > 0], root * y[:, None]])
        left = Z - free @ np.linalg.lstsq(free, Z, rcond=None)[0]
        unit = np.sqrt(60 / v.sum())
        others = Lasso(0.05, fit_intercept=False, **TIGHT).fit(
            unit * left[:, :-1], unit * left[:, -1]
        )
    assert_allclose(model.coef_[f > 0], others.coef_, rtol=0, atol=1e-8)
    rest = np.linalg.lstsq(free, Z[:, -1] - Z[:, :-1] @ others.coef_, rcond=None)[0]
    assert_allclose(np.r_[model.intercept_, model.coef_[f == 0]], rest, rtol=0, atol=1e-8)
    assert np.any(others.coef_ == 0) and np.any(others.coef_ != 0)
