"""The one gate through which arrays, weights, folds and parameters enter.

Everything is checked before any state changes; what leaves the gate is safe for the kernels:
finite, native-endian, contiguous, with sparse indices inside their shape.
"""

import math
import re
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length, check_scalar, column_or_1d
from sklearn.utils.validation import validate_data

from ._memory import check_room
from ._sparse_input import canonical_csc

FLOATS = [np.float64, np.float32]
LARGEST = np.iinfo(np.int64).max  # integer that kernels can count to


@contextmanager
def naming(name, errors=(TypeError, ValueError)):
    """Make sure that an error raised inside says which parameter it is about."""
    try:
        yield
    except errors as error:
        named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error))
        if named and isinstance(error, TypeError | ValueError):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(str(error) if named else f"{name}: {error}") from error


def reading(name):
    """Do the same for all that containers, numpy and scipy raise when they make no sense."""
    also = ArithmeticError, AttributeError, LookupError, NotImplementedError
    return naming(name, (TypeError, ValueError, *also))


def plain(name, value, numbers=True):
    """Return `value` as an array, unless it is sparse or a data frame: asked for once only.

    numpy would take the data under a mask for numbers, dates for counts of whatever unit they
    have, and a few bytes with strides of zero for as many numbers as they claim to be.
    """
    if value is None and name == "X":  # elsewhere there are better words
        raise ValueError("X is None, and should be an array of shape (n_samples, n_features).")
    parts = value if isinstance(value, list | tuple) else [value]
    if any(np.ma.is_masked(part) for part in parts if isinstance(part, np.ma.MaskedArray)):
        raise ValueError(f"{name} has masked entries: fill them in or leave them out.")
    framed = hasattr(value, "iloc") or hasattr(value, "columns") or sparse.issparse(value)
    if not framed and not isinstance(value, np.ndarray):
        value = np.asarray(value)
    if numbers and any(map(_is_temporal, _dtypes(value))):
        raise ValueError(f"{name} has dates or durations: say in numbers what they mean.")
    if not framed and not (value.flags.forc and value.dtype in FLOATS):  # it will be copied
        check_room(name, value.shape, value.size * 8)
    return value


def _dtypes(value):
    dtypes = getattr(value, "dtypes", None)
    return [getattr(value, "dtype", None)] if dtypes is None or not np.ndim(dtypes) else dtypes


def _is_temporal(dtype):
    if hasattr(dtype, "kind"):  # of numpy and pandas
        return dtype.kind in "mM"
    return hasattr(dtype, "is_temporal") and dtype.is_temporal()  # of polars


def _prechecked(X):
    """Return `X` so that scikit-learn's checks may handle it: plain, or CSC in canonical form."""
    return canonical_csc(X) if sparse.issparse(X) else plain("X", X)


def check_X_y(estimator, X, y, *, multi_output):
    """Validate training data for `estimator` and set its n_features_in_ and feature names.

    Returns X (C- or F-contiguous, or canonical CSC; float32 or float64) and y (float64; 1-D, or
    2-D if `multi_output`).
    """
    with reading("X"):
        X = validate_data(estimator, _prechecked(X), accept_sparse="csc", dtype=FLOATS)
    require_y(estimator, y)
    return _contiguous(X), check_target(X, y, multi_output)


def check_rows(estimator, X, *, reset):
    """Validate `X` for those who go over rows: C-contiguous, or CSR; float32 or float64."""
    with reading("X"):
        return validate_data(
            estimator, _prechecked(X), accept_sparse="csr", dtype=FLOATS, order="C", reset=reset
        )


def check_raw(estimator, X, y):
    """Validate y, and of X its names and size: the rest is the business of a preprocessor."""
    X = raw(X)
    with reading("X"):
        validate_data(estimator, X, skip_check_array=True)
    require_y(estimator, y)
    return X, check_target(X, y, multi_output=False)


def raw(X):
    """Return `X` for a preprocessor: anything with a shape, sparse matrices in canonical form."""
    with reading("X"):
        if sparse.issparse(X):
            return canonical_csc(X)
        known = isinstance(X, np.ndarray) or not hasattr(X, "shape")
        return plain("X", X, numbers=False) if known else X


