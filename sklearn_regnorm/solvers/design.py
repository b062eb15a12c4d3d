"""The columns of X: dense or sparse, never copied, never densified, shifted implicitly.

A design stands for X - 1 pivot', where `pivot` takes large offsets out of the columns so that
means, products and Gram matrices lose no digits to them. Everything downstream works with the
shifted columns; only the intercept is told (`Problem.intercept`).
"""

import numpy as np
from scipy import sparse

from .._statistics import BLOCK_ENTRIES, ColumnMoments
from .._threads import check_cancelled
from . import kernels

# A column is worth shifting explicitly when its mean is this many standard deviations from zero.
HEAVY = 8.0
# The same for the stored entries of a column that is zero elsewhere.
STORED_HEAVY = 32.0
# Columns multiplied at once, and given to one thread.
COLUMN_BLOCK = 2048


def make_design(X, weights, shift):
    """Return the design of a validated X; `shift` allows offsets to be taken out."""
    return (SparseDesign if sparse.issparse(X) else DenseDesign)(X, weights, shift)


class DenseDesign:
    """A C- or F-contiguous array.

    Attributes
    ----------
    pivot : ndarray of shape (p,)
        What is taken off each column: the weighted median of a few rows. That is an entry of the
        column, so that a constant column becomes exactly zero. Zero if shifting is not allowed.
    """

    sparse = False

    def __init__(self, X, weights, shift):
        self.X = X
        self.shape = X.shape
        # nine rows evenly spaced in weight: an odd number, so that the median is an entry
        total = np.cumsum(weights)
        some = np.searchsorted(total, total[-1] * (np.arange(9) + 0.5) / 9)
        self.origin = np.median(X[some], axis=0).astype(np.float64)
        self.pivot = self.origin if shift else np.zeros(X.shape[1])
        # whether some column has a large offset, which has to be taken off before products
        self.offsets = False

    @property
    def direct(self):
        """Whether BLAS may multiply X as it is."""
        return self.X.dtype == np.float64 and not self.offsets

    def _slices(self, rows):
        """Yield index objects that take `rows` (indices in order) a block at a time."""
        step = max(64, BLOCK_ENTRIES // max(self.shape[1], 1))
        whole = len(rows) == self.shape[0] and np.array_equal(rows, np.arange(len(rows)))
        for start in range(0, len(rows), step):
            check_cancelled()
            yield slice(start, start + step) if whole else rows[start : start + step]

    def row_blocks(self, origin):
        """Yield (rows, float64 copy of those rows less `origin`), all rows block by block."""
        for taken in self._slices(np.arange(self.shape[0])):
            yield taken, np.subtract(self.X[taken], origin, dtype=np.float64)

    def centred_blocks(self, rows):
        """Yield (rows, block, base): the chosen rows of the shifted columns less `base`, copied.

        `base` is the first row of the block, so that columns constant in it become exactly zero.
        """
        for taken in self._slices(rows):
            values = self.X[taken]
            first = values[0].astype(np.float64)
            yield taken, np.subtract(values, first, dtype=np.float64), first - self.pivot

    def moments(self, V):
        """Return the weighted means (p, K) of the shifted columns and their variances.

        `V` (n, K) has columns that sum to one.
        """
        mean, square = 0.0, 0.0
        for taken, block in self.row_blocks(self.origin):
            mean = mean + block.T @ V[taken]
            block *= block
            square = square + block.T @ V[taken]
        variance = np.maximum(square - mean * mean, 0.0)
        mean = mean + (self.origin - self.pivot)[:, None]
        for k, v in enumerate(V.T):
            # far from the common origin at these weights: digits were lost
            for columns in self._chunks(variance[:, k] < 1e-6 * (square - variance)[:, k]):
                self._exact_moments(v, columns, mean[:, k], variance[:, k])
        return mean, variance

    def _chunks(self, mask):
        chosen = np.flatnonzero(mask)
        step = max(1, BLOCK_ENTRIES // self.shape[0])
        return [chosen[i : i + step] for i in range(0, len(chosen), step)]

    def _exact_moments(self, v, columns, mean, variance):
        exact = ColumnMoments.of(self.X[:, columns], v)
        mean[columns] = (exact.mean - self.pivot[columns]) + exact.mean_low
        variance[columns] = exact.variance()

    def raw_means(self, v):
        """Return the means (p,) of the columns as they are at weights `v` that sum to one."""
        if self.X.dtype == np.float64:
            return v @ self.X
        return sum(v[taken] @ block for taken, block in self.row_blocks(0.0))

    def inspect(self, mean, variance):
        """Take note of column moments (p,): large offsets make products go through blocks."""
        if np.any(np.abs(self.pivot + mean) > HEAVY * np.sqrt(variance)):
            self.offsets = True

    def times(self, W):
        """Return X W for the shifted columns, (n, m)."""
        check_cancelled()
        if self.direct:
            return self.X @ W - self.pivot @ W
        out = np.empty((self.shape[0], *W.shape[1:]))
        for taken, block in self.row_blocks(self.pivot):
            out[taken] = block @ W
        return out

    def transposed_times(self, U, workers=None):
        """Return X' U for the shifted columns, (p, m)."""
        if not self.direct and not self.X.flags.f_contiguous:
            out = 0.0
            for taken, block in self.row_blocks(self.pivot):
                out = out + block.T @ U[taken]
            return out
        out = np.empty((self.shape[1], *U.shape[1:]))
        total = U.sum(axis=0)
        step = COLUMN_BLOCK
        if not self.direct:  # on copies
            step = min(step, max(1, BLOCK_ENTRIES // self.shape[0]))

        def fill(start):
            check_cancelled()
            part = slice(start, start + step)
            if self.direct:
                out[part] = self.X[:, part].T @ U
                out[part] -= np.multiply.outer(self.pivot[part], total)
            else:
                block = np.subtract(self.X[:, part], self.pivot[part], dtype=np.float64)
                out[part] = block.T @ U

        starts = range(0, self.shape[1], step)
        (workers.map if workers else lambda f, a: [f(x) for x in a])(fill, starts)
        return out

    def gather(self, columns, mean=0.0, out=None):
        """Copy some shifted columns less `mean` (p,), as float64, into the rows of `out`.

        Returns them in Fortran order.
        """
        if out is None:
            out = np.empty((len(columns), self.shape[0]))
        for row, j in zip(out, columns, strict=True):
            np.subtract(self.X[:, j], self.pivot[j], out=row, dtype=np.float64)
        if np.ndim(mean):
            out -= mean[columns, None]
        return out.T

    def original(self, rows, columns):
        """Return rows of columns as they are, what is near the columns, and their shift: none."""
        X = np.ascontiguousarray(self.X[np.ix_(rows, columns)], dtype=np.float64)
        return X, self.pivot[columns], np.zeros(len(columns))


class SparseDesign:
    """A canonical CSC matrix.

    A column that is mostly non-zero, with values far from zero, is stored shifted: its zeros
    become -pivot and are then entries like others. That costs at most as many entries again, and
    implicit centring, which subtracts products of means, stays accurate for all columns.
    """

    sparse = True

    def __init__(self, X, weights, shift):
        X = X.astype(np.float64, copy=False)
        self.shape = X.shape
        self.pivot = np.zeros(X.shape[1])
        if shift:
            X = self._shift_heavy(X, weights)
        self.X = X
        self._rows = None

    def _shift_heavy(self, X, weights):
        """Shift the columns whose mean is large beside their spread, over all or stored rows."""
        n, p = X.shape
        share = weights / weights.sum()
        mean, variance = _sparse_moments(X, share[:, None])
        far = (np.abs(mean) > 2 * np.sqrt(variance)).ravel()
        heavy = []
        for j in np.flatnonzero(far | (2 * np.diff(X.indptr) > n)):
            stored = slice(X.indptr[j], X.indptr[j + 1])
            values, mass = X.data[stored], share[X.indices[stored]]
            order = np.argsort(values)
            total = np.cumsum(mass[order])
            # the weighted median: an entry, so that equal values become exactly zero
            pivot = values[order[np.searchsorted(total, total[-1] / 2)]]
            if far[j] or (
                total[-1] > 0.5 and np.abs(pivot) > STORED_HEAVY * np.std(values - pivot)
            ):
                heavy.append(j)
                self.pivot[j] = pivot
        if not heavy:
            return X
        heavy = np.array(heavy)
        full = X[:, heavy].toarray() - self.pivot[heavy]
        light = np.delete(np.arange(p), heavy)
        order = np.argsort(np.concatenate([light, heavy]), kind="stable")
        stacked = sparse.hstack([X[:, light], sparse.csc_array(full)], format="csc")
        X = sparse.csc_array(stacked[:, order])
        X.sort_indices()
        return X

    def centred_blocks(self, rows):
        """Yield (rows, block, base): the chosen rows of the shifted columns less `base`, as CSC.

        There is one block; `base` is an entry of those columns that have no zero in it.
        """
        if self._rows is None:
            self._rows = self.X.tocsr()
        block = sparse.csc_array(self._rows[rows])
        base = np.zeros(self.shape[1])
        counts = np.diff(block.indptr)
        full = counts == len(rows)
        base[full] = block.data[block.indptr[:-1][full]]
        if full.any():
            block.data = block.data - np.repeat(base, counts)
        yield rows, block, base

    def moments(self, V):
        """Return the weighted means (p, K) of the shifted columns and their variances."""
        return _sparse_moments(self.X, V)

    def raw_means(self, v):
        """Return the means (p,) of the columns as they are at weights `v` that sum to one."""
        return self.X.T @ v + self.pivot

    def inspect(self, mean, variance):
        """Nothing to note: large offsets have been taken out already."""

    def gather(self, columns):
        """Return a dense copy of some shifted columns; the caller sees to it that they are few."""
        return self.X[:, columns].toarray(order="F")

    def original(self, rows, columns):
        """Return rows of columns as they are stored, what is near them, and their shift."""
        X = np.ascontiguousarray(self.X[:, columns].toarray()[rows])
        return X, np.zeros(len(columns)), self.pivot[columns]

    def times(self, W):
        """Return X W for the shifted columns, (n, m)."""
        check_cancelled()
        return self.X @ W

    def transposed_times(self, U, workers=None):
        """Return X' U for the shifted columns, (p, m)."""
        check_cancelled()
        return self.X.T @ U


def _sparse_moments(X, V):
    """Return weighted means and variances (p, K) of the columns of a CSC matrix."""
    mean, variance = np.empty((2, V.shape[1], X.shape[1]))
    for k, v in enumerate(np.ascontiguousarray(V.T)):
        check_cancelled()
        kernels.csc_moments(X.data, X.indices, X.indptr, v, mean[k], variance[k])
    return mean.T, variance.T
