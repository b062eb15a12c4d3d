"""
Over- and under-fitting along λ
===============================

What does a penalty buy, and when is it too much? The error on the rows that were fitted only tells
half of it: it grows with every bit of penalty. The error on other rows falls first, then rises.
"""

# %%
# Diabetes with all pairwise products: 65 columns, and only 100 of the 442 rows to learn from. The
# other 342 are for the truth. All of it for 40 random choices of the 100 rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_regnorm import ElasticNet

BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(PolynomialFeatures(2, include_bias=False).fit_transform(X))
grids = {"L1": np.geomspace(1e-2, 60, 30), "L2": np.geomspace(1e-3, 1e3, 30)}
rng = np.random.default_rng(0)
splits = [rng.permutation(len(y)) for _ in range(40)]

errors = {}
for name, grid in grids.items():
    errors[name] = np.empty((len(grid), len(splits), 2))
    for i, penalty in enumerate(grid):
        lambdas = (penalty, 0) if name == "L1" else (0, penalty)
        for k, order in enumerate(splits):
            train, other = order[:100], order[100:]
            model = ElasticNet.from_lambdas(*lambdas).fit(X[train], y[train])
            for side, rows in enumerate((train, other)):
                errors[name][i, k, side] = np.mean((y[rows] - model.predict(X[rows])) ** 2)

null = np.mean([np.var(y[order[100:]]) for order in splits])
figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for panel, (name, grid) in zip(panels, grids.items(), strict=True):
    mean = errors[name].mean(axis=1)
    spread = errors[name][:, :, 1].std(axis=1)
    panel.plot(grid, mean[:, 0], color=BLUE, ls="--", label="rows that were fitted")
    panel.plot(grid, mean[:, 1], color=ORANGE, label="other rows (band: ± 1 sd over 40 splits)")
    panel.fill_between(
        grid, mean[:, 1] - spread, mean[:, 1] + spread, color=ORANGE, alpha=0.2, lw=0
    )
    panel.axhline(null, color="0.5", ls=":", label="the mean of y for all")
    best = mean[:, 1].argmin()
    panel.axvline(grid[best], color="black", lw=1)
    panel.set(xscale="log", xlabel="λ1" if name == "L1" else "λ2", ylim=(0, 10_000))
    panel.set_title(f"{name}: over-fitting left of the line, under-fitting right of it")
    print(
        f"{name}: other rows' error {mean[0, 1]:.0f} with hardly a penalty, "
        f"{mean[best, 1]:.0f} at best, {mean[-1, 1]:.0f} with too much"
    )
panels[0].set_ylabel("mean squared error")
panels[1].legend(loc="upper right")

# %%
# With hardly a penalty the model predicts other rows worse than their mean does; at the best
# penalty it explains 44 % of their variance. The best penalty is not known beforehand: the next
# examples find it by cross-validation.

plt.show()
