"""Lasso and elastic net that choose their penalty by cross-validation."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from .._threads import Workers
from .._typing import CV, Matrix, RandomState, Vector, Weights
from .._validation import (
    check_alphas,
    check_folds,
    check_number,
    check_precompute,
    check_weights,
    check_X_y,
    naming,
)
from ..solvers.cross_validation import CrossValidation
from ..solvers.path import lasso_length, solve_path
from ..solvers.problem import prepare
from ._base import LinearRegressor, all_or_nothing, check_common, routing_enabled, warn_if_unsolved
from ._documentation import document
from ._elastic_net import publish

# The grid of l1_ratio = 0 is that of this ratio: at 0 no finite alpha makes all coefficients zero.
LEAST_GRID_RATIO = 1e-3


def alpha_grid(problem, l1_ratio, positive, eps, n_alphas):
    """Return a decreasing geometric grid from the least alpha with no non-zero coefficient.

    Constant targets, which no alpha can separate, get a constant grid at 1e-15.
    """
    penalty = problem.penalty(max(l1_ratio, LEAST_GRID_RATIO), positive)
    q = problem.q
    if positive:
        q = np.maximum(q, 0.0)
    tiny = np.finfo(np.float64).resolution
    with np.errstate(over="ignore"):
        alpha_max = np.max(np.abs(q) / penalty.l1)
    if alpha_max <= tiny:
        return np.full(n_alphas, tiny)
    return np.geomspace(alpha_max, alpha_max * eps, num=n_alphas)


class SplitterRouting:
    """Routes `groups` and the like to the splitter, as scikit-learn's CV estimators do."""

    cv: CV

    def _folds(self, X, y, weights, sample_weight, params):
        """Return checked folds; `params` go to the splitter under metadata routing."""
        if params and not routing_enabled():
            raise ValueError(
                f"{sorted(params)} can only be passed to fit with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        with naming("cv"):
            cv = check_cv(self.cv)
        extra = {}
        if routing_enabled():
            if sample_weight is not None:
                params = {**params, "sample_weight": sample_weight}
            extra = process_routing(self, "fit", **params).splitter.split
        with naming("cv"):
            try:
                folds = list(cv.split(X, y, **extra))
            except (TypeError, ValueError) as error:
                raise ValueError(f"cv: a fold could not be made: {error}") from error
            return check_folds(folds, weights)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata are routed: `sample_weight` to fit, others to the splitter.

        Returns
        -------
        MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                splitter=check_cv(self.cv),
                method_mapping=MethodMapping().add(caller="fit", callee="split"),
            )
        )


class CrossValidatedRegressor(SplitterRouting, LinearRegressor):
    """Chooses alpha, and the ratio, along warm-started paths on all folds at once."""

    _several_targets = False

    def _l1_ratios(self):
        raise NotImplementedError

    @all_or_nothing
    def fit(self, X: Matrix, y: Vector, sample_weight: Weights = None, **params: Any) -> Self:
        """Choose the penalty by cross-validation and fit it to all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64.
        y : array-like of shape (n_samples,)
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight 2 means the row twice, weight 0 the row left out: in the fits, in the grid and
            in the held-out errors.
        **params : dict
            Passed to the splitter, for example `groups`, if metadata routing is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter, an array or a fold is unusable; the estimator is then left as it was.
        """
        check_common(self.get_params(deep=False))
        ratios, grid = self._check_grid()
        X, y = check_X_y(self, X, y, multi_output=False)
        check_precompute(self.precompute, X.shape[1])
        weights, unit = check_weights(sample_weight, X.shape[0])
        folds = self._folds(X, y, weights, sample_weight, params)
        data = prepare(
            X, y, weights, unit, fit_intercept=self.fit_intercept, standardize=self.standardize
        )
        with Workers(self.n_jobs) as workers:
            length = lasso_length(all(ratio == 1 for ratio in ratios), grid)
            engine = CrossValidation(data, folds, workers, length)
            problem = engine.problem
            if isinstance(grid, int):
                options = self.positive, self.eps, grid
                grids = np.stack([alpha_grid(problem, ratio, *options) for ratio in ratios])
            else:
                grids = np.tile(np.sort(grid)[::-1], (len(ratios), 1))
            result = engine.run(
                ratios,
                grids,
                positive=self.positive,
                tol=self.tol,
                max_iter=self.max_iter,
                early_stopping=self.early_stopping,
            )
            self._publish(problem, ratios, grids, result, one_grid=not isinstance(grid, int))
        return self

    def _check_grid(self):
        """Return the ratios and either the size of the automatic grid or the grid."""
        ratios = np.atleast_1d(np.asarray(self._l1_ratios(), dtype=object))
        if ratios.ndim != 1 or len(ratios) == 0:
            raise ValueError("l1_ratio must be a number or a one-dimensional list of numbers.")
        ratios = [check_number("l1_ratio", ratio, low=0, high=1) for ratio in ratios]
        check_number("eps", self.eps, low=0, boundaries="neither")
        if isinstance(self.alphas, Integral):
            return ratios, check_number("alphas", self.alphas, low=1, integer=True)
        if isinstance(self.alphas, Real):
            raise TypeError(f"alphas={self.alphas!r} must be an integer or an array of penalties.")
        return ratios, check_alphas("alphas", self.alphas)

    def _publish(self, problem, ratios, grids, result, one_grid):
        mean = result.errors.mean(axis=-1)
        # the first of equal errors: the largest alpha of the first ratio, as scikit-learn has it
        best = np.unravel_index(np.nanargmin(mean), mean.shape)
        alpha, ratio = float(grids[best]), ratios[best[0]]
        penalty = problem.penalty(ratio, self.positive)
        path = result.paths[best[0]]
        options = {"tol": self.tol, "max_iter": self.max_iter, "start": path.coefs[best[1]]}
        final = solve_path(problem, penalty, [alpha], **options)
        w = path.coefs[best[1]] = final.coefs[0]
        self.coef_, self.intercept_, self.dual_gap_ = publish(
            problem, penalty, alpha, w, final.gaps[0]
        )
        self.n_iter_ = int(path.n_iter[best[1]] + final.n_iter[0] - 1)
        self._warn(problem, grids, result, alpha)
        self.alpha_ = alpha
        self._set_ratio(ratio)
        self.lambda_1_ = alpha * ratio
        self.lambda_2_ = alpha * (1.0 - ratio) / 2.0
        pick = 0 if len(ratios) == 1 else slice(None)
        self.alphas_ = grids[0] if one_grid else grids[pick]
        self.mse_path_ = problem.outer_gap(result.errors)[pick]
        self.dual_gap_path_ = problem.outer_gap(result.gaps)[pick]
        self.intercept_path_ = np.stack([problem.intercept(one.coefs) for one in result.paths])[
            pick
        ]
        # the largest arrays there are: no copies beside those that stay
        coefs = [problem.outer_coef(one.coefs, overwrite=True) for one in result.paths]
        self.coef_path_ = coefs[0] if pick == 0 else np.stack(coefs)

    def _set_ratio(self, ratio):
        raise NotImplementedError

    def _warn(self, problem, grids, result, alpha):
        """Warn once, about the fit if that is uncertified and else about the worst fold."""
        goal = problem.outer_gap(problem.goal(self.tol))
        if not self.dual_gap_ <= goal:
            warn_if_unsolved(self, alpha, self.dual_gap_, goal, self.n_iter_)
            return
        excess = result.gaps / np.maximum(result.goals, np.finfo(np.float64).tiny)
        excess[~(result.gaps > result.goals)] = 0.0  # NaN: not computed
        worst = np.unravel_index(np.argmax(excess), excess.shape)
        if excess[worst] > 0:
            warn_if_unsolved(
                self,
                grids[worst[:2]],
                problem.outer_gap(result.gaps[worst]),
                problem.outer_gap(result.goals[worst[2]]),
                self.max_iter,
                where=f" in fold {worst[2]} (one of {(excess > 0).sum()} such solutions)",
            )


