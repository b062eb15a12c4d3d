"""What cannot be used is refused by name, before it does any harm."""

import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    enet_path,
    lasso_path,
)

N, P = 20, 4
EVERY = [
    Lasso(alpha=0.1),
    Ridge(),
    ElasticNet(alpha=0.1),
    LassoCV(alphas=5, cv=3),
    RidgeCV(alphas=[0.5, 1.0, 2.0]),
    RidgeCV(alphas=[0.5, 1.0, 2.0], cv=3),
    ElasticNetCV(alphas=5, cv=3, l1_ratio=[0.5, 1.0]),
]
CROSS_VALIDATED = [LassoCV(alphas=5), RidgeCV(alphas=[0.5, 1.0, 2.0]), ElasticNetCV(alphas=5)]
every = pytest.mark.parametrize("model", EVERY, ids=repr)
cross_validated = pytest.mark.parametrize("model", CROSS_VALIDATED, ids=repr)

rng = np.random.default_rng(0)
X = rng.standard_normal((N, P))
y = X @ [2.0, -1.0, 0.0, 0.5] + 0.1 * rng.standard_normal(N)
ONES = np.ones(N)


def with_entry(array, index, value):
    changed = np.array(array, dtype=np.result_type(array, type(value)))
    changed[index] = value
    return changed


def refused(model, name, X=X, y=y, **fit):
    """Assert that fit refuses, by name, and changes nothing: before a first fit and after one."""
    for fitted in (False, True):
        model = clone(model)
        if fitted:
            given = model.get_params()
            usable = {n: given[n] for n in ("alphas", "cv") if n in given}
            usable = {"alphas": [1.0, 0.1], "cv": 3} if usable else {}
            vars(model).update(vars(type(model)(**usable).fit(globals()["X"], globals()["y"])))
            vars(model).update(given)
        before, saved = dict(vars(model)), pickle.dumps({**vars(model), **given, "cv": 0}) if (
            fitted and not any(isinstance(v, type(object())) for v in given.values())
        ) else None
    raise NotImplementedError