def require_y(estimator, y):
    """Refuse a y that is None."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )


def check_transformed(X, n_features):
    """Validate what a preprocessor made of X, for prediction."""
    with naming("preprocessor"):
        X = check_array(_prechecked(X), accept_sparse=["csr", "csc"], dtype=FLOATS)
        if X.shape[1] != n_features:
            raise ValueError(f"X became {X.shape[1]} columns, and there are {n_features} in coef_.")
    return X


def check_arrays(X, y, *, multi_output=False):
    """Validate `X` and `y` for the functions that have no estimator; see `check_X_y`."""
    with reading("X"):
        X = check_array(_prechecked(X), accept_sparse="csc", dtype=FLOATS)
    return _contiguous(X), check_target(X, y, multi_output)


def check_X(estimator, X):
    """Validate `X` for prediction by a fitted `estimator`."""
    with reading("X"):
        return validate_data(
            estimator, _prechecked(X), accept_sparse=["csr", "csc"], dtype=FLOATS, reset=False
        )


def _contiguous(X):
    if sparse.issparse(X) or X.flags.c_contiguous or X.flags.f_contiguous:
        return X
    return np.asfortranarray(X)


def check_target(X, y, multi_output):
    """Validate numbers to predict: float64, 1-D, or 2-D if `multi_output`."""
    with reading("y"):
        y = check_array(plain("y", y), ensure_2d=False, dtype=np.float64, input_name="y")
        if not multi_output and y.ndim == 2 and y.shape[1] > 1:
            raise ValueError(
                f"y should be a 1d array here, got an array of shape {y.shape}: fit one model per "
                "column."
            )
        if not multi_output:
            y = np.ascontiguousarray(y) if y.ndim == 1 else column_or_1d(y, warn=True)
    check_same_length(X, y)
    return y


def check_same_length(X, y):
    """Refuse X and an array y of different numbers of rows."""
    if X.shape[:1] != y.shape[:1]:
        with naming("X and y"):
            check_consistent_length(X, y)


def check_weights(sample_weight, n_samples):
    """Return sample weights as float64 of shape (n_samples,), scaled so that the largest is 1.

    Returns also the factor that was divided out. The scaling keeps sums of weights as large as
    1e300 finite and changes no result: the objective divides by the sum of the weights.
    """
    weights = _any_weights(sample_weight, n_samples)
    largest = weights.max()
    return weights / largest, float(largest)


def check_raw_weights(sample_weight, n_samples):
    """Return sample weights as float64 of shape (n_samples,), whose sum is a number."""
    weights = _any_weights(sample_weight, n_samples)
    check_total(weights)
    return weights


def check_total(weights, name="sample_weight"):
    """Refuse weights that cannot be added up, which is the fault of parameter `name`."""
    with np.errstate(over="ignore"):
        if np.isinf(weights.sum()):
            raise ValueError(f"{name}: all weights add up to infinity. Divide it by its maximum.")


def _any_weights(sample_weight, n_samples):
    if sample_weight is None:
        return np.ones(n_samples)
    name = "sample_weight"
    with reading(name):
        if isinstance(sample_weight, Real):
            sample_weight = np.full(n_samples, sample_weight, dtype=np.float64)
        given = plain(name, sample_weight)
        weights = check_array(given, ensure_2d=False, dtype=np.float64, input_name=name)
    if weights.ndim != 1:
        raise ValueError(f"sample_weight must be 1D array or scalar, got {weights.ndim}D array.")
    if weights.shape[0] != n_samples:
        raise ValueError(f"sample_weight has {weights.shape[0]} entries for {n_samples} rows of X.")
    if weights.min() < 0:
        raise ValueError("Negative values in sample_weight: weights count rows, so give >= 0.")
    if not weights.any():
        raise ValueError("All sample_weight are zero: at least one weight must be positive.")
    return weights


def check_number(name, value, *, low=None, high=None, boundaries="both", integer=False):
    """Validate one numeric parameter: TypeError or ValueError naming it, NaN and inf refused."""
    kind = Integral if integer else Real
    check_scalar(value, name, kind, min_val=low, max_val=high, include_boundaries=boundaries)
    try:
        finite = math.isfinite(value)
    except OverflowError:
        raise ValueError(f"{name} is larger than all floats.") from None
    if not finite:
        raise ValueError(f"{name} == {value}, must be finite.")
    if integer and abs(value) > LARGEST:
        raise ValueError(f"{name} == {value}, must be at most 2**63 - 1.")
    return int(value) if integer else float(value)


def check_flag(name, value):
    """Validate one boolean parameter."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def check_choice(name, value, choices):
    """Validate one parameter that takes one of a few values."""
    if not any(value is choice or (np.isscalar(value) and value == choice) for choice in choices):
        raise ValueError(f"{name}={value!r} is unknown; choose one of {list(choices)}.")
    return value


