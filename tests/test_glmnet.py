"""Agreement with R's glmnet on data sets that ship with scikit-learn.

With V = v / sum v, s_j the weighted standard deviation of column j (about its mean even without
intercept; 1 if not standardised) and u_j = s_j w_j, glmnet minimises for the gaussian family::

    1/2 sum V r^2 + lambda * (l1_ratio sum |u_j| + (1 - l1_ratio) / (2 y_scale) sum u_j^2)

where y_scale is the standard deviation of y (its root mean square without intercept).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets

from sklearn_regnorm import ElasticNet, Lasso, LassoCV, Ridge, RidgeCV
from sklearn_regnorm.solvers import forced_form

REFERENCE = json.loads((Path(__file__).parent / "data" / "glmnet_reference.json").read_text())
TOLERANCE = 1e-8


def inputs(case):
    """Return X, y, weights."""
    if case["data"] == "diabetes":
        X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    else:
        X, y = datasets.load_digits(return_X_y=True)
    if case["data"] == "wide":
        X, y = X[:60], y[:60]
        X = X[:, (X > 0).sum(axis=0) >= 30] / 16
        i, j = np.triu_indices(X.shape[1], 1)
        X = np.hstack([X, X[:, i] * X[:, j]])
    v = np.arange(1, len(y) + 1) % 4 + 1.0 if case["weights"] else np.ones(len(y))
    return X, y.astype(float), v


def unpacked(coef, p):
    if not isinstance(coef, dict):
        return np.array(coef)
    w = np.zeros(p)
    w[coef["idx"]] = coef["val"]
    return w


def column_scales(X, v):
    s = np.sqrt(v @ (X - v @ X / v.sum()) ** 2 / v.sum())
    return np.where(s > 0, s, 1.0)


def y_scale(case, y, v):
    mean = v @ y / v.sum() if case["intercept"] else 0.0
    return np.sqrt(v @ (y - mean) ** 2 / v.sum())


def lambdas_of(case, lam, scale):
    """Return (lambda_1, lambda_2) of our objective for glmnet's lambda."""
    return lam * case["l1_ratio"], lam * (1 - case["l1_ratio"]) / scale / 2


def check_path(case, make, X, y, v, given=None):
    """Compare the fits of `make(lambda_1, lambda_2)` with glmnet's along the path."""
    assert y_scale(case, y, v) == pytest.approx(case["y_scale"], rel=1e-12)
    s = column_scales(X, v) if case["standardize"] else np.ones(X.shape[1])
    for lam, a0, coef in zip(case["lambda"], case["a0"], case["coef"], strict=True):
        model = make(*lambdas_of(case, lam, case["y_scale"]))
        model.fit(X if given is None else given, y, sample_weight=v if case["weights"] else None)
        u = unpacked(coef, X.shape[1]) * s
        size = max(np.abs(u).max(), 1e-9)
        np.testing.assert_allclose(model.coef_ * s, u, rtol=0, atol=TOLERANCE * size)
        reach = abs(a0) + size * np.sqrt(len(u)) * np.abs(v @ X / v.sum() / s).max()
        assert model.intercept_ == pytest.approx(a0, rel=0, abs=TOLERANCE * reach)


@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("name", REFERENCE["paths"])
def test_paths(name, form):
    case = REFERENCE["paths"][name]
    X, y, v = inputs(case)
    options = {"tol": 1e-14, "max_iter": 100_000, "positive": case["positive"]}
    options |= {"fit_intercept": case["intercept"], "standardize": case["standardize"]}

    def make(lambda_1, lambda_2):
        if lambda_2 == 0:
            return Lasso(lambda_1, **options)
        return ElasticNet.from_lambdas(lambda_1, lambda_2, **options)

    with forced_form(form):
        check_path(case, make, X, y, v, given=sparse.csc_matrix(X) if case["sparse"] else None)


@pytest.mark.parametrize("solver", ["auto", "svd", "cd", "sparse_cg"])
@pytest.mark.parametrize("name", ["A_ridge", "A_raw_0", "A_noint_0", "A_weights_0"])
def test_ridge(name, solver):
    case = REFERENCE["paths"][name]
    X, y, v = inputs(case)
    flags = {"fit_intercept": case["intercept"], "standardize": case["standardize"]}
    options = {"solver": solver, "tol": 1e-14, "max_iter": 100_000}

    def make(lambda_1, lambda_2):
        return Ridge(alpha=2 * lambda_2 * v.sum(), **options, **flags)

    check_path(case, make, X, y, v)


def folds_of(case, n):
    """Row i is left out in fold i mod K."""
    fold = np.arange(n) % case["folds"]
    return [(fold != k, fold == k) for k in range(case["folds"])]


def check_curve(case, errors, v):
    """Compare held-out errors (n_lambdas, n_folds) with glmnet's mean and standard error."""
    weight = [v[test].sum() for _, test in folds_of(case, len(v))]
    mean = np.average(errors, axis=1, weights=weight)
    spread = np.average((errors - mean[:, None]) ** 2, axis=1, weights=weight)
    np.testing.assert_allclose(mean, case["cvm"], rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(spread / (case["folds"] - 1)), case["cvsd"], rtol=1e-7)


@pytest.mark.parametrize("name", [name for name in REFERENCE["cv"] if "lasso" in name])
def test_lasso_cross_validation(name):
    case = REFERENCE["cv"][name]
    X, y, v = inputs(case)
    model = LassoCV(alphas=case["lambda"], cv=folds_of(case, len(y)), standardize=True)
    model.fit(X, y, sample_weight=v)
    np.testing.assert_allclose(model.alphas_, case["lambda"], rtol=1e-15)
    check_curve(case, model.mse_path_, v)


@pytest.mark.parametrize("name", ["A_cv5_enet50_weights", "A_cv5_ridge"])
def test_other_cross_validation(name):
    """Here glmnet's lambda means another L2 part in each fold, as y_scale is the fold's own."""
    case = REFERENCE["cv"][name]
    X, y, v = inputs(case)
    errors = np.empty((len(case["lambda"]), case["folds"]))
    for k, (train, test) in enumerate(folds_of(case, len(y))):
        scale = y_scale(case, y[train], v[train])
        for i, lam in enumerate(case["lambda"]):
            penalties = lambdas_of(case, lam, scale)
            model = ElasticNet.from_lambdas(*penalties, standardize=True)
            model.fit(X[train], y[train], sample_weight=v[train])
            errors[i, k] = np.average((y[test] - model.predict(X[test])) ** 2, weights=v[test])
    check_curve(case, errors, v)


def test_ridge_cross_validation_with_the_same_penalty_in_every_fold():
    """RidgeCV's folds against Ridge, itself compared with glmnet above."""
    case = REFERENCE["cv"]["A_cv5_ridge"]
    X, y, v = inputs(case)
    alphas = np.array(case["lambda"]) * v.sum() / y_scale(case, y, v)
    folds = folds_of(case, len(y))
    model = RidgeCV(alphas, cv=folds, standardize=True).fit(X, y)
    for i, alpha in enumerate(model.alphas_):
        for k, (train, test) in enumerate(folds):
            left = y[test] - Ridge(alpha, standardize=True).fit(X[train], y[train]).predict(X[test])
            assert model.mse_path_[i, k] == pytest.approx(np.mean(left**2), rel=1e-9)
