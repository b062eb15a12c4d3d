"""Ridge regression that chooses its penalty by leave-one-out or other cross-validation."""

from collections.abc import Callable
from inspect import signature
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .._threads import Workers
from .._typing import CV, Matrix, Vector, Weights
from .._validation import (
    check_alphas,
    check_choice,
    check_flag,
    check_number,
    check_weights,
    check_X_y,
)
from .._warnings import warn_caller
from ..solvers.closed_form import RidgeSolver
from ..solvers.cross_validation import cross_validate_ridge
from ..solvers.leave_one_out import leave_one_out
from ..solvers.problem import make_problems, prepare
from ..solvers.ridge_path import automatic_grid, ridge_path
from ._base import LinearRegressor, all_or_nothing, check_common, routing_enabled, warn_if_unsolved
from ._documentation import document
from ._elastic_net import publish
from ._folds import SplitterRouting
from ._ridge import Ridge


@document
class RidgeCV(SplitterRouting, LinearRegressor):
    """Ridge regression that chooses `alpha` by cross-validation, leave-one-out by default.

    Every solution minimises the objective of :class:`Ridge`. Without `cv`, the errors of leaving
    each row out (with its whole weight) are computed exactly, intercept and all, for the whole
    grid from one decomposition.

    Parameters
    ----------
    alphas : int or array-like of shape (n_alphas,), default=100
        The grid on Ridge's scale, or its size: then it runs geometrically from 1e4 down to 1e-8
        times the largest squared singular value of the weighted, centred X. A choice at the edge
        of the grid warns.
    {fit_intercept}
    scoring : str, callable, default=None
        None means minus the mean squared error, weighted by `sample_weight` and averaged over the
        folds, as in the other CV estimators here (scikit-learn takes R^2 where `cv` is given: ask
        for it by ``scoring="r2"``). Scorers judge the left-out predictions, or each fold's.
    cv : int, splitter or iterable of (train, test), default=None
        None means leave-one-out; else how rows are split. `groups` reach the splitter by
        scikit-learn's metadata routing.
    gcv_mode : {None, "auto", "svd", "eigen"}, default=None
        Accepted for scikit-learn's sake; the decomposition is chosen from the shape of X.
    store_cv_results : bool, default=False
        Without `cv`, keep `cv_results_`.
    alpha_per_target : bool, default=False
        Without `cv`, choose one alpha for each target.
    {standardize_cv}
    {n_jobs}

    Attributes
    ----------
    alpha_ : float or ndarray of shape (n_targets,)
        The chosen penalty, on Ridge's scale.
    best_score_ : float or ndarray of shape (n_targets,)
        Its score.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients at the chosen penalty, on all rows.
    {fitted}
    alphas_ : ndarray of shape (n_alphas,)
        The grid, decreasing.
    mse_path_ : ndarray of shape (n_alphas, n_samples[, n_targets]) or (n_alphas, n_folds)
        Squared leave-one-out errors, or mean squared errors of the folds (over all targets).
    coef_path_ : ndarray of shape (n_alphas[, n_targets], n_features)
        Coefficients on all rows along the grid.
    intercept_path_ : ndarray of shape (n_alphas[, n_targets])
        Their intercepts.
    dual_gap_path_ : ndarray of shape (n_alphas, n_folds)
        Certificate of every solution on every training side, the worst over the targets; only
        with `cv`.
    cv_results_ : ndarray of shape (n_samples[, n_targets], n_alphas)
        With `store_cv_results`, in the order of the given alphas: squared errors times weights,
        or with `scoring` the predictions.
    n_iter_ : int
        1.

    References
    ----------
    Golub, Heath and Wahba, Generalized cross-validation as a method for choosing a good ridge
    parameter, Technometrics 21 (1979).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import RidgeCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> RidgeCV().fit(X, y).mse_path_.shape
    (100, 442)
    """

    def __init__(
        self,
        alphas: int | Vector = 100,
        *,
        fit_intercept: bool = True,
        scoring: str | Callable | None = None,
        cv: CV = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        standardize: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.standardize = standardize
        self.n_jobs = n_jobs

    @all_or_nothing
    def fit(self, X: Matrix, y: Vector, sample_weight: Weights = None, **params: Any) -> Self:
        """Choose the penalty and fit it to all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight 2 means the row twice; leaving a row out leaves out its whole weight.
        **params : dict
            Passed to splitter and scorer if metadata routing is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter, an array or a fold is unusable; the estimator is then left as it was.
        """
        grid, scorer = self._check_parameters()
        scorer = self._weigh(scorer, sample_weight)
        if self.cv is None and params:
            raise TypeError(f"{sorted(params)} are for a splitter, and cv=None has none.")
        X, y = check_X_y(self, X, y, multi_output=True)
        weights, unit = check_weights(sample_weight, X.shape[0])
        folds = None
        if self.cv is not None:
            folds = self._folds(X, y, weights, sample_weight, params)
        elif (weights > 0).sum() < 2:
            raise ValueError("Leave-one-out needs 2 samples with positive weight, got n_samples=1.")
        data = prepare(
            X, y, weights, unit, fit_intercept=self.fit_intercept, standardize=self.standardize
        )
        problems = make_problems(data, weights)
        if isinstance(grid, int):
            grid = automatic_grid(problems, grid) * data.total_weight
        alphas = np.sort(grid)[::-1]
        inner = alphas / data.total_weight
        if folds is None:
            scores = self._leave_one_out(problems, y, grid, inner, scorer)
        else:
            scores = self._cross_validate(problems, X, y, folds, inner, scorer)
        best = np.argmax(scores, axis=0)
        self.best_score_ = scores.max(axis=0)
        self.alphas_ = alphas
        self.alpha_ = float(alphas[best]) if best.ndim == 0 else alphas[best]
        if len(alphas) > 1 and np.any((best == 0) | (best == len(alphas) - 1)):
            warn_caller(
                f"RidgeCV chose alpha={self.alpha_}, the edge of its grid "
                f"[{alphas[-1]:.3g}, {alphas[0]:.3g}]: widen alphas.",
                UserWarning,
            )
        self._publish(problems, inner, best, one_target=y.ndim == 1)
        return self

    def _check_parameters(self):
        check_common(self.get_params(deep=False))
        check_flag("store_cv_results", self.store_cv_results)
        check_flag("alpha_per_target", self.alpha_per_target)
        check_choice("gcv_mode", self.gcv_mode, (None, "auto", "svd", "eigen"))
        for name in ("store_cv_results", "alpha_per_target"):
            if self.cv is not None and getattr(self, name):
                raise ValueError(f"{name}=True is meant for leave-one-out; it needs cv=None.")
        if isinstance(self.alphas, Integral):
            grid = check_number("alphas", self.alphas, low=1, integer=True)
        else:
            grid = check_alphas("alphas", self.alphas)
        scorer = None
        if self.scoring is not None:
            scorer = check_scoring(self, scoring=self.scoring)
        return grid, scorer

    def _weigh(self, scorer, sample_weight):
        """Return scorer(model, X, y, weights), which hands the weights on where they are due.

        Due are they to scorers that take them; under metadata routing, to those that ask for them.
        """
        if scorer is None:
            return None
        parameters = signature(scorer).parameters.values()
        wants = any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
        if routing_enabled():
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            wants = "sample_weight" in process_routing(self, "fit", **given).scorer.score
        if sample_weight is None or not wants:
            return lambda model, X, y, weights: scorer(model, X, y)
        return lambda model, X, y, weights: scorer(model, X, y, sample_weight=weights)

    # ------------------------------------------------------------ errors

    def _leave_one_out(self, problems, y, grid, inner, scorer):
        """Return the scores (n_alphas,), or (n_alphas, n_targets) with one alpha per target."""
        data = problems[0].data
        penalty = problems[0].penalty(0.0)
        residuals = leave_one_out(problems, penalty, inner) * data.y_scale
        errors = residuals**2
        v = problems[0].weights
        by_target = -np.einsum("i,kit->kt", v, errors)
        stored = errors * (data.weights * data.weight_unit)[:, None]
        if scorer is not None:
            stored = np.atleast_2d(y.T).T - residuals
            by_target = self._score_left_out(stored, y, scorer, data.weights)
        self.mse_path_ = errors[:, :, 0] if y.ndim == 1 else errors
        if self.store_cv_results:
            order = len(grid) - 1 - np.argsort(np.argsort(grid, kind="stable"), kind="stable")
            stored = np.moveaxis(stored[order], 0, -1)
            self.cv_results_ = stored[:, 0] if y.ndim == 1 else stored
        if self.alpha_per_target and y.ndim == 2 and y.shape[1] > 1:
            return by_target
        return by_target.mean(axis=1)

    def _score_left_out(self, predictions, y, scorer, weights):
        """Return the scorer's verdict on left-out predictions, (n_alphas, n_targets or 1)."""
        counts = weights > 0
        truth = y if y.ndim == 2 else y[:, None]
        if self.alpha_per_target:
            return np.array(
                [
                    [
                        scorer(_Echo(), p[counts, t], truth[counts, t], weights[counts])
                        for t in range(p.shape[1])
                    ]
                    for p in predictions
                ]
            )
        if y.ndim == 1:
            predictions = predictions[:, :, 0]
        return np.array(
            [[scorer(_Echo(), p[counts], y[counts], weights[counts])] for p in predictions]
        )

    def _cross_validate(self, problems, X, y, folds, inner, scorer):
        """Return the mean scores (n_alphas,) over the folds."""
        data = problems[0].data

        def judge(fold, coefs, test):
            model = Ridge()
            model.n_features_in_ = X.shape[1]
            scores = np.empty(len(coefs))
            for k, one in enumerate(coefs):
                model.coef_, model.intercept_ = _outer(fold, one, y.ndim == 1)
                scores[k] = scorer(model, X[test], y[test], data.weights[test])
            return scores

        with Workers(self.n_jobs) as workers:
            self.mse_path_, self.dual_gap_path_, scores = cross_validate_ridge(
                data, folds, inner, workers, judge if scorer else None
            )
        return scores.mean(axis=1)

    # ------------------------------------------------------------ result

    def _publish(self, problems, inner, best, one_target):
        penalty = problems[0].penalty(0.0)
        coefs, _ = ridge_path(problems, penalty, inner)
        picks = np.broadcast_to(best, len(problems))
        solver, results = RidgeSolver(problems, penalty), []
        for pick in np.unique(picks):  # to rounding from X itself
            coefs[pick] = solver.solve(inner[pick])[0]
        for t, (problem, pick) in enumerate(zip(problems, picks, strict=True)):
            w, alpha = coefs[pick, t], inner[pick]
            gap = problem.certificate(w, alpha, penalty)[0]
            results.append(publish(problem, penalty, alpha, w, gap))
            goal = problem.outer_gap(problem.goal(1e-4))
            warn_if_unsolved(self, self.alphas_[pick], results[-1][2], goal, 1)
        coef, intercept, gap = (np.array(parts) for parts in zip(*results, strict=True))
        one = len(problems) == 1
        self.coef_ = coef[0] if one else coef
        self.intercept_ = float(intercept[0]) if one_target else intercept
        self.dual_gap_ = float(gap[0]) if one else gap
        self.coef_path_, self.intercept_path_ = _outer(problems, coefs, one_target)
        self.lambda_1_ = 0.0
        self.lambda_2_ = inner[best] / 2.0
        self.n_iter_ = 1

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata are routed: to fit, to the splitter and to the scorer.

        Returns
        -------
        MetadataRouter
        """
        router = super().get_metadata_routing()
        if self.scoring is not None:
            router.add(
                scorer=check_scoring(self, scoring=self.scoring),
                method_mapping=MethodMapping().add(caller="fit", callee="score"),
            )
        return router


class _Echo(RegressorMixin, BaseEstimator):
    """A regressor whose predictions are its input: lets a scorer judge given predictions."""

    def predict(self, predictions):
        return predictions


def _outer(problems, coefs, one_target):
    """Return coefficients (..., [n_targets,] p) and intercepts on the caller's scale."""
    coef = np.stack(
        [problem.outer_coef(coefs[..., t, :]) for t, problem in enumerate(problems)], axis=-2
    )
    intercept = np.stack(
        [problem.intercept(coefs[..., t, :]) for t, problem in enumerate(problems)], axis=-1
    )
    if len(problems) == 1:
        coef = coef[..., 0, :]
    return coef, intercept[..., 0] if one_target else intercept
