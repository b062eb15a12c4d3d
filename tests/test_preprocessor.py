"""`preprocessor` against transformers fitted to every training side by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from preprocessed import DENSE, FOLDS, FORMS, GAMMA, SHARED, X, by_hand, check, y
from problems import contain
from sklearn.base import clone
from sklearn.feature_selection import VarianceThreshold
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, PolynomialFeatures, RobustScaler, StandardScaler

from sklearn_regnorm import ElasticNet, ElasticNetCV, LassoCV
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.solvers import forced_form

SLOW = pytest.mark.slow
forms = pytest.mark.parametrize("form", FORMS)
SPARSE = {
    "standard": StandardScaler(with_mean=False),
    "batch": BatchNormalizer(center=False),
    "max abs": MaxAbsScaler(),
    "robust": RobustScaler(with_centering=False),
    "threshold": make_pipeline(MaxAbsScaler(), VarianceThreshold(0.01)),
    "polynomial": PolynomialFeatures(2),
}


@forms
@pytest.mark.parametrize("kind", DENSE)
def test_every_fold_by_hand(kind, form):
    before = X.tobytes()
    for model in (
        LassoCV(alphas=4, tol=1e-14, preprocessor=DENSE[kind]),
        ElasticNetCV(alphas=3, l1_ratio=[0.0, 0.5], tol=1e-14, preprocessor=DENSE[kind]),
    ):
        model = check(model, X, form)
        assert (hasattr(model, "coef_original_")) == (kind in SHARED)
    assert X.tobytes() == before
    whole = clone(DENSE[kind])
    Z = whole.fit_transform(X, y)
    one = ElasticNet(model.alpha_, l1_ratio=model.l1_ratio_, tol=1e-14).fit(Z, y)
    assert_allclose(model.coef_, one.coef_, rtol=1e-7, atol=1e-9 * np.abs(one.coef_).max())
    assert_allclose(model.predict(X), one.predict(whole.transform(X)), rtol=1e-8)


@forms
@pytest.mark.parametrize(
    "container", ["csr", *(pytest.param(c, marks=SLOW) for c in ("csc", "coo"))]
)
@pytest.mark.parametrize("kind", SPARSE)
def test_every_fold_by_hand_of_sparse_columns(kind, container, form):
    S = contain(np.where(np.abs(X - X.mean(axis=0)) > 0.6 * X.std(axis=0), X, 0.0), container)
    check(LassoCV(alphas=4, tol=1e-14, preprocessor=SPARSE[kind]), S, form)


@forms
@pytest.mark.parametrize(
    "given",
    [
        {"standardize": True},
        {"positive": True},
        {"lower": -0.2, "upper": 0.3},
        {"lower": 0.0},
        {"penalty_factor": np.array([1.0, 0.0, 2.0, 0.5, np.inf])},
        {"penalty_factor": "adaptive"},
        {"penalty_factor": "adaptive", "standardize": True},
        {"fit_intercept": False},
        {"penalty_factor": GAMMA, "standardize": True, "positive": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "kind", ["standard", "function", *(pytest.param(k, marks=SLOW) for k in ("gamma", "scalers"))]
)
@pytest.mark.slow
def test_with_the_other_parameters(kind, given, form):
    for ratio in (1.0, 0.4):
        model = ElasticNetCV(l1_ratio=ratio, alphas=4, tol=1e-14, **given)
        check(model.set_params(preprocessor=DENSE[kind]), X, form)


@forms
@pytest.mark.parametrize("kind", ["standard", "scalers", "components"])
def test_scores_and_predictions(kind, form):
    given = {"scoring": ["neg_mean_absolute_error", "r2"], "refit": "neg_mean_absolute_error"}
    model = LassoCV(alphas=4, tol=1e-14, preprocessor=DENSE[kind], store_predictions=True, **given)
    model = check(model, X, form)
    expected = by_hand(model, X, FOLDS, score=lambda r: -np.mean(np.abs(r)))
    for k, (_, test) in enumerate(FOLDS):
        got = model.cv_table_[f"split{k}_test_neg_mean_absolute_error"]
        assert_allclose(got, expected[:, k], rtol=1e-8)
        row = model.best_index_
        error = mean_absolute_error(y[test], model.cv_predictions_[row, test])
        assert error == pytest.approx(-expected[row, k], rel=1e-8)
    assert model.best_index_ == expected.mean(axis=1).argmax()


@forms
@pytest.mark.parametrize("kind", ["standard", "gamma", "components"])
def test_relaxed(kind, form):
    model = LassoCV(alphas=5, tol=1e-14, preprocessor=DENSE[kind], cv=FOLDS, relax=[0.0, 1.0])
    with forced_form(form):
        model.fit(X, y)
    for k, (train, test) in enumerate(FOLDS):
        transformer = clone(DENSE[kind])
        Z, Z_test = transformer.fit_transform(X[train]), transformer.transform(X[test])
        for a, alpha in enumerate(model.alphas_):
            on = ElasticNet(alpha=alpha, l1_ratio=1.0, tol=1e-14).fit(Z, y[train]).coef_ != 0
            A, B = (np.column_stack([np.ones(len(M)), M[:, on]]) for M in (Z, Z_test))
            error = np.mean((y[test] - B @ np.linalg.lstsq(A, y[train])[0]) ** 2)
            got = -model.cv_table_[f"split{k}_test_neg_mean_squared_error"][2 * a]
            assert got == pytest.approx(error, rel=1e-8)
    assert_allclose(
        model.predict(X), model.preprocessor_.transform(X) @ model.coef_ + model.intercept_
    )
