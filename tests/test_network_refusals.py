"""What networks refuse, what stops them, and what they say meanwhile."""

import copy
import os
import signal
import threading

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_validate
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm.neural_network import MLPClassifier, MLPRegressor

try:
    from sklearn.callback import ProgressBar, ScoringMonitor
except ImportError:
    ProgressBar = ScoringMonitor = None

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*has not converged:UserWarning", "ignore::sklearn.exceptions.ConvergenceWarning"
)
rng = np.random.default_rng(0)
X = rng.standard_normal((40, 3))
Y = X[:, 0] + 0.1 * rng.standard_normal(40)
C = np.digitize(Y, [-0.5, 0.5])


def state(model):
    """Return every attribute, and all numbers in the network and the optimizer."""
    layers = [w.tobytes() for one in getattr(model, "layers_", ()) for w in one.params.values()]
    moments = [getattr(one, "moments", None) for one in getattr(model, "layers_", ())]
    optimizer = getattr(model, "optimizer_", None)
    memory = [one.tobytes() for group in optimizer.states for one in group] if optimizer else []
    return {n: id(v) for n, v in vars(model).items()}, layers, moments, memory


def refused(model, message, call=lambda model: model.fit(X, C), error=(ValueError, TypeError)):
    """Assert that a call fails with a message, and changes nothing; also on a fitted model."""
    fitted = copy.deepcopy(model)
    good = type(model)((8,)) if isinstance(model, MLPClassifier) else type(model)()
    vars(fitted).update({k: v for k, v in vars(good.set_params(max_iter=2).fit(X, C)).items()
                         if k.endswith("_")})  # fmt: skip
    for one in (model, fitted):
        before = state(one)
        with pytest.raises(error, match=message):
            call(one)
        assert state(one) == before


BAD = {
    "hidden_layer_sizes": [0, (5, -1), "ab", 2.5, (3, 1.5), None],
    "activation": ["elu", None],
    "solver": ["rmsprop", None],
    "alpha": [-1.0, np.nan, np.inf, "a"],
    "l1_ratio": [-0.1, 1.1, np.nan, None],
    "batch_size": [0, "all", 2.5, -3],
    "learning_rate": ["cosine"],
    "learning_rate_init": [0.0, -1.0, np.inf, None],
    "power_t": [-1.0],
    "max_iter": [0, 2.5],
    "shuffle": [1, "yes"],
    "random_state": ["seed", -1],
    "tol": [-1.0],
    "warm_start": [None],
    "momentum": [1.5],
    "nesterovs_momentum": ["no"],
    "early_stopping": ["auto"],
    "validation_fraction": [1.0, -0.1],
    "beta_1": [1.0],
    "beta_2": [-0.1],
    "epsilon": [0.0],
    "n_iter_no_change": [0, 1.5],
    "max_fun": [0],
    "normalization": ["group", True],
    "normalization_position": ["behind"],
    "penalize": ["bias", ("weights", "all"), 3, ("gamma",)],
    "dropout": [1.0, -0.5],
    "n_jobs": [0, 1.5],
    "class_weight": ["uniform", {7: 1.0}, {0: -1.0}, [1, 2]],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in BAD.items() for v in vs], ids=repr)
def test_parameters(name, value):
    refused(MLPClassifier(**{name: value}), name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (dict(solver="lbfgs", normalization="batch"), "normalization"),
        (dict(solver="lbfgs", dropout=0.5), "dropout"),
        (dict(solver="lbfgs", l1_ratio=0.5), "l1_ratio"),
        (dict(solver="lbfgs", early_stopping=True), "early_stopping"),
        (dict(hidden_layer_sizes=(), normalization="layer"), "hidden_layer_sizes"),
        (dict(hidden_layer_sizes=(), dropout=0.5), "hidden_layer_sizes"),
        (dict(early_stopping=True, validation_fraction=0.01), "validation_fraction"),
    ],
    ids=repr,
)
def test_parameters_that_do_not_go_together(given, message):
    refused(MLPClassifier(**given), message)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(X, np.zeros(40)), "one class only"),
        (lambda m: m.fit(X, C, sample_weight=C == 0), "sample_weight leaves rows of one class"),
        (lambda m: m.fit(X, C, sample_weight=-np.ones(40)), "sample_weight"),
        (lambda m: m.fit(X, C, sample_weight=np.ones(3)), "sample_weight"),
        (lambda m: m.fit(X, C[:5]), r"\by\b"),
        (lambda m: m.fit(X, None), r"\by\b"),
        (lambda m: m.fit(X, np.c_[C, C]), r"\by\b.*multiclass-multioutput"),
        (lambda m: m.fit(X, Y), "Unknown label type"),
        (lambda m: m.fit(np.where(X > 2, np.nan, X), C), "X.*NaN"),
        (lambda m: m.fit(X, C, X_val=X), "y_val"),
        (lambda m: m.fit(X, C, y_val=C), "X_val"),
        (lambda m: m.fit(X, C, sample_weight_val=Y), "X_val"),
        (lambda m: m.fit(X, C, X_val=X[:, :2], y_val=C), "X_val"),
        (lambda m: m.fit(X, C, X_val=X, y_val=C[:3]), "y_val"),
        (lambda m: m.fit(X, C, X_val=X, y_val=C + 1), "y_val"),
        (lambda m: m.fit(X, C, X_val=X, y_val=C, sample_weight_val=[1]), "sample_weight_val"),
        (
            lambda m: m.fit(X, C, sample_weight=np.full(40, 1e308)),
            "sample_weight: all weights add up",
        ),
    ],
)
def test_data_h29_h60(call, message):
    refused(MLPClassifier((8,)), message, call)


