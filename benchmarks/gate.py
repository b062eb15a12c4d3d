"""What the input gate takes of a fit: ``python -m benchmarks.gate``.

The gate is everything that looks at X, y and the weights before anything is computed. Most of it
is what scikit-learn's Lasso pays as well: ``validate_data``, with one pass over X for NaN and
infinity and the conversion of sparse X to CSC. "Ours" is what comes on top. Times are those of the
processor, the least of several runs.
"""

import time

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from sklearn_regnorm import Lasso, LassoCV, Ridge
from sklearn_regnorm import _validation as gate

RUNS = 7
DENSE = (442, 10), (10_000, 100), (100_000, 300)
SPARSE = (10_000, 1000, 0.01), (100_000, 500, 0.02), (5_000, 20_000, 0.002)


def problems():
    """Yield (name, X, y)."""
    rng = np.random.default_rng(0)
    for n, p in DENSE:
        X = rng.standard_normal((n, p))
        yield f"dense, {n} × {p}", X, X[:, 0] + rng.standard_normal(n)
    for n, p, density in SPARSE:
        X = sparse.random_array((n, p), density=density, format="csc", rng=rng)
        y = X[:, [0, 1, 2]].sum(axis=1) + rng.standard_normal(n)
        yield f"CSC, {n} × {p}, {X.nnz} entries", X, y
        yield f"CSR, {n} × {p}, {X.nnz} entries", X.tocsr(), y


def models(X, y):
    """Return what is fitted; a lasso at a tenth of the penalty that leaves nothing."""
    alpha = 0.1 * np.max(np.abs(X.T @ (y - y.mean()))) / len(y)
    return Lasso(alpha=alpha), Ridge(), LassoCV(cv=5)


def milliseconds(function, most=10.0):
    """Return the least time of up to RUNS runs, or of those that fit into `most` seconds."""
    function()
    taken = []
    while len(taken) < RUNS and sum(taken) < most:
        begin = time.process_time()
        function()
        taken.append(time.process_time() - begin)
    return 1e3 * min(taken)


def whole(X, y):
    """Pass the gate as a fit does."""
    gate.check_X_y(Lasso(), X, y, multi_output=False)
    gate.check_weights(None, X.shape[0])


def theirs(X, y):
    """Pass scikit-learn's part of it."""
    validate_data(Lasso(), X, y, accept_sparse="csc", dtype=gate.FLOATS, y_numeric=True)


def main():
    """Print a table in Markdown."""
    names = "Lasso", "Ridge", "LassoCV"
    print("| X | gate, ms | ours, ms |", *(f"of {name}: all, ours |" for name in names))
    print("|---|---|---|" + "---|" * len(names))
    for name, X, y in problems():
        both = milliseconds(lambda X=X, y=y: whole(X, y))
        ours = max(0.0, both - milliseconds(lambda X=X, y=y: theirs(X, y)))
        row = [f"| {name} | {both:.2f} | {ours:.2f} |"]
        for model in models(X, y):
            fit = milliseconds(lambda model=model, X=X, y=y: model.fit(X, y))
            row.append(f"{both / fit:.1%}, {ours / fit:.1%} |")
        print(*row, flush=True)


if __name__ == "__main__":
    main()
