"""Cross-validation as many weightings of one X: a fold is a weight vector."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from .._statistics import cross_products, merge_all
from .adaptive import adaptive_factor
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
    training : ndarray of shape (n_ratios, n_alphas)
        Mean squared errors of the paths on all rows, on the inner scale.
    seconds : ndarray of shape (n_ratios, n_alphas)
        Time for all folds and all rows; alphas solved together share theirs.
    """

    errors: np.ndarray
    gaps: np.ndarray
    goals: np.ndarray
    paths: list
    training: np.ndarray
    seconds: np.ndarray

    @classmethod
    def empty(cls, n_ratios, n_alphas, n_folds):
        """Return one in which nothing has been computed."""
        errors = np.full((n_ratios, n_alphas, n_folds), np.nan)
        training = np.full((n_ratios, n_alphas), np.nan)
        seconds = np.zeros((n_ratios, n_alphas))
        return cls(errors, errors.copy(), np.full(n_folds, np.nan), [], training, seconds)


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
    adaptive : bool
        Whether penalty factors come from a pilot fit on the rows of each problem.
    scales : list of ndarray of shape (p,), optional
        What columns are divided by before they are penalised: for each fold, then for all rows.

    Attributes
    ----------
    problem : Problem
        That of all rows.
    """

    def __init__(self, data, folds, workers, lasso_alphas=0, adaptive=False, scales=None):
        self.data = data
        self.folds = folds
        self.workers = workers
        self.adaptive = adaptive
        self.scales = scales
        self.in_gram_form = choose_form(data, lasso_alphas) == "gram"
        whole = None
        if self.in_gram_form:
            whole, self.sides = fold_products(data, folds, workers)
        self.problem = self.penalised(-1, Problem(data, 0, data.weights, products=whole))

    def penalised(self, k, problem):
        """Return the problem of fold k (-1: of all rows), with its scales and penalty factors."""
        if self.scales is not None and not self.data.standardize:
            problem.scale = self.scales[k] / self.data.column_scale
            problem.scale[problem.norm == 0] = 1.0
        if self.adaptive:
            problem.factor = adaptive_factor(problem)
        return problem

    @property
    def whole_grids(self):
        """Whether each fold is solved for all penalties at once, and not penalty by penalty."""
        return self.in_gram_form

    def run(self, ratios, grids, *, tol, max_iter, early_stopping=False, watch=None, progress=None):
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
        watch : callable, optional
            ``watch(k, i, part, problem, coefs)`` sees the coefficients (m, p) of fold k at the
            i-th ratio and a slice of the grid, as soon as they are known. Folds may come from
            several threads at once.
        progress : Progress, optional
            Is told of what has been solved, and may end a grid where nothing else does.
        """
        result = CVResult.empty(*grids.shape, len(self.folds))
        if self.in_gram_form:
            self._run_gram(result, ratios, grids, tol, max_iter, watch, progress)
        else:
            spies = early_stopping, watch, progress
            self._run_lockstep(result, ratios, grids, tol, max_iter, *spies)
        return result

    def row_weights(self, k, side):
        """Return the weights (n,) of one side of fold k; a row listed twice counts twice."""
        counts = np.bincount(self.folds[k][side], minlength=len(self.data.weights))
        return counts * self.data.weights

    # ------------------------------------------------------------ Gram form

    def _run_gram(self, result, ratios, grids, tol, max_iter, watch, progress):
        whole = slice(0, grids.shape[1])

        def solve_fold(k):
            train, test = self.sides(k)
            fold = Problem(self.data, 0, self.row_weights(k, 0), products=train)
            self.penalised(k, fold)
            for i, ratio in enumerate(ratios):
                begin = perf_counter()
                penalty = fold.penalty(ratio)
                goal = gram_goal(fold, tol)
                path = solve_gram(*fold.gram(), fold.yy, penalty, grids[i], max_iter, goal=goal)
                result.gaps[i, :, k] = path.gaps
                held = self.row_weights(k, 1)
                result.errors[i, :, k] = product_errors(fold, path.coefs, train, test, held)
                if watch is not None:
                    watch(k, i, whole, fold, path.coefs)
                seconds[k, i] = (perf_counter() - begin) / grids.shape[1]
            result.goals[k] = fold.goal(tol)
            if progress is not None:
                progress.fold_solved(k)

        def solve_whole(i):
            begin = perf_counter()
            penalty = self.problem.penalty(ratios[i])
            options = {"tol": tol, "max_iter": max_iter, "certify": False}
            path = solve_path(self.problem, penalty, grids[i], **options)
            both = 2 * [self.problem.products]
            result.training[i] = product_errors(self.problem, path.coefs, *both, self.data.weights)
            seconds[-1, i] = (perf_counter() - begin) / grids.shape[1]
            return path

        seconds = np.zeros((len(self.folds) + 1, len(ratios)))
        self.workers.map(solve_fold, range(len(self.folds)))
        result.paths.extend(self.workers.map(solve_whole, range(len(ratios))))
        report_paths(result.paths, progress)
        result.seconds += seconds.sum(axis=0)[:, None]

    # ------------------------------------------------------------ working-set form

    def _run_lockstep(self, result, ratios, grids, tol, max_iter, early_stopping, watch, progress):
        kept, held = (
            np.stack([self.row_weights(k, side) for k in range(len(self.folds))]) for side in (0, 1)
        )
        mean, variance = self.data.design.moments((kept / kept.sum(axis=1, keepdims=True)).T)
        folds = [
            self.penalised(k, Problem(self.data, 0, v, (mean[:, k], variance[:, k])))
            for k, v in enumerate(kept)
        ]
        everyone = [*folds, self.problem]
        result.goals[:] = [fold.goal(tol) for fold in folds]
        for i, (ratio, alphas) in enumerate(zip(ratios, grids, strict=True)):
            penalties = [one.penalty(ratio) for one in everyone]
            if penalties[0].smooth:
                path = _closed_folds(everyone, penalties, held, alphas, result, i, watch)
                if progress is not None:
                    progress.solved(i, slice(0, len(alphas)), path.coefs)
            else:
                lockstep = Lockstep(everyone, penalties, tol, max_iter, self.workers)
                spies = early_stopping, watch, progress
                path = _follow(lockstep, held, alphas, result, i, *spies)
            result.paths.append(path)


