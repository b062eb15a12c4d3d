"""
Rules that choose λ
===================

The least cross-validated error, the largest penalty within one standard error of it, or an
information criterion: which predicts best, and which finds the columns that matter?
"""

# %%
# One sample
# ----------
# 150 rows, 60 correlated columns, of which six matter. All rules look at the same table
# (``cv_table_``); ``select`` returns the model that a rule chooses, without a new fit.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_regnorm import LassoCV

COLORS = {
    "min": "#0072B2",
    "1se": "#D55E00",
    "aic": "#CC79A7",
    "bic": "#009E73",
    "ebic": "#000000",
}
N, P = 150, 60
TRUE = np.zeros(P)
TRUE[:30:5] = [2.0, -1.5, 1.0, 1.0, -0.5, 0.5]
ROOT = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(np.arange(P), np.arange(P))))


def sample(rng, n=N):
    """Return X, of which neighbouring columns correlate, and y."""
    X = rng.normal(size=(n, P)) @ ROOT.T
    return X, X @ TRUE + 2.0 * rng.normal(size=n)


rng = np.random.default_rng(0)
X, y = sample(rng)
model = LassoCV(cv=10, n_jobs=2).fit(X, y)
table = model.cv_table_
mean, error = -table["mean_test_neg_mean_squared_error"], table["se_test_neg_mean_squared_error"]
chosen = {rule: model.select(rule) for rule in COLORS}
for rule, one in chosen.items():
    print(f"{rule:5s} alpha {one.alpha_:.3f}, {np.count_nonzero(one.coef_)} columns")

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.fill_between(table["alpha"], mean - error, mean + error, color="0.88")
axis.plot(table["alpha"], mean, color="0.3")
for (rule, one), style in zip(chosen.items(), ("-", "-", ":", "-", "--"), strict=True):
    axis.axvline(one.alpha_, color=COLORS[rule], ls=style, label=rule)
axis.invert_xaxis()
axis.set(xscale="log", xlabel="α (stronger penalty on the left)", ylabel="squared error ± SE")
axis.legend()

# %%
# Forty samples
# -------------
# Counted for each rule: the columns kept that matter (of 6) and that do not (of 54), and the error
# on 2000 other rows, beyond the noise that no model can predict.

X_new, _ = sample(rng, 2000)
truth = X_new @ TRUE
results = {rule: [] for rule in COLORS}
for _ in range(40):
    X, y = sample(rng)
    model = LassoCV(cv=10, n_jobs=2).fit(X, y)
    for rule in results:
        one = model.select(rule)
        kept = one.coef_ != 0
        excess = np.mean((one.predict(X_new) - truth) ** 2)
        results[rule].append((kept[TRUE != 0].sum(), kept[TRUE == 0].sum(), excess))
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for rule, some in results.items():
    right, wrong, excess = np.mean(some, axis=0)
    axis.scatter(*np.array(some).T[[1, 2]], s=12, color=COLORS[rule], alpha=0.35)
    axis.plot(wrong, excess, "D", color=COLORS[rule], markersize=9, label=rule)
    print(
        f"{rule:5s} keeps {right:.1f} of the 6 that matter and {wrong:4.1f} of the 54 others; "
        f"excess error {excess:.3f}"
    )
axis.set(xlabel="columns kept that do not matter", ylabel="excess error on other rows")
axis.set_title("40 samples (diamonds: means)")
axis.legend()

# %%
# "min" predicts best, and keeps 13 columns that do not matter. "bic" keeps four, as "1se" does, and
# predicts better than that. All small models pay for the shrinking that comes with their λ; see
# :ref:`sphx_glr_auto_examples_plot_adaptive_and_relaxed.py`.

plt.show()
