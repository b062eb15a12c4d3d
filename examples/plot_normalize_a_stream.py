"""
Normalize a stream, and see where it drifts
===========================================

The same Pipeline with raw columns, ``StandardScaler``, ``BatchNormalizer`` that has seen the data
in mini-batches only, and ``LayerNormalizer``, before three models; and then a stream whose columns
begin to shift, with what the normalizer reports about it. Run it from a checkout with
``python examples/plot_normalize_a_stream.py``; it needs matplotlib (the ``plot`` extra).
"""

# %%
# Three models, four ways to prepare
# ----------------------------------
# Breast cancer: 30 measurements in units that differ by four orders of magnitude. The normalizer
# meets each training fold in mini-batches of 32 rows, as it would meet a file that does not fit
# into memory. Pooled batches give exactly the statistics of the whole fold.

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_regnorm import Lasso
from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer

X, y = load_breast_cancer(return_X_y=True)
PREPARATIONS = {
    "raw": FunctionTransformer(),
    "StandardScaler": StandardScaler(),
    "BatchNormalizer, streaming": BatchNormalizer(),
    "LayerNormalizer": LayerNormalizer(),
}
MODELS = {
    "Lasso": Lasso(alpha=0.01),
    "logistic": LogisticRegression(max_iter=200),
    "MLP": MLPClassifier((16,), max_iter=60, random_state=0),
}


def fitted(preparation, rows):
    """Fit a preparation, in mini-batches if it can."""
    preparation = clone(preparation)
    if not isinstance(preparation, BatchNormalizer):
        return preparation.fit(rows)
    for begin in range(0, len(rows), 32):
        preparation.partial_fit(rows[begin : begin + 32])
    return preparation


scores = {}
for name, preparation in PREPARATIONS.items():
    for label, model in MODELS.items():
        folds = []
        for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
            ready = fitted(preparation, X[train])
            with warnings.catch_warnings():  # raw columns do not let every model converge
                warnings.simplefilter("ignore", ConvergenceWarning)
                one = clone(model).fit(ready.transform(X[train]), y[train])
            predicted = np.asarray(one.predict(ready.transform(X[test])) > 0.5)
            folds.append(np.mean(predicted == y[test]))
        scores[name, label] = np.mean(folds)

print(f"{'accuracy':28s}" + "".join(f"{label:>10s}" for label in MODELS))
for name in PREPARATIONS:
    print(f"{name:28s}" + "".join(f"{scores[name, label]:10.3f}" for label in MODELS))

# %%
# Scaling columns helps where steps depend on units. Normalizing rows does harm here: a row's mean
# is a mean of areas and of smoothness, and means nothing.
#
# A stream that shifts
# --------------------
# The rows arrive in batches of 50. From batch 20 on, the sensor behind the first column is off by
# one standard deviation, and from batch 30 on the second column spreads twice as much. An
# exponential average (`momentum`) follows, and each batch is compared with what was stored before.

rng = np.random.default_rng(0)
center, spread = X.mean(axis=0), X.std(axis=0)
stream = BatchNormalizer(momentum=0.1)
mean_drift, variance_drift = [], []
for number in range(40):
    batch = X[rng.integers(len(X), size=50)].copy()
    if number >= 20:
        batch[:, 0] += spread[0]
    if number >= 30:
        batch[:, 1] = center[1] + 2 * (batch[:, 1] - center[1])
    stream.partial_fit(batch)
    mean_drift.append(stream.mean_drift_)
    variance_drift.append(stream.variance_drift_)

worst = np.nanargmax(np.abs(np.array(mean_drift)), axis=0)[0]
print(f"the first column drifts most in batch {worst}, by {mean_drift[worst][0]:.2f} sd")

# %%
# With 50 rows a mean is uncertain by 0.14 standard deviations: most of what is seen is noise, the
# shift stands out, and is forgotten at the rate of the momentum.

import matplotlib.pyplot as plt

figure, panels = plt.subplots(2, 1, sharex=True, figsize=(7, 5), layout="constrained")
for panel, drift, label in (
    (panels[0], np.array(mean_drift), "mean, in sd"),
    (panels[1], np.array(variance_drift), "log of the variance"),
):
    panel.plot(drift[:, 2:], color="0.8", linewidth=0.8)
    panel.plot(drift[:, 0], color="#0072B2", marker="o", markersize=3, label="shifts from 20 on")
    panel.plot(drift[:, 1], color="#D55E00", marker="s", markersize=3, label="spreads from 30 on")
    panel.axhline(0, color="black", linewidth=0.6)
    panel.set_ylabel(label)
panels[0].legend(loc="upper left")
panels[0].set_title("Each batch against the running statistics before it (grey: other columns)")
panels[1].set_xlabel("batch")
plt.show()
