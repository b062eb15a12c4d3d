"""A preprocessor that learns from the training side of each fold."""

import numpy as np
from scipy import sparse
from sklearn.base import TransformerMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import has_fit_parameter

from .._validation import check_arrays, naming
from ..preprocessing import BatchNormalizer
from ._base import routing_enabled


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
    if getattr(scaler, "clip", False):
        return None
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
    """Return a copy of some rows of an array, a sparse matrix or a data frame."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return (X.tocsr() if sparse.issparse(X) else X)[rows]


def weight_arguments(transformer, weights):
    """Return the arguments of `fit` that pass weights on, to where in a Pipeline they are due."""
    if np.all(weights == 1.0):
        return {}
    if not isinstance(transformer, Pipeline):
        takes = has_fit_parameter(transformer, "sample_weight")
        return {"sample_weight": weights} if takes else {}
    if routing_enabled():
        asks = transformer.get_metadata_routing().consumes("fit", ["sample_weight"])
        return {"sample_weight": weights} if asks else {}
    return {
        f"{name}__sample_weight": weights
        for name, step in transformer.steps
        if hasattr(step, "fit") and has_fit_parameter(step, "sample_weight")
    }


class FoldPreprocessing:
    """A transformer fitted to all rows and, separately, to the training side of every fold.

    Rows of weight zero are kept from it; other weights reach it if its `fit` takes them. It works
    on copies, as it may do so in place.

    Attributes
    ----------
    whole : transformer
        Fitted to all rows.
    scales : list of ndarray or None
        What the columns are divided by, in each fold and then for all rows, if that is all.
    """

    def __init__(self, transformer, X, y, weights, folds):
        if isinstance(transformer, type):
            raise TypeError(f"preprocessor={transformer.__name__} is a class: give an instance.")
        if not hasattr(transformer, "transform"):
            raise TypeError(f"preprocessor={transformer!r} has no transform method.")
        self.transformer = transformer
        self.X = X
        self.y = y
        self.weights = weights
        sides = [*(train for train, _ in folds), np.arange(len(y))]
        self.fitted, self.own = zip(*(self._fit(side) for side in sides), strict=True)
        self.whole = self.fitted[-1]
        units = [change_of_units(one) for one in self.fitted]
        self.scales = None if any(one is None for one in units) else [one[0] for one in units]

    def _fit(self, side):
        """Return a fitted transformer, and (rows, values) it has for its own rows, if others.

        So does TargetEncoder, whose `fit_transform` encodes rows by the targets of other ones.
        """
        rows = side[self.weights[side] > 0]
        one = clone(self.transformer)
        given = take_rows(self.X, rows), self.y[rows]
        extra = weight_arguments(one, self.weights[rows])
        if getattr(type(one), "fit_transform", None) in (None, TransformerMixin.fit_transform):
            return one.fit(*given, **extra), None
        values = one.fit_transform(*given, **extra)
        usual = one.transform(take_rows(self.X, rows))
        return one, None if _alike(values, usual) else (rows, values)

    def rows(self, k):
        """Return all rows of X as the transformer of fold k (-1: of all rows) makes them."""
        everything = take_rows(self.X, np.arange(len(self.y)))
        with naming("preprocessor"):
            Z = check_arrays(self.fitted[k].transform(everything), self.y)[0]
            if self.own[k] is None:
                return Z
            rows, values = self.own[k]
            values = check_arrays(values, self.y[rows])[0]
        order = np.arange(len(self.y))
        order[rows] = len(order) + np.arange(len(rows))
        if sparse.issparse(Z):
            return sparse.vstack([Z, values]).tocsr()[order].tocsc()
        return np.concatenate([Z, values])[order]

    def image(self, means):
        """Return what `whole`, if it but changes units, makes of a row `means` (n_features,).

        From its image of a row, so that large offsets are not subtracted from each other.
        """
        row, image = (
            one.toarray() if sparse.issparse(one) else np.asarray(one)
            for one in (take_rows(self.X, [0]), self.whole.transform(take_rows(self.X, [0])))
        )
        return image[0] - (row[0].astype(np.float64) - means) / self.scales[-1]


def _alike(one, other):
    """Return whether two outputs of a transformer are the same but for rounding."""
    with naming("preprocessor"):
        one, other = (x if sparse.issparse(x) else np.asarray(x, np.float64) for x in (one, other))
    if 0 in one.shape:
        return True  # and refused later on
    far, size = (
        x.toarray() if sparse.issparse(x) else x
        for x in (abs(one - other).max(axis=0), abs(other).max(axis=0))
    )
    return bool(np.all(far <= 1e-6 * size))


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