def check_precompute(precompute, n_features):
    """Validate scikit-learn's `precompute`: a flag, "auto", or a Gram matrix (not used)."""
    if isinstance(precompute, str):
        check_choice("precompute", precompute, ("auto",))
    elif isinstance(precompute, np.ndarray | list | tuple):
        with reading("precompute"):
            given = plain("precompute", precompute)
            shape = check_array(given, input_name="precompute").shape
        if shape != (n_features, n_features):
            raise ValueError(f"precompute has shape {shape} for {n_features} columns of X.")
    else:
        check_flag("precompute", precompute)


def check_alphas(name, alphas):
    """Validate a grid of penalties: 1-D, not empty, finite and not negative."""
    with reading(name):
        given = plain(name, alphas)
        if alphas is None or given.dtype.kind in "US":
            kinds = "an integer or numbers" if name == "alphas" else "a number or numbers"
            raise TypeError(f"{name} must be {kinds}, got {alphas!r}.")
        grid = check_array(np.atleast_1d(given), ensure_2d=False, dtype=np.float64, input_name=name)
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(f"{name} must be a one-dimensional array with at least one value.")
    if grid.min() < 0:
        raise ValueError(f"{name} must not be negative, got {grid.min()}.")
    return grid


def check_per_column(name, value, n_features, *, missing, low=-np.inf, high=np.inf, why=""):
    """Return one number per column of X, as float64; None stands for `missing`."""
    if value is None:
        return np.full(n_features, missing)
    with reading(name):
        given = plain(name, value)
        numbers = check_array(
            np.atleast_1d(given), ensure_2d=False, dtype=np.float64, input_name=name,
            ensure_all_finite=False,
        )  # fmt: skip
    if np.isnan(numbers).any():
        raise ValueError(f"{name} contains NaN: give a number for every column of X.")
    if numbers.ndim != 1 or (np.ndim(given) and len(numbers) != n_features):
        raise ValueError(f"{name} has shape {np.shape(given)} for {n_features} columns of X.")
    if numbers.min() < low or numbers.max() > high:
        side = f"at least {low:g}" if numbers.min() < low else f"at most {high:g}"
        raise ValueError(f"{name} must be {side}{why}.")
    return np.array(np.broadcast_to(numbers, n_features))


def check_folds(folds, weights):
    """Return row indices [(train, test), ...] after checking every fold.

    Parameters
    ----------
    folds : iterable of (train, test)
        Row indices or boolean masks, as splitters yield them.
    weights : ndarray of shape (n_samples,)
        Sample weights: the rows of either side must not all have weight zero.
    """
    n_samples = weights.shape[0]
    checked = []
    for k, fold in enumerate(folds):
        try:
            train, test = fold
        except (TypeError, ValueError):
            raise ValueError(f"cv: fold {k} is not a pair (train, test).") from None
        sides = []
        for side, rows in (("training", train), ("test", test)):
            where = f"cv: the {side} side of fold {k}"
            with reading("cv"):
                rows = np.asarray(plain("cv", rows))
            if rows.dtype == bool:
                if rows.shape != (n_samples,):
                    raise ValueError(f"{where} is a mask of shape {rows.shape}, not {n_samples}.")
                rows = np.flatnonzero(rows)
            if rows.ndim != 1 or rows.size == 0:
                raise ValueError(f"{where} is empty or not one-dimensional.")
            if not np.issubdtype(rows.dtype, np.integer):
                raise ValueError(f"{where} must hold integers or booleans, not {rows.dtype}.")
            if rows.min() < 0 or rows.max() >= n_samples:
                raise ValueError(f"{where} has a row outside [0, {n_samples}).")
            rows = np.require(rows, np.intp, ["C", "A"])
            if not weights[rows].any():
                raise ValueError(f"{where} has no row with a positive sample_weight.")
            sides.append(rows)
        checked.append(tuple(sides))
    if not checked:
        raise ValueError("cv yields no fold.")
    return checked
