"""Which form a problem is solved in, and that more columns than the Gram form goes to the floor
with, several targets, layouts and types change nothing but the time."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import Oracle
from problems import ar1
from scipy import sparse

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, lasso_path
from sklearn_regnorm.solvers import column_sets, forced_form, gram, path, state, working_set
from sklearn_regnorm.solvers.problem import prepare


def shapes(n, p, sparse=False, weights=None):
    X = np.lib.stride_tricks.as_strided(np.zeros(1), (n, p), (0, 0))

    class Design:
        shape = X.shape

    Design.sparse = sparse

    class OfShape:
        design = Design

    OfShape.weights = np.ones(n) if weights is None else weights
    return OfShape


@pytest.mark.parametrize(
    ("n", "p", "lasso_alphas", "form"),
    [(50, 200, 0, "gram"), (50, 200, 9, "gram"), (50, 200, 10, "working_set"),
     (201, 200, 100, "gram"), (5000, 1000, 0, "gram"), (1500, 1001, 0, "working_set"),
     (5000, 1500, 0, "gram"), (5000, 1500, 100, "gram"), (10**5, 3001, 0, "working_set"),
     (100, 10**5, 100, "working_set")],
)  # fmt: skip
def test_choice_by_shape_h70(n, p, lasso_alphas, form):
    assert path.choose_form(shapes(n, p), lasso_alphas) == form
    with forced_form("gram"):
        assert path.choose_form(shapes(n, p), lasso_alphas) == "gram"


def test_rows_of_weight_zero_and_sparse_columns():
    few = np.arange(300) < 50
    assert path.choose_form(shapes(300, 200, weights=few * 1.0), 100) == "working_set"
    assert path.choose_form(shapes(50, 200, sparse=True), 100) == "gram"
    assert path.choose_form(shapes(5000, 1500, sparse=True)) == "working_set"


def test_a_lasso_is_followed_up_to_a_number_of_rows():
    for n, expected in ((1000, True), (1001, False)):
        assert state.worth_following(shapes(n, 5000).design, np.ones(n), 100) == expected
    assert not state.worth_following(shapes(1000, 5000).design, np.ones(1000), 9)


@pytest.fixture
def low_limits(monkeypatch):
    """The limits of forms, brought down to where tests are quick."""
    monkeypatch.setattr(gram, "GRAM_COLUMNS", 20)
    monkeypatch.setattr(path, "GRAM_COLUMNS", 20)
    monkeypatch.setattr(path, "GRAM_MOST", 60)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-8, 1e-14])
def test_gram_form_to_the_goal(tol, ratio, low_limits):
    rng = np.random.default_rng(0)
    X = ar1(rng, 300, 50, 0.9)
    y = X[:, ::7].sum(axis=1) + 3 * rng.standard_normal(300)
    data = prepare(X, y, np.ones(300), 1.0, fit_intercept=True, standardize=False)
    assert path.choose_form(data) == "gram"
    model = ElasticNetCV(l1_ratio=ratio, cv=3, alphas=20, tol=tol).fit(X, y)
    goal = tol * y.var() + 1e-12 * (y @ y)
    assert model.dual_gap_ <= goal and np.all(model.dual_gap_path_ <= goal * 1.6)
    for alpha, coef in zip(model.alphas_, model.coef_path_, strict=True):
        oracle = Oracle(X, y, alpha=alpha, l1_ratio=ratio)
        assert oracle.gap(coef) <= 1.6 * goal
    with forced_form("working_set"):
        other = ElasticNetCV(l1_ratio=ratio, cv=3, alphas=20, tol=tol).fit(X, y)
    assert_allclose(model.mse_path_, other.mse_path_, atol=4 * np.sqrt(tol) * y.var())


@pytest.mark.compiled
@pytest.mark.parametrize("model", [Lasso(alpha=0.3), ElasticNet(alpha=0.3, l1_ratio=0.5)], ids=repr)
@pytest.mark.parametrize("start", [False, True])
def test_targets_together_are_targets_apart(start, model, monkeypatch):
    monkeypatch.setattr(working_set, "TOGETHER", 3)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((40, 120))
    Y = X[:, :8] * [1, 2, 0, 1, 5, 0, 1, 1e3] + rng.standard_normal((40, 8))
    model.set_params(tol=1e-13, max_iter=100_000, warm_start=start)
    with forced_form("working_set"):
        together = model.fit(X, Y)
        if start:
            together = model.fit(X, Y[:, ::-1]).fit(X, Y)
        gaps, coefs = together.dual_gap_, together.coef_
        assert gaps.shape == (8,) and len(together.n_iter_) == 8
        for k in range(8):
            apart = model.set_params(warm_start=False).fit(X, Y[:, k])
            assert_allclose(coefs[k], apart.coef_, atol=1e-9 * np.abs(Y[:, k]).max())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.slow
def test_layout_and_type(ratio, offset, dtype, order):
    """Columns in place and gathered, read directly and in blocks."""
    rng = np.random.default_rng(2)
    X = np.round(rng.standard_normal((60, 150)), 2)
    y = X[:, ::20].sum(axis=1) + rng.standard_normal(60)
    A = np.array(X + offset, dtype=dtype, order=order)
    given = {"cv": 3, "alphas": 30, "tol": 1e-14, "max_iter": 100_000}
    with forced_form("gram"):
        expected = ElasticNetCV(l1_ratio=ratio, **given).fit(A.astype(np.float64) - offset, y)
    with forced_form("working_set"):
        model = ElasticNetCV(l1_ratio=ratio, **given).fit(A, y)
    # a gap of 64 eps is a coefficient's error of its square root
    error = 1e-7 if dtype is np.float64 else 5e-3
    assert_allclose(model.mse_path_, expected.mse_path_, rtol=error)
    assert_allclose(model.coef_path_, expected.coef_path_, atol=error)


def test_lasso_path_and_cv_agree_on_the_choice():
    """A lasso with few rows is followed whatever p, so that both are exact at any tol."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 80))
    y = X[:, :5].sum(axis=1) + rng.standard_normal(30)
    X, y = X - X.mean(axis=0), y - y.mean()
    model = LassoCV(cv=3, alphas=25, tol=0.1).fit(X, y)
    _, coefs, gaps = lasso_path(X, y, alphas=model.alphas_, tol=0.1)
    assert_allclose(model.coef_path_, coefs.T, atol=1e-9)
    assert np.all(gaps <= 1e-12 * y.var()) and np.all(model.dual_gap_path_ <= 1e-12 * y.var())


