"""Kernels that normalise: read once, written once, in float64, whatever the type of X."""

import math

import numpy as np

from .._jit import VECTORISED_SUM, jit

# Columns of C-ordered rows that are worked on together: their parameters stay in cache.
TILE = 512
# Mean squares of rows outside these are taken of rows divided by a power of two.
SMALL, LARGE = 1e-200, 1e200
LARGEST = 1.7976931348623157e308


# ---------------------------------------------------------------- columns


@jit
def scale_rows(X, out, unit, high, low, factor, add_low, add_high, least=-np.inf):
    """Set out = ((X / unit - high) - low) factor + add_low + add_high, by column, in C order.

    What is less than `least` becomes `least`. Returns False if an entry is infinite.
    """
    infinite = False
    for start in range(0, X.shape[1], TILE):
        stop = min(start + TILE, X.shape[1])
        inverse = 1.0 / unit[start:stop]
        h, a, f = high[start:stop], low[start:stop], factor[start:stop]
        b, c = add_low[start:stop], add_high[start:stop]
        for i in range(X.shape[0]):
            x, y = X[i, start:stop], out[i, start:stop]
            for j in range(stop - start):
                value = ((x[j] * inverse[j] - h[j]) - a[j]) * f[j] + b[j] + c[j]
                y[j] = least if value < least else value
                infinite |= abs(x[j]) > LARGEST
    return not infinite


@jit
def scale_columns(columns, out, unit, high, low, factor, add_low, add_high):
    """Do what `scale_rows` does on columns that are the rows of arrays in C order."""
    infinite = False
    for j in range(columns.shape[0]):
        x, y = columns[j], out[j]
        inverse, h, a, f = 1.0 / unit[j], high[j], low[j], factor[j]
        b, c = add_low[j], add_high[j]
        for i in range(columns.shape[1]):
            y[i] = ((x[i] * inverse - h) - a) * f + b + c
            infinite |= abs(x[i]) > LARGEST
    return not infinite


# ---------------------------------------------------------------- rows


@jit(fastmath=VECTORISED_SUM)
def _sum(x, base):
    total = 0.0
    for j in range(x.shape[0]):
        total += x[j] - base
    return total


@jit
def _all_equal(x, value):
    for j in range(x.shape[0]):
        if x[j] != value:
            return False
    return True


@jit(fastmath=VECTORISED_SUM)
def _sums(x, centre):
    s, q = 0.0, 0.0
    for j in range(x.shape[0]):
        d = x[j] - centre
        s += d
        q += d * d
    return s, q


@jit
def _careful_moments(x, center):
    """Return count, unit, and as `row_moments` the rest, of entries with NaN or of extreme size.

    The count is -1 if one is infinite.
    """
    count, largest = 0, 0.0
    for j in range(x.shape[0]):
        if x[j] == x[j]:
            count += 1
            largest = max(largest, abs(x[j]))
    if largest == np.inf:
        return -1, 1.0, 0.0, 0.0, 0.0
    if largest == 0.0:
        return count, 1.0, 0.0, 0.0, 0.0
    unit = math.ldexp(1.0, min(max(math.frexp(largest)[1], -1000), 1000))
    mean = 0.0
    if center:
        for j in range(x.shape[0]):
            if x[j] == x[j]:
                mean += x[j] / unit / count
    s, q = 0.0, 0.0
    for j in range(x.shape[0]):
        if x[j] == x[j]:
            d = x[j] / unit - mean
            s += d
            q += d * d
    if not center:
        return count, unit, 0.0, 0.0, q / count
    return count, unit, mean, s / count, max(q / count - (s / count) * (s / count), 0.0)


@jit
def row_moments(x, center):
    """Return unit, centre, rest and variance of x / unit, the mean of which is centre + rest.

    About zero unless `center`. NaN does not count; the unit is 0 if an entry is infinite. The rest
    is what a second pass finds, and is subtracted by itself: so offsets do no harm.
    """
    width = x.shape[0]
    base = x[0] if center else 0.0
    mean = base + _sum(x, base) / width if center else 0.0
    s, q = _sums(x, mean)
    if q / width < LARGE and (q / width > SMALL or q == 0.0 and _all_equal(x, mean)):
        if not center:
            return 1.0, 0.0, 0.0, q / width
        s /= width
        return 1.0, mean, s, max(q / width - s * s, 0.0)
    count, unit, mean, rest, variance = _careful_moments(x, center)
    return unit if count >= 0 else 0.0, mean, rest, variance


