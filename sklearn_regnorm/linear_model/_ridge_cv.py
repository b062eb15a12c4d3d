"""Ridge regression that chooses its penalty by leave-one-out or other cross-validation."""

from collections.abc import Callable
from numbers import Integral
from time import perf_counter
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from .._threads import Workers, check_cancelled
from .._typing import CV, Matrix, Vector, Weights
from .._validation import (
    check_alphas,
    check_choice,
    check_flag,
    check_number,
    check_total,
    check_weights,
    check_X_y,
)
from .._warnings import warn_caller
from ..solvers.active_set import count_rows
from ..solvers.closed_form import RidgeSolver
from ..solvers.cross_validation import cross_validate_ridge, row_errors
from ..solvers.leave_one_out import leave_one_out
from ..solvers.problem import make_problems, prepare
from ..solvers.ridge_path import automatic_grid, ridge_freedom, ridge_path
from ._base import LinearRegressor, all_or_nothing, check_common, forget, warn_if_unsolved
from ._choice import ChoosingMixin
from ._documentation import document
from ._elastic_net import publish
from ._folds import SplitterRouting
from ._ridge import Ridge
from ._scoring import ERROR, choosing_metric, weighed
from ._selection import (
    CRITERIA,
    FREEDOM_WORK,
    Grid,
    choose,
    information_criteria,
    make_table,
    mean_and_error,
)


