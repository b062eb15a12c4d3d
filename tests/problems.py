"""Generated problems: one integer seed, one problem, from tame to wild.

Also the containers that a matrix may come in.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from oracle import Oracle
from scipy import sparse

ROWS = (1, 2, 3, 5, 17, 64, 257)
COLUMNS = (1, 2, 3, 8, 33, 129)
RATIOS = (0.0, 1e-12, 0.1, 0.5, 0.9, 1 - 1e-12, 1.0, 1.0, 1.0)
DENSE = ("C", "F", "strided", "reversed", "readonly")
SPARSE = ("csc", "csr", "coo", "csc64", "csr64", "duplicates", "unsorted", "bsr", "lil")


@dataclass(frozen=True)
class Problem:
    """X as given to fit, y, weights (or None) and the constructor's parameters."""

    seed: int
    X: object
    y: np.ndarray
    v: np.ndarray | None
    params: dict
    kind: str

    def oracle(self):
        return Oracle(self.X, self.y, self.v, **self.params)

    @property
    def eps(self):
        return np.finfo(self.X.dtype).eps

    def __str__(self):
        return f"seed {self.seed} ({self.kind}, {self.X.shape}, {self.params})"


def contain(X, container):
    """Return the dense array X in a container, which holds exactly the same numbers."""
    if container == "C":
        return np.ascontiguousarray(X)
    if container == "F":
        return np.asfortranarray(X)
    if container == "strided":
        return np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3]
    if container == "reversed":
        return X[::-1, ::-1].copy()[::-1, ::-1]
    if container == "readonly":
        X = X.copy()
        X.flags.writeable = False
        return X
    if container in ("duplicates", "unsorted"):
        return _untidy(sparse.csc_array(X), duplicates=container == "duplicates")
    X = getattr(sparse, f"{container.removesuffix('64')}_matrix")(X)
    if container == "coo64":
        for name in ("row", "col"):
            setattr(X, name, getattr(X, name).astype(np.int64))
        if hasattr(X, "coords"):  # where row and col are properties that choose the width
            X.coords = tuple(axis.astype(np.int64) for axis in X.coords)
    elif container.endswith("64"):
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _untidy(X, duplicates):
    """Return CSC with each column's entries backwards; with duplicates, in two halves each."""
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in pairwise(X.indptr)])
    indices, data, indptr = X.indices[order.astype(int)], X.data[order.astype(int)], X.indptr
    if duplicates:
        indices, data, indptr = np.repeat(indices, 2), np.repeat(data / 2, 2), 2 * indptr
    return sparse.csc_array((data, indices, indptr), X.shape)


def ar1(rng, n, p, rho):
    """Return n rows of p columns, neighbours of which have correlation rho."""
    X = rng.standard_normal((n, p))
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return X


def _design(rng, kind, n, p):
    X = rng.standard_normal((n, p))
    if kind == "ar":
        return ar1(rng, n, p, 0.99)
    if kind == "hilbert":
        return 1.0 / (1.0 + np.arange(n)[:, None] + np.arange(p))
    if kind == "onehot":
        return (rng.integers(0, p, n)[:, None] == np.arange(p)) * 1.0
    if kind == "counts":
        return rng.poisson(1.0, (n, p)) * 1.0
    if kind == "rank":
        k = rng.integers(1, max(2, min(n, p)))
        return rng.standard_normal((n, k)) @ rng.standard_normal((k, p))
    if kind.startswith("sparse"):
        return X * (rng.random((n, p)) < float(kind[6:]))
    if kind == "degenerate":
        for j in range(p):
            other = X[:, rng.integers(p)]
            recipes = (
                X[:, j], X[:, j], other, -other, 0 * other, 0 * other + rng.normal(),
                rng.normal() + 1e-13 * X[:, j], rng.normal() + 1e-6 * X[:, j],
            )  # fmt: skip
            X[:, j] = recipes[rng.integers(len(recipes))]
    return X


def _target(rng, kind, X, fit_intercept):
    n, p = X.shape
    size = np.abs(X).max(axis=0)
    Z = X / np.where(size > 0, size, 1.0)
    signal = Z @ (rng.standard_normal(p) * (rng.random(p) < max(0.2, 2 / p)))
    if kind == "constant":
        # without intercept 1e-300 would need coefficients that are no normal floats
        return np.full(n, rng.choice([1.0, 3.7, 1e8, 1e-300 if fit_intercept else 0.1]))
    if kind == "zero":
        return np.zeros(n)
    if kind == "exact":
        return signal
    noise = rng.standard_normal(n)
    if kind == "orthogonal":
        basis = np.column_stack([np.ones(n), Z]) if fit_intercept else Z
        return noise - basis @ np.linalg.lstsq(basis, noise, rcond=1e-12)[0]
    if kind == "heavy":
        return signal + rng.standard_cauchy(n)
    return signal + noise * 10.0 ** rng.uniform(-3, 1)


