"""LayerNormalizer: rows by themselves, whatever surrounds them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sklearn_regnorm.preprocessing import LayerNormalizer
from sklearn_regnorm.preprocessing._gradients import normalization_gradients

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 12)) * 3 + 1
GAMMA, BETA = rng.standard_normal(12), rng.standard_normal(12)


def expected(X, groups=1, center=True, scale=True, eps=1e-5, gamma=1.0, beta=0.0):
    parts = X.astype(np.longdouble).reshape(len(X), groups, -1)
    d = parts - parts.mean(axis=2, keepdims=True) if center else parts
    if scale:
        d = d / np.sqrt((d**2).mean(axis=2, keepdims=True) + eps)
    return (d.reshape(X.shape) * gamma + beta).astype(float)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("groups", [1, 3, 12])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("rows", [1, 17, 40])
def test_formula(order, groups, center, scale, rows):
    Z = np.asarray(X[:rows], order=order)
    model = LayerNormalizer(
        center=center, scale=scale, n_groups=groups, gamma=GAMMA, beta=BETA, eps=0.01
    )
    out = model.transform(Z)  # without fit
    truth = expected(Z, groups, center, scale, 0.01, GAMMA, BETA)
    assert_allclose(out, truth, rtol=1e-12, atol=1e-13)
    assert_array_equal(model.fit_transform(Z), out)
    assert out.flags.f_contiguous == Z.flags.f_contiguous


def test_rms_is_a_norm():
    out = LayerNormalizer(center=False, eps=0.0).transform(X)
    assert_allclose(out, Normalizer().transform(X) * np.sqrt(12), rtol=1e-13)


@pytest.mark.parametrize("dtype, offset, tolerance", [(float, 1e8, 1e-13), (np.float32, 2e3, 1e-6)])
def test_offsets_h49(dtype, offset, tolerance):
    z = np.round(rng.standard_normal((20, 300)) * 16)
    out = LayerNormalizer(eps=0.0).transform((z + offset).astype(dtype))
    assert out.dtype == dtype
    assert_allclose(out, expected(z, eps=0.0), atol=tolerance * 5)
    assert_allclose(out.astype(float).mean(axis=1), 0.0, atol=tolerance)


@pytest.mark.parametrize("eps", [0.0, 1e-5])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e10, 1e300])
def test_constant_rows_become_beta(value, eps):
    out = LayerNormalizer(beta=BETA, eps=eps).transform(np.full((3, 12), value))
    assert_array_equal(out, np.tile(BETA, (3, 1)))


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e170, 1e300])
@pytest.mark.parametrize("center", [True, False])
def test_extreme_units(scale, center):
    model = LayerNormalizer(center=center, eps=0.0)
    assert_allclose(model.transform(X * scale), model.transform(X), rtol=1e-11)
    with_eps = LayerNormalizer(center=center).transform(X * scale)
    truth = model.transform(X) if scale > 1 else expected(X * scale, center=center)
    assert_allclose(with_eps, truth, rtol=1e-11)


def test_a_row_that_looks_constant_where_squares_vanish():
    out = LayerNormalizer(eps=0.0).transform([[0.0, 1e-200, -1e-200]])
    assert_allclose(out, [[0.0, np.sqrt(1.5), -np.sqrt(1.5)]], rtol=1e-14)


def test_nan_stays_and_does_not_count():
    Z = X.copy()
    Z[rng.random(Z.shape) < 0.3] = np.nan
    Z[0] = np.nan
    out = LayerNormalizer().transform(Z)
    assert_array_equal(np.isnan(out), np.isnan(Z))
    for i in range(1, len(Z)):
        some = ~np.isnan(Z[i])
        assert_allclose(out[i, some], expected(Z[i : i + 1, some])[0], rtol=1e-12, atol=1e-14)


def test_infinity_is_refused():
    Z = X.copy()
    Z[5, 3] = -np.inf
    for one in (Z, np.asfortranarray(Z)):
        with pytest.raises(ValueError, match="infinity"):
            LayerNormalizer().transform(one)
        with pytest.raises(ValueError, match="infinity"):
            LayerNormalizer().fit(one)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_without_centering(kind, groups):
    rng = np.random.default_rng(0)
    S = sparse.csr_array(rng.random((30, 12)) * (rng.random((30, 12)) < 0.4))
    model = LayerNormalizer(center=False, gamma=GAMMA, n_groups=groups)
    out = model.transform(kind(S))
    assert out.format == "csr"
    assert_allclose(out.toarray(), model.transform(S.toarray()), rtol=1e-13)
    twice = sparse.csr_array(
        (np.ones(4), np.array([3, 3, 0, 5]), np.array([0, 4])), shape=(1, 12)
    )  # duplicates are summed first
    assert_allclose(model.transform(twice).toarray(), model.transform(twice.toarray()), rtol=1e-13)
    with pytest.raises(ValueError, match="center=False"):
        LayerNormalizer().transform(kind(S))


def test_read_only_input_and_threads():
    Z = rng.standard_normal((40_000, 50))
    Z.flags.writeable = False
    before = Z.copy()
    one, two = LayerNormalizer().transform(Z), LayerNormalizer(n_jobs=2).transform(Z)
    assert_array_equal(one, two)
    assert_array_equal(Z, before)


# computed with PyTorch 2.13: LayerNorm(4), GroupNorm(2, 4) and RMSNorm(4), eps=1e-5
ROWS = np.arange(3)[:, None]
T = (7 * ROWS**2 + 3 * np.arange(4) * ROWS + 5 * np.arange(4)) % 23 * [1, 10, 0.5, 0.1]
T = T + [0, 100, -3, 0]
TORCH = {
    "layer": [
        [-0.893121378, 1.8659689365, -1.4356171097, -0.6442814615],
        [-0.7902838373, 1.8655489646, -1.3802241982, -0.6689324718],
        [-0.8233852037, 1.8658680791, -1.3974139514, -0.660453281],
    ],
    "group": [
        [-0.9999999991, 0.9999999991, 0.9999200096, -0.9999200096],
        [-0.9999999997, 0.9999999997, -0.999998615, 0.999998615],
        [-0.9999999997, 0.9999999997, -0.9999968, 0.9999968],
    ],
    "rms": [
        [0.0, 1.9997222783, 0.0266629637, 0.0199972228],
        [0.0559737477, 1.9990624191, -0.023988749, 0.0063969997],
        [0.0384535044, 1.9995822309, -0.0076907009, 0.0115360513],
    ],
}


def test_pytorch():
    affine = dict(gamma=[1.5, 0.5, -1.0, 2.0], beta=[0.0, 1.0, -2.0, 0.5])
    assert_allclose(LayerNormalizer(**affine).transform(T), TORCH["layer"], atol=1e-9)
    assert_allclose(LayerNormalizer(n_groups=2).transform(T), TORCH["group"], atol=1e-9)
    assert_allclose(LayerNormalizer(center=False).transform(T), TORCH["rms"], atol=1e-9)


def test_gradient_by_finite_differences():
    upstream = np.cos(np.arange(480).reshape(40, 12))

    def forward(x):
        return LayerNormalizer(gamma=GAMMA, beta=BETA, eps=1e-3).transform(x)

    d = X - X.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt((d**2).mean(axis=1, keepdims=True) + 1e-3)
    dx, dgamma, dbeta = normalization_gradients(upstream, d * inverse, inverse, GAMMA, 1)
    step = 1e-5
    for j in range(12):
        up, down = X.copy(), X.copy()
        up[:, j] += step
        down[:, j] -= step
        slope = (upstream * (forward(up) - forward(down))).sum(axis=1) / (2 * step)
        assert_allclose(dx[:, j], slope, rtol=1e-6, atol=1e-7)
    assert_allclose(dgamma, (upstream * d * inverse).sum(axis=0))
    assert_allclose(dbeta, upstream.sum(axis=0))


BAD = {
    "n_groups": [0, 5, 1.5],
    "eps": [-1.0, None],
    "gamma": [[1.0, 2.0], "a"],
    "beta": [np.ones(6)],
    "center": ["yes"],
    "scale": [None],
    "n_jobs": [0],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters_are_named(name):
    for value in BAD[name]:
        with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b"):
            LayerNormalizer(**{name: value}).transform(X)


def test_names_and_pipeline():
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(12)])
    out = LayerNormalizer().set_output(transform="pandas").fit_transform(frame)
    assert list(out.columns) == list(frame.columns)
    pipe = make_pipeline(LayerNormalizer(), LogisticRegression())
    search = GridSearchCV(pipe, {"layernormalizer__n_groups": [1, 2, 3]})
    assert search.fit(X, np.arange(40) % 2).best_params_
    with pytest.raises(ValueError, match="11 features.*12 features"):
        LayerNormalizer().fit(X).transform(X[:, :11])
