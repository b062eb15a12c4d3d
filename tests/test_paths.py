"""Paths, warm starts and cross-validated paths: what must agree, and that inputs survive."""

import numpy as np
import pytest
from problems import DENSE, SPARSE, contain, regression
from scipy import sparse

from sklearn_regnorm import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    enet_path,
    lasso_path,
)
from sklearn_regnorm.solvers import forced_form

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
FORMS = ("gram", "working_set")
SHAPES = {"tall": (90, 12), "wide": (25, 60)}


@pytest.fixture(params=SHAPES)
def data(request):
    return regression(21, *SHAPES[request.param])


@pytest.fixture(params=FORMS)
def form(request):
    with forced_form(request.param):
        yield request.param


def close(ours, theirs, rtol=1e-9):
    theirs = np.asarray(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=rtol * np.abs(theirs).max())


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("container", ["F", "csc"])
def test_a_path_is_its_single_fits_h21(container, l1_ratio, positive, data, form):
    X, y = data
    v = np.random.default_rng(22).integers(0, 3, len(y)) * 1.0
    alphas, coefs, gaps, sweeps = enet_path(
        contain(X, container), y, l1_ratio=l1_ratio, alphas=30, eps=1e-4, positive=positive,
        sample_weight=v, return_n_iter=True, **TIGHT,
    )  # fmt: skip
    assert alphas.shape == gaps.shape == (30,) and coefs.shape == (X.shape[1], 30)
    assert len(sweeps) == 30 and min(sweeps) >= 1
    np.testing.assert_allclose(alphas, np.geomspace(alphas[0], alphas[0] * 1e-4, 30), rtol=1e-12)
    assert np.all(coefs[:, 0] == 0) == (l1_ratio > 0)
    options = {"l1_ratio": l1_ratio, "fit_intercept": False, "positive": positive, **TIGHT}
    for alpha, coef in zip(alphas[1::7], coefs.T[1::7], strict=True):
        close(coef, ElasticNet(alpha, **options).fit(X, y, sample_weight=v).coef_)


def test_the_order_and_number_of_alphas_do_not_matter(data, form):
    X, y = data
    alphas = np.array([0.1, 2.0, 0.01, 0.5])
    grid, coefs, _ = lasso_path(X, y, alphas=alphas, **TIGHT)
    np.testing.assert_array_equal(grid, np.sort(alphas)[::-1])
    for alpha, coef in zip(grid, coefs.T, strict=True):
        _, alone, gap = lasso_path(X, y, alphas=[alpha], **TIGHT)
        assert alone.shape == (X.shape[1], 1) and gap.shape == (1,)
        close(coef, alone[:, 0])


@pytest.mark.parametrize("start", [0.0, 1.0, -100.0, 1e6])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
def test_warm_starts_change_no_answer_h05_h19(l1_ratio, start, data, form):
    X, y = data
    X = X.copy()
    X[:, 1] = 2.5
    for positive in (False, True):
        cold = ElasticNet(0.1, l1_ratio=l1_ratio, positive=positive, **TIGHT).fit(X, y)
        warm = ElasticNet(0.1, l1_ratio=l1_ratio, positive=positive, warm_start=True, **TIGHT)
        warm.coef_ = start * cold.coef_ + start * 1e-3
        close(warm.fit(X, y).coef_, cold.coef_, 1e-10)
        assert warm.coef_[1] == 0
        assert warm.intercept_ == pytest.approx(cold.intercept_, rel=1e-9)
        given = {"l1_ratio": l1_ratio, "alphas": [0.1], "positive": positive, **TIGHT}
        _, coefs, _ = enet_path(X, y, coef_init=np.full(X.shape[1], start), **given)
        _, expected, _ = enet_path(X, y, **given)
        close(coefs, expected, 1e-10)


def test_warm_start_follows_a_changed_problem_h19(data, form):
    X, y = data
    model = Lasso(5.0, warm_start=True, **TIGHT).fit(X, y)
    for alpha in (1.0, 1e-3, 0.3, 1e3):
        close(model.set_params(alpha=alpha).fit(X, y).coef_, Lasso(alpha, **TIGHT).fit(X, y).coef_)
    model.set_params(alpha=0.1).fit(X[:, :5], y)
    assert model.coef_.shape == (5,)
    model.fit(sparse.csc_array(X.astype(np.float32)), y)
    assert model.coef_.dtype == np.float32


