"""Models that were stored, by this version or another."""

import copy
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from data.make_pickles import MODELS, used
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import sklearn_regnorm

PICKLES = sorted((Path(__file__).parent / "data" / "pickles").glob("*.pickle"))
pytestmark = pytest.mark.filterwarnings("ignore:.*(not converged|edge of its grid)")
X = np.random.default_rng(0).standard_normal((40, 4))
every = pytest.mark.parametrize("name", MODELS)


def fitted(name):
    return clone(MODELS[name]).fit(X, X[:, 0] > 0 if name == "MLPClassifier" else X[:, 0] - X[:, 1])


@every
def test_round_trips_n14(name):
    """And nothing compiled is stored, nor anything of numba's."""
    model = fitted(name)
    assert b"numba" not in pickle.dumps(model)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert vars(twin).keys() == vars(model).keys()
        assert_array_equal(used(twin, X), used(model, X))


@pytest.mark.parametrize("path", PICKLES, ids=lambda path: path.stem)
def test_pickles_of_releases_n16(path):
    """They load and predict as they did; those of another minor version after a warning."""
    same = path.stem.split(".")[:2] == sklearn_regnorm.__version__.split(".")[:2]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stored = pickle.loads(path.read_bytes())
    ours = [one for one in caught if "of sklearn_regnorm" in str(one.message)]
    assert len(ours) == (0 if same else len(MODELS))
    for name in MODELS:
        model, expected = stored[name]
        assert_allclose(used(model, stored["X"]), expected, rtol=1e-12, atol=1e-12)


@every
def test_another_minor_version_warns_n16(name, monkeypatch):
    model = fitted(name)
    old = pickle.dumps(model)
    major, minor = sklearn_regnorm.__version__.split(".")[:2]
    monkeypatch.setattr(sklearn_regnorm, "__version__", f"{major}.{minor}.99")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(old)
    monkeypatch.setattr(sklearn_regnorm, "__version__", f"{major}.{int(minor) + 1}.0")
    with pytest.warns(
        UserWarning, match=rf"{name}.*version {major}.{minor}.*Fit it again"
    ) as caught:
        pickle.loads(old)
    assert {one.filename for one in caught} == {__file__}
