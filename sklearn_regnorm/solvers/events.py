"""Kernels of the homotopy: the path of a lasso from event to event (see homotopy.py)."""

from typing import NamedTuple

import numpy as np

from .._jit import VECTORISED_SUM, jit

EPS = 2.220446049250313e-16
# Squared pivot, relative to the column's square, below which it depends on the active ones.
DEPENDENCE = 1e-10
FREE, ACTIVE, DEPENDENT = 0, 1, 2
UNDERWAY, ARRIVED, ASTRAY = 0, 1, 2
# Slacks are computed afresh once following cost as many correlations as this times doing so.
RENEWAL = 4.0


class Walk(NamedTuple):
    """What `follow` works on, for n rows, p columns, and room for m of them.

    Attributes
    ----------
    active, sign, w, t, d : arrays of shape (m,)
        The active columns, their signs and coefficients; t = L^-1 (l1 sign), and the change of w
        per unit by which alpha falls.
    L : array of shape (m, m)
        Cholesky factor of the Gram matrix of the active columns.
    r, z, u, vr : arrays of shape (n,)
        The residual; its change, centred active columns times d; weights times z, and times r.
    ref : array of shape (n,)
        r / alpha where `slack` was computed.
    g, a, slack : arrays of shape (p,)
        Of live columns the correlation with r and with z; how far r / alpha may go from `ref`
        before the column can become active.
    role, is_live : arrays of shape (p,)
        FREE to join, ACTIVE, or DEPENDENT; whether the column is in the list of live ones.
    near, live : arrays of columns
        Those that may join, and of these the ones whose correlations are followed.
    """

    active: np.ndarray
    sign: np.ndarray
    w: np.ndarray
    t: np.ndarray
    d: np.ndarray
    L: np.ndarray
    r: np.ndarray
    z: np.ndarray
    u: np.ndarray
    vr: np.ndarray
    ref: np.ndarray
    g: np.ndarray
    a: np.ndarray
    slack: np.ndarray
    role: np.ndarray
    is_live: np.ndarray
    near: np.ndarray
    live: np.ndarray


@jit(fastmath=VECTORISED_SUM)
def _dot(x, y, m):
    total = 0.0
    for i in range(m):
        total += x[i] * y[i]
    return total


@jit(fastmath=VECTORISED_SUM)
def _add(a, x, y, m):
    for i in range(m):
        y[i] += a * x[i]


@jit
def _forward(L, m, d):
    for i in range(m):
        d[i] = (d[i] - _dot(L[i], d, i)) / L[i, i]


@jit
def _backward(L, m, d):
    for i in range(m - 1, -1, -1):
        d[i] /= L[i, i]
        _add(-d[i], L[i], d, i)


@jit
def _weighted(v, x, offset, u):
    """Set u = v (x - offset); return its sum."""
    total = 0.0
    for i in range(x.shape[0]):
        u[i] = v[i] * (x[i] - offset)
        total += u[i]
    return total


@jit(fastmath=VECTORISED_SUM)
def correlations(rows, columns, m, u, total, out):
    """Set out[j] to the product of centred column j with u, whose sum is `total`."""
    values, place, n = rows.values, rows.place, u.shape[0]
    for k in range(0, m - 3, 4):  # four at once: waiting for memory is what takes time
        a, b, c, d = columns[k], columns[k + 1], columns[k + 2], columns[k + 3]
        A, B, C, D = values[place[a]], values[place[b]], values[place[c]], values[place[d]]
        p, q, r, s = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            p += A[i] * u[i]
            q += B[i] * u[i]
            r += C[i] * u[i]
            s += D[i] * u[i]
        out[a], out[b], out[c], out[d] = p, q, r, s
    for k in range(m - m % 4, m):
        out[columns[k]] = _dot(values[place[columns[k]]], u, n)
    for k in range(m):
        out[columns[k]] -= rows.offset[columns[k]] * total


