"""Grids of penalties."""

import numpy as np

from ..solvers.kernels import EPS, HUGE, rounding_scale
from ..solvers.path import solve_path
from ..solvers.problem import EXTREME

# The grid of l1_ratio = 0 is that of this ratio: at 0 no finite alpha makes all coefficients zero.
LEAST_GRID_RATIO = 1e-3
# Sweeps to find the coefficients that are never penalised.
START_SWEEPS = 10_000
# What their correlations with other columns may be off by, relative to the sizes of both.
ROUNDING = 16.0 * EPS


def alpha_grid(problem, l1_ratio, eps, n_alphas):
    """Return a decreasing geometric grid from the least alpha with no penalised coefficient.

    Targets which no alpha can separate, such as constant ones, get a constant grid at 1e-15, like
    scikit-learn's: correlations of that size count as none if they may be rounding.
    """
    penalty = problem.penalty(max(l1_ratio, LEAST_GRID_RATIO))
    q = problem.q
    if penalty.free.any():  # the others are in the model from the start
        w = solve_path(problem, penalty, [HUGE], tol=0.0, max_iter=START_SWEEPS).coefs[0]
        _, _, q, rr = problem.certificate(w, HUGE, penalty)
        # what lies above it by rounding would come in with coefficients of rounding's size
        q = q + np.sign(q) * (ROUNDING * rounding_scale(w, problem.norm, rr) * problem.norm)
    tiny = np.finfo(np.float64).resolution
    alpha_max = min(penalty.largest_alpha(q), HUGE)
    rounding = penalty.largest_alpha(np.copysign(ROUNDING * np.sqrt(problem.yy) * problem.norm, q))
    if alpha_max <= max(min(tiny, rounding), EXTREME[0]):
        return np.full(n_alphas, tiny)
    return np.geomspace(alpha_max, max(alpha_max * eps, EXTREME[0]), num=n_alphas)
