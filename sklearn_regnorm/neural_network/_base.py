"""What both estimators share: from parameters and data to a trained network."""

import copy
from typing import Any, Self

import numpy as np
import scipy.optimize
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted

from .._callbacks import CallbackSupportMixin
from .._threads import one_blas_thread
from .._validation import check_raw_weights, check_rows, naming
from .._warnings import warn_caller
from ._layers import Linear
from ._losses import LOSSES
from ._network import Network, build, fold, scores_of, set_population_statistics
from ._normalization import LayerNorm, NotFinite
from ._parameters import check_parameters, hidden_widths, penalised_groups
from ._progress import Progress
from ._training import Epochs, History, Patience, Rows, Validation, diverged, make_optimizer, train


def trains_in_steps(estimator):
    """Raise AttributeError if the solver cannot go on from where it is."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit needs steps: use solver='adam', 'adamw' or 'sgd'.")
    return True


class MultilayerPerceptron(CallbackSupportMixin, BaseEstimator):
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

    def _fit(self, X, y, sample_weight, validation=(None, None, None)):
        check_parameters(self)
        going_on = self.warm_start and hasattr(self, "layers_")
        checked = check_rows(self, X, reset=not going_on)
        targets = self._targets(checked, y, going_on)
        weights = self._weights(sample_weight, targets)
        with one_blas_thread, np.errstate(all="ignore"):  # what overflows is seen in the loss
            rows = _present(Rows(checked, targets, weights))
            return self._train(rows, going_on, (X, y), validation, self.max_iter)

    def _partial_fit(self, X, y, sample_weight, first):
        check_parameters(self)
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it is told when to stop."
            )
        checked = check_rows(self, X, reset=first)
        targets = self._targets(checked, y, not first)
        weights = self._weights(sample_weight, targets)
        with one_blas_thread, np.errstate(all="ignore"):
            rows = _present(Rows(checked, targets, weights))
            return self._train(rows, not first, (X, y), None, 1)

    def _train(self, rows, going_on, data, validation, most):
        """Build or go on with a network, train it, and publish it."""
        once = validation is None  # partial_fit
        random = check_random_state(self.random_state)
        loss = LOSSES[self.out_activation_]()
        layers = self._layers(rows, random, going_on)
        network = Network(layers, penalised_groups(self))
        rows.X = rows.X.astype(network.dtype, copy=False)
        rows.targets = rows.targets.astype(network.dtype, copy=False)
        progress = Progress(self, *data, most)
        if self.solver == "lbfgs":
            self._minimise(network, loss, rows)
        else:
            held_out = None if once else self._validation(rows, validation, loss, random)
            rows = held_out.rest if held_out is not None else rows
            optimizer = self._optimizer(network, going_on and once)
            epochs = Epochs(self, network, loss, optimizer, rows, random)
            history = self._history(going_on)
            patience = self._patience(history, held_out)
            self.n_iter_, done = train(epochs, history, patience, held_out, progress, most)
            if not epochs.check_last():
                raise diverged(self, f"in its last step, of epoch {self.n_iter_}")
            self._note(history, optimizer, patience)
            if not (done or once):
                self._warn(f"after max_iter={most} epochs")
        self.layers_ = network.finish()
        if not once:
            self._use_population(rows)
        progress.end()
        return self

    def _layers(self, rows, random, going_on):
        """Return new layers, or copies of the present ones."""
        widths = [rows.X.shape[1], *hidden_widths(self), rows.targets.shape[1]]
        fresh = self.activation, self.normalization, self.normalization_position, self.dropout
        if not going_on:
            return build(widths, *fresh, rows.X.dtype, random)
        layers = copy.deepcopy(self.layers_)
        wanted = build(widths, *fresh, np.float32, np.random.RandomState(0))
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

    def _history(self, going_on):
        if not going_on or not hasattr(self, "loss_curve_"):
            return History()
        return History(
            list(self.loss_curve_),
            list(self.validation_scores_ or ()),
            list(self.validation_loss_curve_ or ()),
            self.t_,
        )

    def _patience(self, history, held_out):
        by_score = held_out is not None and self.early_stopping
        patience = Patience(self.tol, self.n_iter_no_change, by_score)
        for value in history.scores if by_score else history.losses:
            patience.update(value)
            patience.idle = 0 if patience.exhausted else patience.idle
        return patience

    def _validation(self, rows, given, loss, random):
        """Return the validation set, given or split off the rows, or None."""
        X, y, sample_weight = given
        if X is None:
            for name, value in (("y_val", y), ("sample_weight_val", sample_weight)):
                if value is not None:
                    raise ValueError(f"{name} is given without X_val.")
            if not self.early_stopping:
                return None
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
        else:
            if y is None:
                raise ValueError("X_val is given without y_val.")
            with naming("X_val"):
                X = check_rows(self, X, reset=False)
            with naming("y_val"):
                check_consistent_length(X, y)
                targets = self._targets(X, y, True)
            with naming("sample_weight_val"):
                weights = check_raw_weights(sample_weight, X.shape[0])
            held_out = _present(Rows(X, targets, weights))
            held_out.X = held_out.X.astype(rows.X.dtype, copy=False)
            held_out.targets = held_out.targets.astype(rows.X.dtype, copy=False)
            rest = rows
        return Validation(held_out, rest, loss, self._score)

    def _note(self, history, optimizer, patience):
        """Publish what training was like."""
        self.optimizer_, self.t_ = optimizer, history.seen
        self.loss_curve_, self.loss_ = history.losses, history.losses[-1]
        self.best_loss_ = None if self.early_stopping else min(history.losses)
        seen = bool(history.scores)
        self.validation_scores_ = history.scores if seen else None
        self.validation_loss_curve_ = history.validation_losses if seen else None
        best = patience.best if self.early_stopping else np.nanmax([*history.scores, -np.inf])
        self.best_validation_score_ = float(best) if seen else None

    def _use_population(self, rows):
        """Replace running statistics by those of all rows."""
        try:
            set_population_statistics(self.layers_, rows.X, rows.weights)
        except (NotFinite, ValueError):
            raise diverged(self, "in its last step") from None

    def _minimise(self, network, loss, rows):
        """Minimise the loss of all rows by L-BFGS."""
        sizes = [w.size for w in network.parameters]
        slope = np.empty_like(rows.targets)
        total = rows.weights.sum()
        share, strength = rows.weights / total, self.alpha / total

        def value_and_slope(flat):
            network.restore(np.split(flat, np.cumsum(sizes)[:-1]))
            value = loss.evaluate(network.forward(rows.X), rows.targets, share, slope)
            network.backward(slope)
            found = [one.astype(np.float64) for one in network.slopes]
            found[0] += strength * network.parameters[0]
            return value + network.penalty(0.0, strength), np.concatenate(found)

        result = scipy.optimize.minimize(
            value_and_slope,
            np.concatenate(network.parameters).astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            options={
                "maxfun": self.max_fun,
                "maxiter": self.max_iter,
                "gtol": self.tol,
                "ftol": 64 * np.finfo(np.float64).eps,  # so that `tol` decides
            },
        )
        if not (np.isfinite(result.fun) and np.isfinite(result.x).all()):
            raise diverged(self, "in L-BFGS")
        network.restore(np.split(result.x, np.cumsum(sizes)[:-1]))
        for name in (
            "optimizer_ loss_curve_ best_loss_ validation_scores_ validation_loss_curve_ "
            "best_validation_score_ t_"
        ).split():  # of an earlier fit with another solver
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
