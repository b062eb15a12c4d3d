"""The solvers' kernels one by one, against their definitions in extended precision."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import LONG
from scipy import sparse

from sklearn_regnorm._jit import jit
from sklearn_regnorm.solvers import kernels
from sklearn_regnorm.solvers.kernels import Csc, Rows, residual_sweep, sum_of_squares

EPS = np.finfo(float).eps
INF = np.inf
# Strengths and bounds of one coefficient: (l1, l2, lower, upper).
TERMS = [
    (l1, l2, *bounds)
    for l1 in (0.0, 0.7)
    for l2 in (0.0, 0.3)
    for bounds in [(-INF, INF), (0.0, INF), (-1.5, 0.4), (-0.2, INF), (0.0, 0.0)]
]


def penalty(w, l1, l2):
    return l1 * np.abs(w) + l2 * w**2 / 2


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("z", [-2.0, -0.7, -0.3, 0.0, 0.5, 3.0])
def test_one_coefficient_is_minimised(z, terms):
    l1, l2, lower, upper = terms
    found = kernels.minimise_coordinate(z, 2.0, l1, l2, lower, upper)
    grid = np.clip(np.linspace(-4, 4, 80_001), lower, upper)
    values = grid**2 - z * grid + penalty(grid, l1, l2)
    assert lower <= found <= upper
    assert found**2 - z * found + penalty(found, l1, l2) <= values.min() + 1e-12
    # which is where the optimality condition of g = z - 2 w holds, and only there
    assert kernels.violation(z - 2.0 * found, found, *terms) <= 4 * EPS
    for off in (found - 0.1, found + 0.1):
        if lower <= off <= upper:
            slopes = [z - 2.0 * off - l2 * off - l1 * side for side in (-1, 1)]
            if off != 0:
                slopes = [z - 2.0 * off - l2 * off - l1 * np.sign(off)] * 2
            up, down = max(slopes[1], 0.0) * (off < upper), max(-slopes[0], 0.0) * (off > lower)
            assert_allclose(kernels.violation(z - 2.0 * off, off, *terms), max(up, down))


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("z", [-2.0, -0.7, -0.3, 0.0, 0.5, 0.75, 3.0])
def test_conjugate_is_the_largest_distance_from_a_line(z, terms):
    l1, l2, lower, upper = terms
    found = kernels.conjugate(z, *terms)
    reach = 50.0
    grid = np.clip(np.linspace(-reach, reach, 100_001), lower, upper)
    best = np.max(z * grid - penalty(grid, l1, l2))
    side = upper if z > 0 else -lower
    if l2 == 0 and side == INF and abs(z) > l1:
        assert found == INF
    else:
        assert_allclose(found, best, atol=1e-6)


def problem(seed, n=9, p=5):
    """Return centred X (n, p), y and weights that sum to one."""
    rng = np.random.default_rng(seed)
    v = rng.random(n)
    v[2] = 0.0
    v /= v.sum()
    X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
    return X - v @ X, y - v @ y, v


def bounds_of(g, w, r, v, l1, l2, lower, upper):
    """Return the three bounds of `duality_gap`'s docstring, in extended precision."""
    g, w, r, v, l1, l2 = (one.astype(LONG) for one in (g, w, r, v, l1, l2))
    rr, ridge = v @ r**2, l2 @ w**2
    h = penalty(w, l1, l2)
    each = zip(g, l1, l2, lower, upper, strict=True)
    conjugates = [kernels.conjugate(*map(float, one)) for one in each]
    plain = np.sum(h + np.array(conjugates) - g * w)
    z = g - l2 * w
    side = np.where(z > 0, upper, -lower)
    over = (np.abs(z) > l1) & (side == INF)
    k = np.min(l1[over] / np.abs(z[over]), initial=LONG(1))
    with np.errstate(invalid="ignore"):
        box = np.where(side < INF, np.maximum(k * np.abs(z) - l1, 0) * side, 0)
    scaled = (1 - k) ** 2 * (rr + ridge) / 2 + np.sum(l1 * np.abs(w) + box - k * z * w)
    return float(plain), float(scaled), float(rr / 2 + np.sum(h))


@pytest.mark.parametrize("limits", [(-INF, INF), (0.0, INF), (-1.0, 0.8)])
@pytest.mark.parametrize("l2", [0.0, 0.05, 5.0])
@pytest.mark.parametrize("l1", [0.0, 0.1, 30.0])
def test_duality_gap_is_the_least_of_three_bounds(l1, l2, limits):
    for seed in range(12):
        X, y, v = problem(seed)
        rng = np.random.default_rng(seed)
        p = X.shape[1]
        l1s, l2s = l1 * rng.uniform(0.5, 2, p), l2 * rng.uniform(0.5, 2, p)
        lower, upper = np.full(p, limits[0]), np.full(p, limits[1])
        w = np.clip(rng.standard_normal(p) * (rng.random(p) < 0.7), lower, upper)
        r = y - X @ w
        g = X.T @ (v * r)
        norm, rr = np.sqrt(v @ X**2), float(v @ r**2)
        found = kernels.duality_gap(w, g, l1s, l2s, lower, upper, norm, rr)
        three = bounds_of(g, w, r, v, l1s, l2s, lower, upper)
        assert_allclose(found, min(three), rtol=1e-12)