def folds(n, v=None, k=4):
    """Return folds by rows modulo k, or the corresponding ones of rows repeated v times."""
    fold = np.arange(n) % k
    fold = fold if v is None else np.repeat(fold, v)
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def estimators(cv):
    yield LassoCV(alphas=15, cv=cv, **TIGHT)
    yield LassoCV(alphas=15, cv=cv, positive=True, fit_intercept=False, **TIGHT)
    yield ElasticNetCV(alphas=15, l1_ratio=[0.0, 0.5, 0.9], cv=cv, standardize=True, **TIGHT)
    yield RidgeCV(np.geomspace(1e-4, 1e4, 9), cv=cv, standardize=True)


def same_choice(ours, theirs, rtol=1e-8):
    np.testing.assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-12)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=rtol)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-12)
    for name in ("coef_", "coef_path_", "intercept_path_"):
        close(getattr(ours, name), getattr(theirs, name))
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-9)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("which", range(4))
def test_cross_validation_takes_weights_for_repetition(which, data, form):
    X, y = data
    v = np.random.default_rng(23).integers(0, 4, len(y))
    ours, theirs = list(estimators(folds(len(y))))[which], list(estimators(folds(len(y), v)))[which]
    ours.fit(X, y, sample_weight=v)
    same_choice(ours, theirs.fit(np.repeat(X, v, axis=0), np.repeat(y, v)))
    again = list(estimators(folds(len(y))))[which]
    if "Ridge" not in type(ours).__name__:
        same_choice(again.fit(X, y, sample_weight=1e-9 * v), ours)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("container", ["csc", "csr64", "reversed"])
def test_cross_validation_in_other_containers(container, which, data, form):
    X, y = data
    X = np.where(np.abs(X) > 0.8, X, 0.0)
    ours = list(estimators(folds(len(y))))[which].fit(contain(X, container), y)
    same_choice(ours, list(estimators(folds(len(y))))[which].fit(X, y))


@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("container", SPARSE + DENSE)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_inputs_are_never_modified_h28(fit_intercept, container):
    X, y = regression(24, 30, 8)
    X = contain(np.where(np.abs(X) > 0.8, X, 0.0), container)
    v = np.random.default_rng(25).integers(0, 4, 30) * 1.0
    start = np.ones(8)
    arrays = [X, y, v, start]
    if sparse.issparse(X):
        arrays += [a for a in (getattr(X, n, None) for n in SPARSE_PARTS) if a is not None]
    before = [freeze(a) for a in arrays]
    flags = {"fit_intercept": fit_intercept, "copy_X": False}
    for model in (
        Lasso(0.1, precompute=True, warm_start=True, **flags),
        ElasticNet(1e-9, standardize=True, **flags),
        Ridge(1.0, **flags),
        Ridge(1.0, solver="cd", **flags),
        LassoCV(alphas=5, cv=3, **flags),
        RidgeCV([0.1, 1.0, 10.0], fit_intercept=fit_intercept),
    ):
        model.fit(X, y, sample_weight=v).predict(X)
    lasso_path(X, y, coef_init=start, sample_weight=v)
    for a, was in zip(arrays, before, strict=True):
        assert freeze(a) == was


SPARSE_PARTS = ("data", "indices", "indptr", "row", "col", "rows")


def freeze(a):
    """Return the bytes of an array, or type, format and flags of a sparse matrix."""
    if sparse.issparse(a):
        flags = (getattr(a, "has_canonical_format", None), getattr(a, "has_sorted_indices", None))
        return type(a), a.format, a.shape, a.nnz, flags
    return repr(a.tolist()) if a.dtype == object else (a.dtype, a.tobytes())


@pytest.mark.parametrize("path", [lasso_path, enet_path])
def test_one_target_only(path):
    X, y = regression(0, 20, 4)
    with pytest.raises(ValueError, match="y should be a 1d array"):
        path(X, np.column_stack([y, y]))
