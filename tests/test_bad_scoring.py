"""Scorers that are none, scorers that fail, and names of metrics that do not exist."""

import numpy as np
import pytest
from problems import regression
from refusal import state
from sklearn.base import clone

from sklearn_regnorm import LassoCV, RidgeCV

X, y = regression(0, 44, 6)
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")


def off_by(model, X, y):
    return -float(np.abs(y - model.predict(X)).max())


BAD_SCORING = {
    "unknown name": ("r3", None, "scoring"),
    "unknown in a list": (["r2", "nonsense"], "r2", "scoring"),
    "empty": ([], None, "scoring is empty"),
    "empty dict": ({}, None, "scoring is empty"),
    "functions in a list": ([off_by, "r2"], "r2", "scoring.*dict"),
    "number": (3, None, "scoring"),
    "dict of wrong names": ({"a": "nonsense"}, "a", "scoring"),
    "none of several": (["r2", "neg_max_error"], None, "refit is needed.*r2"),
    "other metric": (["r2", "neg_max_error"], "mse", "refit.*mse.*r2"),
    "other than the one": ("r2", "neg_max_error", "refit.*neg_max_error.*r2"),
    "numbered": ({1: "r2"}, None, "scoring.*strings"),
    "flag": (["r2", "neg_max_error"], True, "refit.*True.*r2"),
    "without scoring": (None, "r2", "refit.*r2.*no scoring"),
    "returns text": (lambda model, X, y: "good", None, "score.*no number"),
    "returns nothing": (lambda model, X, y: None, None, "score.*no number"),
    "returns several": ({"m": lambda model, X, y: [1.0, 2.0]}, None, "m returned no number"),
    "returns a huge number": (lambda model, X, y: 10**400, None, "score.*no number"),
    "returns a dict": (lambda model, X, y: {"r2": 1.0}, None, "score.*no number"),
}


@pytest.mark.parametrize("model", [LassoCV(cv=3), RidgeCV(cv=3), RidgeCV()], ids=repr)
@pytest.mark.parametrize("bad", BAD_SCORING)
def test_what_is_no_scoring(bad, model):
    scoring, refit, message = BAD_SCORING[bad]
    model = clone(model).fit(X, y)
    model.set_params(scoring=scoring, refit=refit)
    before = state(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert state(model) == before


@pytest.mark.parametrize("scoring", [lambda m, X, y: np.nan, lambda m, X, y: np.float32("nan")])
def test_scores_that_are_all_nan(scoring):
    with pytest.raises(ValueError, match="No penalty has a score on every fold"):
        LassoCV(scoring=scoring).fit(X, y)


@pytest.mark.parametrize("cls", [LassoCV, RidgeCV])
def test_infinite_scores(cls):
    """They have no deviation and no error, and raise no warning; the others may be chosen."""
    model = cls(alphas=[1e-3, 1e6], cv=3)
    model.set_params(
        scoring=lambda m, X, y: off_by(m, X, y) if np.ptp(m.predict(X)) > 1 else -np.inf
    )
    assert model.fit(X, y).alpha_ == 1e-3
    table = model.cv_table_
    assert list(table["mean_test_score"] == -np.inf) == [True, False]
    for name in ("std_test_score", "se_test_score"):
        assert list(np.isnan(table[name])) == [True, False]
