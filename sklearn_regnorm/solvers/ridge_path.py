"""Ridge over a whole grid of alphas: one spectrum of the smaller Gram matrix serves them all."""

import numpy as np
from scipy import linalg

from .._threads import check_cancelled
from . import kernels
from .closed_form import ACCEPTED, RidgeSolver
from .gram import GRAM_COLUMNS

# Alphas from which on the spectrum, several times as dear as one factor, pays.
FROM_ALPHAS = 4
# The automatic grid, relative to the largest squared singular value of the centred X.
GRID_ENDS = 1e-8, 1e4


def automatic_grid(problems, n_alphas):
    """Return a decreasing grid in units of the mean loss, cut off where floats end."""
    largest = RidgeSolver(problems, problems[0].penalty(0.0)).largest_square()
    least = np.finfo(np.float64).smallest_subnormal
    most = kernels.HUGE / max(problems[0].data.total_weight, 1.0)
    with np.errstate(over="ignore"):
        ends = np.clip(np.multiply(GRID_ENDS, largest), least, most)
    return np.geomspace(ends[1], ends[0], n_alphas)


def ridge_path(problems, penalty, alphas):
    """Return (coefs (n_alphas, n_targets, p), gaps (n_alphas, n_targets)), on the inner scale.

    Solutions by the spectrum are corrected once and kept where their optimality conditions hold to
    rounding; the others are those of `RidgeSolver`. For up to GRAM_COLUMNS columns conditions and
    gaps come from the cross-products, for more from X.
    """
    solver = RidgeSolver(problems, penalty)
    n_targets, p = len(problems), len(penalty.l2)
    coefs = np.zeros((len(alphas), n_targets, p))
    gaps = np.full((len(alphas), n_targets), np.inf)
    rest = np.arange(len(alphas))
    in_gram_form = solver.tall and p <= GRAM_COLUMNS
    if len(alphas) >= FROM_ALPHAS and solver.factorable and (in_gram_form or not solver.tall):
        with np.errstate(all="ignore"):
            coefs, G, rr = (_by_columns if in_gram_form else _by_rows)(solver, problems, alphas)
        worst = np.full(gaps.shape, np.inf)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.einsum("atj,atj,j->at", coefs, coefs, penalty.l2)
            twice = rr + alphas[:, None] * squares  # P
            sane = (rr >= 0) & (twice <= solver.null * (1.0 + 64.0 * kernels.EPS))
        for a, t in zip(*np.nonzero(sane), strict=True):
            terms = *penalty.at(alphas[a]), solver.problem.norm, rr[a, t]
            worst[a, t] = kernels.worst_violation(coefs[a, t], G[a, t], *terms)
            gaps[a, t] = kernels.duality_gap(coefs[a, t], G[a, t], *terms)
        rest = np.flatnonzero(worst.max(axis=1) > ACCEPTED)
    for a in rest:
        check_cancelled()
        coefs[a] = solver.solve(alphas[a])[0]
        for t, problem in enumerate(problems):
            gaps[a, t] = problem.certificate(coefs[a, t], alphas[a], penalty)[0]
    return coefs, gaps


def ridge_freedom(problems, penalty, alphas, most_work):
    """Return the traces (n_alphas,) of the hat matrices, without the intercept's.

    NaN if the spectrum would take more than `most_work` multiplications, or overflows.
    """
    solver = RidgeSolver(problems, penalty)
    order = min(len(solver.rows), len(penalty.l2))
    if not solver.factorable or float(order) ** 3 > most_work:
        return np.full(len(alphas), np.nan)
    G = solver.matrix()
    with np.errstate(over="ignore"):
        G = G / solver.shape / solver.shape[:, None] if solver.tall else G
    if not np.isfinite(G).all():
        return np.full(len(alphas), np.nan)
    values = np.maximum(linalg.eigvalsh(G), 0.0)
    values = values[values > order * kernels.EPS * values.max(initial=0.0)]
    inner = alphas * solver.unit**2
    return (values / (values + inner[:, None])).sum(axis=1)


def _by_columns(solver, problems, alphas):
    """Return coefficients, correlations (n_alphas, n_targets, p) and r'Vr, all in p-space."""
    G, shape = solver.matrix(), solver.shape
    values, Q = linalg.eigh(G / shape / shape[:, None])
    inner = np.multiply.outer(alphas * solver.unit**2, np.ones(len(problems))).ravel()
    denominators = np.maximum(values, 0.0)[:, None] + inner
    q = np.tile(solver.q, len(alphas))  # (p, n_alphas * n_targets)

    def solve(b):
        return Q @ ((Q.T @ (b / shape[:, None])) / denominators) / shape[:, None]

    W = solve(q)
    W += solve(q - G @ W - inner * (shape * shape)[:, None] * W)
    W[solver.problem.norm == 0] = 0.0
    g = q - G @ W
    yy = np.tile([problem.yy for problem in problems], len(alphas))
    rr = yy - np.einsum("ij,ij->j", W, q + g)
    # rounding may leave a perfect fit below zero
    rr[np.abs(rr) <= 64 * kernels.EPS * yy] = 0.0
    return *(_split(one, len(alphas)) for one in (W, g)), rr.reshape(len(alphas), -1)


def _by_rows(solver, problems, alphas):
    """Return the same for wide X: coefficients ``D^-1 X' u``; one pass over X serves all."""
    problem, rows = solver.problem, solver.rows
    values, Q = linalg.eigh(solver.matrix())
    inner = np.multiply.outer(alphas * solver.unit**2, np.ones(len(problems))).ravel()
    denominators = np.maximum(values, 0.0)[:, None] + inner
    root = np.sqrt(problem.weights[rows])[:, None]
    Y = np.tile(solver.Y, len(alphas))

    def coefficients(u):
        dual = np.zeros_like(Y)
        dual[rows] = u / root
        W = problem.correlate(dual) / (solver.shape * solver.shape)[:, None]
        return W, Y - (problem.design.times(W) - problem.mean @ W)

    u = Q @ ((Q.T @ (root * Y[rows])) / denominators)
    W, R = coefficients(u)
    u += Q @ ((Q.T @ (root * R[rows] - inner * u)) / denominators)
    W, R = coefficients(u)
    g = problem.correlate(R)
    rr = problem.weights @ (R * R)
    return *(_split(one, len(alphas)) for one in (W, g)), rr.reshape(len(alphas), -1)


def _split(columns, n_alphas):
    """Turn (p, n_alphas * n_targets) into (n_alphas, n_targets, p), contiguous."""
    return np.ascontiguousarray(columns.T).reshape(n_alphas, -1, len(columns))
