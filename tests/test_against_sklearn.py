"""Agreement with scikit-learn, solved tightly, on the data it ships with."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as theirs
from problems import contain
from sklearn import datasets
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.preprocessing import PolynomialFeatures, scale

import sklearn_regnorm as ours

TIGHT = {"tol": 1e-13, "max_iter": 1_000_000}
OUR_TIGHT = {"tol": 1e-14, "max_iter": 100_000}


def load(name):
    """Return a bundled data set as a regression whose columns have comparable units."""
    if name == "diabetes":
        X, y = datasets.load_diabetes(return_X_y=True)
        return 20 * X, y
    if name == "diabetes with products":
        X, y = datasets.load_diabetes(return_X_y=True)
        return scale(PolynomialFeatures(2, interaction_only=True, include_bias=False)
                     .fit_transform(X)), y  # fmt: skip
    if name == "cancer":
        X, y = datasets.load_breast_cancer(return_X_y=True)
        return scale(X), y * 1.0
    if name == "digits":
        X, y = datasets.load_digits(return_X_y=True)
        return X / 16, y * 1.0
    X, Y = datasets.load_linnerud(return_X_y=True)
    return scale(X), Y


LARGER = ("diabetes with products", "cancer", "digits")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in LARGER]


@pytest.fixture(params=["diabetes", *SLOW])
def data(request):
    return load(request.param)


@pytest.fixture(autouse=True)
def quiet_sklearn():
    """Let scikit-learn miss its gap of 1e-13: what it then returns is still good to 1e-6."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning, module="sklearn\\.")
        yield


def close(a, b, rtol=1e-6):
    b = np.asarray(b)
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


def same_fit(a, b):
    assert np.shape(a.coef_) == np.shape(b.coef_)
    assert np.shape(a.intercept_) == np.shape(b.intercept_)
    close(a.coef_, b.coef_)
    close(a.intercept_, b.intercept_)


def gridded(model, n_alphas):
    """Ask for an automatic grid of `n_alphas`, in old and new versions of scikit-learn."""
    return model.set_params(**{"n_alphas" if model.alphas is None else "alphas": n_alphas})


def weights(n):
    return np.random.default_rng(51).integers(0, 4, n) * 1.0


def alpha_max(X, y, l1_ratio=1.0):
    return np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / len(y) / l1_ratio


@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("flags", [{}, {"positive": True}, {"fit_intercept": False}])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.05])
def test_lasso_and_elastic_net(l1_ratio, flags, container, data):
    X, y = data
    X = contain(X, container)
    v = weights(len(y))
    for factor in (0.5, 0.05, 0.005):
        alpha = factor * alpha_max(*data, l1_ratio)
        if l1_ratio == 1:
            pair = ours.Lasso(alpha, **flags), theirs.Lasso(alpha, **flags)
        else:
            given = {"l1_ratio": l1_ratio, **flags}
            pair = ours.ElasticNet(alpha, **given), theirs.ElasticNet(alpha, **given)
        a, b = pair[0].set_params(**OUR_TIGHT), pair[1].set_params(**TIGHT)
        same_fit(a.fit(X, y), b.fit(X, y))
        assert a.score(X, y) == pytest.approx(b.score(X, y), rel=1e-7)
        same_fit(a.fit(X, y, sample_weight=v), b.fit(X, y, sample_weight=v))
        close(a.predict(X), b.predict(X))
        close(a.sparse_coef_.toarray(), b.sparse_coef_.toarray())


@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_ridge(fit_intercept, container, data):
    X, y = data
    v = weights(len(y))
    for alpha in (1e-2, 1.0, 1e4):
        a = ours.Ridge(alpha, fit_intercept=fit_intercept)
        a.fit(contain(X, container), y, sample_weight=v)
        b = theirs.Ridge(alpha, fit_intercept=fit_intercept).fit(X, y, sample_weight=v)
        same_fit(a, b)


def test_positive_ridge_is_at_least_as_good(data):
    """scikit-learn's L-BFGS is not precise enough for a comparison of coefficients."""
    X, y = data
    v = weights(len(y))
    for alpha in (1.0, 1e3):
        value = []
        for kind in (ours.Ridge, theirs.Ridge):
            model = kind(alpha, positive=True, tol=1e-12).fit(X, y, sample_weight=v)
            value.append(v @ (y - model.predict(X)) ** 2 + alpha * model.coef_ @ model.coef_)
            assert model.coef_.min() >= 0
        assert value[0] <= value[1] * (1 + 1e-12)
        assert value[0] == pytest.approx(value[1], rel=1e-4)


def test_default_tolerance_is_as_good_as_a_tight_one(data):
    """Up to a thousand columns problems are solved to the rounding floor whatever tol is."""
    X, y = data
    a = ours.Lasso(0.01 * alpha_max(X, y)).fit(X, y)
    same_fit(a, theirs.Lasso(0.01 * alpha_max(X, y), **TIGHT).fit(X, y))


