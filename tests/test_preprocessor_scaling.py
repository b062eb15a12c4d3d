"""Preprocessors that but shift and scale: one X for all folds, and coefficients in its units."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from preprocessed import COUNTS, DENSE, FOLDS, FORMS, GAMMA, SHARED, X, check, y
from problems import ar1, contain
from refusal import state
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from sklearn_regnorm import ElasticNet, ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.linear_model import _cross_validated, _preprocessing
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.solvers import forced_form

forms = pytest.mark.parametrize("form", FORMS)
SLOW = pytest.mark.slow
EPS = np.finfo(float).eps
SETTINGS = [
    {},
    {"standardize": True},
    {"positive": True},
    {"penalty_factor": np.array([1.0, 0.0, 2.0, 0.5, np.inf])},
    {"penalty_factor": "adaptive"},
    {"relax": True},
    {"scoring": "r2", "store_predictions": True},
    {"lower": 0.0, "upper": np.full(5, np.inf)},
]


def some_slow(kinds, fast=("standard", "gamma", "scalers", "min max")):
    return [pytest.param(kind, marks=[SLOW] * (kind not in fast)) for kind in sorted(kinds)]


def both(model, data, form, monkeypatch, v=None):
    """Return the fits with one X for all folds and with one for each."""
    with forced_form(form):
        with monkeypatch.context() as patch:
            patch.setattr(_cross_validated, "SeparateFolds", None)  # would fail if called
            shared = clone(model).fit(data, y, v)
        with monkeypatch.context() as patch:
            patch.setattr(_preprocessing, "shareable", lambda *given: False)
            return shared, clone(model).fit(data, y, v)


def same(shared, general, rtol=1e-8):
    names = ["alphas_", "mse_path_", "coef_path_", "intercept_path_", "coef_", "alpha_"]
    names += [name for name in vars(general) if name.startswith(("relaxed", "cv_pred"))]
    for name in names:
        got, expected = getattr(shared, name), getattr(general, name)
        size = np.nanmax(np.abs(expected))
        assert_allclose(got, expected, rtol=rtol, atol=rtol * size, err_msg=name)
    assert shared.cv_table_.keys() == general.cv_table_.keys()
    # at the first alpha a coefficient may be zero or next to it
    inside = general.cv_table_["alpha"] < general.alphas_[..., :1].min()
    for key in shared.cv_table_.keys() - {"fit_time", "n_iter", "dual_gap"}:
        if not key.startswith("rank"):  # which rounding decides where scores are equal
            got, expected = (one.cv_table_[key][inside] for one in (shared, general))
            assert_allclose(got, expected, rtol=1e-7, atol=1e-9, err_msg=key)
    assert_allclose(shared.coef_original_, general.coef_original_, rtol=rtol, atol=rtol)
    assert shared.best_index_ == general.best_index_
    assert vars(shared).keys() == vars(general).keys()


@forms
@pytest.mark.parametrize(
    "weights", [pytest.param(None, marks=SLOW), COUNTS + 0.5], ids=["unweighted", "weighted"]
)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", some_slow(SHARED))
def test_one_x_for_all_folds_is_as_good_as_one_each(kind, setting, weights, form, monkeypatch):
    model = ElasticNetCV(alphas=4, l1_ratio=[0.4, 1.0], cv=FOLDS, tol=1e-14, **setting)
    model.set_params(preprocessor=DENSE[kind])
    same(*both(model, X, form, monkeypatch, weights))


@forms
@pytest.mark.parametrize("container", ["F", "csr", "csc"])
def test_shared_sparse_constant_and_whole_number_columns(container, form, monkeypatch):
    Z = np.column_stack([np.where(X > X.mean(axis=0), X, 0.0), np.full(42, 7.0), np.zeros(42)])
    Z[:, 2] = np.arange(42) % 3
    Z[5, 6] = 4.0  # a column that is constant on most training sides
    for scaler in (MaxAbsScaler(), StandardScaler(with_mean=False), BatchNormalizer(center=False)):
        model = LassoCV(alphas=5, cv=FOLDS, tol=1e-14, preprocessor=scaler)
        same(*both(model, contain(Z, container), form, monkeypatch))


@pytest.mark.parametrize(
    "given",
    [{"fit_intercept": False}, {"lower": -0.1}, {"upper": np.array([1, 1, 1, 1, np.inf])},
     {"preprocessor": make_pipeline(StandardScaler(), PCA())},
     {"preprocessor": MinMaxScaler(clip=True)},
     {"preprocessor": BatchNormalizer(gamma=-GAMMA)}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_shared_is_not(given, monkeypatch):
    calls = []

    class Watched(_cross_validated.SeparateFolds):
        def __init__(self, *given):
            calls.append(given)
            super().__init__(*given)

    monkeypatch.setattr(_cross_validated, "SeparateFolds", Watched)
    LassoCV(alphas=3, **{"preprocessor": StandardScaler(), **given}).fit(X, y)
    assert len(calls) == 1


class Doubled(StandardScaler):
    """A subclass may do anything: nothing may be concluded from the class it comes from."""

    def transform(self, X, copy=None):
        return 2.0 * super().transform(X, copy) ** 2


@forms
def test_a_subclass_of_a_scaler_is_not_taken_for_one(form):
    model = check(LassoCV(alphas=4, tol=1e-14, preprocessor=Doubled()), X, form)
    assert not hasattr(model, "coef_original_")


# ------------------------------------------------------------------------------ units


@forms
@pytest.mark.parametrize("offset", [pytest.param(0.0, marks=SLOW), 1e8])
@pytest.mark.parametrize("kind", some_slow(SHARED))
@pytest.mark.parametrize(
    "given", [{}, {"fit_intercept": False}, {"upper": 0.5}, {"penalty_factor": "adaptive"}], ids=str
)
def test_coefficients_in_original_units(given, kind, offset, form):
    Z = (X - X.mean(axis=0)) / X.std(axis=0) * np.array([1e-6, 1e-3, 1.0, 1e3, 1e6]) + offset
    # what is not far above the rounding of its offset is no data
    Z[:, :2] -= offset
    model = ElasticNetCV(alphas=6, l1_ratio=[0.5, 1.0], preprocessor=DENSE[kind], **given)
    with forced_form(form):
        model.fit(Z, y)
    for one in (model, model.select(lambda table: 5)):
        predicted = Z @ one.coef_original_ + one.intercept_original_
        rounding = 256 * EPS * (np.abs(Z) @ np.abs(one.coef_original_)).max()
        assert_allclose(predicted, one.predict(Z), rtol=1e-12, atol=rounding)
        assert rounding < 1e-4
        assert one.coef_original_.shape == (5,) and isinstance(one.intercept_original_, float)
        scale = _preprocessing.change_of_units(one.preprocessor_)[0]
        assert_allclose(one.coef_original_ * scale, one.coef_, rtol=1e-14)
    assert np.isfinite(model.mse_path_).all() and one.coef_.any()


@forms
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_large_offsets_cost_no_more_than_their_rounding(offset, form):
    """Errors and coefficients are those of the same columns without the offset."""
    Z = np.round(ar1(np.random.default_rng(0), 42, 5, 0.5) * 2.0**20) / 2.0**20
    Z = np.round(Z * 2.0**10) / 2.0**10  # so that the offset can be added exactly
    for scaler in (StandardScaler(), BatchNormalizer(), RobustScaler(), MinMaxScaler()):
        model = LassoCV(alphas=6, preprocessor=scaler, tol=1e-14)
        with forced_form(form):
            plain, far = clone(model).fit(Z, y), clone(model).fit(Z + offset, y)
        assert_allclose(far.mse_path_, plain.mse_path_, rtol=1e-7)
        assert_allclose(far.coef_path_, plain.coef_path_, rtol=1e-6, atol=1e-6)
        assert_allclose(far.predict(Z + offset), plain.predict(Z), rtol=1e-6)


@forms
@pytest.mark.parametrize("kind", sorted(SHARED))
def test_paths_are_in_the_units_that_are_penalised(kind, form):
    model = LassoCV(alphas=5, preprocessor=DENSE[kind], cv=FOLDS, tol=1e-14)
    with forced_form(form):
        model.fit(X, y)
    Z = model.preprocessor_.transform(X)
    for alpha, w, b in zip(model.alphas_, model.coef_path_, model.intercept_path_, strict=True):
        one = ElasticNet(alpha, l1_ratio=1.0, tol=1e-14).fit(Z, y)
        assert_allclose(w, one.coef_, rtol=1e-8, atol=1e-10)
        assert_allclose(b, one.intercept_, rtol=1e-8, atol=1e-10)
    assert not model.coef_path_[0].any() and model.coef_path_[1].any()
    chosen = model.select(lambda table: 2)
    assert_array_equal(chosen.coef_, model.coef_path_[2])
    assert_allclose(chosen.predict(X), Z @ chosen.coef_ + chosen.intercept_, rtol=1e-13)


@forms
def test_single_precision(form):
    model = LassoCV(alphas=5, preprocessor=StandardScaler(), cv=FOLDS)
    with forced_form(form):
        single, double = clone(model).fit(X.astype("f4"), y), clone(model).fit(X, y)
    assert single.coef_.dtype == single.coef_path_.dtype == np.float32
    assert_allclose(single.mse_path_, double.mse_path_, rtol=1e-3)
    assert_allclose(single.coef_path_, double.coef_path_, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("model", [LassoCV(), ElasticNetCV(), RidgeCV()], ids=repr)
def test_there_are_no_original_units_without_a_scaler(model):
    with pytest.raises(NotFittedError):
        clone(model).coef_original_  # noqa: B018
    model = clone(model).fit(X, y)
    before = state(model)
    for name in ("coef_original_", "intercept_original_"):
        with pytest.raises(AttributeError, match="shifts and scales"):
            getattr(model, name)
    assert state(model) == before
