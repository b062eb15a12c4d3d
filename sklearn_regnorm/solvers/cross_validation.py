"""Cross-validation as many weightings of one X: a fold is a weight vector."""

from dataclasses import dataclass

import numpy as np

from .._statistics import cross_products, merge_all
from .gram import Path, gram_goal, heldout_errors, solve_gram
from .path import choose_form, solve_path
from .problem import Problem, make_problems
from .ridge_path import ridge_path
from .working_set import Lockstep

# Bytes of cross-products kept at once; beyond it each training side is computed from its rows.
STATISTICS_BYTES = 2**28
# Alphas after which a minimum of the errors may count as the minimum: half a decade and less.
PAST = 10


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
    """

    errors: np.ndarray
    gaps: np.ndarray
    goals: np.ndarray
    paths: list


class CrossValidation:
    """All folds of one data set, and the full data beside them.

    Parameters
    ----------
    data : Data
        With one target.
    folds : list of (train, test)
        Row indices.
    workers : Workers
        Threads over which the folds are spread.
    lasso_alphas : int
        Length of the grids, if they are those of a lasso, all alphas being positive.

    Attributes
    ----------
    problem : Problem
        That of all rows.
    """

    def __init__(self, data, folds, workers, lasso_alphas=0):
        self.data = data
        self.folds = folds
        self.workers = workers
        self.in_gram_form = choose_form(data, lasso_alphas) == "gram"
        whole = None
        if self.in_gram_form:
            whole, self.sides = fold_products(data, folds, workers)
        self.problem = Problem(data, 0, data.weights, products=whole)

    def run(self, ratios, grids, *, positive, tol, max_iter, early_stopping):
        """Solve every fold and the full data along every grid; return a `CVResult`.

        Parameters
        ----------
        ratios : list of float
            l1_ratio of each grid.
        grids : ndarray of shape (n_ratios, n_alphas)
            Decreasing alphas.
        early_stopping : bool
            End a grid once the folds' errors have turned; what is then not computed is NaN. In
            Gram form nothing would be saved, and all is computed.
        """
        if self.in_gram_form:
            return self._run_gram(ratios, grids, positive, tol, max_iter)
        return self._run_lockstep(ratios, grids, positive, tol, max_iter, early_stopping)

    def row_weights(self, k, side):
        """Return the weights (n,) of one side of fold k; a row listed twice counts twice."""
        counts = np.bincount(self.folds[k][side], minlength=len(self.data.weights))
        return counts * self.data.weights

    # ------------------------------------------------------------ Gram form

    def _run_gram(self, ratios, grids, positive, tol, max_iter):
        def solve_fold(k):
            train, test = self.sides(k)
            fold = Problem(self.data, 0, self.row_weights(k, 0), products=train)
            errors, gaps = np.empty(grids.shape), np.empty(grids.shape)
            for i, ratio in enumerate(ratios):
                penalty = fold.penalty(ratio, positive)
                goal = gram_goal(fold, tol)
                path = solve_gram(*fold.gram(), fold.yy, penalty, grids[i], max_iter, goal=goal)
                gaps[i] = path.gaps
                errors[i], doubtful = heldout_errors(path.coefs, train, test)
                if doubtful.any():
                    held = self.row_weights(k, 1)
                    R = fold.residual(path.coefs[doubtful].T)
                    errors[i, doubtful] = held @ (R * R) / held.sum()
            return errors, gaps, fold.goal(tol)

        def solve_whole(ratio, alphas):
            penalty = self.problem.penalty(ratio, positive)
            return solve_path(
                self.problem, penalty, alphas, tol=tol, max_iter=max_iter, certify=False
            )

        results = self.workers.map(solve_fold, range(len(self.folds)))
        paths = self.workers.map(solve_whole, ratios, grids)
        errors, gaps, goals = zip(*results, strict=True)
        return CVResult(np.stack(errors, axis=-1), np.stack(gaps, axis=-1), np.array(goals), paths)

    # ------------------------------------------------------------ working-set form

    def _run_lockstep(self, ratios, grids, positive, tol, max_iter, early_stopping):
        kept, held = (
            np.stack([self.row_weights(k, side) for k in range(len(self.folds))]) for side in (0, 1)
        )
        mean, variance = self.data.design.moments((kept / kept.sum(axis=1, keepdims=True)).T)
        folds = [Problem(self.data, 0, v, (mean[:, k], variance[:, k])) for k, v in enumerate(kept)]
        everyone = [*folds, self.problem]
        errors = np.full((*grids.shape, len(folds)), np.nan)
        gaps = errors.copy()
        paths = []
        for i, (ratio, alphas) in enumerate(zip(ratios, grids, strict=True)):
            penalties = [one.penalty(ratio, positive) for one in everyone]
            if penalties[0].smooth:
                path = _closed_folds(everyone, penalties, held, alphas, errors[i], gaps[i])
            else:
                lockstep = Lockstep(everyone, penalties, tol, max_iter, self.workers)
                path = _follow(lockstep, held, alphas, errors[i], gaps[i], early_stopping)
            paths.append(path)
        goals = np.array([fold.goal(tol) for fold in folds])
        return CVResult(errors, gaps, goals, paths)


def cross_validate_ridge(data, folds, alphas, workers, judge=None):
    """Return errors, gaps (n_alphas, n_folds) and judgements of a ridge grid on every fold.

    Parameters
    ----------
    data : Data
    folds : list of (train, test)
    alphas : ndarray of shape (n_alphas,)
        In units of the mean loss on all rows; a fold's sum over rows has fewer of them.
    workers : Workers
    judge : callable, optional
        ``judge(problems, coefs, test)`` of a fold, coefs (n_alphas, n_targets, p); by default
        minus the errors. Returns (n_alphas,).
    """
    engine = CrossValidation(data, folds, workers)

    def solve(k):
        kept, held = engine.row_weights(k, 0), engine.row_weights(k, 1)
        train, test = engine.sides(k) if engine.in_gram_form else (None, None)
        problems = make_problems(data, kept, train)
        grid = alphas * (data.weights.sum() / kept.sum())
        coefs, gaps = ridge_path(problems, problems[0].penalty(0.0, positive=False), grid)
        errors = np.empty(gaps.shape)
        for t, problem in enumerate(problems):
            doubtful = np.ones(len(grid), dtype=bool)
            if train is not None:
                errors[:, t], doubtful = heldout_errors(coefs[:, t], train, test, t)
            if doubtful.any():
                R = problem.residual(coefs[doubtful, t].T)
                errors[doubtful, t] = held @ (R * R) / held.sum()
            errors[:, t] = problem.outer_gap(errors[:, t])
            gaps[:, t] = problem.outer_gap(gaps[:, t])
        errors = errors.mean(axis=1)
        verdict = -errors if judge is None else judge(problems, coefs, folds[k][1])
        return errors, gaps.max(axis=1), verdict

    results = workers.map(solve, range(len(folds)))
    return [np.stack(parts, axis=1) for parts in zip(*results, strict=True)]


def fold_products(data, folds, workers):
    """Return the cross-products of all rows, and a function of k that gives fold k's two sides'.

    Rows that lie on the same sides of all folds are summed up once; a side is the merger of such
    groups, so that no sum is ever taken apart again. Where the groups are too many to keep, or
    a side lists rows twice, the sides are computed from their rows when asked for.
    """
    n, p = data.design.shape

    def products(weights, rows=None):
        return cross_products(data.design, data.targets, weights, data.fit_intercept, rows)

    def from_rows(k):
        counts = (np.bincount(side, minlength=n) for side in folds[k])
        return [products(count * data.weights) for count in counts]

    most = min(3 * len(folds), STATISTICS_BYTES // (8 * p * p))
    members = shared_groups(folds, data.weights, most)
    if members is None:
        return products(data.weights), from_rows
    parts = workers.map(lambda rows: products(data.weights, rows), members)
    group = np.full(n, -1)
    for k, rows in enumerate(members):
        group[rows] = k

    def merged(k):
        chosen = (np.setdiff1d(group[side], [-1]) for side in folds[k])
        return [merge_all([parts[i] for i in which]) for which in chosen]

    return merge_all(parts), merged


def shared_groups(folds, weights, most):
    """Group the rows of positive weight by the sides they are on.

    Returns a list of row indices, or None if there would be more than `most` groups or a side
    lists a row twice.
    """
    if len(folds) > most:
        return None
    group = np.zeros(len(weights), dtype=np.int64)
    for fold in folds:
        for side in fold:
            counts = np.bincount(side, minlength=len(weights))
            if counts.max(initial=0) > 1:
                return None
            group = 2 * group + counts
        if group.max() > 2**40:
            group = np.unique(group, return_inverse=True)[1]
    group = np.where(weights > 0, np.unique(group, return_inverse=True)[1], -1)
    present = np.setdiff1d(group, [-1])
    return None if len(present) > most else [np.flatnonzero(group == k) for k in present]


def _follow(lockstep, held, alphas, errors, gaps, early_stopping):
    """Advance along `alphas`, filling errors and gaps (n_alphas, n_folds) of the folds.

    The last problem of `lockstep` is that of all rows; its path is returned.
    """
    *folds, whole = lockstep.states
    path = Path.empty(len(alphas), len(whole.w))
    for part in lockstep.segments(alphas):
        lockstep.advance(alphas[part])
        path.fill(part, whole.points)
        for k, (fold, h) in enumerate(zip(folds, held, strict=True)):
            gaps[part, k] = [point.gap for point in fold.points]
            errors[part, k] = [h @ (point.r * point.r) / h.sum() for point in fold.points]
        if early_stopping and has_turned(errors[: part.stop]):
            path.coefs[part.stop :] = np.nan
            break
    return path


def has_turned(errors):
    """Return whether the mean over folds of errors (n_alphas, n_folds) has clearly turned.

    It has if its minimum lies at least PAST alphas back and the last errors exceed those at the
    minimum, fold by fold, by two standard errors in the mean.
    """
    best = int(np.argmin(errors.mean(axis=1)))
    if len(errors) - 1 - best < PAST:
        return False
    excess = errors[-1] - errors[best]
    noise = excess.std(ddof=1) / np.sqrt(len(excess)) if len(excess) > 1 else 0.0
    return bool(excess.mean() > 2.0 * noise)


def _closed_folds(everyone, penalties, held, alphas, errors, gaps):
    """Fill errors and gaps (n_alphas, n_folds) of a ridge grid; return the full-data path."""
    for k, (fold, penalty) in enumerate(zip(everyone, penalties, strict=True)):
        path = solve_path(fold, penalty, alphas, tol=0.0, max_iter=None)
        if k < len(held):
            gaps[:, k] = path.gaps
            R = fold.residual(path.coefs.T)
            errors[:, k] = held[k] @ (R * R) / held[k].sum()
    return path
