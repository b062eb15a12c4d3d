"""relax: numpy's least squares on every active set, their blends, and the choice among them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression, wide
from scipy.optimize import lsq_linear
from sklearn.metrics import mean_absolute_error

from sklearn_regnorm import ElasticNet, ElasticNetCV, LassoCV
from sklearn_regnorm.solvers import forced_form

form = pytest.mark.parametrize("form", ["gram", "working_set"])
TIGHT = {"tol": 1e-14, "max_iter": 100_000}
N, P = 50, 10
FOLDS = [(np.arange(N) % 4 != k, np.arange(N) % 4 == k) for k in range(4)]
MEAN = "mean_test_neg_mean_squared_error"
GIVEN = {
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.4, "standardize": True},
    "no intercept": {"fit_intercept": False},
    "factors": {"penalty_factor": np.r_[0.0, np.inf, np.linspace(0.3, 3, P - 2)]},
    "bounds": {"lower": -0.3, "upper": np.linspace(0.0, 1.0, P)},
    "positive": {"positive": True},
}


def data():
    X, y = regression(3, N, P, noise=2.0, nonzero=P // 2)
    return X, y, np.random.default_rng(4).integers(0, 4, N) * 1.0


def least_squares(X, y, v, support, given):
    """Return (b, w) of least squares on some columns, within the bounds if there are any."""
    w = np.zeros(X.shape[1])
    intercept = given.get("fit_intercept", True)
    root = np.sqrt(v)[:, None]
    A = np.column_stack([np.ones(len(y)), X[:, support]]) if intercept else X[:, support]
    lower, upper = (
        np.broadcast_to(given.get(name, default), X.shape[1])
        for name, default in (("lower", -np.inf), ("upper", np.inf))
    )
    lower = np.zeros_like(lower) if given.get("positive") else lower
    free = [-np.inf] * intercept, [np.inf] * intercept
    bounds = np.r_[free[0], lower[support]], np.r_[free[1], upper[support]]
    if np.isinf(bounds).all():
        found = np.linalg.lstsq(root * A, root.ravel() * y, rcond=None)[0]
    else:
        found = lsq_linear(root * A, root.ravel() * y, bounds, tol=1e-15, method="bvls").x
    w[support] = found[int(intercept) :]
    return (found[0] if intercept else 0.0), w


def brute_force(X, y, v, alphas, blends, given):
    """Return errors (n_alphas, n_blends, n_folds), and (coefs, relaxed ones) on all rows."""
    errors = np.empty((len(alphas), len(blends), len(FOLDS)))
    rows = [*FOLDS, (np.ones(N, dtype=bool), None)]
    coefs, relaxed = [], []
    for a, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(rows):
            Z, z, u = X[train], y[train], v[train]
            one = ElasticNet(alpha, **{"l1_ratio": 1.0, **TIGHT, **given})
            one.fit(Z, z, sample_weight=u)
            b, w = least_squares(Z, z, u, np.flatnonzero(one.coef_), given)
            if test is None:
                coefs.append(np.r_[one.intercept_, one.coef_])
                relaxed.append(np.r_[b, w])
                continue
            for g, share in enumerate(blends):
                intercept = share * one.intercept_ + (1 - share) * b
                left = y[test] - intercept - X[test] @ (share * one.coef_ + (1 - share) * w)
                errors[a, g, k] = np.average(left**2, weights=v[test])
    return errors, np.array(coefs), np.array(relaxed)


@form
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize(
    "blends",
    [pytest.param(True, marks=pytest.mark.slow), [0.7, 0.0, 0.1]],
    ids=["default", "shares"],
)
@pytest.mark.parametrize("name", GIVEN)
def test_errors_coefficients_and_choice(name, blends, container, form):
    X, y, v = data()
    given = {"l1_ratio": 1.0, **GIVEN[name]}
    shares = [0.0, 0.25, 0.5, 0.75, 1.0] if blends is True else sorted(blends)
    options = {"alphas": 8, "eps": 1e-2, "cv": FOLDS, "relax": blends, **TIGHT}
    with forced_form(form):
        model = ElasticNetCV(**options, **given).fit(contain(X, container), y, sample_weight=v)
    alphas = model.alphas_
    errors, coefs, relaxed = brute_force(X, y, v, alphas, shares, given)
    table = model.cv_table_
    splits = [-table[f"split{k}_test_neg_mean_squared_error"] for k in range(4)]
    assert_allclose(np.reshape(splits, (4, 8, -1)), errors.transpose(2, 0, 1), rtol=1e-9)
    assert_array_equal(table["alpha"], np.repeat(alphas, len(shares)))
    assert_array_equal(table["relax"], np.tile(shares, 8))
    assert_allclose(model.relaxed_coef_path_, relaxed[:, 1:], atol=1e-10)
    assert_allclose(model.relaxed_intercept_path_, relaxed[:, 0], atol=1e-10)
    assert_allclose(model.coef_path_, coefs[:, 1:], atol=1e-12)
    mean = errors.mean(axis=2)
    assert mean.max() > 1.01 * mean.min()
    assert model.best_index_ == np.argmin(mean)
    for row in range(mean.size):
        a, g = np.unravel_index(row, mean.shape)
        one = model.select(lambda table, row=row: row)
        expected = shares[g] * coefs[a] + (1 - shares[g]) * relaxed[a]
        assert_allclose(np.r_[one.intercept_, one.coef_], expected, atol=1e-10)
        assert one.alpha_ == alphas[a]
        for bound, sign in (("lower", 1), ("upper", -1)):
            if bound in given:
                assert np.all(sign * (one.coef_ - given[bound]) >= 0)
    assert_allclose(model.predict(X), model.intercept_ + X @ model.coef_, rtol=1e-13)
    best = model.select(lambda table: model.best_index_)
    assert_array_equal(best.coef_, model.coef_)


def test_the_share_of_one_alone_is_not_relaxed():
    X, y, v = data()
    plain, one = (
        LassoCV(cv=FOLDS, relax=relax).fit(X, y, sample_weight=v) for relax in (False, [1.0])
    )
    assert_allclose(one.coef_, plain.coef_, rtol=1e-13)
    assert_allclose(one.cv_table_[MEAN], plain.cv_table_[MEAN], rtol=1e-10)
    assert_array_equal(one.cv_table_["df"], plain.cv_table_["df"])
    assert not hasattr(plain, "relaxed_coef_path_")


@pytest.mark.compiled
@form
def test_more_is_chosen_from_than_without(form):
    """Strong signals and many columns: what is chosen is relaxed, and has fewer columns."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((60, 100))
    y = X[:, :3] @ [3.0, -3.0, 3.0] + rng.standard_normal(60)
    with forced_form(form):
        plain, model = (LassoCV(cv=5, relax=relax).fit(X, y) for relax in (False, True))
    assert model.cv_table_["relax"][model.best_index_] < 1.0
    assert np.nanmax(model.cv_table_[MEAN]) > plain.cv_table_[MEAN].max()
    assert np.count_nonzero(model.coef_) < np.count_nonzero(plain.coef_)
    ones = model.cv_table_["relax"] == 1.0
    assert_allclose(model.cv_table_[MEAN][ones], plain.cv_table_[MEAN], rtol=1e-7)
    assert np.isnan(model.cv_table_["df"][~ones]).all()
    assert_allclose(model.cv_table_["aic"][ones], plain.cv_table_["aic"], rtol=1e-7)
    for rule in ("aic", "bic", "ebic"):
        assert model.select(rule).cv_table_["relax"][model.select(rule).best_index_] == 1.0


