"""gamma and beta learned together with a linear model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer
from sklearn_regnorm.preprocessing._affine import _LogLoss, _Squares, _step

BOTH = pytest.mark.parametrize("cls", [BatchNormalizer, LayerNormalizer])
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 6))
y = 3 * X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(200)


@pytest.mark.parametrize("kind", ["squares", "log"])
def test_gradients_by_finite_differences_h63(kind):
    z, v = rng.standard_normal((20, 3)), rng.random(20)
    loss = _Squares(rng.standard_normal((20, 2)), v) if kind == "squares" else _LogLoss(
        rng.integers(0, 3, 20), v
    )  # fmt: skip
    k = loss.targets.shape[1]
    parameters = [rng.standard_normal(s) for s in (3, 3, (3, k), k)]
    rows = np.arange(20)
    _, slopes = _step(z, v, rows, loss, parameters, 0.7)
    for one, slope in zip(parameters, slopes, strict=True):
        for index in np.ndindex(one.shape):
            old = one[index]
            one[index] = old + 1e-6
            up = _step(z, v, rows, loss, parameters, 0.7)[0]
            one[index] = old - 1e-6
            down = _step(z, v, rows, loss, parameters, 0.7)[0]
            one[index] = old
            assert_allclose(slope[index], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


@BOTH
def test_loss_falls_and_is_reproducible(cls):
    model = cls(learn_affine=True, random_state=0, batch_size=32).fit(X, y)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.n_iter_ == len(model.loss_curve_)
    assert_array_equal(clone(model).fit(X, y).gamma_, model.gamma_)
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(other.gamma_, model.gamma_)


def test_reaches_the_linear_model():
    """The scores are a linear model of X, so the loss ends at that of least squares."""
    model = BatchNormalizer(learn_affine=True, max_iter=500, tol=1e-7, alpha=0.0).fit(X, y)
    least = 0.5 * (1 - LinearRegression().fit(X, y).score(X, y))
    assert least <= model.loss_curve_[-1] < least + 1e-3
    assert_allclose(np.abs(model.gamma_[0]) > np.abs(model.gamma_[2:]).max(), True)


def test_statistics_are_those_of_the_population():
    model = BatchNormalizer(learn_affine=True, batch_size=17, max_iter=5).fit(X, y)
    plain = BatchNormalizer(gamma=model.gamma_, beta=model.beta_).fit(X)
    assert_array_equal(model.mean_, plain.mean_)
    assert_array_equal(model.transform(X), plain.transform(X))


@BOTH
@pytest.mark.parametrize("size", [None, 1, 7, 199, 1000])
def test_ragged_batches_h52(cls, size):
    model = cls(learn_affine=True, batch_size=size, max_iter=3).fit(X, y)
    assert np.isfinite(model.gamma_).all() and np.isfinite(model.loss_curve_).all()


@BOTH
def test_kinds_of_target(cls):
    iris, cancer = load_iris(return_X_y=True), load_breast_cancer(return_X_y=True)
    names = np.array(["a", "b", "c"])[iris[1]]
    for data, target in (iris, cancer, (iris[0], names), (X, y[:, None]), (X, np.c_[y, -y])):
        model = cls(learn_affine=True, max_iter=20).fit(data, target)
        assert model.loss_curve_[-1] < model.loss_curve_[0]
    for target, message in (
        (None, "requires y"), (np.zeros(200, int), "one class"), (y[:5], "inconsistent"),
        (np.eye(200, 3, dtype=int)[:, [0, 1, 1]] + np.eye(200, 3, 1, dtype=int), "multi"),
        (np.where(y > 0, np.nan, y), "y"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            cls(learn_affine=True).fit(X, target)


def test_weights_are_repetition_in_every_step():
    v = rng.integers(0, 3, 200)
    repeated = np.repeat(np.arange(200), v)
    parameters = [rng.standard_normal(s) for s in (6, 6, (6, 1), 1)]
    ones = np.ones(len(repeated))
    some = _step(X, v, np.arange(200), _Squares(y, v), parameters, 0.5)
    other = _step(
        X[repeated], ones, np.arange(len(repeated)), _Squares(y[repeated], ones), parameters, 0.5
    )
    assert_allclose(some[0], other[0], rtol=1e-12)
    for one, two in zip(some[1], other[1], strict=True):
        assert_allclose(one, two, rtol=1e-10, atol=1e-14)


@BOTH
def test_refusals(cls):
    model = cls(learn_affine=True)
    with pytest.raises(NotFittedError):
        model.transform(X)
    bad = X.copy()
    bad[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        model.fit(bad, y)
    assert not vars(model).keys() - model.get_params().keys()
    with pytest.raises(ValueError, match="learning_rate_init"):
        cls(learn_affine=True, learning_rate_init=1e300).fit(X, y)
    if cls is BatchNormalizer:
        with pytest.raises(AttributeError) as caught:
            model.partial_fit(X)
        assert "learn_affine=False" in str(caught.value.__cause__)
        assert not hasattr(model, "partial_fit")


def test_in_a_pipeline_on_real_data():
    data, target = load_diabetes(return_X_y=True)
    learned = make_pipeline(BatchNormalizer(learn_affine=True, random_state=0), Ridge(alpha=10.0))
    plain = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    scores = [cross_val_score(one, data, target).mean() for one in (learned, plain)]
    assert abs(scores[0] - scores[1]) < 0.05
