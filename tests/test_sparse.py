"""Sparse designs: centred implicitly and accurately, and never made dense."""

import tracemalloc

import numpy as np
import pytest
from oracle import certified
from problems import contain, regression
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV, enet_path
from sklearn_regnorm._sparse_input import canonical_csc
from sklearn_regnorm.solvers import forced_form, kernels
from sklearn_regnorm.solvers.events import correlations

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
MODELS = {
    "lasso": Lasso(0.1, **TIGHT),
    "elastic net": ElasticNet(0.1, l1_ratio=0.4, **TIGHT),
    "lasso, positive": Lasso(0.1, positive=True, **TIGHT),
    "lasso, standardised": Lasso(0.1, standardize=True, **TIGHT),
    "ridge": Ridge(0.5, **TIGHT),
    "ridge, cd": Ridge(0.5, solver="cd", **TIGHT),
    "ridge, cg": Ridge(0.5, solver="sparse_cg", **TIGHT),
}


@pytest.fixture(params=MODELS)
def model(request):
    return clone(MODELS[request.param])


@pytest.fixture(params=["gram", "working_set"])
def form(request):
    with forced_form(request.param):
        yield request.param


def assert_same(ours, theirs, rtol=1e-9):
    w = theirs.coef_
    np.testing.assert_allclose(ours.coef_, w, rtol=0, atol=rtol * np.abs(w).max())


