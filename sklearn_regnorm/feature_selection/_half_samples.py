"""Half-samples of rows, and what is counted of their paths."""

from threading import Lock

import numpy as np
from sklearn.utils import check_random_state


class HalfSamples:
    """Random halves of the rows, as weight vectors of ones and zeros.

    A half is drawn anew whenever it is asked for, from a seed of its own, so that all of them
    together take no memory.

    Parameters
    ----------
    n : int
        Number of rows.
    count : int
        Even for pairs.
    paired : bool
        Whether halves 2i and 2i + 1 are disjoint; otherwise all are independent.
    random_state : int, RandomState or None
    """

    def __init__(self, n, count, paired, random_state):
        self.n = n
        self.paired = paired
        if n < 2:
            raise ValueError(f"X has n_samples={n}; half-samples need at least 2 rows.")
        draws = count // 2 if paired else count
        most = np.iinfo(np.int32).max
        self.seeds = check_random_state(random_state).randint(most, size=draws)

    def __call__(self, k):
        """Return the weights (n,) of half-sample k."""
        draw, side = divmod(k, 2) if self.paired else (k, 0)
        order = np.random.RandomState(self.seeds[draw]).permutation(self.n)
        half = self.n // 2
        v = np.zeros(self.n)
        v[order[side * half : (side + 1) * half]] = 1.0
        return v


class SelectionCounts:
    """Counts, over half-samples, which features are selected along the grid: a visitor.

    Attributes
    ----------
    counts : ndarray of int of shape (n_alphas, p)
        Half-samples in which the feature is selected at this alpha.
    selected : ndarray of int of shape (n_alphas,)
        Features selected at this alpha or a larger one, summed over half-samples.
    """

    def __init__(self, n_alphas, p):
        self.counts = np.zeros((n_alphas, p), dtype=np.int32)
        self.selected = np.zeros(n_alphas, dtype=np.int64)
        self._seen = {}
        self._lock = Lock()

    def __call__(self, k, part, coefs):
        """Take in a stretch of the path of half-sample k."""
        nonzero = coefs != 0
        seen = nonzero.copy()
        if k in self._seen:
            seen[0] |= self._seen.pop(k)
        np.logical_or.accumulate(seen, axis=0, out=seen)
        if part.stop < len(self.selected):
            self._seen[k] = seen[-1].copy()
        with self._lock:
            self.counts[part] += nonzero
            self.selected[part] += np.count_nonzero(seen, axis=1)