def test_partial_fit_h61():
    model = MLPClassifier((8,), random_state=0)
    for bad, message in (
        (dict(), "classes must be passed"),
        (dict(classes=[0, 1]), "not among classes_"),
        (dict(classes=[0]), "one class only"),
        (dict(classes=[[0, 1], [1, 2]]), "classes"),
    ):
        before = state(model)
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, C, **bad)
        assert state(model) == before
    model.partial_fit(X[C < 2], C[C < 2], classes=[0, 1, 2])
    model.partial_fit(X[:1], [2])  # one class, one row
    before = state(model)
    for data, target, given, message in (
        (X, C + 1, {}, r"y has classes that are not among classes_ = \[0 1 2\]: \[3\]"),
        (X, C, dict(classes=[0, 1, 3]), "classes"),
        (X[:, :2], C, {}, "X has 2 features"),
        (X, np.eye(3, dtype=int)[C], {}, "y of shape"),
        (X, C, dict(sample_weight=np.zeros(40)), "sample_weight"),
    ):
        with pytest.raises(ValueError, match=message):
            model.partial_fit(data, target, **given)
        assert state(model) == before
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        MLPClassifier(class_weight="balanced").partial_fit(X, C, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="early_stopping"):
        MLPRegressor(early_stopping=True).partial_fit(X, Y)
    for cls in (MLPClassifier, MLPRegressor):
        assert not hasattr(cls(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="y has 2 columns"):
        MLPRegressor().partial_fit(X, Y).partial_fit(X, np.c_[Y, Y])
    labels = np.eye(3, dtype=int)[C]
    assert MLPClassifier().partial_fit(X, labels).predict(X).shape == (40, 3)


def test_warm_start_with_another_network():
    model = MLPRegressor(hidden_layer_sizes=(8,), warm_start=True, max_iter=2).fit(X, Y)
    for given in (
        dict(hidden_layer_sizes=(9,)), dict(activation="tanh"), dict(normalization="batch"),
        dict(dropout=0.5),
    ):  # fmt: skip
        other = copy.deepcopy(model).set_params(**given)
        before = state(other)
        with pytest.raises(ValueError, match="warm_start"):
            other.fit(X, Y)
        assert state(other) == before
    with pytest.raises(ValueError, match="X has 2 features"):
        model.fit(X[:, :2], Y)


def test_validation_sets_that_cannot_be_used():
    with pytest.raises(ValueError, match=r"solver='lbfgs'.*X_val"):
        MLPRegressor(solver="lbfgs").fit(X, Y, X_val=X, y_val=Y)
    with pytest.raises(ValueError, match="X_val has too few rows"):
        MLPRegressor().fit(X, Y, X_val=X[:1], y_val=Y[:1])
    with pytest.raises(ValueError, match="X_val has too few rows"):
        MLPClassifier(class_weight={0: 0.0}).fit(X, C, X_val=X[C == 0], y_val=C[C == 0])
    one = MLPClassifier(max_iter=3).fit(X, C, X_val=X[:1], y_val=C[:1])
    assert len(one.validation_scores_) == 3


def test_warm_start_on_one_class():
    model = MLPClassifier((8,), warm_start=True, max_iter=2).fit(X, C)
    with pytest.raises(ValueError, match="y has one class only: .*2"):
        model.fit(X[C == 2], C[C == 2])


def test_classes_of_several_labels():
    labels = np.eye(3, dtype=int)[C]
    model = MLPClassifier((8,), random_state=0)
    for _ in range(2):
        model.partial_fit(X, labels, classes=[0, 1])
    assert model.predict(X).shape == (40, 3)
    for bad in ([0, 1, 2], [1, 2]):
        for one in (model, MLPClassifier((8,))):
            with pytest.raises(ValueError, match="classes=.*multi-label"):
                one.partial_fit(X, labels, classes=bad)


def test_poisson_needs_counts():
    with pytest.raises(ValueError, match="y must not be negative"):
        MLPRegressor("poisson").fit(X, Y)
    with pytest.raises(ValueError, match="loss"):
        MLPRegressor("absolute").fit(X, Y)


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("norm", [None, "batch", "layer"])
@pytest.mark.parametrize(
    ("given", "scale"),
    [
        (dict(solver="sgd", learning_rate_init=1e6), 1.0),
        (dict(solver="sgd", learning_rate_init=1e20, max_iter=1), 1.0),
        (dict(solver="adam", learning_rate_init=1e300), 1.0),
        (dict(solver="adamw", learning_rate_init=1e30), 1.0),
        (dict(solver="sgd", momentum=1.0, learning_rate_init=10.0), 1.0),
        (dict(), 1e200),
    ],
    ids=repr,
)
def test_divergence_is_an_error_or_a_finite_model_h62(given, scale, norm, dtype):
    model = MLPRegressor(hidden_layer_sizes=(8, 8), normalization=norm, random_state=0, **given)
    before = state(model)
    try:
        model.fit(X.astype(dtype), Y * scale)
    except ValueError as error:
        assert "diverged" in str(error) and "learning_rate_init" in str(error)
        assert state(model) == before
    else:
        assert np.isfinite(model.predict(X.astype(dtype))).all()
        assert np.isfinite(np.concatenate([w.ravel() for w in model.coefs_])).all()


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("norm", [None, "batch", "layer"])
def test_divergence_in_any_company(norm, watched, loss):
    """With a validation set, early stopping or a callback that asks for the model: the same."""
    happened = 0
    for rate in (0.1, 1.0, 10.0, 1e4, 1e20):
        for early in (False, True):
            model = MLPRegressor(
                loss, (6, 4), normalization=norm, solver="sgd", learning_rate_init=rate,
                batch_size=16, max_iter=3, random_state=0, early_stopping=early,
            )  # fmt: skip
            if watched and ScoringMonitor is not None:
                model.set_callbacks(Recorder())
            given = dict(X_val=X[:20].astype("f4"), y_val=Y[:20] ** 2) if watched else {}
            try:
                model.fit(X.astype("f4"), Y**2, **given)
            except ValueError as error:
                assert "diverged" in str(error) and "learning_rate_init" in str(error)
                happened += 1
            else:
                assert np.isfinite(model.predict(X)).all()
    assert happened


@pytest.mark.parametrize(("seed", "rate"), [(0, 1.0), (1, 3.0), (2, 3.0), (3, 3.0)])
def test_predictions_that_overflow_are_divergence(seed, rate):
    """Scores are finite after the last step, but their exponentials are not."""
    data, y = load_diabetes(return_X_y=True)
    data, y = StandardScaler().fit_transform(data), (y - y.mean()) / y.std()
    model = MLPRegressor(
        "poisson", (8, 8), solver="sgd", learning_rate_init=rate, max_iter=1, random_state=seed
    )
    with pytest.raises(ValueError, match="diverged in its last step"):
        model.fit(data, y - y.min())


def test_divergence_does_happen_h62():
    for given, scale in ((dict(solver="sgd", learning_rate_init=1e6), 1.0), ({}, 1e200)):
        refused(
            MLPRegressor(hidden_layer_sizes=(8, 8), random_state=0, **given),
            "diverged in epoch .*learning_rate_init",
            lambda model, scale=scale: model.fit(X, Y * scale),
        )
    with pytest.raises(ValueError, match="L-BFGS.*|diverged"):
        MLPRegressor(solver="lbfgs").fit(X, Y * 1e200)


@pytest.mark.parametrize("going_on", ["fit", "warm start", "partial_fit"])
def test_divergence_of_a_fitted_model_leaves_it_as_it_was(going_on):
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", random_state=0, max_iter=5)
    model.fit(X, Y).set_params(warm_start=going_on == "warm start", learning_rate_init=1e9)
    model.optimizer_.learning_rate = 1e9
    before, predicted = state(model), model.predict(X)
    with pytest.raises(ValueError, match="diverged"):
        for _ in range(30):
            (model.partial_fit if going_on == "partial_fit" else model.fit)(X, Y)
            before, predicted = state(model), model.predict(X)
    assert state(model) == before
    assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize("going_on", [False, True])
def test_ctrl_c(going_on):
    data = rng.standard_normal((4000, 50))
    model = MLPRegressor(warm_start=going_on, max_iter=2, random_state=0).fit(data, data[:, 0])
    model.set_params(max_iter=10**6, tol=0.0, n_iter_no_change=np.inf)
    before = state(model)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, data[:, 0])
    timer.join()
    assert state(model) == before


