"""Kinds of X, y and weights: which dtype, which memory order, which library."""

import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV

N, P = 40, 5
rng = np.random.default_rng(0)
# small integers, which every dtype holds exactly
X = rng.integers(-3, 4, (N, P)).astype(float)
y = np.round(X @ [2.0, -1.0, 0.0, 0.0, 1.0] + rng.standard_normal(N) * 2)
WEIGHTS = np.arange(N) % 3 + 1
EVERY = [
    Lasso(alpha=0.1),
    Ridge(),
    ElasticNet(alpha=0.1),
    LassoCV(alphas=6),
    RidgeCV(alphas=[0.1, 1.0, 10.0]),
    RidgeCV(alphas=[0.1, 1.0, 10.0], cv=3),
    ElasticNetCV(alphas=6, l1_ratio=[0.2, 0.9]),
]
every = pytest.mark.parametrize("model", EVERY, ids=repr)
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")


def same(model, reference, rtol=1e-9):
    for name in ("coef_", "intercept_", "mse_path_", "coef_path_", "alphas_"):
        if hasattr(reference, name):
            expected = getattr(reference, name)
            assert_allclose(getattr(model, name), expected, rtol=rtol, atol=rtol, err_msg=name)


@every
@pytest.mark.parametrize("order", ["C", "F", "strided", "reversed", "readonly"])
def test_memory_order_h69(model, order):
    Z = contain(X, order)
    model = clone(model).fit(Z, contain(y[:, None], order)[:, 0], sample_weight=WEIGHTS)
    same(model, clone(model).fit(X, y, sample_weight=WEIGHTS))
    assert_allclose(model.predict(Z), model.predict(X), rtol=1e-12, atol=1e-12)


def mapped(folder, mode):
    joblib.dump(X, folder / "X.joblib")
    return joblib.load(folder / "X.joblib", mmap_mode=mode)


@every
@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_memory_map(model, mode, tmp_path):
    Z = mapped(tmp_path, mode)
    assert isinstance(Z, np.memmap)
    before = (tmp_path / "X.joblib").read_bytes()
    model = clone(model).fit(Z, y)
    same(model, clone(model).fit(X, y))
    assert_array_equal(model.predict(Z), model.predict(X))
    del Z
    assert (tmp_path / "X.joblib").read_bytes() == before


def unaligned():
    buffer = bytearray(8 * N * P + 1)
    Z = np.frombuffer(buffer, dtype=np.float64, offset=1).reshape(N, P)
    Z[:] = X
    assert not Z.flags.aligned
    return Z


ODD = {
    "unaligned": unaligned,
    "broadcast": lambda: np.broadcast_to(X[:, :1], (N, P)),
    "transposed": lambda: np.ascontiguousarray(X.T).T,
    "record field": lambda: np.array([(row, 0) for row in X], [("x", float, P), ("z", "i1")])["x"],
    "subclass": lambda: X.view(type("Mine", (np.ndarray,), {})),
    "list": lambda: X.tolist(),
    "tuples": lambda: tuple(map(tuple, X)),
    "pandas": lambda: pd.DataFrame(X),
    "pandas columns of several dtypes": lambda: pd.DataFrame(X).astype(
        {0: "int8", 1: "float32", 2: "Int64", 3: "Float64", 4: object}
    ),
    "pandas with a row index": lambda: pd.DataFrame(X, index=np.arange(N)[::-1] * 3),
    "polars": lambda: pl.DataFrame({f"c{j}": X[:, j] for j in range(P)}),
    "polars integers": lambda: pl.DataFrame({f"c{j}": X[:, j].astype("i4") for j in range(P)}),
    "pandas sparse": lambda: pd.DataFrame.sparse.from_spmatrix(sparse.csc_matrix(X)),
    "csc": lambda: sparse.csc_array(X),
    "csr matrix": lambda: sparse.csr_matrix(X),
    "coo": lambda: sparse.coo_array(X),
    "bsr": lambda: sparse.bsr_array(X, blocksize=(2, 1)),
    "lil": lambda: sparse.lil_array(X),
    "dok": lambda: sparse.dok_array(X),
    "dia": lambda: sparse.dia_array(X),
    "csr of integers": lambda: sparse.csr_array(X.astype("i4")),
    "csc of bool": lambda: sparse.csc_array(X != 0),
    "csr with 64-bit indices": lambda: contain(X, "csr64"),
    "coo, transposed": lambda: sparse.coo_array(X.T).T,
    "csr of read-only parts": lambda: frozen(sparse.csr_array(X)),
}


