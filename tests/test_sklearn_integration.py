"""The estimators among scikit-learn's other parts, and the kinds of data users have."""

import inspect
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from problems import regression
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import sklearn_regnorm
from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV

X, y = regression(0, 60, 6)
WEIGHTS = np.arange(60) % 4 + 0.5
GROUPS = np.arange(60) * 7 % 6
EVERY = [
    Lasso(alpha=0.1),
    Ridge(),
    ElasticNet(alpha=0.1),
    LassoCV(alphas=8),
    RidgeCV(alphas=[0.1, 1.0, 10.0]),
    ElasticNetCV(alphas=8, l1_ratio=[0.2, 0.9]),
]
every = pytest.mark.parametrize("model", EVERY, ids=lambda model: type(model).__name__)
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")

# ------------------------------------------------------------------------------ a change of import

# What scikit-learn 1.9 no longer has, and defaults that are meant to differ.
GONE = {"n_alphas", "store_cv_values"}
OTHER_DEFAULTS = {("RidgeCV", "alphas")}
IN_TRANSITION = {("LassoCV", "alphas"), ("ElasticNetCV", "alphas")}  # None, "warn", then 100


@every
def test_constructor(model):
    name = type(model).__name__
    ours = inspect.signature(type(model)).parameters
    theirs = inspect.signature(getattr(sk, name)).parameters
    for key in theirs.keys() - GONE:
        assert key in ours, key
        assert ours[key].kind == theirs[key].kind, key
        if (name, key) in IN_TRANSITION:
            assert ours[key].default == 100 and theirs[key].default in (None, "warn", 100)
        elif key == "store_cv_results" and theirs[key].default is None:
            assert ours[key].default is False  # 1.6 had None there while renaming it
        elif (name, key) not in OTHER_DEFAULTS:
            assert ours[key].default == theirs[key].default, key
    assert not GONE & ours.keys()
    positional = [key for key, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == list(ours)[: len(positional)]
    fit = [list(inspect.signature(cls.fit).parameters)[:4] for cls in (type(model), Lasso)]
    assert fit[0] == fit[1] == ["self", "X", "y", "sample_weight"]


@pytest.mark.parametrize("name", ["lasso_path", "enet_path"])
def test_signature_of_a_path(name):
    X0 = X - X.mean(axis=0)
    ours, theirs = (getattr(module, name) for module in (sklearn_regnorm, sk))
    for key, parameter in inspect.signature(theirs).parameters.items():
        if key in GONE | {"params", "alphas"}:
            continue
        if parameter.default is not parameter.empty:
            ours(X0, y, **{"alphas": [1.0], key: parameter.default})
    grid = [1.0, 0.1, 0.01]
    for mine, other in zip(ours(X0, y, alphas=grid), theirs(X0, y, alphas=grid), strict=True):
        assert mine.shape == other.shape


@every
def test_same_fitted_attributes_as_scikit_learn(model):
    twin = getattr(sk, type(model).__name__)()
    if hasattr(model, "l1_ratio"):
        twin.l1_ratio = model.l1_ratio
    twin.fit(X, y)
    ours = clone(model).fit(X, y)
    for name, value in vars(twin).items():
        if name.endswith("_") and not name.startswith("_") and name != "solver_":
            assert np.ndim(getattr(ours, name)) == np.ndim(value), name
    for name in ("lambda_1_", "lambda_2_", "dual_gap_", "n_iter_", "intercept_", "sparse_coef_"):
        assert hasattr(ours, name), name
    assert sparse.issparse(ours.sparse_coef_) and ours.sparse_coef_.format == "csr"
    assert_array_equal(ours.sparse_coef_.toarray(), np.atleast_2d(ours.coef_))
    assert ours.score(X, y) == r2_score(y, ours.predict(X))


def test_both_places():
    assert sklearn_regnorm.linear_model.__all__ == sorted(sklearn_regnorm.linear_model.__all__)
    for name in sklearn_regnorm.linear_model.__all__:
        assert getattr(sklearn_regnorm, name) is getattr(sklearn_regnorm.linear_model, name)
        assert name in sklearn_regnorm.__all__


def test_lambdas():
    model = ElasticNet.from_lambdas(0.3, 0.1, positive=True, tol=1e-6)
    assert (model.alpha, model.l1_ratio) == (pytest.approx(0.5), pytest.approx(0.6))
    assert model.positive and model.tol == 1e-6
    model.fit(X, y)
    assert (model.lambda_1_, model.lambda_2_) == (pytest.approx(0.3), pytest.approx(0.1))
    nothing = ElasticNet.from_lambdas(0, 0)
    assert (nothing.alpha, nothing.l1_ratio) == (0.0, 1.0)
    ridge = Ridge(alpha=3.0).fit(X, y, sample_weight=WEIGHTS)
    assert ridge.lambda_2_ == pytest.approx(3.0 / (2 * WEIGHTS.sum()))
    same = ElasticNet.from_lambdas(0, ridge.lambda_2_).fit(X, y, sample_weight=WEIGHTS)
    assert_allclose(same.coef_, ridge.coef_, rtol=1e-8)


# ------------------------------------------------------------------------------ parts around it


@every
def test_pipeline(model):
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), clone(model)).fit(X, y)
    Z = PolynomialFeatures(2).fit_transform(StandardScaler().fit_transform(X))
    assert_array_equal(pipeline.predict(X), clone(model).fit(Z, y).predict(Z))


