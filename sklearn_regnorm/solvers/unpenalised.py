"""Columns that are never penalised: solved exactly, as an intercept is."""

import numpy as np
from scipy import linalg


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
            self.columns = problem.design.gather(self.index) - problem.mean[self.index]
            scaled = self.root[:, None] * self.columns / problem.norm[self.index]
            self.basis, self.triangle, order = linalg.qr(scaled, mode="economic", pivoting=True)
            pivots = np.abs(np.diagonal(self.triangle))
            rank = int((pivots > pivots[0] * 1e-12).sum())
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
