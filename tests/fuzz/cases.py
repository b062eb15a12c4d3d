"""From a seed to a problem of some kind, and to what is wrong with the package's answer."""

import re
import signal
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from controlled import tame, wild, with_controls
from oracle import LONG
from problems import DENSE, ODD, SPARSE, Problem, ar1, make_problem, representable

from . import folds, linear, statistics
from .linear import MANY, STARTS, TIGHT

# Seconds after which a problem counts as one that is never solved.
LIMIT = 120
RIDGE_SOLVERS = "auto", "auto", "cholesky", "svd", "sparse_cg", "cd"


def pick(rng, *options):
    """Return one of the options, as it is."""
    return options[rng.integers(len(options))]


def wild_start(rng):
    """Return the name of a warm start, or none."""
    return pick(rng, *STARTS) if rng.random() < 0.4 else None


def a_form(rng):
    return pick(rng, "gram", "working_set", None)


def lasso_or_enet(rng, problem):
    """Return the problem with parameters of Lasso, which has no l1_ratio, if it is one."""
    params = dict(problem.params)
    if params["l1_ratio"] == 1 and rng.random() < 0.5:
        del params["l1_ratio"]
    return replace(problem, params=params)


def optimum(rng, problem):
    return replace(problem, options={"form": a_form(rng), "start": wild_start(rng)})


def certificate(rng, problem):
    options = {
        "form": a_form(rng),
        "start": wild_start(rng),
        "tol": float(pick(rng, 1e-4, 1e-4, 1e-2, 1e-7, 0.5, 0.0)),
        "max_iter": pick(rng, MANY, MANY, MANY, 1, 2, 5, 30),
    }
    if options["tol"] == 0:  # which asks for more than rounding always allows
        options["max_iter"] = pick(rng, 1, 30, 1000)
    return replace(problem, options=options)


def ridge_alpha(rng, problem):
    """Return a penalty of Ridge's kind, about the squared size of a column in the middle."""
    oracle = problem.oracle(alpha=1.0, l1_ratio=0.0)
    sizes = (oracle.norm / oracle.s)[oracle.norm > 0]
    unit = sizes.min() * sizes.max() if len(sizes) else LONG(1)
    alpha = representable(min(LONG(10) ** rng.uniform(-8, 3) * unit, LONG(10) ** 290), oracle)
    return float(alpha * oracle.total)


def ridge(rng, problem):
    solver = pick(rng, *RIDGE_SOLVERS)
    if solver == "svd" and problem.container in SPARSE:
        solver = "auto"
    params = {**problem.params, "alpha": ridge_alpha(rng, problem)}
    params["positive"] &= solver in ("auto", "cd")
    del params["l1_ratio"]
    return replace(problem, params=params, options={"solver": solver})


def targets(rng, problem):
    """More targets: other scales, constant, zero, or the same again."""
    y, n = problem.y, len(problem.y)
    less = y * (1e-9 if np.max(np.abs(y)) > 1e-140 else 1.0)  # of which there are squares
    others = (-3.0 * y, y[::-1], 0 * y, np.full(n, y[0]), less, y + rng.standard_normal(n))
    few = [pick(rng, *others) for _ in range(rng.integers(0, 3))]
    problem = lasso_or_enet(rng, replace(problem, y=np.column_stack([y, *few])))
    return replace(problem, options={"form": a_form(rng)})


def path(rng, problem):
    params = {"l1_ratio": problem.params["l1_ratio"], "positive": problem.params["positive"]}
    params["fit_intercept"] = False
    y = problem.y  # of which 1e-300 would need coefficients that are no normal floats
    y = y + (0 < np.max(np.abs(y)) < 1e-200) * 0.1
    problem = replace(problem, y=y, params=params | {"alpha": 1.0})
    oracle = problem.oracle()
    largest = oracle.alpha_max()
    largest = largest if 1e-290 < largest < 1e290 else 1.0
    norm = np.max(oracle.norm)
    size = float(np.sqrt(oracle.v @ oracle.t**2) / norm) if norm > 0 else 1.0
    options = {
        "form": a_form(rng),
        "start": wild_start(rng),
        "size": size if 1e-250 < size < 1e250 else 1.0,
        "tol": pick(rng, TIGHT, TIGHT, 1e-4),
        "alphas": grid(rng, largest, pick(rng, 1, 3, 12, 12, 25), params["l1_ratio"], oracle),
    }
    return replace(problem, options=options)


