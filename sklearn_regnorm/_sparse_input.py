"""Sparse matrices of the caller, checked and brought to the forms that kernels and scipy may read.

scipy checks no index in its constructors, and its conversions, like compiled kernels, would read
and write out of bounds. So every array is looked at before anything is converted, and what leaves
here stands on plain arrays: one-dimensional, contiguous, aligned, of native byte order.
"""

from itertools import chain
from numbers import Integral

import numpy as np
from scipy import sparse

from ._memory import check_room


def canonical_csc(X):
    """Return sparse `X` as CSC with sorted, unique, 32-bit (if possible) indices.

    Duplicates are summed and indices sorted on a copy, never in the caller's matrix.
    """
    X = checked(X)
    X = sparse.csc_array(X)
    indices, indptr = X.indices, X.indptr
    ascending = indices[1:] > indices[:-1]
    starts = indptr[1:-1]
    ascending[starts[(starts > 0) & (starts < len(indices))] - 1] = True
    if not ascending.all():
        X = sparse.csc_array((X.data.copy(), indices.copy(), indptr.copy()), X.shape)
        X.has_sorted_indices = X.has_canonical_format = False
        X.sum_duplicates()
        indices, indptr = X.indices, X.indptr
    if indices.dtype != np.int32 and max(*X.shape, X.nnz) < 2**31:
        indices, indptr = indices.astype(np.int32), indptr.astype(np.int32)
    return sparse.csc_array((X.data, indices, indptr), X.shape)


def checked(X):
    """Return sparse `X` as CSC or CSR, an array or a matrix as it was, sharing what is sound.

    Raises ValueError unless its arrays fit together and its indices stay inside its shape.
    """
    shape = X.shape
    if len(shape) != 2:
        raise ValueError(f"Expected 2D input, got X of shape {shape}.")
    if not all(isinstance(size, Integral) and size >= 0 for size in shape):
        raise malformed(f"its shape is {shape}")
    check_room("X", shape, 8 * sum(shape))  # a number for each row and column, whatever is done
    try:
        kind, parts = _PARTS[X.format](X)
    except (AttributeError, LookupError, TypeError) as error:  # what is there is no array
        raise malformed(f"{type(error).__name__}, {error}") from error
    if kind == "coo":
        made = sparse.coo_array(parts, shape=shape).tocsr()
    elif kind == "csc":
        made = sparse.csc_array(parts, shape=shape)
    else:
        made = sparse.csr_array(parts, shape=shape)
    if sparse.isspmatrix(X):
        make = sparse.csc_matrix if kind == "csc" else sparse.csr_matrix
        made = make((made.data, made.indices, made.indptr), shape=shape)
    return made


def malformed(why):
    """Return the error to raise."""
    return ValueError(f"X is a malformed sparse matrix: {why}.")


# ------------------------------------------------------------------------ arrays


def _values(data, ndim=1):
    """Return entries as contiguous float64, or float32 if they are that."""
    if np.ma.is_masked(data):
        raise malformed("its data are masked")
    data = np.asarray(data)
    if data.ndim != ndim:
        raise malformed(f"its data have {data.ndim} axes, not {ndim}")
    if data.dtype.kind == "c":
        raise ValueError("Complex data not supported: X is a complex sparse matrix.")
    if data.dtype.kind not in "biufO":
        raise malformed(f"its data are of type {data.dtype}")
    dtype = np.float32 if data.dtype == np.float32 else np.float64
    check_room("X", data.shape, data.size * 8)
    return np.require(data, dtype, ["C", "A"])


def _integers(name, array):
    """Return an index array as contiguous int32 or int64."""
    if np.ma.is_masked(array):
        raise malformed(f"{name} is masked")
    array = np.asarray(array)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise malformed(f"{name} must hold integers in one dimension")
    check_room("X", array.shape, array.size * 8)
    dtype = np.int32 if array.dtype.itemsize == 4 and array.dtype.kind == "i" else np.int64
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise malformed(f"{name} has an entry of {array.max()}")
    return np.require(array, dtype, ["C", "A"])


