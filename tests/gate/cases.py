"""One seed, one call: an estimator, a method, and one argument of it that is odd."""

import functools
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import sklearn_regnorm as package
from gate.odd import MAY, MUST, NEVER, Odd, odd_array
from gate.odd_sparse import odd_sparse, pick

N, P = 12, 4
_rng = np.random.default_rng(0)
X = _rng.standard_normal((N, P))
Y = X @ [2.0, -1.0, 0.0, 0.5] + 0.3 * _rng.standard_normal(N)
LABELS = (Y > np.median(Y)).astype(int)
WEIGHTS = _rng.uniform(0.5, 2.0, N)
GRID = np.array([1.0, 0.3, 0.1])
ONES = np.ones(P)


def network(cls, **parameters):
    return cls(hidden_layer_sizes=(3,), max_iter=2, random_state=0, batch_size=6, **parameters)


# What is made, and which of its parameters are odd at times.
CONTROLS = {"penalty_factor": ONES, "lower": -ONES, "upper": ONES}
PATHS = {**CONTROLS, "alphas": GRID, "cv": None}
AFFINE = {"gamma": ONES, "beta": np.zeros(P)}
MODELS = {
    "Lasso": (lambda **k: package.Lasso(alpha=0.05, **k), {**CONTROLS, "precompute": X.T @ X}),
    "Lasso, positive": (lambda **k: package.Lasso(0.05, positive=True, standardize=True, **k), {}),
    "Ridge": (lambda **k: package.Ridge(**k), {"alpha": np.ones(1)}),
    "Ridge, cg": (lambda **k: package.Ridge(solver="sparse_cg", **k), {}),
    "ElasticNet": (lambda **k: package.ElasticNet(alpha=0.05, **k), CONTROLS),
    "LassoCV": (lambda **k: package.LassoCV(**{"alphas": 4, "cv": 3, **k}), PATHS),
    "LassoCV, scaler": (
        lambda **k: package.LassoCV(alphas=4, cv=3, preprocessor=MaxAbsScaler(), **k), {},
    ),
    "LassoCV, X for each fold": (
        lambda **k: package.LassoCV(
            alphas=4, cv=3, fit_intercept=False, preprocessor=StandardScaler(with_mean=False), **k
        ), {},
    ),
    "ElasticNetCV": (
        lambda **k: package.ElasticNetCV(**{"alphas": 4, "cv": 3, "l1_ratio": [0.3, 0.9], **k}),
        {**PATHS, "l1_ratio": np.array([0.3, 0.9]), "relax": np.array([0.0, 0.5])},
    ),
    "RidgeCV": (lambda **k: package.RidgeCV(**{"alphas": GRID, **k}), {"alphas": GRID}),
    "RidgeCV, folds": (
        lambda **k: package.RidgeCV(**{"alphas": GRID, "cv": 3, **k}), {"alphas": GRID, "cv": None},
    ),
    "StabilitySelection": (
        lambda **k: package.StabilitySelection(
            **{"alphas": 4, "n_resamples": 6, "random_state": 0, **k}
        ), {"alphas": GRID},
    ),
    "BatchNormalizer": (lambda **k: package.BatchNormalizer(**k), AFFINE),
    "BatchNormalizer, scale": (lambda **k: package.BatchNormalizer(center=False, **k), AFFINE),
    "BatchNormalizer, learning": (
        lambda **k: package.BatchNormalizer(learn_affine=True, max_iter=2, random_state=0, **k), {},
    ),
    "LayerNormalizer": (lambda **k: package.LayerNormalizer(**k), AFFINE),
    "LayerNormalizer, scale": (lambda **k: package.LayerNormalizer(center=False, **k), AFFINE),
    "MLPRegressor": (lambda **k: network(package.MLPRegressor, **k), {}),
    "MLPRegressor, batch": (
        lambda **k: network(package.MLPRegressor, normalization="batch", **k), {},
    ),
    "MLPClassifier": (lambda **k: network(package.MLPClassifier, **k), {}),
    "lasso_path": (lambda: package.lasso_path, {}),
    "enet_path": (lambda: package.enet_path, {}),
}  # fmt: skip
# Labels may be anything that can be told apart.
ANY_LABEL = (
    "words", "bytes", "datetime", "timedelta", "pandas datetime", "list of datetimes", "digits",
    "digits in bytes", "None", "one object", "complex objects", "large integers",
    "numbers that convert themselves", "an element raises", "decimals", "fractions", "pd.NA",
    "complex", "complex without imaginary part",
)  # fmt: skip


def is_path(name):
    return name.endswith("_path")


def classifies(name):
    return "Classifier" in name


def target(name):
    return LABELS if classifies(name) else Y


