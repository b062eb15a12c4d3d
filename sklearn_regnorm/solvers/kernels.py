"""Every numba kernel of the package's solvers, in one file.

One file because numba stamps its on-disk cache with the kernel's own source file: a leaf function
edited elsewhere would leave stale machine code behind.

The problem, with centred columns x_j, centred target, weights v that sum to one and w the
coefficients::

    P(w) = 1/2 sum_i v_i r_i^2 + sum_j (l1_j |w_j| + l2_j w_j^2 / 2),  lower_j <= w_j <= upper_j

Names: ``g`` = X'Vr the correlations (minus the gradient of the
squared loss), ``G`` = X'VX the Gram matrix, ``q`` = X'Vy, ``yy`` = y'Vy, ``rr`` = r'Vr,
``norm_j`` = sqrt(G_jj). Nothing here allocates per iteration, checks input, or decides policy.
"""

from typing import NamedTuple

import numpy as np

from .._jit import VECTORISED_SUM, generic, jit

EPS = 2.220446049250313e-16
# Ridge added to every pivot, and least pivot, relative to the diagonal: inside the rounding floor.
PIVOT_SHARE = 8.0 * EPS
# Relative KKT violation below which a coefficient needs no more work.
KKT_SHARE = 1e-14
# Strengths beyond it count as this: infinity times a coefficient of zero would be NaN.
HUGE = 1.7e308
# Where rounding itself may be: a violation below this many floors that no longer shrinks is solved.
NEAR_FLOOR = 8.0
# Rounds of descent and Newton steps without halving the violation, before a solver gives up.
MAX_IDLE = 1000
# Sweeps over the support between two looks at the gap, with a goal.
ROUND = 6
# Sweeps on the residual, the first of them over all columns, from which the end is extrapolated
# before a look at the gap; and the share of l1 above which a correlation is near the support.
RESIDUAL_ROUND = 8
NEAR_SUPPORT = 0.98
# Sweeps of the Gram form after which columns that have come to violate join in.
RELIST = 3
# Newton steps in a row that kinks may cut short: their least number, and their multiplications.
LEAST_STEPS = 8
STEPS_WORK = 1e8
# Multiplications after which a factorisation is interrupted (some 70 ms), and those beyond `work`
# from which a round of sweeps is.
FACTOR_WORK = 3e8
MORE_WORK = 1e8
# What `gram_solve` has begun when it is interrupted: sweeps of a round and Newton steps still to be
# done, and rows of the factor that are there.
SWEEPS, STEPS, ROWS = 0, 1, 2


class Rows(NamedTuple):
    """Columns of a dense matrix as rows: centred column j is ``values[place[j]] - offset[j]``."""

    values: np.ndarray
    place: np.ndarray
    offset: np.ndarray
    weights: np.ndarray


