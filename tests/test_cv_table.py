"""`cv_table_` against single fits that scorers judge, fold by fold."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression
from sklearn import config_context
from sklearn.base import clone
from sklearn.metrics import get_scorer, make_scorer, max_error, mean_absolute_error
from sklearn.model_selection import GridSearchCV, KFold, RepeatedKFold, ShuffleSplit

from sklearn_regnorm import ElasticNet, ElasticNetCV, LassoCV, Ridge, RidgeCV
from sklearn_regnorm.solvers import forced_form

X, y = regression(0, 44, 6)
X, y = np.where(np.abs(X) > 0.4, X, 0.0), y + 2.0 * X[:, 0] - X[:, 4]
ROWS = np.arange(44)
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[ROWS % 6]
FOLDS = list(KFold(3, shuffle=True, random_state=0).split(X))
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
forms = pytest.mark.parametrize("form", ["gram", "working_set"])


def off_by(model, X, y):
    """A scorer that looks at the model and predicts for an X of its own."""
    shift = float(np.abs(model.coef_).sum()) + model.intercept_
    worse = model.predict(X[::-1])[::-1]
    return shift - float(np.mean(np.abs(y - worse) ** 1.5)) - float(np.ptp(model.predict(X)))


def total_error(model, X, y, sample_weight=None):
    """A scorer that takes weights, and on whose scale its value depends."""
    v = np.ones(len(y)) if sample_weight is None else sample_weight
    return -float(v @ np.abs(y - model.predict(X)))


def skewed(y, predicted, *, sample_weight=None, power=3):
    return float(np.average(np.abs(y - predicted) ** power, weights=sample_weight))


SCORINGS = {
    "one name": "r2",
    "function": off_by,
    "function with weights": total_error,
    "made": make_scorer(skewed, greater_is_better=False, power=2.5),
    "no weights": "neg_max_error",
    "list": ["r2", "neg_mean_absolute_error"],
    "dict": {"a": "neg_max_error", "b": off_by, "c": make_scorer(skewed, greater_is_better=False)},
}
WEIGHTLESS = {"neg_max_error", off_by}


def scorers_of(scoring):
    if isinstance(scoring, dict):
        return scoring
    if isinstance(scoring, list):
        return {name: name for name in scoring}
    return {scoring if isinstance(scoring, str) else "score": scoring}


def refit(model, row, train, weights, X=X):
    """Return the single fit that a row of a CV model's table stands for."""
    alpha = model.cv_table_["alpha"][row]
    v = None if weights is None else weights[train]
    if isinstance(model, RidgeCV):
        return Ridge(alpha=alpha).fit(X[train], y[train], v)
    ratio = model.cv_table_["l1_ratio"][row]
    return ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-14).fit(X[train], y[train], v)


def judged(one, scorer, test, weights, weighted):
    """Return what a scorer says of a fit on the test rows of positive weight."""
    rows = test if weights is None else test[weights[test] > 0]
    scorer = get_scorer(scorer) if isinstance(scorer, str) else scorer
    return scorer(one, X[rows], y[rows], **({"sample_weight": weights[rows]} if weighted else {}))


MODELS = {
    "lasso": LassoCV(alphas=4),
    "ratios": ElasticNetCV(alphas=3, l1_ratio=[0.0, 0.5, 1.0]),
    "ridge": RidgeCV(alphas=np.geomspace(0.1, 100, 4)),
}


@forms
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("scoring", SCORINGS)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("container", ["C", pytest.param("csr", marks=pytest.mark.slow)])
def test_splits_are_scores_of_single_fits(container, weights, scoring, kind, form):
    scorers = scorers_of(SCORINGS[scoring])
    model = clone(MODELS[kind]).set_params(cv=FOLDS, scoring=SCORINGS[scoring])
    model.set_params(refit=list(scorers)[-1])
    if kind != "ridge":
        model.set_params(tol=1e-14)
    with forced_form(form):
        model.fit(contain(X, container), y, weights)
    table = model.cv_table_
    for k, (train, test) in enumerate(FOLDS):
        for row in range(len(table["alpha"])):
            one = refit(model, row, train, weights)
            for name, scorer in scorers.items():
                weighted = weights is not None and scorer not in WEIGHTLESS
                expected = judged(one, scorer, test, weights, weighted)
                got = table[f"split{k}_test_{name}"][row]
                assert got == pytest.approx(expected, rel=1e-8, abs=1e-9), (name, row, k)
    assert model.metric_ == list(scorers)[-1]
    means = table[f"mean_test_{model.metric_}"]
    assert model.best_index_ == np.argmax(means) and np.ptp(means) > 1e-3
    for name in scorers:
        order = np.argsort(-table[f"mean_test_{name}"], kind="stable")
        assert_array_equal(table[f"rank_test_{name}"][order], np.arange(len(order)) + 1)


