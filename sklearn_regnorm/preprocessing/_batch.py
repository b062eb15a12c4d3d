"""Batch normalization as a transformer."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._statistics import ColumnMoments
from .._statistics.moments import infinite, spread
from .._threads import check_cancelled
from .._transactions import all_or_nothing
from .._typing import Matrix, RandomState, Weights
from .._validation import check_choice, check_number, check_raw_weights
from . import _kernels as kernels
from ._affine import check_learning, learn_affine
from ._base import Normalizer, as_csc, column_slices, empty_like, like, row_slices

# Standard deviations outside these take their columns' unit with them.
SMALL, LARGE = 1e-100, 1e100


def _does_not_learn(estimator):
    if estimator.learn_affine:
        raise AttributeError(
            "partial_fit cannot learn gamma and beta: use fit, or learn_affine=False."
        )
    return True


class BatchNormalizer(Normalizer):
    r"""Normalize columns by the mean and variance of all rows, or of a stream of batches.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    with one mean :math:`\mu`, variance :math:`\sigma^2`, scale :math:`\gamma` and shift
    :math:`\beta` per column. `fit` takes :math:`\mu` and :math:`\sigma^2` of all rows;
    `partial_fit` updates running statistics by a mini-batch; `transform` always uses what is
    stored, and changes nothing. `normalize_batch` is what a network does in training: it uses the
    statistics of the rows it is given.

    Parameters
    ----------
    center : bool, default=True
        Subtract the mean. Must be False for sparse X.
    scale : bool, default=True
        Divide by the standard deviation. Columns of variance zero are not divided.
    momentum : float or None, default=None
        The weight of the new batch in `partial_fit`, from 0 to 1 (PyTorch's sense; 1 minus Keras'
        one)::

            mean = (1 - m) mean + m mean_B
            var  = (1 - m) var  + m var_B + m (1 - m) (mean_B - mean)^2      (mean: the old one)

        The first batch sets the state. None pools all batches: the result is that of `fit` on all
        rows, however they are split.
    batch_size : int or None, default=None
        Rows per step of gradient descent for ``learn_affine=True``; None is min(200, n_samples).
        Statistics do not depend on it.
    eps : float, default=0.0
        Added to the variance. In the squared units of a column, so 1e-5 is not always little.
    ddof : int, default=0
        1 stores the unbiased pooled variance, with n - 1 in the denominator.
    gamma, beta : float, array-like of shape (n_features,) or None, default=None
        Scale and shift; None is 1 and 0.
    learn_affine : bool, default=False
        Learn gamma and beta together with a linear model of y, by gradient descent (Adam) on the
        squared loss or, for classes (labels, or at
        most 20 different whole numbers), on the log loss, each mini-batch normalized by its own
        statistics. It sees y: use it inside a Pipeline, so that cross-validation refits it.
    convention : {"statistical", "pytorch"}, default="statistical"
        "pytorch" is what `partial_fit` of ``torch.nn.BatchNorm1d`` would do: running statistics
        begin at mean 0 and variance 1, and unbiased variances of the batches are averaged, without
        the difference of their means; `momentum` None averages all batches equally.
    alpha : float, default=1e-4
        L2 penalty of the linear model's coefficients, as in
        :class:`~sklearn.neural_network.MLPClassifier`. This and the following parameters matter
        for ``learn_affine=True`` only.
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
    mean_ : ndarray of shape (n_features,)
        Running mean; NaN for a column without any value so far.
    var_ : ndarray of shape (n_features,)
        Running variance.
    scale_ : ndarray of shape (n_features,)
        ``sqrt(var_ + eps)``, and 1 where that is zero, or if not `scale`.
    gamma_, beta_ : ndarray of shape (n_features,)
        Scale and shift in use.
    n_samples_seen_ : int, float or ndarray of shape (n_features,)
        Rows, or their total weight; per column where NaN makes columns differ.
    n_batches_seen_ : int
        Calls of `partial_fit` since the last `fit`, which counts as one.
    mean_drift_ : ndarray of shape (n_features,)
        ``(mean_B - mean_) / sd`` of the last batch against the statistics before it; NaN after
        the first one.
    variance_drift_ : ndarray of shape (n_features,)
        ``log(var_B / var_)`` of the last batch; NaN after the first one.
    moments_ : ColumnMoments
        The running statistics in double-double arithmetic.
    loss_curve_ : list of float
        Loss per epoch (``learn_affine=True``).
    n_iter_ : int
        Epochs of learning; 1, the one pass over X, without.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X has names that are all strings.

    See Also
    --------
    LayerNormalizer : Normalizes rows.
    sklearn.preprocessing.StandardScaler : The same for ``fit`` with default parameters.

    Notes
    -----
    Entries that are NaN are left out of the statistics and stay NaN. Statistics are computed in
    blocks, with sums in double-double arithmetic: any split of the rows gives the same mean and
    variance to a few units of the last digit, at any distance of the mean from zero. The mean is
    subtracted in two parts for the same reason.

    References
    ----------
    S. Ioffe and C. Szegedy. Batch normalization: accelerating deep network training by reducing
    internal covariate shift. ICML 2015.
    T. F. Chan, G. H. Golub and R. J. LeVeque. Algorithms for computing the sample variance. The
    American Statistician 37, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.preprocessing import BatchNormalizer
    >>> X = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0]])
    >>> BatchNormalizer().fit(X[:2]).partial_fit(X[2:]).mean_
    array([ 2., 30.])
    """

    def __init__(
        self,
        *,
        center: bool = True,
        scale: bool = True,
        momentum: float | None = None,
        batch_size: int | None = None,
        eps: float = 0.0,
        ddof: int = 0,
        gamma: Any = None,
        beta: Any = None,
        learn_affine: bool = False,
        convention: str = "statistical",
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
        self.momentum = momentum
        self.batch_size = batch_size
        self.eps = eps
        self.ddof = ddof
        self.gamma = gamma
        self.beta = beta
        self.learn_affine = learn_affine
        self.convention = convention
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
        """Take the statistics of all rows, and learn gamma and beta if asked to.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
            Only for ``learn_affine=True``.
        sample_weight : array-like of shape (n_samples,), optional
            A weight of 2 is a row that is there twice.

        Returns
        -------
        self
        """
        self._check_parameters()
        X = self._check_X(X, reset=True)
        gamma, beta = self._affine(X)
        weights = check_raw_weights(sample_weight, X.shape[0])
        moments = self._moments(X, weights)
        if self.learn_affine:
            gamma, beta, self.loss_curve_ = learn_affine(
                self, X, y, weights, gamma, beta, self._training_batch
            )
            self.n_iter_ = len(self.loss_curve_)
        else:
            self.__dict__.pop("loss_curve_", None)  # of an earlier fit
            self.n_iter_ = 1
        self.gamma_, self.beta_ = gamma, beta
        self._publish(moments, _count(moments, sample_weight), 1)
        self._compare(None, moments)
        return self

    @available_if(_does_not_learn)
    @all_or_nothing
    def partial_fit(self, X: Matrix, y: Any = None, sample_weight: Weights = None) -> Self:
        """Update the running statistics by one mini-batch.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : None
            Not used.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        self._check_parameters()
        first = not hasattr(self, "moments_")
        X = self._check_X(X, reset=first)
        if first:
            self.gamma_, self.beta_ = self._affine(X)
        batch = self._moments(X, check_raw_weights(sample_weight, X.shape[0]))
        old = None if first else self.moments_
        count = _count(batch, sample_weight, 0 if first else self.n_samples_seen_)
        batches = 1 if first else self.n_batches_seen_ + 1
        self._publish(self._updated(old, batch, batches), count, batches)
        self._compare(old, batch)
        return self

    @all_or_nothing
    def merge(self, other: "BatchNormalizer") -> Self:
        """Take in the statistics of another normalizer, as if its rows had been seen here too.

        Parameters
        ----------
        other : BatchNormalizer
            Fitted on the same columns. Both must pool: exponential averages have no union.

        Returns
        -------
        self
        """
        if not isinstance(other, BatchNormalizer):
            raise TypeError(f"other must be a BatchNormalizer, got {other!r}.")
        for one in (self, other):
            check_is_fitted(one)
            if not one._pools():
                raise ValueError(
                    "merge needs momentum=None and convention='statistical' on both sides: "
                    "exponential averages depend on the order of batches and have no union."
                )
        mine, its = (list(getattr(one, "feature_names_in_", [])) for one in (self, other))
        if self.n_features_in_ != other.n_features_in_ or mine != its:
            raise ValueError(
                f"other was fitted on other columns: {other.n_features_in_} with the names {its}, "
                f"not {self.n_features_in_} with the names {mine}."
            )
        old, count = self.moments_, self.n_samples_seen_ + other.n_samples_seen_
        batches = self.n_batches_seen_ + other.n_batches_seen_
        self._publish(old.merge(other.moments_), _same(count), batches)
        self._compare(old, other.moments_)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Normalize by the stored statistics.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
            A new array, of X's float type and memory order.
        """
        check_is_fitted(self)
        X = self._check_X(X, reset=False)
        return self._normalise(X, self.moments_, self.scale_, self.gamma_, self.beta_)

    def normalize_batch(self, X: Matrix, sample_weight: Weights = None) -> Matrix:
        """Normalize rows by their own mean and (biased) variance, as networks do in training.

        Changes no stored statistics, and needs none.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
        """
        self._check_parameters()
        X = self._check_X(X, reset=False)
        fitted = hasattr(self, "gamma_")
        gamma, beta = (self.gamma_, self.beta_) if fitted else self._affine(X)
        batch = self._moments(X, check_raw_weights(sample_weight, X.shape[0]))
        return self._normalise(X, batch, self._scale_of(batch), gamma, beta)

    def inverse_transform(self, X: Matrix) -> Matrix:
        """Undo `transform`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        lost = np.flatnonzero(self.gamma_ == 0)
        if lost.size:
            raise ValueError(
                f"gamma is 0 for {lost.size} columns (the first is {lost[0]}): they became "
                "constant, and inverse_transform cannot bring them back."
            )
        X = self._check_X(X, reset=False)
        with np.errstate(over="ignore"):
            factor = self.scale_ / self.gamma_
        if sparse.issparse(X):
            return like(X, X.data * factor[_columns(X)])
        mean, low = self._centre(self.moments_)
        zero = np.zeros_like(factor)
        return self._run(X, np.ones_like(factor), self.beta_, zero, factor, low, mean)

    def _check_parameters(self):
        super()._check_parameters()
        if self.momentum is not None:
            check_number("momentum", self.momentum, low=0, high=1)
        check_choice("ddof", self.ddof, (0, 1))
        check_choice("convention", self.convention, ("statistical", "pytorch"))
        check_learning(self)

    def _pools(self):
        return self.momentum is None and self.convention == "statistical"

    def _moments(self, X, weights):
        return ColumnMoments.of(as_csc(X) if sparse.issparse(X) else X, weights, self.n_jobs)

    def _updated(self, old, batch, batches):
        """Return the running statistics after a batch."""
        if self.convention == "pytorch":
            share = 1.0 / batches if self.momentum is None else self.momentum
            return _pytorch_update(old, batch, share)
        if self.momentum is not None:
            old = ColumnMoments.none(self.n_features_in_) if old is None else old
            return old.blend(batch, self.momentum)
        return batch if old is None else old.merge(batch)

    def _publish(self, moments, count, batches):
        few = (moments.weight > 0) & (moments.weight <= self.ddof) & (moments.deviation() > 0)
        if self._pools() and few.any():
            raise ValueError(
                "ddof=1 divides by the sum of sample_weight less 1, which is not positive: use "
                "weights that count rows, or ddof=0."
            )
        self.moments_ = moments
        self.mean_, self.var_ = moments.mean, moments.variance(self.ddof)
        self.scale_ = self._scale_of(moments, self.ddof)
        self.n_samples_seen_, self.n_batches_seen_ = count, batches

    def _compare(self, old, batch):
        """Set how far a batch is from the statistics before it."""
        self.mean_drift_ = self.variance_drift_ = np.full(self.n_features_in_, np.nan)
        if old is not None:
            before, now = old.deviation(), batch.deviation()
            with np.errstate(all="ignore"):
                shift = (batch.mean - old.mean) + (batch.mean_low - old.mean_low)
                self.mean_drift_ = np.where(shift == 0, 0.0, shift / before)
                self.variance_drift_ = np.where(now == before, 0.0, 2 * np.log(now / before))

    def _scale_of(self, moments, ddof=0):
        if not self.scale:
            return np.ones(self.n_features_in_)
        scale = np.hypot(moments.deviation(ddof), np.sqrt(self.eps))
        return np.where(scale == 0, 1.0, scale)

    def _centre(self, moments):
        """Return what is subtracted, as a high and a low part."""
        if not self.center:
            return np.zeros_like(moments.weight), np.zeros_like(moments.weight)
        return moments.mean, moments.mean_low

    def _normalise(self, X, moments, scale, gamma, beta):
        unit = np.ones_like(scale)
        extreme = ~((scale > SMALL) & (scale < LARGE)) & (scale > 0)
        unit[extreme] = np.ldexp(1.0, np.clip(np.frexp(scale[extreme])[1], -1000, 1000))
        factor = gamma / (scale / unit)
        if sparse.issparse(X):
            if beta.any():
                raise ValueError("beta must be 0 for sparse X: it would fill in its zeros.")
            columns = _columns(X)
            return like(X, X.data / unit[columns] * factor[columns])
        high, low = self._centre(moments)
        zero = np.zeros_like(beta)
        return self._run(X, unit, high / unit, low / unit, factor, zero, beta)

    def _run(self, X, *parameters):
        """Run the kernel over blocks of rows, or of columns in Fortran order."""
        out = empty_like(X)
        by_rows = out.flags.c_contiguous

        def work(rows, columns):
            check_cancelled()
            some = [one[columns] for one in parameters]
            if by_rows:
                return kernels.scale_rows(np.ascontiguousarray(X[rows]), out[rows], *some)
            return kernels.scale_columns(X.T[columns], out.T[columns], *some)

        tasks = row_slices(X) if by_rows else column_slices(X)
        if not all(spread(work, tasks, X.size, self.n_jobs)):
            raise infinite()
        return out

    def _training_batch(self, X, weights):
        batch = ColumnMoments.of(X, weights)
        one, zero = np.ones(X.shape[1]), np.zeros(X.shape[1])
        return self._normalise(X, batch, self._scale_of(batch), one, zero)


def _columns(X):
    """Return the column of every stored entry."""
    if X.format == "csr":
        return X.indices
    return np.repeat(np.arange(X.shape[1]), np.diff(X.indptr))


def _same(count):
    """Return one number if all columns have the same."""
    return count[0].item() if np.ndim(count) and (count == count[0]).all() else count


def _count(moments, sample_weight, before=0):
    """Return the rows seen, or their weights: whole numbers if there are no weights."""
    count = moments.weight if sample_weight is not None else moments.weight.astype(np.int64)
    return _same(before + count)


def _pytorch_update(old, batch, share):
    """Return the running statistics of ``torch.nn.BatchNorm1d`` after a batch."""
    if ((batch.weight > 0) & (batch.weight <= 1)).any():
        raise ValueError(
            "convention='pytorch' stores unbiased variances, and one row has none: give batches "
            "of more rows, or use convention='statistical'."
        )
    if old is None:
        old = ColumnMoments.constant(len(batch.weight), mean=0.0, variance=1.0)
    within = (1 - share) * old.variance() + share * batch.variance(ddof=1)
    return old.blend(batch, share).with_variance(np.where(batch.weight > 0, within, old.variance()))
