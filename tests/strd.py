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


def digits(numbers, truth):
    """Return how many digits of the worst number are right: LRE, log relative error, up to 15."""
    errors = [
        abs((Fraction(float(one)) - true) / true)
        for one, true in zip(np.ravel(numbers), np.ravel(truth), strict=True)
    ]
    return float(min(15.0, -np.log10(max(float(max(errors)), 1e-300))))


@dataclass
class Linear:
    """A least squares problem; X (without the column of ones) and y as published."""

    X: np.ndarray
    y: np.ndarray
    intercept: bool
    certified: list  # coefficients, the intercept first
    deviation: float  # of the residuals
    r_squared: float

    def solve(self, X, y):
        """Return the exact coefficients, the intercept first if there is one."""
        A = np.column_stack([fractions([1] * len(y)), X]) if self.intercept else X
        return solve(A.T @ A, A.T @ y)

    @cached_property
    def floats(self):
        """X and y as a program is given them."""
        return floats(self.X), floats(self.y)

    @cached_property
    def exact(self):
        """The exact coefficients of the published problem."""
        return self.solve(self.X, self.y)

    @cached_property
    def exact_of_floats(self):
        """Those of the problem that rounding X and y to floats leaves."""
        return self.solve(*(fractions(one) for one in self.floats))

    @property
    def ceiling(self):
        """Digits of the published solution that the floats still have."""
        return digits(floats(self.exact_of_floats), self.exact)

    @property
    def condition(self):
        """Condition number of the centred columns at length one."""
        X = self.floats[0]
        X = X - X.mean(axis=0) if self.intercept else X
        return float(np.linalg.cond(X / np.linalg.norm(X, axis=0)))

    def coefficients(self, model):
        """Return those of a model fitted to the problem, the intercept first."""
        model.set_params(fit_intercept=self.intercept).fit(*self.floats)
        return [model.intercept_, *model.coef_] if self.intercept else list(model.coef_)


@dataclass
class Univariate:
    """Numbers, as published, their mean and standard deviation."""

    x: np.ndarray
    mean: float
    deviation: float  # of divisor n - 1

    @property
    def floats(self):
        """The numbers as a program is given them: a column."""
        return floats(self.x)[:, None]

    @property
    def ceiling(self):
        """Digits of the exact mean and deviation of the floats."""
        mean, variance = exact_moments(fractions(self.floats[:, 0]))
        truth = Fraction(self.mean), Fraction(self.deviation)
        return digits([mean, float(variance) ** 0.5], truth)


def exact_moments(x):
    """Return the exact mean and variance, of divisor n - 1, of fractions."""
    mean = sum(x) / len(x)
    return mean, sum((one - mean) ** 2 for one in x) / (len(x) - 1)


# ------------------------------------------------------------------------------ data


def _read(name):
    lines = (FOLDER / f"{name}.txt").read_text().splitlines()
    return [[Fraction(word) for word in line.split()] for line in lines]


def _linear(name, certified, deviation, r_squared, *, degree=1, intercept=True):
    table = fractions(_read(name))
    X = table[:, 1:] if degree == 1 else _powers(table[:, 1], degree)
    return Linear(X, table[:, 0], intercept, certified, deviation, r_squared)


def _powers(x, degree):
    return np.column_stack([x**k for k in range(1, degree + 1)])


def _wampler(number):
    """Return one of the five polynomials on 0..20, by their definitions."""
    x = fractions(np.arange(21))
    base = 10 if number == 2 else 1
    y = sum(x**k / base**k for k in range(6))
    noise = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048]
    size = {3: 1, 4: 100, 5: 10000}.get(number, 0)
    y = y + size * fractions([*noise, 2048, *noise[::-1]])
    r_squared = {3: 0.999995559025820, 4: 0.957478440825662, 5: 0.224668921574940e-2}
    certified = [base**-k for k in range(6)]
    return Linear(
        _powers(x, 5), y, True, certified, 2360.14502379268 * size, r_squared.get(number, 1.0)
    )


LINEAR = {
    "Norris": _linear(
        "norris", [-0.262323073774029, 1.00211681802045], 0.884796396144373, 0.999993745883712
    ),
    "Pontius": _linear(
        "pontius", [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14],
        0.205177424076185e-03, 0.999999900178537, degree=2,
    ),
    "NoInt1": _linear(
        "noint1", [2.07438016528926], 3.56753034006338, 0.999365492298663, intercept=False
    ),
    "NoInt2": _linear(
        "noint2", [0.727272727272727], 0.369274472937998, 0.993348115299335, intercept=False
    ),
    "Filip": _linear(
        "filip",
        [-1467.48961422980, -2772.17959193342, -2316.37108160893, -1127.97394098372,
         -354.478233703349, -75.1242017393757, -10.8753180355343, -1.06221498588947,
         -0.670191154593408e-01, -0.246781078275479e-02, -0.402962525080404e-04],
        0.334801051324544e-02, 0.996727416185620, degree=10,
    ),
    "Longley": _linear(
        "longley",
        [-3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683,
         -1.03322686717359, -0.511041056535807e-01, 1829.15146461355],
        304.854073561965, 0.995479004577296,
    ),
    **{f"Wampler{number}": _wampler(number) for number in range(1, 6)},
}  # fmt: skip


def _around(middle):
    """Return `middle`, then 500 times a tenth below and above it."""
    middle, tenth = Fraction(middle), Fraction(1, 10)
    return fractions([middle] + [middle - tenth, middle + tenth] * 500)


def _numbers(name):
    return fractions(sum(_read(name), []))


UNIVARIATE = {
    "Lottery": Univariate(_numbers("lottery"), 518.958715596330, 291.699727470969),
    "Lew": Univariate(_numbers("lew"), -177.435000000000, 277.332168044316),
    "Mavro": Univariate(_numbers("mavro"), 2.00185600000000, 0.000429123454003053),
    "Michelso": Univariate(_numbers("michelso"), 299.852400000000, 0.0790105478190518),
    "NumAcc1": Univariate(fractions([10000001, 10000003, 10000002]), 10000002.0, 1.0),
    "NumAcc2": Univariate(_around("1.2"), 1.2, 0.1),
    "NumAcc3": Univariate(_around("1000000.2"), 1000000.2, 0.1),
    "NumAcc4": Univariate(_around("10000000.2"), 10000000.2, 0.1),
}
