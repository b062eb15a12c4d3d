"""A model that refuses its input must say why, and must be left as it was."""

import copy
import functools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

REFUSED = (ValueError, TypeError)
N, P = 20, 4

_rng = np.random.default_rng(0)
X = _rng.standard_normal((N, P))
y = X @ [2.0, -1.0, 0.0, 0.5] + 0.1 * _rng.standard_normal(N)


def put(array, index, value):
    """Return a copy of `array` with one entry replaced, its dtype widened if need be."""
    changed = np.array(array, dtype=np.result_type(array, np.asarray(value)))
    changed[index] = value
    return changed


@functools.cache
def fitted(cls):
    """Return a model with default parameters, fitted to usable data; not to be changed."""
    return cls().fit(X, y)


def state(model):
    """Return what identifies every attribute of `model`, and its content."""
    return {
        name: (id(value), value.tobytes() if isinstance(value, np.ndarray) else repr(value))
        for name, value in vars(model).items()
    }


def refused(model, name, X=X, y=y, error=REFUSED, **fit):
    """Assert that fit refuses, with a message that matches `name` as a word, and changes nothing.

    Tried on the unfitted model, and on one of its parameters that was fitted before.
    """
    old = copy.deepcopy(fitted(type(model))).set_params(**model.get_params(deep=False))
    for one in (model, old):
        before = state(one)
        with pytest.raises(error, match=rf"(?<!\w){name}(?!\w)"):
            one.fit(X, y, **fit)
        assert state(one) == before
    good = globals()["X"]
    assert_array_equal(old.predict(good), fitted(type(model)).predict(good))
