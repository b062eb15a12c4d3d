"""The lasso path followed from event to event: the same numbers, whatever it meets on its way."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import KKT_LIMIT, Oracle
from problems import DIFFICULT, difficult, regression, wide

from sklearn_regnorm import ElasticNetCV, LassoCV, lasso_path
from sklearn_regnorm.solvers import forced_form, homotopy

EPS = np.finfo(float).eps


@pytest.fixture(params=DIFFICULT)
def data(request):
    return difficult(request.param)


@pytest.fixture(autouse=True)
def form():
    with forced_form("working_set"):
        yield


@pytest.fixture
def calls(monkeypatch):
    """For each stretch of the grid whether it was got through, once for every alpha of it."""
    found, run = [], homotopy.Homotopy.run

    def recorded(self):
        found.extend([run(self)] * len(self.alphas))
        return found[-1]

    monkeypatch.setattr(homotopy.Homotopy, "run", recorded)
    return found


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_point_is_optimal_to_rounding(weighted, positive, data, calls):
    X, y = data
    v = np.random.default_rng(2).integers(0, 3, len(y)) * 1.0 if weighted else None
    given = {"sample_weight": v, "positive": positive, "alphas": 40}
    alphas, coefs, gaps = lasso_path(X, y, **given)
    assert len(calls) > 20
    for alpha, coef, gap in zip(alphas, coefs.T, gaps, strict=True):
        oracle = Oracle(X, y, v, alpha=alpha, l1_ratio=1.0, fit_intercept=False, positive=positive)
        assert gap <= oracle.goal(1e-4, EPS)
        if len(calls) >= len(alphas) and all(calls):  # it got through
            assert oracle.kkt(coef, EPS) <= 1e-6
    _, tight, _ = lasso_path(X, y, **given, tol=1e-14, max_iter=100_000)
    for alpha, coef in zip(alphas, tight.T, strict=True):
        oracle = Oracle(X, y, v, alpha=alpha, l1_ratio=1.0, fit_intercept=False, positive=positive)
        assert oracle.kkt(coef, EPS) <= KKT_LIMIT


@pytest.mark.compiled
def test_it_is_used_and_agrees_with_the_other_forms(calls):
    X, y = wide(3)
    followed = LassoCV(cv=3).fit(X, y)
    assert len(calls) >= 4 * 90 and all(calls)
    assert np.all(followed.dual_gap_path_ <= 1e-12 * y.var())
    with forced_form("gram"):
        exact = LassoCV(cv=3).fit(X, y)
    assert_allclose(followed.mse_path_, exact.mse_path_, rtol=1e-9, atol=1e-10 * y.var())
    assert_allclose(followed.coef_path_, exact.coef_path_, atol=1e-8)
    assert followed.alpha_ == exact.alpha_


@pytest.mark.compiled
def test_the_elastic_net_is_not_piecewise_linear(calls):
    X, y = wide(4)
    ElasticNetCV(cv=3, l1_ratio=0.5, alphas=12).fit(X, y)
    assert not calls
    ElasticNetCV(cv=3, l1_ratio=1.0, alphas=12).fit(X, y)
    assert calls


@pytest.mark.parametrize(("name", "value"), [("NEAR", 1.3), ("SHARE", 0.05)])
def test_columns_that_were_not_followed_are_found(name, value, monkeypatch):
    """With sets too small every stretch misses columns, and must be followed again with them."""
    X, y = wide(5)
    _, expected, _ = lasso_path(X, y)
    monkeypatch.setattr(homotopy, name, value)
    found, again = [], homotopy.Homotopy._again
    monkeypatch.setattr(
        homotopy.Homotopy, "_again", lambda *a: found.append(again(*a)) or found[-1]
    )
    _, coefs, gaps = lasso_path(X, y)
    assert any(found)
    assert_allclose(coefs, expected, atol=1e-9)
    assert np.all(gaps <= 1e-12 * y @ y)


def test_when_it_gives_up_descent_takes_over(monkeypatch, calls):
    X, y = wide(6)
    _, expected, _ = lasso_path(X, y, tol=1e-14, max_iter=100_000)
    calls.clear()
    monkeypatch.setattr(homotopy, "MOST_EVENTS", 0.05)
    _, coefs, gaps = lasso_path(X, y, tol=1e-14, max_iter=100_000)
    assert not all(calls)
    assert_allclose(coefs, expected, atol=1e-8)
    assert np.all(gaps <= 1e-12 * y @ y)


def test_a_start_that_cannot_be_gone_back_to(monkeypatch, calls):
    X, y = wide(5)
    _, expected, _ = lasso_path(X, y, tol=1e-14, max_iter=100_000)
    calls.clear()
    monkeypatch.setattr(homotopy, "SHARE", 0.05)
    monkeypatch.setattr(homotopy, "append", lambda rows, walk, m, *column: m)
    _, coefs, gaps = lasso_path(X, y, tol=1e-14, max_iter=100_000)
    assert not all(calls)
    assert_allclose(coefs, expected, atol=1e-8)
    assert np.all(gaps <= 1e-12 * y @ y)


def test_neither_a_start_nor_max_iter_matters():
    X, y = wide(9)
    _, expected, _ = lasso_path(X, y)
    for given in ({"coef_init": np.ones(X.shape[1])}, {"max_iter": 1}):
        _, coefs, gaps = lasso_path(X, y, **given)
        assert_allclose(coefs, expected, atol=1e-9)
        assert np.all(gaps <= 1e-12 * y @ y)


def test_threads_and_repetition_change_nothing_n10():
    X, y = regression(7, 50, 120)
    one, two = LassoCV(cv=4).fit(X, y), LassoCV(cv=4, n_jobs=2).fit(X, y)
    assert_array_equal(one.coef_path_, two.coef_path_)
    assert_array_equal(one.mse_path_, two.mse_path_)
    v = np.random.default_rng(8).integers(0, 3, 50)
    folds = [(np.arange(50) % 3 != k, np.arange(50) % 3 == k) for k in range(3)]
    weighted = LassoCV(cv=folds, alphas=30).fit(X, y, sample_weight=v)
    rows = np.repeat(np.arange(50), v)
    again = [tuple(np.flatnonzero(side[rows]) for side in fold) for fold in folds]
    repeated = LassoCV(cv=again, alphas=30).fit(X[rows], y[rows])
    assert_allclose(weighted.mse_path_, repeated.mse_path_, rtol=1e-8)
    assert_allclose(weighted.coef_, repeated.coef_, atol=1e-9)
