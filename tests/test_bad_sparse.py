"""Malformed sparse matrices never reach a kernel, and no input is ever modified."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from problems import contain
from refusal import N, P, X, fitted, refused, y
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

EVERY = [Lasso, Ridge, ElasticNet, LassoCV, RidgeCV, ElasticNetCV]
every = pytest.mark.parametrize("cls", EVERY)

S = X * (np.abs(X) > 0.4)
FAR = 10**8


def astray(kind, index, where=0, wide=False):
    """Return S in a sparse format, one of its indices overwritten; None is the first too large.

    scipy's constructors would not look, and its conversions and products would obey.
    """
    A = sparse.csr_array(S).asformat(kind, copy=True)
    if wide:
        A.indices, A.indptr = A.indices.astype(np.int64), A.indptr.astype(np.int64)
    limit = {"csc": N, "lil": P, "coo": P, "coo rows": N}.get(kind, P)
    index = limit if index is None else index
    if kind == "coo":
        A.col[where] = index
    elif kind == "lil":
        A.rows[where][-1] = index
    else:
        A.indices[where] = index
    return A


def with_pointer(kind, change):
    """Return S compressed, its indptr changed in place by `change`."""
    A = sparse.csr_array(S).asformat(kind, copy=True)
    change(A)
    return A


def swap(A):
    A.indptr[1:3] = A.indptr[2], A.indptr[1] - 1


def beyond(A):
    A.indptr[-1] = FAR


def below(A):
    A.indptr[0] = -1


def late(A):
    A.indptr[0] = 1


def leap(A):
    A.indptr[1:] = FAR


def dip(A):
    A.indptr[2] = -FAR


def short_pointer(A):
    A.indptr = A.indptr[:-1].copy()


def short_data(A):
    A.data = A.data[:-3].copy()


def short_indices(A):
    A.indices = A.indices[:-3].copy()


def coo_row(index):
    A = sparse.coo_array(S)
    A.row[3] = index
    return A


MALFORMED = {
    **{
        f"{kind}[{where}]={index}": astray(kind, index, where)
        for kind in ("csc", "csr", "coo", "bsr", "lil")
        for where in (0, -1)
        for index in (None, -1, FAR)
    },
    **{
        f"{kind}64={index}": astray(kind, index, 5, wide=True)
        for kind in ("csc", "csr")
        for index in (None, -1, FAR, 2**40, -(2**40))
    },
    **{f"coo row={index}": coo_row(index) for index in (N, -1, FAR)},
    **{
        f"{kind} {change.__name__}": with_pointer(kind, change)
        for kind in ("csc", "csr")
        for change in (
            swap, beyond, below, late, leap, dip, short_pointer, short_data, short_indices,
        )
    },
}  # fmt: skip


@every
@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_h65(cls, kind):
    refused(cls(), "X", X=MALFORMED[kind], y=y, error=ValueError)


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_in_predict_and_paths_h65(kind):
    bad = MALFORMED[kind]
    for cls in EVERY:
        for method in (fitted(cls).predict, lambda X, cls=cls: fitted(cls).score(X, y)):
            with pytest.raises(ValueError, match=r"\bX\b"):
                method(bad)
    for path in (lasso_path, enet_path):
        with pytest.raises(ValueError, match=r"\bX\b"):
            path(bad, y)


PROGRAM = """
import numpy as np, sklearn_regnorm as package
from scipy import sparse
rng = np.random.default_rng(0)
for n, index in ((60, 10**8), (60, -1), (60, 200), (5000, 10**8), (5000, -(2**31)), (60, 60)):
    y = rng.standard_normal(n)
    for name in ("Lasso", "Ridge", "ElasticNet", "LassoCV", "RidgeCV", "ElasticNetCV"):
        model = getattr(package, name)()
        for use in ("fit", "predict"):
            X = sparse.csc_array(rng.standard_normal((n, 5)))
            if use == "predict":
                model.fit(X, y)
            X.indices[3] = index
            try:
                model.fit(X, y) if use == "fit" else model.predict(X)
            except ValueError as error:
                assert "X" in str(error)
            else:
                raise SystemExit(f"{name} {use} took index {index}")