@jit
def _normalise(x, y, gamma, beta, center, scale, eps, least):
    unit, mean, rest, variance = row_moments(x, center)
    if unit == 0.0:
        return False
    inverse = unit
    if scale and variance + eps > 0.0:
        # eps / unit^2 may not be representable
        inverse = 1.0 / math.hypot(math.sqrt(variance), math.sqrt(eps) / unit)
    down = 1.0 / unit
    for j in range(x.shape[0]):
        value = ((x[j] * down - mean) - rest) * inverse * gamma[j] + beta[j]
        y[j] = least if value < least else value
    return True


@jit
def normalise_rows(X, out, gamma, beta, groups, center, scale, eps, least=-np.inf):
    """Normalise the rows of X (C order), each in so many groups of columns.

    What is less than `least` becomes `least`. Returns False if an entry is infinite.
    """
    p = X.shape[1]
    width = p // groups
    row = np.empty(p)
    for i in range(X.shape[0]):
        for j in range(p):
            row[j] = X[i, j]
        for k in range(0, p, width):
            part = row[k : k + width]
            some, shift = gamma[k : k + width], beta[k : k + width]
            to = out[i, k : k + width]
            if not _normalise(part, to, some, shift, center, scale, eps, least):
                return False
    return True


@jit(fastmath=VECTORISED_SUM)
def _lane_sum(columns, start, stop, base, s):
    lanes = s.shape[0]
    for j in range(columns.shape[0]):
        x = columns[j, start:stop]
        for i in range(lanes):
            s[i] += x[i] - base[i]


@jit(fastmath=VECTORISED_SUM)
def _lane_sums(columns, start, stop, centre, s, q):
    lanes = s.shape[0]
    for j in range(columns.shape[0]):
        x = columns[j, start:stop]
        for i in range(lanes):
            d = x[i] - centre[i]
            s[i] += d
            q[i] += d * d


@jit
def _lanes(columns, out, start, stop, gamma, beta, center, scale, eps):
    """Normalise rows start to stop over the columns, which are the rows of arrays in C order."""
    width, lanes = columns.shape[0], stop - start
    centre, s, q, inverse = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes), np.ones(lanes)
    if center:
        for i in range(lanes):
            q[i] = columns[0, start + i]
        _lane_sum(columns, start, stop, q, s)
        for i in range(lanes):
            centre[i] = q[i] + s[i] / width
            s[i], q[i] = 0.0, 0.0
    _lane_sums(columns, start, stop, centre, s, q)
    ordinary = True
    for i in range(lanes):
        square = q[i] / width
        ordinary &= SMALL < square < LARGE
        s[i] = s[i] / width if center else 0.0
        if scale:
            inverse[i] = 1.0 / math.sqrt(max(square - s[i] * s[i], 0.0) + eps)
    if not ordinary:  # NaN, a constant row, or extreme size in one of them
        x, y = np.empty(width), np.empty(width)
        for i in range(start, stop):
            for j in range(width):
                x[j] = columns[j, i]
            if not _normalise(x, y, gamma, beta, center, scale, eps, -np.inf):
                return False
            for j in range(width):
                out[j, i] = y[j]
        return True
    for j in range(width):
        x, y, g, b = columns[j, start:stop], out[j, start:stop], gamma[j], beta[j]
        for i in range(lanes):
            y[i] = ((x[i] - centre[i]) - s[i]) * inverse[i] * g + b
    return True


@jit
def normalise_lanes(columns, out, first, last, gamma, beta, groups, center, scale, eps, lanes):
    """Do what `normalise_rows` does on columns that are the rows of arrays in C order.

    So many lanes, rows of X, go together. Takes bounds, not a slice, to know what is contiguous.
    """
    width = columns.shape[0] // groups
    for start in range(first, last, lanes):
        stop = min(start + lanes, last)
        for k in range(0, columns.shape[0], width):
            part = slice(k, k + width)
            if not _lanes(
                columns[part], out[part], start, stop, gamma[part], beta[part], center, scale, eps
            ):
                return False
    return True


@jit
def normalise_sparse_rows(data, indices, indptr, width, gamma, eps, out):
    """Divide the entries of every row and group by the root of their mean square."""
    groups = gamma.shape[0] // width
    for i in range(indptr.shape[0] - 1):
        begin = indptr[i]
        for group in range(groups):
            end = begin
            while end < indptr[i + 1] and indices[end] < (group + 1) * width:
                end += 1
            x = data[begin:end]
            count = 0
            for k in range(x.shape[0]):
                count += x[k] == x[k]
            if x.shape[0] > 0:
                some, unit, _, _, square = _careful_moments(x, False)
                entries = width - x.shape[0] + some  # NaN does not count, zeros do
                square = square * some / max(entries, 1)
                inverse = unit
                if square + eps > 0.0:
                    inverse = 1.0 / math.hypot(math.sqrt(square), math.sqrt(eps) / unit)
                for k in range(x.shape[0]):
                    out[begin + k] = x[k] / unit * inverse * gamma[indices[begin + k]]
            begin = end