@form
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_as_many_columns_as_rows_are_not_relaxed_and_never_chosen(fit_intercept, form):
    X, y = wide(n=30, p=80)
    v = np.r_[np.ones(24), np.zeros(6)]
    folds = [(np.arange(30) % 3 != k, np.arange(30) % 3 == k) for k in range(3)]
    options = {"alphas": 30, "eps": 1e-4, "cv": folds, "relax": [0.0, 0.5, 1.0], **TIGHT}
    options |= {"l1_ratio": 0.9, "fit_intercept": fit_intercept}
    with forced_form(form):
        model = ElasticNetCV(**options).fit(X, y, sample_weight=v)
    sizes = np.count_nonzero(model.coef_path_, axis=1)
    unknown = np.isnan(model.relaxed_coef_path_).all(axis=1)
    assert_array_equal(unknown, sizes >= 24 - fit_intercept)
    assert_array_equal(unknown, np.isnan(model.relaxed_coef_path_).any(axis=1))
    assert_array_equal(unknown & fit_intercept, np.isnan(model.relaxed_intercept_path_))
    assert 0 < unknown.sum() < 30
    table = model.cv_table_
    assert np.isfinite(table[MEAN][table["relax"] == 1.0]).all()
    splits = np.array([table[f"split{k}_test_neg_mean_squared_error"] for k in range(3)])
    for k, (train, _) in enumerate(folds):
        for a, alpha in enumerate(model.alphas_):
            one = ElasticNet(alpha, l1_ratio=0.9, fit_intercept=fit_intercept, **TIGHT)
            one.fit(X[train], y[train], sample_weight=v[train])
            size = np.count_nonzero(one.coef_)
            expected = size >= np.count_nonzero(v[train]) - fit_intercept
            here = splits[k].reshape(30, 3)[a]
            assert_array_equal(np.isnan(here), [expected, expected, False])
    for rule in ("min", "1se", lambda table: int(np.nanargmax(table[MEAN]))):
        chosen = model.select(rule)
        assert np.isfinite(chosen.coef_).all() and np.isfinite(table[MEAN][chosen.best_index_])
    ranks = table["rank_test_neg_mean_squared_error"]
    assert ranks[np.isnan(table[MEAN])].min() > ranks[np.isfinite(table[MEAN])].max()


