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
def scale_rows(X, out, unit, high, low, factor, add_low, add_high):
    """Set out = ((X / unit - high) - low) factor + add_low + add_high, by column, in C order.

    Returns False if an entry is infinite.
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
                y[j] = ((x[j] * inverse[j] - h[j]) - a[j]) * f[j] + b[j] + c[j]
                infinite |= abs(x[j]) > LARGEST
    return not infinite


@jit
def scale_columns(X, out, unit, high, low, factor, add_low, add_high):
    """Do what `scale_rows` does, in Fortran order."""
    infinite = False
    for j in range(X.shape[1]):
        x, y = X[:, j], out[:, j]
        inverse, h, a, f = 1.0 / unit[j], high[j], low[j], factor[j]
        b, c = add_low[j], add_high[j]
        for i in range(X.shape[0]):
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
def _normalise(x, y, gamma, beta, center, scale, eps):
    unit, mean, rest, variance = row_moments(x, center)
    if unit == 0.0:
        return False
    inverse = unit
    if scale and variance + eps > 0.0:
        # eps / unit^2 may not be representable
        inverse = 1.0 / math.hypot(math.sqrt(variance), math.sqrt(eps) / unit)
    down = 1.0 / unit
    for j in range(x.shape[0]):
        y[j] = ((x[j] * down - mean) - rest) * inverse * gamma[j] + beta[j]
    return True


@jit
def normalise_rows(X, out, gamma, beta, groups, center, scale, eps, together):
    """Normalise the rows of X, each in so many groups of columns, and write them to out.

    Rows are copied `together` at once: several where they are not contiguous, and lie in the
    same cache lines. Returns False if an entry is infinite.
    """
    n, p = X.shape
    width = p // groups
    rows = np.empty((together, p))
    for first in range(0, n, together):
        count = min(together, n - first)
        if together == 1:
            for j in range(p):
                rows[0, j] = X[first, j]
        else:
            for j in range(p):
                for i in range(count):
                    rows[i, j] = X[first + i, j]
        for i in range(count):
            for k in range(0, p, width):
                part = rows[i, k : k + width]
                if not _normalise(
                    part, part, gamma[k : k + width], beta[k : k + width], center, scale, eps
                ):
                    return False
        if together == 1:
            for j in range(p):
                out[first, j] = rows[0, j]
        else:
            for j in range(p):
                for i in range(count):
                    out[first + i, j] = rows[i, j]
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
