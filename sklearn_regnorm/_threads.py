"""Threads: ours over folds and blocks, and none of BLAS's own meanwhile.

Results do not depend on the number of threads: what is computed together depends on shapes only,
and every piece runs BLAS on one thread.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread, local

from joblib import effective_n_jobs
from threadpoolctl import ThreadpoolController


class _BlasCap:
    """Holds BLAS to one thread while anyone is inside; the last to leave lifts it.

    The first and the last may be different threads, but threadpoolctl lets no thread change what
    another has set, as long as that lives. So limits are set and lifted by threads that end.
    """

    def __init__(self):
        self._lock = Lock()
        self._inside = 0
        self._controller = None
        self._limit = None

    def __enter__(self):
        with self._lock:
            if self._inside == 0:
                _run_in_a_thread(self._set)
            self._inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _run_in_a_thread(self._limit.restore_original_limits)

    def _set(self):
        self._controller = self._controller or ThreadpoolController()
        self._limit = self._controller.limit(limits=1, user_api="blas")


def _run_in_a_thread(function):
    thread = Thread(target=function)
    thread.start()
    thread.join()


one_blas_thread = _BlasCap()


class Cancelled(Exception):
    """Ends work in a thread whose result nobody waits for any more."""


_thread = local()


def _work_for(cancelled):
    _thread.cancelled = cancelled


def check_cancelled():
    """Raise `Cancelled` in a thread of `Workers` that have been left by an exception.

    Long loops call it where they are in Python anyway: Ctrl-C reaches the main thread alone.
    """
    cancelled = getattr(_thread, "cancelled", None)
    if cancelled is not None and cancelled.is_set():
        raise Cancelled


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
        self._cancelled = Event()

    def __enter__(self):
        one_blas_thread.__enter__()
        if self.count > 1:
            self._pool = ThreadPoolExecutor(
                self.count, initializer=_work_for, initargs=(self._cancelled,)
            )
        return self

    def __exit__(self, *exception):
        if self._pool is not None:
            if exception[0] is not None:
                self._cancelled.set()
            self._pool.shutdown(cancel_futures=True)
        one_blas_thread.__exit__()

    def map(self, function, *arguments):
        """Return ``[function(*a) for a in zip(*arguments)]``."""
        if self._pool is None:
            return [function(*one) for one in zip(*arguments, strict=True)]
        return list(self._pool.map(function, *arguments))
