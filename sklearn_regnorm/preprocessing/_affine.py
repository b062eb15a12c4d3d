"""Learning gamma and beta: gradient descent together with a linear model of y."""

import numpy as np
from scipy.special import log_softmax
from sklearn.utils import check_array, check_random_state, gen_batches
from sklearn.utils.multiclass import type_of_target

from .._optimizers import Adam
from .._threads import one_blas_thread
from .._validation import check_flag, check_number, check_same_length, naming, plain, reading
from ._gradients import affine_gradients

# Whole numbers of more different values than this are a quantity, not classes.
MOST_CLASSES = 20


def check_learning(estimator):
    """Validate the parameters that learning needs."""
    given = estimator.get_params(deep=False)
    check_number("alpha", given["alpha"], low=0)
    check_number("tol", given["tol"], low=0)
    check_number("learning_rate_init", given["learning_rate_init"], low=0, boundaries="neither")
    for name in ("max_iter", "n_iter_no_change"):
        check_number(name, given[name], low=1, integer=True)
    if given["batch_size"] is not None:
        check_number("batch_size", given["batch_size"], low=1, integer=True)
    check_flag("shuffle", given["shuffle"])
    with naming("random_state"):
        check_random_state(given["random_state"])


class _Squares:
    """Half the mean of squares, of targets brought to mean 0 and variance 1."""

    def __init__(self, y, weights):
        Y = y.reshape(len(y), -1)
        weights = weights / weights.max()  # whose products with Y are numbers
        mean = np.average(Y, axis=0, weights=weights)
        deviation = np.sqrt(np.average((Y - mean) ** 2, axis=0, weights=weights))
        self.targets = (Y - mean) / np.where(deviation > 0, deviation, 1.0)

    def __call__(self, scores, rows):
        """Return the loss of every row and its gradient."""
        residual = scores - self.targets[rows]
        return 0.5 * (residual**2).sum(axis=1), residual


class _LogLoss:
    """Minus the logarithm of the probability of the class."""

    def __init__(self, y, weights):
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y has one class only, {classes[0]!r}: there is nothing to learn.")
        self.targets = np.eye(len(classes))[codes]

    def __call__(self, scores, rows):
        """Return the loss of every row and its gradient."""
        logs = log_softmax(scores, axis=1)
        targets = self.targets[rows]
        return -(targets * logs).sum(axis=1), np.exp(logs) - targets


def _loss(estimator, X, y, weights):
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None: learn_affine=True learns gamma and beta from it."
        )
    with reading("y"):
        y = plain("y", y, numbers=False)
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        check_same_length(X, y)
        if _is_continuous(y):
            return _Squares(y.astype(np.float64), weights)
        if y.ndim > 1 and y.shape[1] > 1:
            kind = type_of_target(y, input_name="y")
            raise ValueError(f"y of the kind {kind!r} is not supported by learn_affine=True.")
        return _LogLoss(y.ravel(), weights)


def _is_continuous(y):
    """Return whether y is a quantity: numbers with fractions, or of many different values.

    scikit-learn's `type_of_target` counts whole numbers of any size as classes.
    """
    if y.dtype.kind not in "iuf":
        return False
    return np.any(y != np.floor(y)) or len(np.unique(y)) > MOST_CLASSES


@one_blas_thread
def learn_affine(estimator, X, y, weights, gamma, beta, normalise):
    """Return gamma, beta and the loss of every epoch.

    Minimises, over gamma, beta, W and c, the mean loss of the scores (gamma z + beta) W + c plus
    alpha ||W||^2 / 2 by the weight of the batch; z are rows of a batch as `normalise` returns them.

    Parameters
    ----------
    estimator : BatchNormalizer or LayerNormalizer
        Has the parameters.
    X : ndarray of shape (n, p)
    y : array-like
    weights : ndarray of shape (n,)
    gamma, beta : ndarray of shape (p,)
        Where to begin.
    normalise : callable
        ``normalise(rows of X, their weights)`` returns z.
    """
    loss = _loss(estimator, X, y, weights)
    n, p = X.shape
    size = min(estimator.batch_size or 200, n)
    random = check_random_state(estimator.random_state)
    W, c = np.zeros((p, loss.targets.shape[1])), np.zeros(loss.targets.shape[1])
    parameters = [gamma.copy(), beta.copy(), W, c]
    optimizer = Adam(parameters, estimator.learning_rate_init)
    curve, idle, whole = [], 0, weights.sum()
    with np.errstate(over="ignore", invalid="ignore"):  # seen in the loss
        for epoch in range(estimator.max_iter):
            order = random.permutation(n) if estimator.shuffle else np.arange(n)
            mean = 0.0
            for part in gen_batches(n, size, min_batch_size=min(2, n)):
                rows = order[part]
                some, v = X[rows], weights[rows]
                if not v.any():
                    continue
                z = np.asarray(normalise(some, v), dtype=np.float64)
                value, gradients = _step(z, v, rows, loss, parameters, estimator.alpha)
                optimizer.step(gradients)
                mean += value * (v.sum() / whole)
            curve.append(float(mean))
            if not np.isfinite(curve[-1]):
                raise ValueError(
                    f"Learning gamma and beta diverged in epoch {epoch + 1}: lower "
                    f"learning_rate_init={estimator.learning_rate_init} or scale X."
                )
            best = min(curve[:-1], default=np.inf)
            idle = idle + 1 if curve[-1] > best - estimator.tol else 0
            if idle >= estimator.n_iter_no_change:
                break
    return parameters[0], parameters[1], curve


def _step(z, v, rows, loss, parameters, alpha):
    """Return the penalised loss of a mini-batch and its gradients."""
    gamma, beta, W, c = parameters
    a = z * gamma + beta
    values, gradient = loss(a @ W + c, rows)
    share = v / v.sum()
    penalty = alpha / v.sum()
    gradient = gradient * share[:, None]
    slopes = affine_gradients(gradient @ W.T, z)
    value = share @ values + 0.5 * penalty * (W * W).sum()
    return value, [*slopes, a.T @ gradient + penalty * W, gradient.sum(axis=0)]
