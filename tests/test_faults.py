"""Fits that fail halfway, at any point: the estimator is as it was before, and so is the rest.

Ctrl-C raises KeyboardInterrupt wherever Python is at that moment, and memory may be refused to any
array. Both are tried at many points of a fit, one at a time.
"""

import copy
import functools
import inspect
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from every_estimator import PAIRS, SHAPES, WARNINGS, content, data, make, names, use
from refused_memory import allocations, refusing
from threadpoolctl import ThreadpoolController

import sklearn_regnorm

pytestmark = pytest.mark.filterwarnings(WARNINGS)
PACKAGE = str(Path(sklearn_regnorm.__file__).parent)
BLAS = ThreadpoolController().select(user_api="blas")
# Points of a fit that are tried: so many from its beginning on, and so many of all.
FIRST_ALLOCATIONS, SOME_ALLOCATIONS, SOME_LINES = 60, 10, 25


def surroundings():
    """Return what a fit may change while it runs, and has to bring back."""
    limits = [one["num_threads"] for one in BLAS.info()]
    return limits, np.geterr(), list(warnings.filters), threading.active_count()


class Trial:
    """A fitted estimator, and a second fit that does not get to its end."""

    def __init__(self, name, kind):
        self.first, self.second = data(name, kind), data(name, kind, seed=1)
        self.model = make(name).fit(*self.first)
        self.before = content(vars(self.model)), surroundings()
        self.inputs = content(self.second)

    def fit(self):
        self.model.fit(*self.second)

    def fails(self, error):
        """Return whether the fit fails with the error; if so, all is as it was."""
        attempt = copy.copy(self.model)
        try:
            attempt.fit(*self.second)
        except error:
            assert (content(vars(attempt)), surroundings()) == self.before
            return True
        return False

    def end(self):
        """Assert that the estimator goes on as one to which nothing has happened."""
        model, other = copy.copy(self.model), copy.deepcopy(self.model)
        X = self.first[0]
        assert content(use(model, X)) == content(use(other, X))
        model.fit(*self.second)
        other.fit(*self.second)
        assert content(vars(model)) == content(vars(other))
        assert content(self.second) == self.inputs


@functools.cache
def withs(path):
    """Return the numbers of the lines of a file that begin with `with`."""
    lines = Path(path).read_text().splitlines()
    return {k for k, line in enumerate(lines, 1) if line.lstrip().startswith("with ")}


class Interruption:
    """A context in which the k-th line or call of the package raises KeyboardInterrupt.

    Where Python looks for signals, roughly. It does not when it turns back to the `with` of a block
    to leave it, and exceptions in generators that are closed go nowhere.
    """

    def __init__(self, k=0):
        self.left = k

    def __enter__(self):
        self.count = 0
        sys.settrace(self._enter)
        return self

    def __exit__(self, *exception):
        sys.settrace(None)

    def _enter(self, frame, event, argument):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) or code.co_flags & inspect.CO_GENERATOR:
            return None
        if code.co_name in ("__getstate__", "__setstate__"):  # of the test's own copies
            return None
        return self._step(frame, event, argument)

    def _step(self, frame, event, argument):
        if event == "call" or (
            event == "line" and frame.f_lineno not in withs(frame.f_code.co_filename)
        ):
            self.count += 1
            if self.count == self.left:
                raise KeyboardInterrupt
        return self._step


def points(first, more, most):
    """Return all numbers up to `first`, and `more` random ones up to `most`, rather small ones."""
    random = np.random.default_rng(most).random(more)
    return [*range(1, min(first, most) + 1), *np.ceil(most**random).astype(int).tolist()]


def interrupt(name, kind, more):
    trial = Trial(name, kind)
    copy.copy(trial.model).fit(*trial.second)  # compiles, which is done once only
    with Interruption() as whole:
        copy.copy(trial.model).fit(*trial.second)
    for k in points(0, more, whole.count):
        with Interruption(k):
            assert trial.fails(KeyboardInterrupt), k
    trial.end()


def refuse_memory(name, kind, first, more):
    trial = Trial(name, kind)
    whole = allocations(copy.copy(trial.model).fit, *trial.second)
    for k in points(first, more, whole):
        with refusing(k):
            assert trial.fails(MemoryError), k
    trial.end()


@pytest.mark.parametrize("name", ["Lasso", "LassoCV", "RidgeCV", "BatchNormalizer", "MLPRegressor"])
def test_ctrl_c_quickly(name):
    interrupt(name, "tall", 10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES["small"])
def test_ctrl_c_anywhere(kind):
    for name in names(kind):
        interrupt(name, kind, SOME_LINES)


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_ctrl_c_at_many_points(name, kind):
    interrupt(name, kind, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES["small"])
def test_no_memory_anywhere_h70(kind):
    """The k-th allocation fails."""
    for name in names(kind):
        refuse_memory(name, kind, FIRST_ALLOCATIONS, SOME_ALLOCATIONS)


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_no_memory_at_many_points(name, kind):
    refuse_memory(name, kind, 1000, 1000)
