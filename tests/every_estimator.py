"""Every estimator, transformer and path function, in the ways that take a course of their own.

One table, for tests of what holds for all of them; with data for each, and what tells whether two
fitted ones are the same.
"""

import functools

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.preprocessing import Normalizer, StandardScaler

from sklearn_regnorm import (
    BatchNormalizer,
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LayerNormalizer,
    Ridge,
    RidgeCV,
    StabilitySelection,
    enet_path,
    lasso_path,
)
from sklearn_regnorm._transactions import all_or_nothing
from sklearn_regnorm.neural_network import MLPClassifier, MLPRegressor

# What fits may warn of here: neither data nor limits were made for them.
WARNINGS = "ignore:.*(did not converge|has not converged|RidgeCV chose alpha|Nothing is selected)"


class Path(BaseEstimator):
    """A path function as an estimator."""

    def __init__(self, function, alphas=20):
        self.function, self.alphas = function, alphas

    def fit(self, X, y):
        self.path_ = self.function(X, y, alphas=self.alphas)
        return self

    def predict(self, X):
        return X @ self.path_[1][:, -1]


class Stream(BatchNormalizer):
    """A normalizer that takes the rows in batches."""

    @all_or_nothing
    def fit(self, X, y=None):
        first, *others = np.array_split(np.arange(X.shape[0]), 4)
        super().fit(X[first])
        for rows in others:
            self.partial_fit(X[rows])
        return self


SCORES = {"scoring": ["neg_mean_absolute_error", "r2"], "refit": "r2"}
LEARN = {"learn_affine": True, "random_state": 0, "max_iter": 30}
NET = {"hidden_layer_sizes": (16, 8), "random_state": 0, "max_iter": 12}

ESTIMATORS = {
    "Lasso": Lasso(alpha=0.05, warm_start=True),
    "Lasso adaptive": Lasso(alpha=0.05, penalty_factor="adaptive"),
    "ElasticNet": ElasticNet(alpha=0.05),
    "ElasticNet positive": ElasticNet(alpha=0.05, positive=True),
    "Ridge": Ridge(alpha=0.5),
    "Ridge positive": Ridge(alpha=0.5, positive=True),
    "Ridge svd": Ridge(alpha=0.5, solver="svd"),
    "Ridge sparse_cg": Ridge(alpha=0.5, solver="sparse_cg"),
    "LassoCV": LassoCV(alphas=20, eps=0.02),
    "LassoCV scaled": LassoCV(alphas=20, eps=0.02, preprocessor=StandardScaler(with_mean=False)),
    "LassoCV preprocessed": LassoCV(alphas=20, eps=0.02, cv=3, preprocessor=Normalizer()),
    "LassoCV relaxed": LassoCV(alphas=20, eps=0.02, relax=True, selection_rule="1se"),
    "LassoCV scored": LassoCV(alphas=20, eps=0.02, store_predictions=True, **SCORES),
    "LassoCV early": LassoCV(early_stopping=True),
    "LassoCV adaptive": LassoCV(alphas=20, eps=0.02, cv=3, penalty_factor="adaptive"),
    "ElasticNetCV": ElasticNetCV(alphas=10, eps=0.02, l1_ratio=[0.3, 1.0], selection_rule="bic"),
    "RidgeCV": RidgeCV(alphas=20),
    "RidgeCV folds": RidgeCV(alphas=20, cv=4),
    "RidgeCV scored": RidgeCV(alphas=10, cv=3, **SCORES),
    "StabilitySelection": StabilitySelection(
        n_resamples=20, alphas=15, max_false=9.0, random_state=0
    ),
    "lasso_path": Path(lasso_path),
    "enet_path": Path(enet_path),
    "BatchNormalizer": BatchNormalizer(center=False),
    "BatchNormalizer centred": BatchNormalizer(),
    "BatchNormalizer stream": Stream(momentum=0.2, center=False),
    "BatchNormalizer learns": BatchNormalizer(**LEARN),
    "LayerNormalizer": LayerNormalizer(center=False),
    "LayerNormalizer centred": LayerNormalizer(),
    "LayerNormalizer learns": LayerNormalizer(**LEARN),
    "MLPClassifier": MLPClassifier(early_stopping=True, **NET),
    "MLPClassifier batch": MLPClassifier(normalization="batch", **NET),
    "MLPClassifier layer": MLPClassifier(normalization="layer", dropout=0.2, solver="sgd", **NET),
    "MLPClassifier lbfgs": MLPClassifier(solver="lbfgs", **NET),
    "MLPRegressor": MLPRegressor(solver="adamw", l1_ratio=0.5, alpha=0.1, **NET),
    "MLPRegressor goes on": MLPRegressor(warm_start=True, normalization="batch", **NET),
    "MLPRegressor lbfgs": MLPRegressor(solver="lbfgs", **NET),
}
DENSE_ONLY = {name for name in ESTIMATORS if name.endswith(("learns", "centred", "svd"))}
SHAPES = {
    "small": {"tall": (60, 6), "wide": (16, 24), "sparse": (60, 30)},
    # large enough for work to be spread over threads
    "medium": {"tall": (12_000, 60), "wide": (100, 24_000), "sparse": (2200, 1010)},
    "large": {"tall": (60_000, 200), "wide": (300, 30_000), "sparse": (30_000, 1050)},
}


