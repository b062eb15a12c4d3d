"""What parameters of stability selection are accepted, and the grid that follows from them."""

from numbers import Integral, Real

import numpy as np

from .._validation import check_alphas, check_choice, check_number
from ..linear_model._base import check_common

BOUNDS = "auto", "markov", "unimodal", "r-concave"
# An automatic grid begins so much above the alpha at which coefficients appear, for rounding.
ABOVE = 1.0 + 1e-9


def check_parameters(estimator):
    """Return the size of the automatic grid, or the grid, and the kind of bound."""
    given = estimator.get_params(deep=False)
    check_common(given)
    check_number("l1_ratio", given["l1_ratio"], low=0, high=1)
    if given["l1_ratio"] == 0:
        raise ValueError(
            "l1_ratio must be above 0: without an L1 part every feature is always selected."
        )
    threshold = check_number("threshold", given["threshold"])
    if not 0.5 < threshold <= 1:
        raise ValueError(
            f"threshold={threshold} must be above 0.5 and at most 1: it is a share of the "
            "halves, and up to 0.5 nothing is known about false selections. Try 0.6 to 0.9."
        )
    if given["max_false"] is not None:
        check_number("max_false", given["max_false"], low=0, boundaries="neither")
    kind = _check_sampling(given["sampling"], given["n_resamples"], given["bound"])
    check_number("eps", given["eps"], low=0, high=1, boundaries="neither")
    return _check_grid(given["alphas"]), kind


def _check_sampling(sampling, n_resamples, bound):
    """Return the kind of bound."""
    check_choice("sampling", sampling, ("complementary", "half"))
    check_choice("bound", bound, BOUNDS)
    paired = sampling == "complementary"
    check_number("n_resamples", n_resamples, low=2 if paired else 1, integer=True)
    if paired and n_resamples % 2:
        raise ValueError(
            f"n_resamples={n_resamples} must be even for complementary pairs: add one, or use "
            'sampling="half".'
        )
    if bound == "auto":
        return "unimodal" if paired else "markov"
    if bound != "markov" and not paired:
        raise ValueError(
            f'bound={bound!r} holds for complementary pairs only: use bound="markov" or '
            'sampling="complementary".'
        )
    return bound


def _check_grid(alphas):
    if isinstance(alphas, Integral):
        return check_number("alphas", alphas, low=1, integer=True)
    if isinstance(alphas, Real):
        raise TypeError(f"alphas={alphas!r} must be an integer or an array of penalties.")
    grid = np.sort(check_alphas("alphas", alphas))[::-1]
    if grid[-1] == 0:
        raise ValueError("alphas must be positive: at 0 every feature is always selected.")
    return grid


def automatic_grid(alpha_max, eps, n_alphas):
    """Return a decreasing geometric grid; all ones if at no alpha anything is selected."""
    if not 0 < alpha_max < np.inf:
        return np.ones(n_alphas)
    return np.geomspace(alpha_max * ABOVE, alpha_max * eps, num=n_alphas)
