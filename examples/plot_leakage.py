"""
What leaks when columns are prepared outside the folds
======================================================

A row that is held out must not take part in anything that is learned, scaling and selection of
columns included. How much does it matter?
"""

# %%
# Selecting columns outside the folds
# -----------------------------------
# Nothing to find here: y is noise, and so are 2000 columns. The 20 columns that correlate best with
# y are kept, once with all rows, before the cross-validation, and once within each training side.
# The honest R² is zero or below.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm import Lasso, LassoCV

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.5"

rng = np.random.default_rng(0)
selected = {"outside": [], "inside": []}
for _ in range(20):
    X, y = rng.normal(size=(60, 2000)), rng.normal(size=60)
    best = SelectKBest(f_regression, k=20)
    outside = cross_val_score(Lasso(alpha=0.05), best.fit_transform(X, y), y, cv=5)
    inside = cross_val_score(make_pipeline(best, Lasso(alpha=0.05)), X, y, cv=5)
    selected["outside"].append(outside.mean())
    selected["inside"].append(inside.mean())

# %%
# Scaling outside the folds
# -------------------------
# Breast cancer in its own units, 30 rows to learn from, 100 times. Once the columns are scaled by
# all 30 rows beforehand, once within every fold (``standardize=True``). What each cross-validation
# promises is compared with the error on the 539 other rows.

X, y = load_breast_cancer(return_X_y=True)
y = y.astype(float)
promised, true = {"outside": [], "inside": []}, {"outside": [], "inside": []}
for _ in range(100):
    order = rng.permutation(len(y))
    train, other = order[:30], order[30:]
    scaler = StandardScaler().fit(X[train])
    outside = LassoCV(cv=5).fit(scaler.transform(X[train]), y[train])
    inside = LassoCV(cv=5, standardize=True).fit(X[train], y[train])
    for name, model, rows in (
        ("outside", outside, scaler.transform(X[other])),
        ("inside", inside, X[other]),
    ):
        promised[name].append(model.mse_path_.mean(axis=1).min())
        true[name].append(np.mean((y[other] - model.predict(rows)) ** 2))

figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
colors = {"outside": ORANGE, "inside": BLUE}
for k, (name, scores) in enumerate(selected.items()):
    panels[0].plot(k + rng.uniform(-0.15, 0.15, len(scores)), scores, "o", color=colors[name])
    print(f"columns selected {name} the folds: R² {np.mean(scores):.2f}, the truth being 0")
panels[0].axhline(0, color="black", lw=0.8)
panels[0].set_xticks([0, 1], ["outside the folds", "within the folds"])
panels[0].set(xlim=(-0.6, 1.6), ylabel="cross-validated R²", title="Selection: y is pure noise")
for k, name in enumerate(("outside", "inside")):
    optimism = np.array(true[name]) - promised[name]
    panels[1].boxplot(
        optimism, positions=[k], widths=0.5, showfliers=False, medianprops={"color": colors[name]}
    )
    print(
        f"scaled {name} the folds: promised {np.mean(promised[name]):.4f}, "
        f"true {np.mean(true[name]):.4f}"
    )
panels[1].axhline(0, color="black", lw=0.8)
panels[1].set_xticks([0, 1], ["outside the folds", "within the folds"])
panels[1].set(ylabel="true error − promised error", title="Scaling: breast cancer, 30 rows")

# %%
# Selecting columns with the held-out rows is ruinous: it finds what is not there. Scaling with them
# changes little, as it never sees y. Both are avoided in the same way, by
# putting the step inside: ``standardize=True``, or a Pipeline within cross-validation. The promise
# that remains too good on the right is that of taking the least of 100 errors.

plt.show()
