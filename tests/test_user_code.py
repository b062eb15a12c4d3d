"""Exceptions in what users bring along: scorers, splitters, callbacks, preprocessors, and so on.

Whichever of their calls fails, the estimator is as it was before, fitted or not.
"""

import copy
import threading

import numpy as np
import pytest
from every_estimator import WARNINGS, content, data
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold

from sklearn_regnorm import BatchNormalizer, ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.neural_network import MLPClassifier, MLPRegressor
from sklearn_regnorm.solvers import forced_form

pytestmark = pytest.mark.filterwarnings(WARNINGS)
X, y = data("Lasso", "tall")


class Trouble(Exception):
    pass


class Fuse:
    """What a user's code calls wherever it is: the k-th time there is trouble."""

    left = 0
    lock = threading.Lock()

    def __call__(self):
        with self.lock:
            self.left -= 1
            if self.left == 0:
                raise Trouble


fuse = Fuse()


def scorer(model, X, y):
    fuse()
    return -float(np.abs(y - model.predict(X)).max())


class Splitter:
    def split(self, X, y=None, groups=None):
        for fold in KFold(3).split(X):
            fuse()
            yield fold

    def get_n_splits(self, X=None, y=None, groups=None):
        return 3


class Scaler(TransformerMixin, BaseEstimator):
    """A preprocessor; what it makes of X depends on the row, so that each fold has an X."""

    def fit(self, X, y=None):
        fuse()
        return self

    def transform(self, X):
        fuse()
        return X / np.linalg.norm(X, axis=1, keepdims=True)


class Callback:
    """A callback; `alive` counts the fits that it has been told of and not been let go from."""

    alive = 0

    def setup(self, estimator, context):
        type(self).alive += 1
        fuse()

    def teardown(self, estimator, context):
        type(self).alive -= 1
        fuse()

    def on_fit_task_begin(self, estimator, context):
        fuse()

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        fuse()
        return False


class Rows:
    """Rows that can be had as an array, if all goes well."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        fuse()
        return np.array(self.values, dtype=dtype)


def rule(table):
    fuse()
    return 0


def called(estimator):
    """Return the estimator with a callback, where scikit-learn has them (1.9 and later)."""
    return estimator.set_callbacks(Callback()) if hasattr(estimator, "set_callbacks") else estimator


FEW = {"alphas": 4, "cv": 3}
NET = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
VALIDATION = {"X_val": Rows(X[:20]), "y_val": y[:20]}
# For each: the estimator, what else `fit` is given, and the least number of calls.
CASES = {
    "scorer": (LassoCV(scoring=scorer, **FEW), {}, 12),
    "scorer of relaxed": (LassoCV(scoring={"a": scorer}, relax=[0.0, 1.0], **FEW), {}, 24),
    "scorer of preprocessed": (
        ElasticNetCV(scoring=scorer, preprocessor=Scaler(), l1_ratio=[0.5, 1.0], **FEW), {}, 24,
    ),
    "scorer of ridge": (RidgeCV([0.1, 1, 2, 3], cv=3, scoring=scorer), {}, 12),
    "scorer of left-out rows": (RidgeCV([0.1, 1, 2, 3], scoring=scorer), {}, 4),
    "splitter": (LassoCV(alphas=4, cv=Splitter()), {}, 3),
    "splitter of ridge": (RidgeCV(alphas=4, cv=Splitter()), {}, 3),
    "preprocessor": (LassoCV(preprocessor=Scaler(), **FEW), {}, 8),
    "rule": (LassoCV(selection_rule=rule, **FEW), {}, 1),
    "rule of ridge": (RidgeCV(selection_rule=rule, **FEW), {}, 1),
    "rows": (LassoCV(**FEW), {"X": Rows(X)}, 1),
    "weights": (LassoCV(**FEW), {"sample_weight": Rows(np.ones(len(y)))}, 1),
    "rows of a normalizer": (BatchNormalizer(), {"X": Rows(X)}, 1),
    "validation": (MLPRegressor(**NET), VALIDATION, 1),
    "validation of a warm start": (
        MLPRegressor(warm_start=True, early_stopping=True, **NET), VALIDATION, 1,
    ),
    "callback": (called(LassoCV(**FEW)), {}, 2 * (1 + 1 + 4)),
    "callback of a network": (called(MLPRegressor(**NET)), {}, 2 * (1 + 3)),
    "callback of classes": (
        called(MLPClassifier(normalization="batch", **NET)), {"y": y > 0}, 2 * (1 + 3),
    ),
}  # fmt: skip


def attempt(estimator, given, k):
    """Fit with trouble in the k-th call; return whether it came to that."""
    fuse.left = k
    try:
        estimator.fit(**({"X": X, "y": y} | given))
    except Trouble:
        return True
    finally:
        fuse.left = 0
        assert Callback.alive == 0
    return False


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ["gram", "working_set"])
@pytest.mark.parametrize("case", CASES)
def test_trouble_in_any_call(case, form, n_jobs):
    estimator, given, least = CASES[case]
    if "callback" in case and not hasattr(estimator, "set_callbacks"):
        least = 0
    estimator = copy.deepcopy(estimator).set_params(n_jobs=n_jobs)
    with forced_form(form):
        fitted = copy.deepcopy(estimator).fit(**({"X": X, "y": y} | given))
        before = content(vars(fitted))
        k = 1
        while attempt(fitted, given, k):
            assert content(vars(fitted)) == before
            unfitted = copy.deepcopy(estimator)
            empty = content(vars(unfitted))
            assert attempt(unfitted, given, k)
            assert content(vars(unfitted)) == empty
            k += 1
    assert k > least
