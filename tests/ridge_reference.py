"""Ridge and leaving rows out, solved in extended precision."""

import numpy as np


def least_squares(A, B):
    """Return argmin ||A w - B|| for stacks A (..., m, p) of full rank and B (..., m, t).

    Householder reflections, which work in extended precision as LAPACK does not.
    """
    A, B = A.copy(), B.copy()
    p = A.shape[-1]
    for j in range(p):
        h = A[..., j:, j].copy()
        h[..., 0] += np.where(h[..., 0] < 0, -1, 1) * np.sqrt((h * h).sum(axis=-1))
        h /= np.sqrt((h * h).sum(axis=-1, keepdims=True))
        for C in (A[..., j:, j:], B[..., j:, :]):
            C -= 2 * h[..., :, None] * (h[..., None, :] @ C)
    w = np.empty((*B.shape[:-2], p, B.shape[-1]), dtype=A.dtype)
    for j in reversed(range(p)):
        known = A[..., j, None, j + 1 :] @ w[..., j + 1 :, :]
        w[..., j, :] = (B[..., j, :] - known[..., 0, :]) / A[..., j, j, None]
    return w


def ridge_path(X, Y, V, alphas, fit_intercept, standardize=False):
    """Solve, in extended precision, sum v (y - b - x'w)^2 + alpha sum (s w)^2.

    Returns coefficients (n_weightings, n_alphas, p, n_targets) and intercepts for every weighting
    of the rows, V of shape (n_weightings, n).
    """
    X, Y, V = (np.asarray(one, dtype=np.longdouble) for one in (X, Y, V))
    total = V.sum(axis=1)[:, None]
    mean, y_mean = V @ X / total, V @ Y / total
    centred = X - mean[:, None]
    scale = np.ones_like(mean)
    if standardize:
        spread = [np.ptp(X[v > 0], axis=0) > 0 for v in V]
        scale = np.sqrt((V[:, :, None] * centred**2).sum(axis=1) / total)
        scale = np.where(spread, scale, 1)
    A = centred if fit_intercept else np.broadcast_to(X, centred.shape)
    B = Y - fit_intercept * y_mean[:, None]
    root = np.sqrt(V)[:, :, None]
    A, B = root * A / scale[:, None], root * B
    p = X.shape[1]
    ridge = np.sqrt(np.asarray(alphas, dtype=np.longdouble))[:, None, None] * np.eye(p)
    below = np.broadcast_to(ridge, (len(V), *ridge.shape))
    A = np.broadcast_to(A[:, None], (len(V), len(alphas), *A.shape[1:]))
    B = np.broadcast_to(B[:, None], (len(V), len(alphas), *B.shape[1:]))
    nothing = np.zeros((*B.shape[:2], p, B.shape[-1]), dtype=B.dtype)
    w = least_squares(np.concatenate([A, below], axis=2), np.concatenate([B, nothing], axis=2))
    w = w / scale[:, None, :, None]
    b = y_mean[:, None] - (mean[:, None, None] @ w)[:, :, 0]
    return w, fit_intercept * b


def left_out(X, Y, v, alphas, fit_intercept, standardize=False):
    """Return |y_i - prediction without row i|, of shape (n_alphas, n, n_targets)."""
    V = np.where(np.eye(len(v), dtype=bool), 0.0, v)
    w, b = ridge_path(X, Y, V, alphas, fit_intercept, standardize)
    predicted = np.einsum("ij,iajt->ait", X.astype(w.dtype), w) + b.swapaxes(0, 1)
    return np.abs(Y - predicted).astype(float)
