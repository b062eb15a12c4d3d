"""Kernels of the column moments, all in one file (see solvers/kernels.py for why).

Within a block of rows there are plain sums of d and d^2, d the distance from a pivot that is near
the block's mean: the block is in cache, so that reading it twice is cheap, and d is exact to half a
unit. What goes from block to block is double-double: unevaluated sums of a high part and a low
part, some 32 digits (Dekker 1971). So the result does not depend, to a few units of the last digit,
on how rows are split into blocks and batches, nor on how far the mean is from zero.

A `state` is an array of shape (7, m) of m columns; its rows are named below. The variance is that
of x / UNIT, and UNIT, a power of two, is 1 unless x^2 would leave the range of numbers.
"""

import math

import numpy as np

from .._jit import VECTORISED_SUM, jit

WEIGHT, WEIGHT_LOW, MEAN, MEAN_LOW, VARIANCE, VARIANCE_LOW, UNIT = range(7)
# Rows summed up plainly, and rows of a block in all.
PLAIN = 64
BLOCK = 1024
# Deviations outside these are divided by a power of two before they are squared.
SMALL, LARGE = 1e-100, 1e100
# Share of the weight that counts as none where it is the difference of sums.
NOTHING = 1e-28


# ---------------------------------------------------------------- double-double


@jit
def two_sum(a, b):
    """Return a + b as the rounded sum and its error."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@jit
def _split(a):
    t = 134217729.0 * a  # 2^27 + 1
    high = t - (t - a)
    return high, a - high


@jit
def two_product(a, b):
    """Return a b as the rounded product and its error."""
    p = a * b
    ah, al = _split(a)
    bh, bl = _split(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@jit
def add(ah, al, bh, bl):
    """Return the sum of two double-double numbers."""
    s, e = two_sum(ah, bh)
    t, f = two_sum(al, bl)
    s, e = two_sum(s, e + t)
    return two_sum(s, e + f)


@jit
def multiply(ah, al, bh, bl):
    """Return the product of two double-double numbers."""
    p, e = two_product(ah, bh)
    return two_sum(p, e + (ah * bl + al * bh))


@jit
def divide(ah, al, bh, bl):
    """Return the quotient of two double-double numbers."""
    first = ah / bh
    p, e = multiply(first, 0.0, bh, bl)
    rh, rl = add(ah, al, -p, -e)
    second = rh / bh
    p, e = multiply(second, 0.0, bh, bl)
    rh, rl = add(rh, rl, -p, -e)
    h, e = two_sum(first, second)
    return add(h, e, rh / bh, 0.0)


# ---------------------------------------------------------------- merging


@jit
def _unit(size):
    """Return the power of two by which deviations of that size are divided."""
    if size == 0.0 or SMALL < size < LARGE:
        return 1.0
    return math.ldexp(1.0, min(max(math.frexp(size)[1], -1000), 1000))


@jit
def _blend(state, j, share, share_low, mean, mean_low, variance, variance_low, unit):
    """Move column j of the state by a share towards other moments; its weight stays.

    variance = (1 - s) v + s v' + s (1 - s) (m - m')^2, which for s = W' / (W + W') is the merge.
    """
    m, ml = state[MEAN, j], state[MEAN_LOW, j]
    v, vl, u = state[VARIANCE, j], state[VARIANCE_LOW, j], state[UNIT, j]
    w, wl, common = variance, variance_low, 1.0
    apart = abs(0.5 * mean - 0.5 * m)  # the difference itself may be beyond the largest number
    if not (u == 1.0 and unit == 1.0 and SMALL < apart * apart + v + w < LARGE):
        common = _unit(max(apart, np.sqrt(v) * u, np.sqrt(w) * unit))
        ratio = u / common  # its square may be out of range
        v, vl = v * ratio * ratio, vl * ratio * ratio
        ratio = unit / common
        w, wl = w * ratio * ratio, wl * ratio * ratio
        m, ml, mean, mean_low = m / common, ml / common, mean / common, mean_low / common
    d, dl = add(mean, mean_low, -m, -ml)
    rest, rest_low = add(1.0, 0.0, -share, -share_low)
    between, between_low = multiply(d, dl, d, dl)
    between, between_low = multiply(between, between_low, share, share_low)
    w, wl = multiply(w, wl, share, share_low)
    v, vl = add(v, vl, between, between_low)
    v, vl = multiply(v, vl, rest, rest_low)
    state[VARIANCE, j], state[VARIANCE_LOW, j] = add(v, vl, w, wl)
    state[UNIT, j] = common
    d, dl = multiply(d, dl, share, share_low)
    state[MEAN, j], state[MEAN_LOW, j] = add(
        state[MEAN, j], state[MEAN_LOW, j], d * common, dl * common
    )


@jit
def _merge_column(state, j, weight, weight_low, mean, mean_low, variance, variance_low, unit):
    if weight == 0.0:
        return
    if state[WEIGHT, j] == 0.0:
        state[WEIGHT, j], state[WEIGHT_LOW, j] = weight, weight_low
        state[MEAN, j], state[MEAN_LOW, j] = mean, mean_low
        state[VARIANCE, j], state[VARIANCE_LOW, j] = variance, variance_low
        state[UNIT, j] = unit
        return
    if weight > state[WEIGHT, j]:  # a share near one would have few digits of the other's share
        weight, state[WEIGHT, j] = state[WEIGHT, j], weight
        weight_low, state[WEIGHT_LOW, j] = state[WEIGHT_LOW, j], weight_low
        mean, state[MEAN, j] = state[MEAN, j], mean
        mean_low, state[MEAN_LOW, j] = state[MEAN_LOW, j], mean_low
        variance, state[VARIANCE, j] = state[VARIANCE, j], variance
        variance_low, state[VARIANCE_LOW, j] = state[VARIANCE_LOW, j], variance_low
        unit, state[UNIT, j] = state[UNIT, j], unit
    total, low = add(state[WEIGHT, j], state[WEIGHT_LOW, j], weight, weight_low)
    share, share_low = divide(weight, weight_low, total, low)
    _blend(state, j, share, share_low, mean, mean_low, variance, variance_low, unit)
    state[WEIGHT, j], state[WEIGHT_LOW, j] = total, low


@jit
def merge(state, other):
    """Merge the moments of other rows into the state."""
    for j in range(state.shape[1]):
        _merge_column(
            state, j, other[WEIGHT, j], other[WEIGHT_LOW, j], other[MEAN, j], other[MEAN_LOW, j],
            other[VARIANCE, j], other[VARIANCE_LOW, j], other[UNIT, j],
        )  # fmt: skip


@jit
def blend(state, other, share):
    """Move the moments by a share towards those of other rows, where these have any."""
    for j in range(state.shape[1]):
        if other[WEIGHT, j] == 0.0:
            continue
        if state[WEIGHT, j] == 0.0:
            for k in range(7):
                state[k, j] = other[k, j]
        else:
            _blend(
                state, j, share, 0.0, other[MEAN, j], other[MEAN_LOW, j],
                other[VARIANCE, j], other[VARIANCE_LOW, j], other[UNIT, j],
            )  # fmt: skip
        state[WEIGHT, j], state[WEIGHT_LOW, j] = 1.0, 0.0


# ---------------------------------------------------------------- one column


@jit
def _with_inverse(weight, low):
    inverse, inverse_low = 0.0, 0.0
    if weight > 0.0:
        inverse, inverse_low = divide(1.0, 0.0, weight, low)
    return weight, low, inverse, inverse_low


@jit
def _merge_sums(state, j, total, centre, s, s_low, q, q_low, unit):
    """Merge rows whose sums of d and d^2 are s and q, d = (x - centre) / unit.

    `total` is their weight and its inverse, both double-double.
    """
    weight, weight_low, inverse, inverse_low = total
    s, s_low = multiply(s, s_low, inverse, inverse_low)
    q, q_low = multiply(q, q_low, inverse, inverse_low)
    h, low = multiply(s, s_low, s, s_low)
    q, q_low = add(q, q_low, -h, -low)
    if q < 0.0:
        q, q_low = 0.0, 0.0
    mean, mean_low = add(centre, 0.0, s * unit, s_low * unit)
    _merge_column(state, j, weight, weight_low, mean, mean_low, q, q_low, unit)


@jit
def _careful(x, v, state, j):
    """Merge a few entries of one column: NaN left out, any size. Returns False if one is infinite.

    x and v are the entries and their weights.
    """
    least, most = np.inf, -np.inf
    weight, low = 0.0, 0.0
    for i in range(x.shape[0]):
        if abs(x[i]) == np.inf:
            return False
        if x[i] == x[i] and v[i] > 0.0:
            least, most = min(least, x[i]), max(most, x[i])
            weight, low = add(weight, low, v[i], 0.0)
    if weight == 0.0:
        return True
    centre = least
    unit = _unit(0.5 * most - 0.5 * least)
    if least < most:
        mean = 0.0
        for i in range(x.shape[0]):
            if x[i] == x[i]:
                mean += v[i] / weight * (x[i] / unit - centre / unit)
        centre += mean * unit
    s, s_low, q, q_low = 0.0, 0.0, 0.0, 0.0
    for i in range(x.shape[0]):
        if x[i] == x[i]:
            d = x[i] / unit - centre / unit
            s, s_low = add(s, s_low, v[i] * d, 0.0)
            q, q_low = add(q, q_low, v[i] * d * d, 0.0)
    _merge_sums(state, j, _with_inverse(weight, low), centre, s, s_low, q, q_low, unit)
    return True


@jit
def _ordinary(s, q, weight):
    """Return whether sums of d and d^2 hold no NaN and no deviation of extreme size."""
    return abs(s) < np.inf and SMALL * SMALL < q / weight < LARGE * LARGE


@jit
def _all_equal(x, v, value):
    for i in range(x.shape[0]):
        if x[i] != value and v[i] > 0.0:
            return False
    return True


@jit(fastmath=VECTORISED_SUM)
def _plain_sum(x, v, base):
    total = 0.0
    for i in range(x.shape[0]):
        total += v[i] * (x[i] - base)
    return total


@jit(fastmath=VECTORISED_SUM)
def _plain_sums(x, v, centre):
    s, q = 0.0, 0.0
    for i in range(x.shape[0]):
        d = x[i] - centre
        s += v[i] * d
        q += v[i] * d * d
    return s, q


@jit
def _first(v):
    """Return the first row that counts."""
    for i in range(v.shape[0]):
        if v[i] > 0.0:
            return i
    return 0


@jit
def weight_of(v):
    """Return the sum of weights as a double-double number."""
    same = 0
    for i in range(v.shape[0]):
        same += v[i] == v[0]
    if same == v.shape[0]:
        return two_product(v[0], float(same))
    total, low = 0.0, 0.0
    for i in range(v.shape[0]):
        total, low = add(total, low, v[i], 0.0)
    return total, low


@jit
def _block_totals(v):
    """Return, for every block, its weight and the inverse of it, both double-double."""
    totals = np.zeros((-(-v.shape[0] // BLOCK), 4))
    for k in range(totals.shape[0]):
        weight, low = weight_of(v[k * BLOCK : (k + 1) * BLOCK])
        totals[k, 0], totals[k, 1], totals[k, 2], totals[k, 3] = _with_inverse(weight, low)
    return totals


@jit
def contiguous_column(x, v, totals, state, j):
    """Merge the entries of a column that lie together; return False if one is infinite."""
    for block in range(totals.shape[0]):
        begin = block * BLOCK
        some, weights = x[begin : begin + BLOCK], v[begin : begin + BLOCK]
        weight = totals[block, 0]
        if weight == 0.0:
            if not _careful(some, weights, state, j):
                return False
            continue
        base = some[_first(weights)]
        centre = base + _plain_sum(some, weights, base) / weight
        s, s_low, q, q_low = 0.0, 0.0, 0.0, 0.0
        for k in range(0, some.shape[0], 4 * PLAIN):
            part = some[k : k + 4 * PLAIN]
            ds, dq = _plain_sums(part, weights[k : k + 4 * PLAIN], centre)
            s, s_low = add(s, s_low, ds, 0.0)
            q, q_low = add(q, q_low, dq, 0.0)
        if _ordinary(s, q, weight) or (q == 0.0 and _all_equal(some, weights, base)):
            total = weight, totals[block, 1], totals[block, 2], totals[block, 3]
            _merge_sums(state, j, total, centre, s, s_low, q, q_low, 1.0)
        elif not _careful(some, weights, state, j):
            return False
    return True


# ---------------------------------------------------------------- all columns


@jit
def columns_moments(columns, v, state):
    """Merge columns, given as the rows of an array in C order; return False if one is infinite."""
    totals = _block_totals(v)
    for j in range(columns.shape[0]):
        if not contiguous_column(columns[j], v, totals, state, j):
            return False
    return True


@jit(fastmath=VECTORISED_SUM)
def _rows_sum(X, v, first, stop, start, base, s):
    m = s.shape[0]
    paired = first + 2 * ((stop - first) // 2)
    for i in range(first, paired, 2):  # in pairs: sums are loaded and stored half as often
        x, weight = X[i, start : start + m], v[i]
        y, other = X[i + 1, start : start + m], v[i + 1]
        for j in range(m):
            s[j] += weight * (x[j] - base[j]) + other * (y[j] - base[j])
    for i in range(paired, stop):
        x, weight = X[i, start : start + m], v[i]
        for j in range(m):
            s[j] += weight * (x[j] - base[j])


@jit(fastmath=VECTORISED_SUM)
def _rows_sums(X, v, first, stop, start, centre, s, q):
    m = s.shape[0]
    paired = first + 2 * ((stop - first) // 2)
    for i in range(first, paired, 2):
        x, weight = X[i, start : start + m], v[i]
        y, other = X[i + 1, start : start + m], v[i + 1]
        for j in range(m):
            d, e = x[j] - centre[j], y[j] - centre[j]
            s[j] += weight * d + other * e
            q[j] += weight * d * d + other * e * e
    for i in range(paired, stop):
        x, weight = X[i, start : start + m], v[i]
        for j in range(m):
            d = x[j] - centre[j]
            s[j] += weight * d
            q[j] += weight * d * d


@jit
def _gather(plain, high, low):
    for j in range(plain.shape[0]):
        h, e = two_sum(high[j], plain[j])
        high[j] = h
        low[j] += e
        plain[j] = 0.0


@jit
def rows_moments(X, v, start, state, block):
    """Merge the columns from `start` on of X (C order) into the state, `block` rows at once.

    Returns False if an entry is infinite. Takes bounds and not a slice, which would not be known
    to be contiguous.
    """
    m = state.shape[1]
    base, centre, ds, dq = np.empty(m), np.empty(m), np.zeros(m), np.zeros(m)
    s, s_low, q, q_low = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    for begin in range(0, X.shape[0], block):
        end = min(begin + block, X.shape[0])
        weights = v[begin:end]
        weight, low = weight_of(weights)
        total = _with_inverse(weight, low)
        first = begin + _first(weights)
        for j in range(m):
            base[j] = X[first, start + j]
            s[j], s_low[j], q[j], q_low[j] = 0.0, 0.0, 0.0, 0.0
        _rows_sum(X, v, begin, end, start, base, ds)
        for j in range(m):
            centre[j] = base[j] + ds[j] / weight
            ds[j] = 0.0
        for k in range(begin, end, PLAIN):
            _rows_sums(X, v, k, min(k + PLAIN, end), start, centre, ds, dq)
            _gather(ds, s, s_low)
            _gather(dq, q, q_low)
        for j in range(m):
            x = X[begin:end, start + j]
            if _ordinary(s[j], q[j], weight) or (q[j] == 0.0 and _all_equal(x, weights, base[j])):
                _merge_sums(state, j, total, centre[j], s[j], s_low[j], q[j], q_low[j], 1.0)
            elif not _careful(x, weights, state, j):
                return False
    return True


@jit
def sparse_moments(data, indices, indptr, v, weight, weight_low, state):
    """Merge the columns of a CSC matrix, the entries of which are the rows of total `weight`."""
    for j in range(state.shape[1]):
        entries = slice(indptr[j], indptr[j + 1])
        rows = indices[entries]
        weights = np.empty(rows.shape[0])
        for k in range(rows.shape[0]):
            weights[k] = v[rows[k]]
        if not contiguous_column(data[entries], weights, _block_totals(weights), state, j):
            return False
        rest, low = weight, weight_low
        if 0 < rows.shape[0]:
            stored, stored_low = weight_of(weights)
            rest, low = add(weight, weight_low, -stored, -stored_low)
        if rows.shape[0] < v.shape[0] and rest > NOTHING * weight:
            _merge_column(state, j, rest, low, 0.0, 0.0, 0.0, 0.0, 1.0)
    return True


# ---------------------------------------------------------------- least squares


@jit
def exact_correlations(X, origin, y, v, w, centred):
    """Return b, and X'Vr for r = y - b - X w to some 30 digits, as high and low parts.

    b is the weighted mean of y - X w, or zero unless `centred`. X is in C order; `origin` (m,) is
    zero or, if centred, near its columns, so that the sums lose no digits to large offsets.
    """
    n, m = X.shape
    r, r_low, high, low = y.copy(), np.zeros(n), np.zeros(m), np.zeros(m)
    columns = X.T.copy()
    for j in range(m):  # the inner loops are over what lies together: so they are vectorised
        x, minus = columns[j], -w[j]
        for i in range(n):
            p, e = two_product(x[i], minus)
            r[i], r_low[i] = add(r[i], r_low[i], p, e)
    b, b_low = 0.0, 0.0
    for i in range(n):
        p, e = multiply(r[i], r_low[i], v[i], 0.0)
        b, b_low = add(b, b_low, p, e)
    weight, weight_low = weight_of(v)
    b, b_low = divide(b, b_low, weight, weight_low)
    if not centred:
        b, b_low = 0.0, 0.0
    for i in range(n):
        x = X[i]
        p, e = add(r[i], r_low[i], -b, -b_low)
        p, e = multiply(p, e, v[i], 0.0)
        for j in range(m):
            s, t = two_sum(x[j], -origin[j])
            s, t = multiply(p, e, s, t)
            high[j], low[j] = add(high[j], low[j], s, t)
    return b, high, low
