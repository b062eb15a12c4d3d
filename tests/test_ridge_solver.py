"""Every rung of the ridge solver's ladder by itself.

In a fit, a method that failed would go unnoticed: the next one would mend its work.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import LONG
from problems import contain, regression

from sklearn_regnorm.solvers import closed_form
from sklearn_regnorm.solvers.closed_form import ACCEPTED, RidgeSolver
from sklearn_regnorm.solvers.orthogonal import correctors_by_qr
from sklearn_regnorm.solvers.problem import make_problems, prepare

ALPHA = 0.03
RUNGS = "cholesky", "spectrum", "spectrum of the Gram matrix", "qr", "conjugate gradients"


def solver_of(X, container="F", targets=2, method="auto", **given):
    """Return a solver of weighted, centred and standardised problems with several targets."""
    rng = np.random.default_rng(7)
    n = X.shape[0]
    Y = X[:, :1] @ rng.standard_normal((1, targets)) + rng.standard_normal((n, targets))
    v = rng.integers(0, 3, n) / 2.0
    options = {"fit_intercept": True, "standardize": True}
    data = prepare(contain(X, container), Y, v, 1.0, **options)
    problems = make_problems(data, data.weights)
    return RidgeSolver(problems, problems[0].penalty(0.0), method, **given)


def exact(solver, alpha):
    """Return the coefficients (n_targets, p) by rows or by columns, in extended precision."""
    problem = solver.problem
    X = problem.design.gather(np.arange(len(problem.norm))).astype(LONG)
    v = problem.weights.astype(LONG)
    X = X - v @ X
    Y = solver.Y - v @ solver.Y
    d = (alpha * solver.penalty.l2).astype(LONG)
    W, H = np.zeros((X.shape[1], Y.shape[1]), dtype=LONG), X.T @ (v[:, None] * X) + np.diag(d)
    for _ in range(5):  # refinement, as LAPACK knows no extended precision
        left = X.T @ (v[:, None] * (Y - X @ W)) - d[:, None] * W
        W = W + np.linalg.solve(H.astype(float), left.astype(float))
    return W.T.astype(float)


def rung(solver, ridge, name, monkeypatch):
    if name == "cholesky":
        solve = solver._cholesky(ridge, 1e-12)
        return solver._by_columns(solve, ridge) if solver.tall else solver._by_rows(solve, ridge)
    if name == "qr":
        return next(correctors_by_qr(solver, ridge))
    if name == "conjugate gradients":
        return solver._conjugate_gradients(ridge)
    if name != "spectrum":
        monkeypatch.setattr(solver, "may_copy", False)
    return solver._by_spectrum(ridge)


@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("shape", [(40, 9), (20, 31), (12, 1)], ids=["tall", "wide", "one"])
@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_solves_tame_problems_by_itself(name, shape, container, monkeypatch):
    X = regression(3, *shape)[0] * 2.0 ** (np.arange(shape[1]) % 4)
    solver = solver_of(X, container)
    ridge = np.sqrt(ALPHA) * solver.root_d
    corrector = rung(solver, ridge, name, monkeypatch)
    expected = exact(solver, ALPHA)
    start = np.zeros_like(expected), solver.Y, solver.q
    first = corrector(*start)
    assert_allclose(first, expected, rtol=1e-9, atol=1e-11)  # without refinement
    R, g, _ = solver._check(ALPHA, first)
    again = corrector(first, R, g)
    assert_allclose(again, expected, rtol=1e-12, atol=1e-14)
    assert solver._check(ALPHA, again)[2] <= 1.0


@pytest.mark.parametrize("shape", [(40, 9), (20, 31)], ids=["tall", "wide"])
@pytest.mark.parametrize("method", ["auto", "cholesky", "svd", "sparse_cg"])
def test_every_method_is_accepted(method, shape):
    solver = solver_of(regression(4, *shape)[0], method=method)
    for alpha in (1e-6, ALPHA, 10.0):
        coefs, steps = solver.solve(alpha)
        assert solver._check(alpha, coefs)[2] <= ACCEPTED
        assert_allclose(coefs, exact(solver, alpha), rtol=1e-8, atol=1e-11)
        assert steps > 1 if method == "sparse_cg" else steps == 1


def test_columns_that_their_penalty_dwarfs_are_solved_to_their_own_digits():
    """Cholesky's error is relative to the largest column; what `_settle` adds is not."""
    X = regression(5, 40, 6)[0]
    X[:, 3:] *= 1e-9
    data = prepare(X, X[:, 0] + 1e9 * X[:, 4], np.ones(40), 1.0, fit_intercept=True,
                   standardize=False)  # fmt: skip
    problems = make_problems(data, data.weights)
    solver = RidgeSolver(problems, problems[0].penalty(0.0))
    expected = exact(solver, 1.0)
    ridge = solver.root_d
    corrector = solver._by_columns(solver._cholesky(ridge, 1e-5), ridge)
    coefs, worst = solver._repeat(1.0, ridge, corrector)
    assert worst <= 1.0
    assert_allclose(coefs, expected, rtol=1e-12)
    # what a method gets wrong in the weak columns is put right
    spoiled = expected.copy()
    spoiled[:, 3:] *= 1.5
    assert solver._check(1.0, spoiled)[2] > 1.0
    coefs, worst = solver._repeat(1.0, ridge, lambda *start: spoiled.copy())
    assert worst <= 1.0
    assert_allclose(coefs, expected, rtol=1e-12)


