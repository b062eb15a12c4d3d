"""Networks without hidden layers, which are logistic regressions: what is known to go wrong."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_regnorm.neural_network import MLPClassifier
from sklearn_regnorm.preprocessing import BatchNormalizer

rng = np.random.default_rng(0)
X = np.round(rng.standard_normal((60, 5)) * 2.0**10) / 2.0**10  # offsets are added exactly
C = np.digitize(X[:, 0] - X[:, 1] + rng.standard_normal(60), [-0.7, 0.7])
PENALTIES = [("lbfgs", 0.0)] + [("sgd", ratio) for ratio in (0.0, 0.5, 1.0)]


def logistic(solver="lbfgs", l1_ratio=0.0, **given):
    """Return a logistic regression that is solved to the end, over all rows at once."""
    steps = dict(tol=1e-9, max_iter=500)
    if solver == "sgd":
        steps = dict(tol=0.0, n_iter_no_change=np.inf, learning_rate_init=0.5, max_iter=600)
    return MLPClassifier(
        (), solver=solver, l1_ratio=l1_ratio, **{"alpha": 2.0, "random_state": 0, **steps, **given}
    )


def all_of(model):
    return np.concatenate([model.coefs_[0].ravel(), model.intercepts_[0]])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array])
@pytest.mark.parametrize(("solver", "l1_ratio"), PENALTIES)
def test_weights_are_repetition_and_seeds_do_not_matter_h27(solver, l1_ratio, container):
    v = rng.integers(0, 4, 60)
    again = np.repeat(np.arange(60), v)
    one = logistic(solver, l1_ratio).fit(container(X), C, sample_weight=v)
    two = logistic(solver, l1_ratio).fit(container(X[again]), C[again])
    assert_allclose(all_of(one), all_of(two), rtol=0, atol=1e-8)
    assert_array_equal(all_of(one), all_of(logistic(solver, l1_ratio).fit(container(X), C, v)))
    other = logistic(solver, l1_ratio, random_state=1).fit(container(X), C, sample_weight=v)
    assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=0, atol=1e-6)
    assert (one.coefs_[0] == 0).any() == (l1_ratio > 0)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8, 1e12])
@pytest.mark.parametrize("exponent", [-500, 0, 500])
def test_units_and_offsets_behind_a_normalizer_h57(exponent, offset):
    """Like scikit-learn's, networks want columns of comparable size: so one stands before them."""
    expected = make_pipeline(BatchNormalizer(), logistic()).fit(X, C).predict_proba(X)
    Z = np.ldexp(X + offset, exponent)
    found = make_pipeline(BatchNormalizer(), logistic()).fit(Z, C).predict_proba(Z)
    assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("solver", "l1_ratio"), PENALTIES)
def test_one_column_and_two_rows_h58(solver, l1_ratio):
    model = logistic(solver, l1_ratio, alpha=0.1).fit([[0.0], [1.0]], [0, 1])
    w, b = model.coefs_[0][0, 0], model.intercepts_[0][0]
    p = 1 / (1 + np.exp([-b, -w - b]))
    assert_allclose(model.predict_proba([[0.0], [1.0]])[:, 1], p, rtol=1e-9)
    assert_allclose(p.sum(), 1, atol=1e-6)  # the intercept is not penalised
    assert_allclose(1 - p[1], 0.1 * (1 - l1_ratio) * w + 0.1 * l1_ratio, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 1e-12, 1e-3, 1.0, 1e8])
@pytest.mark.parametrize("size", [1.0, 1e24, 1e150])
def test_separable_classes_h59(size, alpha):
    """Finite and right, without warnings of overflow, with or without a minimum."""
    x = size * np.array([[-1.0], [-0.5], [0.5], [1.0]])
    for solver in ("lbfgs", "adam"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = MLPClassifier(
                (), solver=solver, alpha=alpha, random_state=0, learning_rate_init=0.1
            ).fit(x, [0, 0, 1, 1])
            p = model.predict_proba(x)
        assert np.isfinite(all_of(model)).all() and np.isfinite(p).all()
        assert_allclose(p.sum(axis=1), 1)
        if alpha <= 1:
            assert_array_equal(model.predict(x), [0, 0, 1, 1])


LABELS = {
    "text": np.array(["b", "a", "c"]),
    "bool": np.array([False, True, True]),
    "objects": np.array(["x", "z", "y"], dtype=object),
    "negative": np.array([-3, -1, -7]),
    "small integers": np.array([200, 3, 7], dtype=np.uint8),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_labels_h62(kind, early_stopping):
    labels = LABELS[kind][C]
    model = MLPClassifier((8,), early_stopping=early_stopping, random_state=0, max_iter=60)
    model.set_params(learning_rate_init=0.05, n_iter_no_change=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, labels)
    assert_array_equal(model.classes_, np.unique(labels))
    assert model.predict(X).dtype == labels.dtype
    assert model.score(X, labels) > (0.5 if early_stopping else 0.7)
