"""
Choose the ratio of L1 to L2 as well
====================================

How much depends on the ratio, and how much on λ? The picture shows the cross-validated error over
both, in standard errors above the least.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import PolynomialFeatures

from sklearn_regnorm import ElasticNetCV

RATIOS = [0.01, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
cancer, diabetes = load_breast_cancer(), load_diabetes()
data = {
    "diabetes with products, 442 × 65": (
        PolynomialFeatures(2, include_bias=False).fit_transform(diabetes.data),
        diabetes.target,
    ),
    "breast cancer, 569 × 30": (cancer.data, cancer.target.astype(float)),
}

# %%
# ``standardize=True`` scales the columns anew within every fold. All ratios share the folds and
# what is computed from X, so that eight ratios do not take eight times as long. ``eps`` lengthens
# the grids: where L1 is a hundredth of the penalty, a grid that ends at 1e-3 of the largest α is
# still all L2.

figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for panel, (name, (X, y)) in zip(panels, data.items(), strict=True):
    model = ElasticNetCV(l1_ratio=RATIOS, cv=10, eps=1e-5, standardize=True).fit(X, y)
    mean = model.mse_path_.mean(axis=2)
    best = np.unravel_index(mean.argmin(), mean.shape)
    error = model.mse_path_[best].std(ddof=1) / np.sqrt(10)
    above = (mean - mean[best]) / error
    strength = np.log10(model.alphas_ / model.alphas_[:, :1])  # relative to each ratio's largest
    filled = panel.contourf(
        strength[0], np.arange(len(RATIOS)), above, levels=[0, 0.25, 0.5, 1, 2, 4, 8], extend="max",
        cmap="cividis_r",
    )  # fmt: skip
    panel.plot(strength[0, best[1]], best[0], "*", color="#D55E00", markersize=14)
    panel.set_yticks(np.arange(len(RATIOS)), RATIOS)
    panel.invert_xaxis()
    panel.set(xlabel="log10(α / largest α of the ratio)", title=name)
    along_ratio = above.min(axis=1)
    print(
        f"{name}: ratio {model.l1_ratio_}, λ1 {model.lambda_1_:.3g}, λ2 {model.lambda_2_:.3g}; "
        f"the best λ of any ratio is within {along_ratio.max():.2f} standard errors, "
        f"the worst λ {above.max():.0f} away"
    )
panels[0].set_ylabel("l1_ratio")
figure.colorbar(filled, ax=panels, label="standard errors above the least error")

# %%
# On these data every ratio has a λ that is about as good, within 0.7 standard errors: the ratio
# decides how many columns stay, and hardly how well the model predicts. It matters more where
# groups of columns say the same (:ref:`sphx_glr_auto_examples_plot_correlated_features.py`).

plt.show()
