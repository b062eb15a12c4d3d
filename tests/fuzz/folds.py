"""Judges of cross-validation: every fold's solution, its held-out error, the choice.

Options: form, tol, cv (a list of pairs of row indices), alphas and early_stopping, all as given to
the estimator.
"""

from unittest import mock

import numpy as np
from oracle import LONG, UNITS, Oracle
from problems import SPARSE
from ridge_reference import left_out

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.solvers.cross_validation import CrossValidation

from .linear import MANY, TIGHT, judge_loose, judge_tight, judge_warnings, solving

# Share of the penalty by which solutions that are not the returned one may miss optimality.
PATH_LIMIT = 1e-8
# Share of themselves by which held-out errors may be off, beside the rounding of the residuals.
ERROR_LIMIT = 1e-8
# What RidgeCV, which has no tol, warns of missing. It mostly gets to the rounding floor.
RIDGE_TOL = 1e-4


class Seen:
    """The solutions of every fold, which the estimators judge but do not keep."""

    def __init__(self):
        self.of_fold = {}

    def watch(self, k, i, part, problem, coefs):
        solutions = zip(problem.outer_coef(coefs), problem.intercept(coefs), strict=True)
        for a, solution in enumerate(solutions, start=part.start):
            self.of_fold[i, a, k] = solution


def watched(model, X, y, v):
    """Fit a CV estimator; return {(ratio, alpha, fold): (coef, intercept)} of its folds."""
    seen = Seen()

    def run(engine, *args, **kwargs):
        return original(engine, *args, **{**kwargs, "watch": seen.watch})

    original = CrossValidation.run
    with mock.patch.object(CrossValidation, "run", run):
        model.fit(X, y, sample_weight=v)
    return seen.of_fold


def sides(problem):
    """Return the row indices (train, test) of every fold."""
    return [tuple(np.asarray(side, dtype=int) for side in fold) for fold in problem.options["cv"]]


def weights(problem):
    """Return the row weights, ones if there are none."""
    return np.ones(len(problem.y)) if problem.v is None else problem.v


def of_rows(problem, rows, params):
    """Return the Oracle of some rows."""
    return Oracle(problem.Z[rows], problem.y[rows], weights(problem)[rows], **params)


def extent(problem):
    """Return the sizes of columns, of y and of columns in products, for `Oracle.kkt`.

    Folds share what is shifted, however little its rows differ; and products of sparse columns are
    centred afterwards.
    """
    counts = weights(problem) > 0
    X, y = problem.Z[counts].astype(LONG), problem.y[counts].astype(LONG)
    columns = np.abs(X - X[0]).max(axis=0)
    return columns, np.abs(y - y[0]).max(), columns * (problem.container in SPARSE)


def judge_error(problem, test, solution, error, extent):
    """List in what a held-out error is not that of a solution."""
    w, b = (np.asarray(one).astype(LONG) for one in solution)
    v, y, X = (one[test].astype(LONG) for one in (weights(problem), problem.y, problem.Z))
    residual = y - b - X @ w
    size = np.abs(y) + np.abs(b) + np.abs(X) @ np.abs(w)
    exact, largest = (v @ one**2 / v.sum() for one in (residual, size))
    unit = UNITS * problem.eps * (np.sqrt(largest) + extent[1])
    limit = ERROR_LIMIT * exact + unit * (2 * np.sqrt(exact) + unit)
    limit += UNITS * problem.eps * (extent[2] @ np.abs(w)) ** 2
    if not abs(error - exact) <= limit:
        yield f"held-out error {error!r}, not {float(exact)!r}"


def cross_validation(problem):
    """Fit LassoCV or ElasticNetCV: folds certified, errors recomputed, choice made anew."""
    options, eps, tol = problem.options, problem.eps, problem.options["tol"]
    params = dict(problem.params)
    ratios = np.atleast_1d(params.get("l1_ratio", 1.0))
    model = (ElasticNetCV if "l1_ratio" in params else LassoCV)(
        **params, alphas=options["alphas"], cv=options["cv"], tol=tol, max_iter=MANY,
        early_stopping=options["early_stopping"], n_jobs=options["n_jobs"],
    )  # fmt: skip
    with solving(options["form"]) as messages:
        seen = watched(model, problem.X, problem.y, problem.v)
    grids, errors = model.alphas_, model.mse_path_
    if grids.ndim == 1 or len(ratios) == 1:
        grids = np.broadcast_to(grids, (len(ratios), grids.shape[-1]))
    errors, gaps = (one.reshape(*grids.shape, -1) for one in (errors, model.dual_gap_path_))
    flags, size = {**params, "alpha": 1.0, "l1_ratio": 1.0}, extent(problem)
    whole, paths = of_rows(problem, slice(None), flags), model.coef_path_
    unsolved = not model.dual_gap_ <= whole.goal(tol, eps)
    for k, (train, test) in enumerate(sides(problem)):
        oracle = of_rows(problem, train, flags)
        unsolved |= np.any(gaps[:, :, k] > oracle.goal(tol, eps))
        for i, a in np.ndindex(grids.shape):
            if (i, a, k) not in seen:
                if not options["early_stopping"] or not np.isnan(errors[i, a, k]):
                    yield f"fold {k}, alpha {a}, ratio {i}: not solved"
                continue
            one, solution = oracle.at(grids[i, a], ratios[i]), seen[i, a, k]
            found = list(judge_error(problem, test, solution, errors[i, a, k], size))
            found += _judge_solution(one, solution, gaps[i, a, k], tol, eps, size)
            yield from (f"fold {k}, alpha {a}, ratio {i}: {fault}" for fault in found)
    warned = [m for m in messages if m.startswith("ConvergenceWarning")]
    yield from (m for m in messages if m not in warned)
    if len(warned) != unsolved:
        yield f"{len(warned)} warnings, and all gaps are small enough: {not unsolved}"
    yield from judge_choice(model, grids, ratios, errors)
    paths = paths.reshape(*grids.shape, -1)
    intercepts = model.intercept_path_.reshape(grids.shape)
    gaps = model.cv_table_["dual_gap"].reshape(grids.shape)
    for i, a in np.ndindex(grids.shape):
        if not np.isnan(paths[i, a]).any():
            one, solution = whole.at(grids[i, a], ratios[i]), (paths[i, a], intercepts[i, a])
            found = _judge_solution(one, solution, gaps[i, a], tol, eps, size)
            yield from (f"all rows, alpha {a}, ratio {i}: {fault}" for fault in found)
    chosen = whole.at(model.alpha_, getattr(model, "l1_ratio_", 1.0))
    yield from _judge_solution(chosen, (model.coef_, model.intercept_), model.dual_gap_, tol, eps)


