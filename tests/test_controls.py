"""Optimality with penalty factors and bounds, judged in extended precision."""

import warnings

import numpy as np
import pytest
from controlled import tame
from fuzz.linear import fit
from numpy.testing import assert_allclose
from oracle import Oracle, certified
from problems import contain, regression
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form

FORMS = "gram", "working_set"
MANY = 100_000
EPS = np.finfo(float).eps
form = pytest.mark.parametrize("form", FORMS)


@pytest.mark.compiled
def test_generated_problems_have_every_control():
    problems = [tame(seed).params for seed in range(100)]
    factors = [one["penalty_factor"] for one in problems if one["penalty_factor"] is not None]
    assert sum(np.any(f == 0) for f in factors) > 20 and sum(np.isinf(f).any() for f in factors) > 9
    for name in ("lower", "upper"):
        given = [one[name] for one in problems if one[name] is not None]
        assert sum(np.ndim(one) == 0 for one in given) > 9
        assert sum(np.any(np.array(one) == 0) for one in given) > 9
    fitted = [fit(tame(seed), "gram")[0] for seed in range(100)]
    at_bound = [
        np.any(one.coef_ == np.float64(bound)) and bound != 0
        for one in fitted
        for bound in (one.lower, one.upper)
        if bound is not None and np.ndim(bound) == 0
    ]
    assert sum(at_bound) > 9


CONTROLS = {
    "factors": {"penalty_factor": [0.5, 0.0, 2.0, 1.0]},
    "excluded": {"penalty_factor": [1.0, np.inf, 0.0, 0.3]},
    "bounds": {"lower": [-0.2, -np.inf, 0.0, -0.5], "upper": [0.3, 0.0, np.inf, 0.1]},
    "all": {"penalty_factor": [0.0, 1.0, 0.0, np.inf], "lower": -0.4, "upper": [0.2, 1.0, 1, 1]},
}


def small():
    X, y = regression(0, 30, 4, nonzero=4)
    return X, y, np.random.default_rng(1).integers(1, 4, 30) * 1.0


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_the_oracle_accepts_the_optimum_and_nothing_near_it(l1_ratio, standardize, name):
    X, y, v = small()
    flags = {"l1_ratio": l1_ratio, "standardize": standardize, **CONTROLS[name]}
    oracle = Oracle(X, y, v, alpha=0.1, **flags)
    w, b = oracle.enumerate_signs()
    assert oracle.kkt(w.astype(float), EPS) <= 1e-12 and oracle.intercept_error(w, b, EPS) <= 1
    moved = 0
    for j in range(4):
        for step in (1e-7, -1e-7):
            near = w.copy()
            near[j] += step
            assert oracle.kkt(near, EPS) > 1e-9
            if oracle.lower[j] <= near[j] <= oracle.upper[j]:
                moved += 1
                assert oracle.objective(near) > oracle.objective(w)
            else:
                assert oracle.kkt(near, EPS) == np.inf
    assert moved >= 2


@form
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_every_pattern_of_signs_and_bounds(l1_ratio, standardize, name, container, form):
    X, y, v = small()
    flags = {"l1_ratio": l1_ratio, "standardize": standardize, **CONTROLS[name]}
    model = ElasticNet(0.1, tol=1e-14, max_iter=MANY, **flags)
    with forced_form(form):
        model.fit(contain(X, container), y, sample_weight=v)
    best, _ = Oracle(X, y, v, alpha=0.1, **flags).enumerate_signs()
    assert_allclose(model.coef_, best.astype(float), rtol=0, atol=1e-13)
    certified(model, X, y, v)


@pytest.mark.compiled
@form
@pytest.mark.parametrize("tol", [1e-14, 1e-4])
@pytest.mark.parametrize("name", ["free", "boxed"])
def test_a_warning_if_and_only_if_uncertified_h09(name, tol, form):
    X, y = regression(3, 60, 100, rho=0.95)
    given = {"free": {"penalty_factor": np.arange(100) % 20 > 0}, "boxed": {"upper": 1.0}}[name]
    outcomes = set()
    for max_iter in (1, 2, 4, 1000):
        model = Lasso(1e-3, tol=tol, max_iter=max_iter, **given)
        with warnings.catch_warnings(record=True) as caught, forced_form(form):
            warnings.simplefilter("always")
            model.fit(X, y)
        goal = Oracle(X, y, alpha=1e-3, l1_ratio=1.0).goal(tol, EPS)
        assert [one.category for one in caught] == [ConvergenceWarning] * (model.dual_gap_ > goal)
        outcomes.add(len(caught))
    assert outcomes == {0, 1}


@form
@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
def test_every_fold_and_every_alpha_of_cross_validation(ratio, name, form):
    """The path on all rows by the oracle, errors of folds by fits of their own."""
    X, y, v = small()
    folds = [(np.arange(30) % 3 != k, np.arange(30) % 3 == k) for k in range(3)]
    given = {"tol": 1e-14, "max_iter": MANY, "standardize": True, **CONTROLS[name]}
    model = LassoCV(alphas=5, cv=folds, **given)
    if ratio != 1.0:
        model = ElasticNetCV(l1_ratio=ratio, alphas=5, cv=folds, **given)
    with forced_form(form):
        model.fit(X, y, sample_weight=v)
    for a, alpha in enumerate(model.alphas_):
        flags = {"alpha": alpha, "l1_ratio": ratio, "standardize": True, **CONTROLS[name]}
        oracle = Oracle(X, y, v, **flags)
        assert oracle.kkt(model.coef_path_[a], EPS) <= 1e-8
        for k, (train, test) in enumerate(folds):
            w, b = Oracle(X[train], y[train], v[train], **flags).enumerate_signs()
            error = np.average((y[test] - b - X[test] @ w) ** 2, weights=v[test])
            assert model.mse_path_[a, k] == pytest.approx(float(error), rel=1e-10)