@pytest.mark.parametrize("name", ["Lasso", "ElasticNet", "Ridge"])
def test_several_targets(name):
    """scikit-learn's Lasso and ElasticNet, too, solve each target for itself."""
    X, Y = load("linnerud")
    tight = [TIGHT, OUR_TIGHT] if name != "Ridge" else [{}, {}]
    for alpha in (0.1, 2.0):
        a = getattr(ours, name)(alpha, **tight[1]).fit(X, Y)
        same_fit(a, getattr(theirs, name)(alpha, **tight[0]).fit(X, Y))
    if name == "Ridge":
        alphas = np.array([0.1, 1.0, 10.0])
        same_fit(ours.Ridge(alphas).fit(X, Y), theirs.Ridge(alphas).fit(X, Y))


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_paths(container, positive, data):
    X, y = data
    X, y = contain(X - X.mean(axis=0), container), y - y.mean()
    flags = {"positive": positive, "return_n_iter": True}
    for l1_ratio in (1.0, 0.3):
        if l1_ratio == 1:
            a = ours.lasso_path(X, y, alphas=20, **flags, **OUR_TIGHT)
            b = theirs.lasso_path(X, y, alphas=a[0], **flags, **TIGHT)
        else:
            a = ours.enet_path(X, y, l1_ratio=l1_ratio, alphas=20, **flags, **OUR_TIGHT)
            b = theirs.enet_path(X, y, l1_ratio=l1_ratio, alphas=a[0], **flags, **TIGHT)
        assert len(a) == len(b) == 4
        for mine, his in zip(a, b, strict=True):
            assert type(mine) is type(his) and np.shape(mine) == np.shape(his)
        close(a[0], b[0], 1e-15)
        close(a[1], b[1])


def test_automatic_grids(data):
    X, y = data
    for l1_ratio in (1.0, 0.3):
        for v in (None, weights(len(y))):
            a = ours.ElasticNetCV(l1_ratio=l1_ratio, alphas=7, eps=1e-2, cv=2)
            b = gridded(theirs.ElasticNetCV(l1_ratio=l1_ratio, eps=1e-2, cv=2), 7)
            a.fit(X, y, sample_weight=v)
            np.testing.assert_allclose(a.alphas_, b.fit(X, y, sample_weight=v).alphas_, rtol=1e-10)


def same_choice(a, b):
    assert a.alphas_.shape == b.alphas_.shape and a.mse_path_.shape == b.mse_path_.shape
    np.testing.assert_allclose(a.alphas_, b.alphas_, rtol=1e-10)
    np.testing.assert_allclose(a.mse_path_, b.mse_path_, rtol=1e-6)
    assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-10)
    same_fit(a, b)
    ratio = getattr(b, "l1_ratio_", None)
    assert getattr(a, "l1_ratio_", None) == ratio


@pytest.mark.parametrize("cv", [None, KFold(3, shuffle=True, random_state=0)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("flags", [{}, {"positive": True}, {"fit_intercept": False}])
def test_lasso_cv(flags, weighted, cv, data):
    X, y = data
    v = weights(len(y)) + 1 if weighted else None
    a = ours.LassoCV(cv=cv, eps=1e-2, alphas=20, **flags, **OUR_TIGHT)
    b = gridded(theirs.LassoCV(cv=cv, eps=1e-2, **flags, **TIGHT), 20)
    same_choice(a.fit(X, y, sample_weight=v), b.fit(X, y, sample_weight=v))


@pytest.mark.parametrize("l1_ratio", [0.5, [0.3, 0.7, 1.0]])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_elastic_net_cv(container, l1_ratio, data):
    X, y = data
    X = contain(X, container)
    a = ours.ElasticNetCV(l1_ratio=l1_ratio, cv=4, eps=1e-2, alphas=10, **OUR_TIGHT)
    b = gridded(theirs.ElasticNetCV(l1_ratio=l1_ratio, cv=4, eps=1e-2, **TIGHT), 10)
    same_choice(a.fit(X, y), b.fit(X, y))
    alphas = [2.0, 0.02, 0.2]
    a, b = clone(a).set_params(alphas=alphas), clone(b).set_params(alphas=alphas)
    same_choice(a.fit(X, y), b.fit(X, y))


@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("cv", [None, 4])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_ridge_cv(scoring, cv, fit_intercept, data):
    X, y = data
    alphas = np.logspace(-3, 5, 9)
    options = {"fit_intercept": fit_intercept, "cv": cv, "scoring": scoring}
    a = ours.RidgeCV(alphas, **options).fit(X, y)
    if cv is not None and scoring is None:
        # there scikit-learn takes R^2; ours the squared error, as all CV estimators here
        options["scoring"] = "neg_mean_squared_error"
    b = theirs.RidgeCV(alphas, **options).fit(X, y)
    assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-12)
    assert a.best_score_ == pytest.approx(b.best_score_, rel=1e-7)
    same_fit(a, b)
    if cv is None and scoring is None:
        v = weights(len(y)) + 1
        a.fit(X, y, sample_weight=v), b.fit(X, y, sample_weight=v)
        assert a.alpha_ == pytest.approx(b.alpha_, rel=1e-12)
        same_fit(a, b)
        # scikit-learn divides the sum of weighted errors by the number of rows
        assert a.best_score_ * v.mean() == pytest.approx(b.best_score_, rel=1e-7)


@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("alpha_per_target", [False, True])
def test_ridge_cv_of_several_targets(alpha_per_target):
    X, Y = load("linnerud")
    alphas = np.logspace(-2, 3, 6)
    options = {"alpha_per_target": alpha_per_target, "store_cv_results": True}
    a, b = ours.RidgeCV(alphas, **options), theirs.RidgeCV(alphas, **options)
    same_fit(a.fit(X, Y), b.fit(X, Y))
    close(a.alpha_, b.alpha_)
    close(a.best_score_, b.best_score_)
    close(a.cv_results_, b.cv_results_)
    close(np.moveaxis(a.mse_path_[::-1], 0, -1), b.cv_results_)
