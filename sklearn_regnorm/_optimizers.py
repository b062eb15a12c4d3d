r"""Steps of gradient descent. An optimizer sees pairs of parameter and gradient, nothing else.

All of them add ``l2 * parameter`` to the gradient (`AdamW` takes it from the parameter itself), and
end a step with the proximal map of ``l1 * |parameter|``, soft thresholding, which leaves exact
zeros. The threshold is l1 times the rate at which the step followed a lasting gradient: so what a
step does not change is what satisfies :math:`|g + l_2 w| \le l_1` at w = 0, and
:math:`g + l_2 w = -l_1 \mathrm{sign}(w)` elsewhere, the conditions of a minimum. Momentum makes
that rate `learning_rate` / (1 - momentum); Adam gives each entry its own,
`learning_rate` / (sqrt(v) + epsilon) (proximal steps in the metric of the optimizer: Yun, Lozano
and Yang 2021).
"""

import math

import numpy as np

from ._jit import jit


@jit
def _adam(w, gradient, mean, square, rate, share_1, share_2, scale, epsilon, l2):
    for i in range(w.shape[0]):
        g = gradient[i] + l2 * w[i]
        mean[i] += share_1 * (g - mean[i])
        square[i] += share_2 * (g * g - square[i])
        w[i] -= rate * mean[i] / (math.sqrt(square[i]) * scale + epsilon)


@jit
def _adam_shrink(w, square, threshold, scale, epsilon):
    for i in range(w.shape[0]):
        t = threshold / (math.sqrt(square[i]) * scale + epsilon)
        if abs(w[i]) <= t:  # false for NaN, which has to stay
            w[i] = 0
        else:
            w[i] -= math.copysign(t, w[i])


@jit
def _sgd(w, gradient, velocity, rate, momentum, nesterov, l2):
    for i in range(w.shape[0]):
        step = rate * (gradient[i] + l2 * w[i])
        velocity[i] = momentum * velocity[i] - step
        w[i] += momentum * velocity[i] - step if nesterov else velocity[i]


@jit
def _shrink(w, threshold):
    for i in range(w.shape[0]):
        if abs(w[i]) <= threshold:
            w[i] = 0
        else:
            w[i] -= math.copysign(threshold, w[i])


class Optimizer:
    """Base of the optimizers.

    Parameters
    ----------
    parameters : list of ndarray
        Contiguous, updated in place.
    learning_rate : float
        May be changed between steps.
    l1, l2 : float or sequence of float, default=0.0
        Strengths of the penalties ``l1 |w| + l2 w^2 / 2``, one for all or one per parameter; may be
        changed between steps.

    Attributes
    ----------
    states : tuple of list of ndarray
        What is remembered of each parameter.
    """

    n_states = 1

    def __init__(self, parameters, learning_rate, l1=0.0, l2=0.0):
        self.learning_rate, self.l1, self.l2 = learning_rate, l1, l2
        self.steps = 0
        self.states = tuple([np.zeros_like(w) for w in parameters] for _ in range(self.n_states))
        self.parameters = parameters

    def step(self, gradients):
        """Go one step down the gradients, which are in the order of the parameters."""
        self.steps += 1
        n = len(self.parameters)
        penalties = np.broadcast_to(self.l1, n), np.broadcast_to(self.l2, n)
        for w, gradient, l1, l2, *states in zip(
            self.parameters, gradients, *penalties, *self.states, strict=True
        ):
            arrays = [one.reshape(-1) for one in (w, gradient, *states)]
            self._step(w.dtype.type, *arrays, l1, l2)

    def __getstate__(self):
        """Leave out the parameters, which have another owner."""
        return {name: value for name, value in vars(self).items() if name != "parameters"}


class SGD(Optimizer):
    """Gradient descent with momentum.

    ``v = momentum * v - rate * g; w += v``, or ``w += momentum * v - rate * g`` with the new v
    (Nesterov).

    Parameters
    ----------
    parameters : list of ndarray
    learning_rate : float, default=0.001
    momentum : float, default=0.9
    nesterov : bool, default=True
    l1, l2 : float or sequence of float
    """

    def __init__(
        self, parameters, learning_rate=0.001, momentum=0.9, nesterov=True, l1=0.0, l2=0.0
    ):
        super().__init__(parameters, learning_rate, l1, l2)
        self.momentum, self.nesterov = momentum, nesterov

    def _step(self, kind, w, gradient, velocity, l1, l2):
        rate, momentum = kind(self.learning_rate), kind(self.momentum)
        _sgd(w, gradient, velocity, rate, momentum, self.nesterov, kind(l2))
        if l1 > 0:
            inertia = 1.0 - self.momentum
            _shrink(w, kind(l1 * self.learning_rate / inertia if inertia > 0 else np.inf))


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): steps of about `learning_rate`, by running moments of gradients.

    `epsilon` is added to the square root of the corrected second moment, as in the paper and in
    PyTorch (scikit-learn adds it before the correction).

    Parameters
    ----------
    parameters : list of ndarray
    learning_rate, beta_1, beta_2, epsilon : float
    l1, l2 : float or sequence of float
    """

    n_states = 2

    def __init__(
        self,
        parameters,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        l1=0.0,
        l2=0.0,
    ):
        super().__init__(parameters, learning_rate, l1, l2)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _step(self, kind, w, gradient, mean, square, l1, l2):
        rate = kind(self.learning_rate / (1 - self.beta_1**self.steps))
        scale = kind(1 / math.sqrt(1 - self.beta_2**self.steps))
        shares, epsilon = (kind(1 - self.beta_1), kind(1 - self.beta_2)), kind(self.epsilon)
        _adam(w, gradient, mean, square, rate, *shares, scale, epsilon, kind(l2))
        if l1 > 0:
            _adam_shrink(w, square, kind(l1 * self.learning_rate), scale, epsilon)


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov and Hutter 2019): ``w -= rate * l2 * w`` before a step.

    The decay does not pass through Adam's moments, which would make it about as strong for entries
    with large gradients as for others. `l2` is what PyTorch calls `weight_decay`.

    Parameters
    ----------
    parameters : list of ndarray
    learning_rate, beta_1, beta_2, epsilon : float
    l1, l2 : float or sequence of float
    """

    def _step(self, kind, w, gradient, mean, square, l1, l2):
        if l2 > 0:
            w *= kind(1.0 - self.learning_rate * l2)
        super()._step(kind, w, gradient, mean, square, l1, 0.0)
