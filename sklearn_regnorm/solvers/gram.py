"""Gram form: the whole path in p-space, from cross-products, to the rounding floor."""

from dataclasses import dataclass

import numpy as np

from .._threads import check_cancelled
from . import kernels

# Columns up to which the Gram form goes to the rounding floor whatever `tol` is.
GRAM_COLUMNS = 1000
# Multiplications between two returns to Python (some 50 ms), so that Ctrl-C is heard.
WORK = 5e7
# Below this tolerance, as documented for `tol`, solving goes on to the rounding floor.
FLOOR_TOL = 1e-12
# Share of the wanted duality gap that is solved for, before a certificate from X itself.
INNER_SHARE = 0.8
# What gram_solve returns when rounding has made G indefinite.
INDEFINITE = 3
# Errors below this share of the null error are recomputed from the rows: p-space cancels there.
TRUSTED_SHARE = 1e-6


@dataclass
class Path:
    """Solutions along a grid of alphas, on the inner scale of `Data`.

    Attributes
    ----------
    coefs : ndarray of shape (n_alphas, p)
    gaps : ndarray of shape (n_alphas,)
    n_iter : ndarray of int of shape (n_alphas,)
    """

    coefs: np.ndarray
    gaps: np.ndarray
    n_iter: np.ndarray

    @classmethod
    def empty(cls, n_alphas, p):
        """Return a path of zeros, to be filled."""
        return cls(np.zeros((n_alphas, p)), np.zeros(n_alphas), np.zeros(n_alphas, dtype=np.int64))

    def fill(self, part, points):
        """Set a slice of the path to points of the working-set form."""
        self.coefs[part] = [point.w for point in points]
        self.gaps[part] = [point.gap for point in points]
        self.n_iter[part] = [point.sweeps for point in points]


def gram_goal(problem, tol):
    """Return the gap that the Gram form solves to: 0, the rounding floor, for few columns."""
    if problem.design.shape[1] <= GRAM_COLUMNS or tol < FLOOR_TOL:
        return 0.0
    return INNER_SHARE * problem.goal(tol)


def solve_gram(G, q, yy, penalty, alphas, max_iter, start=None, goal=0.0):
    """Solve min yy/2 - q'w + w'Gw/2 + penalty along `alphas`, warm-started at `start`."""
    p = len(q)
    path = Path.empty(len(alphas), p)
    norm = np.sqrt(np.diagonal(G))
    w = np.zeros(p) if start is None else np.array(start, dtype=np.float64)
    active, L, d, left = _room(p)
    done, share = 0, 0.0
    while done < len(alphas):
        check_cancelled()
        done, status = kernels.gram_path(
            G, q, yy, alphas, done, w, penalty.l1, penalty.l2, penalty.lower, penalty.upper,
            norm, goal, max_iter, WORK, active, L, d, left, path.coefs, path.gaps, path.n_iter,
        )  # fmt: skip
        if status == INDEFINITE:
            G, share = _definite(G, share)
            w[:], left[:] = 0.0, 0
            if share > 1.0:  # beyond any rounding of G: there is no way to solve this
                path.gaps[done:] = 0.5 * yy
                break
    return path


def _room(m):
    """Return what kernels need for m columns: active ones, a factor, a step, what is left to do."""
    return np.empty(m, dtype=np.int64), np.empty((m, m)), np.empty(m), np.zeros(3, dtype=np.int64)


def _definite(G, share):
    """Return G with a larger share of its diagonal added than `share`, and that share.

    The first is of the size of G's own rounding, so it does not add to the rounding floor.
    """
    more = 16.0 * share if share else 16.0 * kernels.EPS * np.sqrt(len(G))
    G = G.copy()
    np.fill_diagonal(G, np.diagonal(G) * (1.0 + more))
    return G, more


def solve_point(G, g, rr, terms, goal, max_sweeps, w):
    """Solve at one alpha, on from `w`, whose correlations g and r'Vr are given; return the sweeps.

    In place on `w`, to a gap of `goal` (0: the rounding floor). Rounding of G only makes the way
    longer, and so does what is added to it where it is indefinite: the next call corrects it.
    `terms` are (l1, l2, lower, upper) as `Penalty.at` gives them.
    """
    m = len(g)
    norm, start = np.sqrt(np.diagonal(G)), w.copy()
    h, (active, L, d, left) = np.empty(m), _room(m)
    q, yy = _at_zero(G, start, g, rr)
    sweeps, status, share = 0, 0, 0.0
    while status in (0, INDEFINITE) and (sweeps < max_sweeps or left.any()) and share <= 1.0:
        check_cancelled()
        done, _, status = kernels.gram_solve(
            G, q, yy, w, h, *terms, norm, goal, max_sweeps - sweeps, WORK, active, L, d, left
        )
        sweeps += done
        if status == INDEFINITE:
            G, share = _definite(G, share)
            q, yy = _at_zero(G, start, g, rr)
            w[:], left[:] = start, 0
    return sweeps


def _at_zero(G, w, g, rr):
    """Return the correlations and r'Vr at zero that G must have for them to be g and rr at w."""
    q = g + G @ w
    return q, rr + w @ q + w @ g


def refine(problem, penalty, alpha, w, max_iter, goal=0.0, rounds=5):
    """Correct a Gram solution by correlations computed from X itself.

    Goes on to the rounding floor, or to a duality gap of `goal` if that is positive.

    Each round solves again from w on, given its correlations: as in iterative refinement, errors
    of G (its rounding, float32 products) then only slow the correction down.
    Returns (w, gap, worst KKT violation, sweeps).
    """
    gap, worst, g, rr = problem.certificate(w, alpha, penalty)
    best, sweeps = w, 0
    for _ in range(rounds):
        if worst <= 1.0 or (goal > 0.0 and gap <= goal):
            break
        G, w = problem.gram()[0], w.copy()
        sweeps += solve_point(G, g, rr, penalty.at(alpha), INNER_SHARE * goal, max_iter, w)
        new_gap, new_worst, g, rr = problem.certificate(w, alpha, penalty)
        if new_worst < worst:
            best, gap, worst = w, new_gap, new_worst
    return best, gap, worst, sweeps


def heldout_errors(coefs, train, test, target=0):
    """Return the weighted mean squared errors of coefs (m, p) on held-out rows, in p-space.

    Also returns which of them are too small to be trusted, beside the terms that cancel in them.
    The intercept is that of the training rows, so the means of the two sides enter by their
    difference only.
    """
    y_shift = (test.y_mean - train.y_mean)[target]
    x_shift = test.x_mean - train.x_mean
    shift = y_shift - coefs @ x_shift
    quadratic = np.einsum("ij,ij->i", coefs @ test.xx, coefs)
    within = test.yy[target] - 2 * coefs @ test.xy[:, target] + quadratic
    errors = within / test.weight + shift**2
    sizes = np.abs(coefs)
    terms = test.yy[target] + (sizes @ np.sqrt(np.diagonal(test.xx))) ** 2
    terms = terms / test.weight + (np.abs(y_shift) + sizes @ np.abs(x_shift)) ** 2
    return errors, errors < TRUSTED_SHARE * terms