def frozen(A):
    for part in (A.data, A.indices, A.indptr):
        part.flags.writeable = False
    return A


@every
@pytest.mark.parametrize("kind", ODD)
def test_container_h69(model, kind):
    Z = ODD[kind]()
    plain = X != 0 if kind == "csc of bool" else X
    plain = np.repeat(X[:, :1], P, axis=1) if kind == "broadcast" else plain
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*feature names.*")
        model = clone(model).fit(Z, y, sample_weight=WEIGHTS)
        predicted = model.predict(Z)
    reference = clone(model).fit(plain.astype(float), y, sample_weight=WEIGHTS)
    if kind != "broadcast":  # identical columns share a coefficient as they like
        same(model, reference)
    assert_allclose(predicted, reference.predict(plain.astype(float)), rtol=1e-9, atol=1e-9)


def test_missing_values_of_frames_are_refused_h69():
    for frame in (
        pd.DataFrame(X).astype("Float64").mask(lambda f: f == 3.0, pd.NA),
        pl.DataFrame({f"c{j}": [None, *X[1:, j]] for j in range(P)}),
    ):
        with pytest.raises(ValueError, match=r"\bX\b.*NaN"):
            Lasso().fit(frame, y)


def test_matrix_is_refused_h69():
    with pytest.raises(TypeError, match=r"np\.matrix"):
        Lasso().fit(np.asmatrix(X), y)


DTYPES = ["f4", "f8", ">f4", ">f8", "f2", "g", "i1", "i2", "i4", "i8", ">i4", "u1", "bool", "O"]


@every
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_h17(model, dtype):
    Z = np.abs(X) if dtype == "u1" else X != 0 if dtype == "bool" else X
    model = clone(model).fit(Z.astype(dtype), y)
    single = dtype == "f4"  # of other byte order it is converted to float64, as scikit-learn does
    expected = np.dtype(np.float32 if single else np.float64)
    assert model.coef_.dtype == expected and model.coef_.dtype.isnative
    if hasattr(model, "coef_path_"):
        assert model.coef_path_.dtype == expected
    assert isinstance(model.intercept_, float)
    same(model, clone(model).fit(Z.astype(float), y), rtol=1e-4 if single else 1e-12)
    assert_allclose(model.predict(Z.astype(dtype)), model.predict(Z.astype(float)), rtol=1e-4)
    Z = sparse.csc_array(Z.astype(dtype)) if dtype in ("f4", "f8", "i4", "bool") else Z
    assert clone(model).fit(Z, y).coef_.dtype == (expected if single else np.float64)


TARGETS = {
    "integers": lambda: y.astype(int),
    "small integers": lambda: y.astype("i1"),
    "float32": lambda: y.astype("f4"),
    "big-endian": lambda: y.astype(">f8"),
    "long double": lambda: y.astype(np.longdouble),
    "objects": lambda: y.astype(object),
    "list": lambda: y.astype(int).tolist(),
    "tuple": lambda: tuple(y),
    "strided": lambda: np.repeat(y, 3)[::3],
    "reversed": lambda: y[::-1].copy()[::-1],
    "pandas": lambda: pd.Series(y, index=np.arange(N)[::-1]),
    "pandas integers": lambda: pd.Series(y).astype("Int64"),
    "polars": lambda: pl.Series(y),
}