def _check_inside(indices, size):
    if len(indices) and (indices.min() < 0 or indices.max() >= size):
        raise malformed(
            f"it has an index outside [0, {size}). Rebuild it from coordinates inside its shape"
        )


def _check_pointer(pointer, major, stored):
    if len(pointer) != major + 1 or pointer[0] != 0 or pointer[-1] > stored:
        raise malformed("indptr does not fit its shape and its data")
    if np.any(pointer[1:] < pointer[:-1]):
        raise malformed("indptr must not decrease")


def _check_lengths(*parts):
    if len({len(part) for part in parts}) != 1:
        raise malformed("its index and data arrays differ in size")


# ------------------------------------------------------------------------ formats


def _compressed(X, major, minor, ndim=1):
    """Return (data, indices, indptr); of the former two what the last one uses."""
    pointer = _integers("indptr", X.indptr)
    _check_pointer(pointer, major, min(len(X.indices), len(X.data)))
    used = slice(int(pointer[-1]))
    data, indices = _values(X.data[used], ndim), _integers("indices", X.indices[used])
    _check_inside(indices, minor)
    if indices.dtype != pointer.dtype:
        indices, pointer = indices.astype(np.int64), pointer.astype(np.int64)
    return data, indices, pointer


def _of_csc(X):
    return "csc", _compressed(X, X.shape[1], X.shape[0])


def _of_csr(X):
    return "csr", _compressed(X, *X.shape)


def _of_bsr(X):
    block = np.shape(X.data)[1:]
    if len(block) != 2 or 0 in block or X.shape[0] % block[0] or X.shape[1] % block[1]:
        raise malformed(f"its data of shape {np.shape(X.data)} do not fit its shape {X.shape}")
    parts = _compressed(X, X.shape[0] // block[0], X.shape[1] // block[1], ndim=3)
    X = sparse.bsr_array(parts, shape=X.shape).tocsr()
    return "csr", (X.data, X.indices, X.indptr)


def _of_coo(X):
    data, row, col = _values(X.data), _integers("row", X.row), _integers("col", X.col)
    _check_lengths(data, row, col)
    _check_inside(row, X.shape[0])
    _check_inside(col, X.shape[1])
    return "coo", (data, (row, col))


def _of_dia(X):
    data, offsets = _values(X.data, 2), _integers("offsets", X.offsets)
    _check_lengths(data, offsets)
    n, p = X.shape
    seen = (offsets > -n) & (offsets < p)
    lanes, width = offsets[seen].astype(np.int64), min(data.shape[1], p)
    row = np.arange(width) - lanes[:, None]
    inside = (row >= 0) & (row < n)
    col = np.broadcast_to(np.arange(width), row.shape)
    return "coo", (data[seen][:, :width][inside], (row[inside], col[inside]))


def _of_lil(X):
    _check_lengths(X.rows, X.data, range(X.shape[0]))
    lengths = [len(row) for row in X.rows]
    if lengths != [len(values) for values in X.data]:
        raise malformed("its rows and data differ in size")
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    indices = _integers("rows", list(chain.from_iterable(X.rows)))
    _check_inside(indices, X.shape[1])
    values = np.array(list(chain.from_iterable(X.data)), X.dtype)
    return "csr", (_values(values), indices.astype(np.int64), indptr)


def _of_dok(X):
    keys = np.array(list(X.keys())).reshape(-1, 2) if len(X.keys()) else np.empty((0, 2), int)
    row, col = (_integers("a key", axis) for axis in keys.T)
    _check_inside(row, X.shape[0])
    _check_inside(col, X.shape[1])
    return "coo", (_values(np.array(list(X.values()), X.dtype)), (row, col))


_PARTS = {
    "csc": _of_csc,
    "csr": _of_csr,
    "bsr": _of_bsr,
    "coo": _of_coo,
    "dia": _of_dia,
    "lil": _of_lil,
    "dok": _of_dok,
}
