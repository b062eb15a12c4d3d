"""The Gram form by itself, also where rounding has made the matrix indefinite."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import LONG, Oracle
from problems import regression

from sklearn_regnorm._statistics import cross_products
from sklearn_regnorm.solvers import gram, kernels
from sklearn_regnorm.solvers.problem import Problem, prepare

EPS = np.finfo(float).eps


def assert_grown(diagonals, G):
    """Assert that the diagonal has grown by a share 16 times larger each time."""
    share = 16.0 * EPS * np.sqrt(len(G))
    for diagonal, grown in zip(diagonals, [0.0, share, 16.0 * share], strict=True):
        assert_allclose(diagonal / np.diagonal(G) - 1.0, grown, rtol=0.1, atol=EPS)


def test_a_path_through_an_indefinite_matrix(monkeypatch):
    _, _, problem, penalty = make()
    (G, q), alphas, kernel, seen = problem.gram(), np.array([0.05]), gram.kernels.gram_path, []
    before, expected = G.copy(), gram.solve_gram(G, q, problem.yy, penalty, alphas, 1000)

    def indefinite_twice(G, q, yy, alphas, done, w, *rest):
        seen.append((np.diagonal(G).copy(), w.copy()))
        if len(seen) < 3:
            w[:] = 9.0
            return 0, gram.INDEFINITE
        return kernel(G, q, yy, alphas, done, w, *rest)

    monkeypatch.setattr(gram.kernels, "gram_path", indefinite_twice)
    path = gram.solve_gram(G, q, problem.yy, penalty, alphas, 1000, np.ones(6))
    diagonals, starts = zip(*seen, strict=True)
    assert_grown(diagonals, G)
    assert [list(w) for w in starts] == [[1.0] * 6, [0.0] * 6, [0.0] * 6]
    assert_allclose(path.coefs, expected.coefs, rtol=1e-11)
    assert np.array_equal(G, before)  # the caller's own


def test_one_point_of_an_indefinite_matrix(monkeypatch):
    _, _, problem, penalty = make()
    (G, q), kernel, seen = problem.gram(), gram.kernels.gram_solve, []
    before, w, expected = G.copy(), np.ones(6), np.ones(6)
    known = q - G @ w, problem.yy - w @ (2 * q - G @ w), penalty.at(0.05), 0.0
    few = gram.solve_point(G, *known, 1000, expected)

    def indefinite_twice(G, q, yy, w, *rest):
        seen.append((np.diagonal(G).copy(), w.copy()))
        if len(seen) < 3:
            w[:] = 9.0
            return 2, 0.0, gram.INDEFINITE
        return kernel(G, q, yy, w, *rest)

    monkeypatch.setattr(gram.kernels, "gram_solve", indefinite_twice)
    sweeps = gram.solve_point(G, *known, 1000, w)
    diagonals, starts = zip(*seen, strict=True)
    assert_grown(diagonals, G)
    assert np.all(np.array(starts) == 1.0)
    assert_allclose(w, expected, rtol=1e-11, atol=1e-12)
    assert sweeps == few + 4 and np.array_equal(G, before)
    seen.clear()
    assert gram.solve_point(G, *known, 3, np.ones(6)) == 4


@pytest.mark.parametrize(("share", "drowned"), [(0.1, False), (10.0, True)])
def test_what_rounding_drowns_counts_as_indefinite(share, drowned):
    """Terms of w'Gw so large that their rounding hides y'Vy."""
    G, q, yy = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([0.3, -0.3]), 1.0
    w = np.full(2, np.sqrt(share * yy / EPS) / 2)  # and G w = 0
    g, (active, L, d, left) = np.empty(2), gram._room(2)
    terms = np.full(2, 0.1), np.zeros(2), np.full(2, -np.inf), np.full(2, np.inf)
    found = kernels.gram_solve(
        G, q, yy, w, g, *terms, np.ones(2), 0.0, 1000, 1e9, active, L, d, left
    )
    assert (found[2] == gram.INDEFINITE) == drowned


def make(n=50, p=6, alpha=0.05):
    X, y = regression(2, n, p)
    data = prepare(X, y, np.ones(n), 1.0, fit_intercept=True, standardize=False)
    problem = Problem(data, 0, data.weights)
    return X, y, problem, problem.penalty(0.7)


@pytest.mark.parametrize("error", [1e-4, 1e-9])
def test_what_a_wrong_matrix_gives_is_refined(error):
    """Refinement converges to the rows' own solution, at the pace of the matrix's error."""
    X, y, problem, penalty = make()
    G, q = (one.copy() for one in problem.gram())
    problem.products = None
    spoiled = cross_products(problem.design, problem.data.targets, problem.weights, True)
    spoiled.xx[:] *= 1.0 + error * np.cos(np.arange(36).reshape(6, 6) * 1.7)
    spoiled.xx[:] = (spoiled.xx + spoiled.xx.T) / 2
    problem.products = spoiled
    wrong = gram.solve_gram(*problem.gram(), problem.yy, penalty, np.array([0.05]), 1000)
    oracle = Oracle(X, y, alpha=0.05, l1_ratio=0.7)
    start = wrong.coefs[0]
    worst = [problem.certificate(start, 0.05, penalty)[1]]
    for rounds in (1, 2, 5):
        w, gap, left, sweeps = gram.refine(problem, penalty, 0.05, start, 1000, rounds=rounds)
        worst.append(left)
        assert sweeps > 0
    assert worst[0] > 100.0 * worst[1] and sorted(worst, reverse=True) == worst
    assert worst[-1] <= 1.0
    scale = 1.0 / float(problem.data.y_scale[0])
    assert oracle.kkt(w / scale, EPS) <= 1e-9
    assert gap * problem._y_scale**2 <= 1e-14 * y.var()
    # a goal that is met needs no round
    again, _, _, sweeps = gram.refine(problem, penalty, 0.05, start, 1000, goal=1e3)
    assert sweeps == 0 and again is start


def test_held_out_errors_are_those_of_the_rows():
    """The intercept is that of the training rows; which errors are too small is told."""
    rng = np.random.default_rng(3)
    X, y, _, _ = make()
    data = prepare(X, y, np.ones(50), 1.0, fit_intercept=True, standardize=False)
    v = rng.integers(1, 4, 50) * 1.0
    rows = np.arange(50)
    train, test = (
        cross_products(data.design, data.targets, v, True, some) for some in (rows[:30], rows[30:])
    )
    exact = np.linalg.lstsq(X[:30] - np.average(X[:30], axis=0, weights=v[:30]), y[:30])[0]
    W = np.stack([np.zeros(6), rng.standard_normal(6), exact])
    errors, doubtful = gram.heldout_errors(W, train, test)
    Z, t, u = X.astype(LONG), data.targets[:, 0].astype(LONG), v.astype(LONG)
    share = u[30:] / u[30:].sum()
    for w, error in zip(W, errors, strict=True):
        left = t - Z @ w
        left = left - u[:30] @ left[:30] / u[:30].sum()
        assert_allclose(error, float(share @ left[30:] ** 2), rtol=1e-12)
    assert not doubtful.any()
    perfect = prepare(X, X @ exact, np.ones(50), 1.0, fit_intercept=True, standardize=False)
    train, test = (
        cross_products(perfect.design, perfect.targets, v, True, some)
        for some in (rows[:30], rows[30:])
    )
    inner = exact / perfect.y_scale[0]
    errors, doubtful = gram.heldout_errors(np.stack([inner, 2 * inner]), train, test)
    assert list(doubtful) == [True, False]