def grid(rng, largest, size, ratio, oracle):
    """Return penalties in any order, some of them equal or zero."""
    alphas = largest * 10.0 ** rng.uniform(-5, 0.5, size)
    if rng.random() < 0.5:
        alphas = largest * np.geomspace(1.0, 10.0 ** rng.uniform(-5, -1), size)
    if rng.random() < 0.2:
        alphas[rng.integers(size)] = alphas[0]
    if rng.random() < 0.1:
        alphas[rng.integers(size)] = 0.0
    return [representable(a, oracle) if ratio == 0 else float(a) for a in alphas]


def controls(rng, problem):
    make = pick(rng, tame, tame, wild)
    start = wild_start(rng) if rng.random() < 0.5 else None
    return replace(make(problem.seed), options={"start": start})


def odd_folds(rng, v):
    """Return pairs of row indices: overlapping, with gaps, tiny, unequal, with rows repeated."""
    n, counting = len(v), np.flatnonzero(v)

    def side(rows):
        return [int(i) for i in (rows if v[rows].any() else np.append(rows, pick(rng, *counting)))]

    def some():
        return rng.choice(n, rng.integers(1, n + 1), replace=rng.random() < 0.2)

    pairs = []
    order = np.array_split(rng.permutation(n), rng.integers(2, 7))
    for k in range(rng.integers(1, 6)):
        kind = rng.integers(5)
        test = some() if kind else order[k % len(order)]
        train = np.setdiff1d(np.arange(n), test) if kind < 2 else some()
        pairs.append((side(train), side(test)))
    return pairs


def _of_moderate_size(rng, problem):
    """Return the problem with at most 64 rows and 40 columns: folds are many problems."""
    rows, columns = slice(64), slice(40)
    v = problem.v if problem.v is None or not problem.v[rows].any() else problem.v[rows]
    if v is not None and len(v) > 64:
        v = None
    return replace(problem, Z=problem.Z[rows, columns], y=problem.y[rows], v=v)


def cross_validation(rng, problem):
    problem = _of_moderate_size(rng, problem)
    if rng.random() < 0.2:  # with controls, as they are where there is some penalty
        problem = with_controls(replace(problem, params={**problem.params, "alpha": 1.0}))
    v = np.ones(len(problem.y)) if problem.v is None else problem.v
    params = {**problem.params}
    ratio, _ = params["l1_ratio"], params.pop("alpha")
    oracle = problem.oracle(alpha=1.0)
    largest = oracle.alpha_max()
    largest = largest if 1e-290 < largest < 1e290 else 1.0
    if ratio == 1 and rng.random() < 0.5:
        del params["l1_ratio"]
    elif rng.random() < 0.4:
        params["l1_ratio"] = [ratio, pick(rng, 0.5, 1.0, 0.05)]
    size = pick(rng, 1, 3, 6, 12)
    options = {
        "form": a_form(rng),
        "tol": pick(rng, TIGHT, TIGHT, 1e-4),
        "cv": odd_folds(rng, v),
        "alphas": grid(rng, largest, size, ratio, oracle),
        "early_stopping": bool(rng.random() < 0.1),
        "n_jobs": pick(rng, None, None, 2),
    }
    if ratio != 0 and rng.random() < 0.5:  # the automatic grid
        options["alphas"] = size
    elif any(params.get(name) is not None for name in ("penalty_factor", "lower", "upper")):
        options["alphas"] = [alpha or 1e-3 * largest for alpha in options["alphas"]]
    return replace(problem, params=params, options=options)


def ridge_folds(rng, problem):
    problem = _of_moderate_size(rng, problem)
    v = np.ones(len(problem.y)) if problem.v is None else problem.v
    params = {name: problem.params[name] for name in ("fit_intercept", "standardize")}
    alphas = [ridge_alpha(rng, problem) for _ in range(rng.integers(1, 8))]
    options = {"cv": odd_folds(rng, v), "alphas": alphas}
    return replace(problem, params=params, options=options)