def _judge_solution(oracle, solution, gap, tol, eps, extent=None):
    if tol <= TIGHT:
        yield from judge_tight(oracle, *solution, gap, eps, PATH_LIMIT, extent)
    else:
        yield from judge_loose(oracle, solution[0], gap, tol, eps, extent)


def judge_choice(model, grids, ratios, errors):
    """List in what the choice is not the least mean error, the first of equals."""
    mean = errors.mean(axis=2)
    i, a = np.unravel_index(np.nanargmin(mean), mean.shape)
    if model.alpha_ != grids[i, a] or getattr(model, "l1_ratio_", 1.0) != ratios[i]:
        yield f"alpha_ {model.alpha_!r} was chosen, not {grids[i, a]!r} of ratio {ratios[i]}"


def ridge_folds(problem):
    """Fit RidgeCV with folds, whose solutions a scorer sees."""
    options, eps, seen = problem.options, problem.eps, []

    def score(model, X, y, sample_weight=None):
        seen.append((model.coef_.copy(), model.intercept_))
        v = None if sample_weight is None else sample_weight / sample_weight.max()
        return -np.average((y - X @ model.coef_ - model.intercept_) ** 2, weights=v)

    params = {name: problem.params[name] for name in ("fit_intercept", "standardize")}
    model = RidgeCV(options["alphas"], cv=options["cv"], scoring=score, **params)
    model = fitted_ridge(model, problem)
    grid, folds, size = model.alphas_, sides(problem), extent(problem)
    found = iter(seen)
    for k, (train, test) in enumerate(folds):
        oracle = of_rows(problem, train, {**params, "alpha": 0.0, "l1_ratio": 0.0})
        for a, alpha in enumerate(grid):
            solution, one = next(found), oracle.at(LONG(alpha) / oracle.total, 0.0)
            faults = list(judge_error(problem, test, solution, model.mse_path_[a, k], size))
            gap = model.dual_gap_path_[a, k]
            faults += _judge_solution(one, solution, gap, TIGHT, eps, size)
            yield from (f"fold {k}, alpha {a}: {fault}" for fault in faults)
    whole = of_rows(problem, slice(None), {**params, "alpha": 0.0, "l1_ratio": 0.0})
    whole = whole.at(LONG(model.alpha_) / whole.total, 0.0)
    yield from judge_warnings(model.dual_gap_, model.messages, whole.goal(RIDGE_TOL, eps))
    yield from judge_tight(whole, model.coef_, model.intercept_, model.dual_gap_, eps)
    mean = model.cv_table_["mean_test_score"]
    if model.alpha_ != grid[np.argmax(mean)]:
        yield f"alpha_ {model.alpha_!r} was chosen, not {grid[np.argmax(mean)]!r}"


def fitted_ridge(model, problem):
    """Fit a RidgeCV and keep its warnings, but for that of a choice at the edge, as `messages`."""
    with solving(None) as messages:
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    model.messages = [m for m in messages if "RidgeCV chose alpha" not in m]
    return model


def leave_one_out(problem):
    """Fit RidgeCV without folds: its errors against leaving each row out by hand."""
    params = {name: problem.params[name] for name in ("fit_intercept", "standardize")}
    model = fitted_ridge(RidgeCV(problem.options["alphas"], **params), problem)
    yield from model.messages
    v, y = weights(problem), problem.y.astype(float)
    counts = v > 0
    expected = left_out(problem.Z.astype(float), y[:, None], v, model.alphas_, **params)[..., 0]
    errors = np.sqrt(model.mse_path_)
    size = np.abs(y).max()
    off = np.abs(errors - expected)[:, counts] - 1e-8 * expected[:, counts]
    if not np.all(off <= 1e-8 * size):
        yield f"left-out errors are off by {off.max() / size:.3g} of the largest y"
    mean = np.average(model.mse_path_, axis=1, weights=v)
    if not mean[model.best_index_] <= mean.min() * (1 + 1e-12):
        yield f"alpha_ {model.alpha_!r} was chosen, not {model.alphas_[np.argmin(mean)]!r}"
