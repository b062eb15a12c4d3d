"""scikit-learn's own checks on many configurations, and what those checks leave out."""

import copy
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_regnorm import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    StabilitySelection,
)
from sklearn_regnorm.preprocessing import BatchNormalizer

# noise for y, or three alphas: the best is often at the edge
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha:UserWarning")

DEFAULTS = [Lasso(), Ridge(), ElasticNet(), LassoCV(), RidgeCV(), ElasticNetCV()]
CONFIGURATIONS = [
    Lasso(alpha=0.01, positive=True),
    Lasso(alpha=0.01, fit_intercept=False),
    Lasso(alpha=0.01, standardize=True),
    Lasso(alpha=1e-3, warm_start=True, tol=1e-14),
    ElasticNet(alpha=0.1, l1_ratio=0.0),
    ElasticNet(alpha=0.1, l1_ratio=1.0, standardize=True),
    ElasticNet(alpha=0.1, fit_intercept=False, positive=True),
    ElasticNet.from_lambdas(0.02, 0.01),
    Ridge(solver="cholesky"),
    Ridge(solver="sparse_cg"),
    Ridge(solver="cd"),
    Ridge(alpha=1e-3, positive=True),
    Ridge(fit_intercept=False, standardize=True),
    LassoCV(alphas=10, positive=True),
    LassoCV(alphas=[0.1, 0.01], fit_intercept=False, cv=KFold(4)),
    LassoCV(alphas=10, standardize=True, n_jobs=2),
    RidgeCV(alphas=[0.1, 1.0, 10.0]),
    RidgeCV(alphas=12, fit_intercept=False, standardize=True),
    RidgeCV(alphas=12, scoring="neg_mean_absolute_error"),
    RidgeCV(alphas=12, cv=5),
    ElasticNetCV(alphas=10, l1_ratio=0.0),
    ElasticNetCV(alphas=10, l1_ratio=[0.5]),
    ElasticNetCV(alphas=10, l1_ratio=[0.1, 0.5, 1.0]),
    ElasticNetCV(alphas=10, l1_ratio=[0.0, 0.9], positive=True, standardize=True),
    ElasticNetCV(alphas=[1.0, 0.1], l1_ratio=[0.2, 0.8], fit_intercept=False, n_jobs=2),
    LassoCV(alphas=10, selection_rule="1se"),
    LassoCV(alphas=10, selection_rule="bic", store_predictions=True),
    LassoCV(alphas=10, preprocessor=StandardScaler()),
    LassoCV(alphas=10, preprocessor=StandardScaler(with_mean=False), fit_intercept=False),
    LassoCV(
        alphas=10, preprocessor=make_pipeline(StandardScaler(), PolynomialFeatures(1)), n_jobs=2
    ),
    ElasticNetCV(alphas=10, preprocessor=BatchNormalizer(), selection_rule="1se"),
    ElasticNetCV(alphas=10, scoring=["r2", "neg_max_error"], refit="r2"),
    LassoCV(alphas=10, relax=True),
    ElasticNetCV(alphas=10, l1_ratio=[0.2, 0.9], relax=[0.0, 0.5], fold_weighting="size"),
    LassoCV(alphas=10, penalty_factor="adaptive"),
    ElasticNetCV(alphas=10, lower=-0.1, upper=2.0),
    RidgeCV(alphas=12, selection_rule="1se"),
    RidgeCV(alphas=12, cv=5, selection_rule="1se", scoring={"a": "r2"}),
]
EVERY = [*DEFAULTS, *CONFIGURATIONS]


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """Let the check of array API dispatch on NumPy arrays run instead of being skipped."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@parametrize_with_checks(DEFAULTS)
def test_defaults(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(CONFIGURATIONS)
def test_configurations(estimator, check):
    check(estimator)


class DenseOnlyRidge(Ridge):
    """Ridge by its dense-only solver, with the tag that says so."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


@pytest.mark.slow
@parametrize_with_checks([DenseOnlyRidge(solver="svd")])
def test_svd_and_subclasses(estimator, check):
    check(estimator)


SELECTORS = [
    StabilitySelection(),
    StabilitySelection(sampling="half", threshold=0.6, n_resamples=25, standardize=False),
    StabilitySelection(bound="r-concave", max_false=None, l1_ratio=0.5, alphas=20, n_jobs=2),
]


@pytest.mark.slow
@parametrize_with_checks(SELECTORS)
def test_selectors(estimator, check):
    check(estimator)


# -------------------------------------------------- what scikit-learn runs on its own classes only


def data(n=60, p=8):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X @ rng.standard_normal(p) + rng.standard_normal(n)


