"""`summary()`: the numbers of the choice, names of coefficients, text and HTML."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from problems import regression
from refusal import state
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV

X, y = regression(0, 60, 5, nonzero=3)
Y = np.column_stack([y, -2.0 * y + X[:, 4]])
NAMES = ["<b>bold</b>", "a & b", '"quoted"', "it's", "plain"]
FRAME = pd.DataFrame(X, columns=NAMES)
pytestmark = pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")


class Cells(HTMLParser):
    """Collects rows of cells, and refuses tags that do not match."""

    def __init__(self, html):
        super().__init__()
        self.open, self.rows, self.tags = [], [], set()
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("th", "td"):
            self.rows[-1][-1] += data


def facts_of(summary):
    """Return {name: value} as the text says."""
    head, *lines = str(summary).split("\n")
    assert re.fullmatch("=+", lines[0]) and len(lines[0]) == len(head)
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in lines if "  " in line)


@pytest.mark.parametrize("rule", ["min", "1se", "bic"])
@pytest.mark.parametrize(
    "model",
    [LassoCV(alphas=20), ElasticNetCV(alphas=20, l1_ratio=[0.3, 0.8]), RidgeCV(alphas=20, cv=4),
     RidgeCV(alphas=20), LassoCV(alphas=20, fold_weighting="size", standardize=True)],
    ids=repr,
)  # fmt: skip
def test_the_numbers_of_the_choice(model, rule):
    model = clone(model).set_params(selection_rule=rule).fit(FRAME, y)
    summary, row, table = model.summary(), model.best_index_, model.cv_table_
    facts = facts_of(summary)
    assert str(summary).startswith(type(model).__name__) and repr(summary) == str(summary)
    assert facts["chosen by"] == f"{rule} of {len(table['alpha'])} candidates"
    assert float(facts["alpha"]) == pytest.approx(model.alpha_, rel=1e-5)
    assert float(facts["lambda_1 (L1)"]) == pytest.approx(model.lambda_1_, rel=1e-5)
    assert float(facts["lambda_2 (L2)"]) == pytest.approx(model.lambda_2_, rel=1e-5)
    assert float(facts["L1 ratio"]) == table["l1_ratio"][row]
    assert facts["non-zero coefficients"] == f"{np.count_nonzero(model.coef_)} of 5"
    error, spread = re.fullmatch(
        r"(.*) ± (.*) \(SE\)", facts["cross-validated mean squared error"]
    ).groups()
    assert float(error) == pytest.approx(-table["mean_test_neg_mean_squared_error"][row], rel=1e-5)
    assert float(spread) == pytest.approx(table["se_test_neg_mean_squared_error"][row], rel=0.06)
    for name in ("aic", "bic", "ebic"):
        assert float(facts[name.upper()]) == pytest.approx(table[name][row], rel=1e-5)
    gap = float(facts["duality gap (certificate)"])
    assert gap == pytest.approx(model.dual_gap_, rel=6e-3)
    assert float(facts["intercept"]) == pytest.approx(model.intercept_, rel=1e-5)
    order = [j for j in np.argsort(-np.abs(model.coef_)) if model.coef_[j] != 0]
    assert [name for name, _ in summary.coefficients] == [NAMES[j] for j in order]
    for j in order:
        assert float(facts[NAMES[j]]) == pytest.approx(model.coef_[j], rel=1e-5)


def test_another_choice_has_another_summary():
    model = LassoCV(alphas=20).fit(X, y)
    before = state(model)
    other = model.select("1se")
    assert facts_of(other.summary())["chosen by"] == "1se of 20 candidates"
    assert facts_of(other.summary())["alpha"] != facts_of(model.summary())["alpha"]
    assert state(model) == before


def test_scorers_and_relaxed_shares():
    model = LassoCV(alphas=12, relax=[0.25, 1.0], scoring=["r2", "neg_max_error"], refit="r2")
    model.fit(X, y)
    facts, table = facts_of(model.summary()), model.cv_table_
    assert facts["chosen by"] == "min of 24 candidates"
    assert float(facts["relax (share penalised)"]) == table["relax"][model.best_index_]
    assert float(facts["cross-validated r2"].split()[0]) == pytest.approx(
        table["mean_test_r2"][model.best_index_], rel=1e-5
    )
    model.set_params(refit="neg_max_error").fit(X, y)
    found = float(facts_of(model.summary())["cross-validated max error"].split()[0])
    assert found == pytest.approx(-table["mean_test_neg_max_error"].max(), rel=1e-5) and found > 0


def test_names_are_escaped_in_html():
    def rule(table):
        return 9

    rule.__name__ = "<script>alert('rule')</script>"
    scoring = {"<i>mine</i> & co": "r2"}
    model = LassoCV(alphas=12, selection_rule=rule, scoring=scoring).fit(FRAME, y)
    html = model.summary()._repr_html_()
    cells = Cells(html)
    assert cells.tags <= {"table", "caption", "tbody", "tr", "th", "td"}
    assert "<b>" not in html and "<script" not in html and "<i>" not in html
    rows = dict(cells.rows)
    assert rows["chosen by"] == f"{rule.__name__} of 12 candidates"
    assert "cross-validated <i>mine</i> & co" in rows
    for name, value in model.summary().coefficients:
        assert float(rows[name]) == pytest.approx(value, rel=1e-5)
    assert {name for name, _ in model.summary().coefficients} <= set(NAMES)
    assert "&lt;b&gt;bold&lt;/b&gt;" in html and "a &amp; b" in html


@pytest.mark.parametrize("rule", [lambda table: 3, np.argmin], ids=["lambda", "function"])
def test_rules_without_a_name_to_speak_of(rule):
    model = LassoCV(alphas=12).fit(X, y).select(lambda table: 3)
    model.selection_rule = rule
    assert facts_of(model.summary())["chosen by"].endswith("of 12 candidates")
    Cells(model.summary()._repr_html_())


# ------------------------------------------------------------------------------ coefficients


def test_the_largest_coefficients():
    model = RidgeCV(alphas=20).fit(X, y)
    for count in (0, 1, 3, 5, 99):
        found = model.summary(count).coefficients
        order = np.argsort(-np.abs(model.coef_))[:count]
        assert found == [(f"x{j}", model.coef_[j]) for j in order]
    assert "largest" not in str(model.summary(0)) and "x0" not in str(model.summary(0))
    for bad in (-1, 2.5, "all", None):
        with pytest.raises((TypeError, ValueError), match="n_coefficients"):
            model.summary(bad)


def test_coefficients_that_are_zero_are_not_listed():
    model = LassoCV(alphas=20).fit(X, y).select(lambda table: 0)
    assert not model.coef_.any() and model.summary().coefficients == []
    assert facts_of(model.summary())["non-zero coefficients"] == "0 of 5"


def test_names_come_from_the_preprocessor():
    columns = ColumnTransformer(
        [("x", StandardScaler(), NAMES[::-1])], verbose_feature_names_out=False
    )
    model = LassoCV(alphas=20, preprocessor=columns).fit(FRAME, y)
    coefs = dict(model.summary().coefficients)
    straight = LassoCV(alphas=20, preprocessor=StandardScaler()).fit(FRAME, y)
    assert coefs == pytest.approx(dict(straight.summary().coefficients), rel=1e-9)
    products = LassoCV(alphas=20, preprocessor=PolynomialFeatures(2)).fit(
        pd.DataFrame(X, columns=list("abcde")), y
    )
    known = products.preprocessor_.get_feature_names_out()
    assert {name for name, _ in products.summary().coefficients} <= set(known)
    turned = LassoCV(alphas=20, preprocessor=PCA()).fit(FRAME, y)
    assert all(re.fullmatch(r"pca\d", name) for name, _ in turned.summary().coefficients)
    nameless = LassoCV(alphas=20, preprocessor=FunctionTransformer(np.arcsinh)).fit(FRAME, y)
    assert all(re.fullmatch(r"x\d", name) for name, _ in nameless.summary().coefficients)


@pytest.mark.parametrize("per_target", [False, True])
@pytest.mark.parametrize("cv", [None, 4])
def test_several_targets(cv, per_target):
    if cv and per_target:
        per_target = False
    model = RidgeCV(alphas=20, cv=cv, alpha_per_target=per_target).fit(X, Y)
    facts = facts_of(model.summary())
    numbers = [float(number) for number in facts["alpha"].split(", ")]
    assert numbers == pytest.approx(np.ravel(model.alpha_).tolist(), rel=1e-5)
    lambdas = [float(number) for number in facts["lambda_2 (L2)"].split(", ")]
    assert lambdas == pytest.approx(np.ravel(model.lambda_2_).tolist(), rel=1e-5)
    intercepts = [float(number) for number in facts["intercept"].split(", ")]
    assert intercepts == pytest.approx(model.intercept_.tolist(), rel=1e-5)
    assert facts["non-zero coefficients"] == "10 of 10"
    assert ("cross-validated mean squared error" in facts) != per_target
    assert float(facts["duality gap (certificate)"]) == pytest.approx(
        model.dual_gap_.max(), rel=6e-3
    )
    largest = dict(model.summary().coefficients)
    for j in range(5):
        assert abs(largest[f"x{j}"]) == np.abs(model.coef_[:, j]).max()


# ------------------------------------------------------------------------------ notebooks


@pytest.mark.parametrize("model", [LassoCV(), ElasticNetCV(), RidgeCV()], ids=repr)
def test_notebooks_show_the_diagram_and_the_summary(model):
    with pytest.raises(NotFittedError):
        clone(model).summary()
    unfitted = clone(model)._repr_mimebundle_()
    fitted = clone(model).fit(FRAME, y)
    shown = fitted._repr_mimebundle_()
    assert "duality gap" not in unfitted["text/html"] and "sk-" in unfitted["text/html"]
    assert fitted.summary()._repr_html_() in shown["text/html"] and "sk-" in shown["text/html"]
    assert shown["text/plain"] == repr(fitted)
    with config_context(display="text"):
        assert "text/html" not in fitted._repr_mimebundle_()
