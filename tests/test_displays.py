"""Displays draw what the estimators hold: elements and labels, not pixels."""

import builtins
import sys
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import linear_model, neural_network
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm import (
    BatchNormalizer,
    ElasticNetCV,
    Lasso,
    LassoCV,
    MLPClassifier,
    MLPRegressor,
    RidgeCV,
    StabilitySelection,
)
from sklearn_regnorm.inspection import (
    CoefficientPathDisplay,
    CVCurveDisplay,
    DriftDisplay,
    LossCurveDisplay,
    StabilityPathDisplay,
)

X, y = load_diabetes(return_X_y=True, as_frame=True)
X, y = X[:440], y[:440]  # five folds of one size, so that their weights do not matter
DISPLAYS = (
    CoefficientPathDisplay,
    CVCurveDisplay,
    StabilityPathDisplay,
    DriftDisplay,
    LossCurveDisplay,
)


@pytest.fixture(autouse=True)
def leave_no_figures():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def lasso():
    return LassoCV(cv=5, alphas=30).fit(X, y)


@pytest.fixture(scope="module")
def nets():
    return ElasticNetCV(l1_ratio=[0.2, 0.9, 1.0], cv=5, alphas=30).fit(X, y)


def boxes(texts):
    """Return the texts' boxes in pixels, without what they point at."""
    texts[0].figure.canvas.draw()
    return [mpl.text.Text.get_window_extent(text) for text in texts]


def check_apart(texts):
    drawn = boxes(texts)
    for k, box in enumerate(drawn):
        for other in drawn[:k]:
            # a text's box is a little larger than its letters
            assert not box.shrunk(1.0, 0.9).overlaps(other.shrunk(1.0, 0.9))


def labels(texts):
    return [text.get_text() for text in texts]


# ------------------------------------------------------------ coefficients


def test_coefficient_path(lasso):
    display = CoefficientPathDisplay.from_estimator(lasso, n_labels=4)
    ax = display.ax_
    largest = np.argsort(-np.abs(lasso.coef_))[:4]
    assert_array_equal(display.named_features_, largest)
    assert labels(display.names_) == list(X.columns[largest])
    for line, j in zip(display.lines_, largest, strict=True):
        assert_array_equal(line.get_xdata(), lasso.alphas_)
        assert_array_equal(line.get_ydata(), lasso.coef_path_[:, j])
    ever = lasso.coef_path_.any(axis=0).sum()
    assert len(display.other_lines_.get_segments()) == ever - 4
    assert display.alpha_line_.get_xdata()[0] == lasso.alpha_
    assert display.alpha_text_.get_text().startswith(f"chosen: {lasso.alpha_:.3g}")
    assert f"{np.count_nonzero(lasso.coef_)} of 10 non-zero" in display.alpha_text_.get_text()
    assert ax.get_xscale() == "log" and ax.xaxis_inverted()
    assert "alpha" in ax.get_xlabel() and "coefficient" in ax.get_ylabel()
    counts = {int(tick.get_text()) for tick in display.count_axis_.get_xticklabels()}
    assert counts <= set(np.count_nonzero(lasso.coef_path_, axis=1)) and 0 in counts
    assert display.figure_ is ax.figure


def test_names_have_the_colours_of_their_curves_and_do_not_overlap(lasso):
    display = CoefficientPathDisplay.from_estimator(lasso)
    assert len(display.names_) == np.count_nonzero(lasso.coef_path_.any(axis=0))
    check_apart([*display.names_, display.alpha_text_])
    styles = {(line.get_color(), line.get_linestyle()) for line in display.lines_}
    assert len(styles) == len(display.lines_)
    for line, name in zip(display.lines_, display.names_, strict=True):
        assert name.arrow_patch.get_edgecolor() == mpl.colors.to_rgba(line.get_color())
    inside = display.ax_.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes(display.names_))


def test_many_features_in_small_axes():
    ends = np.random.default_rng(0).normal(size=200)
    alphas = np.geomspace(1, 0.01, 20)
    path = CoefficientPathDisplay(alphas=alphas, coefs=np.outer(np.linspace(0, 1, 20), ends))
    figure, panels = plt.subplots(2, 2, layout="constrained")
    display = path.plot(panels[0, 1], n_labels=50)
    assert display.ax_ is panels[0, 1] and display.figure_ is figure
    assert 1 <= len(display.names_) < 20  # as many as have room
    assert all(name.startswith("x") for name in labels(display.names_))
    check_apart(display.names_)


