"""Many weightings of one X along one grid, of whose paths only what a visitor keeps stays.

Subsamples are weight vectors, as folds are, but many: their paths together would be the largest
array there is. So they are solved in batches, and every stretch of a path is shown to a visitor as
soon as it is solved.
"""

from dataclasses import dataclass, replace

import numpy as np

from .._statistics import cross_products
from .._threads import Workers
from .gram import gram_goal, solve_gram
from .path import choose_form
from .problem import Problem
from .working_set import THREADED_ENTRIES, TOGETHER, Lockstep

# Bytes that a batch of problems in working-set form may take, and vectors of length p and of
# length n that one of them keeps: what sets the size of a batch.
BATCH_BYTES = 2**27
VECTORS = 24, 12


@dataclass(frozen=True)
class Certificates:
    """How well every weighting is solved at every alpha, on the inner scale.

    Attributes
    ----------
    gaps, n_iter : ndarray of shape (n_alphas, count)
        Duality gaps and sweeps.
    goals : ndarray of shape (count,)
        What `tol` allows the gaps to be.
    """

    gaps: np.ndarray
    n_iter: np.ndarray
    goals: np.ndarray

    @classmethod
    def empty(cls, n_alphas, count):
        """Return certificates to be filled in."""
        shape = n_alphas, count
        return cls(np.empty(shape), np.zeros(shape, dtype=np.int64), np.empty(count))


class Weightings:
    """Many weightings of the rows of one data set, with one penalty.

    Parameters
    ----------
    data : Data
        With one target.
    draw : callable
        ``draw(k)`` returns the weights (n,) of weighting k, the same whenever it is asked. All
        have about as many positive ones, for the form is chosen by the first.
    count : int
        How many weightings there are.
    l1_ratio : float
        Share of the L1 part, positive.
    workers : Workers
        Threads over which the weightings are spread. Results do not depend on their number:
        batches depend on shapes only.
    lasso_alphas : int
        Length of the grid if it is that of a lasso, else 0.

    Attributes
    ----------
    alpha_max : float
        The least alpha at which no weighting has a non-zero coefficient.
    """

    def __init__(self, data, draw, count, *, l1_ratio, workers, lasso_alphas=0):
        self.data = data
        self.draw = draw
        self.count = count
        self.l1_ratio = l1_ratio
        self.workers = workers
        one = replace(data, weights=draw(0))
        self.in_gram_form = choose_form(one, lasso_alphas) == "gram"
        n, p = data.design.shape
        each = 8 * (VECTORS[0] * p + VECTORS[1] * n)
        size = max(1, min(TOGETHER, BATCH_BYTES // each))
        self.batches = [range(k, min(k + size, count)) for k in range(0, count, size)]
        # large problems share the threads, of small ones each thread takes whole batches
        large = n * p >= THREADED_ENTRIES
        self.within = workers if large else Workers(1)
        self.across = Workers(1) if large else workers
        # before any is solved: the design is told of all columns' moments here, and stays so
        self.alpha_max = max(self.across.map(self._batch_alpha_max, self.batches))

    def run(self, alphas, *, tol, max_iter, visit):
        """Solve every weighting along decreasing, positive alphas.

        Parameters
        ----------
        visit : callable
            ``visit(k, part, coefs)`` is called, possibly from several threads at once, for
            consecutive slices `part` of the grid of every weighting k with its coefficients
            (m, p), on the inner scale; they are not kept.

        Returns
        -------
        Certificates
        """
        found = Certificates.empty(len(alphas), self.count)

        def solve_one(k):
            self._solve_gram(k, alphas, tol, max_iter, visit, found)

        def solve_batch(batch):
            self._solve_batch(batch, alphas, tol, max_iter, visit, found)

        if self.in_gram_form:
            self.workers.map(solve_one, range(self.count))
        else:
            self.across.map(solve_batch, self.batches)
        return found

    def _penalty(self, problem):
        return problem.penalty(self.l1_ratio)

    def _problems(self, batch):
        """Return the problems of some weightings: one pass over X gives all their moments."""
        V = np.stack([self.draw(k) for k in batch], axis=1)
        mean, variance = self.data.design.moments(V / V.sum(axis=0))
        return [
            Problem(self.data, 0, V[:, i], (mean[:, i], variance[:, i])) for i in range(len(batch))
        ]

    def _batch_alpha_max(self, batch):
        problems = self._problems(batch)
        U = np.stack([one.weights * one.y for one in problems], axis=1)
        q = self.data.design.transposed_times(U, self.within)
        return max(self._alpha_max(one, q[:, k]) for k, one in enumerate(problems))

    def _alpha_max(self, problem, q):
        """Return the least alpha with no non-zero coefficient, given X'Vy.

        Of columns that are not centred, for Vy sums to zero where there is an intercept.
        """
        return self._penalty(problem).largest_alpha(np.where(problem.norm == 0, 0.0, q))

    def _solve_gram(self, k, alphas, tol, max_iter, visit, found):
        data, v = self.data, self.draw(k)
        products = cross_products(data.design, data.targets, v, data.fit_intercept)
        problem = Problem(data, 0, v, products=products)
        penalty, goal = self._penalty(problem), gram_goal(problem, tol)
        path = solve_gram(*problem.gram(), problem.yy, penalty, alphas, max_iter, goal=goal)
        found.gaps[:, k], found.n_iter[:, k], found.goals[k] = (
            path.gaps, path.n_iter, problem.goal(tol),
        )  # fmt: skip
        visit(k, slice(0, len(alphas)), path.coefs)

    def _solve_batch(self, batch, alphas, tol, max_iter, visit, found):
        problems = self._problems(batch)
        penalties = [self._penalty(one) for one in problems]
        lockstep = Lockstep(problems, penalties, tol, max_iter, self.within)
        found.goals[batch.start : batch.stop] = [one.goal(tol) for one in problems]
        for part in lockstep.segments(alphas):
            lockstep.advance(alphas[part])
            for k, state in zip(batch, lockstep.states, strict=True):
                found.gaps[part, k] = [point.gap for point in state.points]
                found.n_iter[part, k] = [point.sweeps for point in state.points]
                visit(k, part, np.stack([point.w for point in state.points]))
