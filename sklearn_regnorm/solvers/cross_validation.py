"""Cross-validation as many weightings of one X: a fold is a weight vector."""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits

from .._statistics import cross_products, merge_all
from .gram import Path, heldout_errors, solve_gram
from .path import choose_form, gram_matrix, solve_path
from .problem import Problem
from .working_set import Lockstep

# Bytes of cross-products kept at once; beyond it each training side is computed from its rows.
STATISTICS_BYTES = 2**28


@dataclass
class CVResult:
    """Errors and certificates of every (ratio, alpha, fold) and the full-data paths.

    Attributes
    ----------
    errors, gaps : ndarray of shape (n_ratios, n_alphas, n_folds)
        On the inner scale.
    goals : ndarray of shape (n_folds,)
        What `tol` allows the gaps to be.
    paths : list of Path
        One per ratio, on all rows.
    gram : ndarray of shape (p, p) or None
        X'VX of all rows, if it was formed.
    """

    errors: np.ndarray
    gaps: np.ndarray
    goals: np.ndarray
    paths: list
    gram: np.ndarray | None


def cross_validate(problem, folds, ratios, grids, *, positive, tol, max_iter, n_jobs):
    """Solve every fold and the full data along every grid.

    Parameters
    ----------
    problem : Problem
        The full-data weighting.
    folds : list of (train, test)
        Row indices.
    ratios : list of float
        l1_ratio of each grid.
    grids : ndarray of shape (n_ratios, n_alphas)
        Decreasing alphas.
    """
    jobs = effective_n_jobs(n_jobs)
    parallel = Parallel(n_jobs=n_jobs, prefer="threads", require="sharedmem")
    engine = _gram_folds if choose_form(problem.design.shape[1]) == "gram" else _lockstep_folds
    with threadpool_limits(limits=1 if jobs > 1 else None, user_api="blas"):
        return engine(problem, folds, ratios, grids, positive, tol, max_iter, parallel)


def _row_weights(problem, rows):
    """Return the weights of the rows of one side of a fold; a row listed twice counts twice."""
    counts = np.bincount(rows, minlength=len(problem.weights))
    return counts * problem.data.weights


# ---------------------------------------------------------------- Gram form


def _gram_folds(problem, folds, ratios, grids, positive, tol, max_iter, parallel):
    data, target = problem.data, problem.target
    sides = _side_statistics(problem, folds, parallel)

    def solve(k, train, test):
        weights = _row_weights(problem, folds[k][0])
        moments = None
        if data.fit_intercept:
            moments = train.x_mean, np.diagonal(train.xx) / train.weight
        fold = Problem(data, target, weights, moments)
        G, q = train.xx / train.weight, train.xy[:, 0] / train.weight
        errors, gaps = np.empty(grids.shape), np.empty(grids.shape)
        for i, (ratio, alphas) in enumerate(zip(ratios, grids)):
            path = solve_gram(
                G, q, float(train.yy[0] / train.weight), fold.penalty(ratio, positive), alphas,
                max_iter, np.zeros(len(q)),
            )  # fmt: skip
            gaps[i] = path.gaps
            errors[i], doubtful = heldout_errors(path.coefs, train, test)
            if doubtful.any():
                held = _row_weights(problem, folds[k][1])
                R = fold.residual(path.coefs[doubtful].T)
                errors[i, doubtful] = held @ (R * R) / held.sum()
        return errors, gaps, fold.goal(tol)

    results = parallel(delayed(solve)(k, *side) for k, side in enumerate(sides))
    gram = gram_matrix(problem)
    paths = parallel(
        delayed(solve_path)(
            problem, problem.penalty(ratio, positive), alphas,
            tol=tol, max_iter=max_iter, gram=gram, certify=False,
        )
        for ratio, alphas in zip(ratios, grids)
    )  # fmt: skip
    errors, gaps, goals = zip(*results)
    return CVResult(
        np.stack(errors, axis=-1), np.stack(gaps, axis=-1), np.array(goals), paths, gram
    )


def _side_statistics(problem, folds, parallel):
    """Return [(train, test)] cross-products: rows that share their folds are summed up once."""
    data = problem.data
    n, p = problem.design.shape
    Y = data.targets[:, problem.target : problem.target + 1]
    counts = [np.bincount(side, minlength=n) for fold in folds for side in fold]
    plain = all(count.max() <= 1 for count in counts)
    _, group = np.unique(
        np.packbits(np.stack(counts) > 0, axis=0), axis=1, return_inverse=True
    )
    group = group.ravel()
    n_groups = group.max() + 1
    if plain and n_groups <= 3 * len(folds) and n_groups * p * p * 8 <= STATISTICS_BYTES:
        parts = parallel(
            delayed(_products)(problem, Y, data.weights, np.flatnonzero(group == k))
            for k in range(n_groups)
        )
        inside = [[parts[k] for k in np.unique(group[count > 0]) if parts[k]] for count in counts]
        sides = (merge_all(chosen) for chosen in inside)
    else:
        sides = (
            cross_products(problem.design, Y, count * data.weights, data.fit_intercept)
            for count in counts
        )
    return zip(sides, sides)


def _products(problem, Y, weights, rows):
    if not weights[rows].any():
        return None
    return cross_products(problem.design, Y, weights, problem.data.fit_intercept, rows)


# ---------------------------------------------------------------- working-set form


def _lockstep_folds(problem, folds, ratios, grids, positive, tol, max_iter, parallel):
    data = problem.data
    weightings = [_row_weights(problem, train) for train, _ in folds]
    held = [_row_weights(problem, test) for _, test in folds]
    V = np.stack([v / v.sum() for v in weightings], axis=1)
    mean, variance = problem.design.moments(V)
    problems = [
        Problem(data, problem.target, v, (mean[:, k], variance[:, k]))
        for k, v in enumerate(weightings)
    ]
    errors = np.empty((*grids.shape, len(folds)))
    gaps = np.empty_like(errors)
    paths = []
    for i, (ratio, alphas) in enumerate(zip(ratios, grids)):
        everyone = [*problems, problem]
        penalties = [one.penalty(ratio, positive) for one in everyone]
        if penalties[0].smooth:
            paths.append(_closed_folds(everyone, penalties, held, alphas, errors[i], gaps[i]))
            continue
        lockstep = Lockstep(everyone, penalties, tol, max_iter, parallel=parallel)
        n_alphas = len(alphas)
        path = Path(
            np.zeros((n_alphas, problem.design.shape[1])),
            np.zeros(n_alphas),
            np.zeros(n_alphas, dtype=np.int64),
        )
        for a, alpha in enumerate(alphas):
            path.n_iter[a] = lockstep.advance(alpha)[-1]
            path.coefs[a], path.gaps[a] = lockstep.states[-1].w, lockstep.states[-1].gap
            for k, (state, h) in enumerate(zip(lockstep.states, held)):
                gaps[i, a, k] = state.gap
                errors[i, a, k] = h @ (state.r * state.r) / h.sum()
        paths.append(path)
    goals = np.array([fold.goal(tol) for fold in problems])
    return CVResult(errors, gaps, goals, paths, None)


def _closed_folds(everyone, penalties, held, alphas, errors, gaps):
    """Fill errors and gaps (n_alphas, n_folds) of a ridge grid; return the full-data path."""
    for k, (fold, penalty) in enumerate(zip(everyone, penalties)):
        path = solve_path(fold, penalty, alphas, tol=0.0, max_iter=None)
        if k < len(held):
            gaps[:, k] = path.gaps
            R = fold.residual(path.coefs.T)
            errors[:, k] = held[k] @ (R * R) / held[k].sum()
    return path
