"""`preprocessor` in use: frames, names, errors, pickles, searches, work done in place."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from preprocessed import COUNTS, FOLDS, FORMS, X, y
from refusal import state
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.utils import get_tags

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.solvers import forced_form

NAMES = list("edcba")
FRAME = pd.DataFrame(X, columns=NAMES)
EVERY = {
    "scaler": StandardScaler(),
    "scalers": make_pipeline(BatchNormalizer(), StandardScaler()),
    "polynomial": make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False)),
    "by name": ColumnTransformer(
        [("s", StandardScaler(), ["a", "e"]), ("p", "passthrough", ["c"])]
    ),
}
ARRAYS = [kind for kind in EVERY if kind != "by name"]
forms = pytest.mark.parametrize("form", FORMS)


# ------------------------------------------------------------------------------ frames and names


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library, kind):
    frame = FRAME if library == "pandas" else pl.DataFrame({c: FRAME[c].to_numpy() for c in NAMES})
    model = LassoCV(alphas=5, preprocessor=EVERY[kind]).fit(frame, y)
    assert_array_equal(model.feature_names_in_, NAMES)
    assert model.n_features_in_ == 5
    Z = np.asarray(model.preprocessor_.transform(frame))
    assert_allclose(model.predict(frame), Z @ model.coef_ + model.intercept_, rtol=1e-12)
    plain = LassoCV(alphas=5).fit(Z, y)
    assert len(model.coef_) == plain.n_features_in_
    if kind in ARRAYS:
        array = LassoCV(alphas=5, preprocessor=EVERY[kind]).fit(X, y)
        assert_allclose(array.mse_path_, model.mse_path_, rtol=1e-9)
        assert not hasattr(array, "feature_names_in_")


@pytest.mark.parametrize("kind", EVERY)
def test_frames_with_other_columns_are_refused(kind):
    model = LassoCV(alphas=5, preprocessor=EVERY[kind]).fit(FRAME, y)
    other = FRAME.rename(columns={"a": "z"})
    with pytest.raises(ValueError, match=r"a\b.*"):
        model.predict(other)
    with pytest.raises(ValueError):
        model.predict(FRAME[["e", "d"]])


def test_columns_by_name_may_come_in_another_order():
    model = LassoCV(alphas=5, preprocessor=EVERY["by name"]).fit(FRAME, y)
    assert_array_equal(model.predict(FRAME[list("abcde")]), model.predict(FRAME))


def test_another_number_of_columns_is_refused():
    model = LassoCV(alphas=5, preprocessor=StandardScaler()).fit(X, y)
    with pytest.raises(ValueError, match="4 features.*5 features"):
        model.predict(X[:, :4])
    model = LassoCV(alphas=5, preprocessor=FunctionTransformer(np.abs)).fit(X, y)
    with pytest.raises(ValueError, match="preprocessor.*4 columns.*5 in coef_"):
        model.predict(X[:, :4])


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@forms
def test_output_as_frames(output, form):
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2)).set_output(transform=output)
    with forced_form(form):
        model = LassoCV(alphas=5, preprocessor=pipeline).fit(FRAME, y)
        scaler = StandardScaler().set_output(transform=output)
        scaled = LassoCV(alphas=5, preprocessor=scaler).fit(FRAME, y)
        expected = LassoCV(alphas=5, preprocessor=StandardScaler()).fit(X, y)
    assert model.predict(FRAME).shape == (42,)
    assert isinstance(scaled.predict(FRAME), np.ndarray)
    assert_allclose(scaled.mse_path_, expected.mse_path_, rtol=1e-9)


def test_missing_values_are_the_business_of_the_preprocessor():
    holes = FRAME.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    imputer = make_pipeline(SimpleImputer(), StandardScaler())
    model = LassoCV(alphas=4, preprocessor=imputer, cv=FOLDS, tol=1e-14).fit(holes, y)
    for k, (train, test) in enumerate(FOLDS):
        one = clone(imputer)
        Z, Z_test = one.fit_transform(holes.iloc[train]), one.transform(holes.iloc[test])
        grid = LassoCV(alphas=model.alphas_, tol=1e-14).fit(Z, y[train])
        errors = y[test][:, None] - Z_test @ grid.coef_path_.T - grid.intercept_path_
        assert_allclose(model.mse_path_[:, k], np.mean(errors**2, axis=0), rtol=1e-8)
    assert np.isfinite(model.predict(holes)).all()


# ------------------------------------------------------------------------------ refusals


class Broken(TransformerMixin, BaseEstimator):
    """Raises in the fit or the transform of one of the folds."""

    def __init__(self, where="fit"):
        self.where = where

    def fit(self, X, y=None):
        if self.where == "fit" and len(X) < 42:
            raise ArithmeticError("broken on purpose")
        self.n_ = len(X)
        return self

    def transform(self, X):
        if self.where == "transform" and self.n_ < 42:
            raise ArithmeticError("broken on purpose")
        return np.full((len(X), 2), self.where) if self.where == "text" else X


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("where", ["fit", "transform"])
@forms
def test_a_failing_transformer_leaves_the_model(form, where, n_jobs):
    model = LassoCV(alphas=5, preprocessor=StandardScaler(), n_jobs=n_jobs).fit(X, y)
    predicted = model.predict(X)
    model.preprocessor = Broken(where)
    before = state(model)
    with forced_form(form), pytest.raises(ArithmeticError, match="on purpose"):
        model.fit(X, y)
    assert state(model) == before
    assert_array_equal(model.predict(X), predicted)


NOT_FINITE = {
    "nan": (FunctionTransformer(lambda X: np.where(X > 1, np.nan, X)), "NaN"),
    "inf": (FunctionTransformer(lambda X: np.where(X > 1, np.inf, X)), "infinity"),
    "nan from a pipeline": (make_pipeline(FunctionTransformer(lambda X: X * np.nan)), "NaN"),
    "one axis": (FunctionTransformer(lambda X: X[:, 0]), "2D|1D"),
    "no column": (FunctionTransformer(lambda X: X[:, :0]), "0 feature"),
    "fewer rows": (FunctionTransformer(lambda X: X[: len(X) // 2]), "inconsistent"),
    "text": (Broken("text"), "text"),
    "complex": (FunctionTransformer(lambda X: X + 1j), "[Cc]omplex"),
}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("kind", NOT_FINITE)
def test_output_that_cannot_be_used(kind):
    transformer, message = NOT_FINITE[kind]
    model = LassoCV(alphas=5).fit(X, y)
    model.preprocessor = transformer
    before = state(model)
    with pytest.raises(ValueError, match=f"preprocessor.*({message})"):
        model.fit(X, y)
    assert state(model) == before


def test_predictions_from_output_that_cannot_be_used():
    model = LassoCV(alphas=5, preprocessor=FunctionTransformer(np.sqrt)).fit(np.abs(X), y)
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="preprocessor.*NaN"):
        model.predict(-np.abs(X))


@pytest.mark.parametrize("bad", ["scale", 3, StandardScaler, LinearRegression(), np.log, True])
def test_what_is_no_transformer(bad):
    with pytest.raises(TypeError, match="preprocessor|instance"):
        LassoCV(preprocessor=bad).fit(X, y)


@pytest.mark.parametrize("weights", [None, COUNTS], ids=["unweighted", "weighted"])
def test_errors_about_y_and_weights_come_first(weights):
    model = LassoCV(preprocessor=Broken())
    for target, given in ((y[:-1], weights), (np.full(42, np.nan), weights), (y, np.ones(3))):
        with pytest.raises(ValueError, match=r"\by\b|inconsistent|sample_weight"):
            model.fit(X, target, given)


# ------------------------------------------------------------------------------ around it


@pytest.mark.parametrize("kind", ARRAYS)
def test_pickles_clones_and_selection(kind):
    model = LassoCV(alphas=9, preprocessor=EVERY[kind], cv=FOLDS).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    other = again.select("1se")
    assert other.alpha_ >= model.alpha_
    assert_allclose(
        other.predict(X), other.preprocessor_.transform(X) @ other.coef_ + other.intercept_
    )
    copy = clone(model)
    assert not hasattr(copy, "preprocessor_") and copy.preprocessor is not model.preprocessor
    assert_array_equal(copy.fit(X, y).coef_, model.coef_)
    assert not hasattr(model.preprocessor, "n_features_in_")  # what was given stays unfitted


@pytest.mark.parametrize(
    ("first", "then"),
    [(LassoCV(preprocessor=StandardScaler(), store_predictions=True, relax=True), LassoCV()),
     (RidgeCV(store_cv_results=True), RidgeCV(cv=4)), (RidgeCV(cv=4), RidgeCV())],
    ids=["paths", "leave one out first", "folds first"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
def test_nothing_of_an_earlier_fit_stays(first, then):
    model = clone(first).fit(X, y).set_params(**then.get_params(deep=False)).fit(X, y)
    fresh = clone(then).fit(X, y)
    assert vars(model).keys() == vars(fresh).keys()
    assert_array_equal(model.predict(X), fresh.predict(X))


def test_searches_reach_into_the_preprocessor():
    model = LassoCV(alphas=6, preprocessor=make_pipeline(StandardScaler(), PCA()), cv=3)
    grid = {"preprocessor__pca__n_components": [1, 4], "selection_rule": ["min", "1se"]}
    search = GridSearchCV(model, grid, cv=KFold(3)).fit(X, y)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        one = clone(model).set_params(**params)
        assert score == pytest.approx(cross_val_score(one, X, y, cv=KFold(3)).mean(), rel=1e-12)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 1e-6


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
@forms
def test_transformers_that_work_in_place(form, order, fit_intercept):
    Z = np.array(X, order=order)
    for careful in (StandardScaler(), make_pipeline(StandardScaler(), PCA(3))):
        hasty = clone(careful)
        (hasty if isinstance(hasty, StandardScaler) else hasty[0]).copy = False
        given = {"alphas": 5, "fit_intercept": fit_intercept, "scoring": "r2", "cv": FOLDS}
        with forced_form(form):
            model = LassoCV(preprocessor=hasty, **given).fit(Z, y)
            expected = LassoCV(preprocessor=careful, **given).fit(X, y)
        assert_array_equal(Z, X)
        assert_allclose(model.mse_path_, expected.mse_path_, rtol=1e-9)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
        for key in ("split0_test_r2", "split2_test_r2"):
            assert_allclose(model.cv_table_[key], expected.cv_table_[key], rtol=1e-9)


@pytest.mark.parametrize("kind", ARRAYS)
@forms
def test_threads_change_nothing(form, kind):
    models = []
    for n_jobs in (None, 2, -1):
        model = ElasticNetCV(alphas=4, l1_ratio=[0.5, 1.0], preprocessor=EVERY[kind], n_jobs=n_jobs)
        with forced_form(form):
            models.append(model.set_params(store_predictions=True, scoring="r2").fit(X, y, COUNTS))
    for other in models[1:]:
        for name in ("mse_path_", "coef_path_", "cv_predictions_", "dual_gap_path_"):
            assert_array_equal(getattr(other, name), getattr(models[0], name), err_msg=name)


def test_threads_see_the_configuration():
    """Columns are found by name if the scaler puts out a frame, which the configuration says."""
    pipeline = make_pipeline(StandardScaler(), EVERY["by name"])
    with config_context(transform_output="pandas"):
        one, other = (
            LassoCV(alphas=5, preprocessor=pipeline, n_jobs=n, scoring="r2").fit(FRAME, y)
            for n in (None, 2)
        )
    assert_array_equal(one.mse_path_, other.mse_path_)


def test_metadata_routing_reaches_a_pipeline_that_asks():
    plain = make_pipeline(StandardScaler(), PolynomialFeatures(2))
    expected = LassoCV(alphas=5, preprocessor=plain).fit(X, y, COUNTS + 0.5)
    with config_context(enable_metadata_routing=True):
        asking = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=True), PolynomialFeatures(2)
        )
        deaf = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), PolynomialFeatures(2)
        )
        heard, unheard = (
            LassoCV(alphas=5, preprocessor=one).fit(X, y, sample_weight=COUNTS + 0.5)
            for one in (asking, deaf)
        )
    assert_allclose(heard.mse_path_, expected.mse_path_, rtol=1e-12)
    assert_allclose(unheard.preprocessor_[0].mean_, X.mean(axis=0), rtol=1e-12)
    assert np.abs(heard.preprocessor_[0].mean_ - X.mean(axis=0)).max() > 1e-3


def test_tags_know_what_the_preprocessor_takes():
    assert get_tags(LassoCV()).input_tags.sparse
    assert not get_tags(LassoCV(preprocessor=StandardScaler())).input_tags.sparse
    assert get_tags(LassoCV(preprocessor=StandardScaler(with_mean=False))).input_tags.sparse
    assert get_tags(LassoCV(preprocessor=OneHotEncoder())).target_tags.required
