"""NIST's Statistical Reference Datasets: how many digits are right.

Figures of the page `doc/accuracy.md`, which `make accuracy` writes, are checked here.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from exact import floats, fractions
from sklearn.base import clone
from strd import LINEAR, UNIVARIATE, digits, exact_moments

from sklearn_regnorm import ElasticNet, Lasso, Ridge
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.solvers import forced_form

EPS = np.finfo(float).eps
PAGE = Path(__file__).parents[1] / "doc" / "accuracy.md"
linear = pytest.mark.parametrize("name", LINEAR)
univariate = pytest.mark.parametrize("name", UNIVARIATE)


# ------------------------------------------------------------------------------ the data


@linear
def test_the_certified_values_are_those_of_the_data(name):
    problem = LINEAR[name]
    w = problem.exact
    fitted = problem.X @ w[1:] + w[0] if problem.intercept else problem.X @ w
    middle = problem.y.mean() if problem.intercept else 0
    left, total = (sum((problem.y - one) ** 2) for one in (fitted, middle))
    deviation = float(left / (len(problem.y) - len(w))) ** 0.5
    assert floats(w) == pytest.approx(problem.certified, rel=1e-14, abs=0)
    assert deviation == pytest.approx(problem.deviation, rel=1e-14, abs=0)
    assert float(1 - left / total) == pytest.approx(problem.r_squared, rel=1e-14, abs=0)


@univariate
def test_the_certified_moments_are_those_of_the_data(name):
    problem = UNIVARIATE[name]
    mean, variance = exact_moments(problem.x)
    assert float(mean) == pytest.approx(problem.mean, rel=1e-14, abs=0)
    assert float(variance) ** 0.5 == pytest.approx(problem.deviation, rel=1e-14, abs=0)


# ------------------------------------------------------------------------------ regression

MODELS = {
    "Ridge": Ridge(0.0),
    "Lasso": Lasso(0.0),
    "ElasticNet": ElasticNet(0.0),
    "Ridge, Cholesky": Ridge(0.0, solver="cholesky"),
}


def intercept_condition(problem):
    """Return what rounding of the other coefficients is magnified by in the intercept."""
    if not problem.intercept:
        return 1.0
    b, w = abs(float(problem.exact[0])), np.abs(floats(problem.exact[1:]))
    return (abs(float(problem.y.mean())) + np.abs(floats(problem.X.mean(axis=0))) @ w) / b


@linear
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_all_digits_of_the_numbers_given(name, model, form):
    """However bad their condition, up to 4e9; the intercept is that of rounded coefficients."""
    problem, model = LINEAR[name], clone(MODELS[model])
    with forced_form(form):
        found = problem.coefficients(model)
    slopes = slice(bool(problem.intercept), None)
    assert digits(found[slopes], problem.exact_of_floats[slopes]) >= 14
    lost = np.log10(intercept_condition(problem))
    assert digits(found, problem.exact_of_floats) >= 14 - lost
    # what is left to be lost is lost by rounding the data
    ceiling = digits(floats(problem.exact_of_floats), problem.exact)
    assert digits(found, problem.exact) >= min(ceiling, 14 - lost) - 0.5


# ------------------------------------------------------------------------------ statistics


def splits(n):
    """Yield ends of batches: cuts in two, single rows, primes, and random batches."""
    rng = np.random.default_rng(0)
    yield from ([cut, n] for cut in range(1, n, max(1, n // 25)))
    yield list(range(1, n + 1))
    yield [*(one for one in (2, 5, 10, 17, 28, 41, 58, 77, 100) if one < n), n]
    for _ in range(10):
        yield [*sorted(rng.choice(np.arange(1, n), min(n - 1, 20), replace=False)), n]


@pytest.mark.compiled
@univariate
@pytest.mark.parametrize("order", ["C", "F"])
def test_moments_of_any_split(name, order):
    x = UNIVARIATE[name].floats
    X = np.asarray(np.hstack([x, x[::-1]]), order=order)
    mean, variance = exact_moments(fractions(x[:, 0]))
    expected = floats([mean, mean]), floats([variance, variance])
    for ends in [[len(x)], *splits(len(x))]:
        model = BatchNormalizer(ddof=1)
        for start, end in zip([0, *ends], ends, strict=False):
            model.partial_fit(X[start:end])
        np.testing.assert_allclose(model.mean_, expected[0], rtol=EPS, atol=0)
        np.testing.assert_allclose(model.var_, expected[1], rtol=8 * EPS, atol=0)


# ------------------------------------------------------------------------------ the page

# What chance may add to the digits of a number whose last one is rounded.
CHANCE = 0.5


def printed():
    """Return {name: {column: text}} of the tables of the page."""
    found, header = {}, []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        if cells[0] == "problem":
            header = cells
        elif cells[0] in {**LINEAR, **UNIVARIATE}:
            found[cells[0]] = dict(zip(header, cells, strict=True))
    return found


def test_the_page_has_every_problem():
    assert printed().keys() == {**LINEAR, **UNIVARIATE}.keys()


@linear
@pytest.mark.parametrize(("column", "model"), [("`Ridge(0)`", Ridge), ("`Lasso(0)`", Lasso)])
def test_the_digits_of_the_page_are_reached(column, model, name):
    problem, row = LINEAR[name], printed()[name]
    reached = digits(problem.coefficients(model(0.0)), problem.exact)
    assert reached >= float(row[column]) - CHANCE
    others = [float(row[one]) for one in row if one.startswith("sk")]
    assert float(row[column]) >= max(others) - 0.1  # none has more


@univariate
def test_the_digits_of_moments_are_reached(name):
    problem, row = UNIVARIATE[name], printed()[name]
    model = BatchNormalizer(ddof=1).fit(problem.floats)
    truth = Fraction(problem.mean), Fraction(problem.deviation)
    reached = digits([model.mean_[0], np.sqrt(model.var_[0])], truth)
    assert reached >= float(row["`BatchNormalizer`"]) - CHANCE
