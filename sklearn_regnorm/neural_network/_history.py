"""What is noted of every epoch, and when there have been enough."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class History:
    """What has been noted of every epoch so far.

    Attributes
    ----------
    losses : list of float
        Penalised training losses.
    scores, validation_losses : list of float
        Of the validation set; NaN for epochs without one.
    seen : int
        Training rows, counted once per epoch.
    """

    losses: list = field(default_factory=list)
    scores: list = field(default_factory=list)
    validation_losses: list = field(default_factory=list)
    seen: int = 0

    @classmethod
    def of(cls, estimator):
        """Return what a fitted estimator tells of its earlier epochs."""
        if not hasattr(estimator, "loss_curve_"):
            return cls()
        losses = list(estimator.loss_curve_)
        none = [np.nan] * len(losses)
        scores, held_out = estimator.validation_scores_, estimator.validation_loss_curve_
        return cls(losses, list(scores or none), list(held_out or none), estimator.t_)

    def note(self, rows, loss, score, validation_loss):
        """Add an epoch over so many rows."""
        self.losses.append(loss)
        self.scores.append(score)
        self.validation_losses.append(validation_loss)
        self.seen += rows

    @property
    def watched(self):
        """Whether there ever was a score."""
        return not np.isnan(self.scores).all()


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

    def recall(self, history):
        """Take in the epochs of earlier fits."""
        for value in history.scores if self.by_score else history.losses:
            if not np.isnan(value):
                self.update(value)
                self.idle = 0 if self.exhausted else self.idle

    def update(self, value):
        """Take in the value of an epoch; return whether it is the best so far. NaN never is."""
        sign = 1.0 if self.by_score else -1.0
        helped = sign * value >= sign * self.best + self.tol
        better = sign * value > sign * self.best
        self.idle = 0 if helped else self.idle + 1
        if better:
            self.best = value
        return better

    @property
    def exhausted(self):
        """Whether there have been too many epochs without improvement."""
        return self.idle > self.most
