"""
Correlated features: the lasso picks, the elastic net shares
============================================================

What happens to columns that say nearly the same? Three hidden causes are measured by five noisy
columns each, beside 25 columns of noise. The lasso needs only one column of each group, and which
one it takes depends on the sample. An L2 part makes the columns of a group share.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_regnorm import ElasticNetCV

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
GROUPS, SIZE, NOISE = 3, 5, 25


def sample(rng, n):
    """Return n rows: groups of near-copies of causes, then noise; and y."""
    causes = rng.normal(size=(n, GROUPS))
    copies = np.repeat(causes, SIZE, axis=1) + 0.3 * rng.normal(size=(n, GROUPS * SIZE))
    X = np.hstack([copies, rng.normal(size=(n, NOISE))])
    return X, causes @ [3.0, 2.0, 1.0] + 2 * rng.normal(size=n)


# %%
# Thirty samples of 80 rows. In each one λ is chosen by cross-validation, for the lasso and for an
# elastic net of ratio 0.2.

rng = np.random.default_rng(0)
X_new, y_new = sample(rng, 5000)
ratios = {"lasso": 1.0, "elastic net": 0.2}
coefs = {name: [] for name in ratios}
errors = {name: [] for name in ratios}
for _ in range(30):
    X, y = sample(rng, 80)
    for name, ratio in ratios.items():
        model = ElasticNetCV(l1_ratio=ratio).fit(X, y)
        coefs[name].append(model.coef_)
        errors[name].append(np.mean((y_new - model.predict(X_new)) ** 2))

figure, panels = plt.subplots(2, 1, figsize=(8, 5.5), layout="constrained", sharex=True)
for panel, (name, some), color in zip(panels, coefs.items(), (BLUE, ORANGE), strict=True):
    some = np.array(some)
    panel.plot(np.arange(some.shape[1]), some.T, ".", color=color, alpha=0.35)
    panel.plot(np.arange(some.shape[1]), some.mean(axis=0), "_", color="black", markersize=9)
    for group in range(GROUPS):
        panel.axvspan(group * SIZE - 0.5, (group + 1) * SIZE - 0.5, color="0.93", zorder=0)
    panel.set_title(name)
    panel.set_ylabel("coefficient")
    relevant = some[:, : GROUPS * SIZE]
    kept = (relevant != 0).reshape(len(some), GROUPS, SIZE).sum(axis=2).mean(axis=0)
    false = (some[:, GROUPS * SIZE :] != 0).sum(axis=1).mean()
    print(
        f"{name:12s} keeps {kept[0]:.1f}, {kept[1]:.1f}, {kept[2]:.1f} of 5 in the groups and "
        f"{false:.1f} of {NOISE} noise columns; a coefficient varies by "
        f"{relevant.std(axis=0).mean():.2f} between samples; error {np.mean(errors[name]):.2f}"
    )
panels[1].set_xlabel("column (grey: the three groups)")

# %%
# The bars are means over the samples. The lasso's coefficients jump from sample to sample, those of
# the elastic net vary less, its groups stay together, and its error is smaller. It pays with more
# noise columns: L2 does not select.

plt.show()
