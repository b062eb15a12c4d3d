"""
See why λ was chosen
====================

Two pictures of a cross-validated model: the curve by which λ was chosen, and what every λ would
have given. Both take scikit-learn's own ``LassoCV`` too.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

from sklearn_regnorm import LassoCV
from sklearn_regnorm.inspection import CoefficientPathDisplay, CVCurveDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True)
model = LassoCV(cv=10, standardize=True).fit(X, y)
figure, panels = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
curve = CVCurveDisplay.from_estimator(model, ax=panels[0])
CoefficientPathDisplay.from_estimator(model, ax=panels[1])
print(model.summary())
print(f"least error at {curve.alpha_min_:.2f}, within one SE of it up to {curve.alpha_1se_:.2f}")

# %%
# The curve is flat: between the two marks models of 7 and of 4 columns predict about as well.

plt.show()
