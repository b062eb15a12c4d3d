"""Ridge regression at a given penalty."""

from typing import Self

import numpy as np
from scipy import sparse

from .._typing import Matrix, RandomState, Vector, Weights
from .._validation import check_alphas, check_choice, check_weights, check_X_y
from ..solvers.closed_form import RidgeSolver
from ..solvers.problem import make_problems, prepare
from ._base import (
    LinearRegressor,
    all_or_nothing,
    check_common,
    check_controls,
    warn_if_unsolved,
)
from ._documentation import document
from ._elastic_net import finish, fit_targets

SOLVERS = ("auto", "cholesky", "svd", "sparse_cg", "cd")
# What to use instead of scikit-learn's other solvers, none of which reaches full precision.
REFUSED = {"lsqr": "sparse_cg", "sag": "cd", "saga": "cd", "lbfgs": "cd"}


@document
class Ridge(LinearRegressor):
    """Linear regression with an L2 penalty, which shrinks all coefficients; certified.

    Minimises, on scikit-learn's scale of alpha, with weights v and an unpenalised intercept b::

        sum v (y - b - X w)^2 + alpha * sum w^2

    Divided by ``2 * sum v`` this is ``loss + lambda_2 * sum w^2`` with
    ``lambda_2 = alpha / (2 * sum v)``; :class:`ElasticNet` with ``l1_ratio=0`` solves the same at
    its own ``alpha / sum v``.

    Parameters
    ----------
    alpha : float or array-like of shape (n_targets,), default=1.0
        Strength of the penalty, one for all targets or one each. 0 gives the least-squares
        solution of least norm.
    {fit_intercept}
    copy_X, random_state
        Accepted and validated so that code written for scikit-learn runs; without effect.
    max_iter : int, default=None
        Most sweeps of "cd" (None: 10000) or steps of "sparse_cg" (None: ten times the order).
    {tol}
        Only "cd" stops by it; the other solvers are exact up to rounding.
    solver : {"auto", "cholesky", "svd", "sparse_cg", "cd"}, default="auto"
        "cholesky" factorises the smaller of the two Gram matrices; "svd" decomposes a dense copy
        of X; "sparse_cg" is preconditioned conjugate gradients; "cd" is coordinate descent.
        "auto" takes "cd" if `positive`, "sparse_cg" for large sparse X, and else "cholesky",
        falling back on a decomposition of X where the Gram matrix is too ill-conditioned.
    {positive}
    {standardize}
    warm_start : bool, default=False
        With "cd", start from the coefficients of the previous fit.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients, in X's dtype.
    {fitted}
    n_iter_ : int or list of int
        Sweeps or steps; 1 for closed forms.

    See Also
    --------
    RidgeCV : Chooses `alpha` by leave-one-out or other cross-validation.

    References
    ----------
    Hoerl and Kennard, Ridge regression: biased estimation for nonorthogonal problems,
    Technometrics 12 (1970).

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import Ridge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> round(Ridge(alpha=0.1).fit(X, y).score(X, y), 3)
    0.513
    """

    def __init__(
        self,
        alpha: float | Vector = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: RandomState = None,
        standardize: bool = False,
        warm_start: bool = False,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state
        self.standardize = standardize
        self.warm_start = warm_start

    @all_or_nothing
    def fit(self, X: Matrix, y: Vector, sample_weight: Weights = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
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
        alphas = check_alphas("alpha", self.alpha)
        solver = self._check_solver(X)
        X, y = check_X_y(self, X, y, multi_output=True)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        if len(alphas) not in (1, n_targets):
            raise ValueError(f"alpha holds {len(alphas)} values for {n_targets} targets of y.")
        weights, unit = check_weights(sample_weight, X.shape[0])
        data = prepare(
            X, y, weights, unit, fit_intercept=self.fit_intercept, standardize=self.standardize,
            controls=check_controls(self, X.shape[1]),
        )  # fmt: skip
        inner = np.broadcast_to(alphas, n_targets) / data.total_weight
        if solver == "cd":
            fit_targets(self, data, inner, 0.0, one_target=y.ndim == 1)
        else:
            self._fit_closed(data, inner, solver, one_target=y.ndim == 1)
        self.lambda_1_ = 0.0
        self.lambda_2_ = inner / 2.0 if len(alphas) > 1 else float(inner[0] / 2.0)
        return self

    def _check_solver(self, X):
        if isinstance(self.solver, str) and self.solver in REFUSED:
            raise ValueError(
                f"solver={self.solver!r} is not offered; use 'auto', or "
                f"{REFUSED[self.solver]!r} for what it is meant for."
            )
        check_choice("solver", self.solver, SOLVERS)
        if self.positive and self.solver not in ("auto", "cd"):
            raise ValueError(
                f"solver={self.solver!r} cannot keep coefficients positive; use 'auto' or 'cd'."
            )
        if self.solver == "svd" and sparse.issparse(X):
            raise ValueError("solver='svd' needs a dense X; use 'auto', 'cholesky' or 'sparse_cg'.")
        return "cd" if self.positive else self.solver

    def _fit_closed(self, data, alphas, method, one_target):
        problems = make_problems(data, data.weights)
        penalty = problems[0].penalty(0.0)
        solver = RidgeSolver(problems, penalty, method, self.max_iter)
        coefs = np.empty((len(problems), data.design.shape[1]))
        sweeps = np.ones(len(problems), dtype=int)
        for alpha in np.unique(alphas):
            chosen = alphas == alpha
            all_coefs, sweeps[chosen] = solver.solve(alpha)
            coefs[chosen] = all_coefs[chosen]
        results = []
        for problem, w, alpha, n_iter in zip(problems, coefs, alphas, sweeps, strict=True):
            gap = problem.certificate(w, alpha, penalty)[0]
            results.append(finish(problem, penalty, alpha, w, gap))
            goal = problem.outer_gap(problem.goal(self.tol))
            warn_if_unsolved(self, alpha, results[-1][2], goal, n_iter)
        coef, intercept, gap = (np.array(parts) for parts in zip(*results, strict=True))
        one = len(problems) == 1
        self.coef_ = coef[0] if one else coef
        self.intercept_ = float(intercept[0]) if one_target else intercept
        self.dual_gap_ = float(gap[0]) if one else gap
        self.n_iter_ = int(sweeps[0]) if one else sweeps.tolist()