def leave_one_out(rng, problem):
    """A problem of ordinary numbers, whose left-out errors extended precision knows to 1e-8."""
    n, p = pick(rng, 2, 3, 5, 9, 17, 30), pick(rng, 1, 2, 5, 12, 20)
    X = ar1(rng, n, p, pick(rng, 0.0, 0.5, 0.9)) + pick(rng, 0.0, 0.0, 10.0)
    if rng.random() < 0.3:
        X[:, rng.integers(p)] = pick(rng, 0.0, 3.0, X[:, 0])
    y = X @ rng.standard_normal(p) + rng.standard_normal(n) + pick(rng, 0.0, 100.0)
    weighting = pick(rng, None, "integers", "wide")
    v = None
    if weighting == "integers":
        v = np.append(rng.integers(0, 4, n - 2), [1, 2]).astype(float)
    elif weighting == "wide":
        v = 10.0 ** rng.uniform(-4, 4, n)
    params = {"fit_intercept": problem.params["fit_intercept"], "standardize": False}
    alphas = sorted(float(a) for a in 10.0 ** rng.uniform(-6, 6, rng.integers(1, 8)))
    container = pick(rng, *DENSE, *ODD, *SPARSE)
    return Problem(problem.seed, X, y, v, params, container, "tame", {"alphas": alphas})


def moments(rng, problem):
    Z = problem.Z[:48, :8].copy()
    if Z.dtype.kind == "f" and problem.container not in SPARSE and rng.random() < 0.3:
        Z[rng.random(Z.shape) < 0.3] = np.nan
    n = len(Z)
    cuts = rng.choice(np.arange(n), rng.integers(1, min(n, 16) + 1), replace=False)
    starts = sorted({0, *(int(cut) for cut in cuts)})
    v = None if problem.v is None else problem.v[:n].copy()
    if v is not None:
        v[starts] = np.maximum(v[starts], 1.0)
    return replace(problem, Z=Z, y=np.zeros(n), v=v, params={}, options={"starts": starts})


# What a kind makes of (generator, problem of the seed), who judges it, and its share of all seeds.
KINDS = {
    "optimum": (optimum, linear.optimum, 30),
    "certificate": (certificate, linear.certificate, 25),
    "ridge": (ridge, linear.ridge, 12),
    "controls": (controls, linear.controls, 7),
    "path": (path, linear.path, 8),
    "targets": (targets, linear.targets, 5),
    "cross-validation": (cross_validation, folds.cross_validation, 5),
    "ridge folds": (ridge_folds, folds.ridge_folds, 2),
    "leave one out": (leave_one_out, folds.leave_one_out, 2),
    "moments": (moments, statistics.moments, 4),
}


OF_HUNDRED = [kind for kind, (*_, share) in KINDS.items() for _ in range(share)]


def kind_of(seed):
    """Return the kind of problem that a seed stands for."""
    return pick(np.random.default_rng([seed, 1]), *OF_HUNDRED)


def make_case(seed, kind):
    """Return the problem of a seed and a kind."""
    return KINDS[kind][0](np.random.default_rng([seed, 2]), make_problem(seed))


def faults_of(kind, problem):
    """Return a list of what is wrong with the package's answer to a problem."""
    try:
        with time_limit(LIMIT):
            return list(KINDS[kind][1](problem))
    except Exception as error:
        if str(error).startswith("y: its values vary so little") and _is_rounding(problem.y):
            return []
        return [f"{type(error).__name__}: {error}"]


def _is_rounding(y):
    """Return whether squares of what y varies by are no floats, as is refused."""
    return np.max(np.abs(y - np.mean(y, axis=0))) < 2.0**-530


@contextmanager
def time_limit(seconds):
    """Raise TimeoutError in what takes longer."""

    def stop(*_):
        raise TimeoutError(f"not solved in {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def symptoms(faults):
    """Return the faults without their numbers, to compare those of two problems."""
    return {re.sub(r"[-+]?\b(\d[\d.]*(e[-+]?\d+)?|inf|nan)\b", "#", fault) for fault in faults}
