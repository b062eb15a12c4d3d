"""Layers, losses and optimizers: gradients by finite differences, and PyTorch's numbers."""

import copy
import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sklearn_regnorm._optimizers import SGD, Adam, AdamW
from sklearn_regnorm.neural_network import (
    BatchNorm,
    Dropout,
    Identity,
    LayerNorm,
    Linear,
    Logistic,
    ReLU,
    Tanh,
)
from sklearn_regnorm.neural_network._losses import LOSSES
from sklearn_regnorm.neural_network._network import Network, copies, scores_of
from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer

TORCH = json.loads((Path(__file__).parent / "data" / "torch_network.json").read_text())


class FixedDropout(Dropout):
    """Dropout that drops the same entries each time."""

    def forward(self, x, training=False, sample_weight=None):
        self._random = np.random.default_rng(3)
        return super().forward(x, training, sample_weight)


def norm(cls, width, **given):
    layer = cls(width, **given)
    rng = np.random.default_rng(1)
    layer.params["gamma"][:] = rng.uniform(0.5, 1.5, width)
    layer.params["beta"][:] = rng.uniform(-0.5, 0.5, width)
    return layer


MIDDLES = {
    "identity": (4, lambda: [Identity()]),
    "relu": (4, lambda: [ReLU()]),
    "tanh": (4, lambda: [Tanh()]),
    "logistic": (4, lambda: [Logistic()]),
    "dropout": (4, lambda: [FixedDropout(0.4)]),
    "batch": (4, lambda: [norm(BatchNorm, 4)]),
    "layer": (4, lambda: [norm(LayerNorm, 4)]),
    "layer of width 1": (1, lambda: [norm(LayerNorm, 1)]),
    "batch, no eps": (4, lambda: [norm(BatchNorm, 4, eps=0.0)]),
    "batch, relu, dropout": (4, lambda: [norm(BatchNorm, 4), ReLU(), FixedDropout(0.3)]),
    "tanh, batch": (4, lambda: [Tanh(), norm(BatchNorm, 4)]),
    "relu, layer": (4, lambda: [ReLU(), norm(LayerNorm, 4)]),
}
TARGETS = {
    "identity": lambda rng, n: rng.standard_normal((n, 3)),
    "exp": lambda rng, n: rng.poisson(2.0, (n, 3)).astype(float),
    "logistic": lambda rng, n: rng.integers(0, 2, (n, 3)).astype(float),
    "softmax": lambda rng, n: np.eye(3)[rng.integers(0, 3, n)],
}


def value_and_slope(layers, loss, x, targets, weights):
    """Return the loss, and the gradient of the scores."""
    for layer in layers:
        x = layer.forward(x, training=True, sample_weight=weights)
    slope = np.empty_like(x)
    return loss.evaluate(x, targets, weights / weights.sum(), slope), slope


def check_gradients(layers, loss, x, targets, weights):
    """Compare with central differences, in the input and all parameters."""
    _, slope = value_and_slope(layers, loss, x, targets, weights)
    for layer in layers[::-1]:
        slope = layer.backward(slope)
    pairs = [(x, slope)] + [
        (layer.params[name], layer.gradients[name]) for layer in layers for name in layer.params
    ]
    for array, found in pairs:
        expected = np.empty_like(array)
        for index in np.ndindex(array.shape):
            old, values = array[index], []
            for step in (1e-6, -1e-6):
                array[index] = old + step
                values.append(value_and_slope(layers, loss, x, targets, weights)[0])
            array[index] = old
            expected[index] = (values[0] - values[1]) / 2e-6
        assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def away_from_kinks(layers, x, weights):
    """Return whether no ReLU gets anything near 0."""
    for layer in layers:
        if isinstance(layer, ReLU) and np.abs(x).min() < 1e-4:
            return False
        x = layer.forward(x, training=True, sample_weight=weights)
    return True


