"""Warnings that point at the caller's line."""

import sys
import warnings

# Scikit-learn's wrapper of `fit` lies between two of our own frames.
INSIDE = __name__.partition(".")[0], "sklearn.callback"


def warn_caller(message, category):
    """Warn at the innermost line outside this package, however deep inside we are."""
    level, frame = 1, sys._getframe()
    inside = tuple(f"{name}." for name in INSIDE)
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(inside):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
