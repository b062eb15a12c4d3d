"""The course of training: epochs, batches, when to stop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches, shuffle

from .._optimizers import SGD, Adam, AdamW
from .._warnings import warn_caller
from ._network import scores_of, set_population_statistics
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


@dataclass
class History:
    """What has been noted of every epoch so far.

    Attributes
    ----------
    losses : list of float
        Penalised training losses.
    scores, validation_losses : list of float
        Of the validation set, where there is one.
    seen : int
        Training rows, counted once per epoch.
    """

    losses: list = field(default_factory=list)
    scores: list = field(default_factory=list)
    validation_losses: list = field(default_factory=list)
    seen: int = 0


class Patience:
    """Tells when to stop, as scikit-learn's MLP does.

    Parameters
    ----------
    tol : float
    most : int or inf
        Epochs in a row without an improvement by `tol`.
    by_score : bool
        Whether more is better.
    """

    def __init__(self, tol, most, by_score):
        self.tol, self.most, self.by_score = tol, most, by_score
        self.best, self.idle = -np.inf if by_score else np.inf, 0

    def update(self, value):
        """Take in the value of an epoch; return whether it is the best so far."""
        if self.by_score:
            idle, better = value < self.best + self.tol, value > self.best
        else:
            idle, better = value > self.best - self.tol, value < self.best
        self.idle = self.idle + 1 if idle else 0
        if better:
            self.best = value
        return better

    @property
    def exhausted(self):
        """Whether there have been too many epochs without improvement."""
        return self.idle > self.most


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
        total = 0.0
        for part in gen_batches(len(self.rows), self.size, min_batch_size=self.least):
            weights = self.rows.weights[self.order[part]]
            value = self._step(self.order[part], weights, weights.sum())
            if not np.isfinite(value):
                return value
            total += value * weights.sum()
        if not self.network.finite():
            return np.nan
        return float(total / self.rows.weights.sum())

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
        """Return whether scores are finite after the last step, of the last batch."""
        rows = np.sort(self.order[-self.size :])
        try:
            scores = scores_of(self.network.layers, self.rows.X[rows])
        except NotFinite:
            return False
        return bool(np.isfinite(scores).all())

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
        start = validation.evaluate(network.layers)[0]
        if np.isfinite(start):
            patience.best, best = start, network.snapshot()
    while count < most and not done:
        value = epochs.run()
        count += 1
        if not np.isfinite(value):
            raise diverged(estimator, f"in epoch {count}")
        history.losses.append(value)
        history.seen += len(rows)
        if validation is not None:
            set_population_statistics(network.layers, rows.X, rows.weights)
            score, held_out = validation.evaluate(network.layers)
            history.scores.append(score)
            history.validation_losses.append(held_out)
        better = patience.update(history.scores[-1] if stopping else value)
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
        """Return the score and the loss (without penalty); NaN if scores are not finite."""
        try:
            scores = scores_of(layers, self.rows.X)
        except NotFinite:
            return np.nan, np.nan
        if not np.isfinite(scores).all():
            return np.nan, np.nan
        targets, weights = self.rows.targets, self.rows.weights
        value = self.loss.evaluate(scores, targets, weights / weights.sum(), np.empty_like(scores))
        return float(self.score(targets, scores, weights)), float(value)
