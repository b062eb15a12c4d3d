"""Layer normalization as a transformer."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from .._statistics.moments import spread
from .._threads import check_cancelled
from .._transactions import all_or_nothing
from .._typing import Matrix, RandomState, Weights
from .._validation import check_number, check_raw_weights
from . import _kernels as kernels
from ._affine import check_learning, learn_affine
from ._base import Normalizer, as_csr, empty_like, infinite, like, row_slices

# Rows that go together where columns are contiguous: two cache lines of float64.
LANES = 16


class LayerNormalizer(Normalizer):
    r"""Normalize every row by its own mean and variance.

    .. math:: y_j = \gamma_j \, \frac{x_j - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta_j

    with the mean :math:`\mu` and the variance :math:`\sigma^2` of the row, or of its part in one of
    several groups of columns. No statistics are stored: rows do not depend on each other, and an
    instance works without `fit` (unless it has to learn :math:`\gamma` and :math:`\beta`).

    Columns should be of one kind, such as spectra, expression profiles or counts of words: the mean
    of an age and an income means nothing.

    Parameters
    ----------
    center : bool, default=True
        Subtract the mean. False is RMS normalization: the mean square about zero takes the place
        of the variance, and X may be sparse.
    scale : bool, default=True
        Divide by the standard deviation.
    n_groups : int, default=1
        Groups of equally many adjacent columns, each normalized by itself.
    eps : float, default=1e-5
        Added to the variance. With 0, constant rows are not divided, and become beta.
    gamma, beta : float, array-like of shape (n_features,) or None, default=None
        Scale and shift of every column; None is 1 and 0.
    learn_affine : bool, default=False
        Learn gamma and beta together with a linear model of y, by gradient descent (Adam) on the
        squared loss or, for classes (labels, or at most 20 different whole numbers), on the log
        loss. It sees y: use it inside a Pipeline, so that
        cross-validation refits it.
    batch_size : int or None, default=None
        Rows per step of gradient descent; None is min(200, n_samples). This and the following
        parameters matter for ``learn_affine=True`` only.
    alpha : float, default=1e-4
        L2 penalty of the linear model's coefficients, as in
        :class:`~sklearn.neural_network.MLPClassifier`.
    learning_rate_init : float, default=0.01
        Step size.
    max_iter : int, default=200
        Epochs.
    shuffle : bool, default=True
        Put the rows of each epoch in random order.
    tol : float, default=1e-4
        Learning ends when the loss has not fallen by this much in `n_iter_no_change` epochs.
    n_iter_no_change : int, default=10
        See `tol`.
    random_state : int, RandomState instance or None, default=None
        Order of the rows.
    n_jobs : int or None, default=None
        Threads. Results do not depend on them.

    Attributes
    ----------
    gamma_, beta_ : ndarray of shape (n_features,)
        Scale and shift in use.
    loss_curve_ : list of float
        Loss per epoch (``learn_affine=True``).
    n_iter_ : int
        Epochs of learning; 1 without.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has names that are all strings.

    See Also
    --------
    BatchNormalizer : Normalizes columns.
    sklearn.preprocessing.Normalizer : Divides rows by their norm.

    Notes
    -----
    Entries that are NaN are left out of the mean and variance of their row and stay NaN; zeros of
    sparse X count.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton. Layer normalization. arXiv:1607.06450, 2016.
    B. Zhang and R. Sennrich. Root mean square layer normalization. NeurIPS 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.preprocessing import LayerNormalizer
    >>> LayerNormalizer(eps=0.0).transform(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]))
    array([[-1.22474487,  0.        ,  1.22474487],
           [-1.22474487,  0.        ,  1.22474487]])
    """

    def __init__(
        self,
        *,
        center: bool = True,
        scale: bool = True,
        n_groups: int = 1,
        eps: float = 1e-5,
        gamma: Any = None,
        beta: Any = None,
        learn_affine: bool = False,
        batch_size: int | None = None,
        alpha: float = 1e-4,
        learning_rate_init: float = 0.01,
        max_iter: int = 200,
        shuffle: bool = True,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.center = center
        self.scale = scale
        self.n_groups = n_groups
        self.eps = eps
        self.gamma = gamma
        self.beta = beta
        self.learn_affine = learn_affine
        self.batch_size = batch_size
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs

    @all_or_nothing
    def fit(self, X: Matrix, y: Any = None, sample_weight: Weights = None) -> Self:
        """Note the columns, and learn gamma and beta if asked to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Only for ``learn_affine=True``.
        sample_weight : array-like of shape (n_samples,), optional
            Only for ``learn_affine=True``: a weight of 2 is a row that is there twice.

        Returns
        -------
        self
        """
        self._check_parameters()
        X = self._check_X(X, reset=True)
        gamma, beta = self._affine(X)
        weights = check_raw_weights(sample_weight, X.shape[0])
        if self.learn_affine:
            one, zero = np.ones_like(gamma), np.zeros_like(beta)
            gamma, beta, self.loss_curve_ = learn_affine(
                self, X, y, weights, gamma, beta, lambda rows, _: self._normalise(rows, one, zero)
            )
            self.n_iter_ = len(self.loss_curve_)
        else:
            if not sparse.issparse(X) and any(np.isinf(X[part]).any() for part in row_slices(X)):
                raise infinite()
            self.__dict__.pop("loss_curve_", None)  # of an earlier fit
            self.n_iter_ = 1
        self.gamma_, self.beta_ = gamma, beta
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Normalize rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
            A new array, of X's float type and memory order; CSR if X is sparse.
        """
        if self.learn_affine:
            check_is_fitted(self)
        self._check_parameters()
        X = self._check_X(X, reset=False)
        fitted = hasattr(self, "gamma_")
        gamma, beta = (self.gamma_, self.beta_) if fitted else self._affine(X)
        return self._normalise(X, gamma, beta)

    def _check_parameters(self):
        super()._check_parameters()
        check_number("n_groups", self.n_groups, low=1, integer=True)
        check_learning(self)

    def _normalise(self, X, gamma, beta):
        if X.shape[1] % self.n_groups:
            raise ValueError(
                f"n_groups={self.n_groups} does not divide the {X.shape[1]} columns of X into "
                "groups of one size."
            )
        if sparse.issparse(X):
            X = as_csr(X)
            data = X.data * gamma[X.indices].astype(X.dtype)
            if self.scale:
                data = np.empty_like(X.data)
                kernels.normalise_sparse_rows(
                    X.data, X.indices, X.indptr, X.shape[1] // self.n_groups, gamma, self.eps, data
                )
            return like(X, data)
        out = empty_like(X)
        by_rows = out.flags.c_contiguous
        options = gamma, beta, self.n_groups, self.center, self.scale, float(self.eps)

        def work(rows, columns):
            check_cancelled()
            if by_rows:
                return kernels.normalise_rows(np.ascontiguousarray(X[rows]), out[rows], *options)
            last = min(rows.stop, X.shape[0])
            return kernels.normalise_lanes(X.T, out.T, rows.start, last, *options, LANES)

        if not all(spread(work, row_slices(X), X.size, self.n_jobs)):
            raise infinite()
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = bool(self.learn_affine)
        return tags
