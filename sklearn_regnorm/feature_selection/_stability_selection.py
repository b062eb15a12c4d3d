"""Stability selection: what the lasso selects on most halves of the rows."""

from typing import Self

import numpy as np
from scipy import sparse
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from .._persistence import VersionedEstimator
from .._sparse_input import canonical_csc
from .._threads import Workers
from .._typing import Matrix, RandomState, Vector
from .._validation import check_X_y, plain, reading
from .._warnings import warn_caller
from ..linear_model._base import all_or_nothing, check_controls, warn_if_unsolved
from ..linear_model._documentation import document
from ..solvers.path import lasso_length
from ..solvers.problem import prepare
from ..solvers.weightings import Weightings
from ._error_bounds import error_bounds
from ._half_samples import HalfSamples, SelectionCounts
from ._parameters import automatic_grid, check_parameters


def selectable(X):
    """Return `X` so that scikit-learn may pick columns of it."""
    return canonical_csc(X) if sparse.issparse(X) else plain("X", X, numbers=False)


@document
class StabilitySelection(SelectorMixin, VersionedEstimator):
    r"""Select the features that the lasso selects on most halves of the rows.

    The lasso is fitted along one grid of penalties to many random halves of the rows. A feature is
    selected if, at some penalty of a region, the share of the halves on which its coefficient is
    not zero reaches a threshold:

    .. math:: \max_{\alpha \geq \alpha_\min} \hat\Pi_j(\alpha) \geq \tau, \qquad
        \hat\Pi_j(\alpha) = \frac{1}{N} \sum_{k=1}^{N} 1\{w_j(A_k, \alpha) \neq 0\}

    The expected number of false selections is bounded by means of q, the mean number of features
    that one half selects anywhere in the region (see Notes). `max_false` chooses the region by that
    bound.

    There is no `sample_weight`, for it means repetition in this package, and a row given twice may
    land in both halves of a pair, where a row of weight 2 cannot.

    Parameters
    ----------
    l1_ratio : float, default=1.0
        Share of the L1 part in an elastic net, above 0; 1 is the lasso. With less, correlated
        features are selected together.
    alphas : int or array-like of shape (n_alphas,), default=100
        The grid, or its size: then it runs geometrically from the smallest alpha at which no half
        has a non-zero coefficient down to `eps` times that.
    eps : float, default=0.05
        Smallest alpha of an automatic grid, relative to its largest. Further down the lasso fits
        noise, and spends most of the time. Less helps where a strong feature overshadows weak ones,
        but not with ``max_false=None``: in the end everything is selected.
    threshold : float, default=0.75
        Share of the halves from which a feature counts as selected, above 0.5 and at most 1.
    max_false : float or None, default=1.0
        Largest expected number of falsely selected features: the region ends with the last alpha
        of the grid down to which the bound is no larger. None is the whole grid, whatever the
        bound.
    n_resamples : int, default=100
        Number of halves; even for complementary pairs.
    sampling : {"complementary", "half"}, default="complementary"
        Halves in pairs without common rows, or each drawn by itself. Halves have
        ``n_samples // 2`` rows.
    bound : {"auto", "markov", "unimodal", "r-concave"}, default="auto"
        What is assumed for the bound, from nothing to most; see Notes. "auto" is "unimodal" for
        complementary pairs and "markov" for single halves, which allow no other.
    {fit_intercept}
    standardize : bool, default=True
        Penalise the coefficients of columns scaled to unit standard deviation on every half.
        Otherwise units decide what is selected: a column in millimetres comes long before
        the same one in metres, and irrelevant features are not exchangeable, as the bound assumes.
        That is why the default differs from that of the linear models.
    {positive}
    {max_iter}
    {tol}
    n_jobs : int, default=None
        Threads over which the halves are spread; None means 1 unless in a joblib context. Results
        are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Draws the halves.

    Attributes
    ----------
    scores_ : ndarray of shape (n_features,)
        The largest share of halves that select the feature at one alpha of the region.
    support_ : ndarray of bool of shape (n_features,)
        Whether it reaches the threshold.
    stability_path_ : ndarray of shape (n_alphas, n_features)
        The share of halves that select the feature, on the whole grid.
    alphas_ : ndarray of shape (n_alphas,)
        The grid, decreasing.
    n_selected_path_ : ndarray of shape (n_alphas,)
        Mean number of features that a half selects at this alpha or any larger one: q for the
        region that ends here.
    error_bound_path_ : ndarray of shape (n_alphas,)
        Bound on the expected number of falsely selected features, for the region that ends here.
    alpha_min_ : float
        End of the region; infinite if it is empty.
    expected_false_ : float
        The bound for the region.
    n_iter_ : int
        Most sweeps taken on a half at one alpha.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if X had them.

    Notes
    -----
    V is the number of falsely selected features, p that of all, N the number of halves, B = N/2
    that of pairs, and :math:`\tau` the threshold, rounded up to a multiple of 1/N.

    "markov", the first bound of [1]_ (Theorem 1) and, for pairs and any N, of [2]_ (Theorem 1):

    .. math:: E V \leq \frac{1}{2\tau - 1} \frac{q^2}{p}

    "unimodal" [2]_ (Theorem 2), about half of it:

    .. math:: E V \leq C \frac{q^2}{p}, \qquad C = \begin{cases}
        1 / (2 (2\tau - 1 - \frac{1}{2B})) & \tau \leq 3/4 \\
        4 (1 - \tau + \frac{1}{2B}) / (1 + \frac{1}{B}) & \tau > 3/4 \end{cases}

    if :math:`q/p \leq 1/\sqrt 3` and :math:`\tau > \frac12 + \min(\frac{q^2}{p^2},
    \frac{1}{2B} + \frac{3 q^2}{4 p^2})`; that of "markov" otherwise.

    "r-concave" [2]_ (Section 3.4), several times smaller:

    .. math:: E V \leq p \, \min\{D(q^2/p^2, 2\tau - 1, B, -1/2), \; D(q/p, \tau, 2B, -1/4)\},

    :math:`D(\eta, t, B, r)` being the largest probability of reaching t that an r-concave variable
    on 0, 1/B, ..., 1 with a mean of at most :math:`\eta` can have; computed numerically.

    They assume:

    - Rows are independent and identically distributed.
    - V counts features that one half selects with a probability of at most q/p. Those are all
      irrelevant features if these are exchangeable and the lasso is no worse than guessing [1]_.
      Without that, irrelevant features that are selected more often than the average feature,
      such as those correlated with relevant ones, are not counted [2]_.
    - "unimodal": for each of them, so is the number of pairs both halves of which select it.
      "r-concave": that number is -1/2-concave, and the number of halves -1/4-concave. [2]_ give
      reasons and simulations for it, no proof.
    - "half": N is so large that shares are as good as those of all halves.
    - q is an expectation. It is estimated by its mean over the halves, and `max_false` chooses the
      region by that estimate.

    References
    ----------
    .. [1] N. Meinshausen and P. Bühlmann, Stability selection, Journal of the Royal Statistical
       Society B 72 (2010), 417-473.
    .. [2] R. D. Shah and R. J. Samworth, Variable selection with error control: another look at
       stability selection, Journal of the Royal Statistical Society B 75 (2013), 55-80.

    See Also
    --------
    LassoCV : The lasso with the penalty that predicts best, which selects more.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import StabilitySelection
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> selector = StabilitySelection(random_state=0).fit(X, y)
    >>> selector.get_feature_names_out()
    array(['bmi', 's5'], dtype=object)
    """

    def __init__(
        self,
        *,
        l1_ratio: float = 1.0,
        alphas: int | Vector = 100,
        eps: float = 0.05,
        threshold: float = 0.75,
        max_false: float | None = 1.0,
        n_resamples: int = 100,
        sampling: str = "complementary",
        bound: str = "auto",
        fit_intercept: bool = True,
        standardize: bool = True,
        positive: bool = False,
        max_iter: int = 1000,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.alphas = alphas
        self.eps = eps
        self.threshold = threshold
        self.max_false = max_false
        self.n_resamples = n_resamples
        self.sampling = sampling
        self.bound = bound
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.positive = positive
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state

    @all_or_nothing
    def fit(self, X: Matrix, y: Vector) -> Self:
        """Fit the lasso to all halves, and select.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Float32 and float64 are used as they are, other types as float64. Never copied, however
            many halves there are.
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or an array is unusable; the estimator is then left as it was.
        """
        grid, kind = check_parameters(self)
        X, y = check_X_y(self, X, y, multi_output=False)
        n = X.shape[0]
        paired = self.sampling == "complementary"
        draw = HalfSamples(n, self.n_resamples, paired, self.random_state)
        data = prepare(
            X, y, np.ones(n), 1.0,
            fit_intercept=self.fit_intercept, standardize=self.standardize,
            controls=check_controls(self, X.shape[1]),
        )  # fmt: skip
        with Workers(self.n_jobs) as workers:
            engine = Weightings(
                data, draw, self.n_resamples,
                l1_ratio=self.l1_ratio, workers=workers,
                lasso_alphas=lasso_length(self.l1_ratio == 1, grid),
            )  # fmt: skip
            alphas = grid
            if isinstance(grid, int):
                alphas = automatic_grid(engine.alpha_max, self.eps, grid)
            counts = SelectionCounts(len(alphas), X.shape[1])
            found = engine.run(alphas, tol=self.tol, max_iter=self.max_iter, visit=counts)
        self.alphas_ = alphas
        self._select(counts, kind)
        self.n_iter_ = max(1, int(found.n_iter.max()))
        self._warn_if_unsolved(float(data.y_scale[0]), found)
        return self

    def _select(self, counts, kind):
        n, p = self.n_resamples, counts.counts.shape[1]
        self.stability_path_ = counts.counts / n
        self.n_selected_path_ = counts.selected / n
        bounds = error_bounds(self.n_selected_path_, p, self.threshold, n, kind)
        self.error_bound_path_ = bounds
        size = len(bounds)
        if self.max_false is not None and bounds[-1] > self.max_false:
            size = int(np.argmax(bounds > self.max_false))
        self.scores_ = self.stability_path_[:size].max(axis=0, initial=0.0)
        self.support_ = self.scores_ >= self.threshold
        self.alpha_min_, self.expected_false_ = np.inf, 0.0
        if size:
            self.alpha_min_ = float(self.alphas_[size - 1])
            self.expected_false_ = float(bounds[size - 1])
        else:
            warn_caller(
                f"Nothing is selected: already at the largest of the given alphas the bound "
                f"{bounds[0]:.3g} exceeds max_false={self.max_false}. Let alphas begin higher, or "
                "increase max_false or threshold.",
                UserWarning,
            )

    def _warn_if_unsolved(self, unit, found):
        """Warn once, about the half-sample farthest from its goal; P has the unit squared."""
        excess = found.gaps / np.maximum(found.goals, np.finfo(np.float64).tiny)
        excess[found.gaps <= found.goals] = 0.0
        a, k = np.unravel_index(np.argmax(excess), excess.shape)
        if excess[a, k] > 0:
            warn_if_unsolved(
                self, self.alphas_[a],
                found.gaps[a, k] * unit * unit, found.goals[k] * unit * unit, found.n_iter[a, k],
                where=f" in half-sample {k} (one of {np.count_nonzero(excess)} such solutions)",
            )  # fmt: skip

    def transform(self, X: Matrix) -> Matrix:
        """Return the selected columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_selected)
        """
        with reading("X"):
            return super().transform(selectable(X))

    def inverse_transform(self, X: Matrix) -> Matrix:
        """Return columns of zeros where features were not selected.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_selected)

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
        """
        with reading("X"):
            return super().inverse_transform(selectable(X))

    def _get_support_mask(self):
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags
