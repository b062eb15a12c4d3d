"""A network: a list of layers that go together, and whose parameters lie in one vector."""

import copy

import numpy as np

from .._statistics import ColumnMoments
from .._threads import Workers, check_cancelled, one_blas_thread
from ._layers import Activation, Dropout, Identity, Linear, Logistic, ReLU, Tanh
from ._normalization import BatchNorm, LayerNorm, NotFinite

ACTIVATIONS = {"identity": Identity, "logistic": Logistic, "tanh": Tanh, "relu": ReLU}
NORMS = {"batch": BatchNorm, "layer": LayerNorm}
# What can be penalised, and which entry of `params` of which layers that is.
GROUPS = {
    "weights": "weights",
    "output_weights": "weights",
    "biases": "biases",
    "gamma": "gamma",
    "beta": "beta",
}
# Entries of the widest layer that go forwards together outside training.
CHUNK = 2**18


class _Arrays:
    """Arrays by name that are made once, and lent again for fewer rows."""

    def __init__(self):
        self._made = {}

    def get(self, name, shape, dtype):
        size = shape[0] * shape[1]
        found = self._made.get(name)
        if found is None or found.size < size:
            found = self._made[name] = np.empty(size, dtype=dtype)
        return found[:size].reshape(shape)


def build(widths, activation, normalization, position, dropout, dtype, random):
    """Return new layers.

    Parameters
    ----------
    widths : list of int
        Of the input, the hidden layers and the output.
    activation, normalization : str or None
        Keys of ACTIVATIONS and NORMS.
    position : {"before", "after"}
        Where the normalization is, of the activation.
    dropout : float
    dtype : type
    random : RandomState
    """
    layers = []
    factor = 2.0 if activation == "logistic" else 6.0
    for i in range(len(widths) - 1):
        layers.append(Linear(widths[i], widths[i + 1], random, factor, dtype))
        if i == len(widths) - 2:
            break
        behind = [ACTIVATIONS[activation]()]
        if normalization is not None:
            norm = NORMS[normalization](widths[i + 1], dtype=dtype)
            behind.insert(0 if position == "before" else 1, norm)
        if dropout > 0:
            behind.append(Dropout(dropout, random))
        layers += behind
    return layers


def _groups(layers, penalize):
    """Return (layer, name) of what is penalised and of what is not; weights come first."""
    names = {GROUPS[group] for group in penalize}
    spared = layers[:-1] if "output_weights" in penalize and "weights" not in penalize else ()
    chosen, others = [], []
    for name in ("weights", "biases", "gamma", "beta"):
        for layer in layers:
            if name in layer.params:
                hit = name in names and not (name == "weights" and layer in spared)
                (chosen if hit else others).append((layer, name))
    return chosen, others


class Network:
    """Layers in training.

    Parameters
    ----------
    layers : list of Layer
        Their parameters become views of two vectors. The last layer is linear.
    penalize : collection of str, default=()
        Keys of GROUPS.

    Attributes
    ----------
    parameters, slopes : list of two ndarrays
        What is penalised and what is not, and their gradients after `backward`.
    """

    def __init__(self, layers, penalize=()):
        self.layers = layers
        self.parameters, self.slopes = [], []
        for group in _groups(layers, penalize):
            self._join(group)
        for layer, before in zip(layers, [None, *layers], strict=False):
            layer._arrays = _Arrays()
            if isinstance(layer, Activation) and before is not None:
                layer._in_place = not isinstance(before, Activation | Identity)
            if isinstance(layer, ReLU) and isinstance(before, BatchNorm | LayerNorm):
                before._least, layer._done = 0.0, True  # in one pass

    def _join(self, group):
        """Let the parameters of a group, and their gradients, be views of one vector each."""
        dtype = self.layers[-1].params["weights"].dtype
        sizes = [layer.params[name].size for layer, name in group]
        flat, slope = np.empty(sum(sizes), dtype=dtype), np.zeros(sum(sizes), dtype=dtype)
        start = 0
        for (layer, name), size in zip(group, sizes, strict=True):
            old, part = layer.params[name], slice(start, start + size)
            flat[part] = old.ravel()
            layer.params[name] = flat[part].reshape(old.shape)
            layer.gradients[name] = slope[part].reshape(old.shape)
            start += size
        self.parameters.append(flat)
        self.slopes.append(slope)

    @property
    def dtype(self):
        """The type of the parameters."""
        return self.parameters[0].dtype

    def forward(self, x, sample_weight=None):
        """Return the scores of rows, in training, given positive weights (float64)."""
        if sample_weight is None:
            sample_weight = np.ones(x.shape[0])
        for layer in self.layers:
            x = layer.forward(x, training=True, sample_weight=sample_weight)
        return x

    def backward(self, gradient):
        """Set `slopes`, given the gradient with respect to the scores."""
        for layer in self.layers[:0:-1]:
            gradient = layer.backward(gradient)
        self.layers[0].backward(gradient, to_input=False)

    def penalty(self, l1, l2):
        """Return ``l1 |w| + l2 w^2 / 2`` of what is penalised."""
        w = self.parameters[0]
        value = 0.5 * l2 * float(w @ w) if l2 else 0.0
        return value + l1 * float(np.abs(w).sum()) if l1 else value

    def finite(self):
        """Return whether all parameters are."""
        return all(np.isfinite(w).all() for w in self.parameters)

    def snapshot(self):
        """Return copies of the parameters, for `restore`."""
        return [w.copy() for w in self.parameters]

    def restore(self, parameters):
        """Take back the parameters of a `snapshot`."""
        for w, saved in zip(self.parameters, parameters, strict=True):
            w[:] = saved

    def finish(self):
        """Return the layers, without what is only there for training."""
        for layer in self.layers:
            layer.forget()
        return self.layers


