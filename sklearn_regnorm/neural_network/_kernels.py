"""Kernels of layers that learn.

Those of activations go over gradients once, in place, which is what lets them vectorise.
"""

import math

import numpy as np

from .._jit import jit
from .._statistics.moment_kernels import (
    BLOCK,
    MEAN,
    MEAN_LOW,
    UNIT,
    VARIANCE,
    WEIGHT,
    WEIGHT_LOW,
    blend,
    rows_moments,
)
from ..preprocessing._kernels import scale_rows


@jit
def scaling(state, eps):
    """Return mean (high and low part) and 1 / sqrt(variance + eps) of moments, by column.

    The latter is 1 where it would be infinite.
    """
    m = state.shape[1]
    high, low, inverse = np.empty(m), np.empty(m), np.empty(m)
    root = math.sqrt(eps)
    for j in range(m):
        size = math.hypot(math.sqrt(state[VARIANCE, j]) * state[UNIT, j], root)
        inverse[j] = 1.0 / size if size > 0.0 else 1.0
        high[j] = state[MEAN, j] if state[WEIGHT, j] > 0.0 else np.nan
        low[j] = state[MEAN_LOW, j]
    return high, low, inverse


@jit
def normalise_batch(x, v, running, share, eps, gamma, beta, least, out):
    """Normalise a batch by its own moments, and move the running ones towards them by a share.

    Parameters
    ----------
    x, out : ndarray of shape (n, p)
        In C order. What would be less than `least` in `out` becomes `least`.
    v : ndarray of shape (n,)
        Weights; if only one is positive, the running moments are used instead, as constants.
    running : ndarray of shape (7, p)
        Changed in place; those of the batch if there are none.

    Returns
    -------
    finite : bool
        Whether x is. If not, nothing else is of use.
    high, low, inverse : ndarray of shape (p,)
        See `scaling`.
    shares : ndarray of shape (n,)
        Of the rows in the moments.
    """
    n, p = x.shape
    largest, total, count = 0.0, 0.0, 0
    for i in range(n):
        largest, total = max(largest, v[i]), total + v[i]
        count += v[i] > 0.0
    # a power of two changes no digit, and keeps squares times weights in range
    exponent = math.frexp(largest)[1]
    scaled, shares = np.empty(n), np.empty(n)
    for i in range(n):
        scaled[i] = math.ldexp(v[i], -exponent)
        shares[i] = v[i] / total if count > 1 else 0.0
    batch = np.zeros((7, p))
    batch[UNIT] = 1.0
    finite = rows_moments(x, scaled, 0, batch, BLOCK)
    for j in range(p):
        batch[WEIGHT, j] = math.ldexp(batch[WEIGHT, j], exponent)
        batch[WEIGHT_LOW, j] = math.ldexp(batch[WEIGHT_LOW, j], exponent)
    blend(running, batch, share)
    high, low, inverse = scaling(batch if count > 1 else running, eps)
    factor = inverse * gamma
    one, zero = np.ones(p), np.zeros(p)
    finite = finite and scale_rows(x, out, one, high, low, factor, zero, beta, least)
    return finite, high, low, inverse, shares


@jit
def relu_gradient(gradient, y):
    """Set the gradient to 0 where y is not positive; of flat arrays."""
    zero = y[0] - y[0]
    for i in range(y.shape[0]):
        gradient[i] = gradient[i] if y[i] > 0 else zero


@jit
def tanh_gradient(gradient, y):
    """Multiply the gradient by 1 - y^2, of flat arrays."""
    for i in range(y.shape[0]):
        gradient[i] -= gradient[i] * (y[i] * y[i])


@jit
def logistic_gradient(gradient, y):
    """Multiply the gradient by y (1 - y), of flat arrays."""
    for i in range(y.shape[0]):
        gradient[i] *= y[i] - y[i] * y[i]
