"""
Does normalization allow larger steps?
======================================

It is said to speed up training and to allow higher learning rates. Gradient descent on a linear
model shows why, and by how much: the largest step that does not diverge is 2 / L, with L the
largest eigenvalue of XᵀX/n, and the number of steps grows with the ratio of the largest to the
smallest one.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

from sklearn_regnorm import BatchNormalizer, Ridge

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# Wine: 13 columns, from hue (around 1) to proline (up to 1680). The target is the class; the loss
# is the mean square, halved.

X, y = load_wine(return_X_y=True)
y = y - y.mean()
inputs = {
    "raw": X,
    "centred": BatchNormalizer(scale=False).fit_transform(X),
    "normalized": BatchNormalizer().fit_transform(X),
}


def descend(X, step, n_steps=20_000):
    """Return the loss after each step of gradient descent from zero, above its minimum."""
    Z = np.column_stack([X, np.ones(len(X))])  # the intercept is learned too
    w, losses = np.zeros(Z.shape[1]), np.empty(n_steps)
    gram, moments = Z.T @ Z / len(y), Z.T @ y / len(y)
    for k in range(n_steps):
        losses[k] = w @ gram @ w / 2 - moments @ w + y @ y / len(y) / 2
        if losses[k] > 1e3:  # diverges
            losses[k:] = np.inf
            break
        w -= step * (gram @ w - moments)
    return losses - minimum


minimum = np.mean((y - Ridge(alpha=0).fit(X, y).predict(X)) ** 2) / 2
goal = 0.01 * (np.mean(y**2) / 2 - minimum)  # 99 % of what there is to gain
figure, panels = plt.subplots(1, 2, figsize=(10.5, 4), layout="constrained")
for (name, Z), color in zip(inputs.items(), (ORANGE, GREEN, BLUE), strict=True):
    eigenvalues = np.linalg.eigvalsh(np.cov(Z.T, bias=True))
    steps = np.geomspace(1e-7, 10, 65)
    runs = [descend(Z, step, 3000) for step in steps]
    reached = [np.argmax(run < goal) if np.any(run < goal) else np.nan for run in runs]
    stable = max(step for step, run in zip(steps, runs, strict=True) if np.isfinite(run).all())
    best = descend(Z, stable)
    print(
        f"{name:11s} condition number {eigenvalues[-1] / eigenvalues[0]:.1e}, "
        f"largest stable step {stable:.1e}, 99 % of the gain after "
        + (f"{np.argmax(best < goal)} steps" if np.any(best < goal) else "more than 20000 steps")
    )
    panels[0].loglog(np.arange(1, 20_001), best, color=color, label=f"{name}, step {stable:.0e}")
    panels[1].semilogx(steps, [run[-1] for run in runs], color=color, marker=".", label=name)
panels[0].axhline(goal, color="0.5", ls=":", lw=1)
panels[0].set(xlabel="step number", ylabel="loss above its minimum", ylim=(1e-8, 1))
panels[0].set_title("at the largest stable step")
panels[0].legend(loc="lower left")
panels[1].set(xlabel="step size", ylabel="loss above its minimum", yscale="log", ylim=(1e-8, 1))
panels[1].set_title("after 3000 steps; lines end where it diverges")
panels[1].legend(loc="lower left")

# %%
# It holds for the inputs of a linear model, and the reason is arithmetic, not a shift of
# distributions: centring and scaling shrink the condition number, by five orders of magnitude
# here. What it does not do is make the minimum any lower.

plt.show()