def copies(layers):
    """Return copies of layers in training, without what is only there for training."""
    found = []
    for layer in layers:
        twin = copy.copy(layer)
        twin.forget()
        twin.params = {name: value.copy() for name, value in layer.params.items()}
        found.append(twin)
    return found


@one_blas_thread
def scores_of(layers, X, n_jobs=None):
    """Return the scores of rows, outside training.

    Rows go forwards in chunks, which do not influence each other, and can have threads.
    """
    shapes = [layer.params["weights"].shape for layer in layers if "weights" in layer.params]
    step = max(1, CHUNK // max(max(shape) for shape in shapes))
    dtype = next(layer.params["weights"].dtype for layer in layers if "weights" in layer.params)
    out = np.empty((X.shape[0], shapes[-1][1]), dtype=dtype)

    def run(i):
        check_cancelled()
        x = X[i : i + step]
        for layer in layers:
            x = layer.forward(x)
        out[i : i + step] = x

    starts = range(0, X.shape[0], step)
    with Workers(n_jobs if len(starts) > 1 else 1) as workers:
        workers.map(run, starts)
    return out


def set_population_statistics(layers, X, weights):
    """Give every batch normalization the exact moments of all rows of X, as they arrive there.

    Raises
    ------
    NotFinite
        If rows arrive there with infinite entries.
    """
    norms = [i for i, layer in enumerate(layers) if isinstance(layer, BatchNorm)]
    start = 0
    for i in norms:
        X = scores_of(layers[start:i], X)
        try:
            layers[i].moments = ColumnMoments.of(X, weights)
        except ValueError as error:
            raise NotFinite(str(error)) from None
        start = i


def fold(layers):
    """Return copies of the layers, with each batch normalization part of a linear layer.

    Of the one before it; or, behind an activation, of the next one.
    """
    layers = copy.deepcopy(layers)
    kept = []
    pending = None
    for layer in layers:
        if isinstance(layer, BatchNorm):
            inverse = layer.moments.deviation()
            inverse = layer.params["gamma"] / np.hypot(inverse, np.sqrt(layer.eps))
            mean = layer.moments.mean
            if kept and isinstance(kept[-1], Linear):
                params = kept[-1].params
                W, b = params["weights"], params["biases"]
                params["weights"] = (W * inverse).astype(W.dtype)
                params["biases"] = ((b - mean) * inverse + layer.params["beta"]).astype(b.dtype)
            else:
                pending = inverse, layer.params["beta"] - mean * inverse
            continue
        if isinstance(layer, Linear) and pending is not None:
            factor, shift = pending
            W, b = layer.params["weights"], layer.params["biases"]
            layer.params["weights"] = (factor[:, None] * W).astype(W.dtype)
            layer.params["biases"] = (b + shift @ W).astype(b.dtype)
            pending = None
        kept.append(layer)
    return kept
