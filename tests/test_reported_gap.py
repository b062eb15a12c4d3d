"""`dual_gap_` is the gap of the documented objective, at the very model that is returned."""

import warnings

import numpy as np
import pytest
from oracle import Oracle
from problems import contain, regression
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form, state

EPS = np.finfo(float).eps
MODELS = {
    "lasso": Lasso(0.05),
    "lasso, positive": Lasso(0.05, positive=True),
    "elastic net": ElasticNet(0.05),
    "elastic net, standardised": ElasticNet(0.2, l1_ratio=0.1, standardize=True),
    "no intercept": ElasticNet(0.05, fit_intercept=False),
}
FLAGS = "alpha", "l1_ratio", "fit_intercept", "standardize", "positive"
form = pytest.mark.parametrize("form", ["gram", "working_set"])


def unfinished(model, X, y, v=None):
    """Fit with so few sweeps that a gap is left where sweeps are needed."""
    model.set_params(max_iter=1, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight=v)


@form
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("n", [1, 7, 1000])
@pytest.mark.parametrize("weight", [None, 1e-3, 1e3])
@pytest.mark.parametrize("name", MODELS)
def test_reported_gap_from_public_attributes_h02_h04(name, weight, n, container, form):
    """With the factor 1 / (2 sum of weights), whatever that sum is."""
    X, y = regression(1, n, 40)
    v = None if weight is None else weight * np.random.default_rng(2).uniform(0.1, 2, n)
    with forced_form(form):
        model = unfinished(MODELS[name], contain(X, container), y, v)
    given = {k: p for k, p in model.get_params().items() if k in FLAGS}
    oracle = Oracle(X, y, v, **({"l1_ratio": 1.0} | given))
    gap, rounding = oracle.gap(model.coef_), 64 * EPS * float(oracle.null_objective())
    assert model.dual_gap_ == pytest.approx(gap, rel=1e-9, abs=rounding)
    assert model.dual_gap_ >= 0


def test_unfinished_fits_have_gaps():
    """Else the test above would compare nothing."""
    X, y = regression(1, 1000, 40)
    for model in MODELS.values():
        with forced_form("working_set"):
            assert unfinished(model, X, y).dual_gap_ > 1e-5 * np.var(y)


MANY_WAYS = [LassoCV(alphas=99), LassoCV(alphas=9), Lasso(0.01), ElasticNet(0.01)]


@pytest.mark.slow
@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("model", MANY_WAYS, ids=repr)
def test_residuals_that_are_kept_belong_to_the_coefficients_h18(model, container, monkeypatch):
    """In the working-set form, whatever method found the coefficients."""
    judged = []

    def judge(self):
        problem = self.problem
        for point in self.points:
            size = np.abs(problem.y).max() + np.abs(problem.design.times(np.abs(point.w))).max()
            apart = np.abs(point.r - problem.residual(point.w)).max()
            judged.append(apart <= 64 * EPS * len(problem.y) * size)

    for name in ("certify", "settle"):
        method = getattr(state.State, name)

        def judged_method(self, *args, method=method):
            result = method(self, *args)
            judge(self)
            return result

        monkeypatch.setattr(state.State, name, judged_method)
    X, y = regression(3, 100, 150)
    with forced_form("working_set"):
        model.fit(contain(X, container), y)
    assert len(judged) and all(judged)
