"""The linear and univariate problems of NIST's Statistical Reference Datasets.

Everything is kept as fractions: the published decimals are exact, and the answers are computed
from them in rational arithmetic. The certified values, of 15 digits, check the data.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from exact import floats, fractions, solve

FOLDER = Path(__file__).parent / "data" / "strd"


@dataclass
class Linear:
    """One least squares problem; X (without the column of ones) and y as published."""

    X: np.ndarray
    y: np.ndarray
    intercept: bool
    certified: list  # of coefficients, the intercept first
    residual_deviation: float
    r_squared: float

    def least_squares(self, X, y):
        """Return the exact coefficients, the intercept first if there is one."""
        A = np.column_stack([fractions([1] * len(y)), X]) if self.intercept else X
        return solve(A.T @ A, A.T @ y)

    @cached_property
    def exact(self):
        """The exact coefficients of the published problem."""
        return self.least_squares(self.X, self.y)

    @cached_property
    def exact_of_floats(self):
        """Those of the problem that remains when X and y are rounded to floats."""
        return self.least_squares(fractions(floats(self.X)), fractions(floats(self.y)))


def _read(name):
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    return [[Fraction(word) for word in line.split()] for line in lines]


def _table(name):
    table = fractions(_read(name))
    return table[:, 1:], table[:, 0]


def powers(x, degree):
    return np.column_stack([x**k for k in range(1, degree + 1)])


def _wampler():
    """Return x = 0..20 and the five responses, by their definitions."""
    x = fractions(np.arange(21))
    one = sum(x**k for k in range(6))
    two = sum(x**k / 10**k for k in range(6))
    noise = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
    noise = fractions([*noise, 2048, *noise[::-1]])
    return x[:, None], [one, two, one + noise, one + 100 * noise, one + 10000 * noise]
