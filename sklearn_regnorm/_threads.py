"""Threads: ours over folds and blocks, and none of BLAS's own meanwhile.

Results do not depend on the number of threads: what is computed together depends on shapes only,
and every piece runs BLAS on one thread.
"""

import functools
import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Event, Lock, get_ident, local

from joblib import effective_n_jobs, parallel_config
from sklearn import config_context, get_config
from threadpoolctl import ThreadpoolController


class _BlasCap:
    """Holds BLAS to one thread while anyone is inside; the last to leave lifts it.

    A context, and a decorator of functions. Ctrl-C may come at any point of entering and leaving,
    and a process may fork while other threads are inside.

    Of OpenBLAS threadpoolctl 3.8 lets one thread set the limit, as long as that thread lives, and
    ignores what others ask for. So control is taken from whoever has it, and given up in the end.
    """

    def __init__(self):
        self._lock = Lock()
        self._depths = {}  # how many times over each thread is inside
        self._blas = None
        self._before = None  # the limits to go back to, once they may have been changed
        self._capped = False
        if hasattr(os, "register_at_fork"):  # not on Windows
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._leave_others_behind,
            )

    def __enter__(self):
        depth = self._depth()
        try:
            self._be_inside(depth + 1)
        except BaseException:
            self._be_inside(depth)
            raise

    def __exit__(self, *exception):
        depth = self._depth() - 1
        try:
            self._be_inside(depth)
        except BaseException:
            self._be_inside(depth)
            raise

    def __call__(self, function):
        """Return the function with BLAS on one thread while it runs."""

        @functools.wraps(function)
        def capped(*args, **kwargs):
            depth = self._depth()
            try:
                with self:
                    return function(*args, **kwargs)
            except BaseException:  # which may have come before __exit__ did anything
                self._be_inside(depth)
                raise

        return capped

    def limit_here(self):
        """Limit a new thread, too, if anyone is inside: with OpenMP each has a limit of its own."""
        with self._lock:
            if self._capped:
                self._limit()

    def _depth(self):
        return self._depths.get(get_ident(), 0)

    def _be_inside(self, depth):
        """Let this thread be inside so many times over; if interrupted, to be called again."""
        with self._lock:
            if depth:
                self._depths[get_ident()] = depth
            else:
                self._depths.pop(get_ident(), None)
            if self._depths and not self._capped:
                self._cap()
            elif self._before is not None and not self._depths:
                self._lift()

    def _cap(self):
        self._blas = self._blas or ThreadpoolController().select(user_api="blas")
        if self._before is None:
            self._before = [library.num_threads for library in self._blas.lib_controllers]
        self._release()
        self._limit()
        self._capped = True

    def _limit(self):
        for library in self._blas.lib_controllers:
            library.set_num_threads(1)

    def _lift(self):
        self._capped = False
        self._release()
        for library, threads in zip(self._blas.lib_controllers, self._before, strict=True):
            library.set_num_threads(threads)
        self._release()
        self._before = None

    def _release(self):
        for library in self._blas.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)

    def _leave_others_behind(self):
        """In a new process, of whose threads only the one that forked is there."""
        depth = self._depth()
        self._depths = {get_ident(): depth} if depth else {}
        self._lock.release()
        self._be_inside(depth)


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


class computed_once:
    """A cached property without a lock.

    That of Python 3.11 has one for all instances: threads wait for each other's instances, and a
    process forked meanwhile waits for ever.
    """

    def __init__(self, function):
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.function(instance)
        return value


class Workers:
    """A context in which work is spread over `n_jobs` threads.

    Parameters
    ----------
    n_jobs : int or None
        As everywhere in scikit-learn: None is 1 or what the joblib context says, -1 all cores.
    """

    def __init__(self, n_jobs=None):
        with parallel_config(prefer="threads"):  # which may be had where processes may not
            self.count = effective_n_jobs(n_jobs)
        self._pool = None
        self._calls = []  # an event for each call that a thread has begun: its end
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
            self._end(exception[0] is not None)
        except BaseException:  # Ctrl-C in here
            self._end(True)
            raise
        finally:
            one_blas_thread.__exit__()

    def _end(self, cancelled):
        if self._pool is None:
            return
        if cancelled:
            self._cancelled.set()
        self._pool.shutdown(cancel_futures=True)
        if cancelled:  # Ctrl-C may have kept the pool from noting a thread that it was starting
            for ended in self._calls:
                ended.wait()

    def map(self, function, *arguments):
        """Return ``[function(*a) for a in zip(*arguments)]``, or raise as soon as one call does."""
        if self._pool is None:
            return [function(*one) for one in zip(*arguments, strict=True)]
        config, self._calls = get_config(), []

        def call(*one):
            ended = Event()
            self._calls.append(ended)
            try:
                check_cancelled()
                with config_context(**config):
                    return function(*one)
            finally:
                ended.set()

        # forced forms and scikit-learn's configuration, too, are those of the caller
        futures = [
            self._pool.submit(copy_context().run, call, *one)
            for one in zip(*arguments, strict=True)
        ]
        finished = wait(futures, return_when=FIRST_EXCEPTION).done
        return [future.result() for future in futures if future in finished]
