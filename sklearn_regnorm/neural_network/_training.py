"""The course of training: epochs, batches, when to stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches, shuffle

from .._optimizers import SGD, Adam, AdamW
from .._warnings import warn_caller
from ._network import copies, scores_of, set_population_statistics
from ._normalization import BatchNorm, NotFinite


@dataclass
class Rows:
    """Rows of training or validation: X, targets of shape (n, k), and positive weights."""

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def __getitem__(self, rows):
        return Rows(self.X[rows], self.targets[rows], self.weights[rows])

    def __len__(self):
        return self.X.shape[0]

    def astype(self, dtype):
        """Return the rows with numbers of that type, but for weights."""
        X, targets = (one.astype(dtype, copy=False) for one in (self.X, self.targets))
        return Rows(X, targets, self.weights)


def make_optimizer(estimator, parameters):
    """Return a new optimizer with the estimator's parameters."""
    rate = estimator.learning_rate_init
    if estimator.solver == "sgd":
        return SGD(parameters, rate, estimator.momentum, estimator.nesterovs_momentum)
    cls = AdamW if estimator.solver == "adamw" else Adam
    return cls(parameters, rate, estimator.beta_1, estimator.beta_2, estimator.epsilon)


def diverged(estimator, when):
    """Return the error for training that has left the range of numbers."""
    return ValueError(
        f"Training diverged {when}: the loss is not finite any more. Lower learning_rate_init="
        f"{estimator.learning_rate_init}, bring the columns of X (and a regression's y) to mean 0 "
        "and variance 1, or use normalization."
    )


class Epochs:
    """Goes over the training rows in batches, one step of the optimizer each.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Has the parameters.
    network : Network
    loss : object of `_losses`
    optimizer : Optimizer
    rows : Rows
    random : RandomState
    """

    def __init__(self, estimator, network, loss, optimizer, rows, random):
        self.estimator, self.network, self.loss = estimator, network, loss
        self.optimizer, self.rows, self.random = optimizer, rows, random
        n = len(rows)
        size = estimator.batch_size
        self.size = min(200, n) if size == "auto" else min(size, n)
        if size != "auto" and size > n:
            warn_caller(
                f"batch_size={size} is more than the {n} rows of training: all are one batch.",
                UserWarning,
            )
        # statistics of one row are those of no batch: it joins the one before
        normalised = any(isinstance(layer, BatchNorm) for layer in network.layers)
        self.least = 2 if normalised and self.size > 1 else 0
        self.order = np.arange(n)
        self.batch = np.empty((self.size + 1, rows.X.shape[1]), dtype=network.dtype)
        self.targets = np.empty((self.size + 1, rows.targets.shape[1]), dtype=network.dtype)
        self.slope = np.empty_like(self.targets)

    def run(self):
        """Go once over all rows; return the mean of the batches' penalised losses."""
        if self.estimator.shuffle:
            self.order = shuffle(self.order, random_state=self.random)
        mean, whole = 0.0, self.rows.weights.sum()
        for part in gen_batches(len(self.rows), self.size, min_batch_size=self.least):
            weights = self.rows.weights[self.order[part]]
            value = self._step(self.order[part], weights, weights.sum())
            if not np.isfinite(value):
                return value
            mean += value * (weights.sum() / whole)
        if not self.network.finite():
            return np.nan
        return float(mean)

    def _step(self, rows, weights, total):
        """Do one step down the gradient of a batch; return its penalised loss."""
        x, targets = self._gather(rows)
        slope = self.slope[: len(rows)]
        try:
            scores = self.network.forward(x, weights)
        except NotFinite:
            return np.nan
        value = self.loss.evaluate(scores, targets, weights / total, slope)
        strength = self.estimator.alpha / total
        l1, l2 = strength * self.estimator.l1_ratio, strength * (1 - self.estimator.l1_ratio)
        value += self.network.penalty(l1, l2)
        self.network.backward(slope)
        self.optimizer.l1, self.optimizer.l2 = (l1, 0.0), (l2, 0.0)
        self.optimizer.step(self.network.slopes)
        return value

    def _gather(self, rows):
        """Return X and targets of rows, in arrays that are used again and again."""
        targets = self.targets[: len(rows)]
        np.take(self.rows.targets, rows, axis=0, out=targets, mode="clip")
        if sparse.issparse(self.rows.X):
            return self.rows.X[rows], targets
        x = self.batch[: len(rows)]
        np.take(self.rows.X, rows, axis=0, out=x, mode="clip")
        return x, targets

    def check_last(self):
        """Raise unless predictions are finite after the last step.

        Of the last batch; exp can overflow for other rows alone, so there of all.
        """
        every = self.loss.out_activation == "exp"
        rows = np.sort(self.order if every else self.order[-self.size :])
        scores = scores_of(self.network.layers, self.rows.X[rows])
        if not np.isfinite(self.loss.predict(scores)).all():
            raise NotFinite("predictions are not finite")

    def slow_down(self, epoch_rows):
        """Change the learning rate at the end of an epoch, if it is to scale inversely."""
        if self.estimator.solver == "sgd" and self.estimator.learning_rate == "invscaling":
            power = (epoch_rows + 1) ** self.estimator.power_t
            self.optimizer.learning_rate = self.estimator.learning_rate_init / power

    def give_up(self):
        """Return whether training ends now that patience has; else learn more slowly."""
        if self.estimator.solver != "sgd" or self.estimator.learning_rate != "adaptive":
            return True
        if self.optimizer.learning_rate <= 1e-6:
            return True
        self.optimizer.learning_rate /= 5.0
        return False


def train(epochs, history, patience, validation, progress, most):
    """Run up to so many epochs; return their number and whether they were enough.

    Parameters
    ----------
    epochs : Epochs
    history : History
        Continued.
    patience : Patience
    validation : Validation or None
    progress : Progress
    most : int
    """
    network, estimator, rows = epochs.network, epochs.estimator, epochs.rows
    stopping = validation is not None and estimator.early_stopping
    best, count, done = None, 0, False
    if stopping and history.losses:  # a warm start must not end worse than it began
        start, _ = validation.evaluate(network.layers)
        if np.isfinite(start):
            patience.best, best = start, network.snapshot()
    while count < most and not done:
        value = epochs.run()
        count += 1
        if not np.isfinite(value):
            raise diverged(estimator, f"in epoch {count}")
        score = held_out = np.nan
        if validation is not None:
            score, held_out = validation.evaluate(network.layers)
        history.note(len(rows), value, score, held_out)
        better = patience.update(score if stopping else value)
        if stopping and better:
            best = network.snapshot()
        epochs.slow_down(history.seen)
        if patience.exhausted:
            done = epochs.give_up()
            patience.idle = 0
        done |= progress.report(count, history, network.layers, rows)
    if best is not None:
        network.restore(best)
    return count, done


@dataclass
class Validation:
    """Rows that are not trained on, how they are scored, and the `rest` that is trained on."""

    rows: Rows
    rest: Rows
    loss: Any
    score: Callable

    def evaluate(self, layers):
        """Return score and loss (without penalty) by population statistics.

        Both are NaN if predictions are not finite.
        """
        twins = copies(layers)
        try:
            set_population_statistics(twins, self.rest.X, self.rest.weights)
            scores = scores_of(twins, self.rows.X)
        except NotFinite:
            return np.nan, np.nan
        if not np.isfinite(self.loss.predict(scores)).all():
            return np.nan, np.nan
        targets, weights = self.rows.targets, self.rows.weights
        value = self.loss.evaluate(scores, targets, weights / weights.sum(), np.empty_like(scores))
        return float(self.score(targets, scores, weights)), float(value)
