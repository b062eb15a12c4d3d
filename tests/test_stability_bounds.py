"""The bounds on false selections, against hand-computed numbers, linear programs and chance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from sklearn_regnorm import StabilitySelection
from sklearn_regnorm.feature_selection._error_bounds import (
    MARGIN,
    error_bounds,
    least_count,
    r_concave_tail,
    unimodal_applies,
    unimodal_constant,
)


@pytest.mark.parametrize(
    "q, p, threshold, n, kind, expected",
    [
        (10, 100, 0.75, 100, "markov", 2.0),  # 10^2 / 100 / (2 * 0.75 - 1)
        (10, 100, 0.9, 100, "markov", 1.25),
        (10, 100, 1.0, 100, "markov", 1.0),
        (10, 100, 0.75, 10, "markov", 1 / 0.6),  # of ten halves, 0.75 is 0.8
        (10, 100, 0.6, 5, "markov", 5.0),
        (80, 100, 0.75, 100, "markov", 100.0),  # 128, but there are no more than 100
        (10, 100, 0.75, 100, "unimodal", 1 / 0.98),  # 1 / (2 (0.5 - 1/100))
        (10, 100, 0.6, 100, "unimodal", 1 / 0.38),
        (10, 100, 0.76, 100, "unimodal", 1 / 1.02),  # 4 (0.24 + 1/100) / (1 + 1/50)
        (10, 100, 0.9, 100, "unimodal", 0.44 / 1.02),
        (10, 100, 1.0, 100, "unimodal", 0.04 / 1.02),
        (57, 100, 0.95, 100, "unimodal", 57**2 / 100 * 0.24 / 1.02),
        (58, 100, 0.95, 100, "unimodal", 58**2 / 100 / 0.9),  # q / p above 1 / sqrt(3): Markov
        (50, 100, 0.7, 100, "unimodal", 25 / 0.78),  # 0.7 > 0.5 + 0.01 + 0.75 * 0.25
        (50, 100, 0.69, 100, "unimodal", 25 / 0.38),  # 0.69 is not: Markov
        (0, 100, 0.75, 100, "markov", 0.0),
        (0, 100, 0.75, 100, "unimodal", 0.0),
        (0, 100, 0.75, 100, "r-concave", 0.0),
    ],
)
def test_hand_computed(q, p, threshold, n, kind, expected):
    assert_allclose(error_bounds([q], p, threshold, n, kind), [expected], rtol=1e-13)


@pytest.mark.parametrize("n", [2, 7, 10, 30, 100, 999])
def test_every_share_is_a_threshold_of_its_own(n):
    for count in range(n // 2 + 1, n + 1):
        assert least_count(count / n, n) == count
        assert least_count(count / n - 1e-9, n) == count
    assert least_count(float(f"{(n // 2 + 1) / n:.3f}"), n) in (n // 2 + 1, n // 2 + 2)


# ------------------------------------------------------------------------------ tails


def largest_unimodal_tail(eta, least, size):
    """Return the largest P(X >= least) of unimodal X on 0, ..., size with E X <= eta * size.

    Unimodal with a given mode is a set of linear inequalities.
    """
    i, best = np.arange(size + 1), 0.0
    for mode in i:
        rising = np.diff(np.eye(size + 1), axis=0) * np.where(i[:-1] < mode, -1.0, 1.0)[:, None]
        found = linprog(
            -1.0 * (i >= least),
            A_ub=np.vstack([rising, i / size]), b_ub=np.append(np.zeros(size), eta),
            A_eq=np.ones((1, size + 1)), b_eq=[1.0],
        )  # fmt: skip
        if found.status == 0:  # else this mode and this mean exclude each other
            best = max(best, -found.fun)
    return best


@pytest.mark.parametrize("size", [4, 7])
@pytest.mark.parametrize("eta", [0.001, 0.04, 0.15, 0.3, 1 / 3])
def test_unimodal_bound_is_the_best_there_is(size, eta):
    """Where Theorem 2 applies, it is attained by some distribution and exceeded by none."""
    applied = [least for least in range(1, size + 1) if unimodal_applies(eta, least, size)]
    assert size in applied
    for least in applied:
        expected = largest_unimodal_tail(eta, least, size)
        assert_allclose(eta * unimodal_constant(least, size), expected, rtol=1e-9)


@pytest.mark.parametrize("r", [-0.5, -0.25])
@pytest.mark.parametrize("mean", [0.02, 0.1, 0.3, 0.45])
def test_r_concave_tail_on_three_points(mean, r):
    """With f on 0, 1, 2 and its mean given, f(2) is free, up to where f^r is no longer convex."""
    mu = 2 * mean
    f2 = np.linspace(0, mu / 2, 2_000_001)[1:-1]
    f1 = mu - 2 * f2
    f0 = 1 - f1 - f2
    convex = f0**r + f2**r >= 2 * f1**r
    assert convex.any() and not convex.all()
    assert_allclose(r_concave_tail(mean, 2, 2, r), MARGIN * f2[convex].max(), rtol=3e-6)


def r_concave(rng, r):
    """Return the probabilities of a random r-concave variable: f^r is convex, then infinite."""
    size = int(rng.integers(2, 30))
    slopes = rng.normal() * 2 + np.cumsum(rng.exponential(size=size) * (rng.random(size) < 0.2))
    g = np.append(0.0, np.cumsum(slopes))
    f = (g - g.min() + rng.exponential()) ** (1 / r)
    f[rng.integers(2, size + 2) :] = 0.0
    return f / f.sum()


@pytest.mark.parametrize("r", [-0.5, -0.25])
def test_no_r_concave_distribution_exceeds_the_tail(r):
    rng, closest = np.random.default_rng(0), 0.0
    trials = [r_concave(rng, r) for _ in range(150)]
    # three local maxima, all where the number of points changes
    trials.append(np.append(np.array([1.380575, 1.854308, 2.328041]) ** (1 / r), 0.0))
    for f in trials:
        size = len(f) - 1
        f = f / f.sum()
        mean = f @ np.arange(size + 1)
        for least in {int(2 * mean) + 1, np.count_nonzero(f) - 1}:
            if 2 * mean < least <= size and f[least:].any():
                bound = r_concave_tail(mean / size, least, size, r)
                assert f[least:].sum() <= bound
                closest = max(closest, f[least:].sum() / bound)
    assert closest > 0.99


def test_bounds_are_ordered_and_grow_with_q():
    q = np.linspace(0, 100, 60)
    for threshold in (0.55, 0.6, 0.75, 0.8, 0.95, 1.0):
        weak, middle, strong = (
            error_bounds(q, 100, threshold, 60, kind)
            for kind in ("markov", "unimodal", "r-concave")
        )
        assert np.all(strong <= middle) and np.all(middle <= weak)
        assert np.any(strong < middle) and np.any(middle < weak)
        for bounds in (weak, middle, strong):
            assert np.all(np.diff(bounds) >= -1e-5 * bounds[1:])
            assert bounds[0] == 0.0 and bounds[-1] == 100.0


# ------------------------------------------------------------------------------ noise


@pytest.mark.compiled
@pytest.mark.parametrize(
    "params",
    [
        {"max_false": 1.5},
        {"max_false": 1.5, "bound": "r-concave"},
        {"max_false": 1.5, "sampling": "half"},
        {"max_false": 1.5, "threshold": 0.7, "l1_ratio": 0.7},
    ],
    ids=str,
)
def test_bound_holds_on_noise(params):
    """All features are exchangeable and irrelevant: whatever is selected is false."""
    false, expected = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        model = StabilitySelection(
            **{"threshold": 0.55, "n_resamples": 20, "alphas": 15, "eps": 0.2, "random_state": seed}
            | params
        ).fit(rng.standard_normal((50, 20)), rng.standard_normal(50))
        false.append(model.support_.sum())
        expected.append(model.expected_false_)
    assert max(expected) <= 1.5
    assert 0 < np.mean(false) <= np.mean(expected)
