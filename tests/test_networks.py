"""MLPClassifier and MLPRegressor: what they learn, and what they owe to weights and batches."""

import numpy as np
import pytest
import sklearn.neural_network
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm.neural_network import BatchNorm, Linear, MLPClassifier, MLPRegressor
from sklearn_regnorm.neural_network._history import Patience

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*has not converged:UserWarning", "ignore::sklearn.exceptions.ConvergenceWarning"
)
DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = DIGITS / 16
rng = np.random.default_rng(0)
X = rng.standard_normal((60, 5))
Y = np.sin(X[:, 0]) - X[:, 1] + 0.1 * rng.standard_normal(60)
C = np.digitize(Y, [-0.7, 0.7])
NORMS = None, "batch", "layer"
POSITIONS = "before", "after"


def coefs(model):
    return np.concatenate([w.ravel() for w in (*model.coefs_, *model.intercepts_)])


# ---------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize(
    "given",
    [
        dict(solver="sgd", learning_rate_init=0.1),
        dict(solver="sgd", momentum=0.3, nesterovs_momentum=False, activation="tanh"),
        dict(solver="sgd", learning_rate="invscaling", learning_rate_init=0.5, power_t=0.2),
        dict(solver="sgd", learning_rate="adaptive", tol=0.1, n_iter_no_change=1, max_iter=40),
        dict(solver="sgd", early_stopping=True, learning_rate_init=0.1, n_iter_no_change=2),
        dict(solver="sgd", batch_size=13, activation="logistic", alpha=10.0, shuffle=False),
        dict(solver="lbfgs", alpha=1.0, hidden_layer_sizes=(8,)),
        dict(solver="adam", epsilon=1e-30, alpha=1.0),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["classes", "two classes", "numbers", "several numbers", "labels"])
def test_the_same_steps_as_scikit_learns(given, kind):
    """With the same seed: the same weights to begin with, batches, splits, rates, stops."""
    target = {
        "classes": C, "two classes": C > 1, "numbers": Y, "several numbers": np.c_[Y, X[:, 0] ** 2],
        "labels": (np.c_[Y, -Y, X[:, 2]] > 0).astype(int),
    }[kind]  # fmt: skip
    name = "MLPRegressor" if "numbers" in kind else "MLPClassifier"
    if kind == "several numbers" and given["solver"] == "lbfgs":
        given = given | {"solver": "sgd"}  # there scikit-learn's loss and gradient do not agree
    given = dict(hidden_layer_sizes=(10, 6), random_state=3, max_iter=8) | given
    ours = {"MLPRegressor": MLPRegressor, "MLPClassifier": MLPClassifier}[name](**given)
    theirs = getattr(sklearn.neural_network, name)(**given)
    ours.fit(X, target)
    theirs.fit(X, target)
    assert ours.n_iter_ == theirs.n_iter_
    assert_allclose(coefs(ours), coefs(theirs), rtol=1e-7, atol=1e-9)
    if kind != "several numbers":  # scikit-learn descends on a sum of squares, and reports a mean
        assert_allclose(ours.loss_, theirs.loss_, rtol=1e-9)
    if given["solver"] != "lbfgs" and kind != "several numbers":
        assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    if given.get("early_stopping"):
        assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-12)
        assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
    assert (ours.n_layers_, ours.n_outputs_) == (theirs.n_layers_, theirs.n_outputs_)
    assert ours.out_activation_ == theirs.out_activation_
    if name == "MLPClassifier":
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
        assert_allclose(
            ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-6, atol=1e-8
        )
        assert_array_equal(ours.classes_, theirs.classes_)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-7, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["digits", "cancer", "diabetes"])