def _weights(rng, kind, n):
    if kind == "none":
        return None
    v = np.ones(n)
    if kind == "integers":
        v = rng.integers(0, 4, n) * 1.0
        v[rng.integers(n)] = 2.0
    elif kind == "one row":
        v = np.zeros(n)
        v[rng.integers(n)] = 3.0
    elif kind == "wide":
        v = 10.0 ** rng.uniform(-12, 12, n)
    return v


def _scales(rng, p, reach):
    if rng.random() < 0.5:
        return np.full(p, 10.0 ** rng.uniform(-reach, reach))
    return 10.0 ** rng.uniform(-reach, reach, p)


def make_problem(seed):
    """Return the problem of one seed."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.choice(ROWS)), int(rng.choice(COLUMNS))
    design = rng.choice(
        ["gauss", "ar", "hilbert", "onehot", "counts", "rank", "degenerate", "degenerate",
         "square", "sparse0.01", "sparse0.1"]
    )  # fmt: skip
    if design == "square":
        n = p
    single = rng.random() < 0.2
    dtype = np.float32 if single else np.float64
    fit_intercept, standardize, positive = (bool(rng.random() < q) for q in (0.7, 0.3, 0.2))
    # Of columns and target only one is wild: their ratio, the coefficient, must be a float.
    wild = rng.choice(["columns", "target", "no"], p=[0.1, 0.1, 0.8]) if not single else "no"
    reach = 4 if single else 12
    X = _design(rng, design, n, p)
    X = X + rng.choice([0.0, 0.0, 0.0, 1.0, 1e4, 1e8 if not single else 10.0])
    if rng.random() < 0.7:
        X = X * _scales(rng, p, 150 if wild == "columns" else reach)
    X = X.astype(dtype)
    target = rng.choice(
        ["noisy"] * 5 + ["heavy", "heavy", "exact", "orthogonal", "constant", "zero"]
    )
    y = _target(rng, target, X.astype(float), fit_intercept)
    if target != "constant":
        # a mean that is zero only up to rounding would have an intercept without correct digits
        y = y + rng.choice([0.0, 0.0, 1.0, 1e4] if target != "orthogonal" else [1.0, 1e4])
        y = y * 10.0 ** rng.uniform(*((-150, 150) if wild == "target" else (-reach, reach)))
    weighting = rng.choice(["none", "none", "ones", "integers", "one row", "wide"])
    v = _weights(rng, weighting, n)
    params = {
        "alpha": 1.0,
        "l1_ratio": float(rng.choice(RATIOS)),
        "fit_intercept": fit_intercept,
        "standardize": standardize,
        "positive": positive,
    }
    alpha = Oracle(X, y, v, **params).alpha_max()
    alpha = alpha if 1e-300 < alpha < 1e300 else 1.0
    eps = np.finfo(dtype).eps
    special = [0.0, 1.0, 1 - 4 * eps, 1 + 4 * eps, np.inf if params["l1_ratio"] else 100.0]
    factor = rng.choice(special) if rng.random() < 0.2 else 10.0 ** rng.uniform(-8, 1)
    params["alpha"] = float(min(alpha * factor, 1e308))
    containers = DENSE + SPARSE if rng.random() < 0.5 else DENSE
    container = rng.choice(containers)
    kind = f"{design}, {target} y, {weighting} weights, {container}, {dtype.__name__}"
    return Problem(seed, contain(X, container), y, v, params, kind)


def regression(seed, n, p, *, noise=1.0, rho=0.5, nonzero=None):
    """Return a well-conditioned X, y whose X has 20-bit entries, so that sums are exact."""
    rng = np.random.default_rng(seed)
    X = np.round(ar1(rng, n, p, rho) * 2.0**20) / 2.0**20
    w = rng.standard_normal(p)
    w[nonzero if nonzero is not None else max(2, p // 3) :] = 0.0
    return X, X @ w + noise * rng.standard_normal(n) + 3.0


def wide(seed=0, n=60, p=150):
    """Return X of correlated columns, more than rows, and y."""
    rng = np.random.default_rng(seed)
    X = ar1(rng, n, p, 0.9)
    return X, X[:, ::12].sum(axis=1) + rng.standard_normal(n)


DIFFICULT = "plain", "twins", "rank", "binary", "offset"


def difficult(kind):
    """Return X and y that are difficult for methods with an active set."""
    X, y = wide()
    if kind == "twins":  # each column twice, one of them with its sign turned
        X = np.hstack([X[:, :40], -X[:, :40], X[:, :3]])
    elif kind == "rank":
        X = X[:, :9] @ np.random.default_rng(1).standard_normal((9, 80))
    elif kind == "binary":  # many ties
        X = (X > 0) * 1.0
        y = np.round(y)
    elif kind == "offset":
        X = X + 1e4
    return X, y