@pytest.mark.parametrize("n", [2, 7])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("out", TARGETS)
@pytest.mark.parametrize("middle", MIDDLES)
def test_gradients_h63(middle, out, weighted, n):
    rng = np.random.default_rng(5)
    width, make = MIDDLES[middle]
    layers = [Linear(3, width, random_state=0), *make(), Linear(width, 3, random_state=1)]
    weights = rng.uniform(0.5, 3.0, n) if weighted else np.ones(n)
    x = rng.standard_normal((n, 3))
    assert away_from_kinks(layers, x, weights)
    check_gradients(layers, LOSSES[out](), x, TARGETS[out](rng, n), weights)


def test_gradients_with_rows_of_weight_zero_h63():
    rng = np.random.default_rng(0)
    layers = [Linear(3, 4, random_state=0), norm(BatchNorm, 4), Linear(4, 3, random_state=1)]
    x, weights = rng.standard_normal((6, 3)), np.array([1.0, 0, 2, 0, 1, 0.5])
    check_gradients(layers, LOSSES["softmax"](), x, np.eye(3)[[0, 1, 2, 2, 1, 0]], weights)


def test_gradients_of_a_batch_of_one_row_h52_h63():
    """The running statistics, which have taken in the row, count as constants."""
    rng = np.random.default_rng(0)
    layer = norm(BatchNorm, 4, momentum=0.25)
    first, row = rng.standard_normal((5, 4)), rng.standard_normal((1, 4))
    layer.forward(first, training=True)
    y = layer.forward(row, training=True)
    mean = first.mean(axis=0)
    shift = row[0] - mean
    mean, variance = mean + 0.25 * shift, 0.75 * first.var(axis=0) + 0.25 * 0.75 * shift**2
    assert_allclose(layer.mean, mean, rtol=1e-14)
    assert_allclose(layer.variance, variance, rtol=1e-14)
    z = (row - mean) / np.sqrt(variance + 1e-5)
    assert_allclose(y, z * layer.params["gamma"] + layer.params["beta"], rtol=1e-13)
    back = layer.backward(np.ones((1, 4)))
    assert_allclose(back[0], layer.params["gamma"] / np.sqrt(variance + 1e-5), rtol=1e-13)
    assert_allclose(layer.gradients["gamma"], z[0], rtol=1e-13)


@pytest.mark.parametrize("n", [2, 9])
def test_norms_are_the_transformers(n):
    rng = np.random.default_rng(0)
    x, v = 1e3 + rng.standard_normal((n, 5)), rng.uniform(1, 2, n)
    batch, layer = norm(BatchNorm, 5), norm(LayerNorm, 5)
    given = {name: batch.params[name] for name in ("gamma", "beta")}
    expected = BatchNormalizer(eps=1e-5, **given).normalize_batch(x, sample_weight=v)
    assert_allclose(batch.forward(x, training=True, sample_weight=v), expected, rtol=1e-12)
    assert_array_equal(layer.forward(x), LayerNormalizer(eps=1e-5, **given).transform(x))
    model = BatchNormalizer(eps=1e-5, momentum=0.1, **given).fit(x, sample_weight=v)
    model.partial_fit(2 * x)
    batch.forward(2 * x, training=True)
    assert_allclose(batch.mean, model.mean_, rtol=1e-14)
    assert_allclose(batch.variance, model.var_, rtol=1e-12)
    assert_allclose(batch.forward(x), model.transform(x), rtol=1e-12)


def test_weights_are_repetition():
    rng = np.random.default_rng(0)
    x, v, slope = rng.standard_normal((8, 4)), rng.integers(1, 4, 8), rng.standard_normal((8, 4))
    one, two = norm(BatchNorm, 4), norm(BatchNorm, 4)
    y = one.forward(x, training=True, sample_weight=v)
    assert_allclose(np.repeat(y, v, axis=0), two.forward(np.repeat(x, v, axis=0), training=True))
    back, back_two = one.backward(slope * v[:, None]), two.backward(np.repeat(slope, v, axis=0))
    assert_allclose(np.repeat(back / v[:, None], v, axis=0), back_two, rtol=1e-10, atol=1e-14)
    for name in one.params:
        assert_allclose(one.gradients[name], two.gradients[name], rtol=1e-12)


# ---------------------------------------------------------------- PyTorch


