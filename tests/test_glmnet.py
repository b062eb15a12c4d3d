"""Agreement with R's glmnet on data sets that ship with scikit-learn.

With V = v / sum v, s_j the weighted standard deviation of column j (about its mean even without
intercept; 1 if not standardised) and u_j = s_j w_j, glmnet minimises for the gaussian family::

    1/2 sum V r^2 + lambda * (l1_ratio sum |u_j| + (1 - l1_ratio) / (2 y_scale) sum u_j^2)

where y_scale is the standard deviation of y (its root mean square without intercept). Each |u_j|
and u_j^2 counts f_j times, f being the factors times p / sum f, where an excluded column counts as
1 in the sum. Limits are those of w. With an offset, y less the offset is fitted.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV
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
    offset = 10 * (X[:, 2] - 26.375) if case.get("offset") else 0.0
    return X, y.astype(float) - offset, v


def controls(case, p):
    """Return our parameters for glmnet's factors, exclusions and limits."""
    f = np.resize([0, 1, 2, 0.5], p) if case.get("penalty_factor") else np.ones(p)
    excluded = case.get("exclude", [])
    f[excluded] = 1.0
    f *= p / f.sum()
    f[excluded] = np.inf
    return {"penalty_factor": f, "lower": case.get("lower"), "upper": case.get("upper")}


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
    for lam, *expected in zip(case["lambda"], case["a0"], case["coef"], strict=True):
        model = make(*lambdas_of(case, lam, case["y_scale"]))
        model.fit(X if given is None else given, y, sample_weight=v if case["weights"] else None)
        check_point(model.intercept_, model.coef_, *expected, X, v, s)


def check_point(intercept, w, a0, coef, X, v, s):
    """Compare a solution with glmnet's a0 and coef."""
    u = unpacked(coef, X.shape[1]) * s
    size = max(np.abs(u).max(), 1e-9)
    np.testing.assert_allclose(w * s, u, rtol=0, atol=TOLERANCE * size)
    reach = abs(a0) + size * np.sqrt(len(u)) * np.abs(v @ X / v.sum() / s).max()
    assert intercept == pytest.approx(a0, rel=0, abs=TOLERANCE * reach)


@pytest.mark.compiled
@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("name", REFERENCE["paths"])
def test_paths(name, form):
    case = REFERENCE["paths"][name]
    X, y, v = inputs(case)
    options = {"tol": 1e-14, "max_iter": 100_000, "positive": case["positive"]}
    options |= {"fit_intercept": case["intercept"], "standardize": case["standardize"]}
    if case.keys() & {"penalty_factor", "exclude", "lower", "upper"}:
        options |= controls(case, X.shape[1])

    def make(lambda_1, lambda_2):
        if lambda_2 == 0:
            return Lasso(lambda_1, **options)
        return ElasticNet.from_lambdas(lambda_1, lambda_2, **options)

    with forced_form(form):
        check_path(case, make, X, y, v, given=sparse.csc_matrix(X) if case["sparse"] else None)


@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("name", ["A_lower0_1", "A_lower0_0.5", "A_lower0_0"])
def test_a_lower_bound_of_zero(name, form):
    case = REFERENCE["paths"][name]
    options = {"tol": 1e-14, "max_iter": 100_000, "standardize": True, "lower": 0}
    with forced_form(form):
        check_path(case, lambda *one: ElasticNet.from_lambdas(*one, **options), *inputs(case))


@pytest.mark.compiled
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


def check_table(case, model, measure, metric, sign):
    """Compare `cv_table_`, and what is chosen from it, with glmnet's."""
    table = model.cv_table_
    np.testing.assert_allclose(sign * table[f"mean_test_{metric}"], measure["cvm"], rtol=1e-9)
    np.testing.assert_allclose(table[f"se_test_{metric}"], measure["cvsd"], rtol=1e-7)
    np.testing.assert_array_equal(table["n_nonzero"], case["nzero"])
    assert model.best_index_ == measure["index_min"]
    assert model.select("1se").best_index_ == measure["index_1se"]
    assert model.select("1se").alpha_ == case["lambda"][measure["index_1se"]]