@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("limit", [5, 40])
@pytest.mark.parametrize("method", ["auto", "cholesky", "svd", "sparse_cg"])
def test_conjugate_gradients_are_for_large_sparse_problems_only(
    method, limit, container, monkeypatch
):
    monkeypatch.setattr(closed_form, "FACTOR_LIMIT", limit)
    solver = solver_of(regression(6, 30, 8)[0], container, method=method)
    large_sparse = limit < 8 and container == "csc"
    assert solver.method == ("sparse_cg" if method == "auto" and large_sparse else method)
    assert solver.factorable == (limit >= 8)


@pytest.mark.parametrize("shape", [(40, 9), (20, 31)], ids=["tall", "wide"])
def test_the_largest_square_is_found_with_and_without_a_factor(shape, monkeypatch):
    solver = solver_of(regression(8, *shape)[0] * 2.0 ** (np.arange(shape[1]) % 4))
    X = solver._copy() / solver.root_d
    largest = np.linalg.norm(X, 2) ** 2
    assert_allclose(solver.largest_square(), largest, rtol=1e-12)
    monkeypatch.setattr(solver, "factorable", False)
    assert_allclose(solver.largest_square(), largest, rtol=1e-3)
    assert solver_of(np.ones((6, 3)), targets=3).largest_square() == 1.0


@pytest.mark.parametrize("shape", [(40, 9), (20, 31)], ids=["tall", "wide"])
def test_spectra_agree(shape, monkeypatch):
    """Singular values and vectors of the rows and columns that count, three ways."""
    X = regression(9, *shape)[0]
    X[:, 1] = X[:, 0]  # a direction that is mere rounding
    solver = solver_of(X)
    rank = min(solver.rows.size - 1, X.shape[1] - 1)
    U, s, V = solver.spectrum()
    assert s.shape == (rank,) and U.shape[1] == V.shape[1] == rank
    assert_allclose(U * s @ V.T, solver._copy() / solver.shape, atol=1e-13)
    assert_allclose(U.T @ U, np.eye(rank), atol=1e-13)
    other = solver_of(X)
    monkeypatch.setattr(other, "may_copy", False)
    U, squares, V = other.spectrum()
    assert (U is None) == other.tall and (V is None) != other.tall
    assert_allclose(squares, s[::-1], rtol=1e-7)
