"""Kernels of activations: gradients in one pass, in place, which is what lets them vectorise."""

from .._jit import jit


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
