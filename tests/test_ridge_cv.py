"""RidgeCV: exact leave-one-out, and folds, against refits one by one."""

import functools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression
from ridge_reference import left_out, ridge_path
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit

from sklearn_regnorm import Ridge, RidgeCV

GRID = 10.0 ** np.arange(-15, 16, 3)
SHAPES = {"n > p": (25, 6), "n = p": (12, 12), "n = p + 1": (13, 12), "n < p": (11, 30)}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])
EDGE = "ignore:RidgeCV chose alpha"
pytestmark = pytest.mark.filterwarnings(EDGE)


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


def weights_of(kind, n):
    if kind == "none":
        return None
    rng = np.random.default_rng(n)
    if kind == "integers":
        return np.append(rng.integers(0, 4, n - 2), [0, 2]).astype(float)
    return 10.0 ** rng.uniform(-4, 4, n)


def targets(y, X):
    return np.column_stack([y, 5 - X[:, 0] ** 2, 1e-3 * y[::-1]])


@shapes
@intercepts
@pytest.mark.parametrize("kind", ["none", "integers", "wide"])
@pytest.mark.parametrize("container", ["C", slow("F"), slow("csc"), slow("csr")])
def test_leave_one_out_is_brute_force_h38(shape, fit_intercept, kind, container):
    check_leave_one_out(shape, kind, container, fit_intercept=fit_intercept)


@shapes
@intercepts
@pytest.mark.parametrize("kind", [slow("none"), "integers"])
@pytest.mark.parametrize("container", ["C", slow("csc")])
def test_scale_is_learnt_without_the_row_left_out(shape, fit_intercept, kind, container):
    check_leave_one_out(shape, kind, container, fit_intercept=fit_intercept, standardize=True)


@functools.cache
def left_out_problem(shape, kind, **flags):
    X, y = regression(1, *shape, rho=0.3)
    X = X * (np.abs(X) > 0.3)
    Y, v = targets(y, X), weights_of(kind, len(y))
    return X, Y, v, left_out(X, Y, np.ones(len(y)) if v is None else v, GRID[::-1], **flags)


def check_leave_one_out(shape, kind, container, **flags):
    """Compare all of what a fit without `cv` publishes with refits without each row."""
    X, Y, v, expected = left_out_problem(shape, kind, **flags)
    model = RidgeCV(alphas=GRID, **flags).fit(contain(X, container), Y, sample_weight=v)
    v = np.ones(len(Y)) if v is None else v
    assert model.mse_path_.shape == (len(GRID), *Y.shape)
    for t, size in enumerate(np.abs(Y).max(axis=0)):
        errors = np.sqrt(model.mse_path_[..., t])
        assert_allclose(errors, expected[..., t], rtol=1e-8, atol=1e-8 * size)
        single = RidgeCV(alphas=GRID, **flags).fit(contain(X, container), Y[:, t], sample_weight=v)
        assert single.mse_path_.shape == (len(GRID), len(Y))
        assert_allclose(np.sqrt(single.mse_path_), errors, rtol=1e-8, atol=1e-8 * size)
        assert_allclose(single.best_score_, -np.average(single.mse_path_, 1, v).min(), rtol=1e-12)
    assert not hasattr(model, "dual_gap_path_")
    mean = np.average(model.mse_path_, axis=1, weights=v).mean(axis=1)
    assert model.alpha_ == model.alphas_[mean.argmin()]
    assert_allclose(model.best_score_, -mean.min(), rtol=1e-12)
    w, b = (one[0, 0] for one in ridge_path(X, Y, v[None], [model.alpha_], **flags))
    size = np.abs(w).max(axis=0)[:, None]
    assert np.all(np.abs(model.coef_ - w.T) <= 1e-8 * size)
    assert np.all(np.abs(model.intercept_ - b) <= 1e-8 * np.abs(Y).max())


@shapes
@intercepts
def test_leave_one_out_without_penalty_is_that_of_least_norm(shape, fit_intercept):
    X, y = regression(2, *shape, rho=0.3)
    model = RidgeCV(alphas=[0.0, 1.0], fit_intercept=fit_intercept).fit(X, y)
    limit = left_out(X, y[:, None], np.ones(len(y)), [1.0, 1e-18], fit_intercept)
    expected = limit[..., 0]
    assert_allclose(np.sqrt(model.mse_path_), expected, rtol=1e-7, atol=1e-8 * np.abs(y).max())


@pytest.mark.parametrize("n", [2, 3])
@intercepts
def test_very_few_rows(n, fit_intercept):
    X, y = regression(3, n, 2)
    model = RidgeCV(alphas=GRID, fit_intercept=fit_intercept).fit(X, y)
    expected = left_out(X, y[:, None], np.ones(n), GRID[::-1], fit_intercept)[..., 0]
    assert_allclose(np.sqrt(model.mse_path_), expected, rtol=1e-8, atol=1e-8 * np.abs(y).max())


@intercepts
def test_columns_without_information(fit_intercept):
    X, y = regression(4, 20, 5)
    Z = np.column_stack([X, X[:, 0], np.zeros(20), np.full(20, 3.0)])
    model = RidgeCV(alphas=GRID, fit_intercept=fit_intercept).fit(Z, y)
    expected = left_out(Z, y[:, None], np.ones(20), GRID[::-1], fit_intercept)[..., 0]
    assert_allclose(np.sqrt(model.mse_path_), expected, rtol=1e-8, atol=1e-8 * np.abs(y).max())