# ---------------------------------------------------------------- callbacks, verbose, routing


class Recorder:
    """A callback that notes epochs, and may end training."""

    def __init__(self, enough=np.inf, fail=False):
        self.enough, self.fail, self.ended, self.predicted = enough, fail, [], []

    def setup(self, estimator, context):
        self.ended.clear()

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.ended.append((context.task_name, context.task_id))
        if self.fail:
            raise KeyError("no more")
        self.predicted.append(fitted_estimator.predict(X))
        return context.task_id + 1 >= self.enough


@pytest.mark.parametrize("norm", [None, "batch"])
def test_callbacks(norm):
    """Every epoch comes with the model that there would be if training ended there."""
    given = dict(hidden_layer_sizes=(8,), normalization=norm, random_state=0, batch_size=16)
    model = MLPRegressor(**given, max_iter=5)
    if ScoringMonitor is None:  # scikit-learn has no callbacks before 1.9
        assert not hasattr(model, "set_callbacks")
        return
    recorder = Recorder()
    model.set_callbacks(recorder).fit(X, Y)
    assert recorder.ended == [*[("epoch", k) for k in range(5)], ("fit", 0)]
    for k in range(5):
        shorter = MLPRegressor(**given, max_iter=k + 1).fit(X, Y)
        assert_array_equal(recorder.predicted[k], shorter.predict(X))
    assert_array_equal(model.predict(X), shorter.predict(X))
    ended = MLPRegressor(**given, max_iter=5).set_callbacks(Recorder(enough=3)).fit(X, Y)
    assert ended.n_iter_ == 3
    before = state(model.set_callbacks(Recorder(fail=True)))
    with pytest.raises(KeyError, match="no more"):
        model.fit(X, -Y)
    assert state(model) == before


