"""What a long fit says of itself: scikit-learn's callbacks, and `verbose`."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures

from sklearn_regnorm import ElasticNetCV, LassoCV
from sklearn_regnorm.solvers import forced_form

try:
    from sklearn.callback import ScoringMonitor
except ImportError:
    ScoringMonitor = None

X, Y = load_diabetes(return_X_y=True)
FORMS = "gram", "working_set"


class Recorder:
    """A callback that notes the tasks, and ends a ratio once it has seen enough of it."""

    def __init__(self, enough=np.inf):
        self.enough = enough
        self.begun, self.ended, self.lives = [], [], 0

    def setup(self, estimator, context):
        self.lives += 1

    def teardown(self, estimator, context):
        self.lives -= 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.task_name, context.task_id))
        if context.task_name == "alpha":
            assert fitted_estimator.predict(X[:3]).shape == (3,)
            return context.task_id >= self.enough
        return False


def model(**given):
    return ElasticNetCV(l1_ratio=[0.5, 1.0], alphas=15, cv=3, **given)


@pytest.mark.compiled
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("preprocessor", [None, PolynomialFeatures(2)])
def test_callbacks(form, preprocessor):
    """Every penalty of every ratio is a task, and every fold where folds are solved whole."""
    estimator, recorder = model(preprocessor=preprocessor), Recorder()
    if ScoringMonitor is None:  # scikit-learn has no callbacks before 1.9
        assert not hasattr(estimator, "set_callbacks")
        return
    with forced_form(form):
        plain = model(preprocessor=preprocessor).fit(X, Y)
        estimator.set_callbacks(recorder).fit(X, Y)
    n_folds = 3 if form == "gram" or preprocessor is not None else 0
    expected = [("fold", k) for k in range(n_folds)]
    for i in range(2):
        expected += [("alpha", j) for j in range(15)] + [("l1_ratio", n_folds + i)]
    assert recorder.ended == [*expected, ("fit", 0)]
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert recorder.lives == 0
    np.testing.assert_array_equal(estimator.coef_path_, plain.coef_path_)


@pytest.mark.parametrize("form", FORMS)
def test_scores_along_the_path(form):
    if ScoringMonitor is None:
        assert not hasattr(LassoCV(), "set_callbacks")
        return
    monitor = ScoringMonitor(scoring="neg_mean_squared_error")
    with forced_form(form):
        fitted = LassoCV(alphas=12, cv=3).set_callbacks(monitor).fit(X, Y)
    logs = monitor.get_logs()
    rows = (logs[-1] if isinstance(logs, list) else logs).data
    scores = [row["neg_mean_squared_error"] for row in rows if row["task_name"] == "alpha"]
    residuals = Y - (X @ fitted.coef_path_.T + fitted.intercept_path_).T
    np.testing.assert_allclose(scores, -np.mean(residuals**2, axis=1), rtol=1e-6)


def test_a_callback_may_end_a_ratio():
    if ScoringMonitor is None:
        assert not hasattr(LassoCV(), "set_callbacks")
        return
    with forced_form("working_set"):
        fitted = model().set_callbacks(Recorder(enough=5)).fit(X, Y)
    ended = np.isnan(fitted.coef_path_).all(axis=2)
    assert ended[:, -1].all() and not ended[:, :6].any()
    assert np.isfinite(fitted.coef_).all()


@pytest.mark.parametrize(("form", "first"), [("gram", "fold 1 of 3"), ("working_set", "l1_ratio")])
def test_verbose(form, first, capsys):
    with forced_form(form):
        model(verbose=1).fit(X, Y)
        lines = capsys.readouterr().out.splitlines()
        assert f"[ElasticNetCV] {first}" in lines[0]
        assert sum("l1_ratio 0.5" in line for line in lines) == 15
        model().fit(X, Y)
    assert capsys.readouterr().out == ""
