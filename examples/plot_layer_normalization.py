"""
Layer normalization: rows of one kind
=====================================

Spectra and images differ in brightness and contrast from row to row, for reasons that have nothing
to do with what they show. Can a row be normalized by itself, and what if columns are scaled
instead?
"""

# %%
# Handwritten digits, each under a light of its own: pixel values are multiplied by a random factor
# between 0.2 and 5 and a random offset is added. Test rows are lit anew.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_regnorm import BatchNormalizer, LayerNormalizer

X, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
gain = np.exp(rng.uniform(np.log(0.2), np.log(5), (len(X), 1)))
lit = {
    "as they are": X,
    "own gain": gain * X,
    "own gain and offset": gain * X + rng.uniform(0, 40, (len(X), 1)),
}
preparations = {
    "none": FunctionTransformer(),
    "columns (batch)": BatchNormalizer(),
    "rows, RMS": LayerNormalizer(center=False),
    "rows (layer)": LayerNormalizer(),
    "rows, 8 groups": LayerNormalizer(n_groups=8),
}
models = {
    "nearest neighbours": KNeighborsClassifier(5),
    "linear": RidgeClassifier(),
}

accuracy = np.empty((len(models), len(lit), len(preparations)))
for i, model in enumerate(models.values()):
    for j, Z in enumerate(lit.values()):
        Z_train, Z_test, y_train, y_test = train_test_split(Z, y, test_size=0.5, random_state=0)
        for k, preparation in enumerate(preparations.values()):
            fitted = make_pipeline(preparation, model).fit(Z_train, y_train)
            accuracy[i, j, k] = fitted.score(Z_test, y_test)

print(f"{'accuracy':32s}" + "".join(f"{name:>17s}" for name in preparations))
for i, model in enumerate(models):
    for j, light in enumerate(lit):
        print(f"{model + ', ' + light:32s}"[:40].ljust(40), end="")
        print("".join(f"{one:>16.3f} " for one in accuracy[i, j]))

# %%
# RMS normalization takes a factor out, layer normalization a factor and an offset, exactly. Column
# statistics cannot: the light is not the column's. On rows that are lit alike there is nothing to
# gain.
#
# Groups (here the eight rows of the image) are normalized one by one: that also removes what
# a group as a whole has to say, and an empty image row has nothing but noise to blow up.

figure = plt.figure(figsize=(10, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1, 1.5])
grid = left.subplots(4, 4)
some = [np.flatnonzero(y == digit)[1] for digit in (3, 5, 8, 9)]
kept = ("as they are", "own gain", "own gain and offset")
for row, Z in enumerate(lit.values()):
    for axis, k in zip(grid[row], some, strict=True):
        axis.imshow(Z[k].reshape(8, 8), cmap="Greys", vmin=0, vmax=80 if row else 16)
for axis, k in zip(grid[3], some, strict=True):
    rows = LayerNormalizer().transform(lit["own gain and offset"][[k]])
    axis.imshow(rows.reshape(8, 8), cmap="Greys")
for axis, name in zip(grid[:, 0], (*kept, "layer norm."), strict=True):
    axis.set_ylabel(name.replace(" and ", "\n& "), fontsize=8)
for axis in grid.ravel():
    axis.set_xticks([])
    axis.set_yticks([])
axis = right.subplots()
colors = ["#000000", "#E69F00", "#56B4E9", "#0072B2", "#CC79A7"]
for k, (name, color) in enumerate(zip(preparations, colors, strict=True)):
    at = np.arange(len(lit)) + (k - 2) * 0.15
    axis.bar(at, accuracy[0, :, k], width=0.14, color=color, label=name)
axis.set_xticks(np.arange(len(lit)), lit)
axis.set(ylabel="accuracy of nearest neighbours", ylim=(0, 1.35), yticks=np.arange(0, 1.1, 0.2))
axis.legend(ncols=2, loc="upper right")

plt.show()
