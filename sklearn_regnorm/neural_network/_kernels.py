"""Kernels of activations: gradients in one pass, without temporaries."""

from .._jit import jit


@jit
def relu_gradient(gradient, y, out):
    """Set out = gradient where y > 0, else 0, of flat arrays."""
    for i in range(y.shape[0]):
        if y[i] > 0:
            out[i] = gradient[i]
        else:
            out[i] = 0


@jit
def tanh_gradient(gradient, y, out):
    """Set out = gradient (1 - y^2), of flat arrays."""
    for i in range(y.shape[0]):
        out[i] = gradient[i] - gradient[i] * y[i] * y[i]


@jit
def logistic_gradient(gradient, y, out):
    """Set out = gradient y (1 - y), of flat arrays."""
    for i in range(y.shape[0]):
        out[i] = gradient[i] * (y[i] - y[i] * y[i])
