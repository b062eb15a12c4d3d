"""Penalty factors from a pilot fit: the adaptive lasso."""

import numpy as np

from .closed_form import RidgeSolver
from .kernels import HUGE
from .leave_one_out import leave_one_out
from .ridge_path import automatic_grid

# Penalties that the pilot chooses from.
PILOT_ALPHAS = 50


def adaptive_factor(problem):
    """Return one over the absolute coefficients of a ridge fit, which chose its own penalty.

    The pilot sees the rows of `problem` only, and chooses by leaving each of them out. With
    standardising, its coefficients are those of the standardised columns. (Zou, JASA 101 (2006),
    with ridge as the pilot, as he recommends for correlated columns.)
    """
    penalty = problem.penalty(0.0)
    alphas = automatic_grid([problem], PILOT_ALPHAS)
    residuals = leave_one_out([problem], penalty, alphas, fixed_scale=True)[:, :, 0]
    best = int(np.argmin(residuals**2 @ problem.weights))
    w = RidgeSolver([problem], penalty).solve(alphas[best])[0][0]
    y_scale = problem.data.y_scale[problem.target]
    with np.errstate(divide="ignore", over="ignore"):
        factor = 1.0 / np.abs(w * problem.scale * y_scale)
    factor[problem.norm == 0] = 1.0  # any number: these have no coefficient
    return np.minimum(factor, HUGE)
