"""Choosing the form: which solver a problem goes to, and the path through it.

=============  ===================================================================================
closed form    no L1 part and no bound, or alpha = 0: ridge, least norm if X lacks rank
Gram           up to GRAM_COLUMNS columns: one Gram matrix, solved to the rounding floor
working set    more columns: the few that matter, to the duality gap that `tol` asks for
=============  ===================================================================================
"""

from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from .._statistics import cross_products
from .closed_form import RidgeSolver
from .gram import GRAM_COLUMNS, Path, refine, solve_gram
from .working_set import solve_working_set

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


def choose_form(p):
    """Return "gram" or "working_set" for a problem of `p` columns."""
    return _forced.get() or ("gram" if p <= GRAM_COLUMNS else "working_set")


def known_products(data):
    """Return the cross-products of all rows if the Gram form needs them, else None."""
    if choose_form(data.design.shape[1]) != "gram":
        return None
    return cross_products(data.design, data.targets, data.weights, data.fit_intercept)


def solve_path(problem, penalty, alphas, *, tol, max_iter, start=None, certify=True):
    """Solve one problem along a decreasing grid of alphas; return its `Path`.

    Parameters
    ----------
    start : ndarray of shape (p,), optional
        Warm start, by default zero.
    certify : bool
        Compute every gap from X and y, and correct Gram solutions until their optimality
        conditions hold there. Otherwise gaps may come from the cross-products.
    """
    alphas = np.asarray(alphas, dtype=np.float64)
    p = problem.design.shape[1]
    start = np.zeros(p) if start is None else start
    in_gram_form = choose_form(p) == "gram"
    closed = (alphas == 0) & penalty.unbounded  # which have gone through a closed form
    if not in_gram_form:
        closed |= penalty.smooth
    path = Path.empty(len(alphas), p)
    if not closed.all():
        if in_gram_form:
            part = solve_gram(
                *problem.gram(), problem.yy, penalty, alphas[~closed], max_iter, start
            )
        else:
            part = solve_working_set(problem, penalty, alphas[~closed], tol, max_iter, start)
        path.coefs[~closed], path.gaps[~closed] = part.coefs, part.gaps
        path.n_iter[~closed] = part.n_iter
    if certify and in_gram_form:
        for i in np.flatnonzero(~closed):
            path.coefs[i], path.gaps[i], worst, more = refine(
                problem, penalty, alphas[i], path.coefs[i], max_iter
            )
            path.n_iter[i] += more
            # descent has come to a halt above the rounding floor
            closed[i] = penalty.smooth and worst > 4.0 and path.n_iter[i] < max_iter
    if closed.any():
        solver = RidgeSolver([problem], problem.penalty(0.0, positive=False))
        for i in np.flatnonzero(closed):
            coefs, steps = solver.solve(alphas[i])
            path.coefs[i], path.n_iter[i] = coefs[0], path.n_iter[i] + steps
    if certify and not in_gram_form:
        closed[:] = True
    for i in np.flatnonzero(closed):
        path.gaps[i] = problem.certificate(path.coefs[i], alphas[i], penalty)[0]
    return path
