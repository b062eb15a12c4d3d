"""Threads: ours over folds and blocks, and none of BLAS's own meanwhile.

Results do not depend on the number of threads: what is computed together depends on shapes only,
and every piece runs BLAS on one thread.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


class _BlasCap:
    """Holds BLAS to one thread while anyone is inside; the last to leave lifts it."""

    def __init__(self):
        self._lock = Lock()
        self._inside = 0
        self._controller = None
        self._limit = None

    def __enter__(self):
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._controller = self._controller or ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")

    def __exit__(self, *exception):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


one_blas_thread = _BlasCap()


class Workers:
    """A context in which work is spread over `n_jobs` threads.

    Parameters
    ----------
    n_jobs : int or None
        As everywhere in scikit-learn: None is 1 or what the joblib context says, -1 all cores.
    """

    def __init__(self, n_jobs=None):
        self.count = effective_n_jobs(n_jobs)
        self._pool = None

    def __enter__(self):
        one_blas_thread.__enter__()
        if self.count > 1:
            self._pool = ThreadPoolExecutor(self.count)
        return self

    def __exit__(self, *exception):
        if self._pool is not None:
            # after Ctrl-C nobody waits for what the threads have begun
            self._pool.shutdown(wait=exception[0] is None, cancel_futures=True)
        one_blas_thread.__exit__()

    def map(self, function, *arguments):
        """Return ``[function(*a) for a in zip(*arguments)]``."""
        if self._pool is None:
            return [function(*one) for one in zip(*arguments, strict=True)]
        return list(self._pool.map(function, *arguments))