@form
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_rows_that_are_repeated_are_counted_once(fit_intercept, form):
    """A weight of 3 and three rows are the same to what is relaxed."""
    X, y = wide(n=30, p=80)
    fold = np.arange(30) % 3
    options = {"alphas": 30, "eps": 1e-3, "relax": True, "fit_intercept": fit_intercept, **TIGHT}
    models = []
    for rows, v in ((np.arange(30), np.full(30, 3.0)), (np.repeat(np.arange(30), 3), None)):
        cv = [(fold[rows] != k, fold[rows] == k) for k in range(3)]
        with forced_form(form):
            models.append(LassoCV(cv=cv, **options).fit(X[rows], y[rows], sample_weight=v))
    weighted, repeated = models
    assert_allclose(repeated.cv_table_[MEAN], weighted.cv_table_[MEAN], rtol=1e-8)
    assert_allclose(repeated.relaxed_coef_path_, weighted.relaxed_coef_path_, atol=1e-8)
    assert np.isnan(weighted.cv_table_[MEAN]).any() and np.isfinite(weighted.cv_table_[MEAN]).any()


@form
def test_where_nothing_can_be_relaxed(form):
    """Ridge of wide X has all columns active: there is only the penalised fit to choose."""
    X, y = wide(n=30, p=80)
    options = {"l1_ratio": 0.0, "alphas": [10.0, 1.0], "cv": 3}
    with forced_form(form):
        model = ElasticNetCV(**options, relax=True).fit(X, y)
        plain = ElasticNetCV(**options).fit(X, y)
        assert_allclose(model.coef_, plain.coef_, rtol=1e-10)
        assert np.isnan(model.relaxed_coef_path_).all()
        model.set_params(relax=[0.0, 0.5])
        with pytest.raises(ValueError, match="on every fold"):
            model.fit(X, y)