@functools.cache
def fitted(name):
    """Return a model fitted to plain arrays; not to be changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[name][0]().fit(X, target(name))


@dataclass
class Case:
    """What is called: ``method(**arguments)`` of a model made with `parameters`, one thing odd."""

    seed: int
    name: str
    method: str
    place: str
    odd: Odd
    again: bool

    def __str__(self):
        return (
            f"seed {self.seed}: {self.name}, {self.method}, {self.place} = {self.odd.kind} "
            f"({self.odd.rule})"
        )

    @property
    def is_parameter(self):
        return self.place in MODELS[self.name][1]


def methods(name):
    """Return the methods that take arrays, and which of their arguments are odd at times."""
    if is_path(name):
        return {"path": ("X", "y", "sample_weight", "alphas", "coef_init")}
    model = fitted(name)
    weights = () if name == "StabilitySelection" else ("sample_weight",)
    found = {"fit": ("X", "y", *weights)}
    if "Normalizer" in name and "learning" not in name:
        found["fit"] = ("X", *(weights if "Batch" in name else ()))
    if "MLP" in name:
        found["fit"] += "X_val", "y_val", "sample_weight_val"
    if hasattr(model, "partial_fit"):
        found["partial_fit"] = found["fit"][:3]
    for method in ("predict", "score", "transform", "predict_proba"):
        if hasattr(model, method):
            found[method] = ("X",)
    for method in ("inverse_transform", "normalize_batch"):
        if hasattr(model, method):
            found[method] = ("X",)
    return found


def base(case_name, place):
    """Return the plain array that the odd one is made from."""
    if place in ("X", "X_val"):
        return X
    if place in ("y", "y_val"):
        return target(case_name)
    if place.startswith("sample_weight"):
        return WEIGHTS
    if place == "coef_init":
        return ONES
    return GRID if place == "alphas" else MODELS[case_name][1][place]


def odd_folds(rng):
    """Return folds, the rows of one side of one of which are odd."""
    rows = np.arange(N)
    rest = rows[6:]
    odd = odd_array(rng, rest)
    if rng.random() < 0.3:
        wild = rest.copy()
        wild[0] = pick(rng, (-1, N, 10**9, 2**40, -(2**40)))
        odd = Odd(wild, wild.astype(float), MUST, f"row {wild[0]}", [wild])
    if odd.value is not None:
        kind = getattr(getattr(odd.thing, "dtype", None), "kind", "O")
        value = odd.value.astype(bool if kind == "b" else np.int64)
        plain = kind in "iub" and type(odd.thing) is np.ndarray
        integral = np.array_equal(value, odd.value)
        odd.value = [(rows[:6], value), (value, rows[:6])] if integral else None
        odd.rule = NEVER if not integral else MUST if plain else MAY
    odd.thing = [(rows[:6], odd.thing), (odd.thing, rows[:6])]
    return odd


def make_case(seed):
    """Return the case of one seed."""
    rng = np.random.default_rng(seed)
    name = pick(rng, list(MODELS))
    options = methods(name)
    method = "fit" if rng.random() < 0.5 and "fit" in options else pick(rng, list(options))
    place = "X" if rng.random() < 0.6 else pick(rng, options[method])
    parameters = list(MODELS[name][1])
    if method == "fit" and parameters and rng.random() < 0.25:
        place = pick(rng, parameters)
    again = bool(rng.random() < 0.5) or method not in ("fit", "path")
    if place == "cv":
        odd = odd_folds(rng)
    elif place in ("X", "X_val") and rng.random() < 0.6:
        odd = odd_sparse(rng, X)
    else:
        odd = odd_array(rng, base(name, place))
    if place == "X" and odd.thing is not None and sparse.issparse(odd.thing):
        if "Normalizer" in name and MODELS[name][0]().center:
            odd.rule, odd.value = NEVER, None  # it would fill in the zeros
    elif place == "X" and "LassoCV, " in name and odd.rule != MUST:
        odd.rule, odd.value = MAY, None  # the business of the preprocessor
    if place == "X" and "LassoCV, " in name and "<f2" in odd.kind:
        odd.rule, odd.value = MAY, None
    if (name, method) == ("StabilitySelection", "transform") and odd.rule != MUST:
        if not sparse.issparse(odd.thing):
            odd.rule, odd.value = MAY, None  # it selects columns of anything
    if "Normalizer" in name and odd.kind in ("None", "pd.NA") or place == "precompute":
        odd.rule = MAY
    labels = place in ("y", "y_val") and (classifies(name) or "learning" in name)
    if labels and (odd.kind.split(", ")[-1] in ANY_LABEL or "|O" in odd.kind):
        odd.rule, odd.value = MAY, None
    return Case(seed, name, method, place, odd, again)
