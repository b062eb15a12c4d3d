"""Ridge and least squares by orthogonal factorisation, for columns of any units and condition.

The columns of [sqrt(V) X; sqrt(alpha D)] are scaled to length one and factorised by Householder QR
with pivoting, whose error in each column is relative to that column. The rows of X are reduced
to a triangle once, block by block, so that X is neither copied nor densified.
"""

import numpy as np
from scipy import linalg, sparse

from .._statistics import BLOCK_ENTRIES
from . import kernels


def correctors_by_qr(solver, ridge):
    """Yield correctors (see `closed_form`) for ``ridge = sqrt(alpha d)``.

    If columns depend on each other the first gives the solution with the least sum of d w^2; the
    others, for columns of units so different that this loses the fit, the shortest on columns of
    length one, and one that leaves dependent columns out.
    """
    norm = solver.problem.norm
    live = np.flatnonzero(norm > 0)
    T, c = solver.remember("triangle", lambda: _triangle(solver, live))
    length = np.hypot(norm, ridge)[live]
    stacked = np.vstack([T * (norm[live] / length), np.diag(ridge[live] / length)])
    Q, R, order = linalg.qr(stacked, mode="economic", pivoting=True, check_finite=False)
    pivots = np.abs(np.diagonal(R))
    rank = int((pivots > len(stacked) * kernels.EPS * pivots[:1].max(initial=0.0)).sum())
    R, live, length = R[:rank], live[order], length[order]
    first = Q[: len(T), :rank].T @ c
    for metric in (solver.root_d[live], length, None)[0 if rank < len(live) else 2 :]:
        basis = None
        if metric is not None:
            basis = linalg.qr((R * (length / metric)).T, mode="economic")[0]
        yield _corrector(R[:, :rank], first, live, length, ridge, metric, basis)


def _corrector(R, first, live, length, ridge, metric, basis):
    rank = len(R)

    def corrector(coefs, residuals, g):
        if not coefs.any():
            inner = first
        else:  # the normal equations with the triangle: seminormal equations
            b = (g - ridge[:, None] * (ridge[:, None] * coefs.T))[live[:rank]]
            b = b / length[:rank, None]
            inner = linalg.solve_triangular(R, b, trans=1, check_finite=False)
        step = linalg.solve_triangular(R, inner, check_finite=False) / length[:rank, None]
        coefs = coefs.copy()
        coefs[:, live[:rank]] += step.T
        if basis is not None:
            coefs[:, live] = (coefs[:, live] * metric) @ basis @ basis.T / metric
        return coefs

    return corrector


def _triangle(solver, live):
    """Return the triangle of sqrt(V) X, its columns of length one, and Q' sqrt(V) Y beside it."""
    problem = solver.problem
    root = np.sqrt(problem.weights)[:, None]
    m = len(live)
    found = np.zeros((0, m + solver.Y.shape[1]))
    step = max(m, BLOCK_ENTRIES // max(m, 1))
    for start in range(0, len(solver.rows), step):
        for rows, block, base in problem.design.centred_blocks(solver.rows[start : start + step]):
            block = block.toarray() if sparse.issparse(block) else block
            block = (block + (base - problem.mean))[:, live] / problem.norm[live]
            beside = np.hstack([block, solver.Y[rows]]) * root[rows]
            # what lies below row m belongs to Y alone
            found = linalg.qr(np.vstack([found, beside]), mode="r", check_finite=False)[0][:m]
    return found[:, :m], found[:, m:]
