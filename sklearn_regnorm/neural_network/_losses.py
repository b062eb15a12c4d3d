"""Losses of the scores of a network: values, gradients, and what scores mean.

Each is a weighted mean over rows, ``sum v_i l(scores_i, targets_i) / sum v_i``.
"""

import numpy as np
from scipy.special import expit, softmax, xlogy


class SquaredLoss:
    """Half the sum of squares of a row: (scores - y)^2 / 2."""

    out_activation = "identity"

    def predict(self, scores):
        """Return means."""
        return scores

    def evaluate(self, scores, targets, share, gradient):
        """Return the loss, and set the gradient with respect to the scores.

        Parameters
        ----------
        scores, targets, gradient : ndarray of shape (n, k)
        share : ndarray of shape (n,)
            Weights of the rows; they sum to one.
        """
        np.subtract(scores, targets, out=gradient)
        value = 0.5 * (share @ np.einsum("ij,ij->i", gradient, gradient, dtype=np.float64))
        gradient *= share[:, None]
        return value


class PoissonLoss(SquaredLoss):
    """Half the Poisson deviance with means exp(scores)."""

    out_activation = "exp"

    def predict(self, scores):
        """Return means."""
        return np.exp(scores)

    def evaluate(self, scores, targets, share, gradient):
        """Return the loss, and set the gradient, as `SquaredLoss.evaluate` does."""
        np.exp(scores, out=gradient)
        rows = xlogy(targets, targets) - targets * scores - targets + gradient
        value = share @ rows.sum(axis=1, dtype=np.float64)
        gradient -= targets
        gradient *= share[:, None]
        return value


class LogisticLoss:
    """Log loss of classes that may occur together, each with targets 0 and 1.

    log(1 + exp(s)) - t s, summed up over the classes.
    """

    out_activation = "logistic"

    def predict(self, scores):
        """Return probabilities."""
        return expit(scores)

    def evaluate(self, scores, targets, share, gradient):
        """Return the loss, and set the gradient, as `SquaredLoss.evaluate` does."""
        rows = np.logaddexp(0, scores)
        rows -= targets * scores
        value = share @ rows.sum(axis=1, dtype=np.float64)
        expit(scores, out=gradient)
        gradient -= targets
        gradient *= share[:, None]
        return value


class SoftmaxLoss:
    """Log loss of classes that exclude each other; targets are one-hot.

    log(sum exp(s)) - s of the true class.
    """

    out_activation = "softmax"

    def predict(self, scores):
        """Return probabilities."""
        return softmax(scores, axis=1)

    def evaluate(self, scores, targets, share, gradient):
        """Return the loss, and set the gradient, as `SquaredLoss.evaluate` does."""
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=gradient)
        true = np.einsum("ij,ij->i", gradient, targets, dtype=np.float64)
        np.exp(gradient, out=gradient)
        total = gradient.sum(axis=1)
        value = share @ (np.log(total, dtype=np.float64) - true)
        gradient /= total[:, None]
        gradient -= targets
        gradient *= share[:, None]
        return value


LOSSES = {
    loss.out_activation: loss for loss in (SquaredLoss, PoissonLoss, LogisticLoss, SoftmaxLoss)
}
