"""Means and variances of columns that merge exactly."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import sparse

from .._threads import Workers, check_cancelled, one_blas_thread
from . import moment_kernels as kernels

# Rows, and least columns, of a task, where rows are contiguous; entries of one otherwise.
TASK_ROWS = 2**16
TASK_COLUMNS = 192
TASK_ENTRIES = 2**18
# Entries of a block of rows in C order, which stays in cache while it is read twice.
CACHED_ENTRIES = 2**18
# Entries of X from which work is spread over threads.
THREADED_ENTRIES = 2**19


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """Total weight, mean and variance of every column, in double-double arithmetic.

    Rows of any partition, and partitions of machines, merge into the same moments, to a few units
    of the last digit. Entries that are NaN do not count.

    Attributes
    ----------
    state : ndarray of shape (7, p)
        See `moment_kernels`.
    """

    state: np.ndarray

    @classmethod
    def none(cls, n_columns):
        """Return the moments of no rows."""
        state = np.zeros((7, n_columns))
        state[kernels.UNIT] = 1.0
        return cls(state)

    @classmethod
    def constant(cls, n_columns, mean, variance):
        """Return moments of weight 1 that are the same for all columns."""
        state = cls.none(n_columns).state
        state[kernels.WEIGHT], state[kernels.MEAN], state[kernels.VARIANCE] = 1.0, mean, variance
        return cls(state)

    def with_variance(self, variance):
        """Return these moments with other variances, of shape (p,)."""
        state = self.state.copy()
        state[kernels.VARIANCE], state[kernels.VARIANCE_LOW] = variance, 0.0
        state[kernels.UNIT] = 1.0
        return ColumnMoments(state)

    @classmethod
    def of(cls, X, weights=None, n_jobs=None):
        """Compute the moments of the columns of X, in blocks.

        Parameters
        ----------
        X : ndarray or CSC matrix of shape (n, p)
            Of float32 or float64.
        weights : ndarray of shape (n,), optional
            Of float64, not negative.
        n_jobs : int, optional
            Threads; the result does not depend on them.

        Raises
        ------
        ValueError
            If an entry is infinite.
        """
        n, p = X.shape
        weights = np.ones(n) if weights is None else weights
        # powers of two change no digit, and keep squares times weights in range
        exponent = np.frexp(weights.max())[1]
        scaled = np.ldexp(weights, -exponent)
        if sparse.issparse(X):
            state = _sparse_state(X, scaled)
        else:
            state = _dense_state(X, scaled, n_jobs)
        state[[kernels.WEIGHT, kernels.WEIGHT_LOW]] = np.ldexp(
            state[[kernels.WEIGHT, kernels.WEIGHT_LOW]], exponent
        )
        return cls(state)

    def merge(self, other):
        """Return the moments of the rows of both."""
        state = self.state.copy()
        kernels.merge(state, other.state)
        return ColumnMoments(state)

    def blend(self, other, share):
        """Return the moments moved by a share (0 to 1) towards those of other rows.

        mean + s (m - mean) and (1 - s) v + s v' + s (1 - s) (m - mean)^2; where no entry of the
        other counts, the column stays, and where none did here, it takes over the other's.
        """
        state = self.state.copy()
        kernels.blend(state, other.state, float(share))
        return ColumnMoments(state)

    @property
    def weight(self):
        """Total weight of the entries that count, of shape (p,)."""
        return self.state[kernels.WEIGHT]

    @property
    def mean(self):
        """Means, NaN where no entry counts."""
        return np.where(self.weight > 0, self.state[kernels.MEAN], np.nan)

    @property
    def mean_low(self):
        """What the means are short of, where they are rounded to float64."""
        return self.state[kernels.MEAN_LOW]

    def variance(self, ddof=0):
        """Return variances with weight - ddof in the denominator (inf beyond the range)."""
        with np.errstate(over="ignore", under="ignore"):
            return self.state[kernels.VARIANCE] * self.state[kernels.UNIT] ** 2 * self._share(ddof)

    def deviation(self, ddof=0):
        """Return standard deviations, which are in range even if variances are not."""
        share = np.sqrt(self._share(ddof))
        return np.sqrt(self.state[kernels.VARIANCE]) * share * self.state[kernels.UNIT]

    def _share(self, ddof):
        share = np.where(self.weight > 0, 1.0, np.nan)
        if ddof:
            many = self.weight > ddof
            share[many] = self.weight[many] / (self.weight[many] - ddof)
        return share


def infinite():
    """Return the error for X with an infinite entry."""
    return ValueError("X contains infinity; only finite values and NaN have a place here.")


def _sparse_state(X, weights):
    state = ColumnMoments.none(X.shape[1]).state
    total = kernels.weight_of(weights)
    if not kernels.sparse_moments(X.data, X.indices, X.indptr, weights, *total, state):
        raise infinite()
    return state


def _dense_state(X, weights, n_jobs):
    if X.flags.f_contiguous and (not X.flags.c_contiguous or X.shape[1] == 1):
        return _columns_state(X.T, weights, n_jobs)
    return _rows_state(X, weights, n_jobs)


def _columns_state(columns, weights, n_jobs):
    p, n = columns.shape
    width = max(1, TASK_ENTRIES // n)

    def run(some):
        check_cancelled()
        state = ColumnMoments.none(len(columns[some])).state
        if not kernels.columns_moments(columns[some], weights, state):
            raise infinite()
        return state

    tasks = [(slice(j, j + width),) for j in range(0, p, width)]
    return np.concatenate(spread(run, tasks, columns.size, n_jobs), axis=1)


def _rows_state(X, weights, n_jobs):
    n, p = X.shape
    width = max(TASK_COLUMNS, TASK_ENTRIES // min(n, TASK_ROWS)) if p > 4 * TASK_COLUMNS else p
    tasks = [
        (slice(i, i + TASK_ROWS), j) for j in range(0, p, width) for i in range(0, n, TASK_ROWS)
    ]

    def run(rows, start):
        check_cancelled()
        m = min(width, p - start)
        state = ColumnMoments.none(m).state
        block = min(kernels.BLOCK, max(kernels.PLAIN, CACHED_ENTRIES // m))
        some = X[rows]
        if not some.flags.c_contiguous:  # copy what is needed of a strided view
            some, start = np.ascontiguousarray(some[:, start : start + m]), 0
        if not kernels.rows_moments(some, weights[rows], start, state, block):
            raise infinite()
        return ColumnMoments(state)

    parts = spread(run, tasks, X.size, n_jobs)
    height = -(-n // TASK_ROWS)
    merged = [
        reduce(ColumnMoments.merge, parts[k : k + height]) for k in range(0, len(parts), height)
    ]
    return np.concatenate([part.state for part in merged], axis=1)


def spread(run, tasks, entries, n_jobs):
    """Return ``[run(*task) for task in tasks]``, over threads if there are many `entries`."""
    if entries < THREADED_ENTRIES or len(tasks) == 1:
        return [run(*task) for task in tasks]
    return _over_threads(run, tasks, n_jobs)


@one_blas_thread
def _over_threads(run, tasks, n_jobs):
    with Workers(n_jobs) as workers:
        return workers.map(run, *zip(*tasks, strict=True))
