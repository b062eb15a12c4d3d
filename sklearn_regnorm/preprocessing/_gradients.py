r"""The gradient of normalization.

Of a loss L of y = gamma z + beta, z = (x - mu) / sqrt(var + eps), where mu and var depend on x:

.. math:: \frac{\partial L}{\partial x_i} = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \Big(
          d_i - v_i \sum_k d_k - v_i z_i \sum_k d_k z_k \Big), \qquad
          d = \gamma \frac{\partial L}{\partial y}

with the weights v of the entries in mu and var, which sum to one.
"""

import math

import numpy as np

from .._jit import VECTORISED_SUM, jit
from ._kernels import row_moments


@jit(fastmath=VECTORISED_SUM)
def _column_sums(gradient, x, high, low, inverse, s, q):
    """Add up gradient and gradient * z by column."""
    m = s.shape[0]
    for i in range(x.shape[0]):
        g, row = gradient[i], x[i]
        for j in range(m):
            s[j] += g[j]
            q[j] += g[j] * (((row[j] - high[j]) - low[j]) * inverse[j])


@jit
def column_gradients(gradient, x, high, low, inverse, gamma, share, out, dgamma, dbeta):
    """Set the gradients with respect to x, gamma and beta of columns normalised over the rows.

    Parameters
    ----------
    gradient, x, out : ndarray of shape (n, p)
        In C order. `out` may be `gradient`.
    high, low, inverse : ndarray of shape (p,)
        z = ((x - high) - low) inverse.
    gamma, dgamma, dbeta : ndarray of shape (p,)
    share : ndarray of shape (n,)
        Weights of the rows in mean and variance: they sum to one, or are zero where mean and
        variance do not depend on x.
    """
    m = x.shape[1]
    s, q, factor = np.zeros(m), np.zeros(m), np.empty(m)
    _column_sums(gradient, x, high, low, inverse, s, q)
    for j in range(m):
        dgamma[j], dbeta[j] = q[j], s[j]
        factor[j] = gamma[j] * inverse[j]
        q[j] *= inverse[j]
    for i in range(x.shape[0]):
        g, row, to, v = gradient[i], x[i], out[i], share[i]
        for j in range(m):
            to[j] = factor[j] * (g[j] - v * (s[j] + ((row[j] - high[j]) - low[j]) * q[j]))


@jit(fastmath=VECTORISED_SUM)
def _row_sums(g, z, gamma):
    s, q = 0.0, 0.0
    for j in range(z.shape[0]):
        d = g[j] * gamma[j]
        s += d
        q += d * z[j]
    return s, q


@jit
def _row_gradient(g, z, inverse, gamma, out, dgamma, dbeta):
    s, q = _row_sums(g, z, gamma)
    s, q = s / z.shape[0], q / z.shape[0]
    for j in range(z.shape[0]):
        dgamma[j] += g[j] * z[j]
        dbeta[j] += g[j]
        out[j] = inverse * (g[j] * gamma[j] - s - z[j] * q)


@jit
def row_gradients(gradient, x, gamma, eps, out, dgamma, dbeta):
    """Set the gradients with respect to x, gamma and beta of rows normalised by themselves.

    As `column_gradients`; the statistics of the rows are computed anew.
    """
    m = x.shape[1]
    z, dg, db = np.empty(m), np.zeros(m), np.zeros(m)
    for i in range(x.shape[0]):
        for j in range(m):
            z[j] = x[i, j]
        unit, mean, rest, variance = row_moments(z, True)
        inverse, down = 1.0, 1.0 / unit
        if variance + eps > 0.0:
            inverse = 1.0 / math.hypot(math.sqrt(variance), math.sqrt(eps) / unit)
        for j in range(m):
            z[j] = ((z[j] * down - mean) - rest) * inverse
        _row_gradient(gradient[i], z, inverse * down, gamma, out[i], dg, db)
    for j in range(m):
        dgamma[j], dbeta[j] = dg[j], db[j]


@jit
def _rows_of_z(gradient, z, inverse, gamma, out, dgamma, dbeta):
    for i in range(z.shape[0]):
        _row_gradient(gradient[i], z[i], inverse[i, 0], gamma, out[i], dgamma, dbeta)


def normalization_gradients(gradient, z, inverse, gamma, axis, weights=None):
    """Return the gradients with respect to x, gamma and beta, given z.

    Parameters
    ----------
    gradient, z : ndarray of shape (n, p)
        The gradient with respect to y, and the normalized x.
    inverse : ndarray of shape (p,) or (n, 1)
        1 / sqrt(var + eps).
    gamma : ndarray of shape (p,)
    axis : 0 or 1
        Along which x was normalized: columns (batch) or rows (layer).
    weights : ndarray of shape (n,), optional
        Of the rows in mu and var, for axis 0; they sum to one.

    Returns
    -------
    tuple of ndarray
        Of shapes (n, p), (p,) and (p,).
    """
    n, p = z.shape
    out, dgamma, dbeta = np.empty_like(z), np.zeros(p), np.zeros(p)
    if axis == 1:
        _rows_of_z(gradient, z, inverse, gamma, out, dgamma, dbeta)
        return out, dgamma, dbeta
    share = np.full(n, 1.0 / n) if weights is None else weights
    zero, one = np.zeros(p), np.ones(p)
    column_gradients(gradient, z, zero, zero, one, gamma, share, out, dgamma, dbeta)
    return out * inverse, dgamma, dbeta


def affine_gradients(gradient, z):
    """Return the gradients with respect to gamma and beta alone."""
    return np.einsum("ij,ij->j", gradient, z), gradient.sum(axis=0)
