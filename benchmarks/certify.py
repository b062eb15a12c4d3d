"""How far a solution is from the optimum, by code that shares nothing with any solver."""

import numpy as np


def worst_gap(X, y, alphas, coefs, l1_ratio):
    """Return the largest duality gap of a path, relative to the null error.

    The objective is ``‖y − b − Xw‖²/2n + α·ρ·‖w‖₁ + ½·α·(1−ρ)·‖w‖²`` with the best intercept b
    for the given w. The null error is ``Σ(y − ȳ)²/n``, the scale of every package's ``tol``.

    Parameters
    ----------
    X : array or CSC matrix of shape (n, p)
    y : array of shape (n,)
    alphas : array of shape (n_alphas,)
    coefs : array or sparse matrix of shape (n_alphas, p)
    l1_ratio : float
        ρ, in (0, 1].
    """
    n = y.size
    y = y - y.mean()
    means = np.asarray(X.mean(axis=0)).ravel()
    W = np.asarray(coefs.toarray() if hasattr(coefs, "toarray") else coefs, dtype=float).T
    residual = y[:, None] - X @ W
    residual -= residual.mean(axis=0)
    gradient = (X.T @ residual - np.outer(means, residual.sum(axis=0))) / n

    l1, l2 = alphas * l1_ratio, alphas * (1 - l1_ratio)
    squares = (residual**2).sum(axis=0) / n
    ridge = l2 * (W**2).sum(axis=0)
    primal = squares / 2 + ridge / 2 + l1 * np.abs(W).sum(axis=0)

    # Dual point 1: the residual of the Lasso that has the ridge part as p more rows, scaled.
    inner = y @ residual / n
    bound = l1 / np.maximum(np.abs(gradient - l2 * W).max(axis=0), np.finfo(float).tiny)
    scale = np.clip(inner / np.maximum(squares + ridge, np.finfo(float).tiny), -bound, bound)
    dual = scale * inner - scale**2 * (squares + ridge) / 2
    if l1_ratio < 1:
        # Dual point 2: the residual itself, always feasible where there is a ridge part.
        excess = np.maximum(np.abs(gradient) - l1, 0)
        dual = np.maximum(dual, inner - squares / 2 - (excess**2).sum(axis=0) / (2 * l2))
    return float((primal - dual).max() / (y @ y / n))
