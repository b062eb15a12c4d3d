"""Layers: small objects that map rows to rows, forwards and backwards."""

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.utils import check_random_state

from .._typing import Matrix, RandomState, Weights
from .._validation import check_number
from . import _kernels as kernels


class Layer:
    """Base of the layers.

    A layer goes forwards, and then backwards: `backward` belongs to the last `forward` with
    ``training=True``, and nothing in between may change the arrays that it was given.

    Attributes
    ----------
    params : dict of str to ndarray
        What is learned; changed in place by who trains.
    gradients : dict of str to ndarray
        With the same keys, after `backward`: the gradient of the loss with respect to each.
    """

    # A network lends its layers arrays that they write into again and again.
    _arrays = None

    def __init__(self) -> None:
        self.params: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Map rows.

        Parameters
        ----------
        x : ndarray of shape (n, width)
        training : bool, default=False
            Whether to behave as in training, and to remember what `backward` needs.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows in statistics of the batch. A weight of 2 is a row that is there
            twice. Layers without such statistics do not look at it.

        Returns
        -------
        ndarray of shape (n, width of the output)
        """
        raise NotImplementedError

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Map the gradient of a loss with respect to the output to that of the input.

        Sets `gradients`.

        Parameters
        ----------
        gradient : ndarray of shape (n, width of the output)
        to_input : bool, default=True
            False spares the gradient of the input, which the first layer of a network has no use
            for.

        Returns
        -------
        ndarray of shape (n, width), or None
        """
        raise NotImplementedError

    def forget(self):
        """Drop what is there for `backward` only, and arrays that are lent."""
        for name in ("_seen", "_arrays"):
            self.__dict__.pop(name, None)
        self.gradients = {}

    def _new(self, name, shape, dtype, training=True):
        """Return an array to write into: lent in a network that trains, else a new one."""
        if self._arrays is None or not training:
            return np.empty(shape, dtype=dtype)
        return self._arrays.get(name, shape, dtype)

    def _gradient(self, name):
        """Return the array for the gradient of a parameter."""
        if name not in self.gradients:
            self.gradients[name] = np.empty_like(self.params[name])
        return self.gradients[name]

    def _last(self):
        """Return what the last forward pass in training has kept."""
        try:
            return self._seen
        except AttributeError:
            raise ValueError(
                f"{type(self).__name__}.backward needs a forward pass with training=True before it."
            ) from None


def as_floats(layer, x):
    """Return dense x as an array of float32 or float64."""
    if sparse.issparse(x):
        raise ValueError(
            f"{type(layer).__name__} takes no sparse matrix: only Linear does, as the first layer."
        )
    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise ValueError(f"Complex data not supported, got x of {x.dtype}.")
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float64)


def checked_gradient(layer, gradient, shape):
    """Return the gradient of what the last forward pass gave, which was of that shape."""
    gradient = as_floats(layer, gradient)
    if gradient.shape != shape:
        raise ValueError(
            f"{type(layer).__name__}.backward got a gradient of shape {gradient.shape}: give one "
            f"of the shape of the last output in training, {shape}."
        )
    return gradient


def check_width(layer, x, width):
    """Raise ValueError unless x is of shape (n, width)."""
    if x.ndim != 2 or x.shape[1] != width:
        raise ValueError(
            f"{type(layer).__name__} of width {width} got x of shape {x.shape}: give an array of "
            f"shape (n, {width})."
        )