@document
class ElasticNetCV(CrossValidatedRegressor):
    """Elastic net that chooses `alpha` and `l1_ratio` by cross-validation.

    Every fold, every ratio and the final fit minimise the objective of :class:`ElasticNet`. The
    chosen pair has the least held-out mean squared error, averaged over the folds.

    Parameters
    ----------
    l1_ratio : float or list of float, default=0.5
        Share of the L1 part, or several to choose from. The automatic grid for 0 is that of 1e-3.
    {eps}
    {alphas}
    {fit_intercept}
    {max_iter}
    {tol}
    {cv}
    verbose : bool or int, default=0
        Accepted for scikit-learn's sake; without effect.
    {n_jobs}
    {positive}
    {standardize_cv}
    {early_stopping}
    {ignored}

    Attributes
    ----------
    l1_ratio_ : float
        The chosen ratio.
    {cv_fitted}
    {fitted}

    See Also
    --------
    ElasticNet : The same at a given penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import ElasticNetCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9, 1.0], cv=5).fit(X, y)
    >>> model.mse_path_.shape
    (3, 100, 5)
    """

    def __init__(
        self,
        *,
        l1_ratio: float | Vector = 0.5,
        eps: float = 1e-3,
        alphas: int | Vector = 100,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        cv: CV = None,
        copy_X: bool = True,
        verbose: bool | int = 0,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        early_stopping: bool = False,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.early_stopping = early_stopping

    def _l1_ratios(self):
        return self.l1_ratio

    def _set_ratio(self, ratio):
        self.l1_ratio_ = ratio


@document
class LassoCV(CrossValidatedRegressor):
    """Lasso that chooses `alpha` by cross-validation.

    Every fold and the final fit minimise the objective of :class:`Lasso`. The chosen alpha has the
    least held-out mean squared error, averaged over the folds.

    Parameters
    ----------
    {eps}
    {alphas}
    {fit_intercept}
    {max_iter}
    {tol}
    {cv}
    verbose : bool or int, default=False
        Accepted for scikit-learn's sake; without effect.
    {n_jobs}
    {positive}
    {standardize_cv}
    {early_stopping}
    {ignored}

    Attributes
    ----------
    {cv_fitted}
    {fitted}

    See Also
    --------
    Lasso : The same at a given penalty.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import LassoCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(cv=5).fit(X, y)
    >>> model.mse_path_.shape
    (100, 5)
    """

    def __init__(
        self,
        *,
        eps: float = 1e-3,
        alphas: int | Vector = 100,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        copy_X: bool = True,
        cv: CV = None,
        verbose: bool | int = False,
        n_jobs: int | None = None,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        early_stopping: bool = False,
    ) -> None:
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.early_stopping = early_stopping

    def _l1_ratios(self):
        return 1.0

    def _set_ratio(self, ratio):
        """Lasso has but one ratio and, like scikit-learn's, no attribute for it."""