def frame(library, X, names):
    if library == "pandas":
        return pd.DataFrame(X, columns=names)
    return pl.DataFrame(dict(zip(names, X.T, strict=True)))


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("estimator", DEFAULTS, ids=repr)
def test_column_names(estimator, library):
    X, y = data()
    names = [f"col_{j}" for j in range(X.shape[1])]
    good = frame(library, X, names)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*feature names.*")
        model = clone(estimator).fit(good, y)
        model.predict(good)
        model.score(good, y)
    assert model.feature_names_in_.dtype == object
    assert_array_equal(model.feature_names_in_, np.array(names, dtype=object))
    # a frame holds its columns in another memory order, so sums may round otherwise
    assert_allclose(model.predict(good), clone(estimator).fit(X, y).predict(X), rtol=1e-9)
    wrong = {
        "Feature names must be in the same order as they were in fit.": (X, names[::-1]),
        "Feature names unseen at fit time:\n- other_0\n- other_1\n": (
            X, [f"other_{j}" for j in range(X.shape[1])],
        ),
        "Feature names seen at fit time, yet now missing:\n- col_3\n": (X[:, :3], names[:3]),
    }  # fmt: skip
    for message, (X_bad, labels) in wrong.items():
        bad = frame(library, X_bad, labels)
        expected = re.escape(
            f"The feature names should match those that were passed during fit.\n{message}"
        )
        with pytest.raises(ValueError, match=expected):
            model.predict(bad)
        with pytest.raises(ValueError, match=expected):
            model.score(bad, y)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=repr)
def test_names_on_one_side_only_warn(estimator):
    X, y = data()
    named = frame("pandas", X, [f"col_{j}" for j in range(X.shape[1])])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        clone(estimator).fit(named, y).predict(X)
    with pytest.warns(UserWarning, match="X has feature names"):
        clone(estimator).fit(X, y).predict(named)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=repr)
def test_names_are_forgotten_by_a_refit_without_any(estimator):
    X, y = data()
    model = clone(estimator).fit(frame("pandas", X, [f"col_{j}" for j in range(8)]), y)
    model.fit(X[:, :5], y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 5


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_read_only_input_stays_as_it_is_h28(estimator, order):
    X, y = data()
    X, v = np.array(X, order=order), np.arange(len(y), dtype=float)
    for array in (X, y, v):
        array.flags.writeable = False
    before = [array.tobytes() for array in (X, y, v)]
    model = clone(estimator).fit(X, y, sample_weight=v)
    model.predict(X)
    assert [array.tobytes() for array in (X, y, v)] == before
    assert not any(array.flags.writeable for array in (X, y, v))


@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_attributes_appear_in_fit_only(estimator):
    X, y = data()
    model = clone(estimator)
    assert vars(model) == model.get_params(deep=False)
    with pytest.raises(NotFittedError, match="not fitted"):
        model.predict(X)
    with pytest.raises((NotFittedError, AttributeError)):
        model.sparse_coef_  # noqa: B018
    parameters = copy.deepcopy(model.get_params())
    model.fit(X, y)
    fitted = set(vars(model)) - set(parameters)
    # lambda_1_ and the like end in an underscore; nothing is left behind in between
    assert all(name.endswith("_") and not name.startswith("_") for name in fitted), fitted
    assert str(model.get_params()) == str(parameters)
    documented = type(model).__doc__
    for name in fitted - {"l1_ratio_"}:
        assert re.search(rf"^\s+(.*, )?{name}(,.*)? : ", documented, re.MULTILINE), name


@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_every_parameter_is_documented(estimator):
    documented = type(estimator).__doc__.split("Attributes")[0]
    for name in estimator.get_params(deep=False):
        assert re.search(rf"\b{name}\b", documented), name


@pytest.mark.parametrize("estimator", EVERY, ids=repr)
def test_pickle_and_copy_of_a_fitted_model_n14(estimator):
    X, y = data()
    model = clone(estimator).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert_array_equal(twin.predict(X), model.predict(X))
        assert vars(twin).keys() == vars(model).keys()
        for name in ("coef_path_", "mse_path_", "alphas_", "dual_gap_path_"):
            assert_array_equal(getattr(twin, name, 0), getattr(model, name, 0))
    refitted = clone(model)
    assert not hasattr(refitted, "coef_")
    assert_array_equal(refitted.fit(X, y).coef_, model.coef_)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=repr)
def test_tags(estimator):
    tags = get_tags(estimator)
    assert is_regressor(estimator)
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    takes_several = not isinstance(estimator, LassoCV | ElasticNetCV)
    assert tags.target_tags.multi_output == takes_several
    X, y = data()
    Y = np.column_stack([y, X[:, 0], -y])
    if takes_several:
        model = clone(estimator).fit(X, Y)
        assert model.predict(X).shape == Y.shape
        assert model.predict(X).dtype == np.float64
        assert model.coef_.shape == (3, X.shape[1]) and model.intercept_.shape == (3,)
    else:
        with pytest.raises(ValueError, match=r"\by\b.*1d.*\(60, 3\)"):
            clone(estimator).fit(X, Y)
