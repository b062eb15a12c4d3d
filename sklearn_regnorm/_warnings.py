"""Warnings that point at the caller's line."""

import sys
import warnings

PACKAGE = __name__.partition(".")[0]


def warn_caller(message, category):
    """Warn at the innermost line outside this package, however deep inside we are."""
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
