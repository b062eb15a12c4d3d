"""What follows from the meaning of penalty factors and bounds, without an oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from oracle import certified
from problems import contain, regression

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, lasso_path
from sklearn_regnorm.solvers import forced_form

form = pytest.mark.parametrize("form", ["gram", "working_set"])
ratios = pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
TIGHT = {"tol": 1e-14, "max_iter": 100_000}
N, P = 60, 12
FACTORS = np.array([0.5, 1.0, 2.0, 0.3, 1.5, 1.0, 0.7, 3.0, 1.0, 0.2, 1.1, 0.9])
BOXES = {"lower": -0.2, "upper": np.linspace(0, 0.5, P)}
FOLDS = [(np.arange(N) % 4 != k, np.arange(N) % 4 == k) for k in range(4)]


def data(p=P):
    X, y = regression(0, N, p, nonzero=p // 2)
    return X, y, np.random.default_rng(1).integers(0, 4, N) * 1.0


def with_some(value, p=P):
    """Return factors, a third of which are `value`."""
    f = np.resize(FACTORS, p)
    f[1::3] = value
    return f


def fit(X, y, v=None, form="gram", cls=ElasticNet, **given):
    with forced_form(form):
        return cls(**{**TIGHT, **given}).fit(X, y, sample_weight=v)


def same(model, other, rtol=0, atol=1e-12):
    assert_allclose(model.coef_, other.coef_, rtol=rtol, atol=atol)
    assert_allclose(model.intercept_, other.intercept_, rtol=rtol, atol=atol)


# ------------------------------------------------------------------------------ factors


@form
@ratios
@pytest.mark.parametrize("standardize", [False, True])
def test_an_infinite_factor_is_a_column_dropped_h14(standardize, ratio, form):
    X, y, v = data()
    f = with_some(np.inf)
    kept = np.isfinite(f)
    rest = {"standardize": standardize, "l1_ratio": ratio, "upper": BOXES["upper"][kept]}
    part = fit(X[:, kept], y, v, form, alpha=0.1, penalty_factor=f[kept], **rest)
    model = fit(X, y, v, form, alpha=0.1, penalty_factor=f, **{**rest, "upper": BOXES["upper"]})
    assert_array_equal(model.coef_[~kept], 0.0)
    same(part, SubModel(model, kept))
    assert model.dual_gap_ == part.dual_gap_ and model.coef_.shape == (P,)
    rest |= {"alphas": 7, "cv": FOLDS}
    part = fit(X[:, kept], y, v, form, ElasticNetCV, penalty_factor=f[kept], **rest)
    rest["upper"] = BOXES["upper"]
    model = fit(X, y, v, form, ElasticNetCV, penalty_factor=f, **rest)
    assert_allclose(model.alphas_, part.alphas_, rtol=1e-14)
    assert_allclose(model.mse_path_, part.mse_path_, rtol=1e-11)
    assert_allclose(model.coef_path_[:, kept], part.coef_path_, atol=1e-12)
    assert not model.coef_path_[:, ~kept].any()


class SubModel:
    def __init__(self, model, kept):
        self.coef_, self.intercept_ = model.coef_[kept], model.intercept_


@form
@ratios
@pytest.mark.parametrize("factor", [1e-3, 7.0])
def test_all_factors_times_a_number_are_alpha_times_it(factor, ratio, form):
    X, y, v = data()
    f = with_some(0.0)
    given = {"l1_ratio": ratio, "standardize": True}
    one = fit(X, y, v, form, alpha=0.1 / factor, penalty_factor=factor * f, **given)
    same(one, fit(X, y, v, form, alpha=0.1, penalty_factor=f, **given))
    given |= {"cv": FOLDS, "alphas": 7}
    one = fit(X, y, v, form, ElasticNetCV, penalty_factor=factor * f, **given)
    other = fit(X, y, v, form, ElasticNetCV, penalty_factor=f, **given)
    assert_allclose(one.alphas_ * factor, other.alphas_, rtol=1e-12)
    assert_allclose(one.mse_path_, other.mse_path_, rtol=1e-10)
    same(one, other)


@form
@ratios
@pytest.mark.parametrize("p", [P, 100])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_residuals_are_orthogonal_to_columns_without_penalty_h15(fit_intercept, p, ratio, form):
    X, y, v = data(p)
    f = with_some(1.0, p)
    f[[0, 5, 7]] = 0.0
    options = {"alpha": 0.3, "l1_ratio": ratio, "fit_intercept": fit_intercept}
    model = fit(X, y, v, form, penalty_factor=f, **options)
    left = v * (y - model.predict(X))
    size = np.sqrt(v @ y**2 * (v @ X**2))
    assert np.all(np.abs(left @ X)[f == 0] <= 1e-13 * size[f == 0])
    assert np.all(np.abs(left @ X)[f > 0] > 1e-6 * size[f > 0]) or ratio < 1
    assert np.all(model.coef_[f == 0] != 0)


@form
@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("value", [0.0, np.inf, 1.0])
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("ratio", [1.0, 0.3])
def test_the_largest_alpha_of_the_grid(ratio, bounded, value, standardize, container, form):
    X, y, v = data()
    X, f = contain(X, container), with_some(value)
    given = {"penalty_factor": f, "standardize": standardize, "l1_ratio": ratio}
    given |= {"lower": 0.0, "upper": np.arange(P) % 2.0} if bounded else {}
    with forced_form(form):
        path = ElasticNetCV(alphas=3, cv=FOLDS, **TIGHT, **given).fit(X, y, sample_weight=v)
    penalised = (f > 0) & np.isfinite(f)
    above, below = (
        fit(X, y, v, form, alpha=path.alphas_[0] * (1 + step), **given).coef_
        for step in (1e-12, -1e-6)
    )
    assert not above[penalised].any() and np.count_nonzero(below[penalised]) == 1
    assert not path.coef_path_[0, penalised].any()
    if value == 0.0 and not bounded:
        assert path.coef_path_[0, f == 0].all()


# ------------------------------------------------------------------------------ bounds


@form
@ratios
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("p", [P, 100])
def test_bounds_are_never_violated_and_are_met(p, standardize, dtype, ratio, form):
    X, y, v = data(p)
    lower, upper = np.full(p, -0.1), np.linspace(0, 0.3, p)
    lower[2], upper[3] = -np.inf, np.inf
    given = {"l1_ratio": ratio, "standardize": standardize, "lower": lower, "upper": upper}
    model = fit(X.astype(dtype), y, v, form, ElasticNetCV, alphas=9, cv=FOLDS, relax=True, **given)
    assert model.coef_.dtype == dtype
    for path in (model.coef_path_, model.relaxed_coef_path_, model.coef_[None]):
        path = path[~np.isnan(path).any(axis=1)].astype(float)
        assert np.all(path >= lower) and np.all(path <= upper)
    assert model.coef_path_.any() and np.isnan(model.relaxed_coef_path_).any() == (p > N)
    last = model.coef_path_[-1].astype(float)
    near = np.finfo(dtype).eps
    assert np.sum(last >= upper * (1 - near)) > 1 and np.sum(last <= lower * (1 - near)) > 1


@form
@pytest.mark.parametrize("cls", [ElasticNet, ElasticNetCV])
def test_bounds_far_away_change_nothing(cls, form):
    X, y, v = data()
    far = fit(X, y, v, form, cls, lower=-1e6, upper=1e6)
    near = fit(X, y, v, form, cls)
    same(far, near)
    same(fit(X, y, v, form, cls, lower=0), fit(X, y, v, form, cls, positive=True))
    same(fit(X, y, v, form, cls, lower=-np.inf, upper=np.inf, penalty_factor=np.ones(P)), near)


@pytest.mark.compiled
@form
@pytest.mark.parametrize("p", [P, 100])
def test_positive_coefficients_are_never_below_zero_h22(p, form):
    """Also where columns that are as good as the same compete."""
    X, y, v = data(p)
    X[:, 1::2] = X[:, ::2] + 1e-6 * X[:, 1::2]
    for cls in (Lasso, ElasticNet, Ridge, LassoCV, ElasticNetCV):
        model = fit(X, y, v, form, cls, positive=True)
        for coefs in (model.coef_, getattr(model, "coef_path_", model.coef_)):
            assert coefs.min() == 0.0 and coefs.max() > 0.0
        if cls in (Lasso, ElasticNet, Ridge):
            certified(model, X, y, v)
    for dtype in (np.float64, np.float32):
        with forced_form(form):
            assert lasso_path(X.astype(dtype), y, positive=True)[1].min() == 0.0


def test_all_zero_by_bounds():
    X, y, v = data()
    for model in (Lasso(lower=0, upper=0), LassoCV(lower=0, upper=0, cv=3)):
        model.fit(X, y, sample_weight=v)
        assert_array_equal(model.coef_, 0.0)
        assert model.intercept_ == pytest.approx(np.average(y, weights=v), rel=1e-14)
        assert model.dual_gap_ == 0


# ------------------------------------------------------------------------------ data

ALL = {
    "zeros": {"penalty_factor": with_some(0.0)},
    "infinities": {"penalty_factor": with_some(np.inf)},
    "boxes": BOXES,
    "all": {"penalty_factor": with_some(0.0), **BOXES},
    "adaptive": {"penalty_factor": "adaptive"},
}
every = pytest.mark.parametrize("name", ALL)


@form
@every
def test_several_targets_are_several_fits(name, form):
    X, y, v = data()
    Y = np.column_stack([y, X[:, 3] - y, -5 * y + X[:, 1] ** 2])
    model = fit(X, Y, v, form, alpha=0.1, **ALL[name])
    for k, one in enumerate(Y.T):
        alone = fit(X, np.ascontiguousarray(one), v, form, alpha=0.1, **ALL[name])
        assert_allclose(model.coef_[k], alone.coef_, atol=1e-12)
        assert_allclose(model.intercept_[k], alone.intercept_, atol=1e-12)


@form
@every
@pytest.mark.parametrize("tol", [1e-4, 1e-14])
@pytest.mark.slow
def test_a_warm_start_changes_the_time_alone(tol, name, form):
    X, y, v = data(100)
    given = {key: np.resize(one, 100) if np.ndim(one) else one for key, one in ALL[name].items()}
    cold = fit(X, y, v, form, Lasso, alpha=0.05, tol=tol, **given)
    with forced_form(form):
        warm = Lasso(warm_start=True, tol=tol, max_iter=100_000).fit(X, y)
        warm.set_params(alpha=0.05, **given).fit(X, y, sample_weight=v)  # from outside the bounds
    for one in (cold, warm):
        assert np.all(one.coef_ >= given.get("lower", -np.inf))
        assert np.all(one.coef_ <= given.get("upper", np.inf))
        assert not one.coef_[given.get("penalty_factor", np.ones(100)) == np.inf].any()
    apart = X @ (cold.coef_ - warm.coef_)
    variance = np.average((apart - np.average(apart, weights=v)) ** 2, weights=v)
    assert variance <= 4 * (cold.dual_gap_ + warm.dual_gap_) + 1e-24  # P is that convex