@pytest.mark.parametrize("kind", MODELS)
def test_scorers_under_metadata_routing(kind):
    asking = make_scorer(skewed, greater_is_better=False)
    with config_context(enable_metadata_routing=True):
        deaf = make_scorer(skewed, greater_is_better=False).set_score_request(sample_weight=False)
        asking.set_score_request(sample_weight=True)
        scoring = {"asking": asking, "deaf": deaf, "plain": off_by}
        model = clone(MODELS[kind]).set_params(cv=FOLDS, scoring=scoring, refit="deaf")
        model.fit(X, y, sample_weight=WEIGHTS)
        undecided = clone(model).set_params(scoring="r2", refit=None)
        # scikit-learn 1.6 does not know which metrics take weights
        if "sample_weight" in get_scorer("r2").get_metadata_routing().score.requests:
            with pytest.raises(ValueError, match="sample_weight.*not explicitly set"):
                undecided.fit(X, y, sample_weight=WEIGHTS)
    for k, (train, test) in enumerate(FOLDS):
        for row in (0, 3):
            one = refit(model, row, train, WEIGHTS)
            rows = test[WEIGHTS[test] > 0]
            v = WEIGHTS[rows]
            expected = {
                "asking": -skewed(y[rows], one.predict(X[rows]), sample_weight=v),
                "deaf": -skewed(y[rows], one.predict(X[rows])),
                "plain": off_by(one, X[rows], y[rows]),
            }
            for name, value in expected.items():
                got = model.cv_table_[f"split{k}_test_{name}"][row]
                assert got == pytest.approx(value, rel=1e-8), name


@pytest.mark.parametrize("scoring", ["neg_max_error", "neg_mean_absolute_error"])
@pytest.mark.parametrize("weights", [None, 7.0 * WEIGHTS], ids=["unweighted", "weighted"])
def test_scorers_of_all_left_out_predictions(weights, scoring):
    v = np.ones(44) if weights is None else weights
    rows = np.flatnonzero(v)
    model = RidgeCV(alphas=[1.0, 10.0], scoring=scoring).fit(X, y, weights)
    for row, alpha in enumerate([10.0, 1.0]):
        predicted = np.array(
            [Ridge(alpha).fit(X[ROWS != i], y[ROWS != i], v[ROWS != i]).predict(X)[i] for i in rows]
        )
        expected = -max_error(y[rows], predicted)
        if scoring == "neg_mean_absolute_error":
            expected = -mean_absolute_error(y[rows], predicted, sample_weight=v[rows])
        assert model.cv_table_[f"mean_test_{scoring}"][row] == pytest.approx(expected, rel=1e-9)


# ------------------------------------------------------------------------------ the table itself


@pytest.mark.parametrize("relax", [False, [0.5, 1.0]], ids=["plain", "relaxed"])
@pytest.mark.parametrize("scoring", [None, ["r2", "neg_max_error"]], ids=["error", "several"])
@forms
def test_a_table_that_opens_as_a_frame(form, scoring, relax):
    refit = scoring and "r2"
    given = {"scoring": scoring, "refit": refit, "relax": relax, "cv": FOLDS}
    with forced_form(form):
        model = ElasticNetCV(alphas=5, l1_ratio=[0.3, 0.9], **given).fit(X, y, WEIGHTS)
    blends = 2 if relax else 1
    frame = pd.DataFrame(model.cv_table_)
    assert frame.shape[0] == 2 * 5 * blends
    keys = ["alpha", "l1_ratio", "lambda_1", "lambda_2"] + ["relax"] * bool(relax)
    for name in scoring or ["neg_mean_squared_error"]:
        keys += [f"{kind}_test_{name}" for kind in ("mean", "std", "se", "rank")]
        keys += [f"split{k}_test_{name}" for k in range(3)]
    keys += ["n_nonzero", "df", "aic", "bic", "ebic", "n_iter", "dual_gap", "fit_time"]
    assert sorted(frame.columns) == sorted(keys)
    assert all(column.shape == (len(frame),) for column in model.cv_table_.values())
    assert_array_equal(frame["alpha"], np.repeat(model.alphas_.ravel(), blends))
    assert_array_equal(frame["l1_ratio"], np.repeat([0.3, 0.9], 5 * blends))
    counts = np.count_nonzero(model.coef_path_, axis=-1)
    assert_array_equal(frame["n_nonzero"], np.repeat(counts.ravel(), blends))
    assert frame["fit_time"].min() > 0
    assert frame["n_nonzero"].dtype.kind == frame["n_iter"].dtype.kind == "i"
    row = model.best_index_
    assert frame["dual_gap"][row] == model.dual_gap_ and frame["n_iter"][row] == model.n_iter_
    assert frame["alpha"][row] == model.alpha_ and frame["l1_ratio"][row] == model.l1_ratio_
    assert frame["lambda_1"][row] == model.lambda_1_ and frame["lambda_2"][row] == model.lambda_2_
    assert frame[f"rank_test_{model.metric_}"][row] == 1
    if relax:
        pairs = frame["relax"].to_numpy().reshape(-1, 2)
        assert (pairs == [0.5, 1.0]).all()


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("kind", MODELS)
@forms
def test_without_a_scorer_the_splits_are_the_errors(form, kind, weights):
    with forced_form(form):
        model = clone(MODELS[kind]).set_params(cv=FOLDS).fit(X, y, weights)
        scored = clone(model).set_params(scoring="neg_mean_squared_error").fit(X, y, weights)
    errors = model.mse_path_.reshape(-1, 3)
    assert model.metric_ == "neg_mean_squared_error"
    for k in range(3):
        assert_array_equal(model.cv_table_[f"split{k}_test_{model.metric_}"], -errors[:, k])
    assert scored.metric_ == model.metric_ and scored.alpha_ == model.alpha_
    for key, column in scored.cv_table_.items():
        if "test" in key:
            assert_allclose(column, model.cv_table_[key], rtol=1e-9, err_msg=key)


