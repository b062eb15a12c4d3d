"""Warnings point at the line that called, whatever wraps a fit."""

import pytest
from sklearn.datasets import load_diabetes

from sklearn_regnorm import ElasticNetCV, Lasso, RidgeCV
from sklearn_regnorm.solvers import forced_form

X, y = load_diabetes(return_X_y=True)


@pytest.mark.parametrize(
    "model",
    [
        Lasso(alpha=0.01, max_iter=1, tol=1e-12),
        ElasticNetCV(l1_ratio=[0.5, 0.9], max_iter=1, tol=1e-12),
        RidgeCV(alphas=[1e6, 1e7]),
        RidgeCV(alphas=[1e6, 1e7], cv=3),
    ],
)
def test_warnings_point_at_the_caller(model):
    with forced_form("working_set"), pytest.warns(UserWarning) as caught:
        model.fit(X, y)
    assert {warning.filename for warning in caught} == {__file__}
