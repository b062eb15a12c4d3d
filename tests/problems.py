"""Generated problems: one integer seed, one problem, from tame to wild.

Also the containers that a matrix may come in.
"""

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from oracle import Oracle
from scipy import sparse

ROWS = (1, 2, 3, 5, 17, 64, 257)
COLUMNS = (1, 2, 3, 8, 33, 129)
RATIOS = (0.0, 1e-12, 0.1, 0.5, 0.9, 1 - 1e-12, 1.0, 1.0, 1.0)
DENSE = ("C", "F", "strided", "reversed", "readonly")
ODD = ("pandas", "memory map", "unaligned", "other endian")
SPARSE = ("csc", "csr", "coo", "csc64", "csr64", "duplicates", "unsorted", "bsr", "lil")


@dataclass(frozen=True)
class Problem:
    """X as a dense array and its container, y, weights (or None) and the estimator's parameters.

    `origin` says in words how it was made; `options` hold what is asked for beside parameters.
    """

    seed: int
    Z: np.ndarray
    y: np.ndarray
    v: np.ndarray | None
    params: dict
    container: str
    origin: str = ""
    options: dict = field(default_factory=dict)

    @cached_property
    def X(self):
        """X as given to fit."""
        return contain(self.Z, self.container)

    def oracle(self, target=None, **params):
        """Return the Oracle of one target, with some parameters changed."""
        y = self.y if target is None else self.y[:, target]
        return Oracle(self.Z, y, self.v, **{"l1_ratio": 1.0, **self.params, **params})

    @property
    def dtype(self):
        """What X is computed with, and coefficients have to be: float32 if X is, else float64."""
        single = self.Z.dtype == np.float32 and self.container != "other endian"
        return np.dtype(np.float32 if single else np.float64)

    @property
    def eps(self):
        return np.finfo(self.dtype).eps

    def __str__(self):
        given = {name: one for name, one in self.params.items() if one is not None}
        return (
            f"seed {self.seed} ({self.origin}, {self.Z.dtype} {self.Z.shape} as {self.container}, "
            f"{given}, {self.options})"
        )


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
    if container == "pandas":
        return pd.DataFrame(X)
    if container == "memory map":
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, X.dtype, shape=X.shape)
        mapped[:] = X
        return mapped
    if container == "unaligned":
        unaligned = np.frombuffer(bytearray(X.nbytes + 1), X.dtype, offset=1).reshape(X.shape)
        unaligned[:] = X
        return unaligned
    if container == "other endian":
        return X.astype(X.dtype.newbyteorder())
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


INTEGERS = np.int8, np.int16, np.int32, np.int64, np.uint8, np.bool_


def _numbers(rng, kind, n, p, wild):
    """Return X: float64 or float32, shifted and scaled, or integers."""
    how = rng.choice(["float64", "float32", "integers"], p=[0.7, 0.2, 0.1])
    X = _design(rng, kind, n, p)
    if how == "integers":
        dtype = INTEGERS[rng.integers(len(INTEGERS))]
        largest = 1 if dtype is np.bool_ else 100
        X = np.round(X * rng.choice([1, 3, 30])) + rng.choice([0, 0, 20])
        return np.clip(X, 0 if dtype in (np.uint8, np.bool_) else -largest, largest).astype(dtype)
    single = how == "float32"
    X = X + rng.choice([0.0, 0.0, 0.0, 1.0, 1e4, 1e8 if not single else 10.0])
    if rng.random() < 0.7:
        X = X * _scales(rng, p, 4 if single else 150 if wild == "columns" else 12)
    return X.astype(how)


def representable(alpha, oracle):
    """Return alpha, or less if its products with squared units of columns are no floats."""
    sizes = (oracle.norm / oracle.s)[oracle.norm > 0]
    return float(np.min(1e250 * sizes**2, initial=alpha))


def _alpha(rng, largest, eps, ridge):
    """Return a penalty, mostly a share of the `largest`."""
    largest = largest if 1e-300 < largest < 1e300 else 1.0
    kind = rng.random()
    if kind < 0.2:
        share = rng.choice([0.0, 1.0, 1 - 4 * eps, 1 + 4 * eps, 100.0 if ridge else np.inf])
        return float(min(largest * share, 1e308))
    if kind < 0.23 and not ridge:
        return float(10.0 ** rng.uniform(-320, 308))
    return float(largest * 10.0 ** rng.uniform(-8, 1))


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
    fit_intercept, standardize, positive = (bool(rng.random() < q) for q in (0.7, 0.3, 0.2))
    # Of columns and target only one is wild: their ratio, the coefficient, must be a float.
    wild = rng.choice(["columns", "target", "no"], p=[0.1, 0.1, 0.8])
    X = _numbers(rng, design, n, p, wild)
    single = X.dtype == np.float32
    reach = 4 if single else 12
    target = rng.choice(
        ["noisy"] * 5 + ["heavy", "heavy", "exact", "orthogonal", "constant", "zero"]
    )
    y = _target(rng, target, X.astype(float), fit_intercept)
    if target != "constant":
        # a mean that is zero only up to rounding would have an intercept without correct digits
        y = y + rng.choice([0.0, 0.0, 1.0, 1e4] if target != "orthogonal" else [1.0, 1e4])
        y = y * 10.0 ** rng.uniform(*((-150, 150) if wild == "target" and not single
                                      else (-reach, reach)))  # fmt: skip
    weighting = rng.choice(["none", "none", "ones", "integers", "one row", "wide"])
    v = _weights(rng, weighting, n)
    params = {
        "alpha": 1.0,
        "l1_ratio": float(rng.choice(RATIOS)),
        "fit_intercept": fit_intercept,
        "standardize": standardize,
        "positive": positive,
    }
    eps = np.finfo(np.float32 if single else np.float64).eps
    oracle, ridge = Oracle(X, y, v, **params), params["l1_ratio"] == 0
    alpha = _alpha(rng, oracle.alpha_max(), eps, ridge)
    params["alpha"] = representable(alpha, oracle) if ridge else alpha
    container = str(rng.choice(DENSE + (ODD if rng.random() < 0.3 else SPARSE)))
    origin = f"{design}, {target} y, {weighting} weights"
    return Problem(seed, X, y, v, params, container, origin)


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