@jit(fastmath=VECTORISED_SUM)
def combine(rows, active, d, m, z):
    """Set z to the centred active columns times d."""
    values, place, n = rows.values, rows.place, z.shape[0]
    shift = 0.0
    for k in range(m):
        shift += d[k] * rows.offset[active[k]]
    for i in range(n):
        z[i] = -shift
    for k in range(0, m - 3, 4):
        A, B = values[place[active[k]]], values[place[active[k + 1]]]
        C, D = values[place[active[k + 2]]], values[place[active[k + 3]]]
        p, q, r, s = d[k], d[k + 1], d[k + 2], d[k + 3]
        for i in range(n):
            z[i] += p * A[i] + q * B[i] + r * C[i] + s * D[i]
    for k in range(m - m % 4, m):
        _add(d[k], values[place[active[k]]], z, n)


@jit
def _remove(L, t, m, k):
    """Turn the factor into that of the matrix without row and column k, and t = L^-1 s with it."""
    for i in range(k, m - 1):
        for j in range(i + 2):
            L[i, j] = L[i + 1, j]
    for c in range(k, m - 1):
        length = np.hypot(L[c, c], L[c, c + 1])
        cosine, sine = L[c, c] / length, L[c, c + 1] / length
        L[c, c] = length
        x, y = t[c], t[c + 1]
        t[c], t[c + 1] = cosine * x + sine * y, cosine * y - sine * x
        for i in range(c + 1, m - 1):
            x, y = L[i, c], L[i, c + 1]
            L[i, c] = cosine * x + sine * y
            L[i, c + 1] = cosine * y - sine * x


@jit
def _drop(walk, m, k):
    """Let active column number k go; return the new m."""
    _remove(walk.L, walk.t, m, k)
    for i in range(k, m - 1):
        walk.active[i], walk.sign[i], walk.w[i] = (
            walk.active[i + 1], walk.sign[i + 1], walk.w[i + 1],
        )  # fmt: skip
    return m - 1


@jit
def append(rows, walk, m, j, side, l1, square):
    """Make column j the active column number m, unless it depends on the others; return m."""
    total = _weighted(rows.weights, rows.values[rows.place[j]], rows.offset[j], walk.u)
    correlations(rows, walk.active, m, walk.u, total, walk.a)
    row = walk.L[m]
    for k in range(m):
        row[k] = walk.a[walk.active[k]]
    _forward(walk.L, m, row)
    pivot = square - _dot(row, row, m)
    walk.role[j] = DEPENDENT
    if pivot > DEPENDENCE * square:
        walk.role[j] = ACTIVE
        row[m] = np.sqrt(pivot)
        walk.active[m], walk.sign[m], walk.w[m] = j, side, 0.0
        walk.t[m] = (l1 * side - _dot(row, walk.t, m)) / row[m]
        m += 1
    return m


@jit
def _leaving(w, d, m, step):
    """Return (step, k) of the active coefficient that reaches zero first, k = -1 if none does."""
    who = -1
    for k in range(m):
        if w[k] * d[k] < 0.0 and -w[k] / d[k] < step:
            step, who = -w[k] / d[k], k
    return step, who


@jit
def _joining(walk, first, last, alpha, l1, one_sided, step):
    """Return (step, j, side) of the first of live[first:last] to join, j = -1 if none does."""
    who, side = -1, 0.0
    for k in range(first, last):
        j = walk.live[k]
        if walk.role[j] != FREE:
            continue
        g, a, limit = walk.g[j], walk.a[j], l1[j]
        if limit - a > 1e-12 * limit:
            t = max((alpha * limit - g) / (limit - a), 0.0)
            if t < step:
                step, who, side = t, j, 1.0
        if not one_sided and limit + a > 1e-12 * limit:
            t = max((alpha * limit + g) / (limit + a), 0.0)
            if t < step:
                step, who, side = t, j, -1.0
    return step, who, side


