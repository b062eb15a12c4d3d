"""What LassoCV and ElasticNetCV publish: grids, shapes, the choice and the fit at it."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from oracle import Oracle, certified
from problems import contain, regression
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import KFold, LeaveOneOut

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form

N, P = 36, 7
X, y = regression(0, N, P)
ROWS = np.arange(N)
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[ROWS % 6]
PATHS = ("alphas_", "mse_path_", "dual_gap_path_", "coef_path_", "intercept_path_")
FITTED = (*PATHS, "alpha_", "coef_", "intercept_", "dual_gap_", "n_iter_", "lambda_1_")

MODELS = [
    LassoCV(alphas=6),
    LassoCV(alphas=6, positive=True, standardize=True),
    ElasticNetCV(alphas=6, fit_intercept=False),
    ElasticNetCV(alphas=6, l1_ratio=[0.2, 0.9, 1.0]),
]
models = pytest.mark.parametrize("model", MODELS, ids=repr)

# ------------------------------------------------------------------------------ shapes


@pytest.mark.parametrize("n_folds", [1, 4])
@pytest.mark.parametrize("alphas", [1, 5, [0.1], [0.03, 0.3, 0.1]], ids=str)
@pytest.mark.parametrize(
    ("ratio", "leading"),
    [(None, ()), (0.5, ()), ([0.5], ()), (np.array([0.5]), ()), (1, ()), (np.float32(0.5), ()),
     ([0.5, 0.9], (2,)), ((0.1, 0.5, 1), (3,)), (np.array([0.5, 0.5]), (2,))],
    ids=str,
)  # fmt: skip
def test_shapes_h21_h40(ratio, leading, alphas, n_folds):
    cv = list(KFold(4).split(X))[:n_folds]
    model = LassoCV(alphas=alphas, cv=cv)
    if ratio is not None:
        model = ElasticNetCV(l1_ratio=ratio, alphas=alphas, cv=cv)
    model.fit(X, y)
    automatic = isinstance(alphas, int)
    n_alphas = alphas if automatic else len(alphas)
    assert model.alphas_.shape == ((*leading, n_alphas) if automatic else (n_alphas,))
    assert model.mse_path_.shape == (*leading, n_alphas, n_folds)
    assert model.dual_gap_path_.shape == (*leading, n_alphas, n_folds)
    assert model.coef_path_.shape == (*leading, n_alphas, P)
    assert model.intercept_path_.shape == (*leading, n_alphas)
    assert model.coef_.shape == (P,)
    assert isinstance(model.intercept_, float) and isinstance(model.alpha_, float)
    assert hasattr(model, "l1_ratio_") == (ratio is not None)
    if n_alphas > 1 and n_folds > 1:
        twin = sk.LassoCV(cv=4) if ratio is None else sk.ElasticNetCV(l1_ratio=ratio, cv=4)
        name = "alphas" if not automatic or "n_alphas" not in twin.get_params() else "n_alphas"
        twin.set_params(**{name: alphas}).fit(X, y)
        for name in ("alphas_", "mse_path_", "coef_"):
            assert getattr(model, name).shape == getattr(twin, name).shape, name


# ------------------------------------------------------------------------------ grids


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS, 1e12 * WEIGHTS], ids=["no", "yes", "large"])
@pytest.mark.parametrize("ratio", [1.0, 0.3, 1e-3])
def test_automatic_grid_h25(ratio, weights, standardize, positive):
    flags = {"positive": positive, "standardize": standardize}
    model = ElasticNetCV(l1_ratio=ratio, alphas=8, eps=0.02, **flags).fit(X, y, weights)
    largest = Oracle(X, y, weights, alpha=1.0, l1_ratio=ratio, **flags).alpha_max()
    assert_allclose(model.alphas_, np.geomspace(largest, 0.02 * largest, 8), rtol=1e-12)
    assert not model.coef_path_[0].any() and model.coef_path_[1].any()
    below = ElasticNet(alpha=model.alphas_[0] * (1 - 1e-6), l1_ratio=ratio, **flags)
    assert below.fit(X, y, weights).coef_.any()


@pytest.mark.parametrize("exponent", [-290, -150, -20, -16, 20, 150])
def test_automatic_grid_in_any_units_h10(exponent):
    """An alpha_max of 1e-20 is no sign that nothing can be selected."""
    unit = 10.0**exponent
    expected = LassoCV(alphas=8).fit(X, y)
    data = [(X * unit, y), (X, y * unit)]
    for scaled in data[: 1 if exponent < -150 else 2]:  # squares of y have to be floats
        model = LassoCV(alphas=8).fit(*scaled)
        assert_allclose(model.alphas_, unit * expected.alphas_, rtol=1e-9)
        assert model.score(*scaled) == pytest.approx(expected.score(X, y), rel=1e-9)


def test_grid_of_ridge_is_that_of_a_small_ratio_h07():
    one, other = (ElasticNetCV(l1_ratio=r, alphas=9).fit(X, y) for r in (0.0, 1e-3))
    assert_array_equal(one.alphas_, other.alphas_)
    both = ElasticNetCV(l1_ratio=[0, 0.5], alphas=9).fit(X, y)
    assert_array_equal(both.alphas_[0], one.alphas_)
    assert_array_equal(both.mse_path_[0], one.mse_path_)


@models
def test_given_grid_is_used_as_it_is(model):
    grid = np.array([0.05, 0.5, 0.01, 0.05, 2.0, 0.0])
    for given in (grid, grid.tolist(), tuple(grid), grid.astype(np.float32)[:0:-1]):
        fit = clone(model).set_params(alphas=given, cv=3).fit(X, y)
        assert_array_equal(fit.alphas_, np.sort(np.asarray(given, dtype=float))[::-1])
    ordered = clone(model).set_params(alphas=np.sort(grid)[::-1], cv=3).fit(X, y)
    again = clone(model).set_params(alphas=grid, cv=3).fit(X, y)
    assert_array_equal(again.mse_path_, ordered.mse_path_)


@models
def test_number_of_alphas_and_the_same_grid_given(model):
    automatic = clone(model).fit(X, y)
    if automatic.alphas_.ndim == 1:
        given = clone(model).set_params(alphas=automatic.alphas_).fit(X, y)
        for name in FITTED:
            assert_array_equal(getattr(given, name), getattr(automatic, name), err_msg=name)


# ------------------------------------------------------------------------------ choice and fit


@models
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_choice_and_fit(model, weights):
    model = clone(model).fit(X, y, sample_weight=weights)
    mean = np.atleast_2d(model.mse_path_.mean(axis=-1))  # plain over folds, whatever their weight
    ratio, a = np.unravel_index(mean.argmin(), mean.shape)
    assert model.alpha_ == np.atleast_2d(model.alphas_)[ratio, a]
    l1_ratio = np.atleast_1d(getattr(model, "l1_ratio", 1.0))[ratio]
    flags = {k: getattr(model, k) for k in ("fit_intercept", "positive", "standardize")}
    refit = ElasticNet(alpha=model.alpha_, l1_ratio=l1_ratio, **flags).fit(X, y, weights)
    if isinstance(model, LassoCV):
        refit = Lasso(alpha=model.alpha_, **flags).fit(X, y, weights)
    else:
        assert model.l1_ratio_ == l1_ratio
    assert_allclose(model.coef_, refit.coef_, rtol=1e-9, atol=1e-12)
    assert_allclose(model.intercept_, refit.intercept_, rtol=1e-9, atol=1e-12)
    pick = a if model.coef_path_.ndim == 2 else (ratio, a)
    assert_array_equal(model.coef_path_[pick], model.coef_)
    assert_allclose(model.intercept_path_[pick], model.intercept_, rtol=1e-12)
    assert model.lambda_1_ == pytest.approx(model.alpha_ * l1_ratio, rel=1e-15)
    assert model.lambda_2_ == pytest.approx(model.alpha_ * (1 - l1_ratio) / 2, rel=1e-15)
    assert isinstance(model.n_iter_, int) and model.n_iter_ >= 1
    single = ElasticNet(alpha=model.alpha_, l1_ratio=l1_ratio, **flags)
    certified(single.set_params(tol=1e-14).fit(X, y, weights), X, y, weights)


@models
def test_path_on_all_rows(model):
    model = clone(model).set_params(tol=1e-14).fit(X, y, WEIGHTS)
    ratios = np.atleast_1d(getattr(model, "l1_ratio", 1.0))
    coefs = model.coef_path_.reshape(len(ratios), 6, P)
    intercepts = model.intercept_path_.reshape(len(ratios), 6)
    grids = np.broadcast_to(np.atleast_2d(model.alphas_), (len(ratios), 6))
    flags = {k: getattr(model, k) for k in ("fit_intercept", "positive", "standardize")}
    for i, a in np.ndindex(grids.shape):
        single = ElasticNet(alpha=grids[i, a], l1_ratio=ratios[i], tol=1e-14, **flags)
        single.fit(X, y, WEIGHTS)
        assert_allclose(coefs[i, a], single.coef_, rtol=1e-9, atol=1e-12)
        assert_allclose(intercepts[i, a], single.intercept_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("load", [load_diabetes, load_breast_cancer])
@pytest.mark.parametrize("ratio", [None, [0.1, 0.5, 0.95]], ids=["lasso", "elastic net"])
def test_same_as_scikit_learn_on_its_data(load, ratio):
    Z, z = load(return_X_y=True)
    Z = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    z = z.astype(float)
    given = {"alphas": np.geomspace(1, 0.01, 25) * z.std(), "cv": 5}
    ours, theirs = LassoCV(**given), sk.LassoCV(**given, tol=1e-13, max_iter=10**6)
    if ratio is not None:
        ours = ElasticNetCV(l1_ratio=ratio, **given)
        theirs = sk.ElasticNetCV(l1_ratio=ratio, **given, tol=1e-13, max_iter=10**6)
    ours.fit(Z, z), theirs.fit(Z, z)
    assert_array_equal(ours.alphas_, theirs.alphas_)
    assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert ours.alpha_ == theirs.alpha_
    assert getattr(ours, "l1_ratio_", None) == getattr(theirs, "l1_ratio_", None)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-6 * np.abs(theirs.coef_).max())
    assert_allclose(ours.predict(Z), theirs.predict(Z), rtol=1e-6, atol=1e-6 * z.std())


@pytest.mark.parametrize("value", [0.0, 3.7, 1e8, 1e-300, -1.0 / 3])
@models
def test_constant_target_h34(model, value):
    z = np.full(N, value)
    if value == 1e-300 and not model.fit_intercept:  # whose squares, the errors, would all vanish
        with pytest.raises(ValueError, match="y.*squares vanish"):
            clone(model).fit(X, z)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = clone(model).fit(X, z)
    assert np.isfinite(model.alphas_).all() and np.isfinite(model.mse_path_).all()
    if model.fit_intercept:
        assert not model.coef_.any() and not model.coef_path_.any()
        one_unit = np.spacing(abs(value))
        assert abs(model.intercept_ - value) <= one_unit
        assert np.all(np.abs(model.intercept_path_ - value) <= one_unit)
        assert np.all(model.mse_path_ <= (1e-15 * value) ** 2)
        # all errors are equal: the largest alpha of the first ratio, as scikit-learn has it
        assert model.alpha_ == model.alphas_.flat[0]


def test_ties_take_the_largest_alpha_of_the_first_ratio():
    grid = np.array([9.0, 4.0, 6.0]) * LassoCV(alphas=1).fit(X, y).alpha_ / 0.1
    model = ElasticNetCV(l1_ratio=[0.5, 0.2, 0.9], alphas=grid).fit(X, y)
    assert not model.coef_.any() and np.ptp(model.mse_path_, axis=(0, 1)).max() == 0.0
    assert model.alpha_ == grid.max() and model.l1_ratio_ == 0.5


# ------------------------------------------------------------------------------ sameness


@models
@pytest.mark.parametrize("container", ["C", pytest.param("csc", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_threads_change_nothing_n10(form, container, model):
    results = []
    for n_jobs in (None, 1, 2, 3, -1):
        with forced_form(form):
            one = clone(model).set_params(n_jobs=n_jobs, cv=LeaveOneOut())
            results.append(one.fit(contain(X, container), y, WEIGHTS + 0.1))
    for other in results[1:]:
        for name in FITTED:
            assert_array_equal(getattr(other, name), getattr(results[0], name), err_msg=name)


@models
def test_weights_are_repetitions_h25(model):
    counts = ROWS * 5 % 4
    rows = np.repeat(ROWS, counts)
    kept = counts > 0
    folds = [(ROWS[ROWS % 3 != k], ROWS[ROWS % 3 == k]) for k in range(3)]
    repeated = [tuple(np.flatnonzero(np.isin(rows, side)) for side in fold) for fold in folds]
    dropped = [tuple(np.flatnonzero(np.isin(ROWS[kept], side)) for side in f) for f in folds]
    weighted = clone(model).set_params(cv=folds).fit(X, y, counts)
    others = {
        "repeated": clone(model).set_params(cv=repeated).fit(X[rows], y[rows]),
        "dropped": clone(model).set_params(cv=dropped).fit(X[kept], y[kept], counts[kept]),
        "tripled": clone(model).set_params(cv=folds).fit(X, y, 3.0 * counts),
        "tiny": clone(model).set_params(cv=folds).fit(X, y, 1e-30 * counts),
    }
    for kind, other in others.items():
        for name in ("alphas_", "mse_path_", "coef_path_", "intercept_path_", "alpha_", "coef_"):
            assert_allclose(
                getattr(other, name), getattr(weighted, name), rtol=1e-9, atol=1e-12,
                err_msg=f"{kind} {name}",
            )  # fmt: skip


@models
def test_float32_is_kept(model):
    double = clone(model).fit(X, y)
    single = clone(model).set_params(alphas=double.alphas_.ravel()[:6]).fit(X.astype("f4"), y)
    double = clone(single).fit(X, y)
    assert single.coef_.dtype == single.coef_path_.dtype == np.float32
    assert single.mse_path_.dtype == np.float64
    assert_allclose(single.mse_path_, double.mse_path_, rtol=1e-4)
    assert_allclose(single.coef_path_, double.coef_path_, rtol=1e-3, atol=1e-5)
