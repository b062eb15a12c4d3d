"""The few columns of X that a problem is solved on, in place where that is possible."""

from threading import Lock

import numpy as np
from scipy import sparse

from .._threads import check_cancelled
from . import kernels
from .events import combine, correlations
from .kernels import Rows

# Columns up to which the Gram form is tried first.
GRAM_FIRST = 1000
# Columns multiplied at once, on copies; and how few are multiplied without copies.
PRODUCT_BLOCK = 256
LEAST_BLOCK = 8


class _ColumnSet:
    """Some columns of X, in the order they came in, and their Gram matrix as far as needed."""

    def __init__(self, problem):
        self.problem = problem
        self.index = np.zeros(0, dtype=np.int64)
        self.G = np.zeros((0, 0))

    def add(self, columns):
        """Take in more columns, given by their indices."""
        self.index = np.concatenate([self.index, columns])

    def keep(self, mask):
        """Drop the columns where `mask` is False."""
        known = mask[: len(self.G)]
        self.G = self.G[np.ix_(known, known)]
        self.index = self.index[mask]

    def forget_gram(self):
        """Free the memory of the Gram matrix."""
        self.G = np.zeros((0, 0))

    def gram(self):
        """Return X'VX of the set; only the columns that are new since last time cost anything."""
        old, m = len(self.G), len(self.index)
        if old < m:
            side = self.products(old)
            G = np.empty((m, m))
            G[:old, :old] = self.G
            G[:, old:] = side
            G[old:, :] = side.T
            self.G = G
        return self.G


class ColumnRows:
    """Columns of a dense X as contiguous rows, for all problems of the design at once.

    In place if X is in Fortran order (kernels read float32 too, and calculate in float64), and
    gathered, shifted, otherwise.
    """

    def __init__(self, design):
        self.design = design
        p = design.shape[1]
        self.in_place = design.X.flags.f_contiguous and not design.offsets
        self.values = design.X.T if self.in_place else np.empty((0, design.shape[0]))
        self.place = np.arange(p) if self.in_place else np.full(p, -1)
        self.count = 0
        self._records = {}
        self._lock = Lock()

    def record(self, problem, columns):
        """Return the record that kernels take, with at least these columns."""
        if not self.in_place:
            with self._lock:
                self._gather(columns[self.place[columns] < 0])
                return Rows(self.values, self.place, problem.mean, problem.weights)
        if problem not in self._records:
            offset = problem.mean + self.design.pivot
            self._records[problem] = Rows(self.values, self.place, offset, problem.weights)
        return self._records[problem]

    def _gather(self, columns):
        old, new = self.count, self.count + len(columns)
        if new > len(self.values):
            larger = np.empty((new + new // 4, self.values.shape[1]))
            larger[:old] = self.values[:old]
            self.values = larger  # others may go on with the old one
        self.design.gather(columns, out=self.values[old:new])
        self.place[columns] = np.arange(old, new)
        self.count = new

    def correlate(self, problem, columns, r):
        """Return the products of some centred columns with r, weighted."""
        out = np.empty(len(self.place))
        u = problem.weights * r
        correlations(self.record(problem, columns), columns, len(columns), u, u.sum(), out)
        return out[columns]


class DenseColumns(_ColumnSet):
    """Columns of a dense X, found in `rows`, a `ColumnRows`."""

    def __init__(self, problem, rows):
        super().__init__(problem)
        self.rows = rows

    def products(self, old):
        """Return X'VX of all columns (rows of the result) with those from number `old` on."""
        out = np.empty((len(self.index), len(self.index) - old))
        for i in range(0, out.shape[1], PRODUCT_BLOCK):
            new = self._centred(slice(old + i, old + i + PRODUCT_BLOCK))
            if len(new) < LEAST_BLOCK:  # not worth copying all columns for
                for k, x in enumerate(new):
                    out[:, i + k] = self.rows.correlate(self.problem, self.index, x)
                continue
            new *= self.problem.weights
            for k in range(0, len(out), PRODUCT_BLOCK):
                check_cancelled()
                some = slice(k, k + PRODUCT_BLOCK)
                np.matmul(self._centred(some), new.T, out=out[some, i : i + len(new)])
        return out

    def _centred(self, some):
        """Return a copy of some of the columns, as rows."""
        columns = self.index[some]
        rows = self.rows.record(self.problem, columns)
        return rows.values[rows.place[columns]] - rows.offset[columns, None]

    def residual(self, w):
        """Return y - X w of the set's columns."""
        rows = self.rows.record(self.problem, self.index)
        used, fitted = np.flatnonzero(w), np.empty_like(self.problem.y)
        combine(rows, self.index[used], w[used], len(used), fitted)
        return self.problem.y - fitted

    def correlate(self, w):
        """Return the residual r at w, X'Vr of the set, and r'Vr."""
        r = self.residual(w)
        return r, self.rows.correlate(self.problem, self.index, r), self.problem.weights @ (r * r)

    def prefers_gram(self):
        """Return whether the Gram form should be tried first."""
        return len(self.index) <= min(GRAM_FIRST, max(len(self.problem.y), 100))

    def entries(self):
        """Return the multiplications of half a sweep."""
        return len(self.index) * len(self.problem.y)

    def kernel_columns(self, w):
        """Return what kernels take: a record, which of its columns are the set's, r and shift."""
        rows = self.rows.record(self.problem, self.index)
        return rows, self.index, self.problem.weights * self.residual(w), 0.0


class SparseColumns(_ColumnSet):
    """Columns of a sparse X, used in place."""

    def products(self, old):
        """Return X'VX of all columns (rows of the result) with those from number `old` on."""
        X, mean = self.problem.design.X, self.problem.mean[self.index]
        new = sparse.diags_array(self.problem.weights) @ X[:, self.index[old:]]
        out = -np.outer(mean, mean[old:])
        for k in range(0, len(out), PRODUCT_BLOCK):
            check_cancelled()
            some = slice(k, k + PRODUCT_BLOCK)
            out[some] += (X[:, self.index[some]].T @ new).toarray()
        return out

    def residual(self, w):
        """Return y - X w of the set's columns."""
        used = w != 0
        index, w = self.index[used], w[used]
        return self.problem.y - (self.problem.design.X[:, index] @ w - self.problem.mean[index] @ w)

    def correlate(self, w):
        """Return the residual r at w, X'Vr of the set, and r'Vr."""
        r = self.residual(w)
        u = self.problem.weights * r
        g = self.problem.design.X[:, self.index].T @ u - self.problem.mean[self.index] * u.sum()
        return r, g, float(u @ r)

    def prefers_gram(self):
        """Return whether the Gram form should be tried first."""
        return len(self.index) <= GRAM_FIRST

    def entries(self):
        """Return the multiplications of half a sweep."""
        return int(np.diff(self.problem.design.X.indptr)[self.index].sum()) + len(self.problem.y)

    def kernel_columns(self, w):
        """Return what kernels take: a record, which of its columns are the set's, r and shift."""
        X, mean = self.problem.design.X, self.problem.mean
        # a column is centred implicitly: what it does to all rows is kept apart
        shift = float(mean[self.index] @ w)
        record = kernels.Csc(X.data, X.indices, X.indptr, mean, self.problem.weights)
        return record, self.index, self.residual(w) - shift, shift
