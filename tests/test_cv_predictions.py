"""`store_predictions`: what single fits predict for the rows they did not see."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import Oracle
from problems import ar1, contain, regression
from sklearn.base import clone
from sklearn.model_selection import KFold, RepeatedKFold, cross_val_predict

from sklearn_regnorm import ElasticNet, ElasticNetCV, LassoCV
from sklearn_regnorm.solvers import forced_form

X, y = regression(0, 36, 6)
X = np.where(np.abs(X) > 0.4, X, 0.0)
ROWS = np.arange(36)
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[ROWS % 6]
SPLITS = {
    "partition": KFold(4, shuffle=True, random_state=0),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=4, random_state=0),
    "gaps": [(ROWS[:20], ROWS[30:]), (ROWS[10:], ROWS[:5])],
    "overlap": [(ROWS[:24], ROWS[20:]), (ROWS[12:], ROWS[:30]), (ROWS, ROWS[::-1])],
    "bootstrap": [(ROWS[:20], np.repeat(ROWS[18:30], 2)), (ROWS[6:], ROWS[[3, 1, 3, 3, 20]])],
}
forms = pytest.mark.parametrize("form", ["gram", "working_set"])


def by_hand(model, folds, weights):
    """Return predictions (n_rows_of_the_table, n)."""
    table, v = model.cv_table_, np.ones(36) if weights is None else weights
    predictions = np.empty((len(table["alpha"]), 36))
    for row, (alpha, ratio) in enumerate(zip(table["alpha"], table["l1_ratio"], strict=True)):
        found = [[] for _ in ROWS]
        for train, test in folds:
            one = ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-14)
            one.fit(X[train], y[train], v[train])
            for i, value in zip(test, one.predict(X[test]), strict=True):
                found[i].append(value)
        predictions[row] = [np.mean(values) if values else np.nan for values in found]
    return predictions


@forms
@pytest.mark.parametrize("container", [pytest.param("C", marks=pytest.mark.slow), "csc"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("ratio", [1.0, [0.0, 0.4, 1.0]], ids=["one ratio", "several ratios"])
def test_predictions_of_single_fits(ratio, split, weights, container, form):
    cv = SPLITS[split]
    folds = list(cv.split(X)) if hasattr(cv, "split") else cv
    model = ElasticNetCV(l1_ratio=ratio, alphas=3, cv=cv, store_predictions=True, tol=1e-14)
    with forced_form(form):
        model.fit(contain(X, container), y, weights)
        plain = clone(model).set_params(store_predictions=False)
        plain.fit(contain(X, container), y, weights)
    leading = (3,) if ratio == 1.0 else (3, 3)
    assert model.cv_predictions_.shape == (*leading, 36)
    expected = by_hand(model, folds, weights).reshape(model.cv_predictions_.shape)
    assert_allclose(model.cv_predictions_, expected, rtol=1e-9, atol=1e-9)
    never = np.setdiff1d(ROWS, np.concatenate([test for _, test in folds]))
    assert (len(never) > 0) == (split in ("gaps", "bootstrap"))
    assert np.isnan(model.cv_predictions_[..., never]).all()
    assert not hasattr(plain, "cv_predictions_")
    assert_array_equal(plain.mse_path_, model.mse_path_)
    assert plain.alpha_ == model.alpha_


def test_the_chosen_row_is_what_cross_val_predict_gives():
    cv = KFold(4)
    model = ElasticNetCV(alphas=9, cv=cv, store_predictions=True).fit(X, y)
    single = ElasticNet(alpha=model.alpha_, tol=1e-14)
    chosen = model.cv_predictions_[model.best_index_]
    assert_allclose(chosen, cross_val_predict(single, X, y, cv=cv), rtol=1e-9)
    errors = [np.mean((y[test] - chosen[test]) ** 2) for _, test in cv.split(X)]
    assert_allclose(model.mse_path_[model.best_index_], errors, rtol=1e-9)


@forms
def test_relaxed_predictions(form):
    shares = [0.0, 0.3, 1.0]
    folds = list(KFold(3).split(X))
    model = LassoCV(alphas=4, cv=folds, relax=shares, store_predictions=True, tol=1e-14)
    with forced_form(form):
        model.fit(X, y)
    assert model.cv_predictions_.shape == (4, 3, 36)
    for a, alpha in enumerate(model.alphas_):
        for train, test in folds:
            one = ElasticNet(alpha=alpha, l1_ratio=1.0, tol=1e-14).fit(X[train], y[train])
            basis = np.column_stack([np.ones(36), X[:, one.coef_ != 0]])
            free = basis[test] @ np.linalg.lstsq(basis[train], y[train])[0]
            for g, share in enumerate(shares):
                expected = share * one.predict(X[test]) + (1 - share) * free
                assert_allclose(model.cv_predictions_[a, g, test], expected, rtol=1e-8)
    row = model.best_index_
    best = model.cv_predictions_.reshape(12, 36)[row]
    errors = [np.mean((y[test] - best[test]) ** 2) for _, test in folds]
    found = [model.cv_table_[f"split{k}_test_neg_mean_squared_error"][row] for k in range(3)]
    assert_allclose(found, -np.array(errors), rtol=1e-9)


@pytest.mark.compiled
@pytest.mark.parametrize("columns", [60, 120])
def test_what_early_stopping_left_out_has_no_predictions(columns):
    rng = np.random.default_rng(0)
    Z = ar1(rng, 80, columns, 0.5)
    z = Z[:, :5].sum(axis=1) + 6 * rng.standard_normal(80)
    given = {"store_predictions": True, "scoring": "r2", "relax": [0.5, 1.0]}
    with forced_form("working_set"):
        whole = LassoCV(**given).fit(Z, z)
        model = LassoCV(early_stopping=True, **given).fit(Z, z)
    missing = np.isnan(model.mse_path_).any(axis=1)
    assert 10 < missing.sum() < 90
    assert np.isnan(model.cv_predictions_[missing]).all()
    assert_array_equal(model.cv_predictions_[~missing], whole.cv_predictions_[~missing])
    assert np.isfinite(model.cv_predictions_[~missing, 1]).all()
    assert np.isfinite(model.relaxed_coef_path_[~missing][:10]).all()
    scores = model.cv_table_["mean_test_r2"].reshape(100, 2)
    assert np.isnan(scores[missing]).all() and np.isfinite(scores[~missing, 1]).all()
    assert np.isnan(model.relaxed_coef_path_[missing]).all()
    assert model.alpha_ == whole.alpha_


@forms
def test_single_precision(form):
    with forced_form(form):
        model = LassoCV(alphas=5, store_predictions=True, cv=4).fit(X.astype(np.float32), y)
        double = clone(model).set_params(alphas=model.alphas_).fit(X, y)
    assert_allclose(model.cv_predictions_, double.cv_predictions_, rtol=1e-3, atol=1e-3)


@forms
@pytest.mark.parametrize("ratio", [1.0, [0.2, 0.9]], ids=["one ratio", "several ratios"])
def test_certificates_of_the_table_hold(ratio, form):
    """The objective exceeds its minimum by no more than the column `dual_gap` says."""
    rng = np.random.default_rng(1)
    Z = ar1(rng, 36, 50, 0.9)
    z = Z[:, :4].sum(axis=1) + rng.standard_normal(36)
    with forced_form(form):
        model = ElasticNetCV(l1_ratio=ratio, alphas=6, eps=0.01, cv=3).fit(Z, z, WEIGHTS)
    table = model.cv_table_
    coefs = model.coef_path_.reshape(-1, 50)
    for row, (alpha, one) in enumerate(zip(table["alpha"], table["l1_ratio"], strict=True)):
        oracle = Oracle(Z, z, WEIGHTS, alpha=alpha, l1_ratio=one)
        best = ElasticNet(alpha=alpha, l1_ratio=one, tol=1e-15).fit(Z, z, WEIGHTS)
        excess = float(oracle.objective(coefs[row]) - oracle.objective(best.coef_))
        rounding = 64 * np.finfo(float).eps * float(oracle.null_objective())
        assert excess <= table["dual_gap"][row] + rounding
        assert 0 <= table["dual_gap"][row] <= oracle.goal(1e-4, np.finfo(float).eps)
