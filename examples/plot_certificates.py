"""
Certificates: how far from the optimum is this answer?
======================================================

A solver stops at some point. How far is what it returns from the best there is? ``dual_gap_``
bounds that, for the coefficients returned. Is the bound kept, and is it close?
"""

# %%
# Handwritten digits, 3 against 8, with all products of pixels: 357 rows, 2144 columns. Nine
# penalties, and three values of ``tol``. The minimum is known from a fit to the rounding floor
# (``tol=0``).

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn import linear_model
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import PolynomialFeatures

from sklearn_regnorm import Lasso

BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = load_digits(return_X_y=True)
rows = (y == 3) | (y == 8)
X = np.asfortranarray(PolynomialFeatures(2, include_bias=False).fit_transform(X[rows] / 16))
y = np.where(y[rows] == 3, -1.0, 1.0)


def objective(model):
    """Return the value that the lasso minimises."""
    return np.mean((y - model.predict(X)) ** 2) / 2 + model.alpha * np.abs(model.coef_).sum()


PACKAGES = {"sklearn_regnorm": Lasso, "scikit-learn": linear_model.Lasso}
points = {name: [] for name in PACKAGES}  # (tol, certificate, true excess)
warned = {name: 0 for name in PACKAGES}
for alpha in np.geomspace(0.1, 1e-3, 9):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is asked for the impossible
        minimum = objective(Lasso(alpha, tol=0, max_iter=100_000).fit(X, y))
    for tol in (1e-2, 1e-4, 1e-8):
        for name, make in PACKAGES.items():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = make(alpha, tol=tol).fit(X, y)
            warned[name] += any(issubclass(one.category, ConvergenceWarning) for one in caught)
            points[name].append((tol, model.dual_gap_, objective(model) - minimum))

for name, some in points.items():
    tol, gap, excess = np.array(some).T
    print(
        f"{name:16s} certificate at most {gap.max():.0e}, excess at most {excess.max():.0e}; "
        f"excess above the certificate, beyond rounding: {np.sum(excess > gap + 1e-15)} of 27; "
        f"{warned[name]} fits warned"
    )

# %%
# Every point lies on or below the diagonal: the excess is never more than the certificate. Both
# packages compute one; here it is also there for every fold and every penalty of a
# cross-validation (``dual_gap_path_``), and is computed anew from X and y for the coefficients
# that are returned.

figure, axis = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
for (name, some), color, marker in zip(points.items(), (BLUE, ORANGE), "os", strict=True):
    _, gap, excess = np.maximum(np.array(some).T, 1e-17)
    axis.loglog(gap, excess, marker, color=color, label=name, alpha=0.7)
ends = np.array([1e-17, 1e-1])
axis.loglog(ends, ends, color="0.5", lw=1, label="excess = certificate")
axis.set(xlabel="dual_gap_, the certificate", ylabel="objective − minimum (at least 1e-17)")
axis.legend()

plt.show()
