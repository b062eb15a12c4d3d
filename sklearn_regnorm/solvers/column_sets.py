"""The few columns of X that a problem is solved on: gathered if dense, in place if sparse."""

from threading import Lock

import numpy as np
from scipy import sparse

from . import kernels
from .events import Rows, correlations

# Columns up to which the Gram form is tried first.
GRAM_FIRST = 1000
# Columns copied at once.
GATHER_BLOCK = 256


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
    """Columns of a dense X, copied next to each other and centred.

    Attributes
    ----------
    inside, outside : ndarray of shape (room for columns, rows)
        Rows of positive weight, times its square root; and the others.
    """

    def __init__(self, problem):
        super().__init__(problem)
        kept = problem.weights > 0
        self.rows = np.flatnonzero(kept), np.flatnonzero(~kept)
        self.root = np.sqrt(problem.weights[self.rows[0]])
        self.inside, self.outside = (np.empty((0, len(rows))) for rows in self.rows)

    @property
    def values(self):
        """The columns as rows, (m, rows of positive weight)."""
        return self.inside[: len(self.index)]

    def add(self, columns):
        """Take in more columns, given by their indices."""
        old, new = len(self.index), len(self.index) + len(columns)
        if new > len(self.inside):
            for name in ("inside", "outside"):
                larger = np.empty((new + new // 4, getattr(self, name).shape[1]))
                larger[:old] = getattr(self, name)[:old]
                setattr(self, name, larger)
        for first in range(0, len(columns), GATHER_BLOCK):
            some = columns[first : first + GATHER_BLOCK]
            here = slice(old + first, old + first + len(some))
            full = self.problem.design.gather(some, self.problem.mean).T
            np.multiply(full[:, self.rows[0]], self.root, out=self.inside[here])
            self.outside[here] = full[:, self.rows[1]]
        super().add(columns)

    def keep(self, mask):
        """Drop the columns where `mask` is False."""
        for one in (self.inside, self.outside):
            one[: int(mask.sum())] = one[: len(mask)][mask]
        super().keep(mask)

    def _products(self, old):
        return self.values @ self.values[old:].T

    def _inner_residual(self, w):
        return self.root * self.problem.y[self.rows[0]] - _combined(self.values, w)

    def residual(self, w):
        """Return y - X w of the set's columns."""
        r = np.empty(len(self.problem.y))
        r[self.rows[0]] = self._inner_residual(w) / self.root
        r[self.rows[1]] = self.problem.y[self.rows[1]] - _combined(self.outside[: len(w)], w)
        return r

    def correlate(self, w):
        """Return X'Vr of the set, and r'Vr, for the residual r at w."""
        r = self._inner_residual(w)
        return self.values @ r, float(r @ r)

    def prefers_gram(self):
        """Return whether the Gram form should be tried first."""
        return len(self.index) <= min(GRAM_FIRST, max(len(self.problem.y), 100))

    def entries(self):
        """Return the multiplications of half a sweep."""
        return self.values.size

    def kernel_columns(self, w):
        """Return what kernels take: a record, which of its columns are the set's, r and shift."""
        return (
            kernels.Gathered(self.values), np.arange(len(self.index)), self._inner_residual(w), 0.0,
        )  # fmt: skip


def _combined(values, w):
    """Return the rows of `values` times w, summed up."""
    used = np.flatnonzero(w)
    return w @ values if 2 * len(used) > len(w) else w[used] @ values[used]


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

    def correlate(self, w):
        """Return X'Vr of the set, and r'Vr, for the residual r at w."""
        r = self.residual(w)
        u = self.problem.weights * r
        g = self.problem.design.X[:, self.index].T @ u - self.problem.mean[self.index] * u.sum()
        return g, float(u @ r)

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
