"""Cross-validation where every fold sees an X of its own, as a preprocessor of its rows made it."""

from time import perf_counter

from .cross_validation import CrossValidation, CVResult, report_paths, row_errors
from .path import choose_form, solve_path
from .problem import Problem


class SeparateFolds(CrossValidation):
    """Folds whose columns differ by more than their scales: each is a data set for itself.

    Parameters
    ----------
    make_data : callable
        ``make_data(k)`` returns the `Data` of fold k, all rows of it, or of all rows (-1).
    folds, workers, adaptive
        As for `CrossValidation`.
    """

    def __init__(self, make_data, folds, workers, adaptive=False):
        self.make_data = make_data
        self.data = make_data(-1)
        self.folds = folds
        self.workers = workers
        self.adaptive = adaptive
        self.scales = None
        self.in_gram_form = choose_form(self.data) == "gram"
        self.problem = self.penalised(-1, Problem(self.data, 0, self.data.weights))

    whole_grids = True

    def run(self, ratios, grids, *, tol, max_iter, early_stopping=False, watch=None, progress=None):
        """Solve every fold, whole grids at once, and the full data; return a `CVResult`."""
        result = CVResult.empty(*grids.shape, len(self.folds))
        options = {"tol": tol, "max_iter": max_iter, "certify": False}

        def solve(k):
            problem = self.problem
            if k >= 0:
                problem = Problem(self.make_data(k), 0, self.row_weights(k, 0))
                self.penalised(k, problem)
                result.goals[k] = problem.goal(tol)
            paths, seconds = [], []
            for i, ratio in enumerate(ratios):
                begin = perf_counter()
                path = solve_path(problem, problem.penalty(ratio), grids[i], **options)
                if k >= 0:
                    result.gaps[i, :, k] = path.gaps
                    result.errors[i, :, k] = row_errors(problem, path.coefs, self.row_weights(k, 1))
                    if watch is not None:
                        watch(k, i, slice(0, grids.shape[1]), problem, path.coefs)
                else:
                    result.training[i] = row_errors(problem, path.coefs, problem.weights)
                paths.append(path)
                seconds.append((perf_counter() - begin) / grids.shape[1])
            if k >= 0 and progress is not None:
                progress.fold_solved(k)
            return paths if k < 0 else None, seconds

        found = self.workers.map(solve, [-1, *range(len(self.folds))])
        result.paths.extend(found[0][0])
        report_paths(result.paths, progress)
        for _, seconds in found:
            result.seconds += [[one] for one in seconds]
        return result