def sparse_record(X, centre, v):
    A = sparse.csc_array(X)
    return Csc(A.data, A.indices, A.indptr, centre, v)


@jit
def sweep(columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g):
    return residual_sweep(columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g)


@jit
def squares(columns, r, shift):
    return sum_of_squares(columns, r, shift)


def textbook(X, v, w, r, l1, l2, lower, upper, order):
    """One pass of coordinate descent in extended precision; w and r are updated."""
    g = np.zeros(len(w), dtype=LONG)
    for j in order:
        g[j] = X[:, j] @ (v * r)
        G = X[:, j] @ (v * X[:, j])
        z = g[j] + G * w[j]
        new = np.clip(np.sign(z) * np.maximum(np.abs(z) - l1[j], 0) / (G + l2[j]), lower, upper)
        r -= (new - w[j]) * X[:, j]
        w[j] = new
    return g


@pytest.mark.parametrize("limits", [(-INF, INF), (0.0, INF), (-0.3, 0.2)])
@pytest.mark.parametrize("l2", [0.0, 0.4])
def test_a_sparse_sweep_is_the_textbooks(l2, limits):
    rng = np.random.default_rng(3)
    raw = rng.standard_normal((12, 6)) * (rng.random((12, 6)) < 0.5) + 0.0
    v = rng.random(12)
    v /= v.sum()
    mean = v @ raw
    X, y = raw - mean, rng.standard_normal(12)
    y -= v @ y
    chosen = np.array([5, 1, 0, 3])  # columns of X that the working set consists of
    live = np.array([0, 2, 3, -1])
    l1, l2s = np.full(4, 0.05), np.full(4, l2)
    lower, upper = np.full(4, limits[0]), np.full(4, limits[1])
    w = np.clip(np.array([0.5, 0.0, -0.4, 0.0]), *limits)
    norm = np.sqrt(v @ X[:, chosen] ** 2)
    shift = float(mean[chosen] @ w)
    r = y - raw[:, chosen] @ w  # the residual less the shift
    expected_w, expected_r = w.astype(LONG), (y - X[:, chosen] @ w).astype(LONG)
    g, before = np.zeros(4), w.copy()
    record = sparse_record(raw, mean, v)
    assert_allclose(squares(record, r, shift), v @ expected_r.astype(float) ** 2, rtol=1e-13)
    shift, largest = sweep(record, chosen, live, 3, w, r, shift, l1, l2s, lower, upper, norm, g)
    expected_g = textbook(
        X[:, chosen].astype(LONG), v, expected_w, expected_r, l1, l2s, *limits, live[:3]
    )
    assert_allclose(w, expected_w.astype(float), rtol=1e-13, atol=1e-15)
    assert_allclose(r + shift, expected_r.astype(float), atol=1e-14)
    assert_allclose(g, expected_g.astype(float), atol=1e-15)
    assert_allclose(largest, np.max(np.abs(w - before) * norm), rtol=1e-13)
    assert w[1] == before[1] and np.any(w != before)


@pytest.mark.parametrize("limits", [(-INF, INF), (0.0, INF), (-0.3, 0.2)])
@pytest.mark.parametrize("l2", [0.0, 0.4])
@pytest.mark.parametrize("m", [1, 3, 4, 7])
def test_a_dense_sweep_descends_and_keeps_the_residual(m, l2, limits):
    """In blocks of four, each swept over twice: what a pass of single steps twice over leads to."""
    rng = np.random.default_rng(4)
    raw = rng.standard_normal((12, 9)) + 2.0
    v = rng.random(12)
    v[5] = 0.0
    v /= v.sum()
    mean = v @ raw
    X, y = raw - mean, rng.standard_normal(12)
    y -= v @ y
    place = np.array([3, 1, 2, 0, 4, 5, 6, 8, 7])
    record = Rows(np.ascontiguousarray(raw.T[np.argsort(place)]), place, mean, v)
    chosen = np.array([8, 1, 0, 3, 2, 7, 5])
    live = rng.permutation(7)
    l1, l2s = np.full(7, 0.02), np.full(7, l2)
    lower, upper = np.full(7, limits[0]), np.full(7, limits[1])
    w = np.clip(rng.standard_normal(7) * np.array([1, 0, 1, 1, 0, 1, 1]), *limits)
    Z = X[:, chosen]
    norm, r = np.sqrt(v @ Z**2), v * (y - Z @ w)
    expected_w, expected_r = w.astype(LONG), (y - Z @ w).astype(LONG)
    g, before = np.zeros(7), w.copy()
    assert_allclose(squares(record, r, 0.0), v @ (y - Z @ w) ** 2, rtol=1e-13)
    shift, largest = sweep(record, chosen, live, m, w, r, 0.0, l1, l2s, lower, upper, norm, g)
    starts = []
    for first in range(0, m, 4):
        block = live[first : min(first + 4, m)]
        starts += [(j, Z[:, j] @ (v * expected_r.astype(float))) for j in block]
        for _ in range(2):
            textbook(Z.astype(LONG), v, expected_w, expected_r, l1, l2s, *limits, block)
    assert shift == 0.0
    assert_allclose(w, expected_w.astype(float), rtol=1e-12, atol=1e-14)
    assert_allclose(r, v * expected_r.astype(float), atol=1e-14)
    for j, correlation in starts:
        assert_allclose(g[j], correlation, atol=1e-14)
    assert_allclose(largest, np.max(np.abs(w - before) * norm), rtol=1e-12)


