"""Exact leave-one-out errors of ridge over a whole grid of alphas from one decomposition.

With A = sqrt(V) X D^-1/2 (centred) = U S W' and f = alpha / (s^2 + alpha), the residual of row i
when it is left out with its whole weight is ``r_i / (1 - h_i)``, where

    sqrt(v_i) r_i = [(I - U U') z + U (f * U'z)]_i,    z = sqrt(V) y
    1 - h_i       = 1 - v_i [intercept] - sum_k U_ik^2 + sum_k U_ik^2 f_k

Both are sums of what the penalty leaves, not differences from one, so small alphas with n < p are
as accurate as others: there I - U U' vanishes but for the intercept, and is left out altogether.
"""

import numpy as np

from .._threads import check_cancelled
from .closed_form import RidgeSolver
from .problem import make_problems

# Rows whose own weight in their fit exceeds one less this are refitted, unless exact as above.
LEVERAGE_MARGIN = 1e-6
# The same where refitting every row is cheap, in multiplications.
REFIT_MARGIN = 1e-4
REFIT_WORK = 1e7


def leave_one_out(problems, penalty, alphas, fixed_scale=False):
    """Return the residuals (n_alphas, n, n_targets) of rows left out, on the inner scale.

    Parameters
    ----------
    problems : list of Problem
        One per target, with the same weights.
    penalty : Penalty
        Its l2 part is D.
    alphas : ndarray of shape (n_alphas,)
        In units of the mean loss: ``alpha / sum v`` in Ridge's.
    fixed_scale : bool
        Whether a standardising D stays that of all rows.
    """
    problem = problems[0]
    rows = np.flatnonzero(problem.weights)
    if problem.data.standardize and not fixed_scale:  # D itself depends on the row left out
        return np.stack([_refit(problems, alphas, i) for i in range(len(problem.y))], axis=1)
    root = np.sqrt(problem.weights[rows])[:, None]
    solver = RidgeSolver(problems, penalty)
    Z = root * solver.Y[rows]
    U, s = _left_basis(solver, root, rows)
    rest = 1.0 - (U * U).sum(axis=1)
    if problem.data.fit_intercept:
        rest -= problem.weights[rows]
    outside = Z - U @ (U.T @ Z)
    exact = U.shape[1] == len(rows) - bool(problem.data.fit_intercept)
    if exact:
        rest, outside = np.zeros_like(rest), np.zeros_like(outside)
    residuals = np.empty((len(alphas), len(problem.y), Z.shape[1]))
    squares, inside = U * U, U.T @ Z
    # the rounding of the heaviest row, in units of each row, must stay small beside 1 - h
    small = len(rows) ** 2 * U.shape[1] ** 2 <= REFIT_WORK
    reach = (root / root.max()).ravel() if small else 1.0
    margin = REFIT_MARGIN if small else 0.0 if exact else LEVERAGE_MARGIN
    for k, alpha in enumerate(alphas):
        inner = alpha * solver.unit**2
        left = inner / (s * s + inner) if inner > 0 else np.zeros_like(s)
        kept = rest + squares @ left
        suspect = kept * reach <= margin
        scaled = outside + U @ (left[:, None] * inside)
        kept = np.where(suspect, 1.0, kept)
        residuals[k, rows] = scaled / (kept[:, None] * root)
        for i in rows[suspect]:
            residuals[k, i] = _refit(problems, [alpha], i, fixed_scale)[0]
    if len(rows) < len(problem.y):  # rows of weight zero are left out as they are
        others = np.flatnonzero(problem.weights == 0)
        for k, alpha in enumerate(alphas):
            W = solver.solve(alpha)[0]
            R = solver.Y - (problem.design.times(W.T) - problem.mean @ W.T)
            residuals[k, others] = R[others]
    return residuals


def _left_basis(solver, root, rows):
    """Return U (rows, rank) and s of the weighted, scaled, centred X."""
    U, s, V = solver.spectrum()
    if U is None:
        basis = V / s / solver.shape[:, None]
        U = root * (solver.problem.design.times(basis) - solver.problem.mean @ basis)[rows]
    return U, s


def _refit(problems, alphas, i, fixed_scale=False):
    """Return the residuals (n_alphas, n_targets) of row i under fits without it."""
    check_cancelled()
    weights = problems[0].weights.copy()
    weights[i] = 0.0
    fold = make_problems(problems[0].data, weights)
    if fixed_scale:
        for one in fold:
            one.scale = problems[0].scale
    solver = RidgeSolver(fold, fold[0].penalty(0.0))
    # alpha is that of a sum over rows, and here there is one less
    larger = 1.0 / weights.sum()
    coefs = [solver.solve(alpha * larger)[0] for alpha in alphas]
    return np.array([[one.residual(w)[i] for one, w in zip(fold, W, strict=True)] for W in coefs])
