"""Newton steps on the active set: the same numbers, whatever they meet on their way."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import KKT_LIMIT, Oracle
from problems import DIFFICULT, ar1, contain, difficult, wide

from sklearn_regnorm import ElasticNetCV, LassoCV, enet_path
from sklearn_regnorm.solvers import column_sets, forced_form, newton, state

EPS = np.finfo(float).eps


@pytest.fixture(params=DIFFICULT)
def data(request):
    return difficult(request.param)


@pytest.fixture(autouse=True)
def form(monkeypatch):
    """The working-set form, where no path is followed from event to event, nor descent first."""
    monkeypatch.setattr(state, "HOMOTOPY_ROWS", 0)
    monkeypatch.setattr(state, "PATIENCE_EARLY", 0)
    monkeypatch.setattr(column_sets, "GRAM_FIRST", -1)
    with forced_form("working_set"):
        yield


@pytest.fixture
def solved(monkeypatch):
    """For every point, whether steps solved it."""
    found, advance = [], newton.Newton.advance

    def recorded(*args):
        result = advance(*args)
        found.append(result[2])
        return result

    monkeypatch.setattr(newton.Newton, "advance", recorded)
    return found


@pytest.mark.parametrize("container", ["F", "C", "csc"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 0.6])
@pytest.mark.slow
def test_every_point_is_optimal(ratio, positive, container, data, solved):
    X, y = data
    given = {"l1_ratio": ratio, "positive": positive, "alphas": 30}
    for tol in (1e-4, 1e-14):
        result = enet_path(contain(X, container), y, **given, tol=tol, max_iter=100_000)
        for alpha, coef, gap in zip(result[0], result[1].T, result[2], strict=True):
            oracle = Oracle(
                X, y, alpha=alpha, l1_ratio=ratio, fit_intercept=False, positive=positive
            )
            assert gap <= oracle.goal(tol, EPS)
            if tol == 1e-14:
                assert oracle.kkt(coef, EPS) <= KKT_LIMIT
            else:
                assert oracle.gap(coef) <= oracle.goal(tol, EPS) * (1 + 1e-6)
    assert np.mean(solved) > 0.5


def interpolating(seed=0, n=120, p=400):
    """A problem whose path ends with as many coefficients as rows."""
    rng = np.random.default_rng(seed)
    X = ar1(rng, n, p, 0.5)
    return X, X[:, ::20].sum(axis=1) + 3.0 * rng.standard_normal(n)


@pytest.mark.compiled
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_steps_suffice_up_to_interpolation(ratio, solved):
    X, y = interpolating()
    model = ElasticNetCV(l1_ratio=ratio, cv=3, eps=3e-3).fit(X, y)
    assert np.all(model.dual_gap_path_ <= 1e-4 * y.var())
    assert (model.coef_path_[-1] != 0).sum() > 0.8 * len(y)
    assert np.mean(solved) > 0.99
    assert model.n_iter_ < 10


@pytest.mark.compiled
def test_agrees_with_the_other_forms(solved):
    X, y = wide(3)
    given = {"cv": 3, "alphas": 40, "tol": 1e-14, "max_iter": 100_000}
    stepped = LassoCV(**given).fit(X, y)
    assert np.mean(solved) > 0.9
    with forced_form("gram"):
        exact = LassoCV(**given).fit(X, y)
    assert_allclose(stepped.mse_path_, exact.mse_path_, rtol=1e-9, atol=1e-10 * y.var())
    assert_allclose(stepped.coef_path_, exact.coef_path_, atol=1e-8)
    assert stepped.alpha_ == exact.alpha_


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOINING", (1, 0.0)),
        ("KEPT", (0, 0.0)),
        ("DAMPING", 0.3),
        ("MOST_STEPS", 2),
        ("PATIENCE", 1),
    ],
)
@pytest.mark.slow
def test_limits_change_the_way_and_not_the_end(name, value, monkeypatch):
    X, y = wide(5)
    given = {"alphas": 30, "tol": 1e-14, "max_iter": 100_000}
    _, expected, _ = enet_path(X, y, l1_ratio=1.0, **given)
    monkeypatch.setattr(newton, name, value)
    _, coefs, gaps = enet_path(X, y, l1_ratio=1.0, **given)
    assert_allclose(coefs, expected, atol=1e-8)
    assert np.all(gaps <= 1e-12 * y @ y)


@pytest.mark.compiled
def test_without_a_factor_descent_takes_over(monkeypatch, solved):
    X, y = wide(6)
    _, expected, _ = enet_path(X, y, alphas=20, tol=1e-14, max_iter=100_000)
    assert any(solved)
    solved.clear()
    monkeypatch.setattr(newton, "_factorise", lambda M: False)
    _, coefs, gaps = enet_path(X, y, alphas=20, tol=1e-14, max_iter=100_000)
    assert not any(solved[1:])
    assert_allclose(coefs, expected, atol=1e-7)
    assert np.all(gaps <= 1e-12 * y @ y)


@pytest.mark.compiled
def test_elastic_nets_descend_until_that_is_slow(monkeypatch, solved):
    X, y = interpolating(2)
    given = {"l1_ratio": 0.99, "alphas": 30, "eps": 1e-3}
    monkeypatch.setattr(state, "PATIENCE_EARLY", 8)
    _, coefs, gaps = enet_path(X, y, **given)
    late = len(solved)
    assert 0 < late < 30 and np.all(gaps <= 1e-4 * y @ y / len(y))
    monkeypatch.setattr(state, "PATIENCE_EARLY", 10**6)
    enet_path(X, y, **given)
    assert len(solved) == late


@pytest.mark.compiled
def test_threads_change_nothing():
    X, y = interpolating(1)
    one, two = LassoCV(cv=4).fit(X, y), LassoCV(cv=4, n_jobs=2).fit(X, y)
    assert_array_equal(one.coef_path_, two.coef_path_)
    assert_array_equal(one.mse_path_, two.mse_path_)
