"""
Why L1 selects and L2 shrinks
=============================

Both penalties make coefficients smaller. Why does the one set them to zero and the other not?
"""

# %%
# One coefficient
# ---------------
# With one column of mean square 1, least squares gives some z. The lasso minimises (w - z)²/2 + λ1
# ``|w|``, ridge (w - z)²/2 + λ2 w². The derivative of λ1 ``|w|`` is λ1 however small w is: it goes
# on pulling until w is zero. That of λ2 w² is 2 λ2 w: it lets go as w comes near zero. The lines
# are the formulas, the dots are fits.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm import ElasticNet, lasso_path

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
LAMBDA = 1.0

rng = np.random.default_rng(0)
column = rng.normal(size=(50, 1))
column /= np.sqrt(np.mean(column**2))
z = np.linspace(-3, 3, 201)
formulas = {
    "L1: sign(z) max(|z| - λ1, 0)": (np.sign(z) * np.maximum(np.abs(z) - LAMBDA, 0), (LAMBDA, 0)),
    "L2: z / (1 + 2 λ2)": (z / (1 + 2 * LAMBDA), (0, LAMBDA)),
}
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.plot(z, z, color="0.6", ls=":", label="no penalty")
for (label, (curve, lambdas)), color in zip(formulas.items(), (BLUE, ORANGE), strict=True):
    axis.plot(z, curve, color=color, label=label)
    some = z[::20]
    fits = [
        ElasticNet.from_lambdas(*lambdas, fit_intercept=False).fit(column, one * column[:, 0]).coef_
        for one in some
    ]
    axis.plot(some, fits, "o", color=color, markersize=4)
    print(f"{label:30s} formula against fit: {np.abs(np.ravel(fits) - curve[::20]).max():.0e}")
axis.set(xlabel="z, the coefficient of least squares", ylabel="w, the penalised coefficient")
axis.set_title("One coefficient, λ1 = λ2 = 1")
axis.legend()

# %%
# Two coefficients
# ----------------
# A penalty of strength λ gives the same model as a bound on Σ ``|w|`` or Σw². The loss grows on
# ellipses around the least-squares solution; the answer is where they first touch the bounded
# region. The diamond has corners, on the axes, where a coefficient is zero; the disc has none.

X = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], size=200)
y = X @ [1.2, 0.35] + 0.3 * rng.normal(size=200)
least_squares = ElasticNet(alpha=0, fit_intercept=False).fit(X, y).coef_
lasso = ElasticNet.from_lambdas(0.6, 0, fit_intercept=False).fit(X, y).coef_
ridge = ElasticNet.from_lambdas(0, 0.4, fit_intercept=False).fit(X, y).coef_

u, v = np.meshgrid(np.linspace(-0.9, 1.5, 200), np.linspace(-0.9, 1.1, 200))
loss = ((y[:, None] - X @ np.stack([u.ravel(), v.ravel()])) ** 2).mean(axis=0).reshape(u.shape) / 2
figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
angle = np.linspace(0, 2 * np.pi, 200)
circle = np.stack([np.cos(angle), np.sin(angle)])
for panel, w, name, color in (
    (panels[0], lasso, "L1", BLUE),
    (panels[1], ridge, "L2", ORANGE),
):
    size = np.abs(w).sum() if name == "L1" else np.sqrt(w @ w)
    shape = circle / np.abs(circle).sum(axis=0) if name == "L1" else circle
    at = np.mean((y - X @ w) ** 2) / 2
    panel.contour(u, v, loss, levels=at * np.array([0.3, 0.6, 1, 1.6, 2.4]), colors="0.7")
    panel.contour(u, v, loss, levels=[at], colors="black")
    panel.fill(*(size * shape), color=color, alpha=0.35)
    panel.plot(*w, "o", color=color, markersize=8)
    panel.plot(*least_squares, "k+", markersize=10)
    panel.axhline(0, color="0.4", lw=0.6)
    panel.axvline(0, color="0.4", lw=0.6)
    panel.set(title=f"{name}: w = ({w[0]:.2f}, {w[1]:.2f})", xlabel="first coefficient")
    panel.set_aspect("equal")
panels[0].set_ylabel("second coefficient")

# %%
# Ten coefficients
# ----------------
# The diabetes data, columns scaled. From right to left the penalty grows. L1 takes one column after
# the other out; L2 makes all of them small, and leaves none out.

X, y = load_diabetes(return_X_y=True)
X, y = StandardScaler().fit_transform(X), y - y.mean()
grid = np.geomspace(1e-1, 1e3, 100)
paths = {
    "L1": lasso_path(X, y, alphas=grid)[1],
    "L2": np.stack(
        [ElasticNet.from_lambdas(0, one / 2).fit(X, y).coef_ for one in grid[::-1]], axis=1
    ),
}
figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
for panel, (name, path) in zip(panels, paths.items(), strict=True):
    panel.plot(grid[::-1], path.T, lw=1.4)
    panel.set(xscale="log", xlabel="λ1" if name == "L1" else "2 λ2")
    zeros = int((path[:, 60] == 0).sum())
    panel.axvline(grid[::-1][60], color="black", ls="--", lw=1)
    panel.set_title(f"{name}: at the dashed line {zeros} of 10 are zero")
    panel.set_prop_cycle(None)
panels[0].set_ylabel("coefficient")
for name, path in paths.items():
    print(f"{name}: zeros at the strongest penalty {np.sum(path[:, 0] == 0)}, ", end="")
    print(f"largest coefficient there {np.abs(path[:, 0]).max():.2g}")

# %%
# The corner needs a method of its own
# ------------------------------------
# ``|w|`` has no derivative at zero, so plain (sub)gradient descent steps to and fro across zero and
# does not stop there. Coordinate descent applies the formula of the first picture to one column
# after the other, and lands on zero exactly.

alpha = grid[::-1][50]
w, step = np.zeros(10), 1 / np.linalg.eigvalsh(X.T @ X / len(X)).max()
for k in range(1, 2001):
    w -= step / np.sqrt(k) * (X.T @ (X @ w - y) / len(X) + alpha * np.sign(w))
exact = ElasticNet(alpha, l1_ratio=1).fit(X, y).coef_
print(f"exact zeros: subgradient descent {np.sum(w == 0)}, coordinate descent {np.sum(exact == 0)}")
print(f"largest entry that should be zero: {np.abs(w[exact == 0]).max():.1e}")

plt.show()