@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("name", [name for name in REFERENCE["cv"] if "lasso" in name])
def test_lasso_cross_validation(name, form):
    case = REFERENCE["cv"][name]
    X, y, v = inputs(case)
    options = {"alphas": case["lambda"], "cv": folds_of(case, len(y)), "standardize": True}
    options |= {"tol": 1e-14, "max_iter": 100_000, "fold_weighting": "size"}
    with forced_form(form):
        model = LassoCV(**options, store_predictions=True).fit(X, y, sample_weight=v)
    np.testing.assert_allclose(model.alphas_, case["lambda"], rtol=1e-15)
    check_curve(case, model.mse_path_, v)
    check_table(case, model, case, "neg_mean_squared_error", -1)
    for k, predicted in case.get("preval", {}).items():
        np.testing.assert_allclose(model.cv_predictions_[int(k)], predicted, rtol=1e-9)


@pytest.mark.parametrize("name", [name for name, case in REFERENCE["cv"].items() if "mae" in case])
def test_mean_absolute_error(name):
    case = REFERENCE["cv"][name]
    if case["l1_ratio"] < 1:
        return check_other(case, "mae")
    X, y, v = inputs(case)
    metric = "neg_mean_absolute_error"
    options = {"alphas": case["lambda"], "cv": folds_of(case, len(y)), "standardize": True}
    model = LassoCV(**options, fold_weighting="size", scoring=metric).fit(X, y, sample_weight=v)
    check_table(case, model, case["mae"], metric, -1)


def check_other(case, measure):
    """Here glmnet's lambda means another L2 part in each fold, as y_scale is the fold's own.

    For one lambda and one fold, that is an ElasticNetCV with one split.
    """
    X, y, v = inputs(case)
    metric = {"mse": "neg_mean_squared_error", "mae": "neg_mean_absolute_error"}[measure]
    errors = np.empty((len(case["lambda"]), case["folds"]))
    predicted = np.empty((len(case["lambda"]), len(y)))
    for k, (train, test) in enumerate(folds_of(case, len(y))):
        scale = y_scale(case, y[train], v[train])
        for i, lam in enumerate(case["lambda"]):
            one = ElasticNet.from_lambdas(*lambdas_of(case, lam, scale))
            options = {"alphas": [one.alpha], "l1_ratio": one.l1_ratio, "cv": [(train, test)]}
            options |= {"standardize": True, "scoring": metric, "store_predictions": True}
            model = ElasticNetCV(**options).fit(X, y, sample_weight=v)
            errors[i, k] = -model.cv_table_[f"mean_test_{metric}"][0]
            predicted[i, test] = model.cv_predictions_[0, test]
    check_curve(case if measure == "mse" else case["mae"] | {"folds": case["folds"]}, errors, v)
    for k, expected in case["preval"].items():
        np.testing.assert_allclose(predicted[int(k)], expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["A_cv5_enet50_weights", "A_cv5_ridge"])
def test_other_cross_validation(name):
    check_other(REFERENCE["cv"][name], "mse")


RELAXED = {"standardize": True, "tol": 1e-14, "max_iter": 100_000, "relax": True, "cv": 3}


def check_relaxed(model, case, places, X, v):
    found = zip(model.relaxed_intercept_path_, model.relaxed_coef_path_, strict=True)
    for k, one in zip(places, found, strict=True):
        expected = case["relaxed"]["a0"][k], case["relaxed"]["coef"][k]
        check_point(*one, *expected, X, v, column_scales(X, v))


@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_relaxed_lasso(form):
    case = REFERENCE["paths"]["A_lasso"]
    X, y, v = inputs(case)
    with forced_form(form):
        model = LassoCV(alphas=case["lambda"], **RELAXED).fit(X, y)
    check_relaxed(model, case, range(len(case["lambda"])), X, v)


@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_relaxed_elastic_net(form):
    """A lambda of glmnet's is an l1_ratio of its own here."""
    case = REFERENCE["paths"]["A_enet50"]
    X, y, v = inputs(case)
    for k, lam in enumerate(case["lambda"]):
        one = ElasticNet.from_lambdas(*lambdas_of(case, lam, case["y_scale"]))
        model = ElasticNetCV(alphas=[one.alpha], l1_ratio=one.l1_ratio, **RELAXED)
        with forced_form(form):
            check_relaxed(model.fit(X, y), case, [k], X, v)


@pytest.mark.compiled
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
