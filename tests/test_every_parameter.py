"""Every parameter of every estimator does something, or says that it does not."""

import contextlib
import io
import pickle
import warnings
from typing import NamedTuple

import numpy as np
import pytest
from problems import regression
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

import sklearn_regnorm as package
from sklearn_regnorm.solvers import forced_form

X, y = regression(0, 40, 60, noise=2.0, nonzero=6)
X = X * np.linspace(0.5, 2, 60)
C = np.digitize(y, [1.0, 5.0])

# What is there for scikit-learn's sake, or for speed alone: documented as such.
WITHOUT = {"copy_X", "precompute", "random_state", "selection", "gcv_mode", "n_jobs"}


class Beside(NamedTuple):
    """A value that counts beside others only."""

    others: dict
    value: object


CONTROLS = {"fit_intercept": False, "standardize": True, "positive": True}
ITERATIONS = {"tol": Beside({"max_iter": 1}, 10.0), "max_iter": 1}
BOUNDS = {"penalty_factor": np.linspace(0.5, 2, 60), "lower": -0.1, "upper": 0.1}
SINGLE = {"alpha": 0.5, **CONTROLS, **ITERATIONS}
CHOICE = {
    "alphas": 4, "cv": 3, "fold_weighting": Beside({"cv": 3}, "size"), "scoring": "neg_max_error",
    "refit": Beside({"scoring": ["neg_max_error", "r2"], "refit": "neg_max_error"}, "r2"),
    "selection_rule": lambda table: 2,
}  # fmt: skip
CURVE = {
    **CHOICE, **CONTROLS, **ITERATIONS, **BOUNDS, "eps": 0.1, "relax": True,
    "early_stopping": Beside({"alphas": 100}, True), "preprocessor": StandardScaler(),
    "store_predictions": True, "verbose": True,
}  # fmt: skip
STABILITY = {
    "alphas": 30, "bound": "markov", "eps": 0.5, "fit_intercept": False, "l1_ratio": 0.3,
    "max_false": 3.0, "n_resamples": 20, "positive": True, "sampling": "half", "random_state": 1,
    "standardize": False, "threshold": 0.9, "max_iter": Beside({"alphas": 5}, 1),
    "tol": Beside({"alphas": 5, "max_iter": 1}, 10.0),
}  # fmt: skip
NORM = {
    "center": False, "scale": False, "eps": 0.5, "gamma": 2.0, "beta": 1.0, "learn_affine": True,
}  # fmt: skip
LEARNING = {
    "batch_size": 7, "max_iter": 2, "tol": 10.0, "learning_rate_init": 0.1, "random_state": 1,
    "shuffle": False, "alpha": 10.0, "n_iter_no_change": Beside({"tol": 10.0, "max_iter": 9}, 1),
}  # fmt: skip
SGD = {"solver": "sgd", "max_iter": 5}
NETWORK = {
    **LEARNING, "activation": "tanh", "beta_1": 0.5, "beta_2": 0.5, "dropout": 0.5,
    "early_stopping": True, "epsilon": 1.0, "hidden_layer_sizes": (5,), "l1_ratio": 0.5,
    "normalization": None, "normalization_position": "after", "solver": "sgd",
    "warm_start": True, "verbose": True, "learning_rate": Beside(SGD, "invscaling"),
    "power_t": Beside(SGD | {"learning_rate": "invscaling"}, 0.9), "momentum": Beside(SGD, 0.1),
    "nesterovs_momentum": Beside(SGD, False), "penalize": Beside({"alpha": 10.0}, "biases"),
    "max_fun": Beside({"solver": "lbfgs", "normalization": None, "max_iter": 50}, 3),
    "validation_fraction": Beside({"early_stopping": True}, 0.4),
    "tol": Beside({"n_iter_no_change": 1}, 10.0),
}  # fmt: skip
POSITIVE = {"positive": True}
TABLE = {
    package.Lasso(0.01): SINGLE | BOUNDS | {"warm_start": True},
    package.ElasticNet(0.01): SINGLE | BOUNDS | {"l1_ratio": 0.9, "warm_start": True},
    package.Ridge(): SINGLE | {
        "solver": "sparse_cg", "max_iter": Beside(POSITIVE, 1), "alpha": 5.0,
        "tol": Beside(POSITIVE | {"max_iter": 1}, 10.0), "warm_start": Beside(POSITIVE, True),
    },
    package.LassoCV(alphas=5): CURVE,
    package.ElasticNetCV(alphas=5): CURVE | {"l1_ratio": [0.2, 0.9]},
    package.RidgeCV([0.1, 1.0, 10.0]): CHOICE | {
        "fit_intercept": False, "standardize": True, "store_cv_results": True,
    },
    package.StabilitySelection(random_state=0, n_resamples=10): STABILITY,
    package.BatchNormalizer(): NORM | {"ddof": 1, "momentum": 0.5, "convention": "pytorch"},
    package.BatchNormalizer(learn_affine=True, random_state=0): LEARNING,
    package.LayerNormalizer(): NORM | {"n_groups": 2},
    package.LayerNormalizer(learn_affine=True, random_state=0): LEARNING,
    package.MLPClassifier((4,), normalization="batch", random_state=0, max_iter=5):
        NETWORK | {"class_weight": "balanced"},
    package.MLPRegressor(
        hidden_layer_sizes=(4,), normalization="layer", random_state=0, max_iter=5
    ): NETWORK | {"loss": "poisson"},
}  # fmt: skip
# Which takes several targets, and is tested with them.
WITH_TARGETS = {"alpha_per_target"}


def outcome(model):
    """Return all that a user may see of two fits and of predictions."""
    target = {"MLPClassifier": C, "MLPRegressor": y**2}.get(type(model).__name__, y)
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        with forced_form("working_set"):
            model.fit(X, target)
        if hasattr(model, "partial_fit") and hasattr(model, "n_batches_seen_"):
            model.partial_fit(X[:9] + 1, target[:9])
        use = model.predict if hasattr(model, "predict") else model.transform
        seen = [use(X), getattr(model, "get_support", lambda: 0)()]
        for _ in range(2):
            with forced_form("working_set"):
                model.fit(X, target)
            seen.append(getattr(model, "n_iter_", 0))
            seen += [
                value
                for name, value in sorted(vars(model).items())
                if name.endswith("_") and name not in ("cv_table_", "moments_", "optimizer_")
            ]
            table = getattr(model, "cv_table_", {})
            seen += [values for column, values in table.items() if "time" not in column]
    return pickle.dumps([seen, printed.getvalue(), [str(one.message) for one in caught]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model, changes in TABLE.items() for name in changes],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_every_parameter_matters_h13(model, name):
    value, base = TABLE[model][name], clone(model)
    if isinstance(value, Beside):
        base.set_params(**value.others)
        value = value.value
    same = outcome(clone(base).set_params(**{name: value})) == outcome(base)
    assert not same


def test_every_parameter_is_in_the_table_h13():
    for cls in {type(model) for model in TABLE}:
        tried = {name for model, changes in TABLE.items() if type(model) is cls for name in changes}
        assert set(cls().get_params(deep=False)) == tried | (
            (WITHOUT | WITH_TARGETS) & set(cls().get_params(deep=False))
        )
