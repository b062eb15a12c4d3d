"""What fitted CV estimators have in common: a table, and the freedom to choose again."""

from collections.abc import Callable
from copy import copy
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from .._validation import check_choice
from ._scoring import blend, choosing_metric, make_scorers
from ._selection import FOLD_WEIGHTINGS, check_rule, choose
from ._summary import Summary, summarise


class ChoosingMixin:
    """Choosing once more among the solutions that a CV estimator has stored."""

    cv_table_: dict
    metric_: str
    selection_rule: Any
    scoring: Any
    refit: str | None
    fold_weighting: str

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

    def _check_rules(self):
        """Validate the parameters that say how to choose; return the scorers by name."""
        check_rule(self.selection_rule)
        check_choice("fold_weighting", self.fold_weighting, FOLD_WEIGHTINGS)
        scorers = make_scorers(self, self.scoring)
        if scorers:
            choosing_metric(self.refit, list(scorers))
        elif self.refit is not None:
            raise ValueError(f"refit={self.refit!r} names a metric, and there is no scoring.")
        return scorers

    def _take(self, row):
        """Set the attributes of the choice to those of a row of the table."""
        table = self.cv_table_
        coef, intercept = self._solution(row)
        if np.isnan(coef).any():
            raise ValueError(f"Row {row} has no relaxed coefficients: nothing determines them.")
        # a copy: the paths stay as they are, whatever is done to it
        self.best_index_, self.coef_, self.intercept_ = row, coef.copy(), intercept
        self.alpha_ = float(table["alpha"][row])
        self.lambda_1_ = float(table["lambda_1"][row])
        self.lambda_2_ = float(table["lambda_2"][row])
        self.dual_gap_ = float(table["dual_gap"][row])
        self.n_iter_ = int(table["n_iter"][row])

    def _solution(self, row):
        """Return (coef, intercept) of a row of the table, from the stored paths."""
        place = row // (len(self.cv_table_["alpha"]) // self.intercept_path_.size)

        def at(intercepts, coefs):
            return coefs.reshape(-1, coefs.shape[-1])[place], float(intercepts.flat[place])

        coef, intercept = at(self.intercept_path_, self.coef_path_)
        if "relax" in self.cv_table_:
            share = float(self.cv_table_["relax"][row])  # keeps float32
            relaxed = at(self.relaxed_intercept_path_, self.relaxed_coef_path_)
            coef, intercept = blend(share, coef, relaxed[0]), blend(share, intercept, relaxed[1])
        return coef, intercept

    @property
    def coef_original_(self) -> np.ndarray:
        """Coefficients in X's own units; if there is a `preprocessor`, one that but scales."""
        scale, _ = self._units()
        return self.coef_ / scale

    @property
    def intercept_original_(self) -> float | np.ndarray:
        """The intercept that belongs to `coef_original_`."""
        _, shift = self._units()
        intercept = self.intercept_ + self.coef_ @ shift
        return intercept if np.ndim(intercept) else float(intercept)

    def _units(self):
        """Return (scale, shift) with X / scale + shift what the preprocessor makes of X."""
        check_is_fitted(self)
        if getattr(self, "preprocessor_", None) is None:
            return np.ones(self.coef_.shape[-1]), np.zeros(self.coef_.shape[-1])
        from ._preprocessing import change_of_units

        known = change_of_units(self.preprocessor_)
        if known is None:
            raise AttributeError(
                "Coefficients in original units are known where `preprocessor` but shifts and "
                "scales columns; this model's are those of the columns that it was given."
            )
        return known

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

    def _repr_mimebundle_(self, **kwargs):
        """Return what notebooks show: scikit-learn's diagram and, once fitted, the summary."""
        shown = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            fitted = hasattr(self, "cv_table_")
            shown["text/html"] = estimator_html_repr(self) + (
                self.summary()._repr_html_() if fitted else ""
            )
        return shown