class Csc(NamedTuple):
    """Columns of a sparse matrix, centred implicitly: x_j - centre_j."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    centre: np.ndarray
    weights: np.ndarray


@jit
def csc_moments(data, indices, indptr, v, mean, variance):
    """Fill means and variances of CSC columns at weights v that sum to one.

    About an entry that counts, so that a column constant where v > 0 has variance exactly zero.
    """
    rows = 0
    for i in range(v.shape[0]):
        rows += v[i] > 0.0
    for j in range(indptr.shape[0] - 1):
        entry, mass, shift, count = 0.0, 0.0, 0.0, 0
        for k in range(indptr[j], indptr[j + 1]):
            weight = v[indices[k]]
            if weight > 0.0:
                if count == 0:
                    entry = data[k]
                count += 1
                mass += weight
                shift += weight * (data[k] - entry)
        if count == rows:
            mass = 1.0
        missing = max(1.0 - mass, 0.0)
        # a difference of few digits, perhaps none: add up the rows not stored
        if count < rows and missing < 1e-3:
            missing = 0.0
            k = indptr[j]
            for i in range(v.shape[0]):
                if k < indptr[j + 1] and indices[k] == i:
                    k += 1
                else:
                    missing += v[i]
        mean[j] = entry * mass + shift
        beyond = shift - entry * missing  # the mean less the entry
        variance[j] = missing * mean[j] * mean[j]
        for k in range(indptr[j], indptr[j + 1]):
            d = data[k] - entry - beyond
            variance[j] += v[indices[k]] * d * d


# ---------------------------------------------------------------- one coordinate


@jit
def minimise_coordinate(z, curvature, l1, l2, lower, upper):
    """Return the minimiser of curvature w^2/2 - z w + l1 |w| + l2 w^2/2 on [lower, upper]."""
    if z > l1:
        w = (z - l1) / (curvature + l2)
    elif z < -l1:
        w = (z + l1) / (curvature + l2)
    else:
        w = 0.0
    return min(max(w, lower), upper)


@jit
def pull(g, w, l1, l2, lower, upper):
    """Return minus the derivative of P nearest to zero: which way, and how much, w should move."""
    if lower == upper:
        return 0.0
    g = g - l2 * w
    # the subgradient of the penalty at w is [down, up]; at a bound one side is free
    down = l1 if w > 0.0 else -l1
    up = -l1 if w < 0.0 else l1
    if g > up and w < upper:
        return g - up
    if g < down and w > lower:
        return g - down
    return 0.0


@jit
def violation(g, w, l1, l2, lower, upper):
    """Return how far the optimality condition of one coefficient is from holding."""
    return abs(pull(g, w, l1, l2, lower, upper))


@jit(fastmath=VECTORISED_SUM)
def rounding_scale(w, norm, rr):
    """Return |r| + sum_k |x_k||w_k|: eps * norm_j * this is the rounding floor of g_j."""
    total = 0.0
    for j in range(w.shape[0]):
        total += norm[j] * abs(w[j])
    return total + np.sqrt(max(rr, 0.0))


@jit
def worst_violation(w, g, l1, l2, lower, upper, norm, rr):
    """Return the largest violation, one being what counts as solved to the rounding floor."""
    floor = 4.0 * EPS * rounding_scale(w, norm, rr)
    worst = 0.0 if floor < np.inf else np.inf
    for j in range(w.shape[0]):
        v = violation(g[j], w[j], l1[j], l2[j], lower[j], upper[j])
        if v > 0.0:
            worst = max(worst, v / (floor * norm[j] + KKT_SHARE * l1[j] + 1e-300))
    return worst


# ---------------------------------------------------------------- the certificate


@jit
def conjugate(z, l1, l2, lower, upper):
    """Return sup over w in [lower, upper] of z w - l1 |w| - l2 w^2/2 (inf if unbounded)."""
    slope = abs(z) - l1
    limit = upper if z > 0.0 else -lower
    if slope <= 0.0 or limit <= 0.0:
        return 0.0
    if l2 > 0.0 and slope < l2 * limit:
        return 0.5 * slope * (slope / l2)
    return slope * limit - 0.5 * l2 * limit * limit if limit < np.inf else np.inf


@jit
def duality_gap(w, g, l1, l2, lower, upper, norm, rr):
    """Return a bound on P(w) - min P, as a sum of terms that are never negative.

    For a loss f and penalties h_j, the dual point k r (the residual, scaled) gives
    gap(k) = (1-k)^2 r'Vr/2 + sum_j (h_j(w_j) + h_j*(k g_j) - k g_j w_j). The best of three is
    returned: k = 1 with the ridge part in h (finite if every column has a ridge part or a box);
    the ridge part moved into f (the design augmented by rows), k scaled until the rest is
    feasible; and k = 0, which is P(w) itself. A correlation that is nearer to its optimality
    condition than its own rounding error counts as being there; so does what the solvers leave at
    the rounding floor, without which a column that has no penalty would have an infinite
    conjugate.
    """
    floor = 4.0 * NEAR_FLOOR * EPS * rounding_scale(w, norm, rr)
    if not floor < np.inf:
        return np.inf
    k = 1.0
    plain = 0.0
    ridge = 0.0
    penalty = 0.0
    forgiven = 0.0
    for j in range(w.shape[0]):
        lam1 = l1[j]
        lam2 = l2[j]
        ridge += lam2 * w[j] * w[j]
        penalty += lam1 * abs(w[j])
        left = pull(g[j], w[j], lam1, lam2, lower[j], upper[j])
        if abs(left) <= floor * norm[j]:
            forgiven -= left * w[j]
            continue
        value = lam1 * abs(w[j]) + 0.5 * lam2 * w[j] * w[j]
        plain += max(value + conjugate(g[j], lam1, lam2, lower[j], upper[j]) - g[j] * w[j], 0.0)
        z = g[j] - lam2 * w[j]
        limit = upper[j] if z > 0.0 else -lower[j]
        if limit == np.inf and abs(z) > lam1 + floor * norm[j]:
            k = min(k, lam1 / abs(z))
    scaled = 0.5 * (1.0 - k) * (1.0 - k) * (rr + ridge)
    for j in range(w.shape[0]):
        lam1 = l1[j]
        lam2 = l2[j]
        solved = violation(g[j], w[j], lam1, lam2, lower[j], upper[j]) <= floor * norm[j]
        if w[j] == 0.0 and solved or k == 1.0 and solved:
            continue
        z = k * (g[j] - lam2 * w[j])
        limit = upper[j] if z > 0.0 else -lower[j]
        box = max(abs(z) - lam1, 0.0) * limit if limit < np.inf else 0.0
        scaled += max(lam1 * abs(w[j]) + box - z * w[j], 0.0)
    return min(min(plain, scaled) + max(forgiven, 0.0), 0.5 * (rr + ridge) + penalty)


# ---------------------------------------------------------------- Gram form


@jit(fastmath=VECTORISED_SUM)
def _move(G, j, step, g):
    for k in range(g.shape[0]):
        g[k] -= step * G[j, k]


@jit(fastmath=VECTORISED_SUM)
def _dot(x, y, m):
    total = 0.0
    for k in range(m):
        total += x[k] * y[k]
    return total


@jit
def correlations(G, q, w, g):
    """Set g = q - G w afresh, ridding it of the rounding of many small updates."""
    for j in range(w.shape[0]):  # a slice assignment would compile for seconds
        g[j] = q[j]
    for j in range(w.shape[0]):
        if w[j] != 0.0:
            _move(G, j, w[j], g)


@jit
def _sweep(G, w, g, l1, l2, lower, upper, active, m):
    """One pass of coordinate descent over active[:m]; return the largest move, norm_j |dw_j|."""
    largest = 0.0
    for k in range(m):
        j = active[k]
        old = w[j]
        curvature = G[j, j]
        lam1 = l1[j]
        # the margin keeps the rounding of alpha_max itself from admitting dust
        if old == 0.0 and abs(g[j]) <= lam1 * (1.0 + 8.0 * EPS):
            continue
        if curvature > 0.0:
            z = g[j] + curvature * old
            new = minimise_coordinate(z, curvature, lam1, l2[j], lower[j], upper[j])
        else:  # a constant column
            new = min(max(0.0, lower[j]), upper[j])
        if new != old:
            w[j] = new
            _move(G, j, new - old, g)
            largest = max(largest, abs(new - old) * np.sqrt(curvature))
    return largest


@jit
def _list_active(w, g, l1, l2, lower, upper, active):
    m = 0
    for j in range(w.shape[0]):
        if w[j] != 0.0 or violation(g[j], w[j], l1[j], l2[j], lower[j], upper[j]) > 0.0:
            active[m] = j
            m += 1
    return m


@jit(fastmath=VECTORISED_SUM)
def _factorise(G, l2, free, begin, end, L):
    """Rows begin to end of the Cholesky factor of G + diag(l2) on `free`, earlier ones being there.

    A column that depends on earlier ones, to rounding, gets a pivot of that size and counts as
    orthogonal to later ones. Along such directions, in which G vanishes, the step is then very
    long, and ends where the line search meets a kink.
    """
    for i in range(begin, end):
        j = free[i]
        full = G[j, j] + l2[j]
        for k in range(i):
            total = G[j, free[k]]
            for t in range(k):
                total -= L[i, t] * L[k, t]
            least = 2.0 * PIVOT_SHARE * (G[free[k], free[k]] + l2[free[k]])
            L[i, k] = total / L[k, k] if L[k, k] * L[k, k] > least else 0.0
        pivot = full + PIVOT_SHARE * G[j, j]
        for t in range(i):
            pivot -= L[i, t] * L[i, t]
        L[i, i] = np.sqrt(max(pivot, PIVOT_SHARE * full))


@jit
def _solve_factored(L, m, d):
    for i in range(m):
        d[i] = (d[i] - _dot(L[i], d, i)) / L[i, i]
    for i in range(m - 1, -1, -1):
        d[i] /= L[i, i]
        for k in range(i):
            d[k] -= L[i, k] * d[i]


@jit
def _next_event(w, d, free, m, lower, upper, share):
    """Return (share, i, at_bound): who reaches zero or a bound next; i = -1 if nobody by 1."""
    t = 1.0
    first = -1
    at_bound = False
    for i in range(m):
        j = free[i]
        if d[i] == 0.0:
            continue
        crossing = -w[j] / d[i]
        end = ((upper[j] if d[i] > 0.0 else lower[j]) - w[j]) / d[i]
        if share < crossing < t:
            t, first, at_bound = crossing, i, False
        if share < end <= t:
            t, first, at_bound = end, i, True
    return t, first, at_bound


@jit
def _slope(g, w, l1, l2):
    """Return minus the derivative of P with respect to a coefficient that is not zero."""
    return g - l2 * w - (l1 if w > 0.0 else -l1)


@jit
def _newton_step(G, w, g, l1, l2, lower, upper, free, L, d, left):
    """Go towards the minimum for the present support and signs, as far as P falls.

    The line search is exact: along the step P is a parabola with kinks where coefficients change
    sign, and a kink is passed if P still falls behind it. Returns whether none was met, and the
    multiplications; where they are many, before there is any step, the factor being unfinished.
    """
    m = 0
    for j in range(w.shape[0]):
        if w[j] != 0.0 and lower[j] < w[j] < upper[j]:
            d[m] = _slope(g[j], w[j], l1[j], l2[j])
            free[m] = j
            m += 1
    if m == 0:
        return True, 0.0
    begin = float(left[ROWS])
    end = min(float(m), np.floor(np.cbrt(begin**3 + 6.0 * FACTOR_WORK)) + 1.0)
    work = (end**3 - begin**3) / 6.0
    _factorise(G, l2, free, int(begin), int(end), L)
    if end < m:
        left[ROWS] = int(end)
        return False, work
    left[ROWS] = 0
    _solve_factored(L, m, d)
    steepness = 0.0
    for i in range(m):
        j = free[i]
        steepness += d[i] * _slope(g[j], w[j], l1[j], l2[j])
    share = 0.0
    kinks = 0.0
    blocker = -1
    at_bound = False
    whole = True
    while True:
        t, first, at_bound = _next_event(w, d, free, m, lower, upper, share)
        best = 1.0 - kinks / steepness if steepness > 0.0 else 0.0
        if best <= t:  # P falls at the rate steepness (1 - share) - kinks
            share = max(best, share)
            break
        share = t
        whole = False
        kinks += 2.0 * l1[free[first]] * abs(d[first])
        if at_bound or kinks >= steepness * (1.0 - share):
            blocker = first
            break
    for i in range(m):
        j = free[i]
        new = w[j] + share * d[i]
        if i == blocker:
            new = 0.0
            if at_bound:
                new = upper[j] if d[i] > 0.0 else lower[j]
        new = min(max(new, lower[j]), upper[j])
        if new != w[j]:
            _move(G, j, new - w[j], g)
            w[j] = new
    return whole, work + float(m) * w.shape[0]


@jit
def gram_solve(
    G, q, yy, w, g, l1, l2, lower, upper, norm, gap_goal, max_sweeps, work, active, L, d, left
):
    """Solve one problem in p-space, warm-started at w with g = q - G w.

    Rounds of coordinate descent on the support and its violators; where they are slow, Newton
    steps on the support, which end at machine precision. Stops at the rounding floor, or at a
    duality gap of `gap_goal` if that is positive, after `max_sweeps`, or when `work` (a count of
    multiplications, so that Ctrl-C is heard) is spent. What has been begun then is in `left`, all
    zero at first, and goes on in the next call; L must be kept for it.

    Returns (sweeps, work left, status): 1 solved, 2 nothing moves any more, 0 stopped before, and
    3 if rounding has made G indefinite: r'Vr came out negative, and P falls without end, or its
    terms have grown until their rounding exceeds y'Vy.
    """
    p = w.shape[0]
    sweeps = 0
    newton = 0  # the sweeps done before the last Newton steps
    best = np.inf
    idle = 0
    while True:
        correlations(G, q, w, g)
        work -= p * 10.0
        rr = yy - _dot(w, q, p) - _dot(w, g, p)
        size = rounding_scale(w, norm, yy)
        if not rr >= -64.0 * EPS * size * size or EPS * size * size > yy:
            return max(sweeps, 1), work, 3
        rr = max(rr, 0.0)
        worst = worst_violation(w, g, l1, l2, lower, upper, norm, rr)
        if worst <= 1.0:
            return max(sweeps, 1), work, 1
        if gap_goal > 0.0 and sweeps > 0:
            if duality_gap(w, g, l1, l2, lower, upper, norm, rr) <= gap_goal:
                return sweeps, work, 1
        begun = left[SWEEPS] + left[STEPS] > 0
        if work <= 0.0 or (sweeps >= max_sweeps and not begun):
            return max(sweeps, min(max_sweeps, 1)), work, 0
        idle = 0 if worst < 0.5 * best else idle + 1
        best = min(best, worst)
        if idle >= (2 if worst <= NEAR_FLOOR else MAX_IDLE):
            return sweeps, work, 2
        if left[STEPS] == 0:
            scale = EPS * rounding_scale(w, norm, rr)
            m = _list_active(w, g, l1, l2, lower, upper, active)
            # with many columns a goal is often met long before descent on them has come to its end
            thorough = gap_goal == 0.0 or m < 50
            if left[SWEEPS] == 0:
                left[SWEEPS] = 5 + m // 4 if thorough else ROUND
            k = 0
            while left[SWEEPS] > 0:
                if k % RELIST == RELIST - 1:
                    m = _list_active(w, g, l1, l2, lower, upper, active)
                moved = _sweep(G, w, g, l1, l2, lower, upper, active, m)
                k += 1
                sweeps += 1
                work -= float(m) * p
                left[SWEEPS] -= 1
                if moved <= scale or sweeps >= max_sweeps:
                    left[SWEEPS] = 0
                elif work <= -MORE_WORK and left[SWEEPS] > 0:
                    return sweeps, work, 0
            if k == 1 and moved <= scale:  # every violator is within rounding
                correlations(G, q, w, g)
                return sweeps, work, 2
            if moved > scale and (thorough or sweeps - newton >= ROUND + m // 10):
                newton = sweeps
                left[STEPS] = max(LEAST_STEPS, int(STEPS_WORK / (m * m * m / 6.0 + m * p)))
        while left[STEPS] > 0:
            whole, spent = _newton_step(G, w, g, l1, l2, lower, upper, active, L, d, left)
            work -= spent
            if left[ROWS] == 0:
                left[STEPS] = 0 if whole else left[STEPS] - 1
            if work <= 0.0 and left[STEPS] > 0:
                return sweeps, work, 0


@jit
def gram_path(
    G, q, yy, alphas, start, w, l1, l2, lower, upper, norm, gap_goal, max_sweeps, work,
    active, L, d, left, coefs, gaps, sweeps,
):  # fmt: skip
    """Solve for alphas[start:], each from the last; return the first index not finished and why.

    Here l1 and l2 are strengths per unit alpha; see `gram_solve` for `gap_goal`.
    Fills coefs (n_alphas, p), gaps and sweeps. `w` is the warm start and carries the state over
    to the next call when `work` runs out in between, with L and `left`.
    """
    p = w.shape[0]
    g = np.empty(p)
    lam1 = np.empty(p)
    lam2 = np.empty(p)
    for i in range(start, alphas.shape[0]):
        for j in range(p):
            lam1[j] = min(alphas[i] * l1[j], HUGE)
            lam2[j] = min(alphas[i] * l2[j], HUGE)
        done, work, status = gram_solve(
            G, q, yy, w, g, lam1, lam2, lower, upper, norm, gap_goal,
            max_sweeps - sweeps[i], work, active, L, d, left,
        )  # fmt: skip
        sweeps[i] += done
        begun = left[SWEEPS] + left[STEPS] > 0
        if status == 3 or (status == 0 and (sweeps[i] < max_sweeps or begun)):
            return i, status
        left[SWEEPS], left[STEPS], left[ROWS] = 0, 0, 0
        rr = max(yy - _dot(w, q, p) - _dot(w, g, p), 0.0)
        gaps[i] = duality_gap(w, g, lam1, lam2, lower, upper, norm, rr)
        for j in range(p):
            coefs[i, j] = w[j]
    return alphas.shape[0], 1


# ---------------------------------------------------------------- residual form


# Sweeps work on a vector called `r`, which holds v_i r_i for dense columns, and for sparse ones
# the residual less a `shift` of all rows, by which implicit centring keeps it sparse.


@generic
def column_dot(columns, j, r, shift):
    """Return sum_i v_i x_ij r_i for the centred column j."""


@generic
def sum_of_squares(columns, r, shift):
    """Return sum_i v_i r_i^2."""


@generic
def residual_sweep(columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g):
    """One pass of coordinate descent over live[:m]; return the shift and the largest move.

    Sets g to the correlations as they were when their column's turn came.
    """


@column_dot.register(Rows)
def _dense_dot(columns, j, r, shift):
    x = columns.values[columns.place[j]]
    total, product = 0.0, 0.0
    for i in range(r.shape[0]):
        product += x[i] * r[i]
        total += r[i]
    return product - columns.offset[j] * total


@sum_of_squares.register(Rows)
def _dense_squares(columns, r, shift):
    total = 0.0
    for i in range(r.shape[0]):
        if columns.weights[i] > 0.0:
            total += r[i] * (r[i] / columns.weights[i])
    return total


@residual_sweep.register(Rows)
def _dense_sweep(columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g):
    # Blocks of four columns: what takes time is waiting for their entries, and with the products
    # between them, which come at no further wait, each block is swept over twice.
    values, place, v = columns.values, columns.place, columns.weights
    G, h, moves, c = np.zeros((4, 4)), np.zeros(4), np.zeros(4), np.zeros(4)
    largest, total = 0.0, 0.0
    for i in range(r.shape[0]):
        total += r[i]
    for first in range(0, m, 4):
        size = min(4, m - first)
        j0, j1 = chosen[live[first]], chosen[live[min(first + 1, m - 1)]]
        j2, j3 = chosen[live[min(first + 2, m - 1)]], chosen[live[min(first + 3, m - 1)]]
        x0, x1, x2, x3 = values[place[j0]], values[place[j1]], values[place[j2]], values[place[j3]]
        c[0], c[1], c[2], c[3] = (
            columns.offset[j0], columns.offset[j1], columns.offset[j2], columns.offset[j3],
        )  # fmt: skip
        h0, h1, h2, h3 = 0.0, 0.0, 0.0, 0.0
        g01, g02, g03, g12, g13, g23 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(r.shape[0]):
            h0 += x0[i] * r[i]
            h1 += x1[i] * r[i]
            h2 += x2[i] * r[i]
            h3 += x3[i] * r[i]
            g01 += v[i] * x0[i] * x1[i]
            g02 += v[i] * x0[i] * x2[i]
            g03 += v[i] * x0[i] * x3[i]
            g12 += v[i] * x1[i] * x2[i]
            g13 += v[i] * x1[i] * x3[i]
            g23 += v[i] * x2[i] * x3[i]
        h[0], h[1], h[2], h[3] = h0, h1, h2, h3
        G[0, 1], G[0, 2], G[0, 3], G[1, 2], G[1, 3], G[2, 3] = g01, g02, g03, g12, g13, g23
        for s in range(size):
            k = live[first + s]
            h[s] -= c[s] * total
            g[k], moves[s] = h[s], 0.0
            G[s, s] = norm[k] * norm[k]
            for t in range(s):
                G[t, s] -= c[s] * c[t]
                G[s, t] = G[t, s]
        for _ in range(2):
            for s in range(size):
                k = live[first + s]
                old = w[k]
                if old == 0.0 and abs(h[s]) <= l1[k] * (1.0 + 8.0 * EPS):
                    continue
                if G[s, s] > 0.0:
                    z = h[s] + G[s, s] * old
                    new = minimise_coordinate(z, G[s, s], l1[k], l2[k], lower[k], upper[k])
                else:
                    new = min(max(0.0, lower[k]), upper[k])
                step = new - old
                if step != 0.0:
                    w[k] = new
                    moves[s] += step
                    for t in range(size):
                        h[t] -= step * G[s, t]
        level = 0.0
        for s in range(size):
            largest = max(largest, abs(moves[s]) * norm[live[first + s]])
            level += moves[s] * c[s]
        m0, m1, m2, m3 = moves[0], moves[1], moves[2], moves[3]
        if m0 != 0.0 or m1 != 0.0 or m2 != 0.0 or m3 != 0.0:
            total = 0.0
            for i in range(r.shape[0]):
                r[i] -= v[i] * (m0 * x0[i] + m1 * x1[i] + m2 * x2[i] + m3 * x3[i] - level)
                total += r[i]
            moves[:] = 0.0
    return shift, largest


@column_dot.register(Csc)
def _csc_dot(columns, j, r, shift):
    # sum v (x - c)(r + s) = sum v x r + c s, because v sums to one and v(r + s) to zero
    total = 0.0
    for k in range(columns.indptr[j], columns.indptr[j + 1]):
        i = columns.indices[k]
        total += columns.weights[i] * columns.data[k] * r[i]
    return total + shift * columns.centre[j]


@sum_of_squares.register(Csc)
def _csc_squares(columns, r, shift):
    total = 0.0
    for i in range(r.shape[0]):
        total += columns.weights[i] * (r[i] + shift) * (r[i] + shift)
    return total


@residual_sweep.register(Csc)
def _csc_sweep(columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g):
    largest = 0.0
    for i in range(m):
        k = live[i]
        j = chosen[k]
        old = w[k]
        g[k] = column_dot(columns, j, r, shift)
        if old == 0.0 and abs(g[k]) <= l1[k] * (1.0 + 8.0 * EPS):
            continue
        curvature = norm[k] * norm[k]
        if curvature > 0.0:
            z = g[k] + curvature * old
            new = minimise_coordinate(z, curvature, l1[k], l2[k], lower[k], upper[k])
        else:
            new = min(max(0.0, lower[k]), upper[k])
        step = new - old
        if step != 0.0:
            w[k] = new
            for t in range(columns.indptr[j], columns.indptr[j + 1]):
                r[columns.indices[t]] -= step * columns.data[t]
            shift += step * columns.centre[j]
            largest = max(largest, abs(step) * norm[k])
    return shift, largest


class Sweeps(NamedTuple):
    """What the sweeps of a round led to: row k belongs to the k-th, if `filled` exceeds k.

    Attributes
    ----------
    coefs : ndarray of shape (RESIDUAL_ROUND, m)
    residuals : ndarray of shape (RESIDUAL_ROUND, n)
    shifts : ndarray of shape (RESIDUAL_ROUND,)
    filled : ndarray of int of shape (1,)
    """

    coefs: np.ndarray
    residuals: np.ndarray
    shifts: np.ndarray
    filled: np.ndarray


@jit
def _remember(past, k, w, r, shift):
    # a round that begins in the middle, or was cut short, is not one to extrapolate from
    past.filled[0] = k + 1 if past.filled[0] == k or k == 0 else RESIDUAL_ROUND + 1
    for j in range(w.shape[0]):
        past.coefs[k, j] = w[j]
    for i in range(r.shape[0]):
        past.residuals[k, i] = r[i]
    past.shifts[k] = shift


@jit(fastmath=VECTORISED_SUM)
def _combine(rows, c, out):
    """Set out to the combination c of all rows but the first."""
    for i in range(out.shape[0]):
        total = 0.0
        for k in range(c.shape[0]):
            total += c[k] * rows[k + 1, i]
        out[i] = total


@jit
def _objective(w, rr, l1, l2):
    total = 0.5 * rr
    for j in range(w.shape[0]):
        total += abs(w[j]) * (l1[j] + 0.5 * l2[j] * abs(w[j]))
    return total


@jit
def _extrapolate(columns, past, w, r, shift, rr, l1, l2, lower, upper):
    """Go to where the sweeps of a round lead (Anderson 1965), if P is less there.

    That is the combination of their results, with coefficients that sum to one, in which what the
    sweeps moved cancels best. Sums of residuals are residuals: X is not read. Returns the shift
    and r'Vr.
    """
    number = past.coefs.shape[0] - 1
    moves = np.empty((number, w.shape[0]))
    for k in range(number):
        for j in range(w.shape[0]):
            moves[k, j] = past.coefs[k + 1, j] - past.coefs[k, j]
    products, L, c = np.empty((number, number)), np.empty((number, number)), np.ones(number)
    for k in range(number):
        for t in range(number):
            products[k, t] = _dot(moves[k], moves[t], w.shape[0])
    _factorise(products, np.zeros(number), np.arange(number), 0, number, L)
    _solve_factored(L, number, c)
    c /= c.sum()
    _combine(past.coefs, c, w)
    _combine(past.residuals, c, r)
    there = _dot(past.shifts[1:], c, number)
    beyond = sum_of_squares(columns, r, there)
    inside = True
    for j in range(w.shape[0]):
        inside &= lower[j] <= w[j] <= upper[j]
    before = _objective(past.coefs[number], rr, l1, l2)
    if inside and _objective(w, beyond, l1, l2) < before:
        return there, beyond
    for j in range(w.shape[0]):
        w[j] = past.coefs[number, j]
    for i in range(r.shape[0]):
        r[i] = past.residuals[number, i]
    return shift, rr


@jit
def residual_solve(
    columns, chosen, w, r, shift, l1, l2, lower, upper, norm,
    gap_goal, sweeps, max_sweeps, most, g, live, past,
):  # fmt: skip
    """Coordinate descent on the residual r + shift over the columns `chosen`.

    `w`, `l1`, ... `norm` and the scratch `g` and `live` are indexed like `chosen`, columns by its
    values. Rounds of sweeps over the support and what is near it, between sweeps over all; each
    round, kept in `past`, ends with an extrapolation.
    Stops at a duality gap of `gap_goal` within these columns (never, if it is 0), or when nothing
    moves above rounding, or after `most` sweeps, so that Ctrl-C is heard; `sweeps` were done in
    earlier calls. Returns (sweeps in all, shift, status) with the statuses of `gram_solve`.
    """
    size = chosen.shape[0]
    pause = sweeps + most
    while True:
        m = 0
        slot = sweeps % RESIDUAL_ROUND
        for k in range(size):
            if slot == 0 or w[k] != 0.0 or abs(g[k]) > NEAR_SUPPORT * l1[k]:
                live[m] = k
                m += 1
        shift, largest = residual_sweep(
            columns, chosen, live, m, w, r, shift, l1, l2, lower, upper, norm, g
        )
        sweeps += 1
        rr = sum_of_squares(columns, r, shift)
        _remember(past, slot, w, r, shift)
        if largest <= EPS * rounding_scale(w, norm, rr):
            if m == size:
                return sweeps, shift, 2
            sweeps += -sweeps % RESIDUAL_ROUND  # on to a sweep over all
        elif past.filled[0] == RESIDUAL_ROUND:
            shift, rr = _extrapolate(columns, past, w, r, shift, rr, l1, l2, lower, upper)
        if sweeps % RESIDUAL_ROUND == 0 or sweeps >= max_sweeps:
            for k in range(size):
                g[k] = column_dot(columns, chosen[k], r, shift)
            if gap_goal > 0.0:
                if duality_gap(w, g, l1, l2, lower, upper, norm, rr) <= gap_goal:
                    return sweeps, shift, 1
        if sweeps >= min(max_sweeps, pause):
            return sweeps, shift, 0
