"""The columns of X: dense or sparse, never copied, never densified, shifted implicitly.

A design stands for X - 1 pivot', where `pivot` takes large offsets out of the columns so that
means, products and Gram matrices lose no digits to them. Everything downstream works with the
shifted columns; only the intercept is told (`Problem.intercept`).
"""

import numpy as np
from scipy import sparse

from .._statistics import BLOCK_ENTRIES

# A column is worth shifting explicitly when its mean is this many standard deviations from zero.
HEAVY = 8.0
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
        # whether products may use X as it is
        self.direct = X.dtype == np.float64

    def row_blocks(self, rows, origin=None):
        """Yield (rows, float64 copy of those rows less the pivot) block by block."""
        origin = self.pivot if origin is None else origin
        step = max(64, BLOCK_ENTRIES // max(self.shape[1], 1))
        whole = len(rows) == self.shape[0] and np.array_equal(rows, np.arange(len(rows)))
        for start in range(0, len(rows), step):
            taken = slice(start, start + step) if whole else rows[start : start + step]
            yield taken, np.subtract(self.X[taken], origin, dtype=np.float64)

    def moments(self, V):
        """Return the weighted means (p, K) of the shifted columns and their variances.

        `V` (n, K) has columns that sum to one.
        """
        mean, square = 0.0, 0.0
        for taken, block in self.row_blocks(np.arange(self.shape[0]), self.origin):
            mean = mean + block.T @ V[taken]
            block *= block
            square = square + block.T @ V[taken]
        variance = np.maximum(square - mean * mean, 0.0)
        return mean + (self.origin - self.pivot)[:, None], variance

    def raw_means(self, v):
        """Return the means (p,) of the columns as they are at weights `v` that sum to one."""
        if self.X.dtype == np.float64:
            return v @ self.X
        origin = np.zeros(self.shape[1])
        blocks = self.row_blocks(np.arange(self.shape[0]), origin)
        return sum(v[taken] @ block for taken, block in blocks)

    def inspect(self, mean, variance):
        """Take note of column moments (p,): large offsets make products go through blocks."""
        if np.any(np.abs(self.pivot + mean) > HEAVY * np.sqrt(variance)):
            self.direct = False

    def times(self, W):
        """Return X W for the shifted columns, (n, m)."""
        if self.direct:
            return self.X @ W - self.pivot @ W
        out = np.empty((self.shape[0], *W.shape[1:]))
        for taken, block in self.row_blocks(np.arange(self.shape[0])):
            out[taken] = block @ W
        return out

    def transposed_times(self, U, workers=None):
        """Return X' U for the shifted columns, (p, m)."""
        if self.direct:
            out = np.empty((self.shape[1], *U.shape[1:]))
            total = U.sum(axis=0)

            def fill(start):
                part = slice(start, start + COLUMN_BLOCK)
                out[part] = self.X[:, part].T @ U
                out[part] -= np.multiply.outer(self.pivot[part], total)

            starts = range(0, self.shape[1], COLUMN_BLOCK)
            (workers.map if workers else lambda f, a: [f(x) for x in a])(fill, starts)
            return out
        out = 0.0
        for taken, block in self.row_blocks(np.arange(self.shape[0])):
            out = out + block.T @ U[taken]
        return out

    def gather(self, columns):
        """Return a float64 copy of some shifted columns in Fortran order."""
        out = np.empty((self.shape[0], len(columns)), order="F")
        for k, j in enumerate(columns):
            np.subtract(self.X[:, j], self.pivot[j], out=out[:, k], dtype=np.float64)
        return out


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
            if far[j] or np.abs(pivot) > 2 * np.std(values - pivot):
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

    def row_blocks(self, rows):
        """Yield the chosen rows as one CSR block."""
        if self._rows is None:
            self._rows = self.X.tocsr()
        whole = len(rows) == self.shape[0] and np.array_equal(rows, np.arange(len(rows)))
        yield rows, self._rows if whole else self._rows[rows]

    def moments(self, V):
        """Return the weighted means (p, K) of the shifted columns and their variances."""
        return _sparse_moments(self.X, V)

    def raw_means(self, v):
        """Return the means (p,) of the columns as they are at weights `v` that sum to one."""
        return self.X.T @ v + self.pivot

    def inspect(self, mean, variance):
        """Nothing to note: large offsets have been taken out already."""

    def times(self, W):
        """Return X W for the shifted columns, (n, m)."""
        return self.X @ W

    def transposed_times(self, U, workers=None):
        """Return X' U for the shifted columns, (p, m)."""
        return self.X.T @ U


def _sparse_moments(X, V):
    """Return weighted means and variances (p, K) of the columns of a CSC matrix.

    About an entry of each column, so that a constant column has variance zero exactly.
    """
    n, p = X.shape
    counts = np.diff(X.indptr)
    first = np.zeros(p)
    first[counts > 0] = X.data[X.indptr[:-1][counts > 0]]
    centred = sparse.csc_array((X.data - np.repeat(first, counts), X.indices, X.indptr), X.shape)
    pattern = sparse.csc_array((np.ones(len(X.data)), X.indices, X.indptr), X.shape)
    full = (pattern.T @ (V > 0).astype(float)) == (V > 0).sum(axis=0)
    mass = np.where(full, 1.0, pattern.T @ V)
    missing = np.maximum(1.0 - mass, 0.0)
    stored = centred.T @ V
    mean = first[:, None] * mass + stored
    beyond = stored - first[:, None] * missing  # the mean less the entry
    variance = np.empty_like(mean)
    offsets = centred.data
    for k in range(V.shape[1]):
        centred.data = (offsets - np.repeat(beyond[:, k], counts)) ** 2
        variance[:, k] = centred.T @ V[:, k] + missing[:, k] * mean[:, k] ** 2
    return mean, variance