@form
def test_other_scorers_see_relaxed_predictions(form):
    X, y, v = data()
    options = {"cv": FOLDS, "relax": [0.0, 1.0], "alphas": [1.0, 0.3], "store_predictions": True}
    with forced_form(form):
        model = LassoCV(**options, **TIGHT, scoring="neg_mean_absolute_error")
        model.fit(X, y, sample_weight=v)
    metric, used = "neg_mean_absolute_error", v > 0
    assert model.cv_predictions_.shape == (2, 2, N)
    for a, alpha in enumerate(model.alphas_):
        for k, (train, test) in enumerate(FOLDS):
            one = ElasticNet(alpha, l1_ratio=1.0, **TIGHT)
            one.fit(X[train], y[train], sample_weight=v[train])
            b, w = least_squares(X[train], y[train], v[train], np.flatnonzero(one.coef_), {})
            for g, predicted in enumerate((b + X[test] @ w, one.predict(X[test]))):
                assert_allclose(model.cv_predictions_[a, g, test], predicted, rtol=1e-10)
                error = mean_absolute_error(y[test], predicted, sample_weight=v[test])
                found = model.cv_table_[f"split{k}_test_{metric}"].reshape(2, 2)[a, g]
                assert -found == pytest.approx(error, rel=1e-10)
    assert used.any() and not used.all()


def test_early_stopping_leaves_what_was_not_computed_nan():
    rng = np.random.default_rng(6)
    X, y = rng.standard_normal((100, 1100)), rng.standard_normal(100)
    model = LassoCV(cv=4, relax=True, early_stopping=True).fit(X, y)
    unsolved = np.isnan(model.coef_path_).any(axis=1)
    assert unsolved.any() and np.isnan(model.relaxed_coef_path_[unsolved]).all()
    assert np.isnan(model.cv_table_[MEAN].reshape(100, 5)[unsolved]).all()
    assert np.isfinite(model.coef_).all()


@form
def test_twins_in_the_active_set(form):
    """Their coefficients are not determined, what they predict is."""
    X, y, v = data()
    X = np.hstack([X, X[:, :4], -X[:, 2:6]])
    with forced_form(form):
        model = ElasticNetCV(alphas=6, cv=FOLDS, relax=[0.0], **TIGHT).fit(X, y, sample_weight=v)
    paths = model.coef_path_, model.relaxed_coef_path_, model.relaxed_intercept_path_
    for coef, relaxed, intercept in zip(*paths, strict=True):
        support = np.flatnonzero(coef)
        b, w = least_squares(X, y, v, support, {})
        assert_allclose(intercept + X @ relaxed, b + X @ w, rtol=0, atol=1e-11 * np.abs(y).max())
        assert not np.delete(relaxed, support).any()
    assert len(support) > P


@form
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_units_of_columns_and_target(dtype, form):
    X, y, v = data()
    units = 2.0 ** np.random.default_rng(7).integers(-30, 30, P)
    options = {"alphas": 6, "cv": FOLDS, "relax": True, "standardize": True, **TIGHT}
    with forced_form(form):
        plain, model = (
            LassoCV(**options).fit(Z.astype(dtype), z, sample_weight=v)
            for Z, z in ((X, y), (X * units, 1024 * y))
        )
    tolerance = 1e-10 if dtype is np.float64 else 1e-5
    expected = 1024 * plain.relaxed_coef_path_ / units
    assert_allclose(model.relaxed_coef_path_ * units, expected * units, rtol=tolerance)
    assert_allclose(model.cv_table_[MEAN], 2.0**20 * plain.cv_table_[MEAN], rtol=1e-9)
    assert model.best_index_ == plain.best_index_
    assert model.relaxed_coef_path_.dtype == dtype


@form
def test_many_relaxed_coefficients_are_solved_for_to_the_end(form):
    """Wherever the penalised ones are on the way."""
    X, y = regression(11, 130, 64, noise=0.1, rho=0.9, nonzero=64)
    with forced_form(form):
        model = LassoCV(cv=3, alphas=[1e-2, 1e-3], relax=[0.0], **TIGHT).fit(X, y)
    support = np.flatnonzero(model.coef_)
    b, w = least_squares(X, y, np.ones(130), support, {})
    assert len(support) >= 50
    assert_allclose(model.coef_, w, rtol=1e-10)
    assert_allclose(model.intercept_, b, rtol=1e-10)
