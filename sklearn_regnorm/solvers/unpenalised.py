"""Columns that are never penalised: solved exactly, as an intercept is."""

import numpy as np
from scipy import linalg

# Share of itself, beside other columns, below which a column counts as depending on them.
DEPENDENT = 1e-12
# The same of squares, in a Gram matrix, above which it certainly does not.
INDEPENDENT = 1e-6


def scaled_columns(problem, index):
    """Return columns as they are, centred, and times the roots of the weights at length one."""
    columns = problem.design.gather(index) - problem.mean[index]
    return columns, np.sqrt(problem.weights)[:, None] * columns / problem.norm[index]


def _rank(triangle):
    pivots = np.abs(np.diagonal(triangle))
    return int((pivots > pivots[0] * DEPENDENT).sum())


def dependent(problem, index):
    """Return those of some columns that are linear combinations of the others, to rounding."""
    if len(index) < 2:
        return index[:0]
    if problem.products is not None:  # without a look at the rows where that is enough
        norm = problem.norm[index]
        G = problem.gram()[0][np.ix_(index, index)] / norm / norm[:, None]
        if linalg.eigvalsh(G)[0] > INDEPENDENT:
            return index[:0]
    triangle, order = linalg.qr(scaled_columns(problem, index)[1], mode="r", pivoting=True)
    return np.sort(index[order[_rank(triangle) :]])


class Unpenalised:
    """The columns of a problem that carry neither penalty nor bound.

    A duality gap is finite only where the residual is orthogonal to them. Descent gets there in
    the limit; a projection gets there at once.

    Attributes
    ----------
    index : ndarray of shape (m,)
    """

    def __init__(self, problem, penalty):
        unbounded = (penalty.lower == -np.inf) & (penalty.upper == np.inf)
        self.index = np.flatnonzero(penalty.free & unbounded & (problem.norm > 0))
        self.root = np.sqrt(problem.weights)
        if len(self.index):
            self.columns, scaled = scaled_columns(problem, self.index)
            self.basis, self.triangle, order = linalg.qr(scaled, mode="economic", pivoting=True)
            rank = _rank(self.triangle)
            self.basis, self.triangle = self.basis[:, :rank], self.triangle[:rank, :rank]
            self.index, self.columns = self.index[order[:rank]], self.columns[:, order[:rank]]
            self.norm = problem.norm[self.index]

    def project(self, w, r):
        """Make r orthogonal to the columns, in place on w (p,) and r (n,)."""
        if len(self.index):
            for _ in range(2):  # the second time for the rounding of the first
                step = linalg.solve_triangular(self.triangle, self.basis.T @ (self.root * r))
                step /= self.norm
                w[self.index] += step
                r -= self.columns @ step
