"""Column moments against exact rational arithmetic, for every way the rows may arrive."""

from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from sklearn_regnorm._statistics import ColumnMoments
from sklearn_regnorm._statistics import moment_kernels as kernels

EPS = Fraction(2) ** -52
UNITS = 8


def exact(x, v=None):
    """Return total weight, mean and variance of the entries that count, as fractions."""
    v = np.ones(len(x)) if v is None else v
    pairs = [
        (Fraction(float(a)), Fraction(float(w))) for a, w in zip(x, v, strict=True) if a == a and w
    ]
    weight = sum(w for _, w in pairs)
    mean = sum(a * w for a, w in pairs) / weight
    return weight, mean, sum(w * (a - mean) ** 2 for a, w in pairs) / weight


def assert_exact(moments, x, v=None, column=0):
    weight, mean, variance = exact(x, v)
    assert abs(Fraction(float(moments.weight[column])) - weight) <= EPS * weight
    sd = Fraction(np.sqrt(float(variance)))
    error = abs(Fraction(float(moments.mean[column])) - mean)
    assert error <= UNITS * EPS * max(abs(mean), sd)
    error = abs(Fraction(float(moments.variance()[column])) - variance)
    assert error <= UNITS * EPS * variance


def streams(n=1500):
    rng = np.random.default_rng(0)
    z = rng.standard_normal(n)
    outlier = z.copy()
    outlier[0] = 1e12
    return {
        "plain": z,
        "offset 1e4": z + 1e4,
        "offset 1e8": z + 1e8,
        "offset 1e12": z + 1e12,
        "offset -1e15": z - 1e15,
        "sorted": np.sort(z) * 1e3,
        "one outlier first": outlier,
        "two clusters far apart": np.r_[z[:100] * 1e-6, 1e10 + z[100:]],
        "tiny": z * 1e-120,
        "huge": z * 1e120,
        "float32": z.astype(np.float32),
        "counts": rng.poisson(0.1, n).astype(float),
        "constant": np.full(n, 0.1),
        "constant but one": np.r_[np.full(n - 1, 1e10), 1e10 + 2e-6],
    }


STREAMS = streams()
PRIMES = [2, 3, 5, 7, 11, 13, 97, 101, 541]


def partitions(n):
    rng = np.random.default_rng(1)
    yield "whole", [n]
    yield "ragged tail", [1000, n - 1001, 1]
    yield "single rows", [1] * n
    yield "primes", PRIMES + [n - sum(PRIMES)]
    cuts = np.sort(rng.choice(np.arange(1, n), 40, replace=False))
    yield "random", np.diff(np.r_[0, cuts, n]).tolist()


def parts_of(X, sizes, v=None):
    ends = np.cumsum(sizes)
    return [
        ColumnMoments.of(X[e - s : e], None if v is None else v[e - s : e])
        for s, e in zip(sizes, ends, strict=True)
    ]


@pytest.mark.compiled
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", STREAMS)
def test_any_partition_gives_the_exact_moments_h44(name, order):
    x = STREAMS[name]
    X = np.asarray(np.column_stack([x, x[::-1], x]), order=order)
    for _, sizes in partitions(len(x)):
        assert_exact(reduce(ColumnMoments.merge, parts_of(X, sizes)), x)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("name", STREAMS)
def test_weights(name, order):
    x = STREAMS[name]
    rng = np.random.default_rng(2)
    v = rng.random(len(x)) * rng.integers(0, 2, len(x))
    v[3] = 1e6
    X = np.asarray(np.column_stack([x, x]), order=order)
    for _, sizes in partitions(len(x)):
        if min(sizes) > 1:
            assert_exact(reduce(ColumnMoments.merge, parts_of(X, sizes, v)), x, v)


@pytest.mark.parametrize("scale", [1e-290, 1e-30, 1e30, 1e290])
def test_scale_of_weights_does_not_matter(scale):
    x = STREAMS["offset 1e8"][:200]
    v = np.random.default_rng(0).random(200)
    plain = ColumnMoments.of(x[:, None], v)
    scaled = ColumnMoments.of(x[:, None], np.ldexp(v, np.frexp(scale)[1]))
    assert_array_equal(plain.mean, scaled.mean)
    assert_array_equal(plain.variance(), scaled.variance())


def test_weights_are_repetition():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3)) + 1e6
    v = rng.integers(0, 4, 300)
    some = ColumnMoments.of(X, v.astype(float))
    for j in range(3):
        assert_exact(some, np.repeat(X[:, j], v), column=j)


@pytest.mark.parametrize("order", ["C", "F"])
def test_nan_does_not_count(order):
    rng = np.random.default_rng(0)
    X = np.asarray(rng.standard_normal((3000, 4)) + [0, 1e8, 0, 5], order=order)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 3] = np.nan
    moments = ColumnMoments.of(X)
    for j in range(3):
        assert_exact(moments, X[:, j], column=j)
    assert moments.weight[3] == 0 and np.isnan(moments.mean[3]) and np.isnan(moments.variance()[3])
    later = np.full((10, 4), 2.0)
    later[0] = 4.0
    assert_exact(moments.merge(ColumnMoments.of(later)), later[:, 3], column=3)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 5e307])
