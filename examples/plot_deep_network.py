"""
Batch and layer normalization inside a network
==============================================

They are said to make deep networks trainable, to allow larger steps, and, batch normalization, to
regularise by the noise of its statistics. A network written out in numpy, small enough to be read,
measures all three.
"""

# %%
# The network
# -----------
# Digits, 64 pixels; hidden layers of 32 ReLU units, each normalized before the ReLU; softmax. Both
# normalizations have the same formula and the same derivative: only the axis differs over which
# means are taken. `size` is the number of rows that share batch statistics.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
EPS = 1e-5


def forward(layers, X, kind, size, stored=None):
    """Return the activations of every layer, what the way back needs, and the statistics."""
    a, memory, statistics = X, [], []
    for k, (W, gamma, beta) in enumerate(layers[:-1]):
        z = a @ W
        if kind == "none":
            normalized, sd = z, None
        elif kind == "batch" and stored is not None:
            mean, sd = stored[k]
            normalized = (z - mean) / sd
        else:
            axis = 1 if kind == "batch" else 2
            blocks = z.reshape(-1, size, z.shape[1])
            mean = blocks.mean(axis=axis, keepdims=True)
            sd = np.sqrt(blocks.var(axis=axis, keepdims=True) + EPS)
            statistics.append((mean[0], sd[0]))
            normalized = ((blocks - mean) / sd).reshape(z.shape)
        y = gamma * normalized + beta
        memory.append((a, normalized, sd, y > 0))
        a = np.maximum(y, 0)
    W, _, bias = layers[-1]
    return a @ W + bias, a, memory, statistics


def gradients(layers, X, targets, kind, size):
    """Return the loss and its derivatives."""
    scores, a, memory, _ = forward(layers, X, kind, size)
    scores = scores - scores.max(axis=1, keepdims=True)
    p = np.exp(scores)
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.mean(np.log(np.maximum(p[np.arange(len(X)), targets], 1e-300)))
    d = p
    d[np.arange(len(X)), targets] -= 1
    d /= len(X)
    out = [(a.T @ d, 0.0, d.sum(axis=0))]
    d = d @ layers[-1][0].T
    for (W, gamma, _), (a, normalized, sd, on) in zip(layers[-2::-1], memory[::-1], strict=True):
        d = d * on
        d_gamma = (d * normalized).sum(axis=0) if kind != "none" else 0.0
        d_beta, d = d.sum(axis=0), d * gamma
        if kind != "none":  # the mean and the standard deviation depend on z too
            axis = 1 if kind == "batch" else 2
            n, g = (one.reshape(-1, size, d.shape[1]) for one in (normalized, d))
            g = g - g.mean(axis=axis, keepdims=True) - n * (g * n).mean(axis=axis, keepdims=True)
            d = (g / sd).reshape(d.shape)
        out.append((a.T @ d, d_gamma, d_beta))
        d = d @ W.T
    return loss, out[::-1]


def train(X, y, depth, kind, step, n_steps, size=100, seed=0):
    """Return the layers after plain gradient descent on mini-batches of 100 rows, and the loss."""
    rng = np.random.default_rng(seed)
    widths = [64, *[32] * depth, 10]
    layers = [
        (rng.normal(size=(m, n)) * np.sqrt(2 / m), np.ones(n), np.zeros(n))
        for m, n in zip(widths[:-1], widths[1:], strict=True)
    ]
    losses = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(n_steps):
            rows = rng.choice(len(X), 100, replace=False)
            loss, slopes = gradients(layers, X[rows], y[rows], kind, size)
            losses.append(loss)
            layers = [
                tuple(one - step * slope for one, slope in zip(layer, slope3, strict=True))
                for layer, slope3 in zip(layers, slopes, strict=True)
            ]
    last = np.mean(losses[-20:])
    return layers, last if np.isfinite(last) else np.inf


