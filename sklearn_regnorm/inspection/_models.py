"""What the displays read from fitted estimators, and what they refuse."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._typing import Matrix, Vector, Weights
from ..linear_model import enet_path


def check_model(model: Any, caller: str, needed: dict[str, str]) -> None:
    """Refuse what is not fitted, or lacks an attribute; `needed` says who has it."""
    if isinstance(model, Pipeline):
        raise TypeError(f"{caller} takes a Pipeline's last step: pass pipeline[-1].")
    if isinstance(model, type) or not hasattr(model, "fit"):
        raise TypeError(f"{caller} takes a fitted estimator, got {model!r}.")
    check_is_fitted(model)
    for attribute, owners in needed.items():
        if not hasattr(model, attribute):
            raise TypeError(
                f"{caller} needs the attribute {attribute}, which {type(model).__name__} does "
                f"not have. {owners}"
            )


def check_names(names: Any, n_features: int) -> np.ndarray:
    """Return n_features names, by default x0, x1, ..."""
    if names is None:
        return np.array([f"x{j}" for j in range(n_features)], dtype=object)
    if len(names) != n_features:
        raise ValueError(f"feature_names has {len(names)} names for {n_features} features.")
    return np.array([str(name) for name in names], dtype=object)


def check_shape(name: str, array: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of floats; complain by name if it has another shape."""
    array = np.asarray(array, dtype=float)
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}, but {shape} is expected.")
    return array


def chosen_ratio(model: Any) -> tuple[list[float] | None, int]:
    """Return the ratios that a model has tried (None: there is no such axis) and the chosen one."""
    ratios = np.atleast_1d(getattr(model, "l1_ratio", 1.0))
    if len(ratios) == 1:
        return None, 0
    return [float(one) for one in ratios], int(np.argmin(np.abs(ratios - model.l1_ratio_)))


def compute_path(
    model: Any, caller: str, X: Matrix, y: Vector, sample_weight: Weights, alphas: np.ndarray
) -> np.ndarray:
    """Return the path of an estimator that stores none, (n_alphas, n_features)."""
    name = type(model).__name__
    if not hasattr(model, "mse_path_") or np.ndim(getattr(model, "coef_", 0.0)) != 1:
        raise TypeError(
            f"{caller} needs a path coef_path_, or a LassoCV or ElasticNetCV of one target to "
            f"compute it for; {name} is neither."
        )
    if X is None or y is None:
        raise ValueError(f"{name} stores no path: pass the X and y it was fitted on as well.")
    if sparse.issparse(X):
        if model.fit_intercept:
            raise TypeError(
                f"Sparse X cannot be centred: pass X.toarray(), or fit sklearn_regnorm's {name}, "
                "which stores its path."
            )
    else:
        X = np.asarray(X, dtype=float)
    y = np.asarray(y, dtype=float)
    if X.shape != (len(y), model.n_features_in_) or y.ndim != 1:
        raise ValueError(
            f"X has the shape {X.shape} and y {y.shape}, but {name} was fitted on "
            f"{model.n_features_in_} features and one target."
        )
    if model.fit_intercept:
        v = np.ones_like(y) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        X = X - np.average(X, axis=0, weights=v)
        y = y - np.average(y, weights=v)
    ratio = getattr(model, "l1_ratio_", 1.0)
    options = {"sample_weight": sample_weight, "positive": model.positive, "tol": 1e-6}
    return enet_path(X, y, l1_ratio=ratio, alphas=alphas, **options)[1].T


def read_errors(model: Any, metric: str | None) -> dict[str, Any]:
    """Return the arguments of `CVCurveDisplay` from `alphas_` and `mse_path_`."""
    if metric is not None:
        raise ValueError(
            f"metric={metric!r}: {type(model).__name__} has squared errors only (mse_path_)."
        )
    ratios, chosen = chosen_ratio(model)
    folds = np.asarray(model.mse_path_)
    if folds.ndim != (2 if ratios is None else 3) or folds.shape[-2] != np.shape(model.alphas_)[-1]:
        raise TypeError(
            f"mse_path_ of this {type(model).__name__} has the shape {folds.shape}, not (n_alphas, "
            "n_folds): for several targets or a LARS path, use the constructor."
        )
    alphas = np.broadcast_to(model.alphas_, folds.shape[:-1])
    n_nonzero = None
    if hasattr(model, "coef_path_") and np.ndim(model.coef_path_) == folds.ndim:
        n_nonzero = np.count_nonzero(model.coef_path_, axis=-1)
    n_folds = folds.shape[-1]
    error = np.full(alphas.shape, np.nan)
    if n_folds > 1:
        error = folds.std(axis=-1) / np.sqrt(n_folds - 1)
    return {
        "alphas": alphas,
        "mean": folds.mean(axis=-1),
        "standard_error": error,
        "fold_values": folds,
        "n_nonzero": n_nonzero,
        "alpha": model.alpha_ if np.ndim(model.alpha_) == 0 else None,
        "chosen_curve": chosen,
        "curve_names": None if ratios is None else [f"{ratio:g}" for ratio in ratios],
        "curve_title": "l1_ratio",
    }


def read_table(model: Any, metric: str | None) -> dict[str, Any]:
    """Return the arguments of `CVCurveDisplay` from `cv_table_`."""
    table = {name: np.asarray(column) for name, column in model.cv_table_.items()}
    known = [name.removeprefix("mean_test_") for name in table if name.startswith("mean_test_")]
    metric = getattr(model, "metric_", known[0]) if metric is None else metric
    if metric not in known:
        raise ValueError(f"metric={metric!r} is not one of the model's: {', '.join(known)}.")
    best = model.best_index_
    # One curve per ratio; where there is but one, per weight of the relaxed path.
    rows = np.ones(len(table["alpha"]), dtype=bool)
    key = table["l1_ratio"]
    name = "l1_ratio"
    if "relax" in table:
        if len(np.unique(key)) > 1:
            rows = table["relax"] == table["relax"][best]
        else:
            key, name = table["relax"], "relax"
    values = list(dict.fromkeys(key[rows].tolist()))
    curves = [np.flatnonzero(rows & (key == value)) for value in values]
    sign = -1.0 if metric.startswith("neg_") else 1.0
    splits = [
        column
        for k in range(len(table))
        if (column := table.get(f"split{k}_test_{metric}")) is not None
    ]
    return {
        "alphas": table["alpha"][curves],
        "mean": sign * table[f"mean_test_{metric}"][curves],
        "standard_error": table[f"se_test_{metric}"][curves],
        "fold_values": sign * np.stack(splits, axis=-1)[curves] if splits else None,
        "n_nonzero": table["n_nonzero"][curves],
        "alpha": table["alpha"][best],
        "chosen_curve": values.index(key[best].item()),
        "curve_names": [f"{value:g}" for value in values],
        "curve_title": name,
        "metric": metric.removeprefix("neg_").replace("_", " "),
        "greater_is_better": sign > 0,
    }