class Linear(Layer):
    r"""An affine map, y = x W + b.

    Weights and biases begin uniform in :math:`\pm\sqrt{f / (n_{in} + n_{out})}`, with the factor
    f = 6 (Glorot and Bengio 2010), as in scikit-learn.

    Parameters
    ----------
    n_in, n_out : int
        Widths of input and output.
    random_state : int, RandomState instance or None, default=None
    factor : float, default=6.0
        See above; 2 is usual before a logistic activation.
    dtype : {np.float64, np.float32}, default=np.float64

    Attributes
    ----------
    params : dict
        ``"weights"`` of shape (n_in, n_out) and ``"biases"`` of shape (n_out,).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.neural_network import Linear
    >>> layer = Linear(3, 2, random_state=0)
    >>> layer.forward(np.ones((5, 3)), training=True).shape
    (5, 2)
    >>> layer.backward(np.ones((5, 2))).shape
    (5, 3)
    >>> layer.gradients["biases"]
    array([5., 5.])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        random_state: RandomState = None,
        factor: float = 6.0,
        dtype: type = np.float64,
    ) -> None:
        super().__init__()
        n_in = check_number("n_in", n_in, low=1, integer=True)
        n_out = check_number("n_out", n_out, low=1, integer=True)
        check_number("factor", factor, low=0)
        random = check_random_state(random_state)
        bound = np.sqrt(factor / (n_in + n_out))
        for name, shape in (("weights", (n_in, n_out)), ("biases", (n_out,))):
            self.params[name] = random.uniform(-bound, bound, shape).astype(dtype, copy=False)

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Return x W + b; x may be sparse (CSR)."""
        W, b = self.params["weights"], self.params["biases"]
        x = x if sparse.issparse(x) else as_floats(self, x)
        check_width(self, x, W.shape[0])
        if training:
            self._seen = x
        if sparse.issparse(x):
            out = x @ W
        else:
            out = self._new("out", (x.shape[0], W.shape[1]), W.dtype, training)
            np.matmul(x, W, out=out)
        out += b
        return out

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Return the gradient times the transpose of W."""
        x, W = self._last(), self.params["weights"]
        gradient = checked_gradient(self, gradient, (x.shape[0], W.shape[1]))
        if sparse.issparse(x):
            self._gradient("weights")[:] = x.T @ gradient
        else:
            np.matmul(x.T, gradient, out=self._gradient("weights"))
        np.sum(gradient, axis=0, out=self._gradient("biases"))
        if not to_input:
            return None
        return np.matmul(gradient, W.T, out=self._new("back", x.shape, W.dtype))


class Activation(Layer):
    """Base of the functions that are applied to every entry.

    In a network that trains they overwrite what they are given, where nobody else needs it.
    """

    _in_place = False
    # Whether what comes in has been through it already.
    _done = False
    _apply: Callable
    _slope: Callable

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Apply the function to every entry."""
        y = x = as_floats(self, x)
        if not self._done:
            to = x if self._in_place else self._new("out", x.shape, x.dtype, training)
            y = self._apply(x, to)
        if training:
            self._seen = y
        return y

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Multiply by the derivative of the function."""
        y = self._last()
        if not to_input:
            return None
        gradient = checked_gradient(self, gradient, y.shape)
        if not self._in_place:
            back = self._new("back", y.shape, y.dtype)
            back[:] = gradient
            gradient = back
        self._slope(gradient.reshape(-1), y.reshape(-1))
        return gradient

    def forget(self):
        """Drop what is there for `backward` only, and arrays that are lent."""
        super().forget()
        for name in ("_in_place", "_done"):
            self.__dict__.pop(name, None)


class ReLU(Activation):
    """max(x, 0); the derivative at 0 counts as 0."""

    _slope = staticmethod(kernels.relu_gradient)

    def _apply(self, x, out):
        return np.maximum(x, 0, out=out)


class Tanh(Activation):
    """The hyperbolic tangent."""

    _slope = staticmethod(kernels.tanh_gradient)

    def _apply(self, x, out):
        return np.tanh(x, out=out)


class Logistic(Activation):
    """1 / (1 + exp(-x))."""

    _slope = staticmethod(kernels.logistic_gradient)

    def _apply(self, x, out):
        return expit(x, out=out)


class Identity(Layer):
    """x as it is."""

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Return x."""
        return x

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Return the gradient."""
        return gradient


class Dropout(Layer):
    """In training, entries become 0 with probability `rate`, and are divided by 1 - rate otherwise.

    Outside training it does nothing (Srivastava et al. 2014, scaled in training).

    Parameters
    ----------
    rate : float
        From 0 to less than 1.
    random_state : int, RandomState instance or None, default=None
    """

    def __init__(self, rate: float, random_state: RandomState = None) -> None:
        super().__init__()
        self.rate = check_number("rate", rate, low=0)
        if self.rate >= 1:
            raise ValueError(f"rate == {rate}, must be less than 1: nothing would be left.")
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
        self._random = np.random.default_rng(seed)

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Drop entries at random in training."""
        if not training:
            return x
        x = as_floats(self, x)
        mask = self._new("mask", x.shape, np.dtype(np.float32))
        self._random.random(dtype=np.float32, out=mask)
        np.greater_equal(mask, self.rate, out=mask)
        mask /= 1.0 - self.rate
        self._seen = mask
        return np.multiply(x, mask, out=self._new("out", x.shape, x.dtype))

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Drop the same entries."""
        mask = self._last()
        gradient = checked_gradient(self, gradient, mask.shape)
        return np.multiply(gradient, mask, out=self._new("back", mask.shape, gradient.dtype))
