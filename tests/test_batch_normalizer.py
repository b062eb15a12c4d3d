"""BatchNormalizer: what its statistics, its output and its refusals must be."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm import Lasso
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.preprocessing._gradients import normalization_gradients

rng = np.random.default_rng(0)
X = rng.standard_normal((101, 5)) * [1, 10, 1e-3, 5, 1] + [0, 5, 0.01, -20, 0]
X[:, 4] = 3.3
V = rng.random(101)
GAMMA, BETA = np.array([1.0, 2.0, -0.5, 3.0, 1.0]), np.array([0.0, 1.0, 2.0, -1.0, 5.0])


def state(model):
    """Return every attribute, as bytes if it is an array."""
    kept = dict(vars(model))
    kept["moments_"] = getattr(kept.get("moments_"), "state", None)
    return {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in kept.items()}


def batches(X, size):
    return [X[i : i + size] for i in range(0, len(X), size)]


# ------------------------------------------------------------------------------ transform


@pytest.mark.parametrize("weights", [None, V])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_is_standard_scaler(center, scale, order, weights):
    Z = np.asarray(X, order=order)
    ours = BatchNormalizer(center=center, scale=scale).fit(Z, sample_weight=weights)
    theirs = StandardScaler(with_mean=center, with_std=scale).fit(Z, sample_weight=weights)
    out = ours.transform(Z)
    assert_allclose(out, theirs.transform(Z), rtol=1e-12, atol=1e-12)
    assert out.flags.f_contiguous == (order == "F")
    assert_allclose(ours.inverse_transform(out), Z, rtol=1e-13, atol=1e-13)


def test_formula_with_everything():
    model = BatchNormalizer(eps=0.3, gamma=GAMMA, beta=BETA, ddof=1).fit(X)
    expected = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0, ddof=1) + 0.3) * GAMMA + BETA
    assert_allclose(model.transform(X), expected, rtol=1e-12, atol=1e-12)
    assert_allclose(model.inverse_transform(expected), X, rtol=1e-12, atol=1e-12)
    assert_allclose(model.var_, X.var(axis=0, ddof=1), rtol=1e-14, atol=1e-28)


@pytest.mark.parametrize("offset", [1e8, 1e12])
def test_offsets_survive(offset):
    z = np.round(rng.standard_normal((500, 2)) * 1024)  # integers: X is exact
    out = BatchNormalizer().fit_transform(z + offset)
    assert_allclose(out, (z - z.mean(axis=0)) / z.std(axis=0), rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize("order", ["C", "F"])
def test_extreme_units_h48(scale, order):
    z = rng.uniform(-1, 1, (300, 3))
    Z = np.asarray(z * scale, order=order)
    model = BatchNormalizer().fit(Z)
    expected = (z - z.mean(axis=0)) / z.std(axis=0)
    assert_allclose(model.transform(Z), expected, rtol=1e-12, atol=1e-12)
    assert_allclose(model.inverse_transform(model.transform(Z)), Z, rtol=1e-12, atol=1e-12 * scale)
    other = BatchNormalizer(center=False).fit(Z)
    kept = other.transform(sparse.csr_array(Z)).toarray()
    assert_allclose(kept, z / z.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e10, -1e300])
def test_constant_columns_become_beta_exactly_h50(value):
    out = BatchNormalizer(beta=0.7).fit_transform(np.full((1000, 2), value))
    assert_array_equal(out, 0.7)


def test_small_deviations_on_large_means_are_kept_h41():
    mean = 1e10
    x = np.where(np.arange(1000) % 2, mean, np.nextafter(mean, np.inf))[:, None]
    assert_allclose(np.abs(BatchNormalizer().fit_transform(x)), 1.0, rtol=1e-12)


def test_five_thousand_constants_h41():
    rng = np.random.default_rng(1)
    values = rng.choice([-1.0, 1.0], 5000) * 10.0 ** rng.uniform(-300, 300, 5000)
    Z = np.tile(values, (37, 1))
    for v in (None, rng.random(37)):
        model = BatchNormalizer().fit(Z, sample_weight=v)
        assert_array_equal(model.mean_, values)
        assert_array_equal(model.var_, 0.0)
        assert_array_equal(model.transform(Z), 0.0)
    assert_array_equal(BatchNormalizer(center=False).fit(sparse.csr_array(Z)).var_, 0.0)


@pytest.mark.parametrize("convention", ["statistical", "pytorch"])
@pytest.mark.parametrize("momentum", [None, 0.1])
@pytest.mark.parametrize("ddof", [0, 1])
def test_fit_transform_is_fit_and_transform_h53(ddof, momentum, convention):
    """In units in which statistics that are still those of the start would show."""
    Z = np.random.default_rng(2).normal(100, 7, (30, 4))
    model = BatchNormalizer(momentum=momentum, convention=convention, ddof=ddof)
    out = model.fit_transform(Z)
    assert_array_equal(out, clone(model).fit(Z).transform(Z))
    assert_allclose(out.mean(axis=0), 0, atol=1e-13)
    assert_allclose(out.std(axis=0, ddof=model.ddof), 1, rtol=1e-13)


def test_float32_is_kept_and_as_exact_as_float64_h51():
    Z = (X + 1e4).astype(np.float32)
    model = BatchNormalizer().fit(Z)
    assert model.mean_.dtype == np.float64
    assert_array_equal(model.var_, BatchNormalizer().fit(Z.astype(float)).var_)
    out = model.transform(Z)
    assert out.dtype == np.float32
    assert_array_equal(out, model.transform(Z.astype(float)).astype(np.float32))
    huge = BatchNormalizer().fit_transform(np.array([[1e30], [-1e30], [3e30]], dtype=np.float32))
    assert_allclose(huge.std(), 1.0, rtol=1e-6)


def test_nan_stays_and_does_not_count():
    Z = X.copy()
    Z[rng.random(Z.shape) < 0.2] = np.nan
    model, theirs = BatchNormalizer().fit(Z), StandardScaler().fit(Z)
    assert_allclose(model.transform(Z), theirs.transform(Z), rtol=1e-12, atol=1e-12)
    assert_array_equal(model.n_samples_seen_, theirs.n_samples_seen_)
    assert_array_equal(np.isnan(model.transform(Z)), np.isnan(Z))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.csr_array])
def test_sparse(kind):
    S = sparse.random(60, 8, density=0.3, random_state=0)
    model = BatchNormalizer(center=False, gamma=2.0)
    out = model.fit_transform(kind(S))
    assert isinstance(out, kind)
    dense = clone(model).fit(S.toarray())
    assert_allclose(out.toarray(), dense.transform(S.toarray()), rtol=1e-13)
    assert_allclose(model.var_, dense.var_, rtol=1e-14)
    assert_allclose(model.inverse_transform(out).toarray(), S.toarray(), rtol=1e-13)


@pytest.mark.parametrize("order", ["C", "F"])
def test_input_is_never_changed_and_may_be_read_only_h28(order):
    Z = np.array(X, order=order)
    Z.flags.writeable = False
    before = Z.tobytes()
    model = BatchNormalizer().fit(Z)
    model.inverse_transform(model.transform(Z))
    model.normalize_batch(Z)
    model.partial_fit(Z)
    assert Z.tobytes() == before


@pytest.mark.compiled
@pytest.mark.parametrize("order", ["C", "F"])
def test_threads_change_nothing(order):
    Z = np.asarray(rng.standard_normal((60_000, 40)), order=order)
    one, two = BatchNormalizer(), BatchNormalizer(n_jobs=2)
    assert_array_equal(one.fit_transform(Z), two.fit_transform(Z))
    assert_array_equal(one.moments_.state, two.moments_.state)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_names(library):
    names = [f"c{j}" for j in range(5)]
    frame = pd.DataFrame(X, columns=names) if library == "pandas" else pl.DataFrame(X, names)
    out = BatchNormalizer().set_output(transform=library).fit_transform(frame)
    assert list(out.columns) == names
    assert_allclose(out.to_numpy(), BatchNormalizer().fit_transform(X), rtol=1e-9, atol=1e-12)
    assert list(BatchNormalizer().fit(frame).get_feature_names_out()) == names


# ------------------------------------------------------------------------------ streams


@pytest.mark.parametrize("size", [1, 10, 33, 100])
def test_pooled_batches_are_one_fit_h55(size):
    model = BatchNormalizer()
    for part in batches(X + 1e6, size):
        model.partial_fit(part)
    whole = BatchNormalizer().fit(X + 1e6)
    assert_allclose(model.mean_, whole.mean_, rtol=2e-15)
    assert_allclose(model.var_, whole.var_, rtol=2e-15)
    assert model.n_samples_seen_ == 101
    assert model.n_batches_seen_ == -(-101 // size)
    again = pickle.loads(pickle.dumps(model)).partial_fit(X)
    assert_array_equal(again.mean_, clone(model).fit(X + 1e6).partial_fit(X).mean_)


@pytest.mark.parametrize("value", [1e307, -1.7e308])
@pytest.mark.parametrize("momentum", [None, 0.1])
def test_a_stream_near_the_largest_float_h43(momentum, value):
    model = BatchNormalizer(momentum=momentum)
    for _ in range(50):
        model.partial_fit([[value, value], [value, value * 0.5]])
    assert_allclose(model.mean_, [value, 0.75 * value], rtol=1e-15)
    assert model.moments_.variance()[0] == 0 and model.transform([[value, value]])[0, 0] == 0
    assert_allclose(model.transform([[value, value]])[0, 1], np.sign(value), rtol=1e-14)


@pytest.mark.parametrize("sizes", [(1, 1000), (1000, 1)])
@pytest.mark.parametrize("dtype", [int, float, np.float32])
def test_a_batch_much_larger_than_the_other_h46(dtype, sizes):
    Z = np.random.default_rng(3).integers(-1000, 1000, (1001, 2)).astype(dtype)
    model = BatchNormalizer().partial_fit(Z[: sizes[0]]).partial_fit(Z[sizes[0] :])
    assert_allclose(model.mean_, Z.mean(axis=0, dtype=float), rtol=0, atol=1e-12)
    assert_allclose(model.var_, Z.var(axis=0, dtype=float), rtol=1e-14)


@pytest.mark.slow
def test_ten_million_rows_of_float32_h47():
    Z = np.random.default_rng(4).standard_normal((10**7, 1), dtype=np.float32) + np.float32(1e4)
    exact = Z.mean(dtype=np.longdouble)
    for order in ("C", "F"):
        model = BatchNormalizer().fit(np.asarray(Z, order=order))
        assert abs(model.mean_[0] - exact) <= 1e-15 * exact
    assert_allclose(model.var_, Z.var(dtype=np.longdouble), rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.5, 1.0])
def test_exponential_statistics_in_closed_form_h54(momentum):
    model = BatchNormalizer(momentum=momentum)
    mean, var = None, None
    for part in batches(X, 10):
        model.partial_fit(part)
        m, v = part.mean(axis=0), part.var(axis=0)
        if mean is None:
            mean, var = m, v
            continue
        shift = m - mean
        var = (1 - momentum) * var + momentum * v + momentum * (1 - momentum) * shift**2
        mean = mean + momentum * shift
    assert_allclose(model.mean_, mean, rtol=1e-12)
    assert_allclose(model.var_, var, rtol=1e-12, atol=1e-28)
    assert model.n_samples_seen_ == 101


def test_ddof_does_not_touch_exponential_statistics():
    zero, one = BatchNormalizer(momentum=0.3), BatchNormalizer(momentum=0.3, ddof=1)
    for part in batches(X, 7):
        zero.partial_fit(part)
        one.partial_fit(part)
        assert_array_equal(zero.var_, one.var_)


@pytest.mark.parametrize("momentum", [None, 0.2])
def test_first_batch_without_values_h45(momentum):
    nothing = np.full((4, 5), np.nan)
    model = BatchNormalizer(momentum=momentum).partial_fit(nothing)
    assert np.isnan(model.mean_).all()
    late, prompt = model.partial_fit(X), BatchNormalizer(momentum=momentum).partial_fit(X)
    assert_array_equal(late.mean_, prompt.mean_)
    assert_array_equal(late.var_, prompt.var_)
    late.partial_fit(nothing)
    assert_array_equal(late.mean_, prompt.mean_)


def test_drift():
    model = BatchNormalizer().fit(X)
    assert np.isnan(model.mean_drift_).all() and np.isnan(model.variance_drift_).all()
    mean, sd = model.mean_, np.sqrt(model.var_)
    later = 2 * X + 1
    model.partial_fit(later)
    with np.errstate(divide="ignore"):
        assert_allclose(model.mean_drift_, (later.mean(axis=0) - mean) / sd, rtol=1e-9)
    assert_allclose(model.variance_drift_, [np.log(4)] * 4 + [0], rtol=1e-9)
    assert_array_equal(BatchNormalizer().fit(X).partial_fit(X).mean_drift_, 0.0)


def test_merge():
    a, b, c = (BatchNormalizer().fit(part) for part in (X[:1], X[1:40], X[40:]))
    assert a.merge(b) is a
    a.merge(c)
    whole = BatchNormalizer().fit(X)
    assert_allclose(a.mean_, whole.mean_, rtol=2e-15)
    assert_allclose(a.var_, whole.var_, rtol=2e-15)
    assert a.n_samples_seen_ == 101 and a.n_batches_seen_ == 3


def test_normalize_batch_uses_its_own_statistics_and_changes_none():
    model = BatchNormalizer(eps=0.1, gamma=GAMMA, beta=BETA, ddof=1)
    out = model.normalize_batch(X[:30])
    assert not hasattr(model, "mean_")
    model.fit(X)
    before = state(model)
    expected = BatchNormalizer(eps=0.1, gamma=GAMMA, beta=BETA).fit_transform(X[:30])
    assert_array_equal(out, expected)
    assert_array_equal(model.normalize_batch(X[:30]), expected)
    assert state(model) == before
    assert_array_equal(model.normalize_batch(X[:1]), BETA[None])


def test_memory_mapped_file(tmp_path):
    Z = rng.standard_normal((5000, 8))
    np.save(tmp_path / "Z.npy", Z)
    mapped = np.load(tmp_path / "Z.npy", mmap_mode="r")
    model = BatchNormalizer()
    for part in batches(mapped, 512):
        model.partial_fit(part)
    assert_allclose(model.var_, Z.var(axis=0), rtol=1e-13)


# ------------------------------------------------------------------------------ PyTorch

# computed with PyTorch 2.13: BatchNorm1d(4, momentum=0.1, eps=1e-5) on rows 0-5, 5-10 and 10-12
ROWS = np.arange(12)[:, None]
T = (7 * ROWS**2 + 3 * np.arange(4) * ROWS + 5 * np.arange(4)) % 23 * [1, 10, 0.5, 0.1]
T = T + [0, 100, -3, 0]
T_GAMMA, T_BETA = [1.5, 0.5, -1.0, 2.0], [0.0, 1.0, -2.0, 0.5]
T_BATCHES = T[:5], T[5:10], T[10:]


def test_pytorch():
    model = BatchNormalizer(
        convention="pytorch", momentum=0.1, eps=1e-5, gamma=T_GAMMA, beta=T_BETA
    )
    for part in T_BATCHES:
        model.partial_fit(part)
    assert_allclose(model.mean_, [3.7378, 62.356, 0.2894, 0.28206], rtol=1e-12)
    assert_allclose(model.var_, [12.51270, 1593.659, 4.487300, 0.9745830], rtol=1e-12)
    evaluated = [
        [-1.5850086224, 2.0977273714, -2.8075239859, 2.9674266195],
        [1.3833311381, 3.3502117074, -0.4471709346, 1.5492954852],
        [0.5352340637, 3.4754601409, -1.3913121551, 2.9674266195],
    ]
    assert_allclose(model.transform(T[:3]), evaluated, atol=1e-9)
    training = [
        [-1.4999996296, 1.4999999992, -2.99999875, -1.4999876544],
        [1.4999996296, 0.5000000008, -1.00000125, 2.4999876544],
    ]
    assert_allclose(model.normalize_batch(T[10:]), training, atol=1e-9)


def test_pytorch_cumulative_h55():
    model = BatchNormalizer(convention="pytorch", eps=1e-5)
    for part in T_BATCHES:
        model.partial_fit(part)
    assert_allclose(model.mean_, [13.6333333333, 228.3333333333, 1.1, 1.0466666667], rtol=1e-10)
    assert_allclose(model.var_, [44.5, 5753.333333333, 14.2, 0.86], rtol=1e-10)


def test_gradients_are_those_of_pytorch_and_of_finite_differences():
    upstream = np.sin(np.arange(20).reshape(5, 4))
    x, eps, weights = T[:5], 1e-5, np.array([0.1, 0.3, 0.2, 0.15, 0.25])

    def loss(x, v):
        mean = v @ x
        z = (x - mean) / np.sqrt(v @ (x - mean) ** 2 + eps)
        return (upstream * (z * T_GAMMA + T_BETA)).sum()

    for v in (np.full(5, 0.2), weights):
        mean = v @ x
        inverse = 1 / np.sqrt(v @ (x - mean) ** 2 + eps)
        z = (x - mean) * inverse
        dx, dgamma, dbeta = normalization_gradients(upstream, z, inverse, T_GAMMA, 0, v)
        for i, j in np.ndindex(5, 4):
            step = np.zeros((5, 4))
            step[i, j] = 1e-5
            slope = (loss(x + step, v) - loss(x - step, v)) / 2e-5
            assert_allclose(dx[i, j], slope, rtol=1e-5, atol=1e-6)
        assert_allclose(dbeta, upstream.sum(axis=0))
        if v[0] == v[1]:
            plain = normalization_gradients(upstream, z, inverse, T_GAMMA, 0)
            assert_allclose(plain[0], dx, rtol=1e-9, atol=1e-12)
            first = [-4.1563919870e-02, 1.4419808678e-03, -2.0380478091e-01, 8.1831675796e-01]
            assert_allclose(dx[0], first, rtol=1e-8)
            expected = [-1.2538577529, -2.5062927615, 2.6662590873, -1.0422351606]
            assert_allclose(dgamma, expected, rtol=1e-9)


# ------------------------------------------------------------------------------ refusals


BAD = {
    "momentum": [-0.1, 1.1, "a", np.nan],
    "eps": [-1e-9, np.inf, None],
    "ddof": [2, -1, "0"],
    "gamma": [[1.0, 2.0], "a", [np.nan] * 5],
    "beta": [np.ones(6), np.ones((5, 1))],
    "convention": ["torch", None],
    "center": ["yes", None],
    "scale": [2],
    "learn_affine": [None],
    "n_jobs": [0, 1.5],
    "batch_size": [0],
    "max_iter": [0],
    "learning_rate_init": [0.0],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters_are_named(name):
    for value in BAD[name]:
        for model in (BatchNormalizer(), BatchNormalizer().fit(X)):
            model.set_params(**{name: value})
            before = state(model)
            with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b"):
                model.fit(X)
            assert state(model) == before


@pytest.mark.parametrize("momentum", [None, 0.1])
def test_a_failing_partial_fit_changes_nothing_h29_h56(momentum):
    infinite = X.copy()
    infinite[60, 2] = np.inf
    negative = -V
    for model in (BatchNormalizer(momentum=momentum), BatchNormalizer(momentum=momentum).fit(X)):
        before = state(model)
        for args, message in (
            ((infinite,), "infinity"),
            ((X, None, negative), "sample_weight"),
            ((X, None, np.zeros(101)), "sample_weight"),
            ((X, None, V[:5]), "sample_weight"),
            (([["a"]],), "X"),
            ((X[:, 0],), "X|2D"),
        ):
            with pytest.raises(ValueError, match=message):
                model.partial_fit(*args)
            assert state(model) == before
    with pytest.raises(ValueError, match="4 features.*5 features"):
        model.partial_fit(X[:, :4])
    assert state(model) == before


@pytest.mark.parametrize("order", ["C", "F"])
def test_infinity_is_refused_everywhere(order):
    Z = np.array(X, order=order)
    Z[7, 1] = np.inf
    model = BatchNormalizer().fit(X)
    for method in (model.transform, model.inverse_transform, model.normalize_batch, model.fit):
        with pytest.raises(ValueError, match="infinity"):
            method(Z)


def test_a_refit_forgets_what_was_learned():
    model = BatchNormalizer(learn_affine=True, max_iter=2).fit(X, X[:, 0])
    model.set_params(learn_affine=False).fit(X)
    assert not hasattr(model, "loss_curve_")
    assert_array_equal(model.gamma_, 1.0)


def test_one_row_under_pytorch_h52():
    model = BatchNormalizer(convention="pytorch").partial_fit(X)
    before = state(model)
    with pytest.raises(ValueError, match="one row"):
        model.partial_fit(X[:1])
    assert state(model) == before


def test_centering_sparse_says_what_to_do():
    with pytest.raises(ValueError, match="center=False"):
        BatchNormalizer().fit(sparse.csr_array(X))
    with pytest.raises(ValueError, match="beta"):
        BatchNormalizer(center=False, beta=1.0).fit(sparse.csr_array(X))
    model = BatchNormalizer(center=False, beta=1.0).fit(X)
    with pytest.raises(ValueError, match="beta"):
        model.transform(sparse.csr_array(X))


def test_inverse_without_scale():
    model = BatchNormalizer(gamma=[1, 1, 0, 1, 1]).fit(X)
    with pytest.raises(ValueError, match="gamma.*first is 2"):
        model.inverse_transform(X)


def test_merge_refuses_what_has_no_union():
    good = BatchNormalizer().fit(X)
    before = state(good)
    for other, error, message in (
        (BatchNormalizer(momentum=0.1).fit(X), ValueError, "momentum"),
        (BatchNormalizer(convention="pytorch").fit(X), ValueError, "convention"),
        (BatchNormalizer().fit(X[:, :3]), ValueError, "columns"),
        (BatchNormalizer(), NotFittedError, "not fitted"),
        (StandardScaler().fit(X), TypeError, "BatchNormalizer"),
    ):
        with pytest.raises(error, match=message):
            good.merge(other)
        assert state(good) == before


def test_ddof_needs_weights_that_count():
    with pytest.raises(ValueError, match="ddof.*sample_weight"):
        BatchNormalizer(ddof=1).fit(X, sample_weight=np.full(101, 1 / 101))
    assert_array_equal(BatchNormalizer(ddof=1).partial_fit(X[:1]).var_, 0.0)


def test_no_warnings_at_the_extremes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Z = np.array([[1e308, 1e-308, np.nan, 0.0], [-1e308, 5e-324, np.nan, 0.0]])
        model = BatchNormalizer().fit(Z)
        model.partial_fit(Z[:1])
        assert np.isfinite(model.transform(Z)[:, [0, 1, 3]]).all()


# ------------------------------------------------------------------------------ in scikit-learn


@pytest.mark.compiled
def test_pipeline_in_grid_search():
    data, y = load_diabetes(return_X_y=True)
    pipe = make_pipeline(BatchNormalizer(), Lasso(alpha=0.1))
    search = GridSearchCV(pipe, {"batchnormalizer__eps": [0.0, 1e-3], "lasso__alpha": [0.1, 1.0]})
    search.fit(data, y)
    other = GridSearchCV(
        make_pipeline(StandardScaler(), Lasso(alpha=0.1)), {"lasso__alpha": [0.1, 1.0]}
    ).fit(data, y)
    assert_allclose(search.best_score_, other.best_score_, rtol=1e-6)


def test_metadata_routing():
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(
            BatchNormalizer().set_fit_request(sample_weight=True),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        pipe.fit(X, X[:, 0] > 0, sample_weight=V)
    assert_allclose(pipe[0].mean_, np.average(X, axis=0, weights=V), rtol=1e-12)