@every
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_neighbours_that_put_out_frames(model, library):
    frame = {"pandas": pd, "polars": pl}[library].DataFrame(
        {f"column {j}": X[:, j] for j in range(X.shape[1])}
    )
    pipeline = make_pipeline(StandardScaler(), clone(model)).set_output(transform=library)
    pipeline.fit(frame, y)
    assert list(pipeline[-1].feature_names_in_) == list(frame.columns)
    plain = make_pipeline(StandardScaler(), clone(model)).fit(X, y)
    assert_allclose(pipeline.predict(frame), plain.predict(X), rtol=1e-9)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_grid_search_agrees_with_cross_validation(n_jobs):
    grid, ratios = [0.3, 0.1, 0.03, 0.01, 0.003], [0.1, 0.5, 1.0]
    search = GridSearchCV(
        ElasticNet(), {"alpha": grid, "l1_ratio": ratios}, cv=KFold(4),
        scoring="neg_mean_squared_error", n_jobs=n_jobs,
    ).fit(X, y)  # fmt: skip
    model = ElasticNetCV(alphas=grid, l1_ratio=ratios, cv=KFold(4)).fit(X, y)
    assert search.best_params_ == {"alpha": model.alpha_, "l1_ratio": model.l1_ratio_}
    assert_allclose(-search.best_score_, model.mse_path_.mean(axis=-1).min(), rtol=1e-9)
    assert_allclose(search.best_estimator_.coef_, model.coef_, rtol=1e-9)
    lasso = GridSearchCV(Lasso(), {"alpha": grid}, scoring="neg_mean_squared_error").fit(X, y)
    assert lasso.best_params_["alpha"] == LassoCV(alphas=grid).fit(X, y).alpha_


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.parametrize("columns", [280, 340], ids=["0.9 MB", "1.1 MB"])
def test_backends_of_joblib_h39_n14(backend, columns):
    """Beyond 1 MB, worker processes see X as a read-only memory map."""
    Z, z = regression(1, 400, columns)
    for model in (Lasso(alpha=0.1), LassoCV(alphas=5, cv=3, n_jobs=2), RidgeCV(alphas=[1.0, 9.0])):
        expected = cross_validate(model, Z, z, cv=3, return_estimator=True)
        with joblib.parallel_config(backend=backend, n_jobs=2):
            got = cross_validate(model, Z, z, cv=3, return_estimator=True)
        for one, other in zip(got["estimator"], expected["estimator"], strict=True):
            assert_array_equal(one.coef_, other.coef_)
        assert_allclose(got["test_score"], expected["test_score"], rtol=1e-12)


