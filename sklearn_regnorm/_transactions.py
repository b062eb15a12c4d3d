"""Fits that leave no half-fitted estimator behind."""

import functools
from contextlib import contextmanager


def all_or_nothing(fit):
    """Make a method leave the estimator as it was if anything, Ctrl-C included, stops it."""

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = dict(self.__dict__)
        try:
            with audible_interrupts():
                return fit(self, *args, **kwargs)
        except BaseException:
            self.__dict__ = before  # in one step, which a second Ctrl-C cannot tear apart
            raise

    return wrapped


@contextmanager
def audible_interrupts():
    """Raise KeyboardInterrupt where the interpreter has made a SystemError of it.

    numba runs some Python when a kernel returns arrays. If Ctrl-C comes then, numba overlooks it,
    and the interpreter complains that there is a result as well as an exception.
    """
    try:
        yield
    except SystemError as error:
        origin = error
        while isinstance(origin, SystemError) and origin.__cause__ is not None:
            origin = origin.__cause__
        if isinstance(origin, KeyboardInterrupt):
            raise origin from None
        raise
