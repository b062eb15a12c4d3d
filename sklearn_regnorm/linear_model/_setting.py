"""What a CV estimator solves, and how solutions become what its user sees."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..solvers.cross_validation import CrossValidation


@dataclass
class Setting:
    """The engine, and what lies between its columns and the user's.

    Attributes
    ----------
    engine : CrossValidation
    rows : callable
        ``rows(k)`` returns all rows of X as fold k (-1: the fit to all rows) sees them.
    made : FoldPreprocessing, optional
    scale, centre : ndarray of shape (n_features,), optional
        Where the preprocessor but changes units, and the engine has the columns without it: what
        it divides them by, and its image of their means.
    """

    engine: CrossValidation
    rows: Callable
    made: Any = None
    scale: np.ndarray | None = None
    centre: np.ndarray | None = None

    @property
    def problem(self):
        """That of all rows."""
        return self.engine.problem

    def published(self, solutions):
        """Return coefficients and intercepts of inner ones [(m, p), ...], which are overwritten.

        Of shapes (n_ratios, m, n_features) and (n_ratios, m); one ratio is not copied.
        """
        intercepts = np.stack([self.problem.intercept(w) for w in solutions])
        coefs = [self.problem.outer_coef(w, overwrite=True) for w in solutions]
        coefs = coefs[0][None] if len(coefs) == 1 else np.stack(coefs)
        if self.scale is not None:
            coefs *= self.scale.astype(coefs.dtype)
            intercepts = self.problem.means()[0] - coefs @ self.centre
        return coefs, intercepts
