"""The gradient of normalization."""

import numpy as np


def normalization_gradients(gradient, z, inverse, gamma, axis, weights=None):
    r"""Return the gradients with respect to x, gamma and beta of a loss of y = gamma z + beta.

    z = (x - mu) inverse, inverse = 1 / sqrt(var + eps), and mu and var depend on x:

    .. math:: \frac{\partial L}{\partial x_i} = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \Big(
              d_i - v_i \sum_k d_k - v_i z_i \sum_k d_k z_k \Big), \qquad
              d = \gamma \frac{\partial L}{\partial y}

    Parameters
    ----------
    gradient, z : ndarray of shape (n, p)
        The gradient with respect to y, and the normalized x.
    inverse : ndarray of shape (p,) or (n, 1)
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
    share = 1.0 / z.shape[axis] if weights is None else weights[:, None]
    d = gradient * gamma
    pull = d.sum(axis=axis, keepdims=True) + z * (d * z).sum(axis=axis, keepdims=True)
    return (d - share * pull) * inverse, *affine_gradients(gradient, z)


def affine_gradients(gradient, z):
    """Return the gradients with respect to gamma and beta alone."""
    return np.einsum("ij,ij->j", gradient, z), gradient.sum(axis=0)