def torch_layers():
    layers = [
        Linear(5, 8), BatchNorm(8), ReLU(), Linear(8, 6), LayerNorm(6), Tanh(), Linear(6, 3),
    ]  # fmt: skip
    return put(layers, TORCH["initial"])


def put(layers, values):
    slots = [(layer, name) for layer in layers for name in layer.params]
    for (layer, name), value in zip(slots, values, strict=True):
        layer.params[name][:] = value
    return layers


def test_forward_and_gradients_are_those_of_torch():
    layers, x = torch_layers(), np.array(TORCH["X"])
    targets, weights = np.eye(3)[TORCH["y"]], np.ones(12)
    for layer in layers:
        x = layer.forward(x, training=True)
    assert_allclose(x, TORCH["scores"], rtol=1e-10, atol=1e-12)
    slope = np.empty_like(x)
    value = LOSSES["softmax"]().evaluate(x, targets, weights / 12, slope)
    assert_allclose(value, TORCH["loss"], rtol=1e-12)
    for layer in layers[::-1]:
        slope = layer.backward(slope)
    found = [layer.gradients[name] for layer in layers for name in layer.params]
    for one, expected in zip(found, TORCH["gradients"], strict=True):
        assert_allclose(one, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_three_steps_are_those_of_torch(name):
    layers, x = torch_layers(), np.array(TORCH["X"])
    network = Network(layers, ("weights", "biases", "gamma", "beta"))
    optimizer = {
        "sgd": lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True, l2=0.01),
        "adam": lambda p: Adam(p, 0.01, l2=0.01),
        "adamw": lambda p: AdamW(p, 0.01, l2=0.05),
    }[name](network.parameters)
    loss, slope = LOSSES["softmax"](), np.empty((12, 3))
    for _ in range(3):
        scores = network.forward(x)
        loss.evaluate(scores, np.eye(3)[TORCH["y"]], np.full(12, 1 / 12), slope)
        network.backward(slope)
        optimizer.step(network.slopes)
    found = [layer.params[key] for layer in layers for key in layer.params]
    for one, expected in zip(found, TORCH["after"][name], strict=True):
        assert_allclose(one, expected, rtol=1e-10, atol=1e-10)


# ---------------------------------------------------------------- optimizers


def quadratic(rng, p=6):
    """Return A, b of 1/2 w'Aw - b'w."""
    root = rng.standard_normal((p, p))
    return root @ root.T / p + 0.3 * np.eye(p), rng.standard_normal(p)


@pytest.mark.parametrize(
    "make",
    [
        lambda w, **k: SGD(w, 0.02, momentum=0.0, nesterov=False, **k),
        lambda w, **k: SGD(w, 0.02, momentum=0.9, nesterov=False, **k),
        lambda w, **k: SGD(w, 0.02, momentum=0.9, nesterov=True, **k),
        lambda w, **k: Adam(w, 0.003, **k),
        lambda w, **k: Adam(w, 0.003, beta_1=0.0, beta_2=0.9, **k),
    ],
)
def test_proximal_steps_end_at_the_minimum_of_the_elastic_net(make):
    """Gradient within the subdifferential: the rate of the threshold is that of the steps."""
    A, b = quadratic(np.random.default_rng(2))
    l1, l2 = 0.5, 0.2
    w = np.ones(6)
    optimizer = make([w], l1=l1, l2=l2)
    for k in range(20_000):
        if k in (10_000, 15_000) and isinstance(optimizer, Adam):
            optimizer.learning_rate /= 100
        optimizer.step([A @ w - b])
    g = A @ w - b + l2 * w
    zero = w == 0
    assert 0 < zero.sum() < 6
    assert (np.abs(g[zero]) <= l1).all()
    assert_allclose(g[~zero], -l1 * np.sign(w[~zero]), atol=1e-6)


def test_penalties_of_some_parameters():
    one, two = np.array([1.0, -2.0]), np.array([3.0])
    SGD([one, two], 0.1, momentum=0.0, l1=[1.0, 0.0], l2=[0.0, 2.0]).step([0 * one, 0 * two])
    assert_allclose(one, [0.9, -1.9])
    assert_allclose(two, [3.0 - 0.1 * 2 * 3])


