"""Moments and products of the columns of X, whatever is shifted, and from where."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from oracle import LONG
from problems import contain

from sklearn_regnorm.solvers.design import make_design

EPS = np.finfo(float).eps
CONTAINERS = "F", "C", "csc", "F32", "C32"


def columns(container, seed=1):
    """Return X of 60 rows in two clusters far apart, of columns of all kinds."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 6))
    X[40:, 0] += 3e6  # the clusters
    X[:, 1] += 500.0
    X[:, 2] = 4.0
    X[:, 3] *= rng.random(60) < 0.2
    X[:, 4] = np.where(rng.random(60) < 0.7, 1000.0 + X[:, 4], 0.0)
    X = X.astype(np.float32 if container.endswith("32") else float)
    return X, contain(X, container.removesuffix("32"))


@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize("container", CONTAINERS)
def test_moments_at_any_weights(container, shift):
    """Also where the rows that count lie far from those that columns are shifted by."""
    X, given = columns(container)
    design = make_design(given, np.ones(60), shift)
    V = np.stack([np.ones(60), np.arange(60) >= 40, np.arange(60) < 40], axis=1) * 1.0
    V /= V.sum(axis=0)
    mean, variance = design.moments(V)
    shifted = X.astype(LONG) - design.pivot
    for k, v in enumerate(V.T):
        exact = v @ shifted
        spread = v @ (shifted - exact) ** 2
        size = np.abs(shifted).max(axis=0)
        assert np.all(abs(mean[:, k] - exact) <= 8 * EPS * size)
        assert_allclose(variance[:, k], spread.astype(float), rtol=1e-8, atol=1e-25)
        raw = v @ X.astype(LONG)
        assert_allclose(design.raw_means(v), raw.astype(float), rtol=1e-14, atol=1e-8 * EPS)


@pytest.mark.parametrize("inspected", [False, True])
@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize("container", CONTAINERS)
def test_products_with_the_shifted_columns(container, shift, inspected):
    X, given = columns(container)
    design = make_design(given, np.ones(60), shift)
    if inspected:
        design.inspect(*(one[:, 0] for one in design.moments(np.full((60, 1), 1 / 60))))
    Z = X.astype(LONG) - design.pivot
    rng = np.random.default_rng(2)
    W, U = rng.standard_normal((6, 3)), rng.standard_normal((60, 3))
    size = np.abs(X).max(axis=0) + np.abs(design.pivot)
    assert np.all(abs(design.times(W) - Z @ W) <= 16 * EPS * (size @ np.abs(W)))
    assert np.all(abs(design.times(W[:, 0]) - Z @ W[:, 0]) <= 16 * EPS * (size @ np.abs(W[:, 0])))
    limit = 64 * EPS * np.multiply.outer(size, np.abs(U).sum(axis=0))
    assert np.all(abs(design.transposed_times(U) - Z.T @ U) <= limit)
    assert np.all(abs(design.transposed_times(U[:, 0]) - Z.T @ U[:, 0]) <= limit[:, 0])
    chosen = np.array([4, 1])
    assert_allclose(design.gather(chosen), Z[:, chosen].astype(float), rtol=0, atol=0)
    rows = np.array([3, 7, 8, 50])
    for taken, block, base in design.centred_blocks(rows):
        block = block.toarray() if design.sparse else block
        assert_allclose(block + base, Z[taken].astype(float), rtol=4 * EPS, atol=4 * EPS)
        assert not block[:, 2].any()  # a constant column


def test_large_offsets_are_taken_off_and_only_those():
    """By an entry, so that a constant column is exactly zero; a mostly empty one stays sparse."""
    X, given = columns("csc")
    design = make_design(given, np.ones(60), True)
    assert list(np.flatnonzero(design.pivot)) == [1, 2, 4]
    assert all(design.pivot[j] in X[:, j] for j in (1, 2, 4))
    assert np.diff(design.X.indptr)[3] == np.count_nonzero(X[:, 3])
    dense = make_design(X, np.ones(60), True)
    assert all(dense.pivot[j] in X[:, j] for j in range(6))
    assert not make_design(X, np.ones(60), False).pivot.any()
    assert not make_design(given, np.ones(60), False).pivot.any()