def test_sizes_near_the_limits_h43_h48(scale):
    z = np.random.default_rng(0).uniform(-1, 1, 400)
    X = np.column_stack([z, z]) * scale
    deviation = float(np.sqrt(float(exact(z)[2]))) * scale
    x = X[:, 0]
    parts = parts_of(X, [1, 99, 300])
    for moments in (ColumnMoments.of(X), ColumnMoments.of(np.asfortranarray(X)),
                    reduce(ColumnMoments.merge, parts)):  # fmt: skip
        _, mean, variance = exact(x)
        root = moments.deviation()[0]
        assert abs(Fraction(float(root)) ** 2 - variance) <= max(
            16 * EPS * variance, 4 * Fraction(float(root)) * Fraction(5e-324)
        )
        assert abs(Fraction(float(moments.mean[0])) - mean) <= max(
            8 * EPS * Fraction(deviation), Fraction(5e-324)
        )


def test_scales_that_change_on_the_way():
    x = np.r_[np.full(5, 1.0), 2.0, [1e200, -1e200], [1e-200, 3.0]]
    moments = reduce(ColumnMoments.merge, parts_of(x[:, None], [1] * len(x)))
    root = Fraction(float(moments.deviation()[0]))
    _, mean, variance = exact(x)
    assert abs(root**2 - variance) <= 16 * EPS * variance
    assert abs(Fraction(float(moments.mean[0])) - mean) <= 8 * EPS * root


def test_merge_commutes_and_associates():
    for x in STREAMS.values():
        a, b, c = parts_of(x[:, None], [1, 500, len(x) - 501])
        for one in (b.merge(a).merge(c), a.merge(b.merge(c)), c.merge(b).merge(a)):
            assert_exact(one, x)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e10, -3e300, 7e-320])
def test_constant_columns_have_variance_zero(value):
    X = np.full((3333, 3), value)
    v = np.random.default_rng(0).random(3333)
    for one in (ColumnMoments.of(X), ColumnMoments.of(np.asfortranarray(X), v),
                reduce(ColumnMoments.merge, parts_of(X, [1, 2, 30, 3300]))):  # fmt: skip
        assert_array_equal(one.variance(), 0.0)
        assert_array_equal(one.mean, value)


def test_rows_of_weight_zero_are_absent():
    X = np.random.default_rng(0).standard_normal((50, 2)) + 1e9
    X[:25] = [[np.nan, 3.0]]
    v = np.r_[np.zeros(25), np.ones(25)]
    one = ColumnMoments.of(X, v)
    assert_exact(one, X[25:, 0])
    assert_exact(one, X[25:, 1], column=1)
    constant = np.r_[np.full(25, 7.0), np.full(25, 0.3)][:, None]
    assert ColumnMoments.of(constant, v).variance()[0] == 0.0


def test_infinity_is_refused():
    for value in (np.inf, -np.inf):
        X = np.zeros((2000, 3))
        X[1500, 1] = value
        for one in (X, np.asfortranarray(X), sparse.csc_array(X)):
            with pytest.raises(ValueError, match="infinity"):
                ColumnMoments.of(one)


@pytest.mark.parametrize("density", [0.0, 0.01, 0.5, 1.0])
def test_sparse_is_dense_h42(density):
    rng = np.random.default_rng(0)
    X = sparse.csc_array(rng.random((700, 6)) * (rng.random((700, 6)) < density))
    X.data += 1e6
    v = np.random.default_rng(1).random(700)
    for weights in (None, v):
        one = ColumnMoments.of(X, weights)
        for j in range(6):
            assert_exact(one, X.toarray()[:, j], weights, j)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(200_000, 7), (300, 4000), (70_000, 1)])
def test_threads_change_nothing_n10(shape, order):
    X = np.asarray(np.random.default_rng(0).standard_normal(shape), order=order)
    one, two = ColumnMoments.of(X), ColumnMoments.of(X, n_jobs=2)
    assert_array_equal(one.state, two.state)


def test_a_million_rows():
    """The mean and variance of integers, exactly known, however a million rows are split."""
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 2**20, 1_000_000)
    x = whole * 2.0**-20 + 2.0**20
    n, total, squares = len(x), int(whole.sum()), int((whole.astype(object) ** 2).sum())
    mean = Fraction(total, n * 2**20) + 2**20
    variance = (Fraction(squares, n) - Fraction(total, n) ** 2) / 2**40
    for sizes in ([n], [1, n - 1], [9973] * 100 + [n - 997300], [1] * 3000 + [n - 3000]):
        one = reduce(ColumnMoments.merge, parts_of(x[:, None], sizes))
        assert abs(Fraction(float(one.mean[0])) - mean) <= EPS * mean
        assert abs(Fraction(float(one.variance()[0])) - variance) <= UNITS * EPS * variance


def test_double_double_arithmetic():
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b = (
            np.array([h, h * 2.0**-54 * rng.uniform(-1, 1)])
            for h in rng.standard_normal(2) * 10.0 ** rng.integers(-20, 20, 2)
        )
        A, B = (Fraction(float(x[0])) + Fraction(float(x[1])) for x in (a, b))
        for function, truth in (
            (kernels.add, A + B), (kernels.multiply, A * B), (kernels.divide, A / B),
        ):  # fmt: skip
            high, low = function(*a, *b)
            error = abs(Fraction(float(high)) + Fraction(float(low)) - truth)
            scale = abs(A) + abs(B) if function is kernels.add else abs(truth)
            assert error <= EPS**2 * 4 * scale
            assert abs(low) <= abs(high) * 2.0**-52
