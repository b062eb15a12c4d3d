"""
Stability selection: which columns can be trusted?
==================================================

The lasso that predicts best keeps columns that do not matter. Which of those that it keeps would it
keep again, on other rows? Stability selection fits the path to 100 halves of the rows, counts, and
bounds how many false columns to expect.
"""

# %%
# One sample
# ----------
# 200 rows, 200 columns of which neighbours correlate; ten matter. A column's curve is the share of
# the halves on which the lasso keeps it.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_regnorm import LassoCV, StabilitySelection
from sklearn_regnorm.inspection import StabilityPathDisplay

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
N, P = 200, 200
TRUE = np.zeros(P)
TRUE[::20] = np.resize([1.0, -1.0, 0.7, -0.7], 10)


def sample(rng):
    """Return X, each column of which correlates with the last, and y."""
    X = rng.normal(size=(N, P))
    for j in range(1, P):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    return X, X @ TRUE + 2 * rng.normal(size=N)


rng = np.random.default_rng(0)
X, y = sample(rng)
selector = StabilitySelection(random_state=0).fit(X, y)
figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
StabilityPathDisplay.from_estimator(selector, ax=axis)
print("selected:", np.flatnonzero(selector.get_support()), " true:", np.flatnonzero(TRUE))

# %%
# Fifteen samples
# ---------------
# Is the bound kept? At most 1 false column is to be expected (``max_false``, by default 1).

counts = {"LassoCV, min": [], "LassoCV, 1se": [], "stability selection": []}
for seed in range(15):
    X, y = sample(rng)
    model = LassoCV(n_jobs=2).fit(X, y)
    selector = StabilitySelection(random_state=seed, n_jobs=2).fit(X, y)
    kept = (model.coef_ != 0, model.select("1se").coef_ != 0, selector.get_support())
    for name, some in zip(counts, kept, strict=True):
        counts[name].append((some[TRUE != 0].sum(), some[TRUE == 0].sum()))
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, some), color in zip(counts.items(), (BLUE, ORANGE, GREEN), strict=True):
    right, wrong = np.array(some).T
    axis.plot(wrong + rng.uniform(-0.2, 0.2, 15), right + rng.uniform(-0.2, 0.2, 15), "o",
              color=color, alpha=0.6, label=name)  # fmt: skip
    print(f"{name:20s} {right.mean():4.1f} of the 10 that matter, {wrong.mean():5.2f} false ones")
axis.set(xscale="symlog", xlabel="false columns", ylabel="true columns (of 10)", xlim=(-0.5, 100))
axis.axvline(1, color="0.5", ls=":", label="bound on the mean")
axis.legend(loc="lower right")

# %%
# The bound is kept, with much to spare, and two thirds of the columns that matter are found. The
# lasso that predicts best finds all of them, among three times as many false ones.

plt.show()