def test_path_of_the_chosen_ratio(nets):
    display = CoefficientPathDisplay.from_estimator(nets)
    chosen = nets.l1_ratio.index(nets.l1_ratio_)
    j = display.named_features_[0]
    assert_array_equal(display.lines_[0].get_xdata(), nets.alphas_[chosen])
    assert_array_equal(display.lines_[0].get_ydata(), nets.coef_path_[chosen][:, j])


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_path_of_scikit_learns_estimators(several, weighted, fit_intercept):
    options = {"cv": 3, "alphas": np.geomspace(1, 0.01, 12), "fit_intercept": fit_intercept}
    options |= {"tol": 1e-8, "max_iter": 10000}
    model = linear_model.LassoCV(**options)
    if several:
        model = linear_model.ElasticNetCV(l1_ratio=[0.5, 1.0], **options)
    weights = np.random.default_rng(0).uniform(size=len(y)) if weighted else None
    model.fit(X, y, sample_weight=weights)
    display = CoefficientPathDisplay.from_estimator(model, X, y, sample_weight=weights)
    at = np.argmin(np.abs(model.alphas_ - model.alpha_))
    coef = [line.get_ydata()[at] for line in display.lines_]
    scale = np.abs(model.coef_).max()
    assert_allclose(coef, model.coef_[display.named_features_], atol=1e-4 * scale)
    assert display.alpha_line_.get_xdata()[0] == model.alpha_


def test_dense_path_has_no_counts():
    model = RidgeCV(cv=3, alphas=20).fit(X, y)
    display = CoefficientPathDisplay.from_estimator(model)
    assert display.count_axis_ is None
    assert display.alpha_text_.get_text() == f"chosen: {model.alpha_:.3g}"


@pytest.mark.parametrize(
    ("alphas", "coefs"),
    [
        ([0.5], [[1.0, 0.0]]),  # one alpha
        ([1e-15] * 3, np.zeros((3, 2))),  # a constant target's grid
        ([0.0, 1.0, 0.1], [[9.0, 9.0], [0.0, 0.0], [1.0, 0.0]]),  # no penalty, no order
        ([1.0, 0.1, 0.01], [[0.0, 0.0], [1.0, 0.0], [np.nan, np.nan]]),  # early stopping
    ],
)
def test_unusual_paths(alphas, coefs):
    display = CoefficientPathDisplay(alphas=alphas, coefs=coefs, alpha=max(alphas)).plot()
    display.figure_.canvas.draw()
    for line in display.lines_:
        assert (np.diff(line.get_xdata()) < 0).all()
        assert np.abs(line.get_ydata()).max() == 1.0


# ------------------------------------------------------------ cross-validation


def test_cv_curve(lasso):
    display = CVCurveDisplay.from_estimator(lasso, show_folds=True)
    mean = lasso.mse_path_.mean(axis=1)
    error = lasso.mse_path_.std(axis=1, ddof=1) / np.sqrt(5)
    assert_allclose(display.lines_[0].get_ydata(), mean)
    bars = display.error_bars_.lines[2][0].get_segments()
    assert_allclose([bar[:, 1] for bar in bars], np.stack([mean - error, mean + error], axis=1))
    assert len(display.fold_lines_.get_segments()) == 5
    best = np.argmin(mean)
    assert display.alpha_min_ == lasso.alphas_[best] == lasso.alpha_
    assert display.alpha_1se_ == lasso.alphas_[mean <= mean[best] + error[best]].max()
    marked = [line.get_xdata()[0] for line in display.mark_lines_]
    assert marked == [display.alpha_1se_, display.alpha_min_]
    first, second = labels(display.mark_texts_)
    assert first.startswith("1se") and second.startswith("min = chosen")
    assert len({line.get_linestyle() for line in display.mark_lines_}) == 2
    assert_allclose(display.chosen_point_.get_xydata(), [[lasso.alpha_, mean[best]]])
    assert (
        "mean squared error" in display.ax_.get_ylabel() and "5 folds" in display.ax_.get_ylabel()
    )
    assert display.count_axis_ is not None
    check_apart(display.mark_texts_)


@pytest.mark.parametrize("make", [linear_model.LassoCV, linear_model.ElasticNetCV])
def test_cv_curve_of_scikit_learns_estimators(make):
    model = make(cv=4, alphas=np.geomspace(1, 0.01, 12)).fit(X, y)
    display = CVCurveDisplay.from_estimator(model)
    assert_allclose(display.lines_[0].get_ydata(), model.mse_path_.mean(axis=1))
    assert display.alpha_min_ == model.alpha_ and display.count_axis_ is None
    assert display.fold_lines_ is None and display.ax_.get_legend() is None


