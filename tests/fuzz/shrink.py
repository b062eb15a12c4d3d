"""Make a failing problem smaller and plainer, as long as it fails in the same way."""

import time
from dataclasses import replace

import numpy as np

from .cases import faults_of, symptoms

# What is tried for a parameter or an option that is there, in turn.
PLAINER = {
    "standardize": [False], "positive": [False], "fit_intercept": [False],
    "penalty_factor": [None], "lower": [None], "upper": [None], "l1_ratio": [1.0, 0.5],
    "start": [None], "form": [None], "early_stopping": [False], "n_jobs": [None],
}  # fmt: skip
PER_COLUMN = "penalty_factor", "lower", "upper"
# Most attempts, and seconds, for one problem.
ATTEMPTS = 1000
SECONDS = 60


def shrink(kind, problem, faults):
    """Return the plainest problem found that shares a symptom with `faults`, and its faults."""
    wanted, end = symptoms(faults), time.monotonic() + SECONDS
    attempts, again = 0, True
    while again:
        again = False
        for one in candidates(problem):
            attempts += 1
            if attempts > ATTEMPTS or time.monotonic() > end:
                return problem, faults
            found = faults_of(kind, one)
            if symptoms(found) & wanted:
                problem, faults, again = one, found, True
                break
    return problem, faults


def candidates(problem):
    """Yield problems that are a little smaller or plainer: the largest steps first."""
    n, p = problem.Z.shape
    for keep in halves(n):
        yield rows_of(problem, keep)
    for keep in halves(p):
        yield columns_of(problem, keep)
    if problem.y.ndim == 2:
        yield from (replace(problem, y=problem.y[:, keep]) for keep in halves(problem.y.shape[1]))
    if problem.container != "C":
        yield replace(problem, container="C")
    if problem.Z.dtype != np.float64:
        yield replace(problem, Z=problem.Z.astype(float))
    if problem.v is not None:
        yield replace(problem, v=None)
    for field in ("params", "options"):
        yield from (replace(problem, **{field: one}) for one in plainer(getattr(problem, field)))
    yield from with_fewer_digits(problem)


def halves(size):
    """Yield ever smaller parts of range(size) less one of its parts: halves, quarters, ..."""
    part = size // 2
    while part:
        for first in range(0, size, part):
            keep = np.delete(np.arange(size), slice(first, first + part))
            if len(keep):
                yield keep
        part //= 2


def rows_of(problem, keep):
    """Return the problem of some rows, in folds and batches too."""
    options = dict(problem.options)
    if "cv" in options:
        place = {int(row): k for k, row in enumerate(keep)}
        options["cv"] = [
            [[place[i] for i in side if i in place] for side in fold] for fold in options["cv"]
        ]
    if "starts" in options:
        starts = {int(np.searchsorted(keep, start)) for start in options["starts"]}
        options["starts"] = sorted({0} | (starts - {len(keep)}))
    v = None if problem.v is None else problem.v[keep]
    return replace(problem, Z=problem.Z[keep], y=problem.y[keep], v=v, options=options)


def columns_of(problem, keep):
    """Return the problem of some columns."""
    params = {
        name: np.asarray(one)[keep] if name in PER_COLUMN and np.ndim(one) else one
        for name, one in problem.params.items()
    }
    return replace(problem, Z=problem.Z[:, keep], params=params)


def plainer(given):
    """Yield parameters or options of which one is plainer, or a list is shorter."""
    for name, value in given.items():
        for plain in PLAINER.get(name, []):
            if np.ndim(value) == 0 and (value is plain or value == plain):
                break  # those behind it are no plainer
            yield {**given, name: plain}
        if name in ("cv", "alphas") and np.iterable(value) and len(value) > 1:
            for keep in halves(len(value)):
                yield {**given, name: [value[i] for i in keep]}


def with_fewer_digits(problem):
    """Yield problems whose numbers have fewer digits."""
    for digits in (1, 3):
        for field in ("Z", "y", "v"):
            value = getattr(problem, field)
            rounded = None if value is None else few_digits(value, digits)
            if value is not None and not np.array_equal(rounded, value, equal_nan=True):
                yield replace(problem, **{field: rounded})


def few_digits(values, digits):
    """Return values rounded to so many significant digits."""
    if values.dtype.kind != "f":
        return values
    text = np.array([f"%.{digits - 1}e" % one for one in values.ravel()])
    return text.astype(values.dtype).reshape(values.shape)