@pytest.mark.parametrize("cls", [SGD, Adam, AdamW])
def test_nan_stays_and_float32_stays_float32(cls):
    w = np.array([np.nan, 1.0], dtype=np.float32)
    optimizer = cls([w], 0.1, l1=0.1, l2=0.1)
    optimizer.step([np.ones(2, dtype=np.float32)])
    assert np.isnan(w[0]) and w[1] < 1
    assert all(one.dtype == np.float32 for group in optimizer.states for one in group)


# ---------------------------------------------------------------- layers by themselves


def test_dropout():
    layer, x = Dropout(0.25, random_state=0), np.ones((400, 50))
    assert layer.forward(x) is x
    y = layer.forward(x, training=True)
    assert set(np.unique(y)) == {0.0, y.max()}
    assert_allclose(y.max(), 1 / 0.75, rtol=1e-6)
    assert abs((y == 0).mean() - 0.25) < 0.01
    assert_array_equal(layer.backward(x), y)
    again = Dropout(0.25, random_state=0)
    assert_array_equal(again.forward(x, training=True), y)
    assert not np.array_equal(again.forward(x, training=True), y)


@pytest.mark.parametrize("middle", MIDDLES)
def test_arrays_are_the_callers_outside_a_network(middle):
    """What a layer has returned does not change with the next call, and no input does."""
    width, make = MIDDLES[middle]
    rng = np.random.default_rng(0)
    for layer in make():
        x = rng.standard_normal((5, width))
        before = x.copy()
        layer.forward(x, training=True)
        y, slope = layer.forward(x, training=True), np.ones((5, width))
        held, back = y.copy(), layer.backward(slope)
        held_back = back.copy()
        layer.forward(2 * x, training=True)
        layer.backward(2 * slope)
        assert_array_equal(y, held)
        assert_array_equal(back, held_back)
        assert_array_equal(x, before)
        assert_array_equal(slope, 1.0)


def test_network_gives_what_its_layers_give():
    """Lent arrays, work in place and parameters in one vector change no number."""
    for middle, out in itertools.product(MIDDLES, ("identity", "softmax")):
        width, make = MIDDLES[middle]
        rng = np.random.default_rng(3)
        layers = [Linear(3, width, random_state=0), *make(), Linear(width, 3, random_state=1)]
        network = Network(copies(copy.deepcopy(layers)), ("weights",))
        loss, weights = LOSSES[out](), rng.uniform(1, 2, 9)
        for n in (9, 4, 9, 6):  # ragged batches
            x, targets = rng.standard_normal((n, 3)), TARGETS[out](rng, n)
            value, slope = value_and_slope(layers, loss, x, targets, weights[:n])
            for layer in layers[::-1]:
                slope = layer.backward(slope)
            scores = network.forward(x, weights[:n])
            mine = np.empty_like(scores)
            share = weights[:n] / weights[:n].sum()
            assert loss.evaluate(scores, targets, share, mine) == value
            network.backward(mine)
            for one, two in zip(layers, network.layers, strict=True):
                for name in one.params:
                    assert_array_equal(one.gradients[name], two.gradients[name])


@pytest.mark.slow
@pytest.mark.parametrize("cls", [BatchNorm, LayerNorm])
def test_float32(cls):
    rng = np.random.default_rng(0)
    x, slope = rng.standard_normal((20, 6)), rng.standard_normal((20, 6))
    one, two = norm(cls, 6, dtype=np.float32), norm(cls, 6)
    y = one.forward(x.astype(np.float32), training=True)
    assert y.dtype == np.float32
    assert_allclose(y, two.forward(x, training=True), rtol=1e-5, atol=1e-5)
    back = one.backward(slope.astype(np.float32))
    assert back.dtype == np.float32 and one.gradients["gamma"].dtype == np.float32
    assert_allclose(back, two.backward(slope), rtol=1e-4, atol=1e-5)