print("all refused")
"""


@pytest.mark.compiled
def test_malformed_in_a_process_of_its_own_h65():
    """Where scikit-learn is stopped by a signal."""
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all refused"


# ------------------------------------------------------------------------------ legal, untidy

UNTIDY = ("duplicates", "unsorted", "csr duplicates", "coo duplicates", "explicit zeros", "slack")


def untidy(kind):
    """Return S as a legal sparse matrix that is not in canonical form."""
    if kind in ("duplicates", "unsorted"):
        return contain(S, kind)
    if kind == "csr duplicates":
        return contain(S.T, "duplicates").T
    if kind == "coo duplicates":
        A = sparse.coo_array(S)
        twice = [np.concatenate([a[::-1], a]) for a in (A.data / 2, A.row, A.col)]
        return sparse.coo_array((twice[0], tuple(twice[1:])), shape=S.shape)
    A = sparse.csc_array(np.where(S == 0, np.pi, S))
    if kind == "explicit zeros":
        A.data[A.data == np.pi] = 0.0
        return A
    A = sparse.csc_array(S)  # arrays longer than indptr says: what lies beyond is not part of it
    A.data, A.indices = np.append(A.data, [9.0, 9.0]), np.append(A.indices, np.int32([FAR, -1]))
    return A


def content(thing):
    """Return the bytes of an array, or of all that a container holds."""
    if sparse.issparse(thing):
        parts = (thing.data, *((thing.row, thing.col) if thing.format == "coo" else ()))
        if thing.format != "coo":
            parts += (thing.indices, thing.indptr)
        flags = {k: v for k, v in vars(thing).items() if not isinstance(v, np.ndarray | tuple)}
        return [(id(part), part.dtype, part.tobytes()) for part in parts], str(flags)
    if isinstance(thing, pd.DataFrame):
        return thing.to_csv()
    if isinstance(thing, list):
        return repr(thing)
    return thing.dtype, thing.tobytes(), thing.flags.writeable


@every
@pytest.mark.parametrize("kind", UNTIDY)
def test_untidy_is_summed_on_a_copy_h64(cls, kind):
    A = untidy(kind)
    before = content(A)
    model = cls().fit(A, y)
    expected = cls().fit(S, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-9, atol=1e-12)
    assert_allclose(model.predict(A), expected.predict(S), rtol=1e-9, atol=1e-12)
    assert content(A) == before


CONTAINERS = ("C", "F", "strided", "reversed", "csc", "csr", "coo", "csc64", "frame", "list")


@pytest.mark.parametrize("container", [*CONTAINERS, *UNTIDY])
@pytest.mark.parametrize("order", ["fitting", "failing"])
def test_nothing_given_is_modified_h28(container, order):
    """Neither by a fit nor by one that is stopped; whole arrays, not just the parts in view."""
    if container in UNTIDY:
        A = untidy(container)
    elif container == "frame":
        A = pd.DataFrame(S.copy())
    elif container == "list":
        A = S.tolist()
    else:
        A = contain(S.copy(), container)
    Y, v, grid = y[:, None].copy(), np.arange(N) % 4, np.array([0.01, 1.0, 0.1])
    gram, ratios = S.T @ S, [0.9, 0.5]
    given = [A, Y, v, grid, gram, ratios]
    if order == "failing":
        Y[-1] = np.nan
    before = [content(one) for one in given]
    models = [
        Lasso(precompute=gram, copy_X=False), Ridge(copy_X=False), ElasticNet(copy_X=False),
        LassoCV(alphas=grid, precompute=gram, copy_X=False), RidgeCV(alphas=grid),
        RidgeCV(alphas=grid, cv=3), ElasticNetCV(alphas=grid, l1_ratio=ratios, copy_X=False),
    ]  # fmt: skip
    target = Y.ravel() if order == "fitting" else Y
    for model in models:
        if order == "fitting":
            model.fit(A, target, sample_weight=v).predict(A)
        else:
            with pytest.raises(ValueError, match="y"):
                copy.deepcopy(model).fit(A, target, sample_weight=v)
        assert [content(one) for one in given] == before, model


@pytest.mark.parametrize("make", [sparse.dok_array, sparse.lil_array, sparse.coo_array])
def test_nothing_stored_is_zeros(make):
    model = Lasso(0.1).fit(X, y)
    assert_allclose(model.predict(make((3, P))), np.full(3, model.intercept_))
