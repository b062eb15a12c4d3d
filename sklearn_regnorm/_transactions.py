"""Fits that leave no half-fitted estimator behind."""

import functools


def all_or_nothing(fit):
    """Make a method leave the estimator as it was if anything, Ctrl-C included, stops it."""

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = dict(self.__dict__)
        try:
            return fit(self, *args, **kwargs)
        except BaseException as error:
            self.__dict__ = before  # in one step, which a second Ctrl-C cannot tear apart
            if isinstance(_origin(error), KeyboardInterrupt):
                raise _origin(error) from None
            raise

    return wrapped


def _origin(error):
    """Return what the interpreter has made a SystemError of.

    numba runs some Python when a kernel returns arrays. If Ctrl-C comes then, numba overlooks it,
    and the interpreter complains that there is a result as well as an exception.
    """
    while isinstance(error, SystemError) and error.__cause__ is not None:
        error = error.__cause__
    return error