def test_scores_of_epochs():
    if ScoringMonitor is None:
        assert not hasattr(MLPClassifier(), "set_callbacks")
        return
    monitor = ScoringMonitor(scoring="accuracy")
    model = MLPClassifier((8,), normalization="batch", max_iter=6, random_state=0)
    model.set_callbacks(monitor).fit(X, C)
    logs = monitor.get_logs()
    rows = (logs[-1] if isinstance(logs, list) else logs).data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 6
    assert scores[-1] == model.score(X, C)


def test_progress_bar(capsys):
    if ProgressBar is None:
        assert not hasattr(MLPClassifier(), "set_callbacks")
        return
    given = dict(hidden_layer_sizes=(8,), normalization="batch", max_iter=6, random_state=0)
    plain = MLPRegressor(**given).fit(X, Y)
    model = MLPRegressor(**given).set_callbacks(ProgressBar()).fit(X, Y)
    assert_array_equal(model.predict(X), plain.predict(X))
    assert "100%" in capsys.readouterr().out


def test_verbose(capsys):
    MLPRegressor(verbose=True, max_iter=3, early_stopping=True).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"[MLPRegressor] Iteration {k}" for k in (1, 2, 3)
    ]
    assert "validation score" in lines[0]
    MLPRegressor(max_iter=3).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_weights_and_validation_sets_are_routed():
    v = rng.uniform(0.5, 2.0, 40)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=5)
        model.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        model.set_score_request(sample_weight=False)
        found = cross_validate(
            model, X, Y, cv=2, params={"sample_weight": v, "X_val": X, "y_val": Y},
            return_estimator=True,
        )["estimator"][0]  # fmt: skip
    rows = np.arange(20, 40)
    alone = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=5)
    alone.fit(X[rows], Y[rows], sample_weight=v[rows], X_val=X[rows], y_val=Y[rows])
    assert_allclose(found.predict(X), alone.predict(X))
    assert_allclose(found.validation_scores_, alone.validation_scores_)