def test_the_chosen_metric_is_the_one_named():
    scoring = {"short": lambda model, X, y: -np.abs(model.coef_).sum(), "fit": "r2"}
    short, fit = (
        LassoCV(alphas=9, cv=FOLDS, scoring=scoring, refit=name).fit(X, y) for name in scoring
    )
    assert short.best_index_ == 0 and short.metric_ == "short"
    assert fit.best_index_ > 2 and fit.metric_ == "fit"
    assert "short" in str(short.summary()) and "r2" not in str(short.summary())
    assert fit.select("1se").alpha_ > fit.alpha_
    assert short.select("min").alpha_ == short.alpha_


# ------------------------------------------------------------------------------ the estimator


@pytest.mark.slow
@forms
def test_threads_change_no_score_and_no_prediction_n10(form):
    cv = RepeatedKFold(n_splits=4, n_repeats=4, random_state=0)
    given = {"scoring": ["r2", "neg_max_error"], "refit": "r2", "store_predictions": True}
    models = []
    for n_jobs in (None, 2, 3, -1):
        model = ElasticNetCV(alphas=5, l1_ratio=[0.4, 1.0], cv=cv, relax=True, **given)
        with forced_form(form):
            models.append(model.set_params(n_jobs=n_jobs).fit(X, y, WEIGHTS))
    for other in models[1:]:
        for key in models[0].cv_table_.keys() - {"fit_time"}:
            assert_array_equal(other.cv_table_[key], models[0].cv_table_[key], err_msg=key)
        assert_array_equal(other.cv_predictions_, models[0].cv_predictions_)


@pytest.mark.parametrize("kind", MODELS)
def test_parameters_survive_clone_and_searches(kind):
    cv = ShuffleSplit(2, random_state=0)
    given = {"scoring": {"a": "r2", "b": off_by}, "refit": "a", "fold_weighting": "size"}
    model = clone(MODELS[kind]).set_params(selection_rule="1se", cv=3, **given)
    again = clone(pickle.loads(pickle.dumps(model)))
    for name, value in given.items():
        assert getattr(again, name) == value
    grid = {"selection_rule": ["min", "1se"], "refit": ["a", "b"]}
    search = GridSearchCV(model, grid, cv=cv).fit(X, y)
    best = search.best_estimator_
    assert {name: getattr(best, name) for name in grid} == search.best_params_
    expected = []
    for params in search.cv_results_["params"]:
        sides = [(ROWS[a], ROWS[b]) for a, b in cv.split(X)]
        ones = [clone(model).set_params(**params).fit(X[a], y[a]).score(X[b], y[b])
                for a, b in sides]  # fmt: skip
        expected.append(np.mean(ones))
    assert_allclose(search.cv_results_["mean_test_score"], expected, rtol=1e-12)
    assert len(set(expected)) > 1


def test_scorers_run_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("gram", "working_set"):
            with forced_form(form):
                LassoCV(scoring=["r2", "neg_max_error"], refit="r2").fit(X, y, WEIGHTS)
