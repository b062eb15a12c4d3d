"""What is computed on active sets along a path: relaxed coefficients and degrees of freedom."""

import numpy as np
from scipy import linalg

from .._threads import check_cancelled
from .column_sets import ColumnRows, DenseColumns, SparseColumns
from .gram import solve_point

# Sweeps for one relaxed fit.
RELAXED_SWEEPS = 10_000
# How often a row may be there, as far as its repetitions are looked for.
OFTEN = 32


class ActiveGram:
    """Gram matrices of active sets of one problem; each column is multiplied at most once."""

    def __init__(self, problem):
        self.problem = problem
        self.place = np.full(len(problem.norm), -1)
        if problem.products is None:
            design = problem.design
            self.columns = (
                SparseColumns(problem)
                if design.sparse
                else DenseColumns(problem, ColumnRows(design))
            )

    def of(self, support):
        """Return (X'VX, X'Vy) of some columns, given by their indices."""
        if self.problem.products is not None:
            G, q = self.problem.gram()
            return G[np.ix_(support, support)], q[support]
        new = support[self.place[support] < 0]
        self.place[new] = len(self.columns.index) + np.arange(len(new))
        self.columns.add(new)
        where = self.place[support]
        return self.columns.gram()[np.ix_(where, where)], self.problem.q[support]


def count_rows(problem, most):
    """Return how many rows there are, those that are there several times counted once.

    For rows that are repeated and rows of that weight are the same. It is to be compared with
    `most`: where rows are many times more, they are not looked at.
    """
    n_rows = np.count_nonzero(problem.weights)
    return n_rows if n_rows > OFTEN * most else problem.distinct_rows


def relaxed_path(problem, penalty, coefs):
    """Return the least-squares coefficients (m, p) on the active sets of coefs (m, p).

    Bounds stay in force. Where as many columns as rows are active, nothing is determined: NaN.
    (Meinshausen, Relaxed lasso, Comput. Stat. Data Anal. 52 (2007).)
    """
    largest = np.count_nonzero(coefs, axis=1).max(initial=0)
    most = count_rows(problem, largest) - bool(problem.data.fit_intercept) - 1
    gram = ActiveGram(problem)
    relaxed = np.zeros_like(coefs)
    known = {}
    for w, out in zip(coefs, relaxed, strict=True):
        support = np.flatnonzero(w)
        if len(support) > most or np.isnan(w).any():  # NaN: not computed
            out[:] = np.nan
        elif len(support):
            key = support.tobytes()
            if key not in known:
                known[key] = _least_squares(problem, penalty, gram, support, w)
            out[support] = known[key]
    return relaxed


def _least_squares(problem, penalty, gram, support, w):
    G, q = gram.of(support)
    found = w[support].copy()
    g = q - G @ found
    rr = problem.yy - found @ (q + g)
    nothing = np.zeros(len(support))
    terms = nothing, nothing, penalty.lower[support], penalty.upper[support]
    solve_point(G, g, rr, terms, 0.0, RELAXED_SWEEPS, found)
    return found


def degrees_of_freedom(problem, penalty, alphas, coefs, most_work=np.inf):
    """Return the trace of the ridge hat matrix on the active set of each of coefs (m, p).

    That is ``tr X_S (X_S'VX_S + alpha D)^-1 X_S'V`` with D the ridge part of the penalty, and the
    number of active columns without one. If there is one and the inverses would take more than
    `most_work` multiplications, all are NaN but those of coefficients that are all zero.
    """
    sizes = np.count_nonzero(coefs, axis=1)
    rank = count_rows(problem, sizes.max(initial=0)) - bool(problem.data.fit_intercept)
    freedom = np.where(np.isnan(coefs).any(axis=1), np.nan, np.minimum(sizes, rank))
    if not penalty.l2.any():
        return freedom
    gram = ActiveGram(problem)
    affordable = np.sum(sizes.astype(np.float64) ** 3) <= most_work
    for k in np.flatnonzero(sizes * np.isfinite(freedom)):
        support, freedom[k] = np.flatnonzero(coefs[k]), np.nan
        if affordable:
            check_cancelled()
            ridge = alphas[k] * penalty.l2[support]
            G, _ = gram.of(support)
            freedom[k] = len(support) - _share_of_ridge(G, ridge)
    return freedom


def _share_of_ridge(G, ridge):
    """Return tr (G + R)^-1 R with R = diag(ridge)."""
    M = G + np.diag(ridge)
    unit = 1.0 / np.sqrt(np.diagonal(M))
    M *= unit
    M *= unit[:, None]
    try:
        inverse = linalg.cho_solve(linalg.cho_factor(M), np.eye(len(M)))
    except linalg.LinAlgError:
        inverse = linalg.pinvh(M)
    return np.diagonal(inverse) @ (ridge * unit * unit)