@pytest.mark.parametrize("n_alphas", [1, 2, 13])
@pytest.mark.parametrize("kind", ["none", "integers"])
def test_automatic_grid(kind, n_alphas):
    X, y = regression(5, 30, 4)
    v = weights_of(kind, 30)
    model = RidgeCV(alphas=n_alphas).fit(X + 10.0, y, sample_weight=v)
    v = np.ones(30) if v is None else v
    centred = np.sqrt(v)[:, None] * (X - np.average(X, axis=0, weights=v))
    largest = np.linalg.norm(centred, 2) ** 2
    assert_allclose(model.alphas_, largest * np.geomspace(1e4, 1e-8, n_alphas), rtol=1e-9)
    assert model.mse_path_.shape == (n_alphas, 30)
    assert model.coef_path_.shape == (n_alphas, 4) and model.intercept_path_.shape == (n_alphas,)


def test_default_grid_is_wide_and_its_choice_is_inside():
    assert RidgeCV().alphas == 100
    X, y = load_diabetes(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RidgeCV().fit(X, y)
    assert model.alphas_[0] / model.alphas_[-1] == pytest.approx(1e12)


@pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
@pytest.mark.parametrize("cv", [None, 4])
@pytest.mark.parametrize("exponent", [-310, -160, -150, 150, 153, 155, 160, 300])
def test_default_grid_in_units_whose_squares_are_no_floats_h10(exponent, cv):
    X, y = regression(6, 40, 5)
    model = RidgeCV(cv=cv).fit(X * 10.0**exponent, y)
    assert np.all(model.alphas_ > 0) and np.isfinite(model.alphas_).all()
    if exponent > -300:
        assert model.score(X * 10.0**exponent, y) > 0.99 * RidgeCV(cv=cv).fit(X, y).score(X, y)


def test_weights_whose_sum_overflows_leave_no_unit_for_a_grid():
    X, y = regression(6, 40, 5)
    with pytest.raises(ValueError, match="sample_weight"):
        RidgeCV().fit(X, y, sample_weight=np.full(40, 1e308))


@pytest.mark.parametrize("cv", [None, 4])
def test_choice_at_the_edge_of_the_grid_warns(cv):
    X, y = regression(6, 40, 5)
    inside = RidgeCV(alphas=np.geomspace(1e-6, 1e6, 40), cv=cv)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        best = inside.fit(X, y).alpha_
        RidgeCV(alphas=[best * 100], cv=cv).fit(X, y)  # one alpha is no choice
        RidgeCV(alphas=[best / 1e3, best, best * 1e3], cv=cv).fit(X, y)
    for grid in ([best, best * 1e3, best * 1e5], [best / 1e3, best / 1e5, best / 1e6]):
        with pytest.warns(UserWarning, match=r"alpha.*edge.*alphas"):
            RidgeCV(alphas=grid, cv=cv).fit(X, y)


# ------------------------------------------------------------------------------ folds


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("kind", ["none", "integers"])
@pytest.mark.parametrize("cv", [4, ShuffleSplit(3, random_state=0), slow(LeaveOneOut())], ids=repr)
@shapes
def test_folds_are_brute_force_h38(shape, cv, kind, container, standardize):
    X, y = regression(7, *shape)
    v = weights_of(kind, len(y))
    if kind != "none":
        v = v + (0.0 if cv == 4 else 1.0)  # a fold without weight would be refused
    Y = targets(y, X)
    grid = np.array([1e-6, 1e-2, 1.0, 1e2, 1e6])
    model = RidgeCV(alphas=grid, cv=cv, standardize=standardize)
    model.fit(contain(X, container), Y, sample_weight=v)
    v = np.ones(len(y)) if v is None else v
    folds = list((KFold(cv) if isinstance(cv, int) else cv).split(X))
    expected = np.empty((len(grid), len(folds)))
    for k, (train, test) in enumerate(folds):
        w, b = ridge_path(X[train], Y[train], v[None, train], grid[::-1], True, standardize)
        R = Y[test] - X[test] @ w[0] - b[0][:, None]
        expected[:, k] = np.average((R**2).mean(axis=2), axis=1, weights=v[test])
    scale = np.average(Y**2, axis=0, weights=v).max()
    assert_allclose(model.mse_path_, expected, rtol=1e-8, atol=1e-10 * scale)
    assert model.dual_gap_path_.shape == (len(grid), len(folds))
    assert np.all(model.dual_gap_path_ >= 0) and np.all(model.dual_gap_path_ <= 1e-10 * scale)
    assert model.alpha_ == grid[::-1][expected.mean(axis=1).argmin()]
    assert model.best_score_ == pytest.approx(-expected.mean(axis=1).min(), rel=1e-7)


@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("n_targets", [0, 1, 3])
def test_published_path_and_choice(n_targets, cv):
    X, y = regression(8, 30, 6)
    Y = targets(y, X)[:, :n_targets] if n_targets else y
    v = weights_of("integers", 30) + 0.5
    model = RidgeCV(alphas=[10.0, 0.1, 1.0], cv=cv).fit(X, Y, sample_weight=v)
    assert_array_equal(model.alphas_, [10.0, 1.0, 0.1])
    for a, alpha in enumerate(model.alphas_):
        single = Ridge(alpha=alpha).fit(X, Y, sample_weight=v)
        assert_allclose(model.coef_path_[a], single.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(model.intercept_path_[a], single.intercept_, rtol=1e-9, atol=1e-12)
        assert model.coef_path_[a].shape == single.coef_.shape
        if alpha == model.alpha_:
            assert_allclose(model.coef_, single.coef_, rtol=1e-9, atol=1e-12)
            assert model.coef_.shape == single.coef_.shape
            assert_allclose(model.intercept_, single.intercept_, rtol=1e-9, atol=1e-12)
            assert np.shape(model.intercept_) == np.shape(single.intercept_)
    assert model.lambda_2_ == pytest.approx(model.alpha_ / (2 * v.sum()), rel=1e-14)
    assert model.lambda_1_ == 0 and model.n_iter_ >= 1
