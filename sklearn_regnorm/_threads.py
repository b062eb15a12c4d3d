"""Threads: ours over folds and blocks, and none of BLAS's own meanwhile.

Results do not depend on the number of threads: what is computed together depends on shapes only,
and every piece runs BLAS on one thread.
"""

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event, Lock, local

from joblib import effective_n_jobs
from sklearn import config_context, get_config
from threadpoolctl import ThreadpoolController


class _BlasCap:
    """Holds BLAS to one thread while anyone is inside; the last to leave lifts it.

    Of OpenBLAS threadpoolctl 3.8 lets one thread set the limit, as long as that thread lives, and
    ignores what others ask for. So control is taken from whoever has it, and given up in the end.
    """

    def __init__(self):
        self._lock = Lock()
        self._inside = 0
        self._blas = None
        self._limit = None

    def __enter__(self):
        with self._lock:
            if self._limit is None:
                self._blas = self._blas or ThreadpoolController().select(user_api="blas")
                self._release()
                self._limit = self.limit_here()
            self._inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._release()
                self._limit.restore_original_limits()
                self._release()
                self._limit = None

    def limit_here(self):
        """Limit this thread to one: with OpenMP every thread has a limit of its own."""
        return self._blas.limit(limits=1, user_api="blas")

    def _release(self):
        for library in self._blas.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


one_blas_thread = _BlasCap()


class Cancelled(Exception):
    """Ends work in a thread whose result nobody waits for any more."""


_thread = local()


def _work_for(cancelled):
    _thread.cancelled = cancelled
    one_blas_thread.limit_here()


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
        try:
            if self._pool is not None:
                if exception[0] is not None:
                    self._cancelled.set()
                self._pool.shutdown(cancel_futures=True)
        finally:
            one_blas_thread.__exit__()

    def map(self, function, *arguments):
        """Return ``[function(*a) for a in zip(*arguments)]``, or raise as soon as one call does."""
        if self._pool is None:
            return [function(*one) for one in zip(*arguments, strict=True)]
        config = get_config()

        def call(*one):
            with config_context(**config):
                return function(*one)

        # forced forms and scikit-learn's configuration, too, are those of the caller
        futures = [
            self._pool.submit(copy_context().run, call, *one)
            for one in zip(*arguments, strict=True)
        ]
        finished = wait(futures, return_when=FIRST_EXCEPTION).done
        return [future.result() for future in futures if future in finished]
