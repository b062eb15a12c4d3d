"""Functions that compute a whole path of solutions."""

from numbers import Integral
from typing import Any

import numpy as np

from .._threads import one_blas_thread
from .._transactions import audible_interrupts
from .._typing import Matrix, RandomState, Vector, Weights
from .._validation import check_alphas, check_arrays, check_number, check_per_column, check_weights
from ..solvers.path import known_products, lasso_length, solve_path
from ..solvers.problem import Controls, Problem, prepare
from ._base import check_common
from ._grid import alpha_grid


@audible_interrupts()
@one_blas_thread
def enet_path(
    X: Matrix,
    y: Vector,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    alphas: int | Vector = 100,
    precompute: bool | str | Vector = "auto",
    Xy: Vector | None = None,
    copy_X: bool = True,
    coef_init: Vector | None = None,
    verbose: bool | int = False,
    return_n_iter: bool = False,
    positive: bool = False,
    check_input: bool = True,
    sample_weight: Weights = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
    random_state: RandomState = None,
    selection: str = "cyclic",
) -> tuple:
    """Compute the elastic-net path, without an intercept (centre X and y for one).

    Minimises for each alpha, with weights v::

        1 / (2 * sum v) * sum v (y - X w)^2
        + alpha * l1_ratio * sum |w| + alpha * (1 - l1_ratio) / 2 * sum w^2

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
        One target; call once per target for several.
    l1_ratio : float, default=0.5
        Share of the L1 part.
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, relative to its largest.
    alphas : int or array-like, default=100
        The grid, or its size.
    coef_init : array-like of shape (n_features,), optional
        Where to start at the largest alpha.
    return_n_iter : bool, default=False
        Whether to return the sweeps as well.
    positive : bool, default=False
        Restrict the coefficients to be non-negative.
    sample_weight : float or array-like of shape (n_samples,), optional
        Weight 2 means the row twice.
    tol, max_iter
        As in :class:`ElasticNet`.
    precompute, Xy, copy_X, verbose, check_input, random_state, selection
        Accepted so that code written for scikit-learn runs; without effect.

    Returns
    -------
    alphas : ndarray of shape (n_alphas,)
        The grid, decreasing.
    coefs : ndarray of shape (n_features, n_alphas)
        Coefficients.
    dual_gaps : ndarray of shape (n_alphas,)
        Their certificates, computed from X and y.
    n_iters : list of int
        Sweeps for each alpha; only if `return_n_iter`.

    See Also
    --------
    ElasticNetCV : Chooses a point of the path by cross-validation.
    """
    ratio = check_number("l1_ratio", l1_ratio, low=0, high=1)
    tol = check_number("tol", tol, low=0)
    max_iter = check_number("max_iter", max_iter, low=1, integer=True)
    check_common({"positive": positive, "selection": selection, "random_state": random_state})
    X, y = check_arrays(X, y)
    weights, unit = check_weights(sample_weight, X.shape[0])
    controls = Controls.none(X.shape[1])
    if positive:
        controls.lower[:] = 0.0
    data = prepare(X, y, weights, unit, fit_intercept=False, standardize=False, controls=controls)
    grid = alphas if isinstance(alphas, Integral) else np.sort(check_alphas("alphas", alphas))[::-1]
    products = known_products(data, lasso_length(ratio == 1, grid))
    problem = Problem(data, 0, weights, products=products)
    if isinstance(alphas, Integral):
        eps = check_number("eps", eps, low=0, high=1, boundaries="neither")
        n_alphas = check_number("alphas", alphas, low=1, integer=True)
        grid = alpha_grid(problem, ratio, eps, n_alphas)
    start = None
    if coef_init is not None:
        start = check_per_column("coef_init", coef_init, X.shape[1], missing=0.0)
        if not np.isfinite(start).all():
            raise ValueError(f"coef_init must hold {X.shape[1]} finite numbers.")
        start = problem.inner_coef(start)
    penalty = problem.penalty(ratio)
    path = solve_path(problem, penalty, grid, tol=tol, max_iter=max_iter, start=start)
    result = grid, problem.outer_coef(path.coefs).T, problem.outer_gap(path.gaps)
    return (*result, path.n_iter.tolist()) if return_n_iter else result


def lasso_path(
    X: Matrix, y: Vector, *, eps: float = 1e-3, alphas: int | Vector = 100, **options: Any
) -> tuple:
    """Compute the lasso path, without an intercept: `enet_path` with ``l1_ratio=1``.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    eps : float, default=1e-3
        Smallest alpha of an automatic grid, relative to its largest.
    alphas : int or array-like, default=100
        The grid, or its size.
    **options
        The other parameters of :func:`enet_path`, but `l1_ratio`.

    Returns
    -------
    alphas, coefs, dual_gaps[, n_iters]
        As :func:`enet_path` returns them.
    """
    if "l1_ratio" in options:
        raise TypeError("lasso_path has no l1_ratio: it is 1. Use enet_path.")
    return enet_path(X, y, l1_ratio=1.0, eps=eps, alphas=alphas, **options)
