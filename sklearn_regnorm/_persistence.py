"""Estimators that know which version of this package has pickled them."""

import warnings

from sklearn.base import BaseEstimator

VERSION = "_sklearn_regnorm_version"


class VersionedEstimator(BaseEstimator):
    """A BaseEstimator whose pickles carry the version; another minor version warns on loading.

    scikit-learn does the same for its own classes, and for these only.
    """

    def __getstate__(self):
        """Return the attributes and the version."""
        from . import __version__

        return {**super().__getstate__(), VERSION: __version__}

    def __setstate__(self, state):
        """Restore the attributes, with a warning if they are another version's."""
        from . import __version__

        state = dict(state)
        old = state.pop(VERSION, "unknown")
        if old.split(".")[:2] != __version__.split(".")[:2]:
            warnings.warn(
                f"This {type(self).__name__} was pickled by version {old} of sklearn_regnorm, and "
                f"this is {__version__}: it may fail, or give wrong results. Fit it again.",
                UserWarning,
                stacklevel=2,
            )
        super().__setstate__(state)
