"""Steps of gradient descent. An optimizer sees pairs of parameter and gradient, nothing else."""

import numpy as np


class Adam:
    """Adam (Kingma and Ba 2015): steps of about `learning_rate`, by running moments of gradients.

    Parameters
    ----------
    parameters : list of ndarray
        Updated in place.
    learning_rate, beta_1, beta_2, epsilon : float
    """

    def __init__(self, parameters, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.steps = 0
        self.means = [np.zeros_like(one) for one in parameters]
        self.squares = [np.zeros_like(one) for one in parameters]

    def step(self, gradients):
        """Go one step down the gradients, which are in the order of the parameters."""
        self.steps += 1
        rate = self.learning_rate * np.sqrt(1 - self.beta_2**self.steps)
        rate /= 1 - self.beta_1**self.steps
        for one, gradient, mean, square in zip(
            self.parameters, gradients, self.means, self.squares, strict=True
        ):
            mean += (1 - self.beta_1) * (gradient - mean)
            square += (1 - self.beta_2) * (gradient * gradient - square)
            one -= rate * mean / (np.sqrt(square) + self.epsilon)
