"""scikit-learn's own checks on the networks, in many configurations.

None is expected to fail, but two where `BY_CHANCE` says why: and there they must.
"""

import copy
import pickle
import re
from unittest import SkipTest

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_regnorm.neural_network import MLPClassifier, MLPRegressor

# a few epochs do not converge
pytestmark = pytest.mark.filterwarnings("ignore:.*has not converged:UserWarning")

DEFAULTS = [MLPClassifier(), MLPRegressor()]
CONFIGURATIONS = [
    MLPClassifier(normalization="batch", alpha=0.1, l1_ratio=0.5),
    MLPClassifier(normalization="layer", normalization_position="after", activation="tanh"),
    MLPClassifier((), solver="sgd", learning_rate_init=0.1, learning_rate="adaptive"),
    MLPClassifier((20, 10), normalization="batch", normalization_position="after", solver="adamw"),
    MLPClassifier(solver="lbfgs"),
    MLPRegressor(normalization="batch", solver="sgd", penalize=("output_weights", "gamma")),
    MLPRegressor(normalization="layer", l1_ratio=1.0, alpha=0.01, activation="logistic"),
    MLPRegressor(solver="lbfgs", activation="tanh", n_jobs=2),
    MLPRegressor(hidden_layer_sizes=(), solver="adamw", learning_rate_init=0.1),
]
# Which rows share a batch, and what of a row is dropped, is drawn by row: so a weight cannot be a
# repetition, and scikit-learn's two checks of that must fail.
BY_CHANCE = [
    MLPClassifier(batch_size=7, normalization="batch"),
    MLPRegressor(dropout=0.1, random_state=0),
]
EVERY = [*DEFAULTS, *CONFIGURATIONS, *BY_CHANCE]
rng = np.random.default_rng(0)
X = rng.standard_normal((40, 5))
Y = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(40)


def targets(estimator):
    return (Y > 0).astype(int) if is_classifier(estimator) else Y


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """Let the check of array API dispatch on NumPy arrays run instead of being skipped."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


def run(estimator, check, by_chance=False):
    name = check.func.__name__
    if name == "check_classifiers_multilabel_output_format_decision_function":
        # like scikit-learn's MLPClassifier, ours has probabilities instead
        with pytest.raises(SkipTest, match="does not have a decision_function"):
            check(estimator)
    elif by_chance and name.startswith("check_sample_weight_equivalence"):
        with pytest.raises(AssertionError, match="not equivalent to fitting with removed or rep"):
            check(estimator)
    else:
        check(estimator)


@pytest.mark.slow
@parametrize_with_checks(DEFAULTS)
def test_defaults(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(CONFIGURATIONS)
def test_configurations(estimator, check):
    run(estimator, check)


@pytest.mark.slow
@parametrize_with_checks(BY_CHANCE)
def test_by_chance(estimator, check):
    run(estimator, check, by_chance=True)


@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_attributes_and_parameters_are_documented(estimator):
    parameters, attributes = type(estimator).__doc__.split("Attributes\n")
    for name in estimator.get_params():
        assert re.search(rf"\b{name}\b", parameters), name
    model = clone(estimator)
    assert vars(model) == model.get_params(deep=False)
    with pytest.raises(NotFittedError):
        model.predict(X)
    for name in ("coefs_", "intercepts_", "n_layers_"):
        assert not hasattr(model, name)
    model.set_params(max_iter=5).fit(X, targets(model))
    fitted = set(vars(model)) - set(model.get_params())
    assert all(name.endswith("_") and not name.startswith("_") for name in fitted), fitted
    for name in fitted | {"coefs_", "intercepts_", "n_layers_"}:
        assert re.search(rf"^\s+(.*, )?{name}(,.*)? : ", attributes, re.MULTILINE), name


@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_pickle_and_copy_of_a_fitted_model_n14(estimator):
    y = targets(estimator)
    model = clone(estimator).set_params(max_iter=5, random_state=0).fit(X, y)
    going_on = model.solver != "lbfgs" and not model.early_stopping
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert vars(twin).keys() == vars(model).keys()
        assert_array_equal(twin.predict(X), model.predict(X))
        assert twin.coefs_[0] is twin.layers_[0].params["weights"]
        if going_on:
            further = copy.deepcopy(model).partial_fit(X, y)
            assert_array_equal(twin.partial_fit(X, y).coefs_[0], further.coefs_[0])
    size = sum(w.nbytes for layer in model.layers_ for w in layer.params.values())
    assert len(pickle.dumps(model)) < 4 * size + 20_000  # no batches, no buffers


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_read_only_input_stays_as_it_is_h28(estimator, order):
    data, y, v = np.array(X, order=order), targets(estimator).copy(), np.arange(1.0, 41.0)
    for array in (data, y, v):
        array.flags.writeable = False
    before = [array.tobytes() for array in (data, y, v)]
    clone(estimator).set_params(max_iter=3).fit(data, y, sample_weight=v).predict(data)
    assert [array.tobytes() for array in (data, y, v)] == before


def test_tags():
    one, two = get_tags(MLPClassifier()), get_tags(MLPRegressor())
    assert one.classifier_tags.multi_label and two.target_tags.multi_output
    assert one.input_tags.sparse and two.input_tags.sparse
