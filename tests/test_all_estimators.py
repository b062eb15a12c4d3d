"""What every estimator owes to weights and to sparse matrices, whatever module it is from."""

import inspect

import numpy as np
import pytest
from data.make_pickles import MODELS, used
from numpy.testing import assert_allclose
from problems import contain
from scipy import sparse
from sklearn.base import clone

rng = np.random.default_rng(0)
X = np.round(rng.standard_normal((40, 4)), 3) * (rng.random((40, 4)) < 0.6)
Y = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(40)
pytestmark = pytest.mark.filterwarnings("ignore:.*(not converged|edge of its grid)")


def target(model):
    return (Y > 0).astype(int) if "Classifier" in type(model).__name__ else Y


WEIGHTED = [
    (name, method)
    for name, model in MODELS.items()
    for method in ("fit", "partial_fit")
    if "sample_weight" in inspect.signature(getattr(model, method, len)).parameters
]
ONES = np.ones(40)
BAD_WEIGHTS = {
    "negative": np.where(np.arange(40) == 3, -1e-9, 1.0),
    "all negative": -ONES,
    "NaN": np.where(np.arange(40) == 3, np.nan, 1.0),
    "infinite": np.where(np.arange(40) == 3, np.inf, 1.0),
    "complex": ONES + 1j,
    "column": ONES[:, None],
    "row": ONES[None],
    "short": ONES[1:],
    "zero": 0 * ONES,
    "objects": np.array([object()] * 40),
    "text": ["heavy"] * 40,
}


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
@pytest.mark.parametrize(("name", "method"), WEIGHTED)
def test_weights_that_are_none_are_refused_h29(name, method, kind):
    model = clone(MODELS[name])
    given = {"classes": [0, 1]} if (name, method) == ("MLPClassifier", "partial_fit") else {}
    with pytest.raises((ValueError, TypeError), match="sample_weight"):
        getattr(model, method)(X, target(model), sample_weight=BAD_WEIGHTS[kind], **given)
    assert vars(model) == model.get_params(deep=False)


def test_all_that_take_weights_are_there():
    assert {name for name, _ in WEIGHTED} == MODELS.keys() - {"StabilitySelection"}
    assert [name for name, method in WEIGHTED if method == "partial_fit"] == [
        "BatchNormalizer", "MLPClassifier", "MLPRegressor",
    ]  # fmt: skip


def untidy(kind):
    """Return X as a sparse matrix in a form that kernels do not take."""
    if kind == "explicit zeros":
        full = sparse.csr_array(X + 7.0)
        full.data = X.ravel().copy()
        return full
    if kind == "csr duplicates":
        return contain(X.T, "duplicates").T
    if kind == "coo duplicates":
        half = sparse.coo_array(X / 2)
        twice = tuple(np.concatenate([axis[::-1], axis]) for axis in (half.row, half.col))
        return sparse.coo_array((np.concatenate([half.data[::-1], half.data]), twice), X.shape)
    return contain(X, kind)


SPARSE = "duplicates", "unsorted", "csr duplicates", "coo duplicates", "explicit zeros"


@pytest.mark.parametrize(
    "kind",
    [
        "duplicates",
        "bsr",
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in (*SPARSE[1:], "lil", "dia", "dok", "csr64")
        ),
    ],
)
@pytest.mark.parametrize("name", MODELS)
def test_untidy_sparse_matrices_are_the_matrices_they_stand_for_h64(name, kind):
    """Entries in parts are summed, on a copy."""
    model = clone(MODELS[name])
    model.set_params(**{"center": False} if "center" in model.get_params() else {})
    given = untidy(kind)
    before = given.copy()
    found = used(clone(model).fit(given, target(model)), given)
    expected = used(clone(model).fit(X, target(model)), X)
    found, expected = (one.toarray() if sparse.issparse(one) else one for one in (found, expected))
    assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    assert given.nnz == before.nnz and (given != before).nnz == 0
    for part in ("data", "indices", "indptr", "row", "col"):
        if isinstance(getattr(before, part, None), np.ndarray):
            np.testing.assert_array_equal(getattr(given, part), getattr(before, part))
