"""A preprocessor that learns from the training side of each fold."""

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import has_fit_parameter

from .._validation import check_arrays
from ..preprocessing import BatchNormalizer


def change_of_units(transformer):
    """Return (scale, shift) if a fitted transformer makes X / scale + shift of X, else None.

    Scales that are no change of units, not positive or infinite, also give None.
    """
    if isinstance(transformer, Pipeline):
        known = np.float64(1.0), np.float64(0.0)
        for _, step in transformer.steps:
            if step not in (None, "passthrough"):
                after = change_of_units(step)
                if after is None:
                    return None
                known = known[0] * after[0], known[1] / after[0] + after[1]
        return known if np.ndim(known[0]) else None
    known = _KNOWN.get(type(transformer))  # subclasses may do anything
    units = known(transformer) if known else None
    if units is None or not np.all((units[0] > 0) & (units[0] < np.inf)):
        return None
    return units


def _of_scaler(scaler):
    scale = np.ones(scaler.n_features_in_) if scaler.scale_ is None else scaler.scale_
    centre = 0.0
    if isinstance(scaler, StandardScaler) and scaler.with_mean:
        centre = scaler.mean_
    elif isinstance(scaler, RobustScaler) and scaler.with_centering:
        centre = scaler.center_
    return scale, -centre / scale


def _of_min_max(scaler):
    return None if scaler.clip else (1.0 / scaler.scale_, scaler.min_)


def _of_batch_normalizer(normalizer):
    scale = np.ones(normalizer.n_features_in_)
    if normalizer.scale:
        scale = np.sqrt(normalizer.var_ + normalizer.eps)
        scale[scale == 0] = 1.0  # constant columns, which have no coefficient
    scale = scale / normalizer.gamma_
    centre = normalizer.mean_ if normalizer.center else 0.0
    return scale, normalizer.beta_ - centre / scale


_KNOWN = {
    StandardScaler: _of_scaler,
    MaxAbsScaler: _of_scaler,
    RobustScaler: _of_scaler,
    MinMaxScaler: _of_min_max,
    BatchNormalizer: _of_batch_normalizer,
}


def take_rows(X, rows):
    """Return some rows of an array, a sparse matrix or a data frame."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return (X.tocsr() if sparse.issparse(X) else X)[rows]


class FoldPreprocessing:
    """A transformer fitted to all rows and, separately, to the training side of every fold.

    Rows of weight zero are kept from it; other weights reach it if its `fit` takes them.

    Attributes
    ----------
    whole : transformer
        Fitted to all rows.
    scales : list of ndarray or None
        What the columns are divided by, in each fold and then for all rows, if that is all.
    """

    def __init__(self, transformer, X, y, weights, folds):
        if not hasattr(transformer, "transform"):
            raise TypeError(f"preprocessor={transformer!r} has no transform method.")
        self.transformer = transformer
        self.X = X
        self.y = y
        counts = [np.bincount(train, minlength=len(y)) for train, _ in folds]
        sides = [*(weights * count for count in counts), weights]
        self.fitted = [self._fit(side) for side in sides]
        self.whole = self.fitted[-1]
        units = [change_of_units(one) for one in self.fitted]
        self.scales = None if any(one is None for one in units) else [one[0] for one in units]

    def _fit(self, weights):
        rows = np.flatnonzero(weights)
        extra = {}
        if has_fit_parameter(self.transformer, "sample_weight"):
            extra["sample_weight"] = weights[rows]
        X = self.X if len(rows) == len(weights) else take_rows(self.X, rows)
        return clone(self.transformer).fit(X, self.y[rows], **extra)

    def rows(self, k):
        """Return all rows of X as the transformer of fold k (-1: of all rows) makes them."""
        return check_arrays(self.fitted[k].transform(self.X), self.y)[0]


def shareable(estimator, made):
    """Return whether all folds can be solved on one X: the preprocessors but change its units.

    Their shifts are the intercept's affair; bounds other than zero would be different in each.
    """
    if made.scales is None or not estimator.fit_intercept:
        return False
    limits = (estimator.lower, estimator.upper)
    return not any(
        np.any(np.isfinite(one) & (np.asarray(one) != 0)) for one in limits if one is not None
    )


def image_of_means(made, X, means):
    """Return what the preprocessor of all rows makes of the columns' means, (n_features,).

    From its image of a row, so that large offsets are not subtracted from each other.
    """
    row = take_rows(X, [0])
    row = row.toarray() if sparse.issparse(row) else row
    image = made.whole.transform(take_rows(made.X, [0]))
    image = image.toarray() if sparse.issparse(image) else np.asarray(image)
    return image[0] - (row[0].astype(np.float64) - means) / made.scales[-1]
