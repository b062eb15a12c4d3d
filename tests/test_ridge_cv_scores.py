"""RidgeCV beside scikit-learn's: scores, stored results and choices on a given grid."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression
from sklearn import config_context
from sklearn.datasets import load_breast_cancer, load_diabetes, load_linnerud
from sklearn.metrics import make_scorer, max_error, mean_absolute_error
from sklearn.model_selection import GroupKFold, KFold
from sklearn.preprocessing import scale

from sklearn_regnorm import Ridge, RidgeCV

GRID = np.geomspace(1e-3, 1e3, 13)
LOADERS = {"diabetes": load_diabetes, "cancer": load_breast_cancer, "linnerud": load_linnerud}
SCORINGS = {
    "default": None,
    "mse": "neg_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "r2": "r2",
    "scorer": make_scorer(max_error, greater_is_better=False),
    "callable": lambda model, X, y: -(np.abs(model.predict(X) - y).max() ** 3),
}
one_target = pytest.mark.parametrize("name", ["diabetes", "cancer"])
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")


def load(name):
    X, y = LOADERS[name](return_X_y=True)
    return scale(X)[:200], np.asarray(y, dtype=float)[:200]


def same(ours, theirs, rtol=1e-8):
    for name in ("alpha_", "best_score_", "coef_", "intercept_"):
        got, expected = getattr(ours, name), getattr(theirs, name)
        assert np.shape(got) == np.shape(expected), name
        size = np.abs(expected).max()
        assert_allclose(got, expected, rtol=rtol, atol=rtol * size, err_msg=name)


@pytest.mark.parametrize("scoring", SCORINGS.values(), ids=SCORINGS)
@pytest.mark.parametrize("fit_intercept", [True, False])
@one_target
def test_leave_one_out_scores(name, fit_intercept, scoring):
    X, y = load(name)
    given = {"alphas": GRID, "scoring": scoring, "fit_intercept": fit_intercept}
    given["store_cv_results"] = True
    ours, theirs = (cls(**given).fit(X, y) for cls in (RidgeCV, sk.RidgeCV))
    same(ours, theirs)
    assert ours.cv_results_.shape == theirs.cv_results_.shape == (len(y), len(GRID))
    assert_allclose(ours.cv_results_, theirs.cv_results_, rtol=1e-8, atol=1e-9 * y.var())


@pytest.mark.parametrize("per_target", [False, True])
@pytest.mark.parametrize("scoring", [None, "mae", "r2"])
def test_several_targets(scoring, per_target):
    X, Y = load("linnerud")
    given = {"alphas": GRID, "scoring": SCORINGS.get(scoring), "alpha_per_target": per_target}
    given["store_cv_results"] = True
    ours, theirs = (cls(**given).fit(X, Y) for cls in (RidgeCV, sk.RidgeCV))
    same(ours, theirs)
    assert ours.cv_results_.shape == theirs.cv_results_.shape == (20, 3, len(GRID))
    assert_allclose(ours.cv_results_, theirs.cv_results_, rtol=1e-8, atol=1e-9 * Y.var())
    if per_target:
        assert ours.alpha_.shape == (3,)
        for t in range(3):
            single = RidgeCV(alphas=GRID, scoring=given["scoring"]).fit(X, Y[:, t])
            assert single.alpha_ == ours.alpha_[t]
            assert_allclose(single.best_score_, ours.best_score_[t], rtol=1e-9)
            assert_allclose(single.coef_, ours.coef_[t], rtol=1e-9)
        assert_allclose(ours.lambda_2_, ours.alpha_ / 40, rtol=1e-14)


def test_alpha_per_target_with_one_target():
    X, y = load("diabetes")
    for target in (y, y[:, None]):
        given = {"alphas": GRID, "alpha_per_target": True}
        ours, theirs = (cls(**given).fit(X, target) for cls in (RidgeCV, sk.RidgeCV))
        assert ours.alpha_ == theirs.alpha_ and np.ndim(ours.alpha_) == np.ndim(theirs.alpha_)
        assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8)
        assert ours.coef_.shape == theirs.coef_.shape


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), [3, 0, 9, 3]], ids=str)
def test_stored_results_keep_the_order_of_the_grid(order):
    X, y = load("diabetes")
    grid = GRID[order]
    model = RidgeCV(alphas=grid, store_cv_results=True).fit(X, y)
    for a, alpha in enumerate(grid):
        row = np.flatnonzero(model.alphas_ == alpha)[0]
        assert_allclose(model.cv_results_[:, a], model.mse_path_[row], rtol=1e-12)
    assert not hasattr(RidgeCV(alphas=grid).fit(X, y), "cv_results_")


@pytest.mark.parametrize("mode", ["auto", "svd", "eigen"])
def test_gcv_mode_changes_nothing(mode):
    X, y = load("diabetes")
    model, other = RidgeCV(alphas=GRID).fit(X, y), RidgeCV(alphas=GRID, gcv_mode=mode).fit(X, y)
    assert_array_equal(model.mse_path_, other.mse_path_)
    assert_array_equal(model.coef_, other.coef_)


@pytest.mark.parametrize("scoring", ["mse", "mae", "r2", "callable"])
@one_target
def test_folds_scores(name, scoring):
    X, y = load(name)
    given = {"alphas": GRID, "scoring": SCORINGS[scoring], "cv": KFold(4)}
    same(*(cls(**given).fit(X, y) for cls in (RidgeCV, sk.RidgeCV)))


def test_folds_scores_of_several_targets():
    X, Y = load("linnerud")
    for scoring in ("neg_mean_squared_error", "r2"):
        given = {"alphas": GRID, "scoring": scoring, "cv": 4}
        same(*(cls(**given).fit(X, Y) for cls in (RidgeCV, sk.RidgeCV)))


@pytest.mark.parametrize("scoring", ["mse", "mae", "r2"])
def test_leave_one_out_scores_with_weights(scoring):
    X, y = load("diabetes")
    v = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    given = {"alphas": GRID, "scoring": SCORINGS[scoring]}
    same(*(cls(**given).fit(X, y, sample_weight=v) for cls in (RidgeCV, sk.RidgeCV)))


@pytest.mark.parametrize("scoring", [None, "mse", "mae", "r2"])
def test_scores_of_weighted_folds_are_those_of_repeated_rows(scoring):
    X, y = load("diabetes")
    counts = np.random.default_rng(0).integers(0, 4, len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    folds = list(KFold(4).split(X))
    repeated = [tuple(np.flatnonzero(np.isin(rows, side)) for side in fold) for fold in folds]
    weighted = RidgeCV(alphas=GRID, cv=folds, scoring=SCORINGS.get(scoring))
    expanded = RidgeCV(alphas=GRID, cv=repeated, scoring=SCORINGS.get(scoring))
    same(weighted.fit(X, y, sample_weight=counts), expanded.fit(X[rows], y[rows]))


def absolute(y, predicted, sample_weight=None):
    return mean_absolute_error(y, predicted, sample_weight=sample_weight)


@pytest.mark.compiled
@pytest.mark.parametrize("cv", [None, KFold(4)], ids=["leave one out", "folds"])
def test_weights_reach_a_scorer_that_asks_for_them_h36(cv):
    X, y = (one[:60] for one in load("diabetes"))
    v = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(absolute, greater_is_better=False)
        scorer.set_score_request(sample_weight=True)
        model = RidgeCV(alphas=GRID, cv=cv, scoring=scorer)
        model.fit(X, y, sample_weight=v)
        deaf = RidgeCV(alphas=GRID, cv=cv, scoring=scorer.set_score_request(sample_weight=False))
        deaf.fit(X, y, sample_weight=v)
    best = {True: -np.inf, False: -np.inf}
    folds = list(KFold(len(y) if cv is None else 4).split(X))
    for alpha in GRID:
        predicted = np.empty(len(y))
        for train, test in folds:
            fit = Ridge(alpha=alpha).fit(X[train], y[train], sample_weight=v[train])
            predicted[test] = fit.predict(X[test])
        sides = [np.arange(len(y))] if cv is None else [test for _, test in folds]
        for weighted in (True, False):
            scores = [-absolute(y[s], predicted[s], v[s] if weighted else None) for s in sides]
            best[weighted] = max(best[weighted], np.mean(scores))
    assert model.best_score_ == pytest.approx(best[True], rel=1e-9)
    assert deaf.best_score_ == pytest.approx(best[False], rel=1e-9)
    assert abs(best[True] - best[False]) > 1e-3


def test_groups_reach_the_splitter_h36():
    X, y = load("diabetes")
    groups = np.arange(len(y)) * 7 % 5
    folds = list(GroupKFold(5).split(X, y, groups))
    expected = RidgeCV(alphas=GRID, cv=folds).fit(X, y).mse_path_
    with config_context(enable_metadata_routing=True):
        routed = RidgeCV(alphas=GRID, cv=GroupKFold(5)).fit(X, y, groups=groups)
    assert_array_equal(routed.mse_path_, expected)
    with pytest.raises(ValueError, match="groups.*enable_metadata_routing"):
        RidgeCV(alphas=GRID, cv=GroupKFold(5)).fit(X, y, groups=groups)


def test_weights_are_repetitions_given_corresponding_folds():
    X, y = regression(0, 40, 6)
    counts = np.arange(40) * 5 % 4
    rows = np.repeat(np.arange(40), counts)
    folds = [(np.flatnonzero(np.arange(40) % 3 != k), np.arange(k, 40, 3)) for k in range(3)]
    repeated = [tuple(np.flatnonzero(np.isin(rows, side)) for side in fold) for fold in folds]
    for options in ({}, {"standardize": True}, {"fit_intercept": False}):
        weighted = RidgeCV(alphas=20, cv=folds, **options).fit(X, y, sample_weight=counts)
        expanded = RidgeCV(alphas=20, cv=repeated, **options).fit(X[rows], y[rows])
        for name in ("alphas_", "mse_path_", "coef_path_", "alpha_", "best_score_", "coef_"):
            got, expected = getattr(weighted, name), getattr(expanded, name)
            assert_allclose(got, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_scaled_weights_ask_for_scaled_alphas():
    X, y = regression(0, 30, 5)
    v = np.arange(30) % 4 + 0.25
    one = RidgeCV(alphas=GRID).fit(X, y, sample_weight=v)
    for k in (1e-150, 1e-3, 1e150):
        other = RidgeCV(alphas=k * GRID).fit(X, y, sample_weight=k * v)
        assert_allclose(other.mse_path_, one.mse_path_, rtol=1e-9)
        assert_allclose(other.coef_, one.coef_, rtol=1e-9)
        assert_allclose(other.alpha_, k * one.alpha_, rtol=1e-12)
        assert_allclose(other.best_score_, one.best_score_, rtol=1e-9)


@pytest.mark.parametrize("cv", [None, 3])
def test_threads_and_float32(cv):
    X, y = load("diabetes")
    models = [RidgeCV(alphas=GRID, cv=cv, n_jobs=n).fit(X, y) for n in (None, 2, -1)]
    for other in models[1:]:
        assert_array_equal(other.mse_path_, models[0].mse_path_)
        assert_array_equal(other.coef_, models[0].coef_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = RidgeCV(alphas=GRID, cv=cv).fit(X.astype(np.float32), y)
    assert single.coef_.dtype == single.coef_path_.dtype == np.float32
    assert_allclose(single.mse_path_, models[0].mse_path_, rtol=1e-3, atol=1e-5 * y.var())
    assert_allclose(single.coef_, models[0].coef_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("container", ["C", "csr"])
@pytest.mark.parametrize("exponent", [-12, -5, 5, 12, "wide"])
def test_one_alpha_is_ridge_whatever_the_weights_h26(exponent, container):
    X, y = regression(12, 40, 6)
    rng = np.random.default_rng(13)
    if exponent == "wide":
        v = 10.0 ** rng.uniform(-12, 12, 40)
    else:
        v = 10.0**exponent * rng.integers(1, 4, 40)
    for alpha in (1e-6, 1.0, 1e6):
        single = Ridge(alpha).fit(contain(X, container), y, sample_weight=v)
        for cv in (None, 3):
            model = RidgeCV([alpha], cv=cv).fit(contain(X, container), y, sample_weight=v)
            size = np.abs(single.coef_).max()
            assert_allclose(model.coef_, single.coef_, rtol=0, atol=1e-9 * size)
            assert model.intercept_ == pytest.approx(single.intercept_, rel=1e-9)