def report_paths(paths, progress):
    """Tell of paths that have been solved whole."""
    for i, path in enumerate(paths if progress is not None else []):
        progress.solved(i, slice(0, len(path.coefs)), path.coefs)


def product_errors(problem, coefs, train, test, held):
    """Return the mean squared errors of coefs (m, p) on the test rows, from cross-products.

    Where those lose too many digits, from the rows themselves, at weights `held`.
    """
    errors, doubtful = heldout_errors(coefs, train, test, problem.target)
    if doubtful.any():
        errors[doubtful] = row_errors(problem, coefs[doubtful], held)
    return errors


def row_errors(problem, coefs, held):
    """Return the mean squared errors of coefs (m, p) at row weights `held`, from the rows."""
    R = problem.residual(coefs.T)
    return held @ (R * R) / held.sum()


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
        coefs, gaps = ridge_path(problems, problems[0].penalty(0.0), grid)
        errors = np.empty(gaps.shape)
        for t, problem in enumerate(problems):
            if train is not None:
                errors[:, t] = product_errors(problem, coefs[:, t], train, test, held)
            else:
                errors[:, t] = row_errors(problem, coefs[:, t], held)
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


def _follow(lockstep, held, alphas, result, i, early_stopping, watch, progress):
    """Advance along `alphas`, the grid of the i-th ratio, filling in the folds' results.

    The last problem of `lockstep` is that of all rows; its path is returned.
    """
    *folds, whole = lockstep.states
    path = Path.empty(len(alphas), len(whole.w))
    begin = perf_counter()
    for part in lockstep.segments(alphas):
        lockstep.advance(alphas[part])
        path.fill(part, whole.points)
        v = whole.problem.weights
        result.training[i, part] = [v @ (point.r * point.r) for point in whole.points]
        for k, (fold, h) in enumerate(zip(folds, held, strict=True)):
            result.gaps[i, part, k] = [point.gap for point in fold.points]
            errors = [h @ (point.r * point.r) / h.sum() for point in fold.points]
            result.errors[i, part, k] = errors
            if watch is not None:
                watch(k, i, part, fold.problem, np.stack([point.w for point in fold.points]))
        begin, before = perf_counter(), begin
        result.seconds[i, part] = (begin - before) / len(alphas[part])
        enough = early_stopping and has_turned(result.errors[i, : part.stop])
        if progress is not None:
            enough |= progress.solved(i, part, path.coefs[part])
        if enough:
            path.coefs[part.stop :] = path.gaps[part.stop :] = np.nan
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


def _closed_folds(everyone, penalties, held, alphas, result, i, watch):
    """Fill in the folds' results of a ridge grid, that of the i-th ratio; return the full path."""
    begin = perf_counter()
    for k, (fold, penalty) in enumerate(zip(everyone, penalties, strict=True)):
        path = solve_path(fold, penalty, alphas, tol=0.0, max_iter=None)
        if k < len(held):
            result.gaps[i, :, k] = path.gaps
            result.errors[i, :, k] = row_errors(fold, path.coefs, held[k])
            if watch is not None:
                watch(k, i, slice(0, len(alphas)), fold, path.coefs)
    result.training[i] = row_errors(fold, path.coefs, fold.weights)
    result.seconds[i] = (perf_counter() - begin) / len(alphas)
    return path
