"""
L1 and L2 in a network, and what normalization does to them
===========================================================

L1 is said to make weights sparse, L2 to make them small. Does that hold in a network, and is a
network with small weights a simpler one? Before a batch normalization it is not: the function does
not depend on the size of the weights there.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_regnorm import MLPClassifier
from sklearn_regnorm.neural_network import BatchNorm, Linear

warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as asked for, no more

X, y = load_digits(return_X_y=True)
X, others, y, labels = train_test_split(X / 16, y, train_size=1000, stratify=y, random_state=0)

# %%
# Scale invariance
# ----------------
# Weights a thousand times as large, and what comes out behind the normalization: the batch's
# standard deviation is a thousand times as large as well. But for ε nothing has changed.

for eps in 1e-5, 0.0:
    linear, norm = Linear(64, 32, random_state=0), BatchNorm(32, eps=eps)
    before = norm.forward(linear.forward(X), training=True)
    linear.params["weights"] *= 1000
    change = norm.forward(linear.forward(X), training=True) - before
    print(f"ε = {eps:g}: outputs of standard deviation 1 change by {abs(change).max():.0e} at most")

# %%
# Penalties of increasing strength
# --------------------------------
# Two hidden layers of 64 ReLU units, 60 epochs of Adam, three seeds. The strength is `alpha` for L2
# and a tenth of it for L1, which makes them comparable.


def measure(alpha, l1_ratio, normalization, penalize):
    """Return for three seeds: accuracy, zeros, size of weights, units that are off."""
    found = []
    for seed in range(3):
        model = MLPClassifier(
            (64, 64),
            normalization=normalization,
            alpha=alpha / 10 if l1_ratio else alpha,
            l1_ratio=l1_ratio,
            penalize=penalize,
            batch_size=100,
            learning_rate_init=0.003,
            max_iter=60,
            n_iter_no_change=np.inf,
            random_state=seed,
        ).fit(X, y)
        weights = np.concatenate([one.ravel() for one in model.coefs_])
        gammas = [one.params["gamma"] for one in model.layers_ if isinstance(one, BatchNorm)]
        found.append(
            [
                model.score(others, labels),
                np.mean(weights == 0),
                np.sqrt(np.mean(weights**2)),
                sum(np.count_nonzero(gamma == 0) for gamma in gammas),
            ]
        )
    return np.array(found)


def draw(panel, x, values, **style):
    """Draw means of rows, and their standard errors."""
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    panel.errorbar(x, values.mean(axis=1), error, capsize=2.5, ms=4, **style)


ALL = ("weights", "gamma", "beta")
strengths = np.array([0.01, 0.1, 1, 3, 10, 30, 100])
settings = {
    "none, L2": (0.0, None, "weights", {"color": "#D55E00", "ls": "--", "marker": "o"}),
    "none, L1": (1.0, None, "weights", {"color": "#E69F00", "ls": ":", "marker": "v"}),
    "batch, L2": (0.0, "batch", "weights", {"color": "#0072B2", "ls": "-", "marker": "s"}),
    "batch, L1": (1.0, "batch", "weights", {"color": "#56B4E9", "ls": "-.", "marker": "^"}),
    "batch, L2, γ and β too": (0.0, "batch", ALL, {"color": "0.2", "ls": ":", "marker": "P"}),
}
figure, panels = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
print("strength    ", *(f"{one:7g}" for one in strengths))
for name, (l1_ratio, normalization, penalize, style) in settings.items():
    runs = np.array([measure(one, l1_ratio, normalization, penalize) for one in strengths])
    for k, panel in enumerate(panels):
        draw(panel, strengths, runs[..., k], label=name, **style)
    accuracy, zeros, size, _ = runs.mean(axis=1).T
    print(name)
    print("    accuracy", *(f"{one:7.3f}" for one in accuracy))
    print("    zeros   ", *(f"{one:7.2f}" for one in zeros))
    print("    size    ", *(f"{one:7.2g}" for one in size))
panels[0].set(ylabel="accuracy on other digits", title="the function")
panels[1].set(ylabel="share of weights that are zero", title="sparse?")
panels[2].set(ylabel="root mean square of the weights", title="small?")
panels[2].set(yscale="log", ylim=(5e-3, 0.3))
panels[0].legend(title="normalization, penalty", fontsize="small", loc="lower left")
for panel in panels:
    panel.set(xscale="log", xlabel="strength of the penalty")

# %%
# Units that switch themselves off
# --------------------------------
# A unit with γ = 0 is constant, and can be left out. L1 on γ selects units as the lasso selects
# columns; on the weights as well, so that nothing else can take over its part.

off = np.array([measure(one, 1.0, "batch", ("weights", "gamma")) for one in strengths[1:6]])
figure, panel = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
draw(panel, off[..., 3].mean(axis=1), off[..., 0], color="#CC79A7", marker="D")
panel.set(xlabel="units switched off, of 128", ylabel="accuracy on other digits", title="L1 on γ")
for strength, one in zip(strengths[1:6], off.mean(axis=1), strict=True):
    print(f"strength {strength:4g}: {one[3]:2.0f} of 128 units off, ", end="")
    print(f"{one[1]:.0%} of the weights zero, accuracy {one[0]:.3f}")

# %%
# - **L1 is sparse, L2 small**: exact zeros for L1 only, with normalization too. Zero times a
#   constant is zero: that a weight is left out does not depend on the scale.
# - **L2 before a batch normalization restricts nothing**: weights become smaller than without, and
#   the accuracy stays where the plain network is down to guessing. γ, which is not penalised, makes
#   up for the small weights of the output layer.
# - **γ and β penalised too**: now a strong penalty means a simple function again.

plt.show()