def test_accuracy_is_scikit_learns(data):
    """At their defaults, where only the place of Adam's epsilon differs: within noise."""
    load = {"digits": load_digits, "cancer": load_breast_cancer, "diabetes": load_diabetes}[data]
    data, target = load(return_X_y=True)
    name = "MLPRegressor" if load is load_diabetes else "MLPClassifier"
    if name == "MLPRegressor":
        target = (target - target.mean()) / target.std()
    ours = {"MLPRegressor": MLPRegressor, "MLPClassifier": MLPClassifier}[name]
    scores = []
    for cls in (ours, getattr(sklearn.neural_network, name)):
        models = [make_pipeline(StandardScaler(), cls(random_state=k)) for k in range(3)]
        scores.append(np.concatenate([cross_val_score(one, data, target) for one in models]))
    spread = scores[1].std() / np.sqrt(len(scores[1]))
    assert abs(scores[0].mean() - scores[1].mean()) < spread


@pytest.mark.slow
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_accuracy_on_digits(norm, position):
    """Not below that of scikit-learn's network of the same size, over several seeds."""
    given = dict(hidden_layer_sizes=(64,), max_iter=60)
    scores = {"ours": [], "theirs": []}
    for k in range(4):
        parts = train_test_split(DIGITS, LABELS, random_state=k, test_size=0.3, stratify=LABELS)
        options = dict(normalization=norm, normalization_position=position, random_state=k)
        model = MLPClassifier(**given, **options).fit(*parts[::2])
        scores["ours"].append(model.score(*parts[1::2]))
        other = sklearn.neural_network.MLPClassifier(**given, random_state=k).fit(*parts[::2])
        scores["theirs"].append(other.score(*parts[1::2]))
    error = np.std(scores["theirs"]) / 2
    assert np.mean(scores["ours"]) >= np.mean(scores["theirs"]) - error


# ---------------------------------------------------------------- optima


@pytest.mark.parametrize("solver", ["sgd", pytest.param("adam", marks=pytest.mark.slow)])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_without_hidden_layers_it_is_elastic_net_logistic_regression(l1_ratio, solver):
    """Conditions of the minimum, from probabilities and X alone, with weights."""
    data, target = load_iris(return_X_y=True)
    data = (data - data.mean(axis=0)) / data.std(axis=0)
    v, alpha = rng.uniform(0.5, 2.0, 150), 10.0
    model = MLPClassifier(
        (), solver=solver, alpha=alpha, l1_ratio=l1_ratio, batch_size=150, tol=0.0,
        learning_rate_init=0.3 if solver == "sgd" else 0.02, max_iter=4000, n_iter_no_change=np.inf,
        momentum=0.9, random_state=0, beta_2=0.99,
    )  # fmt: skip
    model.fit(data, target, sample_weight=v)
    if solver == "adam":  # steps of Adam do not end by themselves
        model.set_params(warm_start=True)
        for rate in (1e-3, 1e-4, 1e-5, 1e-6):
            model.set_params(learning_rate_init=rate, max_iter=1500)
            model.fit(data, target, sample_weight=v)
    W, b = model.coefs_[0], model.intercepts_[0]
    p = softmax(data @ W + b, axis=1)
    residual = (p - np.eye(3)[target]) * v[:, None]
    slope = data.T @ residual + alpha * (1 - l1_ratio) * W
    tolerance = 1e-6 * alpha
    assert_allclose(residual.sum(axis=0), 0, atol=tolerance)
    zero = W == 0
    assert zero.any() == (l1_ratio > 0)
    assert (np.abs(slope[zero]) <= alpha * l1_ratio + tolerance).all()
    assert_allclose(slope[~zero], -alpha * l1_ratio * np.sign(W[~zero]), atol=tolerance)


@pytest.mark.parametrize("target", [C, C > 1], ids=["three classes", "two classes"])
def test_lbfgs_finds_the_unique_optimum(target):
    model = MLPClassifier((), solver="lbfgs", alpha=2.0, tol=1e-9, max_iter=500, random_state=0)
    other = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(X, target)
    model.fit(X, target)
    assert_allclose(model.coefs_[0].T, other.coef_, atol=1e-6)
    assert_allclose(model.predict_proba(X), other.predict_proba(X), atol=1e-6)


