"""Lasso and elastic net at a given penalty."""

from typing import Any, Self

import numpy as np

from .._typing import Matrix, RandomState, Vector, Weights
from .._validation import check_number, check_precompute, check_weights, check_X_y
from ..solvers.adaptive import adaptive_factor
from ..solvers.path import known_products, solve_path, solve_paths
from ..solvers.polish import polish
from ..solvers.problem import make_problems, prepare
from ._base import (
    LinearRegressor,
    all_or_nothing,
    check_common,
    check_controls,
    warn_if_unsolved,
)
from ._documentation import document


class CoordinateDescentRegressor(LinearRegressor):
    """Fits one penalty: a path of length one. Subclasses say what their l1_ratio is."""

    def _l1_ratio(self):
        raise NotImplementedError

    @all_or_nothing
    def fit(self, X: Matrix, y: Vector, sample_weight: Weights = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Several targets are each solved for itself.
        sample_weight : float or array-like of shape (n_samples,), optional
            Weight 2 means the row twice, weight 0 the row left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or an array is unusable; the estimator is then left as it was.
        """
        check_common(self.get_params(deep=False))
        alpha = check_number("alpha", self.alpha, low=0)
        ratio = check_number("l1_ratio", self._l1_ratio(), low=0, high=1)
        X, y = check_X_y(self, X, y, multi_output=True)
        check_precompute(self.precompute, X.shape[1])
        weights, unit = check_weights(sample_weight, X.shape[0])
        data = prepare(
            X, y, weights, unit, fit_intercept=self.fit_intercept, standardize=self.standardize,
            controls=check_controls(self, X.shape[1]),
        )  # fmt: skip
        fit_targets(self, data, alpha, ratio, one_target=y.ndim == 1)
        self.lambda_1_ = alpha * ratio
        self.lambda_2_ = alpha * (1.0 - ratio) / 2.0
        return self


def fit_targets(estimator, data, alpha, ratio, one_target):
    """Solve every target of `data` and set the fitted attributes of `estimator`.

    `alpha` is one number, or one per target.
    """
    n_targets = data.targets.shape[1]
    alphas = np.broadcast_to(np.asarray(alpha, dtype=np.float64), n_targets)
    max_iter = 10_000 if estimator.max_iter is None else estimator.max_iter
    starts = _warm_starts(estimator, n_targets, estimator.n_features_in_)
    coefs, intercepts, gaps, sweeps = [], [], [], []
    problems = make_problems(data, data.weights, known_products(data))
    if isinstance(getattr(estimator, "penalty_factor", None), str):
        for problem in problems:
            problem.factor = adaptive_factor(problem)
    penalties = [problem.penalty(ratio) for problem in problems]
    if starts is not None:
        starts = [one.inner_coef(start) for one, start in zip(problems, starts, strict=True)]
    options = {"tol": estimator.tol, "max_iter": max_iter}
    if np.all(alphas == alphas[0]):
        paths = solve_paths(problems, penalties, alphas[:1], starts=starts, **options)
    else:
        starts = [None] * n_targets if starts is None else starts
        paths = [
            solve_path(problem, penalty, [alpha], start=start, **options)
            for problem, penalty, alpha, start in zip(
                problems, penalties, alphas, starts, strict=True
            )
        ]
    for problem, penalty, alpha, path in zip(problems, penalties, alphas, paths, strict=True):
        coef, intercept, gap = finish(problem, penalty, alpha, path.coefs[0], path.gaps[0])
        warn_if_unsolved(
            estimator, alpha, gap, problem.outer_gap(problem.goal(estimator.tol)), path.n_iter[0]
        )
        coefs.append(coef)
        intercepts.append(intercept)
        gaps.append(gap)
        sweeps.append(int(path.n_iter[0]))
    estimator.coef_ = coefs[0] if n_targets == 1 else np.array(coefs)
    estimator.intercept_ = intercepts[0] if one_target else np.array(intercepts)
    estimator.dual_gap_ = gaps[0] if n_targets == 1 else np.array(gaps)
    estimator.n_iter_ = sweeps[0] if n_targets == 1 else sweeps


def finish(problem, penalty, alpha, w, gap):
    """Return what `publish` does, with the last digits of the solution right if X is small."""
    w, gap, intercept = polish(problem, penalty, alpha, w, gap)
    coef, plain, gap = publish(problem, penalty, alpha, w, gap)
    return coef, plain if intercept is None else intercept, gap


def publish(problem, penalty, alpha, w, gap):
    """Return (coef, intercept, gap) on the caller's scale, the gap being that of `coef` itself."""
    coef = problem.outer_coef(w)
    if not np.all(np.isfinite(coef)):
        raise ValueError(
            "X and y differ so much in scale that the coefficients overflow: rescale X or y."
        )
    if coef.dtype != np.float64:  # what their rounding adds to P, it may add to the gap
        exact, w = w, problem.inner_coef(coef)
        before, after = (problem.objective(one, alpha, penalty) for one in (exact, w))
        gap += max(after - before, 0.0)
    return coef, float(problem.intercept(w)), float(problem.outer_gap(gap))


def _warm_starts(estimator, n_targets, p):
    if not getattr(estimator, "warm_start", False) or not hasattr(estimator, "coef_"):
        return None
    starts = np.atleast_2d(estimator.coef_)
    return starts if starts.shape == (n_targets, p) and np.isfinite(starts).all() else None


@document
class ElasticNet(CoordinateDescentRegressor):
    """Linear regression with L1 and L2 penalties, certified.

    Minimises, with weights v and an intercept b that is not penalised::

        1 / (2 * sum v) * sum v (y - b - X w)^2
        + alpha * l1_ratio * sum |w| + alpha * (1 - l1_ratio) / 2 * sum w^2

    which is ``loss + lambda_1 * sum |w| + lambda_2 * sum w^2`` with
    ``lambda_1 = alpha * l1_ratio`` and ``lambda_2 = alpha * (1 - l1_ratio) / 2``.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty. 0 gives least squares, of least norm if X lacks rank.
    l1_ratio : float, default=0.5
        Share of the L1 part, between 0 (ridge) and 1 (lasso).
    {fit_intercept}
    {max_iter}
    {tol}
    warm_start : bool, default=False
        Start from the coefficients of the previous fit. Only the time depends on it.
    {positive}
    {standardize}
    {controls}
    {ignored}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in X's dtype.
    {fitted}
    n_iter_ : int or list of int
        Sweeps of coordinate descent, at least 1.

    See Also
    --------
    ElasticNetCV : Chooses `alpha` and `l1_ratio` by cross-validation.

    References
    ----------
    Zou and Hastie, Regularization and variable selection via the elastic net, JRSS B 67 (2005).
    Friedman, Hastie and Tibshirani, Regularization paths for generalized linear models via
    coordinate descent, J. Stat. Softw. 33 (2010).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import ElasticNet
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ElasticNet(alpha=0.01, l1_ratio=0.5).fit(X, y)
    >>> model.dual_gap_ < 1e-6
    True
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: str | Vector | None = None,
        lower: float | Vector | None = None,
        upper: float | Vector | None = None,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.lower = lower
        self.upper = upper

    @classmethod
    def from_lambdas(cls, lambda_1: float, lambda_2: float, **rest: Any) -> Self:
        """Construct from the textbook's ``loss + lambda_1 sum |w| + lambda_2 sum w^2``.

        Parameters
        ----------
        lambda_1, lambda_2 : float
            Not negative. ``alpha = lambda_1 + 2 lambda_2``, ``l1_ratio = lambda_1 / alpha``;
            both zero give ``alpha=0, l1_ratio=1``.
        **rest
            The other parameters of the constructor.

        Returns
        -------
        ElasticNet
        """
        lambda_1 = check_number("lambda_1", lambda_1, low=0)
        lambda_2 = check_number("lambda_2", lambda_2, low=0)
        alpha = check_number("lambda_1 + 2 * lambda_2", lambda_1 + 2.0 * lambda_2)
        return cls(alpha=alpha, l1_ratio=lambda_1 / alpha if alpha > 0 else 1.0, **rest)

    def _l1_ratio(self):
        return self.l1_ratio


@document
class Lasso(CoordinateDescentRegressor):
    """Linear regression with an L1 penalty, which sets coefficients exactly to zero; certified.

    Minimises, with weights v and an intercept b that is not penalised::

        1 / (2 * sum v) * sum v (y - b - X w)^2 + alpha * sum |w|

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, `lambda_1`. 0 gives least squares.
    {fit_intercept}
    {max_iter}
    {tol}
    warm_start : bool, default=False
        Start from the coefficients of the previous fit. Only the time depends on it.
    {positive}
    {standardize}
    {controls}
    {ignored}

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in X's dtype.
    {fitted}
    n_iter_ : int or list of int
        Sweeps of coordinate descent, at least 1.

    See Also
    --------
    LassoCV : Chooses `alpha` by cross-validation.

    References
    ----------
    Tibshirani, Regression shrinkage and selection via the lasso, JRSS B 58 (1996).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import Lasso
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Lasso(alpha=1.0).fit(X, y)
    >>> int((model.coef_ != 0).sum())
    3
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: bool | str | Vector = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: RandomState = None,
        selection: str = "cyclic",
        standardize: bool = False,
        penalty_factor: str | Vector | None = None,
        lower: float | Vector | None = None,
        upper: float | Vector | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection
        self.standardize = standardize
        self.penalty_factor = penalty_factor
        self.lower = lower
        self.upper = upper

    def _l1_ratio(self):
        return 1.0
