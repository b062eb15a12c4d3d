"""
What does normalization do to a network?
========================================

It is said to make training converge in fewer epochs, to tolerate larger learning rates, and to make
deep networks trainable. Three claims, measured on digits over several seeds: means, with bars of
one standard error.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sklearn_regnorm import MLPClassifier

STYLES = {
    None: {"color": "#D55E00", "marker": "o", "ls": "--", "label": "none"},
    "batch": {"color": "#0072B2", "marker": "s", "ls": "-", "label": "batch"},
    "layer": {"color": "#009E73", "marker": "^", "ls": "-.", "label": "layer"},
}
warnings.simplefilter("ignore", ConvergenceWarning)  # as many epochs as asked for, no more

X, y = load_digits(return_X_y=True)
X, others, y, labels = train_test_split(X / 16, y, train_size=1000, stratify=y, random_state=0)


def train(depth, width, normalization, rate, seed, solver="sgd", he=False, position="before"):
    """Return the loss after each of 20 epochs, and the accuracy on other digits at their end."""
    model = MLPClassifier(
        [width] * depth,
        normalization=normalization,
        normalization_position=position,
        solver=solver,
        learning_rate_init=rate,
        batch_size=100,
        max_iter=20,
        n_iter_no_change=np.inf,
        alpha=0,
        warm_start=True,
        random_state=seed,
    )
    if he:  # hidden weights larger by the root of 2 (He et al. 2015), for ReLU
        model.set_params(max_iter=1, learning_rate_init=1e-12).fit(X, y)
        for weights in model.coefs_[:-1]:
            weights *= np.sqrt(2)
        model.set_params(max_iter=20, learning_rate_init=rate)
    try:
        model.fit(X, y)
    except ValueError:  # diverged: counts as guessing
        return np.full(20, np.inf), 0.1
    return model.loss_curve_[-20:], model.score(others, labels)


def sweep(rates, seeds, *setting, **options):
    """Return losses (rates, seeds, epochs) and accuracies (rates, seeds)."""
    runs = [[train(*setting, rate, seed, **options) for seed in range(seeds)] for rate in rates]
    losses, accuracy = zip(*[zip(*some, strict=True) for some in runs], strict=True)
    return np.array(losses), np.array(accuracy)


def draw(panel, x, values, **style):
    """Draw means of rows, and their standard errors."""
    error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
    panel.errorbar(x, values.mean(axis=1), error, capsize=2.5, ms=4, **style)


def span(rates, accuracy, least):
    """Say at which rates every seed gets there."""
    good = rates[(accuracy >= least).all(axis=1)]
    return f"rates from {good[0]:.2g} to {good[-1]:.2g}" if len(good) else "never"


# %%
# Fewer epochs, larger steps
# --------------------------
# Two hidden layers of 64 ReLU units, normalized before the ReLU; stochastic gradient descent with
# momentum, 10 steps per epoch, a wide range of learning rates.

rates = np.array([0.01, 0.03, 0.1, 0.3, 1, 3])
epochs = np.arange(1, 21)
figure, panels = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
for kind, style in STYLES.items():
    losses, accuracy = sweep(rates, 5, 2, 64, kind)
    there = losses < 0.1
    needed = np.where(there.any(axis=2), there.argmax(axis=2) + 1, np.nan)  # epochs to get there
    best = np.nanargmin(needed.mean(axis=1))
    print(
        f"{style['label']:6s} loss 0.1 after {needed[best].mean():.1f} epochs at the best rate, "
        f"{rates[best]:g}; loss {losses[0, :, -1].mean():.3f} after 20 at rate 0.01; "
        f"accuracy at most {accuracy.mean(axis=1).max():.3f}, above 0.95: "
        f"{span(rates, accuracy, 0.95)}"
    )
    curve = style | {"marker": None}
    draw(panels[0], epochs, losses[best].T, **curve | {"ls": "-"})
    draw(panels[0], epochs, losses[0].T, **curve | {"ls": ":", "label": None})
    draw(panels[1], rates, accuracy, **style)
panels[0].set(
    xlabel="epoch",
    ylabel="training loss",
    yscale="log",
    xticks=[1, 5, 10, 15, 20],
    title="2 layers: at the best rate, and at 0.01 (dotted)",
)
panels[0].axhline(0.1, color="0.5", lw=0.6)
panels[1].set(xscale="log", ylim=(0, 1), xlabel="learning rate", ylabel="accuracy on other digits")
panels[1].set_title("2 layers, after 20 epochs")
for panel in panels:
    panel.legend(title="normalization", loc="lower left")

# %%
# Before or after the activation? Before is better, by little.

for kind in "batch", "layer":
    for position in "before", "after":
        accuracy = sweep([0.1], 5, 2, 64, kind, position=position)[1]
        print(
            f"{kind} normalization {position:6s} the ReLU: {accuracy.mean():.3f} ± "
            f"{accuracy.std(ddof=1) / np.sqrt(5):.3f}"
        )

# %%
# Depth
# -----
# Twenty hidden layers of 32 units: with and without normalization; and the other ways to train the
# network without, which are larger initial weights (He et al. 2015, for ReLU), steps of equal size
# for all layers (Adam), or both.

deep_rates = np.array([0.001, 0.003, 0.01, 0.03, 0.1])
ways = {
    "SGD, He": {"he": True, "color": "#56B4E9", "marker": "v", "ls": ":"},
    "Adam": {"solver": "adam", "color": "#CC79A7", "marker": "D", "ls": "-."},
    "Adam, He": {"solver": "adam", "he": True, "color": "0.2", "marker": "P", "ls": "-"},
}
figure, panels = plt.subplots(1, 2, figsize=(10.5, 4), sharey=True, layout="constrained")
for kind, style in STYLES.items():
    accuracy = sweep(deep_rates, 3, 20, 32, kind)[1]
    draw(panels[0], deep_rates, accuracy, **style)
    best = accuracy.mean(axis=1).argmax()
    print(
        f"20 layers, {style['label']:6s} accuracy at most {accuracy[best].mean():.2f}, at rate "
        f"{deep_rates[best]:g}; above 0.7: {span(deep_rates, accuracy, 0.7)}"
    )
    if kind == "batch":
        reached = accuracy[best].mean()
panels[1].axhline(reached, color="#0072B2", lw=0.8, label="(batch, SGD, best rate)")
for name, way in ways.items():
    options = {key: way.pop(key) for key in ("solver", "he") if key in way}
    accuracy = sweep(deep_rates, 3, 20, 32, None, **options)[1]
    draw(panels[1], deep_rates, accuracy, label=name, **way)
    best = accuracy.mean(axis=1).argmax()
    print(
        f"20 layers, none, {name:9s} accuracy at most {accuracy[best].mean():.2f} ± "
        f"{accuracy[best].std(ddof=1) / np.sqrt(3):.2f}, at rate {deep_rates[best]:g}"
    )
panels[0].set(xscale="log", ylim=(0, 1), xlabel="learning rate", title="20 layers, SGD, 20 epochs")
panels[0].set_ylabel("accuracy on other digits")
panels[0].legend(title="normalization", loc="center right")
panels[1].set(xscale="log", xlabel="learning rate", title="20 layers without normalization")
panels[1].legend(title="optimizer, initial weights", loc="lower left")

# %%
# - **Fewer epochs**: half as many as without, each at its best rate; at one small rate for all, far
#   fewer. Layer normalization is between the two.
# - **Larger rates**: batch normalization stands three times the largest rate of the others, and is
#   good over a hundredfold range, without over a tenfold one.
# - **Depth**: plain gradient descent on twenty layers learns nothing at any rate. Batch
#   normalization cures it; layer normalization does so too, if steps are small. But it is not the
#   only cure: Adam and suitable initial weights take the plain network nearly as far.

plt.show()
