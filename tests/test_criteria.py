"""Standard errors and information criteria against computations by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import ar1, regression
from refusal import state
from sklearn.base import clone

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.linear_model._selection import choose
from sklearn_regnorm.solvers import forced_form

X, y = regression(0, 41, 6, noise=2.0)
ROWS = np.arange(41)
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[ROWS % 6]
FOLDS = [(ROWS[5:], ROWS[:5]), (ROWS[np.r_[:5, 17:41]], ROWS[5:17]), (ROWS[:17], ROWS[17:])]
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
SLOW, WEIGHTED = pytest.mark.slow, ["unweighted", "weighted"]
forms = pytest.mark.parametrize("form", ["gram", "working_set"])


# ------------------------------------------------------------------------------ standard errors


@pytest.mark.parametrize("weighting", ["equal", "size"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, 1e-9 * WEIGHTS], ids=["no", "yes", "small"])
@pytest.mark.parametrize(
    "model",
    [LassoCV(alphas=5), ElasticNetCV(alphas=4, l1_ratio=[0.2, 0.9]), RidgeCV(alphas=5),
     LassoCV(alphas=5, scoring="neg_mean_absolute_error")],
    ids=repr,
)  # fmt: skip
def test_means_and_errors(model, weights, weighting):
    model = clone(model).set_params(cv=FOLDS, fold_weighting=weighting).fit(X, y, weights)
    v = np.ones(41) if weights is None else weights
    sizes = [v[test].sum() for _, test in FOLDS]
    table, name = model.cv_table_, model.metric_
    for row in range(len(table["alpha"])):
        scores = [table[f"split{k}_test_{name}"][row] for k in range(3)]
        mean = sum(scores) / 3
        if weighting == "size":
            mean = sum(n * m for n, m in zip(sizes, scores, strict=True)) / sum(sizes)
        squares = sum(n * (m - mean) ** 2 for n, m in zip(sizes, scores, strict=True))
        assert table[f"mean_test_{name}"][row] == pytest.approx(mean, rel=1e-12)
        error = np.sqrt(squares / sum(sizes) / (3 - 1))
        assert table[f"se_test_{name}"][row] == pytest.approx(error, rel=1e-12)
        plain = np.sqrt(sum((m - sum(scores) / 3) ** 2 for m in scores) / 3)
        assert table[f"std_test_{name}"][row] == pytest.approx(plain, rel=1e-12)
    assert_array_equal(model.best_index_, np.argmax(table[f"mean_test_{name}"]))


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_rows_left_out_are_folds_of_their_weight(weights):
    v = np.ones(41) if weights is None else weights
    model = RidgeCV(alphas=5).fit(X, y, weights)
    errors = model.mse_path_[:, v > 0]
    n = v[v > 0]
    mean = errors @ n / n.sum()
    table = model.cv_table_
    assert_allclose(table["mean_test_neg_mean_squared_error"], -mean, rtol=1e-12)
    squares = ((errors - mean[:, None]) ** 2) @ n / n.sum() / (len(n) - 1)
    assert_allclose(table["se_test_neg_mean_squared_error"], np.sqrt(squares), rtol=1e-12)
    assert not any(key.startswith("split") for key in table)


@pytest.mark.parametrize("model", [LassoCV(alphas=5), RidgeCV(alphas=5)], ids=repr)
def test_one_fold_has_no_standard_error(model):
    model = clone(model).set_params(cv=FOLDS[:1]).fit(X, y)
    assert np.isnan(model.cv_table_["se_test_neg_mean_squared_error"]).all()
    assert not model.cv_table_["std_test_neg_mean_squared_error"].any()
    before = state(model)
    with pytest.raises(ValueError, match="1se.*at least 2 folds"):
        model.select("1se")
    with pytest.raises(ValueError, match="1se.*at least 2 folds"):
        clone(model).set_params(selection_rule="1se").fit(X, y)
    assert state(model) == before and "±" not in str(model.summary())


def test_scores_of_all_left_out_rows_at_once_have_no_standard_error():
    with pytest.raises(ValueError, match="1se.*at least 2 folds"):
        RidgeCV(alphas=5, scoring="r2", selection_rule="1se").fit(X, y)


# ------------------------------------------------------------------------------ criteria


def by_hand(coefs, intercepts, X, y, v, ridge, factor=None, fit_intercept=True, standardize=False):
    """Return df, aic, bic and ebic; `ridge` (m,) are the coefficients of ``sum w^2 / 2``."""
    v = np.ones(len(y)) if v is None else v
    total, V = v.sum(), np.diag(v / v.sum())
    Z = X - v @ X / total if fit_intercept else X
    scale = np.ones(X.shape[1])
    if standardize:
        scale = np.sqrt(v @ (X - v @ X / total) ** 2 / total)
    factor = np.ones(X.shape[1]) if factor is None else factor
    df, rss = [], []
    for w, b, penalty in zip(coefs, intercepts, ridge, strict=True):
        S = np.flatnonzero(w)
        D = np.diag(penalty * factor[S] * scale[S] ** 2)
        hat = Z[:, S] @ np.linalg.pinv(Z[:, S].T @ V @ Z[:, S] + D, rcond=1e-12) @ Z[:, S].T @ V
        df.append(np.trace(hat) + fit_intercept)
        rss.append(v @ (y - X @ w - b) ** 2)
    df, fit = np.array(df), total * np.log(np.array(rss) / total)
    log, p = np.log(total), np.isfinite(factor).sum()
    fit = np.where(df <= np.count_nonzero(v) / 2, fit, np.nan)
    return {
        "df": df,
        "aic": fit + 2 * df,
        "bic": fit + log * df,
        "ebic": fit + (log + 2 * 0.5 * np.log(p)) * df,
    }


def agrees(model, expected, rtol=1e-7):
    for name, values in expected.items():
        assert_allclose(model.cv_table_[name], values, rtol=rtol, atol=rtol, err_msg=name)
    for rule in ("aic", "bic", "ebic"):
        assert model.cv_table_[rule][model.select(rule).best_index_] == np.nanmin(
            model.cv_table_[rule]
        )


FACTOR = np.array([1.0, 0.0, 2.0, np.inf, 0.3, 1.0])
SETTINGS = [
    {},
    {"fit_intercept": False},
    {"standardize": True},
    {"penalty_factor": FACTOR},
    {"penalty_factor": FACTOR, "standardize": True, "fit_intercept": False},
]


@forms
@pytest.mark.parametrize("weights", [pytest.param(None, marks=SLOW), WEIGHTS], ids=WEIGHTED)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
def test_criteria(ratio, setting, weights, form):
    Z = X * np.array([1.0, 3.0, 0.2, 1.0, 5.0, 1.0])
    model = ElasticNetCV(l1_ratio=ratio, alphas=8, tol=1e-14, **setting)
    with forced_form(form):
        model.fit(Z, y, weights)
    given = {"factor" if k == "penalty_factor" else k: v for k, v in setting.items()}
    ridge = model.alphas_ * (1 - ratio)
    agrees(model, by_hand(model.coef_path_, model.intercept_path_, Z, y, weights, ridge, **given))
    assert np.ptp(model.cv_table_["df"]) > 0.5


@forms
def test_criteria_of_several_ratios_and_more_columns_than_rows(form):
    rng = np.random.default_rng(1)
    Z = ar1(rng, 30, 45, 0.5)
    Z[:, 7] = Z[:, 3]
    z = Z[:, :4].sum(axis=1) + rng.standard_normal(30)
    model = ElasticNetCV(l1_ratio=[0.3, 0.9], alphas=9, eps=0.05, tol=1e-14)
    with forced_form(form):
        model.fit(Z, z)
    ridge = (model.alphas_ * np.array([[0.7], [0.1]])).ravel()
    paths = model.coef_path_.reshape(18, 45), model.intercept_path_.ravel()
    agrees(model, by_hand(*paths, Z, z, None, ridge))


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["aic", "bic", "ebic"])
@pytest.mark.parametrize(
    "model", [LassoCV(), ElasticNetCV(l1_ratio=0.3), RidgeCV(), RidgeCV(cv=3)], ids=repr
)
def test_models_that_fit_every_row_are_not_chosen(model, rule):
    """Toward as many degrees of freedom as rows, log RSS falls without end, also of pure noise."""
    rng = np.random.default_rng(0)
    Z, z = rng.standard_normal((40, 200)), rng.standard_normal(40)
    model = clone(model).set_params(selection_rule=rule).fit(Z, z)
    table = model.cv_table_
    many = table["df"] > 20
    assert many.any() and table["df"][model.best_index_] <= 20
    assert_array_equal(np.isnan(table[rule]), many)
    if rule == "ebic":
        assert table["df"][model.best_index_] < 3  # the truth is 1, the intercept
    model.set_params(alphas=model.alphas_[table["df"] > 25])
    with pytest.raises(ValueError, match=f"{rule}.*half the rows.*larger alphas"):
        model.fit(Z, z)


@pytest.mark.compiled
@pytest.mark.parametrize("rule", ["aic", "bic", "ebic"])
@pytest.mark.parametrize("model", [LassoCV(), ElasticNetCV(l1_ratio=0.3), RidgeCV()], ids=repr)
def test_rows_that_are_repeated_are_counted_once(model, rule):
    """A weight of 3 and three rows are the same to the criteria."""
    rng = np.random.default_rng(0)
    Z, z = rng.standard_normal((40, 60)), rng.standard_normal(40)
    rows = np.repeat(np.arange(40), 3)
    model.set_params(selection_rule=rule)
    weighted = clone(model).fit(Z, z, sample_weight=np.full(40, 3.0))
    repeated = clone(model).fit(Z[rows], z[rows])
    many = weighted.cv_table_["df"] > 20
    assert many.any() and not many.all()
    for name in ("df", rule):
        one, other = (fit.cv_table_[name] for fit in (weighted, repeated))
        assert_allclose(other, one, rtol=1e-7, err_msg=name)
    assert_array_equal(np.isnan(weighted.cv_table_[rule]), many)


@pytest.mark.parametrize("cv", [None, 4], ids=["leave one out", "folds"])
@pytest.mark.parametrize("weights", [pytest.param(None, marks=SLOW), WEIGHTS], ids=WEIGHTED)
@pytest.mark.parametrize("setting", SETTINGS[:3], ids=str)
@pytest.mark.parametrize("columns", [6, 60])
def test_criteria_of_ridge(columns, setting, weights, cv):
    Z = ar1(np.random.default_rng(2), 41, columns, 0.5) + 1.0
    z = Z[:, :4].sum(axis=1) + y
    grid = np.geomspace(0.1, 1e4, 7)
    model = RidgeCV(alphas=grid, cv=cv, **setting).fit(Z, z, weights)
    total = 41 if weights is None else weights.sum()
    ridge = model.alphas_ / total
    expected = by_hand(model.coef_path_, model.intercept_path_, Z, z, weights, ridge, **setting)
    agrees(model, expected)
    assert np.ptp(model.cv_table_["df"]) > 0.5


@forms
@pytest.mark.parametrize(
    "bounds", [{"positive": True}, {"lower": 0.0}, {"upper": 1.0}, {"lower": -1.0, "upper": 1e9}]
)
@pytest.mark.parametrize("rule", ["aic", "bic", "ebic"])
def test_criteria_are_refused_with_bounds(rule, bounds, form):
    with forced_form(form):
        model = LassoCV(alphas=5, **bounds).fit(X, y)
        assert np.isnan(model.cv_table_["df"]).all() and np.isnan(model.cv_table_[rule]).all()
        before = state(model)
        with pytest.raises(ValueError, match=f"{rule}.*bounds"):
            model.select(rule)
        with pytest.raises(ValueError, match=f"{rule}.*bounds"):
            clone(model).set_params(selection_rule=rule).fit(X, y)
    assert state(model) == before and rule.upper() not in str(model.summary())


def test_criteria_say_nothing_of_relaxed_coefficients():
    model = LassoCV(alphas=9, relax=[0.0, 0.5, 1.0]).fit(X, y)
    plain = LassoCV(alphas=9).fit(X, y)
    penalised = model.cv_table_["relax"] == 1.0
    for name in ("df", "aic", "bic", "ebic"):
        assert np.isnan(model.cv_table_[name][~penalised]).all()
        assert_allclose(model.cv_table_[name][penalised], plain.cv_table_[name], rtol=1e-9)
    assert model.select("bic").alpha_ == plain.select("bic").alpha_
    with pytest.raises(ValueError, match="bic.*relaxed"):
        LassoCV(alphas=9, relax=[0.0, 0.5], selection_rule="bic").fit(X, y)


@pytest.mark.compiled
def test_rows_that_early_stopping_left_out_are_never_chosen():
    rng = np.random.default_rng(0)
    Z = ar1(rng, 80, 120, 0.5)
    z = Z[:, :5].sum(axis=1) + 3 * rng.standard_normal(80)
    with forced_form("working_set"):
        model = ElasticNetCV(l1_ratio=[0.1, 1.0], early_stopping=True).fit(Z, z)
    table = model.cv_table_
    missing = np.isnan(model.mse_path_).any(axis=-1).ravel()
    assert 10 < missing.sum() < 190
    for name in ("n_nonzero", "df", "mean_test_neg_mean_squared_error", "dual_gap"):
        assert_array_equal(np.isnan(table[name]), missing, err_msg=name)
    assert_array_equal(table["n_iter"] > 0, ~missing)
    for rule in ("min", "1se", "aic", "bic", "ebic"):
        chosen = model.select(rule)
        assert not missing[chosen.best_index_]
        assert np.isfinite(chosen.predict(Z)).all()
    ranks = table["rank_test_neg_mean_squared_error"]
    assert ranks[missing].min() > ranks[~missing].max()


def test_dear_degrees_of_freedom_are_computed_when_asked_for(monkeypatch):
    from sklearn_regnorm.linear_model import _cross_validated, _ridge_cv

    for module in (_cross_validated, _ridge_cv):
        monkeypatch.setattr(module, "FREEDOM_WORK", 10.0)
    for model in (ElasticNetCV(alphas=8), RidgeCV(alphas=8)):
        model = clone(model).fit(X, y)
        with pytest.raises(ValueError, match="selection_rule='bic'"):
            model.select("bic")
        asked = clone(model).set_params(selection_rule="bic").fit(X, y)
        assert np.isfinite(asked.cv_table_["bic"]).all()
        assert asked.best_index_ == choose(asked.cv_table_, "bic", asked.metric_)
