"""What both normalizers share: gamma and beta, input, tags, learning."""

import numpy as np
from scipy import sparse
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import validate_data

from .._persistence import VersionedEstimator
from .._sparse_input import canonical_csc, checked
from .._statistics.moments import infinite
from .._validation import FLOATS, check_flag, check_number, check_per_column, plain, reading

# Rows of X, in entries, that are normalised at once, and after which Ctrl-C is heard.
TASK_ENTRIES = 2**20


class Normalizer(OneToOneFeatureMixin, TransformerMixin, VersionedEstimator):
    """Base of the normalizers."""

    def _check_parameters(self):
        for name in ("center", "scale", "learn_affine"):
            check_flag(name, getattr(self, name))
        check_number("eps", self.eps, low=0)
        if self.n_jobs is not None:
            check_number("n_jobs", self.n_jobs, integer=True)
            if self.n_jobs == 0:
                raise ValueError("n_jobs == 0 has no meaning; use None, a count, or -1 for all.")

    def _affine(self, X):
        """Return gamma and beta as given, as arrays of shape (n_features,)."""
        gamma = _vector("gamma", self.gamma, 1.0, X.shape[1])
        beta = _vector("beta", self.beta, 0.0, X.shape[1])
        if sparse.issparse(X):
            if beta.any():
                raise ValueError("beta must be 0 for sparse X: it would fill in its zeros.")
            if self.learn_affine:
                raise ValueError(
                    "learn_affine=True needs dense X: a learned beta would fill in the zeros."
                )
        return gamma, beta

    def _check_X(self, X, reset):
        """Validate X for everything but infinity, which the kernels see.

        NaN is refused too where gamma and beta are learned.
        """
        if sparse.issparse(X) and self.center:
            raise ValueError(
                f"{type(self).__name__} cannot center sparse X: that would fill in its zeros. "
                "Use center=False, or X.toarray() if there is memory for it."
            )
        with reading("X"):
            X = validate_data(
                self,
                checked(X) if sparse.issparse(X) else plain("X", X),
                reset=reset,
                accept_sparse=("csr", "csc"),
                dtype=FLOATS,
                ensure_all_finite=bool(self.learn_affine),
            )
        if sparse.issparse(X) and np.isinf(X.data).any():
            raise infinite()
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = not self.learn_affine
        tags.input_tags.sparse = not self.center
        tags.target_tags.required = bool(self.learn_affine)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _vector(name, value, missing, n_features):
    vector = check_per_column(name, value, n_features, missing=missing)
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} must be finite.")
    return vector


def as_csc(X):
    """Return sparse X in canonical CSC form."""
    return canonical_csc(X)


def as_csr(X):
    """Return sparse X in canonical CSR form."""
    X = canonical_csc(X.T).T
    return sparse.csr_array(X)


def like(X, data):
    """Return a sparse matrix with the structure of X and other entries, as scipy hands it out."""
    return type(X)((data, X.indices.copy(), X.indptr.copy()), shape=X.shape)


def empty_like(X):
    """Return an array of X's shape, type and memory order."""
    order = "F" if X.flags.f_contiguous and not X.flags.c_contiguous else "C"
    return np.empty(X.shape, dtype=X.dtype, order=order)


def row_slices(X):
    """Return index tuples of blocks of rows that are worked on together."""
    step = max(1, TASK_ENTRIES // X.shape[1])
    return [(slice(i, i + step), slice(None)) for i in range(0, X.shape[0], step)]


def column_slices(X):
    """Return index tuples of blocks of columns that are worked on together."""
    step = max(1, TASK_ENTRIES // X.shape[0])
    return [(slice(None), slice(j, j + step)) for j in range(0, X.shape[1], step)]
