"""Regression by a network."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from .._callbacks import with_callbacks
from .._transactions import all_or_nothing
from .._typing import Matrix, RandomState, Weights
from .._validation import check_choice, check_raw_weights, check_target, require_y
from ._base import MultilayerPerceptron, trains_in_steps
from ._documentation import document
from ._losses import LOSSES

OUTPUTS = {"squared_error": "identity", "poisson": "exp"}


@document
class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    r"""A network of linear layers, with normalization and penalties, that minimises squares.

    .. math:: \frac{1}{\sum_i v_i} \sum_i \frac{v_i}{2} (f(x_i) - y_i)^2 +
              \frac{\alpha}{\sum_i v_i}
              \left( \rho \sum_k |w_k| + \frac{1 - \rho}{2} \sum_k w_k^2 \right)

    over the rows of each mini-batch, with weights v, :math:`\alpha` = `alpha` and
    :math:`\rho` = `l1_ratio`; squares of several outputs are added up. Scikit-learn's
    :class:`~sklearn.neural_network.MLPRegressor` with batch or layer normalization, L1 and
    elastic-net penalties, dropout and a validation set of one's own.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        "poisson" is half the Poisson deviance with means exp(f), for y >= 0.
    {architecture}
    {solver}
    {n_jobs}

    Attributes
    ----------
    {fitted}

    See Also
    --------
    MLPClassifier : The same for classes.
    sklearn.neural_network.MLPRegressor : What it takes its parameters from.

    Notes
    -----
    {notes}

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm.neural_network import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    >>> model = MLPRegressor(normalization="layer", tol=0.01, random_state=0)
    >>> model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.3
    True
    """

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: RandomState = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        normalization: str | None = None,
        normalization_position: str = "before",
        l1_ratio: float = 0.0,
        penalize: Any = "weights",
        dropout: float = 0.0,
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    @all_or_nothing
    @with_callbacks
    def fit(
        self,
        X: Matrix,
        y: Any,
        sample_weight: Weights = None,
        *,
        X_val: Matrix | None = None,
        y_val: Any = None,
        sample_weight_val: Weights = None,
    ) -> Self:
        """Train a network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
            In the loss and in batch statistics: a weight of 2 is a row that is there twice.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), optional
            Rows to score after every epoch; with `early_stopping` they decide when to stop.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), optional
        sample_weight_val : array-like of shape (n_val,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(trains_in_steps)
    @all_or_nothing
    @with_callbacks
    def partial_fit(self, X: Matrix, y: Any, sample_weight: Weights = None) -> Self:
        """Go once over some rows, from where the network is.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, sample_weight, not hasattr(self, "layers_"))

    def predict(self, X: Matrix) -> np.ndarray:
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        found = self._scores(X)
        found = LOSSES[self.out_activation_]().predict(found)
        return found[:, 0] if self.n_outputs_ == 1 else found

    def _score(self, targets, scores, weights):
        """Return the coefficient of determination."""
        found = LOSSES[self.out_activation_]().predict(scores)
        return r2_score(targets, found, sample_weight=weights)

    def _targets(self, X, y, going_on):
        """Return targets of shape (n, n_outputs)."""
        check_choice("loss", self.loss, tuple(OUTPUTS))
        require_y(self, y)
        y = check_target(X, y, multi_output=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = y.reshape(len(y), -1)
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError("y must not be negative for loss='poisson'.")
        if going_on and y.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {y.shape[1]} columns, and the network {self.n_outputs_}.")
        self.n_outputs_, self.out_activation_ = y.shape[1], OUTPUTS[self.loss]
        return y

    def _weights(self, sample_weight, targets):
        return check_raw_weights(sample_weight, len(targets)), None

    def _factors(self, targets, of_class):
        return 1.0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
