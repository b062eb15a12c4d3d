"""Which row is chosen: every rule on constructed tables, and `select` on fitted models."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import regression
from refusal import state
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.linear_model._selection import Grid, choose, make_table
from sklearn_regnorm.solvers import forced_form

X, y = regression(0, 48, 7, noise=1.0)
Y = np.column_stack([y, X[:, 1] - 0.1 * y])
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[np.arange(48) % 6]
METRIC = "neg_mean_squared_error"
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")


def table_of(scores, blends=None, **columns):
    """Return the table of scores (n_ratios, n_alphas[, n_blends], n_folds); alphas are 2^-k."""
    scores = np.asarray(scores, dtype=float)
    scores = scores if blends is not None else scores[:, :, None]
    n_ratios, n_alphas = scores.shape[:2]
    alphas = np.tile(0.5 ** np.arange(n_alphas), (n_ratios, 1))
    grid = Grid([(i + 1) / n_ratios for i in range(n_ratios)], alphas, blends)
    table = make_table(grid, {"m": scores}, np.ones(scores.shape[-1]), "equal", {})
    return table | {name: np.asarray(column, dtype=float) for name, column in columns.items()}


def apart(means, error=0.0):
    """Return scores (n_alphas, 2) of the given means, whose standard error is `error`."""
    return np.asarray(means, dtype=float)[:, None] + error * np.array([1.0, -1.0])


# ------------------------------------------------------------------------------ constructed tables


@pytest.mark.parametrize(
    ("means", "error", "best", "one_se"),
    [
        ([0, 2, 3, 2, 0], 0.5, 2, 2),
        ([0, 2, 3, 2, 0], 1.0, 2, 1),  # exactly one standard error off is near enough
        ([0, 2, 3, 2, 0], 1.0 - 1e-9, 2, 2),
        ([0, 2, 3, 3, 3], 0.5, 2, 2),  # ties: the largest alpha
        ([3, 2, 3, 2, 3], 0.1, 0, 0),
        ([1, 1, 1, 1, 1], 0.0, 0, 0),  # flat
        ([1, 1, 1, 1, 1], 2.0, 0, 0),
        ([5, 4, 3, 2, 1], 9.0, 0, 0),  # the best at either edge
        ([1, 2, 3, 4, 5], 1.5, 4, 3),
        ([1, 2, 3, 4, 5], 99.0, 4, 0),
        ([4, 0, 0, 4, 5], 1.5, 4, 0),  # a valley in between does not matter
        ([np.nan, 2, 3, np.nan, 0], 1.0, 2, 1),
        ([1, np.nan, np.nan, np.nan, np.nan], 1.0, 0, 0),
    ],
)  # fmt: skip
def test_min_and_1se(means, error, best, one_se):
    table = table_of([apart(means, error)])
    assert choose(table, "min", "m") == best
    assert choose(table, "1se", "m") == one_se


def test_a_row_that_is_missing_on_one_fold_is_never_chosen():
    scores = apart([1, 5, 3, 2], 2.5)
    scores[1, 0] = np.nan
    table = table_of([scores])
    assert choose(table, "min", "m") == 2
    assert choose(table, "1se", "m") == 0
    assert_array_equal(table["rank_test_m"], [3, 4, 1, 2])


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_nothing_to_choose_from(rule):
    with pytest.raises(ValueError, match=r"No penalty has a m on every fold"):
        choose(table_of([np.full((3, 2), np.nan)]), rule, "m")


def test_1se_needs_two_folds():
    table = table_of([[[1.0], [2.0], [0.0]]])
    assert choose(table, "min", "m") == 1
    with pytest.raises(ValueError, match="1se.*standard error.*at least 2 folds"):
        choose(table, "1se", "m")


def test_1se_stays_on_the_chosen_ratio():
    other, chosen = apart([4.9, 4.9, 1], 1.0), apart([0, 4.5, 5], 1.0)
    assert choose(table_of([other, chosen]), "min", "m") == 5
    assert choose(table_of([other, chosen]), "1se", "m") == 4
    assert choose(table_of([chosen, other]), "1se", "m") == 1
    # two equally good ratios: the first
    assert choose(table_of([chosen, chosen]), "1se", "m") == 1


def test_1se_among_relaxed_rows():
    scores = np.stack([apart([0, 3, 4.5], 1.0), apart([1, 4.5, 5], 1.0), apart([0, 4.2, 3], 1)], 1)
    table = table_of([scores], blends=[0.0, 0.5, 1.0])
    assert choose(table, "min", "m") == 7  # alpha 1/4, share 0.5
    assert choose(table, "1se", "m") == 4  # the largest alpha, and of its shares the best


@pytest.mark.parametrize("relaxed", [False, True])
def test_1se_against_a_literal_search_and_never_below_min(relaxed):
    for seed in range(300):
        rng = np.random.default_rng(seed)
        blends = [0.0, 0.5, 1.0] if relaxed else None
        shape = (rng.integers(1, 4), rng.integers(1, 12), *([3] if relaxed else []))
        scores = rng.integers(-5, 5, (*shape, rng.integers(2, 5))).astype(float)
        scores[rng.random(scores.shape) < 0.05] = np.nan
        scores.flat[: scores.shape[-1]] = rng.integers(-5, 5)
        table = table_of(scores, blends)
        mean, error = table["mean_test_m"], table["se_test_m"]
        best = None
        for row in range(len(mean)):
            if not np.isnan(mean[row]) and (best is None or mean[row] > mean[best]):
                best = row
        assert choose(table, "min", "m") == best
        found = best
        for row in range(len(mean)):
            same = table["l1_ratio"][row] == table["l1_ratio"][best]
            if same and mean[row] >= mean[best] - error[best]:
                better = table["alpha"][row] == table["alpha"][found] and mean[row] > mean[found]
                if table["alpha"][row] > table["alpha"][found] or better:
                    found = row
        got = choose(table, "1se", "m")
        assert got == found, seed
        assert table["alpha"][got] >= table["alpha"][best]


@pytest.mark.parametrize("rule", ["aic", "bic", "ebic"])
def test_criteria_take_the_first_least(rule):
    table = table_of([apart([1, 2, 3, 4])], n_nonzero=[0, 1, 2, np.nan])
    values = {"aic": [9.0] * 4, "bic": [9.0] * 4, "ebic": [9.0] * 4, "df": [1.0, 2.0, 3.0, np.nan]}
    values[rule] = [3.0, 1.0, 1.0, np.nan]
    assert choose(table | {k: np.array(v) for k, v in values.items()}, rule, "m") == 1
    with pytest.raises(ValueError, match=f"{rule}.*bounds"):
        choose(table | {name: np.full(4, np.nan) for name in (rule, "df")}, rule, "m")
    with pytest.raises(ValueError, match=f"{rule} was not computed for 1 rows"):
        missing = np.array([3.0, 1.0, np.nan, np.nan])
        choose(table | {rule: missing, "df": missing}, rule, "m")
    with pytest.raises(ValueError, match=f"{rule}.*half the rows"):
        choose(table | {rule: np.full(4, np.nan), "df": np.arange(4.0) + 30}, rule, "m")


@pytest.mark.parametrize("rule", ["max", "MIN", "", None, 3, "2se"])
def test_unknown_rules(rule):
    with pytest.raises(ValueError, match="selection_rule"):
        choose(table_of([apart([1, 2])]), rule, "m")
    with pytest.raises(ValueError, match="selection_rule"):
        LassoCV(selection_rule=rule).fit(X, y)
    with pytest.raises(ValueError, match="selection_rule"):
        RidgeCV(selection_rule=rule).fit(X, y)


# ------------------------------------------------------------------------------ functions as rules


@pytest.mark.parametrize("row", [3, np.int64(3), np.uint8(3), 3.0, np.float32(3)], ids=repr)
def test_a_row(row):
    model = LassoCV(alphas=6, selection_rule=lambda table: row).fit(X, y)
    assert model.best_index_ == 3 and type(model.best_index_) is int
    assert model.alpha_ == model.alphas_[3]
    assert RidgeCV(alphas=6).fit(X, y).select(lambda table: row).best_index_ == 3


@pytest.mark.compiled
def test_a_row_without_a_solution():
    rng = np.random.default_rng(0)
    Z = rng.standard_normal((100, 1500))
    z = Z[:, :3].sum(axis=1) + rng.standard_normal(100)
    stopped = LassoCV(early_stopping=True).fit(Z, z)
    assert np.isnan(stopped.coef_path_[-1]).any()
    relaxed = LassoCV(alphas=5, eps=1e-5, relax=[0.0, 1.0]).fit(Z, z)
    assert np.isnan(relaxed.relaxed_coef_path_[-1]).any()
    for model, row, why in ((stopped, 99, "early_stopping"), (relaxed, 8, "no relaxed coef")):
        before = state(model)
        with pytest.raises(ValueError, match=why):
            model.select(lambda table, row=row: row)
        again = clone(model).set_params(selection_rule=lambda table, row=row: row)
        with pytest.raises(ValueError, match=why):
            again.fit(Z, z)
        assert state(model) == before
    assert np.isfinite(relaxed.select(lambda table: 9).coef_).all()


NO_ROWS = [
    -1, 6, 10**30, 2.5, np.nan, np.inf, None, "3", True, np.True_, [3], np.array([3]),
    np.arange(2), np.arange(6) > 2, {"row": 3}, 3j,
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("row", NO_ROWS, ids=repr)
def test_not_a_row(row):
    model = LassoCV(alphas=6).fit(X, y)
    before = state(model)
    with pytest.raises(ValueError, match=r"selection rule returned .*, not a row in \[0, 6\)"):
        model.select(lambda table: row)
    model.selection_rule = lambda table: row
    with pytest.raises(ValueError, match=r"selection rule returned .*, not a row in \[0, 6\)"):
        model.fit(X, y)
    model.selection_rule = "min"
    assert state(model) == before


def test_a_function_may_do_as_it_likes_with_its_table():
    def greedy(table):
        for column in table.values():
            column[:] = 0
        table.clear()
        return 2

    model = ElasticNetCV(alphas=6, l1_ratio=[0.3, 0.9]).fit(X, y)
    before = copy.deepcopy(model.cv_table_)
    chosen = model.select(greedy)
    for one in (model, chosen, clone(model).set_params(selection_rule=greedy).fit(X, y)):
        assert one.cv_table_.keys() == before.keys()
        for key in before.keys() - {"fit_time", "dual_gap"}:
            assert_array_equal(one.cv_table_[key], before[key], err_msg=key)
        # gaps of nothing but rounding depend on where BLAS finds the arrays in memory
        assert_allclose(one.cv_table_["dual_gap"], before["dual_gap"], rtol=0, atol=1e-15)
    assert chosen.best_index_ == 2


def test_errors_of_a_function_pass_through():
    model = LassoCV(alphas=6).fit(X, y)
    before = state(model)
    with pytest.raises(ZeroDivisionError):
        model.select(lambda table: 1 // 0)
    assert state(model) == before


# ------------------------------------------------------------------------------ select

MODELS = {
    "lasso": LassoCV(alphas=30),
    "several ratios": ElasticNetCV(l1_ratio=[0.2, 0.6, 1.0], alphas=12),
    "shares": LassoCV(alphas=30, relax=True, cv=KFold(4)),
    "leave one out": RidgeCV(alphas=25),
    "ridge folds": RidgeCV(alphas=25, cv=4, fold_weighting="size"),
    "targets": RidgeCV(alphas=25),
    "targets folds": RidgeCV(alphas=25, cv=4),
}
models = pytest.mark.parametrize("kind", MODELS)
RULES = ["min", "1se", "aic", "bic", "ebic", lambda table: len(table["alpha"]) // 3]


def rules_of(kind):
    """Return the rules that apply."""
    return [rule for rule in RULES if "targets" not in kind or callable(rule) or "ic" not in rule]


def contents(model):
    return {k: pickle.dumps(v) for k, v in vars(model).items() if k != "selection_rule"}


@models
@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_select_is_the_fit_with_that_rule(kind, form):
    target = Y if "targets" in kind else y
    with forced_form(form):
        model = clone(MODELS[kind]).fit(X, target, WEIGHTS)
        before, stored = state(model), contents(model)
        rows = set()
        for rule in rules_of(kind):
            chosen = model.select(rule)
            assert state(model) == before and contents(model) == stored
            assert type(chosen) is type(model) and chosen.selection_rule is rule
            fitted = clone(model).set_params(selection_rule=rule).fit(X, target, WEIGHTS)
            for name in ("alpha_", "best_index_", "lambda_1_", "lambda_2_", "metric_"):
                assert getattr(chosen, name) == getattr(fitted, name), name
            assert vars(chosen).keys() == vars(fitted).keys()
            assert getattr(chosen, "l1_ratio_", 1) == getattr(fitted, "l1_ratio_", 1)
            assert getattr(chosen, "best_score_", 1) == getattr(fitted, "best_score_", 1)
            size = np.abs(fitted.coef_).max()
            exact = form == "working_set" and not isinstance(model, RidgeCV)
            assert_allclose(chosen.coef_, fitted.coef_, rtol=0, atol=0 if exact else 1e-8 * size)
            assert_allclose(chosen.intercept_, fitted.intercept_, rtol=0 if exact else 1e-8)
            assert_allclose(chosen.dual_gap_, fitted.dual_gap_, atol=1e-8 * y.var())
            if "relax" not in model.cv_table_:
                row = chosen.best_index_
                path = model.coef_path_.reshape(-1, *np.shape(model.coef_))
                assert_array_equal(chosen.coef_, path[row])
            rows.add(chosen.best_index_)
        assert len(rows) > 1


@models
def test_what_was_selected_is_a_fitted_model(kind):
    target = Y if "targets" in kind else y
    model = clone(MODELS[kind]).fit(X, target)
    one_se = model.select("1se")
    assert one_se.alpha_ >= model.alpha_ and one_se.best_index_ != model.best_index_
    predicted = one_se.predict(X)
    assert_allclose(predicted, X @ one_se.coef_.T + one_se.intercept_, rtol=1e-12)
    assert np.abs(predicted - model.predict(X)).max() > 1e-3
    again = pickle.loads(pickle.dumps(one_se))
    assert_array_equal(again.predict(X), predicted)
    assert clone(one_se).get_params()["selection_rule"] == "1se"
    assert not hasattr(clone(one_se), "coef_")
    back = again.select("min").select("1se").select("min")
    assert back.alpha_ == model.alpha_
    assert_array_equal(back.coef_, model.coef_)
    assert back.dual_gap_ == pytest.approx(model.dual_gap_)
    assert one_se.score(X, target) < 1 and "1se" in str(one_se.summary())


@pytest.mark.parametrize("rule", ["aic", "bic", "ebic"])
@pytest.mark.parametrize("cv", [None, 4])
def test_criteria_are_for_one_target(cv, rule):
    model = RidgeCV(alphas=9, cv=cv).fit(X, Y)
    before = state(model)
    with pytest.raises(ValueError, match=f"{rule}.*one target"):
        model.select(rule)
    model.selection_rule = rule
    with pytest.raises(ValueError, match=f"{rule}.*one target"):
        model.fit(X, Y)
    model.selection_rule = "min"
    assert state(model) == before


def test_select_needs_a_fit_and_one_alpha():
    for model in (LassoCV(), ElasticNetCV(), RidgeCV()):
        with pytest.raises(NotFittedError):
            model.select("min")
    several = RidgeCV(alphas=9, alpha_per_target=True).fit(X, Y)
    with pytest.raises(ValueError, match="alpha_per_target"):
        several.select("min")
    with pytest.raises(ValueError, match="alpha_per_target"):
        RidgeCV(alpha_per_target=True, selection_rule="1se").fit(X, Y)
