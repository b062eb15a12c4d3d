"""
When does a learned γ help?
===========================

Batch normalization comes with a scale γ and a shift β per column, to be learned. In a network
another layer follows. Does learning them help before an ordinary model?
"""

# %%
# Breast cancer, 30 columns, and 60 columns of noise beside them. Learning happens inside the
# Pipeline, on training rows only.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sklearn_regnorm import BatchNormalizer

BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = load_breast_cancer(return_X_y=True)
rng = np.random.default_rng(0)
X = np.hstack([X, rng.normal(size=(len(X), 60))])
models = {
    "linear,\nno penalty": RidgeClassifier(alpha=0),
    "linear,\nL2": RidgeClassifier(alpha=300),
    "5 nearest\nneighbours": KNeighborsClassifier(5),
    "1 nearest\nneighbour": KNeighborsClassifier(1),
}
normalizers = {
    "γ = 1": BatchNormalizer(),
    "γ learned": BatchNormalizer(learn_affine=True, alpha=1e-2, random_state=0),
}
folds = StratifiedKFold(10, shuffle=True, random_state=0)
scores = {
    (name, label): cross_val_score(make_pipeline(normalizer, model), X, y, cv=folds)
    for label, normalizer in normalizers.items()
    for name, model in models.items()
}
for name in models:
    fixed, learned = scores[name, "γ = 1"], scores[name, "γ learned"]
    error = (learned - fixed).std(ddof=1) / np.sqrt(len(fixed))
    print(
        f"{' '.join(name.split()):28s} γ = 1: {fixed.mean():.3f}, learned: {learned.mean():.3f}, "
        f"{learned.mean() - fixed.mean():+.3f} ± {error:.3f}"
    )

figure, panels = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
for k, (label, color) in enumerate(zip(normalizers, (ORANGE, BLUE), strict=True)):
    values = [scores[name, label] for name in models]
    panels[0].errorbar(
        np.arange(len(models)) + 0.12 * (2 * k - 1),
        [one.mean() for one in values],
        yerr=[one.std(ddof=1) / np.sqrt(10) for one in values],
        fmt="o", color=color, label=label, capsize=3,
    )  # fmt: skip
panels[0].set_xticks(np.arange(len(models)), models)
panels[0].set(ylabel="accuracy, 10 folds ± SE")
panels[0].legend()
learned = normalizers["γ learned"].fit(X, y)
panels[1].plot(np.arange(30), np.abs(learned.gamma_[:30]), "o", color=BLUE, label="measurements")
panels[1].plot(np.arange(30, 90), np.abs(learned.gamma_[30:]), ".", color="0.6", label="noise")
panels[1].set(xlabel="column", ylabel="|γ| learned on all rows")
panels[1].legend()
print(
    f"mean |γ|: {np.abs(learned.gamma_[:30]).mean():.2f} for measurements, "
    f"{np.abs(learned.gamma_[30:]).mean():.2f} for noise"
)

# %%
# Before a linear model without penalty γ changes nothing: the coefficients make up for it, and the
# predictions are the same. A penalised model gains little. Neighbours gain, as distances then
# count the columns that matter more; noise columns are weighed down, but never out.

plt.show()