@pytest.mark.parametrize("missing", [0.5, 1e-4, 0.0])
def test_moments_of_sparse_columns(missing):
    """Also where next to none of the weight is on rows without an entry."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((15, 4)) + 10.0
    X[:3, 1] = 0.0
    X[4:, 2] = 0.0
    X[:, 3] = 7.0
    v = rng.random(15)
    v[-2:] = 0.0
    v[:3] = missing
    v /= v.sum()
    A = sparse.csc_array(X)
    mean, variance = np.empty(4), np.empty(4)
    kernels.csc_moments(A.data, A.indices, A.indptr, v, mean, variance)
    exact = v @ X.astype(LONG)
    assert_allclose(mean, exact.astype(float), rtol=1e-14)
    spread = v @ (X.astype(LONG) - exact) ** 2
    assert_allclose(variance, spread.astype(float), rtol=1e-11, atol=1e-30)
    assert variance[3] == 0.0


def extrapolated(l1, upper):
    """Return P before and after an extrapolation, and how far the residual is from that of w."""
    X, y, v = problem(6, n=20, p=4)
    X = X[:, :1] + 0.1 * X  # slow
    record = Rows(np.ascontiguousarray(X.T), np.arange(4), np.zeros(4), v)
    terms = np.full(4, l1), np.zeros(4), np.full(4, -INF), np.full(4, upper)
    norm, chosen = np.sqrt(v @ X**2), np.arange(4)
    w, r, g = np.zeros(4), v * y, np.zeros(4)
    rounds = kernels.RESIDUAL_ROUND
    past = kernels.Sweeps(
        np.zeros((rounds, 4)), np.zeros((rounds, 20)), np.zeros(rounds), np.zeros(1, dtype=np.int64)
    )
    for k in range(rounds):
        sweep(record, chosen, chosen, 4, w, r, 0.0, *terms, norm, g)
        kernels._remember(past, k, w, r, 0.0)
    assert past.filled[0] == rounds
    rr = squares(record, r, 0.0)
    before = rr / 2 + l1 * np.abs(w).sum()
    shift, after = kernels._extrapolate(record, past, w, r, 0.0, rr, *terms)
    assert shift == 0.0
    assert_allclose(r, v * (y - X @ w), atol=1e-12)
    assert_allclose(after, v @ (y - X @ w) ** 2, rtol=1e-10)
    return before, after / 2 + l1 * np.abs(w).sum(), w, past.coefs[-1]


def test_extrapolation_is_taken_where_the_objective_falls():
    before, after, w, last = extrapolated(1e-4, INF)
    X, y, v = problem(6, n=20, p=4)
    X = X[:, :1] + 0.1 * X
    root = np.sqrt(v)
    least = np.linalg.lstsq(root[:, None] * X, root * y, rcond=None)[0]
    floor = v @ (y - X @ least) ** 2 / 2
    assert after < before and np.any(w != last)
    assert after - floor < 0.2 * (before - floor)


def test_extrapolation_stays_within_bounds():
    _, _, w, last = extrapolated(1e-4, 0.05)
    assert np.all(w <= 0.05)


def test_an_incomplete_round_is_not_extrapolated_from():
    past = kernels.Sweeps(np.zeros((8, 1)), np.zeros((8, 1)), np.zeros(8), np.zeros(1, dtype=int))
    one = np.ones(1)
    for first, expected in [(0, [1, 2, 3]), (2, [9, 9, 9])]:
        past.filled[0] = 0
        found = []
        for k in range(first, first + 3):
            kernels._remember(past, k, one, one, 0.5)
            found.append(int(past.filled[0]))
        assert found == expected
        assert past.coefs[first] == past.residuals[first] == 1.0 and past.shifts[first] == 0.5
