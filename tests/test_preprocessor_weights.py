"""`preprocessor` with weights, rows listed twice, and transformers that look at y."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from preprocessed import COUNTS, CROSS, DENSE, FOLDS, FORMS, GAMMA, ROWS, N, X, by_hand, check, y
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, SplineTransformer, StandardScaler

from sklearn_regnorm import ElasticNetCV, LassoCV
from sklearn_regnorm.preprocessing import BatchNormalizer
from sklearn_regnorm.solvers import forced_form

forms = pytest.mark.parametrize("form", FORMS)
TAKE_WEIGHTS = {
    "standard": StandardScaler(),
    "batch": BatchNormalizer(gamma=GAMMA),
    "unbiased": BatchNormalizer(ddof=1),
    "bins": KBinsDiscretizer(4),
    "spline": SplineTransformer(n_knots=4),
}


@forms
@pytest.mark.parametrize("kind", TAKE_WEIGHTS)
def test_weights_reach_the_transformer(kind, form):
    model = LassoCV(alphas=4, tol=1e-14, preprocessor=TAKE_WEIGHTS[kind])
    check(model, X, form, v=COUNTS + 0.5, weighted=True)
    check(model, X, form, v=1.0 * COUNTS, weighted=True)


@forms
@pytest.mark.parametrize("name", ["standard", "unbiased", "scalers", "polynomial", "min max"])
def test_weights_are_repetitions(name, form):
    rows = np.repeat(ROWS, COUNTS)
    repeated = [tuple(np.flatnonzero(np.isin(rows, side)) for side in fold) for fold in FOLDS]
    model = ElasticNetCV(alphas=4, l1_ratio=[0.3, 1.0], preprocessor=DENSE[name], tol=1e-14)
    with forced_form(form):
        weighted = clone(model).set_params(cv=FOLDS).fit(X, y, COUNTS)
        expanded = clone(model).set_params(cv=repeated).fit(X[rows], y[rows])
    for attribute in ("alphas_", "mse_path_", "coef_path_", "intercept_path_", "coef_"):
        got, expected = (getattr(one, attribute) for one in (weighted, expanded))
        assert_allclose(got, expected, rtol=1e-8, atol=1e-9, err_msg=attribute)
    assert_allclose(weighted.predict(X), expanded.predict(X), rtol=1e-8)


@forms
@pytest.mark.parametrize("kind", ["robust", "min max", "quantiles", "own", "components", "batch"])
def test_rows_of_weight_zero_are_invisible(kind, form):
    v = (ROWS % 7 > 0) * 1.0
    wild, target = X.copy(), y.copy()
    wild[v == 0] *= 1e4
    target[v == 0] = -1e6
    kept = np.flatnonzero(v)
    folds = [tuple(np.flatnonzero(np.isin(kept, side)) for side in fold) for fold in FOLDS]
    model = LassoCV(alphas=4, preprocessor=DENSE[kind], scoring="neg_max_error", tol=1e-14)
    with forced_form(form):
        some = clone(model).set_params(cv=FOLDS).fit(wild, target, v)
        rest = clone(model).set_params(cv=folds).fit(X[kept], y[kept])
    for attribute in ("alphas_", "mse_path_", "coef_path_", "intercept_path_"):
        got, expected = (getattr(one, attribute) for one in (some, rest))
        assert_allclose(got, expected, rtol=1e-7, atol=1e-9, err_msg=attribute)
    for key in some.cv_table_.keys() - {"fit_time", "n_iter", "dual_gap"}:
        assert_allclose(some.cv_table_[key], rest.cv_table_[key], rtol=1e-7, err_msg=key)


@forms
@pytest.mark.parametrize("kind", ["standard", "robust", "components", "quantiles"])
def test_a_training_side_that_lists_rows_twice(kind, form):
    folds = [(np.r_[train, train[:9], train[3:5]], test) for train, test in FOLDS]
    model = LassoCV(alphas=4, preprocessor=DENSE[kind], cv=folds, tol=1e-14)
    with forced_form(form):
        model.fit(X, y)
    assert_allclose(model.mse_path_, by_hand(model, X, folds), rtol=1e-8)


# ------------------------------------------------------------------------------ strings and y


def people(n=90, seed=0):
    rng = np.random.default_rng(seed)
    towns = np.array(["Aachen", "Bern", "Cluj", "Dover"])[rng.integers(0, 4, n)]
    frame = pd.DataFrame({"town": towns, "age": rng.normal(40, 10, n), "pay": rng.normal(9, 2, n)})
    frame.loc[0, "town"] = "Essen"  # once: missing from some training sides
    return frame, (towns == "Bern") * 3.0 + 0.1 * frame["age"].to_numpy() + rng.standard_normal(n)


@forms
@pytest.mark.parametrize("sparse_output", [False, True])
def test_frames_with_strings(sparse_output, form):
    frame, target = people(N)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse_output)
    columns = ColumnTransformer(
        [("town", encoder, ["town"]), ("rest", StandardScaler(), ["pay", "age"])],
        sparse_threshold=1.0,
    )
    # a lasso would have many solutions, which differ where a town is new
    model = ElasticNetCV(alphas=4, l1_ratio=0.7, tol=1e-14, preprocessor=columns)
    model = check(model, frame, form, data_y=target)
    assert_array_equal(model.feature_names_in_, ["town", "age", "pay"])
    assert model.n_features_in_ == 3 and len(model.coef_) == 7
    assert_allclose(model.predict(frame[::-1]), model.predict(frame)[::-1])


@forms
@pytest.mark.parametrize("weights", [None, COUNTS + 1.0], ids=["unweighted", "weighted"])
def test_targets_do_not_leak_through_an_encoder(weights, form):
    """Categories that are noise, many of them: encoded by their own rows' y they would look good.

    Training rows are encoded by the targets of other rows, left-out rows by those of training rows.
    """
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 15, (N, 2)).astype(str)
    data = np.column_stack([codes, X[:, :1].astype(object)])
    columns = ColumnTransformer([("code", CROSS, [0, 1])], remainder="passthrough")
    model = LassoCV(alphas=5, tol=1e-14, preprocessor=columns)
    check(model, data, form, v=weights)
    labels = y.copy()
    for train, test in FOLDS[:1]:  # a fold's own y is no business of what is fitted to the others
        labels[test] += 100.0
        one = clone(model).set_params(alphas=[0.1], cv=[(train, test)], store_predictions=True)
        first, other = (clone(one).fit(data, target) for target in (y, labels))
        assert_array_equal(first.cv_predictions_, other.cv_predictions_)