def test_several_ratios_are_several_curves(nets):
    theirs = linear_model.ElasticNetCV(l1_ratio=[0.2, 0.9, 1.0], cv=5, alphas=nets.alphas_[2])
    for model in (nets, theirs.fit(X, y)):
        display = CVCurveDisplay.from_estimator(model)
        assert len(display.lines_) == 3
        legend = display.ax_.get_legend()
        assert legend.get_title().get_text() == "l1_ratio"
        named = [f"{r:g}" + " (chosen)" * bool(r == model.l1_ratio_) for r in model.l1_ratio]
        assert labels(legend.get_texts()) == named
        assert len({line.get_marker() for line in display.lines_}) == 3
        assert display.alpha_min_ == model.alpha_
        widths = [line.get_linewidth() for line in display.lines_]
        assert np.argmax(widths) == model.l1_ratio.index(model.l1_ratio_)


class Tabulated(BaseEstimator):
    """Has the attributes of an estimator that keeps a table of what it has tried."""

    def __init__(self, ratios=(0.5, 1.0), relax=(None,)):
        self.ratios = ratios
        self.relax = relax

    def fit(self, X=None, y=None):
        grid = np.array([1.0, 0.1, 0.01, 0.001])
        rows = [(r, a, w) for r in self.ratios for a in grid for w in self.relax]
        ratio, alpha, relax = (np.array(column) for column in zip(*rows, strict=True))
        mse = (np.log10(alpha) + 2) ** 2 + 1 + ratio
        folds = mse[:, None] + np.array([-0.5, 0.0, 0.5])
        self.cv_table_ = {"alpha": alpha, "l1_ratio": ratio, "n_nonzero": np.arange(len(alpha))}
        if self.relax != (None,):
            self.cv_table_["relax"] = relax
        for name, values in (("neg_mean_squared_error", -folds), ("r2", 1 - folds / 10)):
            self.cv_table_[f"mean_test_{name}"] = values.mean(axis=1)
            self.cv_table_[f"se_test_{name}"] = values.std(axis=1, ddof=1) / np.sqrt(3)
            for k in range(3):
                self.cv_table_[f"split{k}_test_{name}"] = values[:, k]
        self.metric_ = "neg_mean_squared_error"
        self.best_index_ = int(np.argmin(mse)) - len(self.relax)  # not the least error
        self.alphas_ = grid
        return self


def test_cv_curve_of_a_table():
    model = Tabulated().fit()
    display = CVCurveDisplay.from_estimator(model, show_folds=True)
    assert_allclose(display.lines_[0].get_ydata(), [5.5, 2.5, 1.5, 2.5])
    assert_allclose(display.lines_[1].get_ydata(), [6.0, 3.0, 2.0, 3.0])
    assert display.alpha_min_ == display.alpha_1se_ == 0.01
    chosen, both = labels(display.mark_texts_)
    assert chosen.startswith("chosen") and both.startswith("1se = min")
    assert display.chosen_point_.get_xdata() == [0.1]
    assert len(display.fold_lines_.get_segments()) == 3

    scores = CVCurveDisplay.from_estimator(model, metric="r2")
    assert_allclose(scores.lines_[0].get_ydata(), [0.45, 0.75, 0.85, 0.75])
    assert scores.alpha_min_ == 0.01 and "r2" in scores.ax_.get_ylabel()
    assert labels(scores.mark_texts_)[1].startswith("1se = max")
    with pytest.raises(ValueError, match="metric='f1' is not one of.*neg_mean_squared_error, r2"):
        CVCurveDisplay.from_estimator(model, metric="f1")


@pytest.mark.parametrize("ratios", [(1.0,), (0.5, 1.0)])
def test_cv_curve_of_a_relaxed_table(ratios):
    model = Tabulated(ratios, relax=(0.0, 0.5, 1.0)).fit()
    display = CVCurveDisplay.from_estimator(model)
    legend = display.ax_.get_legend()
    assert legend.get_title().get_text() == ("relax" if len(ratios) == 1 else "l1_ratio")
    assert len(display.lines_) == (3 if len(ratios) == 1 else 2)