@pytest.mark.parametrize("tol", [1e-11, 1e-13])
def test_residual_form_goes_on_where_descent_is_slow(tol, monkeypatch):
    """As with more columns than the Gram form takes: nothing but max_iter ends slow descent."""
    monkeypatch.setattr(column_sets, "GRAM_FIRST", -1)
    monkeypatch.setattr(state, "GRAM_LIMIT", -1)
    monkeypatch.setattr(state, "NEWTON_ROWS", 0)
    rng = np.random.default_rng(0)
    X = np.cumsum(rng.standard_normal((60, 30)), axis=1)
    y = X[:, :5].sum(axis=1) + rng.standard_normal(60)
    with forced_form("working_set"):
        model = Lasso(alpha=1e-2, tol=tol, max_iter=10**6).fit(X, y)
    assert model.n_iter_ > 2 * state.PATIENCE
    assert model.dual_gap_ <= 1e-10 * y.var()
    assert Oracle(X, y, alpha=1e-2, l1_ratio=1.0).gap(model.coef_) <= 1e-10 * y.var()


def test_sparse_columns_in_wild_units():
    """Bringing them to a safe scale keeps the order of their entries, on which kernels count."""
    X = np.array([[1.0, 3], [-2, 0], [0, -1], [4, 2], [-1.5, 0], [-3, -1]])
    y = np.array([1.0, 2, -1, 5, 0, 2])
    v = np.array([1.0, 1e-6, 1e-6, 1, 1, 1])
    X = sparse.hstack([sparse.csc_array(X), sparse.csc_array((6, 1000))], format="csc")
    model = LassoCV(alphas=[0.1], cv=[(np.arange(6), np.arange(6))], standardize=True)
    expected = model.fit(X, y, v).mse_path_
    for unit in (1e90, 1e-90):
        assert_allclose(model.fit(X * unit, y, v).mse_path_, expected, rtol=1e-9)
