"""Generated problems with penalty factors and bounds: one integer seed, one problem."""

from dataclasses import replace

import numpy as np
from oracle import Oracle
from problems import Problem, ar1, make_problem

SHAPES = (200, 8), (60, 20), (30, 30), (20, 60), (40, 150)
CONTAINERS = "F", "C", "csc", "csr"


def factors(rng, p, most_free):
    """Return factors, of which a few are 0, a few infinite; None in one of four cases."""
    kind = rng.integers(4)
    if kind == 0:
        return None
    f = 10.0 ** rng.uniform(-1, 1, p)
    few = rng.permutation(p)
    if kind >= 2:
        f[few[: min(max(1, p // 10), most_free)]] = 0.0
    if kind == 3 and p > 2:
        f[few[-max(1, p // 5) :]] = np.inf
    return f


def bounds(rng, size):
    """Return (lower, upper) in units of `size` (p,): none, scalars or arrays, of one side or two.

    Some are zero, some far away.
    """
    kind, p = rng.integers(5), len(size)
    middle = float(np.median(size))
    if kind == 0:
        return None, None
    if kind == 1:
        one = middle * rng.uniform(0, 1)
        return (-one, None) if rng.random() < 0.5 else (None, one)
    if kind == 2:
        return -middle * rng.uniform(0, 0.5), middle * rng.uniform(0, 0.5)
    lower, upper = (size * 10.0 ** rng.uniform(-2, 1, p) for _ in range(2))
    for one in (lower, upper):
        which = rng.random(p)
        one[which < 0.3] = 0.0
        one[which > 0.7] = np.inf
    return (-lower, upper) if kind == 3 else (None, upper)


def with_controls(problem):
    """Return a problem with factors and bounds, and alpha the same share of its largest."""
    rng = np.random.default_rng(problem.seed + 10**9)
    oracle = problem.oracle()
    p = problem.Z.shape[1]
    norm = np.where(oracle.norm > 0, oracle.norm, 1)
    size = np.sqrt(oracle.v @ oracle.t**2) / norm / np.sqrt(p)
    size = np.where(np.abs(size) < 1e300, size, 1.0).astype(float)
    lower, upper = bounds(rng, size)
    # coefficients of several columns as alike as Hilbert's, if free, are no normal numbers; nor are
    # those without penalty that bounds keep from being those of least norm
    alike = problem.origin.startswith(("hilbert", "rank", "degenerate"))
    if problem.params["alpha"] == 0 and (alike or problem.Z.shape[0] <= p):
        lower = upper = None
    f = factors(rng, p, most_free=1 if alike else p)
    params = {**problem.params, "penalty_factor": f, "lower": lower, "upper": upper}
    if problem.params["positive"] and upper is not None:
        params["positive"] = False
    if f is not None:
        finite = f[(f > 0) & np.isfinite(f)]
        middle = np.median(finite) if len(finite) else 1.0
        params["alpha"] = float(min(problem.params["alpha"] / max(middle, 1.0), 1e308))
    return replace(problem, params=params)


def tame(seed):
    """Return a problem of ordinary numbers, with controls."""
    rng = np.random.default_rng(seed)
    n, p = SHAPES[rng.integers(len(SHAPES))]
    container = CONTAINERS[rng.integers(len(CONTAINERS))]
    X = ar1(rng, n, p, rng.choice([0.0, 0.5, 0.95]))
    if container.startswith("cs"):
        X = np.where(np.abs(X) > 0.8, X, 0.0)
    X = X * 10.0 ** rng.uniform(-1, 1, p) + rng.choice([0.0, 0.0, 3.0])
    dtype = np.float32 if rng.random() < 0.2 else np.float64
    X = X.astype(dtype)
    Z = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
    y = Z[:, :: max(1, p // 8)].sum(axis=1) + rng.standard_normal(n) + rng.choice([0.0, 5.0])
    v = (None, rng.integers(0, 4, n) * 1.0, rng.uniform(0.1, 2.0, n))[rng.integers(3)]
    params = {
        "alpha": 1.0,
        "l1_ratio": (1.0, 1.0, 0.5, 0.0)[rng.integers(4)],
        "fit_intercept": bool(rng.random() < 0.7),
        "standardize": bool(rng.random() < 0.4),
        "positive": bool(rng.random() < 0.1),
    }
    largest = Oracle(X, y, v, **params).alpha_max()
    params["alpha"] = float(largest * 10.0 ** rng.uniform(-3, 0.1))
    return with_controls(Problem(seed, X, y, v, params, container, "tame"))


def wild(seed):
    """Return a problem that may be degenerate or far from any ordinary scale, with controls."""
    problem = make_problem(seed)
    if problem.params["alpha"] > 1e100:  # whose ridge part is no float
        problem = replace(problem, params={**problem.params, "l1_ratio": 1.0})
    return with_controls(problem)
