"""The last digits: coefficients of small problems, exact to rounding whatever the condition.

Optimality conditions that hold to rounding leave coefficients that are off by rounding times the
condition number, or its square. Iterative refinement takes that away: correlations in
double-double arithmetic, of some 32 digits, and corrections by a triangle of the active columns,
which need few (Björck 1967; Demmel, Hida, Riedy and Li 2009).
"""

import numpy as np
from scipy import linalg

from .._statistics import exact_correlations
from . import kernels
from .unpenalised import scaled_columns

# Entries of X, and active columns, up to which this takes no time to speak of.
SMALL = 2**15
FEW = 64
# A first step longer than this share of the solution says that it is not one, on these columns.
NEAR = 1e-6
# Steps end when they are no longer shorter than this share of the one before.
SHRINK = 0.25
ROUNDS = 8
# Pivots, relative to columns of length one, below which columns may depend on each other.
INDEPENDENT = 1e-13


def polish(problem, penalty, alpha, w, gap):
    """Return (w, gap, intercept) of a solution w (p,) with its last digits right.

    w and the gap are on the inner scale, the intercept is the caller's. That is None, and the rest
    as given, where X is large or not of float64, and where w is not a solution to rounding, on
    independent columns.
    """
    l1, l2, lower, upper = penalty.at(alpha)
    active = np.flatnonzero((w != 0) & (w > lower) & (w < upper) & (problem.norm > 0))
    small = problem.design.shape[0] * len(w) <= SMALL and 0 < len(active) <= FEW
    inverse = None
    if small and problem.data.dtype == np.float64:
        inverse = _inverse(problem, active, l2[active])
    if inverse is None:
        return w, gap, None
    terms = (one[active] for one in (l1, l2, lower, upper))
    found, intercept, exact = _refine(problem, w, active, inverse, *terms)
    _, worst, g, rr = problem.certificate(found, alpha, penalty)
    if not worst <= 1.0:
        return w, gap, None
    g[np.flatnonzero(w)] = exact
    terms = l1, l2, lower, upper, problem.norm, rr
    return found, kernels.duality_gap(found, g, *terms), intercept


def _inverse(problem, active, l2):
    """Return R^-1 from the QR of active columns over their ridge, at length one, or None."""
    norm = problem.norm[active]
    stacked = np.vstack([scaled_columns(problem, active)[1], np.diag(np.sqrt(l2) / norm)])
    R = np.linalg.qr(stacked, mode="r")
    if np.abs(np.diagonal(R)).min() <= INDEPENDENT:
        return None
    return linalg.solve_triangular(R, np.eye(len(R)), check_finite=False)


def _refine(problem, w, active, inverse, l1, l2, lower, upper):
    """Return a better w, its intercept on the caller's scale, and correlations of its support."""
    rows, support = np.flatnonzero(problem.weights), np.flatnonzero(w)
    X, origin, taken_off = problem.design.original(rows, support)
    data = X, origin, problem.original_target[rows], problem.weights[rows]
    inner, norm, sign = np.searchsorted(support, active), problem.norm[active], np.sign(w[active])
    found, size = w.copy(), NEAR / SHRINK * np.linalg.norm(norm * w[active])
    for step in range(ROUNDS):
        b, g, g_low = exact_correlations(*data, found[support], problem.data.fit_intercept)
        lack = (g[inner] - l1 * sign - l2 * found[active]) + g_low[inner]
        change = inverse @ (inverse.T @ (lack / norm))  # of columns at length one
        after, length = found[active] + change / norm, np.linalg.norm(change)
        crosses = (after < lower) | (after > upper) | ((l1 > 0) & (np.sign(after) != sign))
        if not length <= SHRINK * size or np.any(crosses) or step == ROUNDS - 1:
            break
        found[active], size = after, length
    return found, problem.outer_target(b - taken_off @ found[support]), g
