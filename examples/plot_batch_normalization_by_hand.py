"""
Batch normalization step by step
================================

What are μ_B, σ_B², ε, γ and β, and what becomes of a batch? Every step by hand, beside
:class:`~sklearn_regnorm.BatchNormalizer`.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

from sklearn_regnorm import BatchNormalizer, LayerNormalizer

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
np.set_printoptions(precision=3, suppress=True)

wine = load_wine()
columns = [0, 12]  # alcohol in percent, proline in mg/l
X = wine.data[:, columns]
batch = X[::25]  # a mini-batch of m = 8 rows
m = len(batch)
print(batch)

# %%
# Step 1: the mean of the batch, per column
# -----------------------------------------
# μ_B = (1/m) Σ x_i

mu = batch.sum(axis=0) / m
print("μ_B  =", mu)

# %%
# Step 2: its variance, with divisor m
# ------------------------------------
# σ_B² = (1/m) Σ (x_i − μ_B)². Not m − 1: the batch is described, nothing is estimated.

variance = ((batch - mu) ** 2).sum(axis=0) / m
print("σ_B² =", variance)

# %%
# Step 3: normalize
# -----------------
# x̂_i = (x_i − μ_B) / √(σ_B² + ε). The small ε keeps the root away from zero; it makes the
# variance of x̂ a little less than 1.

eps = 1e-5
normalized = (batch - mu) / np.sqrt(variance + eps)
print("mean of x̂:", normalized.mean(axis=0), " variance of x̂:", normalized.var(axis=0))

# %%
# Step 4: scale and shift
# -----------------------
# y_i = γ x̂_i + β, with one γ and one β per column. A network learns them; here they are given.
# With γ = σ_B and β = μ_B the batch would come back as it was: nothing is lost.

gamma, beta = np.array([2.0, 0.5]), np.array([1.0, -1.0])
by_hand = gamma * normalized + beta
layer = BatchNormalizer(eps=eps, gamma=gamma, beta=beta)
print("by hand and by the package differ by", np.abs(by_hand - layer.normalize_batch(batch)).max())

# %%
# Step 5: statistics to keep
# --------------------------
# When it comes to prediction there may be no batch, only one row. So statistics of the training
# rows are kept. Networks keep an exponential average (``momentum=0.1``); pooling (the default)
# gives the mean and the variance of all rows exactly, however they were split.

order = np.random.default_rng(0).permutation(len(X))
average, pooled = BatchNormalizer(momentum=0.1), BatchNormalizer()
torch_like = BatchNormalizer(convention="pytorch", momentum=0.1)
history = []
for begin in range(0, 176, 8):
    rows = X[order[begin : begin + 8]]
    for one in (average, pooled, torch_like):
        one.partial_fit(rows)
    history.append([rows.mean(axis=0), average.mean_, pooled.mean_, torch_like.mean_])
history = np.array(history)
seen = X[order[:176]]
print("pooled mean and variance differ from those of all rows by", end=" ")
print(
    np.abs(pooled.mean_ - seen.mean(axis=0)).max(), np.abs(pooled.var_ / seen.var(axis=0) - 1).max()
)
print(f"true mean of proline {seen[:, 1].mean():.1f}; after 22 batches: ", end="")
print(f"from the first batch {average.mean_[1]:.1f}, from 0 (PyTorch) {torch_like.mean_[1]:.1f}")

# %%
# A batch of one row
# ------------------
# Its mean is the row itself, so x̂ = 0 and y = β whatever the row: batch normalization cannot
# learn from batches of one. Layer normalization takes its statistics across the row's columns and
# does not notice.

one_row = X[:1]
print("batch:", layer.normalize_batch(one_row)[0], " β:", beta)
print("layer, for 13 columns:", LayerNormalizer().transform(wine.data[:1])[0, :4], "...")

# %%
# The pictures: steps 3 and 4, and what is kept in step 5.

figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
panels[0].plot(*batch.T, "o", color=BLUE)
panels[0].set(title="a batch of 8 wines", xlabel="alcohol, %", ylabel="proline, mg/l")
panels[1].plot(*normalized.T, "o", color=ORANGE, label="normalized, x̂")
panels[1].plot(*by_hand.T, "s", color=GREEN, label="γ x̂ + β")
panels[1].axhline(0, color="0.5", lw=0.6)
panels[1].axvline(0, color="0.5", lw=0.6)
panels[1].set(title="the same rows after steps 3 and 4", xlabel="alcohol", ylabel="proline")
panels[1].legend()
panels[2].plot(history[:, 0, 1], ".", color="0.6", label="the batch's own")
panels[2].plot(history[:, 1, 1], color=ORANGE, ls="--", label="average, momentum 0.1")
panels[2].plot(history[:, 3, 1], color=GREEN, ls=":", label="the same from 0 (PyTorch)")
panels[2].plot(history[:, 2, 1], color=BLUE, label="pooled")
panels[2].axhline(seen[:, 1].mean(), color="black", lw=0.6)
panels[2].set(title="mean of proline that is kept", xlabel="batch")
panels[2].legend()

plt.show()