@pytest.mark.parametrize("shape", [(80, 10), (25, 60)])
@pytest.mark.parametrize("offset", [1e8, -1e8, "mixed"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_large_offset_loses_nothing_h31(weighted, offset, shape, model, form):
    X, y = regression(61, *shape)
    if offset == "mixed":
        offset = 10.0 ** np.random.default_rng(62).integers(0, 9, shape[1])
    v = np.random.default_rng(63).integers(0, 4, len(y)) * 1.0 if weighted else None
    shifted = contain(X + offset, "csr")
    ours = clone(model).fit(shifted, y, sample_weight=v)
    assert_same(ours, model.fit(X, y, sample_weight=v))
    if not isinstance(model, Ridge):
        certified(ours, shifted, y, v)
    b = model.intercept_ - (offset * model.coef_).sum()
    size = abs(b) + (np.abs(offset) * np.abs(model.coef_)).sum()
    assert ours.intercept_ == pytest.approx(b, rel=0, abs=1e-9 * size)
    left = ours.predict(shifted) - model.predict(X)
    assert np.abs(left).max() <= 1e-14 * size * np.sqrt(shape[1]) + 1e-9 * np.abs(y).max()


def test_one_row_far_from_the_others(model, form):
    """A shift chosen on one row would cancel digits in all the others."""
    X, y = regression(64, 60, 5)
    for row in (0, 30, 59):
        for far in (1e8, -1e10):
            wild = X.copy()
            wild[row, 2] = far
            certified(clone(model).fit(contain(wild, "csc"), y), wild, y)
            v = np.ones(60)
            v[row] = 0
            ours = clone(model).fit(contain(wild, "csc"), y, sample_weight=v)
            assert_same(ours, clone(model).fit(np.delete(wild, row, 0), np.delete(y, row)))


@pytest.mark.parametrize("density", [0.5, 0.9, 1.0])
def test_heavy_columns_among_light_ones(density, model, form):
    rng = np.random.default_rng(65)
    X = regression(66, 200, 20)[0] * (rng.random((200, 20)) < 0.05)
    heavy = (1e6 * rng.standard_normal((200, 4)) + 3e6) * (rng.random((200, 4)) < density)
    X[:, [0, 7, 8, 19]] = heavy
    y = X[:, :9] @ np.r_[1e-6, np.ones(8)] + rng.standard_normal(200)
    given = contain(X, "csr64")
    certified(model.fit(given, y), given, y)


@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("container", ["csc", "csr", "coo"])
def test_64_bit_indices_h66(container, form):
    X, y = regression(67, 40, 12)
    X = np.where(np.abs(X) > 0.6, X, 0.0)
    narrow, wide = contain(X, container), contain(X, container + "64")
    assert (wide.row if container == "coo" else wide.indices).dtype == np.int64
    for model in (Lasso(0.1), ElasticNet(0.1), Ridge(1.0), LassoCV(alphas=5), RidgeCV([0.1, 1, 9])):
        ours, theirs = clone(model).fit(wide, y), model.fit(narrow, y)
        np.testing.assert_array_equal(ours.coef_, theirs.coef_)
        np.testing.assert_array_equal(ours.predict(wide), theirs.predict(narrow))


def test_explicit_zeros_change_nothing(model, form):
    X, y = regression(68, 40, 12)
    X = np.where(np.abs(X) > 0.6, X, 0.0)
    full = sparse.csc_array(X + 1.0)
    full.data -= 1.0
    assert full.nnz == X.size
    assert_same(clone(model).fit(full, y), model.fit(contain(X, "csc"), y))


def empty_and_full(n, p):
    """Return a sparse X with empty rows, empty columns and columns without a zero."""
    rng = np.random.default_rng(69)
    X = rng.standard_normal((n, p)) * (rng.random((n, p)) < 0.2)
    X[::5] = 0.0
    X[:, ::4] = 0.0
    X[:, 1] = 1.0 + rng.random(n)
    return X


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_empty_rows_and_columns(fit_intercept, model, form):
    X = empty_and_full(60, 12)
    y = X @ np.arange(12.0) + np.sin(np.arange(60))
    model.set_params(fit_intercept=fit_intercept)
    ours = clone(model).fit(contain(X, "csr"), y)
    assert_same(ours, model.fit(X, y))
    assert np.all(ours.coef_[::4] == 0)


@pytest.fixture(scope="module")
def huge():
    """A text-like design of 200000 x 100000: dense it would take 160 GB."""
    rng = np.random.default_rng(70)
    n, p, nnz = 200_000, 100_000, 600_000
    columns = (p * rng.random(nnz) ** 3).astype(np.int64)
    rows = rng.integers(0, n, nnz)
    X = sparse.csr_array((1.0 + rng.random(nnz), (rows, columns)), (n, p))
    y = X[:, :50] @ rng.standard_normal(50) + 0.1 * rng.standard_normal(n) + 2.0
    return X, y


HUGE_MODELS = [
    (Lasso(1e-4), 8),
    (ElasticNet(2e-2, standardize=True), 8),
    (Lasso(1e-4, positive=True), 8),
    (Ridge(10.0), 8),
    (Lasso(1e-4, fit_intercept=False), 8),
    (LassoCV(alphas=5, eps=1e-2, cv=KFold(3)), 24),
    (ElasticNetCV(alphas=3, l1_ratio=[0.5, 0.9], eps=1e-2, cv=KFold(3)), 24),
    (RidgeCV([10.0, 1000.0], cv=KFold(3)), 24),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*edge of its grid")
@pytest.mark.parametrize("which", range(len(HUGE_MODELS)))
def test_nothing_of_the_size_of_a_dense_matrix(huge, which):
    """Memory in use beside X stays within a few times that of X."""
    model, copies = HUGE_MODELS[which]
    X, y = huge
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes + y.nbytes
    clone(model).fit(X[:100, :50], y[:100])  # what compiling takes is not meant
    tracemalloc.start()
    try:
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= copies * size, f"{peak / size:.1f} times the {size / 1e6:.0f} MB of X and y"
    assert np.count_nonzero(model.coef_) >= 10


@pytest.mark.slow
def test_the_huge_problem_is_solved(huge):
    X, y = huge
    model = Lasso(1e-4, tol=1e-8).fit(X, y)
    left = y - X @ model.coef_ - model.intercept_
    g = (X.T @ left - np.asarray(X.mean(axis=0)) * left.sum()) / len(y)
    assert abs(left.mean()) <= 1e-12
    on = model.coef_ != 0
    assert np.abs(g[~on]).max() <= 1e-4 * (1 + 1e-2)
    np.testing.assert_allclose(g[on], 1e-4 * np.sign(model.coef_[on]), rtol=1e-2)
    ridge = Ridge(10.0).fit(X, y)
    left = y - X @ ridge.coef_ - ridge.intercept_
    g = X.T @ left - np.asarray(X.mean(axis=0)) * left.sum()
    np.testing.assert_allclose(10.0 * ridge.coef_, g, rtol=0, atol=1e-8 * np.abs(g).max())


@pytest.mark.compiled
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_more_columns_than_one_gram_matrix_takes(l1_ratio):
    rng = np.random.default_rng(71)
    X = sparse.csr_array(np.where(rng.random((300, 3000)) < 0.02, rng.random((300, 3000)), 0.0))
    y = X[:, :20] @ np.ones(20) + 0.01 * rng.standard_normal(300)
    alphas, coefs, gaps = enet_path(X, y, l1_ratio=l1_ratio, alphas=10, eps=1e-2, **TIGHT)
    _, dense_coefs, _ = enet_path(X.toarray(), y, l1_ratio=l1_ratio, alphas=alphas, **TIGHT)
    np.testing.assert_allclose(coefs, dense_coefs, rtol=0, atol=1e-9 * np.abs(coefs).max())
    for alpha in alphas[[3, 6]]:
        model = ElasticNet(alpha, l1_ratio=l1_ratio, **TIGHT)
        certified(model.fit(X, y), X, y)


def test_entries_beyond_the_reach_of_32_bits_h20(tmp_path):
    """Kernels count in 64 bits; the files are holes but for their last entries."""

    def file(name, dtype, shape):
        return np.asarray(np.memmap(tmp_path / name, dtype, "w+", shape=shape, order="F"))

    far, x = 2**31, np.arange(50.0) ** 2
    data, indices = file("data", np.float64, far + 50), file("indices", np.int32, far + 50)
    data[far:], indices[far:] = x, np.arange(50)
    mean, variance = np.empty(1), np.empty(1)
    kernels.csc_moments(data, indices, np.array([far, far + 50]), np.full(50, 0.02), mean, variance)
    assert mean[0] == pytest.approx(x.mean(), rel=1e-14)
    assert variance[0] == pytest.approx(x.var(), rel=1e-14)
    n, p = 2**16, 2**15 + 1
    X, u = file("X", np.float64, (n, p)), np.sin(np.arange(n))
    X[:, -1] = np.arange(n)
    columns = kernels.Rows(X.T, np.arange(p), np.ones(p), np.ones(n))
    out = np.empty(p)
    correlations(columns, np.array([p - 1]), 1, u, u.sum(), out)
    assert out[-1] == pytest.approx((X[:, -1] - 1.0) @ u, rel=1e-12)


@pytest.mark.parametrize("counts", [[2, 3, 1], [0, 3, 0, 2], [3, 0, 0], [0, 0], [0, 2, 0, 0, 2]])
def test_a_tidy_matrix_is_used_as_it_is(counts):
    """Ends of columns are no disorder, nor are columns without an entry."""
    indptr = np.r_[0, np.cumsum(counts)].astype(np.int32)
    indices = np.concatenate([np.arange(k) for k in counts]).astype(np.int32)
    X = sparse.csc_array((1.0 + np.arange(len(indices)), indices, indptr), (4, len(counts)))
    found = canonical_csc(X)
    assert found.data.__array_interface__["data"] == X.data.__array_interface__["data"]
    untidy = indices[: counts[0]].size > 1
    if untidy:
        X.indices[:2] = X.indices[1::-1].copy()
        X.has_sorted_indices = False
        tidy = canonical_csc(X)
        assert list(tidy.indices[:2]) == [0, 1] and list(X.indices[:2]) == [1, 0]
        np.testing.assert_array_equal(tidy.toarray(), X.toarray())