def test_l1_makes_exact_zeros_and_l2_small_weights():
    given = dict(hidden_layer_sizes=(32,), random_state=0, max_iter=30, alpha=1.0)
    plain = MLPClassifier(**given | {"alpha": 0.0}).fit(DIGITS, LABELS)
    sparse = MLPClassifier(**given, l1_ratio=1.0).fit(DIGITS, LABELS)
    small = MLPClassifier(**given).fit(DIGITS, LABELS)
    share = [np.mean(np.concatenate([w.ravel() for w in m.coefs_]) == 0) for m in (plain, sparse)]
    assert share[0] == 0 and share[1] > 0.5
    assert sparse.score(DIGITS, LABELS) > 0.9
    assert np.linalg.norm(small.coefs_[1]) < np.linalg.norm(plain.coefs_[1])
    assert not any((b == 0).any() for b in sparse.intercepts_)


@pytest.mark.parametrize("group", ["weights", "output_weights", "biases", "gamma", "beta"])
def test_what_is_penalised(group):
    """So strongly that nothing else remains."""
    model = MLPRegressor(
        hidden_layer_sizes=(8,), normalization="batch", alpha=1e6, l1_ratio=1.0, penalize=group,
        max_iter=3, random_state=0,
    ).fit(X, Y)  # fmt: skip
    norm = model.layers_[1].params
    parts = {
        "weights": model.coefs_, "output_weights": model.coefs_[1:], "biases": model.intercepts_,
        "gamma": [norm["gamma"]], "beta": [norm["beta"]],
    }  # fmt: skip
    assert all((one == 0).all() for one in parts.pop(group))
    parts.pop("output_weights", None)
    if group == "output_weights":
        assert (model.coefs_[0] != 0).all()
        parts.pop("weights")
    assert all((one != 0).any() for value in parts.values() for one in value)


@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_loss_is_the_penalised_loss(cls):
    """Of a full batch, with a learning rate that changes nothing to speak of."""
    v, target = rng.uniform(0.5, 2.0, 60), C if cls is MLPClassifier else np.c_[Y, X[:, 0]]
    model = cls(
        hidden_layer_sizes=(7,), alpha=3.0, l1_ratio=0.3, learning_rate_init=1e-13, max_iter=1,
        random_state=0,
    ).fit(X, target, sample_weight=v)  # fmt: skip
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    scores = hidden @ model.coefs_[1] + model.intercepts_[1]
    if cls is MLPRegressor:
        loss = np.average(0.5 * ((scores - target) ** 2).sum(axis=1), weights=v)
    else:
        loss = -np.average(np.log(softmax(scores, axis=1)[np.arange(60), C]), weights=v)
    w = np.concatenate([one.ravel() for one in model.coefs_])
    loss += 3.0 / v.sum() * (0.3 * np.abs(w).sum() + 0.7 / 2 * (w**2).sum())
    assert_allclose(model.loss_, loss, rtol=1e-10)


def test_poisson():
    counts = rng.poisson(np.exp(0.5 * X[:, 0]))
    model = MLPRegressor("poisson", (), alpha=0.0, solver="lbfgs", tol=1e-9).fit(X, counts)
    residual = model.predict(X) - counts  # the score equations of a Poisson regression
    assert_allclose(np.c_[X, np.ones(60)].T @ residual, 0, atol=1e-5)


# ---------------------------------------------------------------- weights and batches