def test_unequal_curves_and_marks_at_the_edge():
    mean = [[3.0, 2.0, 1.0], [np.nan, 5.0, 4.0]]
    display = CVCurveDisplay(
        alphas=[1.0, 0.1, 0.01], mean=mean, standard_error=np.full((2, 3), 0.1), alpha=0.01
    ).plot(plt.subplots(figsize=(2.5, 2.5))[1])
    assert_array_equal(display.lines_[1].get_ydata(), [5.0, 4.0])
    frame = display.ax_.get_window_extent()
    (box,) = boxes(display.mark_texts_)
    assert frame.x0 <= box.x0 and box.x1 <= frame.x1


def test_three_labels_find_room():
    alphas = np.geomspace(1, 0.01, 50)
    mean = (np.log10(alphas) + 1) ** 2
    display = CVCurveDisplay(
        alphas=alphas, mean=mean, standard_error=np.full(50, 0.02), alpha=alphas[26]
    ).plot()
    assert len(display.mark_texts_) == 3
    check_apart(display.mark_texts_)


# ------------------------------------------------------------ stability


class Selector(BaseEstimator):
    """Has the attributes of a fitted stability selection."""

    def __init__(self, threshold=0.5):
        self.threshold = threshold

    def fit(self, X, y=None):
        rate = np.linspace(1.0, 0.0, X.shape[1])
        self.alphas_ = np.geomspace(1, 0.01, 20)
        self.stability_path_ = rate * np.linspace(0, 1, 20)[:, None] ** 0.5
        self.alpha_min_ = self.alphas_[12]
        self.feature_names_in_ = np.array(list(X.columns))
        return self

    def get_support(self):
        return (self.stability_path_[:13] >= self.threshold).any(axis=0)


def test_stability_path():
    model = Selector().fit(X)
    display = StabilityPathDisplay.from_estimator(model)
    support = model.get_support()
    selected = np.flatnonzero(support)
    assert 2 < len(selected) < 9
    assert_array_equal(np.sort(display.named_features_), selected)
    assert labels(display.names_) == list(X.columns[display.named_features_])
    assert len(display.other_lines_.get_segments()) == 9 - len(selected)  # one is never selected
    assert_array_equal(display.threshold_line_.get_ydata(), [0.5, 0.5])
    assert display.threshold_text_.get_text() == "threshold 0.5"
    assert display.region_line_.get_xdata()[0] == model.alpha_min_
    assert "end of the region" in display.region_text_.get_text()
    check_apart([*display.names_, display.threshold_text_, display.region_text_])

    few = StabilityPathDisplay.from_estimator(model, n_labels=2, ax=plt.subplots(1, 2)[1][1])
    assert labels(few.names_)[2:] == [f"and {len(selected) - 2} more"]
    assert len(few.selected_lines_.get_segments()) == len(selected) - 2


def test_stability_path_without_threshold_and_region():
    display = StabilityPathDisplay(alphas=[1, 0.1], stability_path=[[0.0, 0.1], [0.5, 1.0]]).plot()
    assert display.threshold_line_ is display.region_line_ is None
    assert display.names_ == [] and len(display.other_lines_.get_segments()) == 2


@pytest.mark.parametrize("max_false", [1.0, 0.01])
def test_stability_path_of_our_selector(max_false):
    model = StabilitySelection(
        alphas=[30.0, 20.0, 5.0], n_resamples=20, max_false=max_false, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the second region is empty
        model.fit(X, y)
    display = StabilityPathDisplay.from_estimator(model)
    assert_array_equal(np.sort(display.named_features_), model.get_support(indices=True))
    assert np.isinf(model.alpha_min_) == (not model.support_.any()) == (max_false == 0.01)
    assert display.region_line_.get_xdata()[0] == min(model.alpha_min_, 30.0)
    assert ("empty" in display.region_text_.get_text()) == np.isinf(model.alpha_min_)
    check_apart([*display.names_, display.threshold_text_, display.region_text_])


# ------------------------------------------------------------ drift


def test_drift():
    A = np.random.default_rng(0).normal(size=(300, 40))
    A[200:, 7] += 3
    A[:200, 5] = 1.0
    model = BatchNormalizer().partial_fit(A[:200]).partial_fit(A[200:])
    display = DriftDisplay.from_estimator(model, batch_size=100, n_features=6)
    ticks = labels(display.ax_.get_yticklabels())
    assert ticks[:2] == ["x5", "x7"] and len(ticks) == 6
    assert "6 of 40 columns" in display.ax_.get_ylabel()
    shown = display.shown_features_
    finite = shown[np.isfinite(model.mean_drift_[shown])]
    assert_allclose(display.mean_points_.get_xdata(), model.mean_drift_[finite])
    assert_allclose(display.variance_points_.get_xdata(), model.variance_drift_[finite])
    (legend,) = [display.ax_.get_legend()]
    assert labels(legend.get_texts()) == [
        "mean (in sd)",
        "variance (log of ratio)",
        "chance (2 SE)",
    ]
    assert display.noise_bars_[0][0].get_width() == pytest.approx(0.4)
    assert display.mean_points_.get_marker() != display.variance_points_.get_marker()


def test_drift_of_few_named_columns():
    model = BatchNormalizer().fit(X[:200]).partial_fit(X[200:])
    display = DriftDisplay.from_estimator(model, ax=plt.subplots(1, 2)[1][0])
    assert sorted(labels(display.ax_.get_yticklabels())) == sorted(X.columns)
    assert display.ax_.get_ylabel() == "" and display.noise_bars_ == []


# ------------------------------------------------------------ training

Z = StandardScaler().fit_transform(X)
NET = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.01, "random_state": 0}