X, y = load_digits(return_X_y=True)
X = X / 16
order = np.random.default_rng(0).permutation(len(X))
X, y = X[order], y[order]

# %%
# Depth and step size
# -------------------
# The loss after 200 steps, for networks of 1 and of 20 hidden layers.

steps = np.geomspace(1e-3, 3, 8)
kinds = {"none": ORANGE, "batch": BLUE, "layer": GREEN}
figure, panels = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for panel, depth in zip(panels, (1, 20), strict=True):
    for kind, color in kinds.items():
        losses = np.array([train(X[:1000], y[:1000], depth, kind, s, 200)[1] for s in steps])
        panel.semilogx(steps, np.minimum(losses, 4), color=color, marker=".", label=kind)
        good = steps[losses < 0.5]
        print(
            f"{depth:2d} hidden layers, {kind:5s}: loss below 0.5 "
            + (f"for steps from {good.min():.2g} to {good.max():.2g}" if len(good) else "never")
            + f"; least {losses.min():.3f}"
        )
    panel.set(xlabel="step size", ylim=(0, 3), title=f"depth {depth}")
panels[0].set_ylabel("training loss after 200 steps")
panels[0].legend(title="normalization")

# %%
# The noise of the statistics
# ---------------------------
# Two hidden layers, 200 rows to learn from. Gradients always come from 100 rows; the rows that
# share statistics are all of them, or 50, 20, 10, 5, 2. Prediction uses the statistics of all 200
# rows. If noise regularises, other digits should be recognised better with fewer rows.

sizes = [2, 5, 10, 20, 50, 100]
accuracy = np.empty((len(sizes), 10))
for i, size in enumerate(sizes):
    for seed in range(10):
        few, labels = X[:200], y[:200]
        layers, _ = train(few, labels, 2, "batch", 0.2, 300, size, seed)
        stored = forward(layers, few, "batch", len(few))[3]
        scores = forward(layers, X[200:], "batch", 1, stored)[0]
        accuracy[i, seed] = np.mean(scores.argmax(axis=1) == y[200:])
plain = []
for seed in range(10):
    layers, _ = train(X[:200], y[:200], 2, "none", 0.2, 300, seed=seed)
    plain.append(np.mean(forward(layers, X[200:], "none", 1)[0].argmax(axis=1) == y[200:]))
figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
axis.errorbar(
    sizes, accuracy.mean(axis=1), yerr=accuracy.std(axis=1, ddof=1) / np.sqrt(10), color=BLUE,
    marker="o", capsize=3, label="batch normalization",
)  # fmt: skip
axis.axhline(np.mean(plain), color=ORANGE, ls="--", label="none")
axis.set(
    xscale="log",
    xlim=(1.8, 120),
    xlabel="rows that share statistics",
    ylabel="accuracy on other digits",
)
axis.set_xticks(sizes, sizes)
axis.minorticks_off()
axis.set_ylim(0.9, 0.93)
axis.annotate(f"2 rows: {accuracy[0].mean():.2f}", (2.1, 0.9005))
axis.set_title("noise of the statistics (± SE, 10 runs)")
axis.legend()
for size, some in zip(sizes, accuracy, strict=True):
    print(f"statistics of {size:3d} rows: {some.mean():.3f} ± {some.std(ddof=1) / 10**0.5:.3f}")
print(f"no normalization:       {np.mean(plain):.3f}")

# %%
# - **Deep networks**: of 20 layers without normalization, no step size trains; with batch
#   normalization steps from 0.3 to 1 do. Layer normalization does not help at this depth.
# - **Larger steps**: with one layer, batch normalization works for steps from 0.03 to 3, a
#   hundredfold; without, from 0.1 to 1.
# - **Noise**: it regularises a little. Statistics of 5 rows give a better network than those of
#   all 100, by one point of accuracy; those of 2 rows ruin it. But here the network without
#   normalization is at least as good.

plt.show()
