"""Choosing the form: which solver a problem goes to, and the path through it.

=============  ===================================================================================
closed form    no L1 part and no bound, or alpha = 0: ridge, least norm if X lacks rank
Gram           up to GRAM_COLUMNS columns: one Gram matrix, solved to the rounding floor; and up to
               GRAM_MOST of tall data, to the duality gap that `tol` asks for
working set    more columns: the few that matter, to the gap that `tol` asks for; a lasso with few
               rows is not iterated but followed, to the rounding floor (homotopy)
=============  ===================================================================================
"""

from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral

import numpy as np

from .._statistics import cross_products
from .closed_form import RidgeSolver
from .gram import GRAM_COLUMNS, Path, gram_goal, refine, solve_gram
from .state import worth_following
from .working_set import solve_working_sets

# More columns than GRAM_COLUMNS, up to this, are taken in Gram form if there are this many times
# more rows: the Gram matrix then costs less than passes over X.
GRAM_MOST = 3000
GRAM_ROWS = 3
_forced = ContextVar("forced_form", default=None)


@contextmanager
def forced_form(form):
    """Within this context every problem is solved in the given form: "gram" or "working_set"."""
    if form not in ("gram", "working_set"):
        raise ValueError(f'form={form!r} is unknown; choose "gram" or "working_set".')
    token = _forced.set(form)
    try:
        yield
    finally:
        _forced.reset(token)


def choose_form(data, lasso_alphas=0):
    """Return "gram" or "working_set"; `lasso_alphas` is the length of a lasso's grid.

    What is not solved to the rounding floor in Gram form, because there are too many columns, is
    so by homotopy where rows are few. Shapes decide, and no value of X or y.
    """
    form = _forced.get()
    if form is None:
        p = data.design.shape[1]
        n = np.count_nonzero(data.weights)
        form = "gram" if p <= GRAM_COLUMNS else "working_set"
        if n <= p and worth_following(data.design, data.weights, lasso_alphas):
            form = "working_set"
        elif not data.design.sparse and p <= GRAM_MOST and n >= GRAM_ROWS * p:
            form = "gram"
    return form


def known_products(data, lasso_alphas=0):
    """Return the cross-products of all rows if the Gram form needs them, else None."""
    if choose_form(data, lasso_alphas) != "gram":
        return None
    return cross_products(data.design, data.targets, data.weights, data.fit_intercept)


def lasso_length(is_lasso, grid):
    """Return the length of a grid (or a length itself) if its path can be followed, else 0."""
    if isinstance(grid, Integral):
        return grid if is_lasso else 0
    return len(grid) if is_lasso and np.min(grid) > 0 else 0


def solve_path(problem, penalty, alphas, *, start=None, **options):
    """Solve one problem along a decreasing grid of alphas; return its `Path`.

    `start` is a warm start of shape (p,), by default zero; see `solve_paths` for the options.
    """
    starts = None if start is None else [start]
    return solve_paths([problem], [penalty], alphas, starts=starts, **options)[0]


def solve_paths(problems, penalties, alphas, *, tol, max_iter, starts=None, certify=True):
    """Solve several targets of the same weighting along one grid; return a list of `Path`.

    Parameters
    ----------
    problems : list of Problem
    penalties : list of Penalty
        The same but for scale.
    alphas : array-like of shape (n_alphas,)
        Decreasing.
    starts : list of ndarray of shape (p,), optional
        Warm starts, by default zero; see `useful_start`.
    certify : bool
        Compute every gap from X and y, and correct Gram solutions until their optimality
        conditions hold there. Otherwise gaps may come from the cross-products.
    """
    alphas = np.asarray(alphas, dtype=np.float64)
    p = problems[0].design.shape[1]
    if starts is None or len(alphas) == 0:
        starts = [np.zeros(p)] * len(problems)
    else:
        starts = [
            useful_start(problem, penalty, alphas[0], start)
            for problem, penalty, start in zip(problems, penalties, starts, strict=True)
        ]
    form = choose_form(problems[0].data, lasso_length(penalties[0].piecewise, alphas))
    in_gram_form = form == "gram"
    closed = (alphas == 0) & penalties[0].unbounded  # which go through a closed form
    if not in_gram_form:
        closed |= penalties[0].smooth
    rest = alphas[~closed]
    if in_gram_form:
        found = [
            solve_gram(
                *one.gram(), one.yy, penalty, rest, max_iter, start, goal=gram_goal(one, tol)
            )
            for one, penalty, start in zip(problems, penalties, starts, strict=True)
        ]
    else:
        found = solve_working_sets(problems, penalties, rest, tol, max_iter, starts)
    return [
        _complete(*one, alphas, closed.copy(), tol, max_iter, certify, in_gram_form)
        for one in zip(problems, penalties, found, strict=True)
    ]


def useful_start(problem, penalty, alpha, start):
    """Return a warm start if it is within the bounds and P is less there than at zero, else zero.

    From farther away the rounding of its residual could hide all there is to be solved.
    """
    zero = np.zeros_like(start)
    if np.any(start < penalty.lower) or np.any(start > penalty.upper) or not start.any():
        return zero
    return start if problem.objective(start, alpha, penalty) < 0.5 * problem.yy else zero


def _complete(problem, penalty, part, alphas, closed, tol, max_iter, certify, in_gram_form):
    """Return the `Path` of `part` and of closed forms for alphas that are `closed`; certify it."""
    path = Path.empty(len(alphas), problem.design.shape[1])
    path.coefs[~closed], path.gaps[~closed], path.n_iter[~closed] = (
        part.coefs, part.gaps, part.n_iter,
    )  # fmt: skip
    if certify and in_gram_form:
        goal = problem.goal(tol) if gram_goal(problem, tol) else 0.0
        for i in np.flatnonzero(~closed):
            path.coefs[i], path.gaps[i], worst, more = refine(
                problem, penalty, alphas[i], path.coefs[i], max_iter, goal
            )
            path.n_iter[i] += more
            # descent has come to a halt above the rounding floor
            closed[i] = (
                penalty.smooth and worst > 4.0 and path.gaps[i] > goal and path.n_iter[i] < max_iter
            )
    if closed.any():
        solver = RidgeSolver([problem], penalty if penalty.smooth else problem.no_penalty())
        for i in np.flatnonzero(closed):
            coefs, steps = solver.solve(alphas[i])
            path.coefs[i], path.n_iter[i] = coefs[0], path.n_iter[i] + steps
    if certify and not in_gram_form:
        closed[:] = True
    for i in np.flatnonzero(closed):
        path.gaps[i] = problem.certificate(path.coefs[i], alphas[i], penalty)[0]
    return path
