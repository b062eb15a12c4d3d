"""Classification by a network."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from .._callbacks import with_callbacks
from .._sparse_input import canonical_csc
from .._transactions import all_or_nothing
from .._typing import Matrix, RandomState, Vector, Weights
from .._validation import (
    check_choice,
    check_number,
    check_raw_weights,
    check_same_length,
    plain,
    reading,
    require_y,
)
from ._base import MultilayerPerceptron, trains_in_steps
from ._documentation import document
from ._losses import LOSSES


@document
class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    r"""A network of linear layers, with normalization and penalties, that minimises the log loss.

    .. math:: \frac{1}{\sum_i v_i} \sum_i v_i \, \ell(f(x_i), y_i) + \frac{\alpha}{\sum_i v_i}
              \left( \rho \sum_k |w_k| + \frac{1 - \rho}{2} \sum_k w_k^2 \right)

    over the rows of each mini-batch, with weights v, :math:`\alpha` = `alpha` and
    :math:`\rho` = `l1_ratio`. Scikit-learn's :class:`~sklearn.neural_network.MLPClassifier` with
    batch or layer normalization, L1 and elastic-net penalties, dropout, class weights and a
    validation set of one's own. ``hidden_layer_sizes=()`` is logistic regression.

    Parameters
    ----------
    {architecture}
    {solver}
    class_weight : dict, "balanced" or None, default=None
        Factors of the weights of rows, by class; "balanced" gives all classes the same total.
        They are factors of `sample_weight`, so batch statistics know them too.
    {n_jobs}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; column numbers for multi-label targets.
    {fitted}

    See Also
    --------
    MLPRegressor : The same for numbers.
    sklearn.neural_network.MLPClassifier : What it takes its parameters from.

    Notes
    -----
    {notes}

    References
    ----------
    S. Ioffe and C. Szegedy. Batch normalization: accelerating deep network training by reducing
    internal covariate shift. ICML 2015.
    J. L. Ba, J. R. Kiros and G. E. Hinton. Layer normalization. arXiv:1607.06450, 2016.
    J. Yun, A. C. Lozano and E. Yang. Adaptive proximal gradient methods for structured neural
    networks. NeurIPS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_regnorm.neural_network import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((64,), normalization="batch", tol=0.01, random_state=0)
    >>> model.fit(X[:1000] / 16, y[:1000]).score(X[1000:] / 16, y[1000:]) > 0.9
    True
    """

    def __init__(
        self,
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
        class_weight: Any = None,
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
            Class labels, or 0 and 1 for each of several labels.
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
    def partial_fit(
        self,
        X: Matrix,
        y: Any,
        sample_weight: Weights = None,
        classes: Vector | None = None,
    ) -> Self:
        """Go once over some rows, from where the network is.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like of shape (n_classes,), optional
            All classes there will be; needed in the first call, but not for multi-label y (if
            given, 0 and 1: those of each column).

        Returns
        -------
        self
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} needs all rows: give partial_fit a dict."
            )
        first = not hasattr(self, "layers_")
        if classes is not None:
            with reading("classes"):
                classes = np.unique(column_or_1d(plain("classes", classes, numbers=False)))
        self._announced = classes
        try:
            return self._partial_fit(X, y, sample_weight, first)
        finally:
            del self._announced

    def predict(self, X: Matrix) -> np.ndarray:
        """Predict class labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        codes = self._codes(self._scores(X))
        return codes if codes.ndim == 2 else self.classes_[codes]

    def predict_proba(self, X: Matrix) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; rows sum to one unless y is multi-label.
        """
        scores = self._scores(X)
        scores = np.hstack([-scores, scores]) if self.n_outputs_ == 1 else scores
        found = LOSSES[self.out_activation_]().predict(scores)
        # what rounds to 0 or 1 is neither
        info = np.finfo(found.dtype)
        return np.clip(found, info.tiny, 1 - info.epsneg, out=found)

    def predict_log_proba(self, X: Matrix) -> np.ndarray:
        """Predict logarithms of probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.log(self.predict_proba(X))

    def _codes(self, scores):
        """Return class numbers, or 0 and 1 for each of several labels."""
        if self.out_activation_ == "softmax":
            return scores.argmax(axis=1)
        hits = (scores > 0).astype(np.int64)
        return hits[:, 0] if self.n_outputs_ == 1 else hits

    def _score(self, targets, scores, weights):
        """Return the accuracy."""
        true = targets.argmax(axis=1) if self.out_activation_ == "softmax" else targets
        true = true[:, 0] if self.n_outputs_ == 1 else true
        return accuracy_score(true.astype(np.int64), self._codes(scores), sample_weight=weights)

    def _targets(self, X, y, going_on):
        """Return targets of shape (n, n_outputs), after noting classes if this is the first fit."""
        y, multilabel = _labels(self, X, y)
        with reading("y"):  # labels that cannot be compared
            classes = self.classes_ if going_on else self._all_classes(y, multilabel)
            unseen = () if multilabel else np.setdiff1d(y, classes)
        if not going_on:
            self.classes_ = classes
            several = multilabel or len(self.classes_) > 2
            self.out_activation_ = "softmax" if several and not multilabel else "logistic"
            self.n_outputs_ = len(self.classes_) if several else 1
        announced = getattr(self, "_announced", None)
        expected = np.arange(2) if multilabel else self.classes_
        if announced is not None and not np.array_equal(announced, expected):
            raise ValueError(
                f"classes={announced} is not what the first call was given, or else not that of "
                f"multi-label y: {expected}."
            )
        was_multilabel = self.out_activation_ == "logistic" and self.n_outputs_ > 1
        if multilabel != was_multilabel or (multilabel and y.shape[1] != self.n_outputs_):
            raise ValueError(
                f"y of shape {y.shape} does not go with the first fit, which had "
                f"{self.n_outputs_} outputs and {len(self.classes_)} classes."
            )
        if multilabel:
            return y.astype(np.float64)
        if len(unseen):
            raise ValueError(
                f"y has classes that are not among classes_ = {self.classes_}: {unseen}. All must "
                "be in y of the first fit, or in `classes` of the first partial_fit."
            )
        codes = np.searchsorted(self.classes_, y)
        if self.n_outputs_ == 1:
            return codes[:, None].astype(np.float64)
        return np.eye(len(self.classes_))[codes]

    def _all_classes(self, y, multilabel):
        announced = getattr(self, "_announced", None)
        if multilabel:
            return np.arange(y.shape[1])  # each has the classes 0 and 1
        if announced is None and hasattr(self, "_announced"):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        classes = np.unique(y) if announced is None else announced
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs two classes, and y has one class only: {classes[0]}"
            )
        return classes

    def _weights(self, sample_weight, targets):
        """Return the weights of rows, and the factors of classes that are in them (or None)."""
        weights = check_raw_weights(sample_weight, len(targets))
        if self.out_activation_ != "softmax" and self.n_outputs_ > 1:
            if self.class_weight is not None:
                raise ValueError("class_weight is not for multi-label y: give sample_weight.")
            return weights, None
        codes, k = _codes_of(targets), len(self.classes_)
        totals = np.bincount(codes, weights, minlength=k)
        if not hasattr(self, "_announced") and np.count_nonzero(totals) < 2:
            if np.count_nonzero(np.bincount(codes)) < 2:
                raise ValueError(f"y has one class only: {self.classes_[codes[0]]}.")
            raise ValueError(
                "sample_weight leaves rows of one class only: there is nothing to learn."
            )
        of_class = self._class_factors(totals)
        weights = weights * of_class[codes]
        if not weights.any():
            raise ValueError("class_weight and sample_weight leave no row with a positive weight.")
        return weights, of_class

    def _factors(self, targets, of_class):
        """Return the factors that `class_weight` has for rows."""
        return 1.0 if of_class is None else of_class[_codes_of(targets)]

    def _class_factors(self, totals):
        """Return a factor for every class, given the total weights."""
        if self.class_weight is None:
            return np.ones(len(totals))
        if isinstance(self.class_weight, str):
            check_choice("class_weight", self.class_weight, (None, "balanced"))
            with np.errstate(divide="ignore"):
                return np.where(totals > 0, totals.sum() / np.count_nonzero(totals) / totals, 0.0)
        if not isinstance(self.class_weight, dict):
            raise TypeError(f"class_weight must be a dict, 'balanced' or None: {self.class_weight}")
        labels = list(self.classes_)
        unknown = [label for label in self.class_weight if label not in labels]
        if unknown:
            raise ValueError(f"class_weight has weights of classes that y has not: {unknown}.")
        given = [self.class_weight.get(label, 1.0) for label in labels]
        return np.array([check_number("class_weight", one, low=0) for one in given])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _codes_of(targets):
    """Return class numbers, given the targets of classes that exclude each other."""
    return targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0].astype(np.int64)


def _labels(estimator, X, y):
    """Return labels, 1-D or a matrix of zeros and ones, and whether they are the latter."""
    require_y(estimator, y)
    with reading("y"):
        y = canonical_csc(y) if sparse.issparse(y) else plain("y", y, numbers=False)
        y = check_array(y, ensure_2d=False, dtype=None, accept_sparse="csr", input_name="y")
        y = y.toarray() if sparse.issparse(y) else y
        check_same_length(X, y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
    if y.ndim == 2 and kind != "multilabel-indicator":
        raise ValueError(f"y of the kind {kind!r} is not supported: give one column of labels.")
    return y, kind == "multilabel-indicator"
