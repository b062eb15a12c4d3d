"""Normalization as layers: the statistics, kernels and gradients of the transformers."""

import numpy as np

from .._statistics import ColumnMoments
from .._typing import Matrix, Weights
from .._validation import check_number, check_raw_weights
from ..preprocessing import _kernels as kernels
from ..preprocessing._gradients import column_gradients, row_gradients
from ._kernels import normalise_batch, scaling
from ._layers import Layer, as_floats, check_width, checked_gradient


class NotFinite(ValueError):
    """Rows that cannot be normalised, as training has diverged."""


class _Norm(Layer):
    """What both have: gamma and beta of each column."""

    # A network lets it do the work of the ReLU behind it, too.
    _least = -np.inf

    def __init__(self, width, eps, dtype):
        super().__init__()
        self.width = check_number("width", width, low=1, integer=True)
        self.eps = check_number("eps", eps, low=0)
        self.params["gamma"] = np.ones(self.width, dtype=dtype)
        self.params["beta"] = np.zeros(self.width, dtype=dtype)

    def _checked(self, x, training):
        x = as_floats(self, x)
        check_width(self, x, self.width)
        x = np.ascontiguousarray(x)
        return x, self._new("out", x.shape, x.dtype, training)

    def forget(self):
        """Drop what is there in training only."""
        super().forget()
        self.__dict__.pop("_least", None)


class BatchNorm(_Norm):
    r"""Batch normalization of each column, then a scale and a shift that are learned.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training the mean and the (biased) variance are those of the batch, weighted, and the
    gradient goes through them; otherwise those of the stored `moments` are used, which are running
    statistics of the batches (see :class:`~sklearn_regnorm.BatchNormalizer`, `momentum`) until
    someone sets them. A batch with one row, which has no variance, is normalized by the running
    statistics, after they have taken it in, as by constants.

    Parameters
    ----------
    width : int
        Columns.
    eps : float, default=1e-5
        Added to the variance.
    momentum : float, default=0.1
        Weight of a new batch in the running statistics.
    dtype : {np.float64, np.float32}, default=np.float64

    Attributes
    ----------
    params : dict
        ``"gamma"`` and ``"beta"`` of shape (width,).
    moments : ColumnMoments or None
        The stored statistics; None before the first batch.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.neural_network import BatchNorm
    >>> layer = BatchNorm(1, eps=0.0)
    >>> layer.forward(np.array([[1.0], [3.0]]), training=True).ravel()
    array([-1.,  1.])
    >>> layer.forward(np.array([[2.0], [4.0]])).ravel()
    array([0., 2.])
    """

    def __init__(
        self, width: int, eps: float = 1e-5, momentum: float = 0.1, dtype: type = np.float64
    ) -> None:
        super().__init__(width, eps, dtype)
        self.momentum = check_number("momentum", momentum, low=0, high=1)
        self.moments: ColumnMoments | None = None

    @property
    def mean(self) -> np.ndarray:
        """The stored means, of shape (width,)."""
        return self._stored().mean

    @property
    def variance(self) -> np.ndarray:
        """The stored variances, of shape (width,)."""
        return self._stored().variance()

    def _stored(self):
        if self.moments is None:
            raise ValueError(
                "BatchNorm has no statistics yet: go forward with training=True, or set moments."
            )
        return self.moments

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Normalize columns, by statistics of the batch in training."""
        x, out = self._checked(x, training)
        gamma, beta = self.params["gamma"], self.params["beta"]
        if not training:
            high, low, inverse = scaling(self._stored().state, self.eps)
            one, zero = np.ones(self.width), np.zeros(self.width)
            factor = inverse * gamma
            if not kernels.scale_rows(x, out, one, high, low, factor, zero, beta, self._least):
                raise NotFinite("x contains infinity")
            return out
        if self._arrays is None:  # a network has checked
            sample_weight = check_raw_weights(sample_weight, x.shape[0])
        moments = self.moments or ColumnMoments.none(self.width)
        state = moments.state.copy()
        finite, *seen = normalise_batch(
            x, sample_weight, state, self.momentum, self.eps, gamma, beta, self._least, out
        )
        if not finite:
            raise NotFinite("x contains infinity")
        self.moments, self._seen = ColumnMoments(state), (x, *seen)
        return out

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Return the gradient of the input, through the statistics of the batch."""
        x, high, low, inverse, share = self._last()
        gradient = checked_gradient(self, gradient, x.shape)
        out = self._new("back", x.shape, x.dtype)
        column_gradients(
            np.ascontiguousarray(gradient), x, high, low, inverse, self.params["gamma"], share,
            out, self._gradient("gamma"), self._gradient("beta"),
        )  # fmt: skip
        return out


class LayerNorm(_Norm):
    r"""Layer normalization: each row by its own mean and variance, then as :class:`BatchNorm`.

    .. math:: y_j = \gamma_j \, \frac{x_j - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_j

    Rows do not depend on each other, so training and prediction are the same.

    Parameters
    ----------
    width : int
        Columns.
    eps : float, default=1e-5
        Added to the variance.
    dtype : {np.float64, np.float32}, default=np.float64

    Attributes
    ----------
    params : dict
        ``"gamma"`` and ``"beta"`` of shape (width,).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.neural_network import LayerNorm
    >>> LayerNorm(2, eps=0.0).forward(np.array([[1.0, 3.0], [50.0, 10.0]]))
    array([[-1.,  1.],
           [ 1., -1.]])
    """

    def __init__(self, width: int, eps: float = 1e-5, dtype: type = np.float64) -> None:
        super().__init__(width, eps, dtype)

    def forward(
        self, x: Matrix, training: bool = False, sample_weight: Weights = None
    ) -> np.ndarray:
        """Normalize rows."""
        x, out = self._checked(x, training)
        gamma, beta = self.params["gamma"], self.params["beta"]
        if not kernels.normalise_rows(x, out, gamma, beta, 1, True, True, self.eps, self._least):
            raise NotFinite("x contains infinity")
        if training:
            self._seen = x
        return out

    def backward(self, gradient: np.ndarray, to_input: bool = True) -> np.ndarray | None:
        """Return the gradient of the input, through the statistics of each row."""
        x = self._last()
        gradient = checked_gradient(self, gradient, x.shape)
        out = self._new("back", x.shape, x.dtype)
        gradient = np.ascontiguousarray(gradient)
        dgamma, dbeta = self._gradient("gamma"), self._gradient("beta")
        row_gradients(gradient, x, self.params["gamma"], self.eps, out, dgamma, dbeta)
        return out
