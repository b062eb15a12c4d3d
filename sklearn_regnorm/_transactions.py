"""Fits that leave no half-fitted estimator behind."""

import functools


def all_or_nothing(fit):
    """Make a method leave the estimator as it was if anything, Ctrl-C included, stops it."""

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        before = dict(self.__dict__)
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            self.__dict__ = before  # in one step, which a second Ctrl-C cannot tear apart
            raise

    return wrapped
