"""What coefficients are called, and how their summary writes errors."""

import numpy as np
import pytest
from problems import regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_regnorm import LassoCV
from sklearn_regnorm.linear_model._summary import coefficient_names

X, y = regression(0, 40, 3, noise=1.0)


def fact(model, name):
    """Return what the summary says of `name`."""
    return dict(model.summary().facts)[name]


@pytest.mark.parametrize("unit", [1.0, 100.0, 1e-6, 1e9])
def test_a_standard_error_has_two_digits_and_few_exponents(unit):
    model = LassoCV(alphas=5).fit(X, unit * y)
    error = model.cv_table_["se_test_neg_mean_squared_error"][model.best_index_]
    _, shown = fact(model, "cross-validated mean squared error").split(" ± ")
    assert float(shown.removesuffix(" (SE)")) == float(f"{error:.2g}")
    assert ("e" in shown) == (not 1e-4 <= error < 1e6)


def test_an_error_of_zero_has_no_sign():
    model = LassoCV(alphas=5).fit(X, np.ones(len(y)))
    assert fact(model, "cross-validated mean squared error") == "0 ± 0 (SE)"


NAMELESS = FunctionTransformer(np.square)
PREPROCESSORS = {
    "none": (None, ["x0", "x1", "x2"]),
    "scaler": (StandardScaler(), ["x0", "x1", "x2"]),
    "more columns": (PolynomialFeatures(2, include_bias=False, interaction_only=True),
                     ["x0", "x1", "x2", "x0 x1", "x0 x2", "x1 x2"]),
    "no names": (NAMELESS, ["x0", "x1", "x2"]),
    "no names in a pipeline": (make_pipeline(StandardScaler(), NAMELESS), ["x0", "x1", "x2"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", PREPROCESSORS)
def test_names_of_coefficients(kind):
    preprocessor, names = PREPROCESSORS[kind]
    model = LassoCV(alphas=5, preprocessor=preprocessor).fit(X, y)
    assert coefficient_names(model, len(names)) == names
    assert {name for name, _ in model.summary().coefficients} <= set(names)


def test_names_of_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    for preprocessor in (
        None,
        StandardScaler(),
        FunctionTransformer(feature_names_out="one-to-one"),
    ):
        model = LassoCV(alphas=5, preprocessor=preprocessor).fit(frame, y)
        assert coefficient_names(model, 3) == ["a", "b", "c"]