@every
def test_weights(model):
    reference = clone(model).fit(X, y, sample_weight=WEIGHTS)
    for weights in (
        WEIGHTS.tolist(), pd.Series(WEIGHTS), pl.Series(WEIGHTS), WEIGHTS.astype("u1"),
        WEIGHTS.astype(">f4"), np.repeat(WEIGHTS, 2)[::2], contain(WEIGHTS, "readonly"),
    ):  # fmt: skip
        same(clone(model).fit(X, y, sample_weight=weights), reference, rtol=1e-12)


@every
@pytest.mark.parametrize("kind", TARGETS)
def test_target_h67(model, kind):
    target = TARGETS[kind]()
    reference = clone(model).fit(X, y, sample_weight=WEIGHTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataConversionWarning)
        same(clone(model).fit(X, target, sample_weight=WEIGHTS), reference, rtol=1e-12)
    assert reference.score(X, target) == pytest.approx(reference.score(X, y), rel=1e-12)


@every
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", ["bool", "i8", "i4", "f4"])
@pytest.mark.parametrize("container", ["C", "csr"])
def test_types_of_targets_without_intercept_h67(container, dtype, fit_intercept, model):
    target = (y > 0).astype(dtype)
    model = clone(model).set_params(fit_intercept=fit_intercept)
    reference = clone(model).fit(X, target.astype(float))
    same(model.fit(contain(X, container), target), reference)


@every
def test_one_weight_for_all(model):
    same(clone(model).fit(X, y, sample_weight=1), clone(model).fit(X, y), rtol=1e-12)
    if "alphas" in model.get_params() and not isinstance(model, RidgeCV):
        same(clone(model).fit(X, y, sample_weight=2.5), clone(model).fit(X, y), rtol=1e-9)


@every
def test_target_in_a_column(model):
    column = y[:, None]
    if isinstance(model, LassoCV | ElasticNetCV):
        with pytest.warns(DataConversionWarning, match="column-vector y"):
            fit = clone(model).fit(X, column)
        assert fit.predict(X).shape == (N,)
        same(fit, clone(model).fit(X, y), rtol=1e-12)
    else:
        fit = clone(model).fit(X, column)
        assert_allclose(fit.predict(X).ravel(), clone(model).fit(X, y).predict(X), rtol=1e-12)


@pytest.mark.parametrize("model", EVERY[:3] + EVERY[4:6], ids=repr)
def test_several_targets_are_each_solved_for_itself(model):
    Y = np.column_stack([y, -3 * y + X[:, 0], np.full(N, 2.0)])
    for given in (Y, np.asfortranarray(Y), pd.DataFrame(Y), Y.tolist()):
        fit = clone(model).fit(X, given, sample_weight=WEIGHTS)
        assert fit.coef_.shape == (3, P) and fit.intercept_.shape == (3,)
        assert np.shape(fit.dual_gap_) == (3,)
        assert fit.sparse_coef_.shape == (3, P)
        for t in range(3):
            single = clone(model)
            if isinstance(model, RidgeCV):
                single = Ridge(alpha=fit.alpha_)
            single.fit(X, Y[:, t], sample_weight=WEIGHTS)
            assert_allclose(fit.coef_[t], single.coef_, rtol=1e-9, atol=1e-12)
            assert_allclose(fit.intercept_[t], single.intercept_, rtol=1e-9, atol=1e-12)
            assert_allclose(fit.predict(X)[:, t], single.predict(X), rtol=1e-9, atol=1e-12)


def test_one_alpha_per_target():
    Y = np.column_stack([y, X[:, 0] - y])
    fit = Ridge(alpha=[0.1, 20.0]).fit(X, Y)
    for t, alpha in enumerate([0.1, 20.0]):
        assert_allclose(fit.coef_[t], Ridge(alpha=alpha).fit(X, Y[:, t]).coef_, rtol=1e-9)
    assert_allclose(fit.lambda_2_, [0.1 / (2 * N), 20.0 / (2 * N)], rtol=1e-14)
