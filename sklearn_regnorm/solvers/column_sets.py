"""The few columns of X that a problem is solved on: gathered if dense, in place if sparse."""

from threading import Lock

import numpy as np
from scipy import sparse

from . import kernels
from .events import Rows, correlations

# Columns up to which the Gram form is tried first.
GRAM_FIRST = 1000


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

    def gram(self):
        """Return X'VX of the set; only the columns that are new since last time cost anything."""
        old, m = len(self.G), len(self.index)
        if old < m:
            side = self._products(old)
            G = np.empty((m, m))
            G[:old, :old] = self.G
            G[:, old:] = side
            G[old:, :] = side.T
            self.G = G
        return self.G


class GatheredColumns(_ColumnSet):
    """Columns of a dense X, copied next to each other and centred."""

    def __init__(self, problem):
        super().__init__(problem)
        self.buffer = np.empty((0, len(problem.y)))

    @property
    def values(self):
        """The columns, (n, m) in Fortran order."""
        return self.buffer[: len(self.index)].T

    def add(self, columns):
        """Take in more columns, given by their indices."""
        old, new = len(self.index), len(self.index) + len(columns)
        if new > len(self.buffer):
            larger = np.empty((new + new // 2, len(self.problem.y)))
            larger[:old] = self.buffer[:old]
            self.buffer = larger
        self.problem.design.gather(columns, self.problem.mean, self.buffer[old:new])
        super().add(columns)

    def keep(self, mask):
        """Drop the columns where `mask` is False."""
        self.buffer[: int(mask.sum())] = self.buffer[: len(mask)][mask]
        super().keep(mask)

    def _products(self, old):
        return self.values.T @ (self.problem.weights[:, None] * self.values[:, old:])

    def residual(self, w):
        """Return y - X w of the set's columns."""
        used = np.flatnonzero(w)
        if 2 * len(used) > len(w):
            return self.problem.y - self.values @ w
        return self.problem.y - self.values[:, used] @ w[used]

    def correlate(self, r):
        """Return X'Vr of the set, and r'Vr."""
        u = self.problem.weights * r
        return self.values.T @ u, float(u @ r)

    def prefers_gram(self):
        """Return whether the Gram form should be tried first."""
        return len(self.index) <= min(GRAM_FIRST, max(len(self.problem.y), 100))

    def entries(self):
        """Return the multiplications of half a sweep."""
        return self.values.size

    def kernel_columns(self):
        """Return the record that kernels take, and which of its columns are the set's."""
        record = kernels.Gathered(self.values, self.problem.weights)
        return record, np.arange(len(self.index))


class SparseColumns(_ColumnSet):
    """Columns of a sparse X, used in place."""

    def _products(self, old):
        chosen = self.problem.design.X[:, self.index]
        new = sparse.diags_array(self.problem.weights) @ chosen[:, old:]
        mean = self.problem.mean[self.index]
        return (chosen.T @ new).toarray() - np.outer(mean, mean[old:])

    def residual(self, w):
        """Return y - X w of the set's columns."""
        used = w != 0
        index, w = self.index[used], w[used]
        return self.problem.y - (self.problem.design.X[:, index] @ w - self.problem.mean[index] @ w)

    def correlate(self, r):
        """Return X'Vr of the set, and r'Vr."""
        u = self.problem.weights * r
        g = self.problem.design.X[:, self.index].T @ u - self.problem.mean[self.index] * u.sum()
        return g, float(u @ r)

    def prefers_gram(self):
        """Return whether the Gram form should be tried first."""
        return len(self.index) <= GRAM_FIRST

    def entries(self):
        """Return the multiplications of half a sweep."""
        return int(np.diff(self.problem.design.X.indptr)[self.index].sum()) + len(self.problem.y)

    def kernel_columns(self):
        """Return the record that kernels take, and which of its columns are the set's."""
        X = self.problem.design.X
        record = kernels.Csc(X.data, X.indices, X.indptr, self.problem.mean, self.problem.weights)
        return record, self.index


class ColumnRows:
    """Columns of a dense X as contiguous rows, for all problems of the design at once.

    In place if X is in Fortran order, and gathered, shifted, otherwise.
    """

    def __init__(self, design):
        self.design = design
        p = design.shape[1]
        self.in_place = design.direct and design.X.flags.f_contiguous
        self.values = design.X.T if self.in_place else np.empty((0, design.shape[0]))
        self.place = np.arange(p) if self.in_place else np.full(p, -1)
        self.count = 0
        self._lock = Lock()

    def record(self, problem, columns):
        """Return the record that kernels take, with at least these columns."""
        with self._lock:
            if not self.in_place:
                self._gather(columns[self.place[columns] < 0])
            offset = problem.mean + self.design.pivot if self.in_place else problem.mean
            return Rows(self.values, self.place, offset, problem.weights)

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