@pytest.mark.parametrize("log_scale", [False, True])
def test_loss_curve(log_scale):
    model = MLPClassifier(normalization="batch", early_stopping=True, **NET).fit(Z, y > 140)
    display = LossCurveDisplay.from_estimator(model, log_scale=log_scale)
    epochs = np.arange(1, model.n_iter_ + 1)
    assert_array_equal(display.loss_line_.get_xydata().T, [epochs, model.loss_curve_])
    assert_array_equal(display.validation_line_.get_ydata(), model.validation_loss_curve_)
    assert_array_equal(display.score_line_.get_ydata(), model.validation_scores_)
    assert display.score_line_.axes is display.score_ax_ is not display.ax_
    assert display.score_ax_.get_ylabel() == "validation accuracy"
    chosen = 1 + np.argmax(model.validation_scores_)
    assert display.epoch_line_.get_xdata()[0] == chosen < model.n_iter_
    text = display.epoch_text_.get_text()
    assert f"epoch {chosen}," in text and f"{model.best_validation_score_:.3g}" in text
    assert labels(display.ax_.get_legend().get_texts()) == [
        "training loss",
        "validation loss",
        "validation accuracy",
    ]
    assert len({line.get_linestyle() for line in (display.loss_line_, display.score_line_)}) == 2
    assert display.ax_.get_yscale() == ("log" if log_scale else "linear")
    (box,), frame = boxes([display.epoch_text_]), display.ax_.get_window_extent()
    assert frame.x0 <= box.x0 and box.x1 <= frame.x1
    for line in (display.loss_line_, display.validation_line_, display.score_line_):
        points = line.axes.transData.transform(line.get_xydata())
        assert points[:, 1].max() < box.y0  # below the text


@pytest.mark.parametrize("validation", [False, True])
def test_loss_curve_without_early_stopping(validation):
    rows = {"X_val": Z[300:], "y_val": y[300:]} if validation else {}
    model = MLPRegressor(max_iter=5, tol=1e9, n_iter_no_change=2, **NET)
    display = LossCurveDisplay.from_estimator(model.fit(Z[:300], y[:300] / 100, **rows))
    assert display.epoch_line_ is display.epoch_text_ is None
    assert (display.score_line_ is None) == (display.score_ax_ is None) == (not validation)
    assert display.validation_line_ is None or "R²" in display.score_ax_.get_ylabel()
    assert all(tick == round(tick) for tick in display.ax_.get_xticks())


def test_loss_curve_of_one_epoch_in_given_axes():
    ax = plt.subplots(1, 2)[1][1]
    model = MLPRegressor(**NET).partial_fit(Z, y / 100)
    display = LossCurveDisplay.from_estimator(model, ax=ax)
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert len(display.loss_line_.get_xdata()) == 1
    assert display.loss_line_.get_marker() == "o"  # a line of one point would not be seen


def test_loss_curve_of_scikit_learns_networks():
    model = neural_network.MLPRegressor(early_stopping=True, **NET).fit(Z, y / 100)
    display = LossCurveDisplay.from_estimator(model)
    assert_array_equal(display.loss_line_.get_ydata(), model.loss_curve_)
    assert_array_equal(display.score_line_.get_ydata(), model.validation_scores_)
    assert display.validation_line_ is None
    assert display.epoch_line_.get_xdata()[0] == 1 + np.argmax(model.validation_scores_)