def test_class_weights_are_weights():
    factors = {0: 2.0, 1: 1.0, 2: 0.5}
    given = dict(hidden_layer_sizes=(9,), normalization="batch", random_state=0, max_iter=20)
    one = MLPClassifier(**given, class_weight=factors).fit(X, C)
    two = MLPClassifier(**given).fit(X, C, sample_weight=np.array([2.0, 1.0, 0.5])[C])
    assert_array_equal(coefs(one), coefs(two))
    v = rng.uniform(1, 2, 60)
    totals = np.bincount(C, v)
    one = MLPClassifier(**given, class_weight="balanced").fit(X, C, sample_weight=v)
    two = MLPClassifier(**given).fit(X, C, sample_weight=v * (v.sum() / 3 / totals)[C])
    assert_allclose(coefs(one), coefs(two), rtol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("size", [1, 2, 7, 59, 60])
def test_ragged_batches_and_batches_of_one_h52(norm, size):
    model = MLPRegressor(
        hidden_layer_sizes=(8,), normalization=norm, batch_size=size, max_iter=5, random_state=0
    ).fit(X, Y)
    assert np.isfinite(model.loss_curve_).all() and np.isfinite(model.predict(X)).all()
    for rows in (1, 2, 3):  # so few in all
        few = clone(model).set_params(batch_size="auto").fit(X[:rows], Y[:rows])
        assert np.isfinite(few.predict(X)).all()


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_learning_from_single_rows(norm):
    """Running statistics carry batch normalization through a stream of single rows."""
    model = MLPRegressor(
        hidden_layer_sizes=(16,), normalization=norm, random_state=0, learning_rate_init=0.01
    )
    for i in np.tile(np.arange(60), 15):
        model.partial_fit(X[i : i + 1], Y[i : i + 1])
    assert model.score(X, Y) > (0.2 if norm == "batch" else 0.5)


# ---------------------------------------------------------------- normalization


@pytest.mark.parametrize("position", POSITIONS)
def test_population_statistics_are_exact(position):
    model = MLPRegressor(
        hidden_layer_sizes=(7, 4), normalization="batch", normalization_position=position,
        batch_size=8, max_iter=10, random_state=0,
    )  # fmt: skip
    v = rng.uniform(0, 2, 60)
    model.fit(X, Y, sample_weight=v)
    x = X
    for layer in model.layers_:
        if isinstance(layer, BatchNorm):
            mean = np.average(x, axis=0, weights=v)
            assert_allclose(layer.mean, mean, rtol=1e-10)
            variance = np.average((x - mean) ** 2, axis=0, weights=v)
            assert_allclose(layer.variance, variance, rtol=1e-10)
            x = layer.params["gamma"] * (x - mean) / np.sqrt(variance + 1e-5)
            x += layer.params["beta"]
        elif isinstance(layer, Linear):
            x = x @ layer.params["weights"] + layer.params["biases"]
        else:
            x = np.maximum(x, 0)
    assert_allclose(model.predict(X), x[:, 0], rtol=1e-10, atol=1e-12)
    one_by_one = np.concatenate([model.predict(row[None]) for row in X])
    assert_allclose(model.predict(X), one_by_one, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("position", POSITIONS)
def test_fold_normalization(position, activation):
    model = MLPClassifier(
        (12, 9), normalization="batch", normalization_position=position, activation=activation,
        dropout=0.2, random_state=0, max_iter=30, penalize=("weights", "gamma"),
    ).fit(X, C)  # fmt: skip
    before = coefs(model).copy()
    plain = model.fold_normalization()
    assert plain.normalization is None and plain.penalize == ("weights",)
    assert not any(isinstance(layer, BatchNorm) for layer in plain.layers_)
    assert_allclose(plain.predict_proba(X), model.predict_proba(X), atol=1e-10)
    assert np.abs(coefs(plain) - before).max() > 0.1
    assert_array_equal(coefs(model), before)
    theirs = sklearn.neural_network.MLPClassifier((12, 9), activation=activation, max_iter=1)
    theirs.fit(X, C)
    theirs.coefs_, theirs.intercepts_ = plain.coefs_, plain.intercepts_
    assert_allclose(theirs.predict_proba(X), model.predict_proba(X), atol=1e-10)
    plain.partial_fit(X, C)  # goes on
    assert model.fold_normalization().fold_normalization().normalization is None


def test_layer_normalization_does_not_fold():
    model = MLPRegressor(normalization="layer", max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="layer normalization"):
        model.fold_normalization()


def test_penalty_before_a_normalization_does_not_change_the_function():
    """What the guide says of scale invariance."""
    model = MLPRegressor(hidden_layer_sizes=(9,), normalization="batch", max_iter=20).fit(X, Y)
    norm, predicted = model.layers_[1], model.predict(X)
    norm.eps = 0.0
    exact = model.predict(X)
    assert_allclose(exact, predicted, rtol=0.01, atol=1e-3)
    model.coefs_[0][:] *= 0.01
    model.intercepts_[0][:] *= 0.01
    norm.moments = None
    norm.forward(model.layers_[0].forward(X), training=True)
    assert_allclose(model.predict(X), exact, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- course of training


@pytest.mark.parametrize("norm", NORMS)
def test_partial_fit_is_an_epoch_of_fit(norm):
    given = dict(hidden_layer_sizes=(8,), normalization=norm, random_state=0, batch_size=16)
    one = MLPClassifier(**given, max_iter=1).fit(X, C)
    two = MLPClassifier(**given).partial_fit(X, C, classes=[0, 1, 2])
    assert_array_equal(coefs(one), coefs(two))
    assert one.loss_curve_ == two.loss_curve_
    same = np.array_equal(one.predict_proba(X), two.predict_proba(X))
    assert same == (norm != "batch")  # which has running statistics here
    # without shuffling, epochs in a row are those of one fit, optimizer included
    given |= dict(shuffle=False, solver="adam")
    one = MLPClassifier(**given, max_iter=5, n_iter_no_change=10).fit(X, C)
    two = MLPClassifier(**given)
    for _ in range(5):
        two.partial_fit(X, C, classes=[0, 1, 2])
    assert_array_equal(coefs(one), coefs(two))
    assert one.loss_curve_ == two.loss_curve_ and one.t_ == two.t_ == 300


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warm_start(solver):
    given = dict(hidden_layer_sizes=(8,), solver=solver, random_state=0, max_iter=5, tol=1e-9)
    model = MLPRegressor(**given, warm_start=True).fit(X, Y)
    first, kept = coefs(model).copy(), model.coefs_[0]
    loss = model.loss_
    model.fit(X, Y)
    assert model.loss_ < loss
    assert_array_equal(first[: kept.size].reshape(kept.shape), kept)  # a fit does not overwrite
    cold = MLPRegressor(**given).fit(X, Y).fit(X, Y)
    assert_array_equal(coefs(cold), first)
    theirs = sklearn.neural_network.MLPRegressor(**given, warm_start=True).fit(X, Y).fit(X, Y)
    if solver == "sgd":
        assert_allclose(coefs(model), coefs(theirs), rtol=1e-9)
        assert_allclose(model.loss_curve_, theirs.loss_curve_)


def test_early_stopping_keeps_the_best():
    model = MLPClassifier(
        (16,), normalization="batch", early_stopping=True, random_state=0, n_iter_no_change=3,
        learning_rate_init=0.05, max_iter=60, batch_size=16,
    )  # fmt: skip
    data, held_out = (DIGITS[:600], LABELS[:600]), (DIGITS[600:900], LABELS[600:900])
    model.fit(*data, X_val=held_out[0], y_val=held_out[1])
    assert model.n_iter_ < 60
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_
    # the scores are those of the models that there would have been
    assert model.score(*held_out) == max(model.validation_scores_) == model.best_validation_score_
    assert model.best_loss_ is None


@pytest.mark.parametrize("fresh", [False, True], ids=["same rows", "other rows"])
def test_a_warm_start_with_early_stopping_ends_no_worse_than_it_began(fresh):
    model = MLPClassifier(
        (32,), early_stopping=True, warm_start=True, max_iter=30, learning_rate_init=0.01,
        normalization="batch", random_state=0,
    )  # fmt: skip
    train, other = (DIGITS[:600], LABELS[:600]), (DIGITS[600:900], LABELS[600:900])
    model.fit(*train, X_val=other[0], y_val=other[1])
    after = coefs(model)
    # harder rows: the scores of the earlier fit are out of reach
    held_out = (np.flip(other[0]), other[1]) if fresh else other
    start = model.score(*held_out)
    model.set_params(learning_rate_init=10.0, max_iter=3, solver="sgd")
    model.fit(*train, X_val=held_out[0], y_val=held_out[1])
    assert model.score(*held_out) == model.best_validation_score_ >= start
    assert (model.score(*held_out) > start) == (not np.array_equal(coefs(model), after))


def test_a_validation_set_is_followed_without_early_stopping():
    given = dict(hidden_layer_sizes=(8,), normalization="batch", random_state=0, max_iter=12)
    plain = MLPRegressor(**given).fit(X, Y)
    w = rng.uniform(1, 2, 20)
    more = X[:20] + 0.1
    model = MLPRegressor(**given).fit(X, Y, X_val=more, y_val=Y[:20], sample_weight_val=w)
    assert_array_equal(coefs(plain), coefs(model))
    assert plain.validation_scores_ is None
    assert_allclose(model.validation_scores_[-1], model.score(more, Y[:20], sample_weight=w))
    loss = np.average(0.5 * (model.predict(more) - Y[:20]) ** 2, weights=w)
    assert_allclose(model.validation_loss_curve_[-1], loss)


def test_a_warm_start_sets_the_same_rows_aside():
    """Else it would be scored on rows that the fit before has learned from."""
    given = dict(hidden_layer_sizes=(32,), early_stopping=True, warm_start=True, random_state=0)
    y = np.where(np.random.default_rng(0).random(500) < 0.5, LABELS[:500], 0)
    model = MLPClassifier(**given, max_iter=40, dropout=0.1).fit(DIGITS[:500], y)
    first = model.best_validation_score_
    model.set_params(solver="sgd", learning_rate_init=1e-15, max_iter=2).fit(DIGITS[:500], y)
    assert model.best_validation_score_ == first < 0.9


@pytest.mark.parametrize("size", [1, 7, 60])
def test_watching_a_validation_set_changes_nothing(size):
    given = dict(hidden_layer_sizes=(8,), normalization="batch", random_state=0, max_iter=4)
    plain = MLPRegressor(**given, batch_size=size).fit(X, Y)
    watched = MLPRegressor(**given, batch_size=size).fit(X, Y, X_val=X[:20] + 0.1, y_val=Y[:20])
    assert_array_equal(coefs(plain), coefs(watched))


def test_epochs_without_a_validation_set_have_no_score():
    model = MLPRegressor(warm_start=True, max_iter=5, random_state=0)
    model.fit(X, Y).fit(X, Y, X_val=X[:20], y_val=Y[:20])
    model.set_params(warm_start=False).partial_fit(X, Y)
    for curve in (model.validation_scores_, model.validation_loss_curve_):
        assert_array_equal(np.isnan(curve), [True] * 5 + [False] * 5 + [True])
    assert len(model.loss_curve_) == 11
    assert model.best_validation_score_ == max(model.validation_scores_[5:10])
    assert model.fit(X, Y).validation_scores_ is None


def test_class_weights_count_in_any_validation_set():
    given = dict(hidden_layer_sizes=(8,), random_state=0, max_iter=3)
    factors = {0: 3.0, 1: 0.5, 2: 1.0}
    model = MLPClassifier(**given, class_weight=factors).fit(X, C, X_val=X[::2], y_val=C[::2])
    by_hand = MLPClassifier(**given).fit(
        X, C, np.vectorize(factors.get)(C), X_val=X[::2], y_val=C[::2],
        sample_weight_val=np.vectorize(factors.get)(C[::2]),
    )  # fmt: skip
    assert_allclose(model.validation_loss_curve_, by_hand.validation_loss_curve_, rtol=1e-12)
    assert model.validation_scores_ == by_hand.validation_scores_
    # "balanced" is what balances the rows of training
    balanced = MLPClassifier(**given, class_weight="balanced")
    balanced.fit(X, C, X_val=X[C < 2], y_val=C[C < 2])
    totals = np.bincount(C)
    v = 20.0 / totals[C]
    by_hand.fit(X, C, v, X_val=X[C < 2], y_val=C[C < 2], sample_weight_val=v[C < 2])
    assert_allclose(balanced.validation_loss_curve_, by_hand.validation_loss_curve_, rtol=1e-9)


def test_a_call_of_partial_fit_does_not_go_over_all_calls_before_it(monkeypatch):
    model = MLPRegressor(hidden_layer_sizes=(2,), random_state=0)
    for _ in range(5):
        model.partial_fit(X, Y)
    counted = []
    update = Patience.update
    monkeypatch.setattr(Patience, "update", lambda *args: counted.append(1) or update(*args))
    model.partial_fit(X, Y)
    assert len(model.loss_curve_) == 6
    assert len(counted) == 1


def test_random_state():
    given = dict(hidden_layer_sizes=(8,), dropout=0.3, normalization="batch", max_iter=5)
    one, two, other = (MLPRegressor(**given, random_state=k).fit(X, Y) for k in (0, 0, 1))
    assert_array_equal(coefs(one), coefs(two))
    assert not np.array_equal(coefs(one), coefs(other))
    assert_array_equal(one.predict(X), one.predict(X))


def test_threads_change_nothing():
    model = MLPClassifier((16,), normalization="batch", max_iter=2, random_state=0)
    model.fit(DIGITS, LABELS)
    many = np.tile(DIGITS, (12, 1))
    expected = model.predict_proba(many)
    assert_array_equal(model.set_params(n_jobs=2).predict_proba(many), expected)


@pytest.mark.compiled
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw"])
def test_float32(norm, solver):
    given = dict(hidden_layer_sizes=(16,), solver=solver, normalization=norm, random_state=0)
    single = MLPClassifier(**given, max_iter=20).fit(DIGITS.astype(np.float32), LABELS)
    arrays = [w for layer in single.layers_ for w in layer.params.values()]
    arrays += [one for state in single.optimizer_.states for one in state]
    assert all(one.dtype == np.float32 for one in arrays)
    assert single.predict_proba(DIGITS).dtype == np.float32
    double = MLPClassifier(**given, max_iter=20).fit(DIGITS, LABELS)
    assert double.coefs_[0].dtype == np.float64
    assert_allclose(single.loss_curve_, double.loss_curve_, rtol=1e-2)


@pytest.mark.parametrize("labels", [np.array(["a", "b", "c"]), np.array([-3, 0, 7])], ids=repr)
def test_labels_of_any_kind(labels):
    model = MLPClassifier((8,), early_stopping=True, random_state=0).fit(X, labels[C])
    assert_array_equal(model.classes_, labels)
    assert set(model.predict(X)) <= set(labels)
    two = MLPClassifier((8,), random_state=0, learning_rate_init=0.1).fit(X, labels[C // 2])
    assert two.score(X, labels[C // 2]) > 0.9
    assert_allclose(two.predict_proba(X).sum(axis=1), 1)


def test_warnings():
    with pytest.warns(UserWarning, match="batch_size=61 is more than the 60 rows"):
        MLPRegressor(max_iter=3, batch_size=61).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        MLPRegressor(max_iter=3, random_state=0).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="L-BFGS"):
        MLPRegressor(max_iter=3, random_state=0, solver="lbfgs").fit(X, Y)
