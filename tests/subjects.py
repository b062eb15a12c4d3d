"""What the metamorphic tests change: data, and what every estimator makes of them.

`Given` is one problem; a `Subject` turns it into an outcome, {name: numbers}. `ROLES` says how each
of these numbers follows when rows, columns and units of the data change.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import polars as pl
from problems import ar1
from scipy import sparse

from sklearn_regnorm import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    StabilitySelection,
    enet_path,
    lasso_path,
)
from sklearn_regnorm.neural_network import MLPClassifier, MLPRegressor
from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer
from sklearn_regnorm.solvers import forced_form

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
SHAPES = (40, 6), (25, 12), (16, 30)
BATCHES = 3


@dataclass(frozen=True)
class Given:
    """A problem. `fold` is that of each row, `batch` the batch; `per_column` are controls."""

    X: object
    y: np.ndarray
    v: np.ndarray | None
    fold: np.ndarray
    batch: np.ndarray
    lambda_1: float
    lambda_2: float
    per_column: dict
    form: str
    n_jobs: int | None = None

    @property
    def folds(self):
        return [(self.fold != k, self.fold == k) for k in range(3)]

    @property
    def total(self):
        return len(self.y) if self.v is None else np.sum(self.v)

    def but(self, **changes):
        return replace(self, **changes)


def make(seed, mild=False):
    """Return the problem of one seed: some sparse, some wide; columns of like units if mild."""
    rng = np.random.default_rng([7, seed])
    n, p = SHAPES[rng.integers(len(SHAPES))]
    X = ar1(rng, n, p, rng.choice([0.0, 0.6]))
    if rng.random() < 0.5:
        X = np.where(np.abs(X) > 0.6, X, 0.0)
    Z = X.copy()
    units, offset = 2.0 ** rng.integers(-3, 4, p), rng.choice([0.0, 0.0, 2.0, 100.0])
    X = X if mild else X * units + offset
    X = X.astype(np.float32).astype(float)  # so that float32 holds the same numbers
    y = Z[:, :4].sum(axis=1) + 0.5 * rng.standard_normal(n) + rng.choice([0.0, 3.0])
    factor = 10.0 ** rng.uniform(-0.5, 0.5, p)
    factor[rng.permutation(p)[:2]] = rng.choice([0.0, 1.0, np.inf], 2)
    pull = np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / n
    fold = rng.permutation(np.arange(n) % 3)
    return Given(
        X, y, rng.integers(1, 4, n) * 1.0, fold, np.sort(rng.integers(0, BATCHES, n)),
        pull * 10.0 ** rng.uniform(-2, -0.3), X.var() * 10.0 ** rng.uniform(-3, 0),
        {
            "penalty_factor": factor,
            "lower": np.where(rng.random(p) < 0.3, -0.1, -np.inf) / X.std(axis=0),
            "upper": np.where(rng.random(p) < 0.3, 0.2, np.inf) / X.std(axis=0),
        },
        "gram" if rng.random() < 0.5 else "working_set",
    )  # fmt: skip


# ------------------------------------------------------------------------------ outcomes

# Of each number: its axes (a row, a column, another), its unit in powers of the units of y and of
# the column, whether it moves with y, and its value for a column that is constant (None: any).
Role = tuple[str, int, int, bool, float | None]
ROLES: dict[str, Role] = {
    "coef": ("c", 1, -1, False, 0.0),
    "path": ("oc", 1, -1, False, 0.0),
    "intercept": ("", 1, 0, True, None),
    "fitted": ("r", 1, 0, True, None),
    "errors": ("oo", 2, 0, False, None),
    "left out": ("or", 2, 0, False, None),
    "alphas": ("o", 1, 0, False, None),
    "shares": ("oc", 0, 0, False, 0.0),
    "mean": ("c", 0, 1, False, None),
    "variance": ("c", 0, 2, False, 0.0),
    "output": ("rc", 0, 0, False, 0.0),
    "probabilities": ("ro", 0, 0, False, None),
    "losses": ("o", 0, 0, False, None),
}


@dataclass(frozen=True)
class Subject:
    """An estimator and its settings; `traits` say which relations hold for it."""

    fit: Callable
    traits: frozenset = field(default_factory=frozenset)
    rtol: float = 1e-9


def _linear(model, given):
    with forced_form(given.form):
        model.fit(given.X, given.y, sample_weight=given.v)
    outcome = {"coef": model.coef_, "intercept": model.intercept_, "fitted": model.predict(given.X)}
    if hasattr(model, "coef_path_"):
        outcome["path"] = model.coef_path_.reshape(-1, model.n_features_in_)
    if hasattr(model, "mse_path_"):
        outcome["errors"] = model.mse_path_
    if isinstance(model, LassoCV | ElasticNetCV):
        outcome["alphas"] = np.ravel(model.alphas_)
    return outcome


def _lasso(**params):
    return lambda given: _linear(Lasso(given.lambda_1, **TIGHT, **params), given)


def _controlled(cls, **params):
    def fit(given):
        return _linear(cls(given.lambda_1, **TIGHT, **params, **given.per_column), given)

    return fit


def _net(**params):
    def fit(given):
        penalties = given.lambda_1, given.lambda_2
        return _linear(ElasticNet.from_lambdas(*penalties, **TIGHT, **params), given)

    return fit


def _ridge(**params):
    def fit(given):
        return _linear(Ridge(2 * given.lambda_2 * given.total, **TIGHT, **params), given)

    return fit


def _cv(cls, controls=False, **params):
    def fit(given):
        more = given.per_column if controls else {}
        options = {"cv": given.folds, "n_jobs": given.n_jobs, "alphas": 9, "eps": 1e-2}
        return _linear(cls(**options, **TIGHT, **params, **more), given)

    return fit


def _ridge_cv(leave_one_out, **params):
    def fit(given):
        alphas = 2 * given.lambda_2 * given.total * np.array([0.1, 1.0, 10.0])
        model = RidgeCV(
            alphas, cv=None if leave_one_out else given.folds, n_jobs=given.n_jobs, **params
        )
        outcome = _linear(model, given)
        if leave_one_out:
            outcome["left out"] = outcome.pop("errors")
        return outcome

    return fit


def _path(function, **params):
    def fit(given):
        with forced_form(given.form):
            alphas, coefs, _ = function(
                given.X, given.y, sample_weight=given.v, alphas=7, eps=1e-2, **TIGHT, **params
            )
        # where no column is of use, the grid stands at 1e-15
        return {"alphas": np.where(alphas > 1e-15, alphas, 0.0), "path": coefs.T}

    return fit


def _stability(**params):
    def fit(given):
        with forced_form(given.form):
            model = StabilitySelection(
                n_resamples=8, alphas=6, random_state=0, n_jobs=given.n_jobs, **TIGHT, **params
            ).fit(given.X, given.y)
        return {"alphas": model.alphas_, "shares": model.stability_path_}

    return fit


def _batch_normalizer(**params):
    def fit(given):
        model = BatchNormalizer(n_jobs=given.n_jobs, **params)
        for k in np.unique(given.batch):
            some = given.batch == k
            v = None if given.v is None else np.asarray(given.v)[some]
            model.partial_fit(_rows(given.X, some), sample_weight=v)
        output = model.transform(given.X)
        output = output.toarray() if sparse.issparse(output) else output
        return {"mean": model.mean_, "variance": model.var_, "output": output}

    return fit


def _rows(X, some):
    if isinstance(X, pl.DataFrame):
        return X.filter(some)
    if isinstance(X, pd.DataFrame):
        return X[some]
    return X.tocsr()[some] if sparse.issparse(X) else np.asarray(X)[some]


def _layer_normalizer(**params):
    def fit(given):
        output = LayerNormalizer(n_jobs=given.n_jobs, **params).fit_transform(given.X)
        return {"output": output.toarray() if sparse.issparse(output) else output}

    return fit


def _network(cls, **params):
    def fit(given):
        v = np.ones(len(given.y)) if given.v is None else np.asarray(given.v)
        size = "auto" if params["solver"] == "lbfgs" else np.count_nonzero(v)
        y = given.y
        if cls is MLPClassifier:
            y = np.digitize(y, [0.0, 2.0])
            y[~np.isin(y, y[v > 0])] = y[v > 0][0]  # a class is one even if its rows do not count
        model = cls(
            batch_size=size, alpha=0.01 * v.sum(), activation="tanh", random_state=0,
            n_jobs=given.n_jobs, **params,
        ).fit(given.X, y, sample_weight=given.v)  # fmt: skip
        name = "probabilities" if cls is MLPClassifier else "fitted"
        method = model.predict_proba if cls is MLPClassifier else model.predict
        return {name: method(given.X), "losses": getattr(model, "loss_curve_", [model.loss_])}

    return fit


# ------------------------------------------------------------------------------ estimators

# Traits: what may be changed. "y bits": alphas are given, not made of logarithms.
ROWS = {"columns", "sparse", "single", "rows", "weights", "repetitions"}
MODEL = ROWS | {"signs", "y", "y sign"}
CENTRED = MODEL | {"constant", "y shift"}
ONE_SIGN = {"signs", "y sign"}
# What does not hold where halves of the rows are drawn, and coefficients are compared with zero.
HALVES = {"rows", "weights", "repetitions", "single"}


def _subject(fit, traits, *more, rtol=1e-9):
    return Subject(fit, frozenset(traits | set(more)), rtol)


SUBJECTS = {
    "Lasso": _subject(_lasso(), CENTRED, "twins", "y bits"),
    "Lasso, no intercept": _subject(_lasso(fit_intercept=False), MODEL, "twins", "y bits"),
    "Lasso, positive": _subject(_lasso(positive=True), CENTRED - ONE_SIGN, "twins", "y bits"),
    "Lasso, standardised": _subject(_lasso(standardize=True), CENTRED, "units", "twins", "y bits"),
    "Lasso, controls": _subject(_controlled(Lasso), CENTRED, "controls", "y bits"),
    "Lasso, adaptive": _subject(
        _lasso(penalty_factor="adaptive"), CENTRED - {"repetitions", "y"}
    ),
    "ElasticNet": _subject(_net(), CENTRED),
    "ElasticNet, standardised": _subject(_net(standardize=True), CENTRED, "units"),
    "ElasticNet, controls": _subject(_controlled(ElasticNet), CENTRED - {"y"}),
    "Ridge": _subject(_ridge(), CENTRED, "halves", "y bits"),
    "Ridge, no intercept": _subject(_ridge(fit_intercept=False), MODEL, "halves", "y bits"),
    "Ridge, standardised": _subject(_ridge(standardize=True), CENTRED, "units", "y bits"),
    "Ridge, positive": _subject(_ridge(positive=True), CENTRED - ONE_SIGN, "halves", "y bits"),
    "LassoCV": _subject(_cv(LassoCV), CENTRED, "twins", "threads"),
    "LassoCV, standardised": _subject(
        _cv(LassoCV, standardize=True), CENTRED, "units", "twins", "threads"
    ),
    "LassoCV, controls": _subject(_cv(LassoCV, controls=True), CENTRED, "controls", "threads"),
    # whose pilot leaves rows out, and whose factors are coefficients
    "LassoCV, adaptive": _subject(
        _cv(LassoCV, penalty_factor="adaptive"), CENTRED - {"repetitions", "y"}, "threads"
    ),
    "LassoCV, relaxed": _subject(_cv(LassoCV, relax=True), CENTRED, "threads"),
    "ElasticNetCV": _subject(_cv(ElasticNetCV, l1_ratio=[0.3, 0.9]), CENTRED - {"y"}, "threads"),
    "ElasticNetCV, controls": _subject(
        _cv(ElasticNetCV, controls=True, standardize=True), CENTRED - {"y"}, "threads"
    ),
    "RidgeCV, one out": _subject(
        _ridge_cv(True), CENTRED - {"repetitions"}, "halves", "threads", "y bits"
    ),
    "RidgeCV, folds": _subject(_ridge_cv(False), CENTRED, "halves", "threads", "y bits"),
    "lasso_path": _subject(_path(lasso_path), MODEL, "twins"),
    "lasso_path, positive": _subject(_path(lasso_path, positive=True), MODEL - ONE_SIGN, "twins"),
    "enet_path": _subject(_path(enet_path, l1_ratio=0.5), MODEL - {"y"}),
    "StabilitySelection": _subject(
        _stability(), CENTRED - HALVES, "units", "threads"
    ),
    "StabilitySelection, elastic net": _subject(
        _stability(l1_ratio=0.6, standardize=False), CENTRED - HALVES - {"y"},
        "threads",
    ),
    "BatchNormalizer": _subject(
        _batch_normalizer(), ROWS - {"sparse"}, "signs", "units", "constant", "threads", "batches"
    ),
    "BatchNormalizer, not centred": _subject(
        _batch_normalizer(center=False), ROWS, "units", "threads", "batches"
    ),
    "BatchNormalizer, momentum": _subject(
        _batch_normalizer(momentum=0.3, eps=0.0), ROWS - {"sparse"}, "signs", "units", "threads"
    ),
    "LayerNormalizer": _subject(_layer_normalizer(), {"columns", "rows", "single"}, "threads"),
    "LayerNormalizer, RMS": _subject(
        _layer_normalizer(center=False), {"columns", "rows", "single", "sparse"}, "threads"
    ),
    # not convex: a few steps
    **{
        f"{cls.__name__}, {solver}, {norm}": _subject(
            _network(
                cls, hidden_layer_sizes=(5,), solver=solver, max_iter=15, l1_ratio=0.4,
                normalization=norm,
                normalization_position="before" if solver == "sgd" else "after",
            ),
            ROWS - {"columns", "single"}, "mild", "threads",
        )
        for cls in (MLPRegressor, MLPClassifier)
        for solver in ("sgd", "adam")
        for norm in (None, "batch", "layer")
    },
    # convex: the optimum
    **{
        f"{cls.__name__}, lbfgs, linear": _subject(
            _network(cls, hidden_layer_sizes=(), solver="lbfgs", tol=1e-10, max_iter=2000),
            ROWS - {"single"}, "mild", "threads", rtol=1e-6,
        )
        for cls in (MLPRegressor, MLPClassifier)
    },
}  # fmt: skip
