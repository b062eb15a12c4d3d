"""
Several targets, each with its own penalty
==========================================

The upper half of a handwritten digit is known: what is the lower half? Thirty-two pixels are
predicted at once. Does it pay to let each choose its own penalty?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sklearn_regnorm import Lasso, RidgeCV

images = load_digits().images / 16
rng = np.random.default_rng(0)
order = rng.permutation(len(images))
train, other = order[:300], order[300:]
upper, lower = images[:, :4].reshape(-1, 32), images[:, 4:].reshape(-1, 32)

# %%
# The exact leave-one-out errors of all 32 targets come from one decomposition, for the whole grid.
# With ``alpha_per_target=True`` each target takes its own least error.

common = RidgeCV().fit(upper[train], lower[train])
own = RidgeCV(alpha_per_target=True).fit(upper[train], lower[train])
lasso = Lasso(alpha=0.003).fit(upper[train], lower[train])
errors = {}
for name, model in (("one penalty", common), ("32 penalties", own), ("lasso, one penalty", lasso)):
    errors[name] = np.mean((lower[other] - model.predict(upper[other])) ** 2)
    print(f"{name:20s} error on other digits {errors[name]:.5f}")
print(f"{'mean of the rows':20s} error on other digits {lower[other].var(axis=0).mean():.5f}")
spread = own.alpha_[lower[train].std(axis=0) > 0.1]
print(f"penalties of pixels that vary: {spread.min():.2g} to {spread.max():.3g}")
gain = 100 * (1 - errors["32 penalties"] / errors["one penalty"])
print(f"penalties of their own change the error by {-gain:.1f} %")

# %%
# It does not pay here: leave-one-out curves are flat near their least, and 32 choices are noisier
# than one. That is measured on 1497 other digits.
#
# Top to bottom: the truth, ridge, the lasso; what is below the line is predicted. Right: where
# each pixel's leave-one-out curve has its least.

figure = plt.figure(figsize=(10, 4), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.1])
grid = left.subplots(3, 5)
shown = other[
    [np.flatnonzero(load_digits().target[other] == digit)[0] for digit in (0, 2, 3, 6, 9)]
]
for row, (label, model) in enumerate((("truth", None), ("ridge", own), ("lasso", lasso))):
    for axis, k in zip(grid[row], shown, strict=True):
        half = lower[k] if model is None else model.predict(upper[[k]])[0]
        axis.imshow(np.vstack([images[k, :4], half.reshape(4, 8)]), cmap="Greys", vmin=0, vmax=1)
        axis.axhline(3.5, color="#D55E00", lw=1)
        axis.set_xticks([])
        axis.set_yticks([])
    grid[row, 0].set_ylabel(label)
axis = right.subplots()
curves = own.mse_path_.mean(axis=1)  # over rows: (penalties, targets)
busy = lower[train].std(axis=0) > 0.1
axis.semilogx(own.alphas_, curves[:, busy] / curves[:, busy].min(axis=0), color="0.75", lw=0.8)
mean = curves.mean(axis=1)
axis.semilogx(own.alphas_, mean / mean.min(), color="#0072B2", lw=2, label="all pixels together")
axis.plot(
    own.alpha_[busy], np.ones(busy.sum()), "|", color="#D55E00", markersize=12, label="choices"
)
axis.set(xlim=(1e-2, 1e3), ylim=(0.995, 1.15), xlabel="alpha (Ridge's scale)")
axis.set_ylabel("leave-one-out error / its least")
axis.legend()

plt.show()
