"""Folds that cannot be used, folds of every legal kind, and faults that come late."""

import copy
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from refusal import N, X, fitted, refused, state, y
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV
from sklearn_regnorm.solvers import forced_form

CROSS_VALIDATED = [
    LassoCV(alphas=5),
    ElasticNetCV(alphas=5, l1_ratio=[0.2, 0.9]),
    RidgeCV(alphas=[0.01, 1.0, 100.0]),
]
cross_validated = pytest.mark.parametrize("model", CROSS_VALIDATED, ids=repr)

GOOD = (np.arange(10), np.arange(10, N))
ROWS = np.arange(N)
MASK = ROWS < 10
BAD_FOLDS = {
    "empty training side": ([], ROWS),
    "empty test side": (ROWS, []),
    "empty array": (ROWS[:0], ROWS),
    "row beyond the last": (ROWS, [0, N]),
    "training row beyond the last": ([0, 1, N], ROWS),
    "row far away": ([0, 1, 10**9], ROWS),
    "negative row": ([0, 1, -1], ROWS),
    "negative test row": (ROWS, [-N]),
    "fractions": ([0.0, 1.0, 2.0], ROWS),
    "NaN": (ROWS, [0.0, np.nan]),
    "text": (["0", "1"], ROWS),
    "objects": (np.array([0, "1"], dtype=object), ROWS),
    "matrix of rows": (ROWS.reshape(4, 5), ROWS),
    "one number": (3, ROWS),
    "short mask": (MASK[:-1], ~MASK),
    "long mask": (MASK, np.append(~MASK, True)),
    "mask of nothing": (np.zeros(N, dtype=bool), ~MASK),
    "test mask of nothing": (MASK, np.zeros(N, dtype=bool)),
    "column mask": (MASK[:, None], ~MASK),
    "None": (None, ROWS),
    "no pair": (ROWS,),
    "three": (ROWS, ROWS, ROWS),
}


@cross_validated
@pytest.mark.parametrize("kind", BAD_FOLDS)
def test_fold_h35(model, kind):
    for cv in ([BAD_FOLDS[kind]], [GOOD, BAD_FOLDS[kind]]):
        refused(type(model)(cv=cv), "cv", error=ValueError)
        refused(type(model)(cv=cv), "fold", error=ValueError)


@cross_validated
def test_fold_without_weight_h30(model):
    v = np.where(MASK, 0.0, 1.0)
    for cv in ([(ROWS[MASK], ROWS[~MASK])], [GOOD, (MASK, ~MASK)], KFold(2)):
        refused(type(model)(cv=cv), "fold", error=ValueError, sample_weight=v)
    # the held-out side is empty too, as repetition has it
    refused(type(model)(cv=[(~MASK, MASK)]), "fold", error=ValueError, sample_weight=v)


@cross_validated
def test_no_fold_at_all(model):
    refused(type(model)(cv=[]), "fold", error=ValueError)


class Broken:
    """A splitter whose last fold is out of range."""

    def split(self, X, y=None, groups=None):
        yield from KFold(3).split(X)
        yield ROWS, [N]

    def get_n_splits(self, X=None, y=None, groups=None):
        return 4


@cross_validated
def test_splitter_that_fails_late(model):
    refused(type(model)(cv=Broken()), "fold", error=ValueError)


LEGAL = {
    "masks": [(~(ROWS % 3 == k), ROWS % 3 == k) for k in range(3)],
    "lists of bool": [(list(ROWS % 3 != k), list(ROWS % 3 == k)) for k in range(3)],
    "lists": [(ROWS[ROWS % 3 != k].tolist(), ROWS[ROWS % 3 == k].tolist()) for k in range(3)],
    "mask and rows": [(ROWS % 3 != k, ROWS[ROWS % 3 == k]) for k in range(3)],
    "uint8": [
        (ROWS[ROWS % 3 != k].astype(np.uint8), ROWS[ROWS % 3 == k].astype(np.int16))
        for k in range(3)
    ],
    "any order": [(ROWS[ROWS % 3 != k][::-1], ROWS[ROWS % 3 == k][::-1]) for k in range(3)],
}


@cross_validated
@pytest.mark.parametrize("kind", LEGAL)
def test_ways_to_name_the_same_rows(model, kind):
    plain = [(ROWS[ROWS % 3 != k], ROWS[ROWS % 3 == k]) for k in range(3)]
    expected = copy.deepcopy(model).set_params(cv=plain).fit(X, y)
    model = copy.deepcopy(model).set_params(cv=LEGAL[kind]).fit(X, y)
    assert_array_equal(model.mse_path_, expected.mse_path_)
    assert_array_equal(model.coef_, expected.coef_)


@cross_validated
def test_folds_are_not_modified(model):
    folds = [tuple(np.array(side) for side in fold) for fold in LEGAL["any order"]]
    before = [side.tobytes() for fold in folds for side in fold]
    for fold in folds:
        for side in fold:
            side.flags.writeable = False
    copy.deepcopy(model).set_params(cv=folds).fit(X, y)
    assert [side.tobytes() for fold in folds for side in fold] == before


@pytest.mark.parametrize("cls", [Lasso, ElasticNet, Ridge, LassoCV, ElasticNetCV])
def test_warning_turned_into_an_error_changes_nothing(cls):
    rng = np.random.default_rng(1)
    Z = rng.standard_normal((30, 60)) @ rng.standard_normal((60, 60))
    z = rng.standard_normal(30)
    model = cls(max_iter=1, tol=1e-14, positive=cls is Ridge)  # else Ridge does not iterate
    # on a long grid the lasso's path is followed from event to event, without sweeps
    model.set_params(**({"alphas": 5} if cls.__name__.endswith("CV") else {"alpha": 1e-3}))
    for one in (model, copy.deepcopy(fitted(cls)).set_params(**model.get_params())):
        before = state(one)
        with warnings.catch_warnings(), forced_form("working_set"):
            warnings.simplefilter("error", ConvergenceWarning)
            with pytest.raises(ConvergenceWarning, match=r"(?s)max_iter.*tol"):
                one.fit(Z, z)
        assert state(one) == before
