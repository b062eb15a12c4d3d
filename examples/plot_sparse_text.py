"""
Sparse counts of words
======================

Texts become long rows of counts, of which nearly all are zero. Is the lasso practical on them, and
does it find the words that matter? And what if the texts are of very different length?
"""

# %%
# Made up, so that the truth is known: 2000 texts over a vocabulary of 10 000 words, frequent and
# rare as in real language (Zipf's law), between 20 and 2000 words long. Thirty words, none of them
# among the hundred most frequent, make a text good or bad by their *share*.

import matplotlib.pyplot as plt
import numpy as np
from scipy import sparse

from sklearn_regnorm import LassoCV, LayerNormalizer

BLUE, ORANGE = "#0072B2", "#D55E00"
N_TEXTS, N_WORDS = 2000, 10_000

rng = np.random.default_rng(0)
frequency = 1 / np.arange(10, N_WORDS + 10)
frequency /= frequency.sum()
lengths = np.exp(rng.uniform(np.log(20), np.log(2000), N_TEXTS)).astype(int)
counts = sparse.csr_array(np.stack([rng.multinomial(n, frequency) for n in lengths]).astype(float))
telling = 100 + rng.choice(400, size=30, replace=False)
signs = np.resize([1.0, -1.0], 30)
score = (counts[:, telling] / lengths[:, None]) @ (signs / np.sqrt(frequency[telling]))
y = score / score.std() + 0.5 * rng.normal(size=N_TEXTS)
megabytes = (counts.data.nbytes + counts.indices.nbytes) / 1e6
print(f"{counts.nnz / N_TEXTS:.0f} different words per text; {megabytes:.1f} MB, dense 160 MB")

# %%
# Two preparations: the counts as they are, and every row divided by its root mean square
# (``LayerNormalizer(center=False)``), which makes long and short texts comparable and keeps zeros
# zero. X stays sparse throughout; centring is done in the algebra, not in the matrix.

train = np.arange(N_TEXTS) < 1500
prepared = {"counts": counts, "rows normalized": LayerNormalizer(center=False).transform(counts)}
models = {}
for name, X in prepared.items():
    model = models[name] = LassoCV(alphas=40, eps=0.02, n_jobs=2).fit(X[train], y[train])
    found = np.intersect1d(np.flatnonzero(model.coef_), telling)
    print(
        f"{name:16s} R² on other texts {model.score(X[~train], y[~train]):.2f}, "
        f"{np.count_nonzero(model.coef_)} words kept, {len(found)} of the 30 among them, "
        f"certificate {model.dual_gap_ / y[train].var():.0e} of the variance of y"
    )

figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, color in (("counts", ORANGE), ("rows normalized", BLUE)):
    model = models[name]
    mean = model.mse_path_.mean(axis=1)
    size = np.count_nonzero(model.coef_path_, axis=1)
    panels[0].plot(size, mean, color=color, marker=".", label=name)
panels[0].set(xscale="symlog", xlabel="words in the model", ylabel="cross-validated squared error")
panels[0].legend()
coef = models["rows normalized"].coef_
panels[1].plot(np.flatnonzero(coef), coef[coef != 0], ".", color="0.6", label="other words kept")
panels[1].plot(telling[signs > 0], coef[telling[signs > 0]], "^", color=BLUE, label="good words")
panels[1].plot(telling[signs < 0], coef[telling[signs < 0]], "v", color=ORANGE, label="bad words")
panels[1].set(xscale="log", xlabel="rank of the word by frequency", ylabel="coefficient")
panels[1].set_title("rows normalized")
panels[1].legend()

plt.show()