# ------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("display", "model"),
    [
        (CoefficientPathDisplay, LassoCV()),
        (CoefficientPathDisplay, linear_model.LassoCV()),
        (CVCurveDisplay, RidgeCV()),
        (CVCurveDisplay, linear_model.ElasticNetCV()),
        (StabilityPathDisplay, Selector()),
        (DriftDisplay, BatchNormalizer()),
        (LossCurveDisplay, MLPClassifier()),
        (LossCurveDisplay, neural_network.MLPRegressor()),
    ],
)
def test_unfitted(display, model):
    with pytest.raises(NotFittedError, match=type(model).__name__):
        display.from_estimator(model)


@pytest.mark.parametrize("display", DISPLAYS)
def test_unsuitable(display):
    with pytest.raises(TypeError, match=f"{display.__name__}.from_estimator needs .* Lasso does"):
        display.from_estimator(Lasso(alpha=0.1).fit(X, y))
    with pytest.raises(TypeError, match=r"pass pipeline\[-1\]"):
        display.from_estimator(make_pipeline(StandardScaler(), LassoCV()).fit(X, y))
    with pytest.raises(TypeError, match="takes a fitted estimator"):
        display.from_estimator(X)
    assert plt.get_fignums() == []


def test_scikit_learns_paths_need_data():
    model = linear_model.LassoCV(cv=3, alphas=[0.1, 1.0]).fit(X, y)
    with pytest.raises(ValueError, match="LassoCV stores no path: pass the X and y"):
        CoefficientPathDisplay.from_estimator(model)
    with pytest.raises(ValueError, match="fitted on 10 features"):
        CoefficientPathDisplay.from_estimator(model, X.iloc[:, 1:], y)
    with pytest.raises(ValueError, match="squared errors only"):
        CVCurveDisplay.from_estimator(model, metric="r2")


def test_unsuitable_paths():
    Y = np.column_stack([y, -y])
    with pytest.raises(ValueError, match="several targets"):
        CoefficientPathDisplay.from_estimator(RidgeCV(alphas=[0.1]).fit(X, Y))
    lars = linear_model.LassoLarsCV(cv=3).fit(X, y)
    with pytest.raises(TypeError, match="breakpoints"):
        CoefficientPathDisplay.from_estimator(lars)
    with pytest.raises(TypeError, match="LARS"):
        CVCurveDisplay.from_estimator(lars)
    multi = linear_model.MultiTaskLassoCV(cv=3, alphas=[0.1, 1.0]).fit(X, Y)
    with pytest.raises(TypeError, match="MultiTaskLassoCV is neither"):
        CoefficientPathDisplay.from_estimator(multi, X, Y)
    assert len(CVCurveDisplay.from_estimator(multi).lines_) == 1
    with pytest.raises(ValueError, match="no drift yet"):
        DriftDisplay.from_estimator(BatchNormalizer().fit(X))


def test_networks_without_epochs():
    for make in MLPRegressor, neural_network.MLPRegressor:
        model = make(solver="lbfgs", max_iter=500, tol=0.1, **NET).fit(Z, y / 100)
        with pytest.raises(TypeError, match="loss_curve_, which MLPRegressor .* solver 'adam'"):
            LossCurveDisplay.from_estimator(model)


def test_wrong_shapes():
    with pytest.raises(ValueError, match=r"losses must have one number per epoch, got \(0,\)"):
        LossCurveDisplay(losses=[])
    with pytest.raises(ValueError, match=r"validation_scores has the shape \(1,\)"):
        LossCurveDisplay(losses=[2.0, 1.0], validation_scores=[0.5])
    with pytest.raises(ValueError, match="chosen_epoch=3, but there are 2"):
        LossCurveDisplay(losses=[2.0, 1.0], chosen_epoch=3)
    with pytest.raises(ValueError, match="3 names for 2 features"):
        CoefficientPathDisplay(alphas=[1.0], coefs=[[1.0, 2.0]], feature_names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"alphas has the shape \(2,\)"):
        CVCurveDisplay(alphas=[1.0, 2.0], mean=[1.0], standard_error=[1.0])
    with pytest.raises(ValueError, match="no finite mean"):
        CVCurveDisplay(alphas=[1.0], mean=[np.nan], standard_error=[1.0])
    with pytest.raises(ValueError, match="support has the shape"):
        StabilityPathDisplay(alphas=[1.0], stability_path=[[1.0]], support=[True, False])


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib(display, monkeypatch, lasso):
    real = builtins.__import__

    def refuse(name, *rest, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for module in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(
        ImportError, match=r"needs matplotlib: pip install .*sklearn-regnorm\[plot\]"
    ):
        display.from_estimator(lasso)
