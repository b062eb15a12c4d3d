"""What both estimators share: from parameters and data to a trained network."""

import copy
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._callbacks import CallbackSupportMixin
from .._persistence import VersionedEstimator
from .._threads import one_blas_thread
from .._validation import check_raw_weights, check_rows, check_total, reading
from .._warnings import warn_caller
from ._history import History, Patience
from ._layers import Linear
from ._lbfgs import minimise
from ._losses import LOSSES
from ._network import Network, build, fold, scores_of, set_population_statistics
from ._normalization import LayerNorm, NotFinite
from ._parameters import check_parameters, hidden_widths, penalised_groups
from ._progress import Progress
from ._training import Epochs, Rows, Validation, diverged, make_optimizer, train

# Attributes that tell of the course of training in steps.
COURSE = (
    "optimizer_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "validation_loss_curve_",
    "best_validation_score_",
    "t_",
)


def trains_in_steps(estimator):
    """Raise AttributeError if the solver cannot go on from where it is."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs steps: use solver='adam', 'adamw' or 'sgd'.")
    return True


class MultilayerPerceptron(CallbackSupportMixin, VersionedEstimator):
    """Base of the estimators. They say what targets, weights and scores mean."""

    def _keep(self, arguments):
        """Set the arguments of __init__ as attributes."""
        for name, value in arguments.items():
            if name != "self":
                setattr(self, name, value)

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Weights of the linear layers: those in `layers_`."""
        return [one.params["weights"] for one in self._fitted() if isinstance(one, Linear)]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the linear layers: those in `layers_`."""
        return [one.params["biases"] for one in self._fitted() if isinstance(one, Linear)]

    @property
    def n_layers_(self) -> int:
        """Layers as scikit-learn counts them: input, hidden layers and output."""
        return 1 + len(self.coefs_)

    def _fitted(self):
        if "layers_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        return self.layers_

    def _scores(self, X):
        """Return the scores of rows, of shape (n, n_outputs)."""
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            return scores_of(self.layers_, X, self.n_jobs)

    # ------------------------------------------------------------ training

    @one_blas_thread
    def _fit(self, X, y, sample_weight, validation=(None, None, None)):
        check_parameters(self)
        going_on = self.warm_start and hasattr(self, "layers_")
        checked = check_rows(self, X, reset=not going_on)
        targets = self._targets(checked, y, going_on)
        weights, of_class = self._weights(sample_weight, targets)
        check_total(weights, "class_weight")  # that of sample_weight is known
        held_out = self._held_out(*validation, of_class)
        with np.errstate(all="ignore"):  # what overflows is seen in the loss
            rows = _present(Rows(checked, targets, weights))
            return self._train(rows, going_on, (X, y), held_out, self.max_iter)

    @one_blas_thread
    def _partial_fit(self, X, y, sample_weight, first):
        check_parameters(self)
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it is told when to stop."
            )
        checked = check_rows(self, X, reset=first)
        targets = self._targets(checked, y, not first)
        weights, _ = self._weights(sample_weight, targets)
        check_total(weights, "class_weight")  # that of sample_weight is known
        with np.errstate(all="ignore"):
            rows = _present(Rows(checked, targets, weights))
            return self._train(rows, not first, (X, y), None, 1, once=True)

    def _train(self, rows, going_on, data, held_out, most, once=False):
        """Build or go on with a network, train it, and publish it; `once` is `partial_fit`."""
        random = check_random_state(self.random_state)
        loss = LOSSES[self.out_activation_]()
        layers = self._layers(rows, random, going_on)
        network = Network(layers, penalised_groups(self))
        rows = rows.astype(network.dtype)
        progress = Progress(self, *data, most)
        try:
            if self.solver == "lbfgs":
                self._minimise(network, loss, rows)
            else:
                rows, held_out = self._split(rows, held_out, random)
                validation = None
                if held_out is not None:
                    validation = Validation(held_out, rows, loss, self._score)
                optimizer = self._optimizer(network, going_on and once)
                epochs = Epochs(self, network, loss, optimizer, rows, random)
                history = History.of(self) if going_on else History()
                patience = self._patience(history, once)
                self.n_iter_, done = train(epochs, history, patience, validation, progress, most)
                epochs.check_last()
                self._note(history, optimizer, patience)
                if not (done or once):
                    self._warn(f"after max_iter={most} epochs")
            self.layers_ = network.finish()
            if not once:
                set_population_statistics(self.layers_, rows.X, rows.weights)
        except NotFinite:
            raise diverged(self, "in its last step") from None
        progress.end()
        return self

    def _layers(self, rows, random, going_on):
        """Return new layers, or copies of the present ones."""
        widths = [rows.X.shape[1], *hidden_widths(self), rows.targets.shape[1]]
        fresh = self.activation, self.normalization, self.normalization_position, self.dropout
        if not going_on:
            return build(widths, *fresh, rows.X.dtype, random)
        layers = copy.deepcopy(self.layers_)
        # with random numbers drawn as in the first fit, the same rows are set aside for validation
        source = random if self.early_stopping else np.random.RandomState(0)
        wanted = build(widths, *fresh, np.float32, source)
        if [_kind(one) for one in layers] != [_kind(one) for one in wanted]:
            raise ValueError(
                f"{type(self).__name__} goes on with the network of the last fit, which has other "
                "layers than hidden_layer_sizes, activation, normalization, dropout and y ask for "
                "now: set warm_start=False or fit a clone."
            )
        return layers

    def _optimizer(self, network, going_on):
        """Return a new optimizer, or a copy of the present one for the copied parameters."""
        if going_on and hasattr(self, "optimizer_"):
            optimizer = copy.deepcopy(self.optimizer_)
            fits = [one.size for one in optimizer.states[0]] == [w.size for w in network.parameters]
            if fits and type(optimizer) is type(make_optimizer(self, [])):
                optimizer.parameters = network.parameters
                return optimizer
        return make_optimizer(self, network.parameters)

    def _patience(self, history, once):
        patience = Patience(self.tol, self.n_iter_no_change, self.early_stopping)
        if not once or self.learning_rate == "adaptive":  # else nobody asks
            patience.recall(history)
        return patience

    def _held_out(self, X, y, sample_weight, of_class):
        """Return the Rows of a validation set that `fit` was given, or None."""
        if X is None:
            for name, value in (("y_val", y), ("sample_weight_val", sample_weight)):
                if value is not None:
                    raise ValueError(f"{name} is given without X_val.")
            return None
        if self.solver == "lbfgs":
            raise ValueError("solver='lbfgs' does not go with X_val: it knows no epochs.")
        if y is None:
            raise ValueError("X_val is given without y_val.")
        with reading("X_val"):
            X = check_rows(self, X, reset=False)
        with reading("X_val and y_val"):
            check_consistent_length(X, y)
        with reading("y_val"):
            targets = self._targets(X, y, True)
        with reading("sample_weight_val"):
            weights = check_raw_weights(sample_weight, X.shape[0])
        rows = _present(Rows(X, targets, weights * self._factors(targets, of_class)))
        if len(rows) < (1 if is_classifier(self) else 2):  # R^2 is of two rows at least
            raise ValueError("X_val has too few rows with a positive weight.")
        return rows

    def _split(self, rows, held_out, random):
        """Return rows of training, and of validation if they are given or to be set aside."""
        if held_out is not None:
            return rows, held_out.astype(rows.X.dtype)
        if not self.early_stopping:
            return rows, None
        label = rows.targets.astype(bool) if is_classifier(self) else None
        stratify = label if label is not None and label.shape[1] == 1 else None
        parts = train_test_split(
            np.arange(len(rows)),
            random_state=random,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        rest, held_out = (rows[part] for part in parts)
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small: increase validation_fraction, or give X_val."
            )
        return rest, held_out

    def _note(self, history, optimizer, patience):
        """Publish what training was like."""
        self.optimizer_, self.t_ = optimizer, history.seen
        self.loss_curve_, self.loss_ = history.losses, history.losses[-1]
        self.best_loss_ = None if self.early_stopping else min(history.losses)
        watched = history.watched
        self.validation_scores_ = history.scores if watched else None
        self.validation_loss_curve_ = history.validation_losses if watched else None
        self.best_validation_score_ = None
        if watched:
            best = patience.best if self.early_stopping else np.nanmax(history.scores)
            self.best_validation_score_ = float(best)

    def _minimise(self, network, loss, rows):
        """Minimise the loss of all rows by L-BFGS."""
        result = minimise(network, loss, rows, self)
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            raise diverged(self, "in L-BFGS")
        for name in COURSE:  # of an earlier fit with another solver
            vars(self).pop(name, None)
        self.loss_, self.n_iter_ = float(result.fun), max(1, min(result.nit, self.max_iter))
        if result.status == 1:
            self._warn(f"after {result.nit} iterations of L-BFGS ({result.message})")

    def _warn(self, when):
        warn_caller(
            f"{type(self).__name__} has not converged {when}: raise max_iter, or tol={self.tol}.",
            ConvergenceWarning,
        )

    # ------------------------------------------------------------ afterwards

    def fold_normalization(self) -> Self:
        """Return an equivalent estimator without normalization layers.

        Batch normalization by stored statistics is an affine map of each column: it becomes part of
        the linear layer before it, or, behind an activation, of the next one. Predictions are the
        same.

        Returns
        -------
        estimator
            Fitted, with ``normalization=None``. `partial_fit` goes on with a new optimizer.

        Raises
        ------
        ValueError
            For layer normalization, which depends on the row.
        """
        check_is_fitted(self)
        if any(isinstance(layer, LayerNorm) for layer in self.layers_):
            raise ValueError(
                "fold_normalization cannot fold layer normalization: it divides each row by its "
                "own standard deviation, which no linear layer does. Use normalization='batch'."
            )
        groups = tuple(one for one in penalised_groups(self) if one not in ("gamma", "beta"))
        twin = copy.copy(self).set_params(normalization=None, penalize=groups)
        vars(twin).pop("optimizer_", None)
        twin.layers_ = fold(self.layers_)
        return twin

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _present(rows):
    """Return the rows with a positive weight."""
    kept = rows.weights > 0
    return rows if kept.all() else rows[np.flatnonzero(kept)]


def _kind(layer):
    """Return what must agree for one layer to go on as another."""
    shapes = {name: value.shape for name, value in layer.params.items()}
    return type(layer), shapes, getattr(layer, "rate", None)