@document
class RidgeCV(SplitterRouting, ChoosingMixin, LinearRegressor):
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
    scoring : str, callable, list or dict of them, default=None
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
    selection_rule : {"min", "1se", "aic", "bic", "ebic"} or callable, default="min"
        What chooses among the penalties, as for :class:`ElasticNetCV`; `select` applies another
        rule afterwards.
    refit : str, default=None
        The metric that chooses, if `scoring` names several.
    fold_weighting : {"equal", "size"}, default="equal"
        With `cv`, whether means over folds weight each by its held-out weight. Rows left out are
        always weighted.

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
    cv_table_ : dict of str to ndarray of shape (n_alphas,)
        One row per alpha, as for :class:`ElasticNetCV`; without `cv` no columns of single folds,
        with several targets no degrees of freedom and criteria.
    best_index_ : int or ndarray of shape (n_targets,)
        The chosen row of `cv_table_`.
    metric_ : str
        The metric that chose.

    See Also
    --------
    ElasticNetCV : With ``l1_ratio=0`` the same model, with preprocessors, penalty factors, bounds.

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
        scoring: Any = None,
        cv: CV = None,
        gcv_mode: str | None = None,
        store_cv_results: bool = False,
        alpha_per_target: bool = False,
        standardize: bool = False,
        n_jobs: int | None = None,
        selection_rule: str | Callable = "min",
        refit: str | None = None,
        fold_weighting: str = "equal",
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
        self.selection_rule = selection_rule
        self.refit = refit
        self.fold_weighting = fold_weighting

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
        grid, scorers = self._check_parameters()
        scorers = weighed(self, scorers, sample_weight)
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
            check_total(np.asarray(data.total_weight))
            grid = automatic_grid(problems, grid) * data.total_weight
        alphas = np.sort(grid)[::-1]
        inner = alphas / data.total_weight
        forget(self, "cv_results_", "dual_gap_path_")
        begin = perf_counter()
        if folds is None:
            scores, sizes = self._leave_one_out(problems, y, grid, inner, scorers)
        else:
            scores, sizes = self._cross_validate(problems, X, y, folds, inner, scorers)
        seconds = (perf_counter() - begin) / len(inner)
        self.metric_ = choosing_metric(self.refit, list(scores))
        self.alphas_ = alphas
        self._publish(problems, inner, scores, sizes, seconds, one_target=y.ndim == 1)
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
        scorers = self._check_rules()
        if self.alpha_per_target and self.selection_rule != "min":
            raise ValueError('alpha_per_target=True goes with selection_rule="min" only.')
        return grid, scorers

    # ------------------------------------------------------------ errors

    def _leave_one_out(self, problems, y, grid, inner, scorers):
        """Return the scores (n_alphas, n_targets or 1, n_folds) by metric, and the folds' sizes.

        Each row is a fold, unless scorers judge the left-out predictions: all of them at once.
        """
        data = problems[0].data
        penalty = problems[0].penalty(0.0)
        residuals = leave_one_out(problems, penalty, inner) * data.y_scale
        errors = residuals**2
        counts = data.weights > 0
        given = data.weights * data.weight_unit  # as the caller has them
        stored = errors * given[:, None]
        scores = {ERROR: -np.moveaxis(errors[:, counts], 1, 2)}
        sizes = data.weights[counts]
        if scorers:
            stored = np.atleast_2d(y.T).T - residuals
            scores, sizes = self._score_left_out(stored, y, scorers, given), np.ones(1)
        self.mse_path_ = errors[:, :, 0] if y.ndim == 1 else errors
        if self.store_cv_results:
            order = len(grid) - 1 - np.argsort(np.argsort(grid, kind="stable"), kind="stable")
            stored = np.moveaxis(stored[order], 0, -1)
            self.cv_results_ = stored[:, 0] if y.ndim == 1 else stored
        return scores, sizes

    def _score_left_out(self, predictions, y, scorers, weights):
        """Return the scorers' verdicts on left-out predictions, (n_alphas, n_targets or 1, 1)."""
        counts = weights > 0
        truth, predictions, weights = y[counts], predictions[:, counts], weights[counts]
        if self.alpha_per_target and y.ndim == 2:
            parts = [(truth[:, t], predictions[:, :, t]) for t in range(y.shape[1])]
        else:
            parts = [(truth, predictions[:, :, 0] if y.ndim == 1 else predictions)]
        return {
            name: np.array(
                [[[scorer(_Echo(), one, target, weights)] for one in by_alpha]
                 for target, by_alpha in parts]
            ).swapaxes(0, 1)
            for name, scorer in scorers.items()
        }  # fmt: skip

    def _cross_validate(self, problems, X, y, folds, inner, scorers):
        """Return the scores (n_alphas, 1, n_folds) by metric, and the folds' sizes."""
        data = problems[0].data

        def judge(fold, coefs, test):
            model = Ridge()
            model.n_features_in_ = X.shape[1]
            test = test[data.weights[test] > 0]
            side = X[test], y[test], data.weights[test] * data.weight_unit
            verdicts = np.empty((len(coefs), len(scorers)))
            for k, one in enumerate(coefs):
                check_cancelled()
                model.coef_, model.intercept_ = _outer(fold, one, y.ndim == 1)
                verdicts[k] = [scorer(model, *side) for scorer in scorers.values()]
            return verdicts

        with Workers(self.n_jobs) as workers:
            self.mse_path_, self.dual_gap_path_, verdicts = cross_validate_ridge(
                data, folds, inner, workers, judge if scorers else None
            )
        names = list(scorers) or [ERROR]
        verdicts = verdicts.reshape(*verdicts.shape[:2], len(names))
        scores = {name: verdicts[:, None, :, m] for m, name in enumerate(names)}
        return scores, np.array([data.weights[test].sum() for _, test in folds])

    # ------------------------------------------------------------ result

    def _publish(self, problems, inner, scores, sizes, seconds, one_target):
        penalty = problems[0].penalty(0.0)
        coefs, gaps = ridge_path(problems, penalty, inner)
        weighting = "size" if self.cv is None else self.fold_weighting  # a row twice is two folds
        by_target = mean_and_error(scores[self.metric_], sizes, weighting)[0]
        grid = Grid([0.0], self.alphas_[None], unit=1.0 / problems[0].data.total_weight)
        gaps = np.stack([one.outer_gap(gaps[:, t]) for t, one in enumerate(problems)], axis=1)
        self.cv_table_ = make_table(
            grid,
            {name: one.mean(axis=1)[None, :, None] for name, one in scores.items()},
            sizes,
            weighting,
            self._extras(problems, penalty, inner, coefs)
            | {"dual_gap": gaps.max(axis=1)[None]}
            | {"fit_time": np.full((1, len(inner)), seconds)},
            splits=self.cv is not None,
        )
        if by_target.shape[1] > 1 and self.alpha_per_target:
            best = np.argmax(by_target, axis=0)
            self.best_score_ = by_target.max(axis=0)
        else:
            best = choose(self.cv_table_, self.selection_rule, self.metric_)
        if self.selection_rule == "min":
            self._warn_at_the_edge(best)
        picks = np.broadcast_to(best, len(problems))
        solver = RidgeSolver(problems, penalty)
        for pick in np.unique(picks):  # to rounding from X itself
            coefs[pick] = solver.solve(inner[pick])[0]
        for t, (problem, pick) in enumerate(zip(problems, picks, strict=True)):
            w, alpha = coefs[pick, t], inner[pick]
            gap = problem.certificate(w, alpha, penalty)[0]
            gaps[pick, t] = publish(problem, penalty, alpha, w, gap)[2]
            goal = problem.outer_gap(problem.goal(1e-4))
            warn_if_unsolved(self, self.alphas_[pick], gaps[pick, t], goal, 1)
        self.coef_path_, self.intercept_path_ = _outer(problems, coefs, one_target)
        self.cv_table_["dual_gap"] = gaps.max(axis=1)
        self._take(best)
        if len(problems) > 1:
            self.dual_gap_ = gaps[picks, np.arange(len(problems))]

    def _extras(self, problems, penalty, inner, coefs):
        """Return the table's columns about solutions on all rows, (1, n_alphas)."""
        extras = {"n_nonzero": np.count_nonzero(coefs, axis=(1, 2))}
        if len(problems) == 1:
            work = np.inf if self.selection_rule in CRITERIA else FREEDOM_WORK
            extras["df"] = ridge_freedom(problems, penalty, inner, work) + bool(self.fit_intercept)
            one = problems[0]
            mean_square = one.outer_gap(row_errors(one, coefs[:, 0], one.weights))
            n_rows = count_rows(one, np.nanmax(extras["df"], initial=0.0))
            size = one.data.total_weight, n_rows, len(one.norm)
            extras |= information_criteria(mean_square, extras["df"], *size)
        extras["n_iter"] = np.ones(len(inner), dtype=int)
        return {name: one[None] for name, one in extras.items()}

    def _warn_at_the_edge(self, best):
        alphas, best = self.alphas_, np.asarray(best)
        if len(alphas) > 1 and np.any((best == 0) | (best == len(alphas) - 1)):
            warn_caller(
                f"RidgeCV chose alpha={alphas[best]}, the edge of its grid "
                f"[{alphas[-1]:.3g}, {alphas[0]:.3g}]: widen alphas.",
                UserWarning,
            )

    def select(self, rule: str | Callable) -> Self:
        """Return the fitted estimator that another selection rule leads to, without refitting.

        Parameters
        ----------
        rule : {"min", "1se", "aic", "bic", "ebic"} or callable
            As `selection_rule`. A callable gets a copy of `cv_table_` and returns a row of it.

        Returns
        -------
        RidgeCV
            A copy of this estimator; this one stays as it is.

        Raises
        ------
        ValueError
            If the rule is unknown, does not apply, or returns no row; with `alpha_per_target`.
        """
        if np.ndim(getattr(self, "alpha_", 0.0)):
            raise ValueError("select does not apply with alpha_per_target=True.")
        return super().select(rule)

    def _take(self, row):
        """Set the attributes of the choice: one row of the table, or one for each target."""
        if np.ndim(row) == 0:
            super()._take(int(row))
            self.best_score_ = self.cv_table_[f"mean_test_{self.metric_}"][row]
            if self.coef_path_.ndim == 3:  # of the worst target
                self.dual_gap_ = np.full(self.coef_path_.shape[1], self.dual_gap_)
            return
        targets = np.arange(len(row))
        self.best_index_, self.n_iter_ = row, 1
        self.coef_ = self.coef_path_[row, targets]
        self.intercept_ = self.intercept_path_[row, targets]
        self.alpha_ = self.alphas_[row]
        self.lambda_1_, self.lambda_2_ = 0.0, self.cv_table_["lambda_2"][row]

    def _solution(self, row):
        return self.coef_path_[row], self.intercept_path_[row]


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