@jit(fastmath=VECTORISED_SUM)
def _distance(v, r, z, step, alpha, ref):
    """Return how far (r - step z) / alpha is from `ref`."""
    total = 0.0
    for i in range(r.shape[0]):
        off = (r[i] - step * z[i]) / alpha - ref[i]
        total += v[i] * off * off
    return np.sqrt(total)


@jit
def _widen(walk, reach, n_live):
    """Make live what is within reach; return the new number."""
    for j in walk.near:
        if not walk.is_live[j] and walk.slack[j] <= reach:
            walk.is_live[j] = True
            walk.live[n_live] = j
            n_live += 1
    return n_live


@jit
def _renew(rows, walk, alpha, l1, norm, one_sided):
    """Compute slack afresh at the present residual, with no column live."""
    n = walk.r.shape[0]
    total = _weighted(rows.weights, walk.r, 0.0, walk.u)
    correlations(rows, walk.near, walk.near.shape[0], walk.u, total, walk.g)
    for i in range(n):
        walk.ref[i] = walk.r[i] / alpha
    for j in walk.near:
        walk.is_live[j] = False
        pull = walk.g[j] if one_sided else abs(walk.g[j])
        walk.slack[j] = 0.0
        if walk.role[j] != ACTIVE:
            walk.slack[j] = (l1[j] - pull / alpha) / norm[j]


@jit(fastmath=VECTORISED_SUM)
def doubtful(v, r, alpha, start, end, pulls, l1, norm, one_sided, w, out):
    """List the columns that may be active at a point between the ends of a stretch.

    r / alpha is compared with the nearest point of the line from `start` to `end`, where the
    columns' correlations are interpolated between pulls[0] and pulls[1]. Returns how many may be.
    """
    along, length, far = 0.0, 0.0, 0.0
    for i in range(r.shape[0]):
        d = end[i] - start[i]
        along += v[i] * d * (r[i] / alpha - start[i])
        length += v[i] * d * d
    share = along / length if length > 0.0 else 0.0
    for i in range(r.shape[0]):
        off = r[i] / alpha - start[i] - share * (end[i] - start[i])
        far += v[i] * off * off
    far = np.sqrt(far)
    m = 0
    for j in range(l1.shape[0]):
        pull = (1.0 - share) * pulls[0, j] + share * pulls[1, j]
        if not one_sided:
            pull = abs(pull)
        if w[j] != 0.0 or pull + far * norm[j] >= l1[j] * (1.0 - 1e-6):
            out[m] = j
            m += 1
    return m


@jit
def judge_terms(rows, r, columns, m, alpha, l1, norm, one_sided, w, terms):
    """Fill terms[:, :m] with w, correlations, strengths at alpha and norms of columns[:m].

    Returns (r'Vr, how many correlations of columns without coefficient are beyond the strength).
    """
    u, g = np.empty_like(r), np.empty_like(w)
    total = _weighted(rows.weights, r, 0.0, u)
    correlations(rows, columns, m, u, total, g)
    strays = 0
    for k in range(m):
        j = columns[k]
        terms[0, k], terms[1, k], terms[2, k], terms[3, k] = w[j], g[j], alpha * l1[j], norm[j]
        pull = g[j] if one_sided else abs(g[j])
        if w[j] == 0.0 and pull > terms[2, k] * (1.0 + 1e-8):
            strays += 1
    return _dot(r, u, r.shape[0]), strays


@jit
def _settle(rows, walk, m, q, y, alpha, l1):
    """Compute coefficients and residual afresh, which rids them of gathered rounding.

    Returns whether coefficients have the signs they should.
    """
    for k in range(m):
        j = walk.active[k]
        walk.t[k] = l1[j] * walk.sign[k]
        walk.w[k] = q[j] - alpha * walk.t[k]
    _forward(walk.L, m, walk.t)
    _forward(walk.L, m, walk.w)
    _backward(walk.L, m, walk.w)
    combine(rows, walk.active, walk.w, m, walk.z)
    for i in range(y.shape[0]):
        walk.r[i] = y[i] - walk.z[i]
    for k in range(m):
        if walk.w[k] * walk.sign[k] < 0.0:
            return False
    return True


