"""
Penalty factors and bounds: what is known beforehand
====================================================

Some columns must stay, some are more plausible than others, some effects cannot be negative. How is
such knowledge told to the model, and what is it worth?
"""

# %%
# Columns that must stay
# ----------------------
# Age and sex are to be adjusted for, whatever their coefficients: their penalty factor is 0. So
# they are in the model at the strongest penalty already. In the third panel no coefficient may be
# negative but these two, and s3 is left out (factor ∞).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_regnorm import LassoCV

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "0.7"

data = load_diabetes()
X, y, names = data.data, data.target, data.feature_names
keep = np.isin(names, ["age", "sex"])
without_s3 = np.where(keep, 0.0, 1.0)
without_s3[names.index("s3")] = np.inf
settings = {
    "all alike": {},
    "age and sex not penalised": {"penalty_factor": np.where(keep, 0.0, 1.0)},
    "… others ≥ 0, without s3": {
        "penalty_factor": without_s3,
        "lower": np.where(keep, -np.inf, 0.0),
    },
}
figure, panels = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained", sharey=True)
for panel, (title, options) in zip(panels, settings.items(), strict=True):
    model = LassoCV(cv=10, **options).fit(X, y)
    panel.plot(model.alphas_, model.coef_path_[:, ~keep], color=GREY, lw=1)
    for name, color in (("age", BLUE), ("sex", ORANGE)):
        panel.plot(model.alphas_, model.coef_path_[:, names.index(name)], color=color, label=name)
    panel.axvline(model.alpha_, color="black", ls="--", lw=1)
    panel.set(xscale="log", xlabel="α", title=title, ylim=(-800, 800))
    panel.invert_xaxis()
    first = [name for name, w in zip(names, model.coef_path_[0], strict=True) if w != 0]
    error = model.mse_path_.mean(axis=1).min()
    print(f"{title:27s} at the strongest penalty {first}, error at best {error:.0f}")
panels[0].set_ylabel("coefficient")
panels[0].legend()

# %%
# Columns that are more plausible
# -------------------------------
# 80 rows, 200 columns, ten of which matter. Somebody names 30 candidates. The columns that they do
# not name get the factor 2. What is that worth, if 8 of the ten are among the candidates, and what
# does it cost if the candidates are drawn at random?

rng = np.random.default_rng(0)
true = np.zeros(200)
true[:10] = np.resize([1.0, -1.0], 10)
X_new = rng.normal(size=(2000, 200))
excess = {"no candidates": [], "8 of 10 are candidates": [], "candidates at random": []}
for _ in range(30):
    X = rng.normal(size=(80, 200))
    y = X @ true + 2 * rng.normal(size=80)
    informed = np.full(200, 2.0)
    informed[np.r_[:8, 10:32]] = 1
    misled = np.full(200, 2.0)
    misled[rng.choice(200, 30, replace=False)] = 1
    for name, factor in zip(excess, (None, informed, misled), strict=True):
        model = LassoCV(penalty_factor=factor).fit(X, y)
        excess[name].append(np.mean((model.predict(X_new) - X_new @ true) ** 2))
for name, some in excess.items():
    print(f"{name:24s} excess error {np.mean(some):.2f} ± {np.std(some) / np.sqrt(30):.2f}")

# %%
# Good knowledge is worth more than poor knowledge costs; being wrong costs something too.

plt.show()