def names(kind):
    """Return the names of all estimators that take a kind of data."""
    return [name for name in ESTIMATORS if not (kind == "sparse" and name in DENSE_ONLY)]


PAIRS = [(name, kind) for kind in SHAPES["small"] for name in names(kind)]
WITH_JOBS = {name for name in ESTIMATORS if "n_jobs" in ESTIMATORS[name].get_params(deep=False)}


def make(name, n_jobs=None):
    """Return a new estimator of the table, with `n_jobs` if it has them."""
    model = clone(ESTIMATORS[name])
    return model.set_params(n_jobs=n_jobs) if name in WITH_JOBS else model


@functools.cache
def data(name, kind, size="small", seed=0):
    """Return X and y for an estimator of the table; not to be changed."""
    n, p = SHAPES[size][kind]
    rng = np.random.default_rng([seed, n, p])
    if kind == "sparse":
        X = sparse.random_array((n, p), density=min(0.2, 30 / p), format="csc", rng=rng)
    else:
        X = rng.standard_normal((n, p))
        X[:, 1:] += 0.5 * X[:, :-1]
    y = X[:, : min(p, 30)] @ rng.standard_normal(min(p, 30))
    y = y + y.std() * rng.standard_normal(n)
    return X, np.digitize(y, [-y.std() / 2, y.std() / 2]) if _wants_classes(name) else y


def _wants_classes(name):
    return is_classifier(ESTIMATORS[name]) or name == "LayerNormalizer learns"


def use(model, X):
    """Return what a fitted estimator makes of X."""
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


def fit(name, kind, n_jobs=None, size="small"):
    """Return the content of an estimator of the table once it is fitted, and of its output."""
    X, y = data(name, kind, size)
    model = make(name, n_jobs).fit(X, y)
    found = vars(model) | {"output": use(model, X), "n_jobs": None}
    return content(found)


def content(thing):
    """Return what makes up an object, to the last bit, but for the time that it took."""
    if isinstance(thing, np.ndarray):
        return str(thing.dtype), thing.shape, thing.tobytes()
    if sparse.issparse(thing):
        return content([thing.shape, thing.data, thing.indices, thing.indptr])
    if isinstance(thing, np.random.RandomState):
        return content(thing.get_state())
    if isinstance(thing, np.random.Generator):
        return content(thing.bit_generator.state)
    if isinstance(thing, dict):
        return {key: content(value) for key, value in thing.items() if key != "fit_time"}
    if isinstance(thing, list | tuple):
        return [content(one) for one in thing]
    if callable(thing):
        return thing.__name__
    if hasattr(thing, "__dict__"):
        return type(thing).__name__, content(vars(thing))
    return repr(thing)