@every
def test_other_meta_estimators(model):
    Z, Y = X[:, :4], np.column_stack([y, -y + X[:, 0]])
    bag = BaggingRegressor(clone(model), n_estimators=3, random_state=0).fit(Z, y)
    assert bag.score(Z, y) > 0.2
    stack = StackingRegressor([("a", clone(model)), ("b", Ridge())], RidgeCV([0.1, 1.0, 9.0]))
    assert stack.fit(Z, y).score(Z, y) > 0.2
    several = MultiOutputRegressor(clone(model)).fit(Z, Y)
    assert_array_equal(several.predict(Z)[:, 1], clone(model).fit(Z, Y[:, 1]).predict(Z))
    assert RFE(clone(model), n_features_to_select=2).fit(Z, y).support_.sum() == 2
    TransformedTargetRegressor(clone(model), func=np.arcsinh, inverse_func=np.sinh).fit(Z, y)
    assert cross_val_predict(model, Z, y, cv=3).shape == y.shape
    worth = permutation_importance(several.estimators_[0], Z, y, n_repeats=2, random_state=0)
    assert worth.importances_mean.argmax() == np.abs(several.estimators_[0].coef_).argmax()


@pytest.mark.compiled
@pytest.mark.parametrize(
    "model", [Lasso(alpha=0.2), LassoCV(), ElasticNet(alpha=0.2, l1_ratio=1.0)], ids=repr
)
def test_select_from_model(model):
    Z, z = regression(2, 50, 30, nonzero=4)
    kept = SelectFromModel(model).fit(Z, z).get_support()
    assert_array_equal(kept, clone(model).fit(Z, z).coef_ != 0)
    assert 0 < kept.sum() < 30


@every
def test_pickle_of_a_pipeline(model):
    pipeline = make_pipeline(StandardScaler(), clone(model)).fit(X, y)
    again = pickle.loads(pickle.dumps(pipeline))
    assert_array_equal(again.predict(X), pipeline.predict(X))
    assert "coef_" not in str(pickle.dumps(clone(pipeline)))


# ------------------------------------------------------------------------------ metadata


@every
def test_weights_through_a_pipeline(model):
    expected = clone(model).fit(X, y, sample_weight=WEIGHTS)
    assert np.abs(expected.coef_ - clone(model).fit(X, y).coef_).max() > 1e-4
    step = type(model).__name__.lower()
    plain = make_pipeline(clone(model)).fit(X, y, **{f"{step}__sample_weight": WEIGHTS})
    assert_array_equal(plain[-1].coef_, expected.coef_)
    with config_context(enable_metadata_routing=True):
        asking = make_pipeline(clone(model).set_fit_request(sample_weight=True))
        assert_array_equal(asking.fit(X, y, sample_weight=WEIGHTS)[-1].coef_, expected.coef_)
        with pytest.raises(ValueError, match="sample_weight"):
            make_pipeline(clone(model)).fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("model", [LassoCV(alphas=6), RidgeCV([0.01, 1.0]), ElasticNetCV(alphas=6)])
def test_groups_and_weights_through_cross_validate_h36(model):
    with config_context(enable_metadata_routing=True):
        inner = clone(model).set_params(cv=GroupKFold(3))
        inner.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        got = cross_validate(
            inner, X, y, cv=GroupKFold(2), return_estimator=True,
            params={"groups": GROUPS, "sample_weight": WEIGHTS},
        )  # fmt: skip
        deaf = clone(model).set_params(cv=GroupKFold(3)).set_fit_request(sample_weight=False)
        unweighted = cross_validate(
            deaf, X, y, cv=GroupKFold(2), return_estimator=True, params={"groups": GROUPS}
        )["estimator"]
    for k, (train, test) in enumerate(GroupKFold(2).split(X, y, GROUPS)):
        folds = list(GroupKFold(3).split(X[train], y[train], GROUPS[train]))
        expected = clone(model).set_params(cv=folds)
        expected.fit(X[train], y[train], sample_weight=WEIGHTS[train])
        assert_array_equal(got["estimator"][k].mse_path_, expected.mse_path_)
        score = expected.score(X[test], y[test], sample_weight=WEIGHTS[test])
        assert got["test_score"][k] == pytest.approx(score, rel=1e-12)
        expected.fit(X[train], y[train])
        assert_array_equal(unweighted[k].mse_path_, expected.mse_path_)


@every
def test_unknown_metadata_is_refused(model):
    with pytest.raises((TypeError, ValueError), match="nonsense"):
        clone(model).fit(X, y, nonsense=1)
    with config_context(enable_metadata_routing=True):
        with pytest.raises(TypeError, match="nonsense"):
            clone(model).fit(X, y, nonsense=1)
        asking = clone(model).set_fit_request(sample_weight=True)
        assert asking.get_metadata_routing().consumes("fit", ["sample_weight"])