def test_constant_columns_and_rows_h50():
    x = np.full((4, 3), 1e10)
    for layer in (BatchNorm(3), BatchNorm(3, eps=0.0), LayerNorm(3), LayerNorm(3, eps=0.0)):
        assert_array_equal(layer.forward(x, training=True), 0.0)
        assert np.isfinite(layer.backward(np.ones((4, 3)))).all()


def test_sparse_rows():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 4)) * (rng.random((6, 4)) < 0.5)
    layer, slope = Linear(4, 2, random_state=0), rng.standard_normal((6, 2))
    y = layer.forward(x, training=True)
    layer.backward(slope)
    dense = layer.gradients["weights"].copy()
    assert_allclose(layer.forward(sparse.csr_array(x), training=True), y, rtol=1e-14)
    layer.backward(slope, to_input=False)
    assert_allclose(layer.gradients["weights"], dense, rtol=1e-14, atol=1e-15)


def test_layers_pickle():
    layers = [Linear(3, 4, random_state=0), BatchNorm(4), ReLU(), Dropout(0.5), Linear(4, 2)]
    x = np.random.default_rng(0).standard_normal((5, 3))
    Network(layers).forward(x)
    twins = pickle.loads(pickle.dumps(copies(layers)))
    assert_array_equal(scores_of(twins, x), scores_of(layers, x))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Linear(0, 3), "n_in"),
        (lambda: Linear(3, 2.5), "n_out"),
        (lambda: BatchNorm(3, eps=-1.0), "eps"),
        (lambda: BatchNorm(3, momentum=2.0), "momentum"),
        (lambda: LayerNorm(0), "width"),
        (lambda: Dropout(1.0), "rate"),
        (lambda: Dropout(-0.1), "rate"),
        (lambda: Linear(3, 2).forward(np.ones((4, 5))), r"width 3 got x of shape \(4, 5\)"),
        (lambda: BatchNorm(3).forward(np.ones((4, 5)), training=True), "width 3"),
        (lambda: LayerNorm(3).forward(np.ones(3)), "width 3"),
        (lambda: BatchNorm(3).forward(np.ones((4, 3))), "no statistics"),
        (lambda: BatchNorm(3).mean, "no statistics"),
        (lambda: Linear(3, 2).backward(np.ones((4, 2))), "training=True"),
        (lambda: ReLU().backward(np.ones((4, 2))), "training=True"),
        (lambda: BatchNorm(1).forward(np.full((2, 1), np.inf), training=True), "infinity"),
        (lambda: BatchNorm(1).forward(np.ones((2, 1)), True, [1.0]), "sample_weight"),
    ],
)
def test_refusals(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


KINDS = {
    "linear": lambda: Linear(4, 4, random_state=0),
    "batch": lambda: BatchNorm(4),
    "layer": lambda: LayerNorm(4),
    "relu": ReLU,
    "tanh": Tanh,
    "logistic": Logistic,
    "dropout": lambda: FixedDropout(0.4),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 4), (5, 4), (7, 4), (6, 1), (6, 3), (4,)], ids=str)
def test_gradients_of_another_shape_are_refused(kind, shape):
    """Kernels would read beyond their end."""
    layer = KINDS[kind]()
    layer.forward(np.random.default_rng(0).standard_normal((6, 4)), training=True)
    with pytest.raises(ValueError, match=f"{type(layer).__name__}.*gradient of shape"):
        layer.backward(np.ones(shape))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_may_be_integers_and_lists(kind):
    rows = np.array([[1, -2, 3, 0], [3, 4, -1, 2], [0, 1, 5, -2]])
    expected = KINDS[kind]().forward(rows.astype(float), training=True)
    for given in (rows, rows.tolist(), rows.astype(">f8"), rows.astype(np.int8)):
        layer = KINDS[kind]()
        assert_array_equal(layer.forward(given, training=True), expected)
        back = layer.backward(np.ones((3, 4), dtype=int).tolist())
        assert back.dtype == np.float64 and np.isfinite(back).all()
    with pytest.raises(ValueError, match="Complex data"):
        KINDS[kind]().forward(rows + 0j, training=True)
    if kind != "linear":
        with pytest.raises(ValueError, match="sparse"):
            KINDS[kind]().forward(sparse.csr_array(rows * 1.0), training=True)
