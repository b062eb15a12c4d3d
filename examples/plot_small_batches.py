"""
How many rows does a batch need?
================================

Batch normalization takes its statistics from a batch. With few rows they are noisy: that is said to
make it fail for batches of one or two rows, where layer normalization works, and to lessen
over-fitting. Both are measured, the second with a layer written for the purpose.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_regnorm import MLPClassifier
from sklearn_regnorm.neural_network import BatchNorm, Dropout, Layer, Linear, ReLU

STYLES = {
    None: {"color": "#D55E00", "marker": "o", "ls": "--", "label": "none"},
    "batch": {"color": "#0072B2", "marker": "s", "ls": "-", "label": "batch"},
    "layer": {"color": "#009E73", "marker": "^", "ls": "-.", "label": "layer"},
}
warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as asked for, no more

X, y = load_digits(return_X_y=True)
X, others, y, labels = train_test_split(X / 16, y, train_size=500, stratify=y, random_state=0)


def draw(panel, x, values, **style):
    """Draw means of rows, and their standard errors; return both as text."""
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    panel.errorbar(x, values.mean(axis=1), error, capsize=2.5, ms=4, **style)
    return ", ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(values.mean(axis=1), error, strict=True))


# %%
# Batches of one and of two rows
# ------------------------------
# Two hidden layers of 32 ReLU units; five epochs of Adam over 500 digits, in batches of different
# size. Accuracy on the other digits, for five seeds.

sizes = [1, 2, 3, 4, 8, 16, 32]
figure, panel = plt.subplots(figsize=(6, 4), layout="constrained")
print(f"rows in a batch: {sizes}")
for kind, style in STYLES.items():
    accuracy = np.empty((len(sizes), 5))
    for i, size in enumerate(sizes):
        for seed in range(5):
            model = MLPClassifier(
                (32, 32),
                normalization=kind,
                batch_size=size,
                learning_rate_init=0.003,
                max_iter=5,
                random_state=seed,
            )
            accuracy[i, seed] = model.fit(X, y).score(others, labels)
    print(f"{style['label']:6s}", draw(panel, sizes, accuracy, **style))
panel.set(xscale="log", ylim=(0.4, 1), xlabel="rows in a batch", ylabel="accuracy on other digits")
panel.set_xticks(sizes, sizes)
panel.minorticks_off()
panel.legend(title="normalization", loc="lower right")

# %%
# The mean of one row is the row itself, and by the formula its output is β, whatever the row. So
# for a batch of one row the package takes running statistics instead, and it trains. For two rows
# the formula says that x̂ is 1 for one of them and -1 for the other: only the sign is left.

pair = np.array([[0.1, 5.0], [0.2, -3.0]])
print(BatchNorm(2, eps=0.0).forward(pair, training=True))


# %%
# Noise, and nothing else
# -----------------------
# A smaller batch has not only noisier statistics, but noisier gradients too. To tell them apart,
# gradients shall always come from 100 rows, of which so many at a time share statistics. That is a
# layer of one's own: blocks of rows become columns of their own for `BatchNorm`.


class BlockNorm(Layer):
    """Batch normalization of blocks of `size` rows, each by its own statistics."""

    def __init__(self, width, size):
        super().__init__()
        self.size, self.width = size, width
        self.params = {"gamma": np.ones(width), "beta": np.zeros(width)}

    def _to_columns(self, x):
        return x.reshape(-1, self.size, self.width).swapaxes(0, 1).reshape(self.size, -1)

    def _to_rows(self, x):
        return x.reshape(self.size, -1, self.width).swapaxes(0, 1).reshape(-1, self.width)

    def forward(self, x, training=False, sample_weight=None):
        """Normalize; what is used in training only."""
        blocks = len(x) // self.size
        self.norm = BatchNorm(blocks * self.width)
        self.norm.params = {name: np.tile(value, blocks) for name, value in self.params.items()}
        return self._to_rows(self.norm.forward(self._to_columns(x), training=training))

    def backward(self, gradient, to_input=True):
        """Sum up what the blocks say of gamma and beta."""
        out = self._to_rows(self.norm.backward(self._to_columns(gradient)))
        for name, value in self.norm.gradients.items():
            self.gradients[name] = value.reshape(-1, self.width).sum(axis=0)
        return out


def forward(layers, x, training):
    """Return what the layers make of rows."""
    for layer in layers:
        x = layer.forward(x, training=training)
    return x


def train(size, dropout, seed, rate=0.2, steps=300):
    """Return accuracy and log loss on other digits, and the log loss on the 200 trained on."""
    few, classes = X[:200], np.eye(10)[y[:200]]
    random, layers = np.random.RandomState(seed), []
    for n_in in 64, 32:
        layers.append(Linear(n_in, 32, random))
        layers += [BlockNorm(32, size)] if size else []
        layers.append(ReLU())
        layers += [Dropout(dropout, random)] if dropout else []
    layers.append(Linear(32, 10, random))
    for _ in range(steps):
        rows = random.choice(200, 100, replace=False)
        scores = forward(layers, few[rows], training=True)
        gradient = (np.exp(log_softmax(scores, axis=1)) - classes[rows]) / 100
        for layer in layers[::-1]:
            gradient = layer.backward(gradient)
            for name, slope in layer.gradients.items():
                layer.params[name] -= rate * slope
    for i, layer in enumerate(layers):  # for prediction, the statistics of all 200 rows
        if isinstance(layer, BlockNorm):
            layers[i] = BatchNorm(32, momentum=1.0)
            layers[i].params = layer.params
            layers[i].forward(forward(layers[:i], few, training=False), training=True)
    train_loss, test_loss = (
        -np.mean(log_softmax(forward(layers, some, False), axis=1)[np.arange(len(some)), true])
        for some, true in ((few, y[:200]), (others, labels))
    )
    accuracy = np.mean(forward(layers, others, False).argmax(axis=1) == labels)
    return accuracy, test_loss, train_loss


# %%
# Two hidden layers of 32 units; 200 digits to learn from, 300 steps of gradient descent, ten seeds.
# For comparison: no normalization, and dropout, which is noise on purpose.

sizes = [4, 10, 20, 50, 100]
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
noisy = np.array([[train(size, 0, seed) for seed in range(10)] for size in sizes])
print(f"rows that share statistics: {sizes}")
print("accuracy on other digits", draw(panels[0], sizes, noisy[..., 0], **STYLES["batch"]))
print("log loss on other digits", draw(panels[1], sizes, noisy[..., 1], **STYLES["batch"]))
print("log loss in training    ", noisy[..., 2].mean(axis=1).round(3))
gain = noisy[-1, :, 1] - noisy[0, :, 1]
print(
    f"gain of 4 rows over 100, seed by seed: {gain.mean():.3f} ± {gain.std(ddof=1) / 10**0.5:.3f}"
)
for name, size, dropout, style in (
    ("none", 0, 0.0, {"color": "#D55E00", "ls": "--"}),
    ("none, dropout 0.1", 0, 0.1, {"color": "#CC79A7", "ls": "-."}),
    ("batch of 100, dropout 0.1", 100, 0.1, {"color": "0.2", "ls": ":"}),
):
    runs = np.array([train(size, dropout, seed) for seed in range(10)])
    mean, error = runs.mean(axis=0), runs.std(axis=0, ddof=1) / np.sqrt(10)
    for k, panel in enumerate(panels):
        panel.axhline(mean[k], lw=1.4, label=name, **style)
        panel.axhspan(mean[k] - error[k], mean[k] + error[k], color=style["color"], alpha=0.1, lw=0)
    print(
        f"{name:26s} accuracy {mean[0]:.3f} ± {error[0]:.3f}, log loss {mean[1]:.3f} ± "
        f"{error[1]:.3f}, in training {mean[2]:.3f}"
    )
panels[0].set(ylabel="accuracy on other digits", title="accuracy")
panels[1].set(ylabel="log loss on other digits", title="over-fitting", ylim=(0.17, None))
panels[1].legend(fontsize="small", loc="lower right")
for panel in panels:
    panel.set(xscale="log", xlabel="rows that share statistics")
    panel.set_xticks(sizes, sizes)
    panel.minorticks_off()

# %%
# - **Tiny batches**: with two rows batch normalization fails, with three it is poor, from eight on
#   as good as layer normalization, which does not depend on the batch, and better than none. A
#   batch of one row works only because running statistics take the place of its own.
# - **Noise**: statistics of 4 to 20 rows lessen over-fitting a little against those of 100. Dropout
#   does more for it, with or without normalization.

plt.show()
