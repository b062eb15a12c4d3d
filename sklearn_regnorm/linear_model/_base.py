"""What all estimators here share: prediction, tags, transactional fitting, warnings."""

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from .. import _transactions
from .._persistence import VersionedEstimator
from .._threads import one_blas_thread
from .._typing import Matrix
from .._validation import (
    check_choice,
    check_flag,
    check_number,
    check_per_column,
    check_transformed,
    check_X,
    naming,
    raw,
)
from .._warnings import warn_caller
from ..solvers.problem import Controls


def all_or_nothing(fit):
    """Make a `fit` method leave the estimator as it was if anything, Ctrl-C included, stops it.

    BLAS runs on one thread meanwhile, so that results do not depend on what else is running.
    """
    return _transactions.all_or_nothing(one_blas_thread(fit))


def forget(estimator, *names):
    """Delete attributes that an earlier fit may have set and this one need not set again."""
    for name in names:
        estimator.__dict__.pop(name, None)


class LinearRegressor(RegressorMixin, VersionedEstimator):
    """Prediction by ``X @ coef_ + intercept_``."""

    _several_targets = True

    def predict(self, X: Matrix) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        preprocessor = getattr(self, "preprocessor_", None)
        if preprocessor is None:
            X = check_X(self, X)
        else:
            X = check_transformed(preprocessor.transform(raw(X)), self.coef_.shape[-1])
        return X @ self.coef_.T + self.intercept_

    @property
    def sparse_coef_(self) -> sparse.csr_matrix:
        """`coef_` as a sparse matrix of shape (n_targets, n_features)."""
        check_is_fitted(self)
        return sparse.csr_matrix(np.atleast_2d(self.coef_))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = self._several_targets
        return tags


def check_common(given):
    """Validate the parameters that estimators and path functions share, as far as `given`."""
    flags = "fit_intercept", "standardize", "positive", "warm_start", "copy_X", "early_stopping"
    for name in flags:
        if name in given:
            check_flag(name, given[name])
    if "tol" in given:
        check_number("tol", given["tol"], low=0)
    ridge = "solver" in given  # each of its solvers knows how many steps make sense
    if "max_iter" in given and not (ridge and given["max_iter"] is None):
        check_number("max_iter", given["max_iter"], low=1, integer=True)
    if "selection" in given:
        check_choice("selection", given["selection"], ("cyclic", "random"))
    if "random_state" in given:
        with naming("random_state"):
            check_random_state(given["random_state"])
    if given.get("n_jobs") is not None:
        check_number("n_jobs", given["n_jobs"], integer=True)
        if given["n_jobs"] == 0:
            raise ValueError("n_jobs == 0 has no meaning; use None, a count, or -1 for all.")


def check_controls(estimator, n_features):
    """Return the `Controls` that an estimator's parameters ask of each coefficient."""
    factor = getattr(estimator, "penalty_factor", None)
    if isinstance(factor, str):
        check_choice("penalty_factor", factor, ("adaptive",))
        factor = None
    factor = check_per_column("penalty_factor", factor, n_features, missing=1.0, low=0.0)
    if not np.any(factor < np.inf):
        raise ValueError("penalty_factor excludes every column of X: leave at least one finite.")
    why = ": zero coefficients must be allowed"
    lower = getattr(estimator, "lower", None), n_features
    lower = check_per_column("lower", *lower, missing=-np.inf, high=0.0, why=why)
    upper = getattr(estimator, "upper", None), n_features
    upper = check_per_column("upper", *upper, missing=np.inf, low=0.0, why=why)
    if estimator.positive:
        lower = np.zeros(n_features)
    return Controls(factor, lower, upper)


def warn_if_unsolved(estimator, alpha, gap, goal, n_iter, where=""):
    """Raise a ConvergenceWarning that quotes gap and tolerance if `gap` exceeds `goal`."""
    if not gap <= goal:
        cure = ", and rounding allows no less. A larger alpha may help."
        if hasattr(estimator, "tol"):  # RidgeCV has none
            cure = (
                f" after {n_iter} sweeps (max_iter={estimator.max_iter}, tol={estimator.tol}). "
                "Increase max_iter or tol."
            )
        warn_caller(
            f"{type(estimator).__name__} did not converge at alpha={alpha:.6g}{where}: the duality "
            f"gap {gap:.3e} exceeds the tolerance {goal:.3e}{cure}",
            ConvergenceWarning,
        )


def routing_enabled():
    """Return whether scikit-learn's metadata routing is switched on."""
    return get_config()["enable_metadata_routing"]