@jit
def follow(
    rows, walk, q, y, l1, norm, one_sided, alpha, end, m, n_live, reach, spent, share, events
):  # fmt: skip
    """Follow the path from `alpha` down to `end`.

    A column j whose correlation was within l1_j - norm_j s of the boundary, in units of alpha,
    cannot get there before r / alpha has moved by s: only columns within `share` of that are
    looked at (a share below one is a guess, for the caller to verify).

    Returns (UNDERWAY, or ARRIVED, or ASTRAY if a sign is wrong there, alpha, m, n_live, reach,
    spent, events left).
    """
    n = y.shape[0]
    if n_live < 0:
        n_live = _widen(walk, reach, 0)
    while events > 0 and m < walk.L.shape[0]:
        events -= 1
        for k in range(m):
            walk.d[k] = walk.t[k]
        _backward(walk.L, m, walk.d)
        combine(rows, walk.active, walk.d, m, walk.z)
        total = _weighted(rows.weights, walk.z, 0.0, walk.u)
        correlations(rows, walk.live, n_live, walk.u, total, walk.a)
        spent += n_live
        # the margin keeps the rounding of alpha_max itself from admitting dust
        step, leaver = _leaving(walk.w, walk.d, m, alpha - end - 8.0 * EPS * alpha)
        step, joiner, side = _joining(walk, 0, n_live, alpha, l1, one_sided, step)
        while n_live < walk.near.shape[0]:
            moved = share * _distance(rows.weights, walk.r, walk.z, step, alpha - step, walk.ref)
            if moved <= reach:
                break
            reach = min(1.1 * moved, max(2.0 * reach, moved / 16.0))
            first, n_live = n_live, _widen(walk, reach, n_live)
            if n_live > first:
                fresh = walk.live[first:n_live]
                correlations(rows, fresh, n_live - first, walk.u, total, walk.a)
                left = _weighted(rows.weights, walk.r, 0.0, walk.vr)
                correlations(rows, fresh, n_live - first, walk.vr, left, walk.g)
                spent += 2 * (n_live - first)
                step, other, turn = _joining(walk, first, n_live, alpha, l1, one_sided, step)
                if other >= 0:
                    joiner, side = other, turn
        arrived = joiner < 0 and leaver < 0
        if arrived:
            step = alpha - end
        for k in range(n_live):
            walk.g[walk.live[k]] -= step * walk.a[walk.live[k]]
        if arrived:
            arrival = ARRIVED if _settle(rows, walk, m, q, y, end, l1) else ASTRAY
            return arrival, end, m, n_live, reach, spent, events
        alpha -= step
        _add(step, walk.d, walk.w, m)
        _add(-step, walk.z, walk.r, n)
        if joiner >= 0:
            m = append(rows, walk, m, joiner, side, l1[joiner], norm[joiner] ** 2)
        else:
            j = walk.active[leaver]
            for k in walk.near:
                walk.role[k] = FREE
            gone = walk.sign[leaver]
            m = _drop(walk, m, leaver)
            for k in range(m):
                walk.role[walk.active[k]] = ACTIVE
            walk.g[j] = alpha * l1[j] * gone
            if not walk.is_live[j]:
                walk.is_live[j] = True
                walk.live[n_live] = j
                n_live += 1
        if spent > RENEWAL * walk.near.shape[0]:
            _renew(rows, walk, alpha, l1, norm, one_sided)
            reach = 0.25 * reach
            n_live, spent = _widen(walk, reach, 0), 0
    return UNDERWAY, alpha, m, n_live, reach, spent, events
