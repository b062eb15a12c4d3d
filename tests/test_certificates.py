"""Certificates, and the oracle that judges them in extended precision."""

import warnings

import numpy as np
import pytest
from oracle import KKT_LIMIT, LONG, Oracle, certified, kkt_violation
from problems import ar1, contain, regression
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, Lasso, Ridge, enet_path
from sklearn_regnorm.solvers import forced_form

MANY = 100_000


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_the_oracle_accepts_the_optimum_and_nothing_near_it(l1_ratio, standardize, positive):
    X, y = regression(0, 30, 4)
    v = np.random.default_rng(1).integers(1, 4, 30) * 1.0
    flags = {"l1_ratio": l1_ratio, "standardize": standardize, "positive": positive}
    alpha = 0.1 * Oracle(X, y, v, alpha=1.0, **flags).alpha_max() if l1_ratio else 0.1
    oracle = Oracle(X, y, v, alpha=alpha, **flags)
    w, b = oracle.enumerate_signs()
    eps = np.finfo(float).eps
    rest = (alpha, l1_ratio, True, standardize, positive)
    assert kkt_violation(X, y, v, w.astype(float), float(b), *rest, eps) == 0
    assert abs(oracle.gap(w)) <= 1e-16 * oracle.null_objective()
    assert oracle.intercept_error(w, b + 1e-12, eps) > 1
    for j in np.flatnonzero(w):
        near = w.copy()
        near[j] *= 1 + 1e-8
        assert oracle.kkt(near, eps) > 1e-9
        assert 0 < oracle.objective(near) - oracle.objective(w) <= oracle.gap(near)


@pytest.mark.compiled
@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("max_iter", [1, 2, 4, 30])
@pytest.mark.parametrize("tol", [1e-14, 1e-8, 1e-4])
def test_a_warning_if_and_only_if_uncertified_h09(tol, max_iter, form):
    rng = np.random.default_rng(3)
    X = ar1(rng, 60, 150, 0.95)
    y = X[:, ::7].sum(axis=1) + rng.standard_normal(60)
    outcomes = set()
    for alpha in (1.0, 0.1, 1e-2, 1e-3):
        model = Lasso(alpha=alpha, tol=tol, max_iter=max_iter)
        with warnings.catch_warnings(record=True) as caught, forced_form(form):
            warnings.simplefilter("always")
            model.fit(X, y)
        goal = Oracle(X, y, alpha=alpha, l1_ratio=1.0).goal(tol, np.finfo(float).eps)
        assert len(caught) == (model.dual_gap_ > goal)
        for warning in caught:
            assert warning.category is ConvergenceWarning
            quoted = (f"{model.dual_gap_:.3e}", f"{goal:.3e}", f"alpha={alpha:g}", "max_iter")
            assert all(part in str(warning.message) for part in quoted)
        outcomes.add(len(caught))
    assert max_iter > 1 or 1 in outcomes, "one sweep cannot be enough"


@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_every_point_of_a_path_is_certified(container, l1_ratio, form):
    X, y = regression(4, 50, 80)
    with forced_form(form):
        alphas, coefs, gaps = enet_path(contain(X, container), y, l1_ratio=l1_ratio, tol=1e-14)
    for alpha, coef, gap in zip(alphas, coefs.T, gaps, strict=True):
        oracle = Oracle(X, y, alpha=alpha, l1_ratio=l1_ratio, fit_intercept=False)
        assert oracle.kkt(coef, np.finfo(float).eps) <= KKT_LIMIT
        assert gap <= oracle.goal(1e-14, np.finfo(float).eps)


@pytest.mark.parametrize("shape", [(80, 12), (12, 80), (40, 40)])
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_ridge_solvers_agree(fit_intercept, standardize, container, shape):
    X, y = regression(5, *shape)
    v = np.random.default_rng(6).integers(0, 4, shape[0]) * 1.0
    Y = np.column_stack([y, -3 * y + X[:, 0] ** 2])
    given = contain(X * 10.0 ** np.linspace(-1, 1, shape[1]), container)
    names = ["auto", "cholesky", "sparse_cg", "cd"] + (["svd"] if container == "F" else [])
    flags = {"fit_intercept": fit_intercept, "standardize": standardize}
    for alpha in 10.0 ** np.arange(-2.0, 7.0, 4.0):
        fits = {}
        for name in names:
            model = Ridge(alpha, solver=name, tol=1e-14, max_iter=MANY, **flags)
            fits[name] = model.fit(given, Y, sample_weight=v)
            oracle = Oracle(
                given, Y[:, 1], v, alpha=LONG(alpha) / LONG(v.sum()), l1_ratio=0.0, **flags
            )
            if name in ("auto", "cd"):
                assert oracle.kkt(model.coef_[1], np.finfo(float).eps) <= KKT_LIMIT, (name, alpha)
        size = np.asarray(oracle.norm, dtype=float)
        best = fits["auto"].coef_ * size
        for name, model in fits.items():
            error = np.abs(model.coef_ * size - best).max(axis=1) / np.abs(best).max(axis=1)
            assert error.max() <= 1e-8, (name, alpha, error)


def test_certified_accepts_several_targets_alone():
    X, y = regression(7, 40, 6)
    for model in (Lasso(0.1), ElasticNet(0.1), Ridge(3.0)):
        certified(model.fit(X, y), X, y)
