"""Models survive skops, which runs no code, and consist of the types that SECURITY.md names."""

import re
from pathlib import Path

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler

import sklearn_regnorm as package

rng = np.random.default_rng(0)
X = rng.standard_normal((40, 4))
Y = X[:, 0] + 0.1 * rng.standard_normal(40)
LABELS = (Y > 0).astype(int)


def network(**parameters):
    return package.MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, **parameters)


MODELS = [
    package.Lasso(alpha=0.1),
    package.Ridge(),
    package.ElasticNet(alpha=0.1),
    package.LassoCV(alphas=5, preprocessor=StandardScaler(), scoring="r2"),
    package.ElasticNetCV(alphas=5, relax=True, store_predictions=True),
    package.RidgeCV(alphas=[1.0, 2.0], store_cv_results=True),
    package.StabilitySelection(n_resamples=4, alphas=5),
    package.BatchNormalizer(),
    package.BatchNormalizer(learn_affine=True, max_iter=2),
    package.LayerNormalizer(gamma=2.0),
    package.MLPClassifier(hidden_layer_sizes=(5,), max_iter=2, normalization="batch"),
    network(normalization="layer", activation="tanh", dropout=0.1, solver="sgd"),
    network(activation="logistic", solver="adamw", early_stopping=True),
    network(activation="identity"),
    network(activation="relu", solver="lbfgs"),
]
EXPECTED = set(
    re.findall(
        r"^  (sklearn_regnorm\.\S+)$",
        (Path(__file__).resolve().parents[1] / "SECURITY.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
)


def fit(model):
    return model.fit(X, LABELS if isinstance(model, package.MLPClassifier) else Y)


def use(model):
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


def name(model):
    return f"{type(model).__module__}.{type(model).__qualname__}"


pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:RidgeCV chose alpha"
)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_round_trip_n17(model):
    fit(model)
    stored = skops.io.dumps(model)
    unknown = skops.io.get_untrusted_types(data=stored)
    assert name(model) in unknown and set(unknown) <= {name(model), *EXPECTED}
    again = skops.io.loads(stored, trusted=unknown)
    assert vars(again).keys() == vars(model).keys()
    assert_array_equal(use(again), use(model))


def test_no_more_types_are_documented_than_there_are_n17():
    stored = (skops.io.dumps(fit(model)) for model in MODELS)
    found = set().union(*(skops.io.get_untrusted_types(data=one) for one in stored))
    assert found == EXPECTED | {name(model) for model in MODELS}
    public = [getattr(package, one) for one in package.__all__]
    estimators = {one for one in public if hasattr(one, "fit")}
    assert estimators == {type(model) for model in MODELS}
