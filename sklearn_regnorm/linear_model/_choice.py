"""What fitted CV estimators have in common: a table, and the freedom to choose again."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._scoring import blend
from ._selection import Grid, choose
from ._summary import Summary, summarise


@dataclass(frozen=True)
class Solutions:
    """All solutions on all rows, in the order of a `Grid`, as the caller sees them.

    Attributes
    ----------
    coefs : ndarray of shape (n_ratios, n_alphas, ..., n_features)
    intercepts : ndarray of shape (n_ratios, n_alphas, ...)
    relaxed : (coefs, intercepts) or None
        Least squares on the active sets.
    """

    grid: Grid
    coefs: np.ndarray
    intercepts: np.ndarray
    relaxed: tuple | None = None

    def at(self, row):
        """Return (coef, intercept) of a row of the table."""
        i, j, g = self.grid.place(row)
        coef, intercept = self.coefs[i, j], self.intercepts[i, j]
        if self.grid.blends is not None:
            share = self.grid.blends[g]
            coef = blend(share, coef, self.relaxed[0][i, j])
            intercept = blend(share, intercept, self.relaxed[1][i, j])
        return coef, intercept


class ChoosingMixin:
    """Choosing once more among the solutions that a CV estimator has stored."""

    cv_table_: dict
    _solutions: Solutions

    def select(self, rule: str | Callable) -> Self:
        """Return the fitted estimator that another selection rule leads to, without refitting.

        Parameters
        ----------
        rule : {"min", "1se", "aic", "bic", "ebic"} or callable
            As `selection_rule`. A callable gets a copy of `cv_table_` and returns a row of it.

        Returns
        -------
        object
            A copy of this estimator with the parameter `selection_rule` and the attributes of the
            choice (`alpha_`, `coef_`, ...) changed; this estimator stays as it is. Its
            coefficients are those of `coef_path_`.

        Raises
        ------
        ValueError
            If the rule is unknown, does not apply, or returns no row.
        """
        check_is_fitted(self)
        row = choose(self.cv_table_, rule, self.metric_)
        chosen = copy(self)
        chosen.selection_rule = rule
        if row != self.best_index_:
            chosen._take(row)
        return chosen

    def _take(self, row):
        """Set the attributes of the choice to those of a row of the table."""
        table = self.cv_table_
        self.best_index_ = row
        self.coef_, self.intercept_ = self._solutions.at(row)
        self.dual_gap_ = float(table["dual_gap"][row])
        self.n_iter_ = int(table["n_iter"][row])
        self._set_penalty(float(table["alpha"][row]), float(table["l1_ratio"][row]))

    def _set_penalty(self, alpha, ratio):
        self.alpha_ = alpha
        self.lambda_1_ = alpha * ratio
        self.lambda_2_ = alpha * (1.0 - ratio) / 2.0

    @property
    def coef_original_(self) -> np.ndarray:
        """Coefficients in X's own units; where `preprocessor` but shifts and scales columns."""
        scale, _ = self._known_units()
        return self.coef_ / scale

    @property
    def intercept_original_(self) -> float:
        """The intercept that belongs to `coef_original_`."""
        _, shift = self._known_units()
        return float(self.intercept_ + self.coef_ @ shift)

    def _known_units(self):
        check_is_fitted(self)
        if getattr(self, "_units", None) is None:
            raise AttributeError(
                "Coefficients in original units are known where `preprocessor` but shifts and "
                "scales columns; this model's are those of the columns it was given."
            )
        return self._units

    def summary(self, n_coefficients: int = 10) -> Summary:
        """Return a table of what was chosen: penalties, error, certificate, coefficients.

        Parameters
        ----------
        n_coefficients : int, default=10
            How many of the largest coefficients are listed, by name if X had names.

        Returns
        -------
        Summary
            Prints as text, and as HTML in notebooks.
        """
        check_is_fitted(self)
        return summarise(self, n_coefficients)
