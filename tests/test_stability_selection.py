"""StabilitySelection against refits of every half-sample by scikit-learn, one by one."""

import pickle
import re
import tracemalloc
import warnings
from contextlib import nullcontext

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_regnorm import Lasso, StabilitySelection
from sklearn_regnorm.feature_selection._half_samples import HalfSamples
from sklearn_regnorm.linear_model._documentation import SHARED
from sklearn_regnorm.solvers import forced_form, weightings

N, P = 45, 12
X, y = regression(0, N, P)
WIDE, z = regression(1, 40, 70)
SMALL = {"n_resamples": 12, "alphas": 7, "random_state": 0}
PATHS = "alphas_", "stability_path_", "n_selected_path_", "error_bound_path_", "scores_"


def selector(**params):
    return StabilitySelection(**SMALL | params)


def same(one, other):
    for name in PATHS:
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


# ------------------------------------------------------------------------------ brute force


def refit(model, X, y):
    """Return which coefficients are not zero, (n_alphas, p)."""
    scale = X.std(axis=0) if model.standardize else 1.0
    chosen = []
    for alpha in model.alphas_:
        reference = sk.ElasticNet(
            alpha=alpha, l1_ratio=model.l1_ratio, fit_intercept=model.fit_intercept,
            positive=model.positive, tol=1e-13, max_iter=10**6,
        )  # fmt: skip
        chosen.append(reference.fit(X / scale, y).coef_ != 0)
    return np.array(chosen)


def brute_force(model, X, y):
    """Return probabilities and the mean numbers selected so far, from copies of every half."""
    paired = model.sampling == "complementary"
    draw = HalfSamples(len(y), model.n_resamples, paired, model.random_state)
    halves = [draw(k) > 0 for k in range(model.n_resamples)]
    every = np.array([refit(model, X[half], y[half]) for half in halves])
    so_far = np.logical_or.accumulate(every, axis=1)
    return every.mean(axis=0), so_far.sum(axis=2).mean(axis=0)


FORMS = {"as chosen": nullcontext, "working set": lambda: forced_form("working_set")}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"sampling": "half", "n_resamples": 9},
        {"l1_ratio": 0.6},
        {"standardize": False},
        {"positive": True, "fit_intercept": False},
    ],
    ids=str,
)
def test_probabilities_are_those_of_refits(params, form):
    Z = X * np.geomspace(0.5, 2, P)
    with form():
        model = selector(tol=1e-14, **params).fit(Z, y)
    probabilities, selected = brute_force(model, Z, y)
    assert_array_equal(model.stability_path_, probabilities)
    assert_allclose(model.n_selected_path_, selected, rtol=1e-14)
    assert np.unique(probabilities).size > 4


@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7])
def test_probabilities_with_more_columns_than_rows(l1_ratio, container):
    """The lasso is followed from event to event, in batches; the elastic net is not."""
    model = selector(l1_ratio=l1_ratio, alphas=11, n_resamples=22, tol=1e-14)
    model.fit(container(WIDE), z)
    probabilities, selected = brute_force(model, WIDE, z)
    assert_array_equal(model.stability_path_, probabilities)
    assert_allclose(model.n_selected_path_, selected, rtol=1e-14)


def test_what_is_derived_from_the_probabilities():
    model = selector(max_false=2.0, alphas=20).fit(X, y)
    inside = model.alphas_ >= model.alpha_min_
    end = inside.sum() - 1
    assert 3 < end < 18
    assert np.all(inside[: end + 1])
    assert_array_equal(model.scores_, model.stability_path_[inside].max(axis=0))
    assert_array_equal(model.support_, model.scores_ >= 0.75)
    assert model.expected_false_ == model.error_bound_path_[end] <= 2.0
    assert model.error_bound_path_[end + 1] > 2.0
    # 12 halves, 6 pairs, 0.75 is 9 of 12: C = 1 / (2 (0.5 - 1/12)) = 1.2 while q / p is small
    q = model.n_selected_path_
    assert_allclose(model.error_bound_path_[: end + 1], 1.2 * q[: end + 1] ** 2 / P, rtol=1e-13)
    default = selector(alphas=20).fit(X, y)
    assert default.expected_false_ <= 1.0 < default.error_bound_path_[end]
    whole = selector(max_false=None, alphas=20).fit(X, y)
    assert_array_equal(whole.stability_path_, model.stability_path_)
    assert whole.alpha_min_ == whole.alphas_[-1]
    assert_array_equal(whole.scores_, whole.stability_path_.max(axis=0))
    assert whole.expected_false_ == whole.error_bound_path_[-1]


@pytest.mark.parametrize("container", [np.asarray, sparse.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("data", [(X + 50.0, -y), (WIDE, z)], ids=["tall", "wide"])
def test_grid_begins_where_features_appear(data, positive, container):
    Z, target = container(data[0]), data[1]
    model = selector(positive=positive).fit(Z, target)
    assert_array_equal(model.stability_path_[0], 0.0)
    assert model.error_bound_path_[0] == 0.0
    top = model.alphas_[0]
    just_below = selector(positive=positive, alphas=[top * 0.999]).fit(Z, target)
    assert just_below.n_selected_path_[0] == 1 / 12
    assert_allclose(model.alphas_[-1], 0.05 * top, rtol=1e-8)
    either = selector().fit(Z, target)
    assert (top < 0.999 * either.alphas_[0]) == positive


def test_grids_are_sorted():
    assert_array_equal(selector(alphas=[0.1, 2.0, 0.5]).fit(X, y).alphas_, [2.0, 0.5, 0.1])


@pytest.mark.compiled
def test_signal_is_found():
    Z, target = regression(3, 120, 200, nonzero=0, rho=0.0)
    target = target + 3 * Z[:, [3, 50, 120]].sum(axis=1)
    model = StabilitySelection(random_state=0).fit(Z, target)
    assert_array_equal(model.get_support(indices=True), [3, 50, 120])


# ------------------------------------------------------------------------------ half-samples


@pytest.mark.parametrize("n", [2, 3, 10, 11])
def test_pairs_are_disjoint_halves(n):
    draw = HalfSamples(n, 40, True, 0)
    taken = np.array([draw(k) for k in range(40)])
    assert_array_equal(taken, [draw(k) for k in range(40)])
    assert np.all((taken == 0) | (taken == 1))
    assert_array_equal((taken > 0).sum(axis=1), n // 2)
    assert not ((taken[::2] > 0) & (taken[1::2] > 0)).any()
    assert len(np.unique(taken, axis=0)) > (1 if n == 2 else 2)


def test_halves_are_drawn_evenly_and_independently():
    draw = HalfSamples(5, 2000, False, 1)
    taken = np.array([draw(k) for k in range(2000)])
    assert_array_equal(taken.sum(axis=1), 2)
    together = taken.T @ taken / 2000
    assert_allclose(np.diagonal(together), 0.4, atol=0.05)  # 4.5 standard errors
    assert_allclose(together[~np.eye(5, dtype=bool)], 0.1, atol=0.03)


def test_random_state():
    one = selector(random_state=1).fit(X, y)
    same(one, selector(random_state=1).fit(X, y))
    assert np.any(one.stability_path_ != selector(random_state=2).fit(X, y).stability_path_)
    state = np.random.RandomState(5)
    first, second = (selector(random_state=state).fit(X, y) for _ in range(2))
    assert np.any(first.stability_path_ != second.stability_path_)
    same(first, selector(random_state=np.random.RandomState(5)).fit(X, y))


# ------------------------------------------------------------------------------ invariances


def test_units_do_not_matter():
    plain = selector().fit(X, y)
    scaled = selector().fit(X * 2.0 ** np.arange(-6, 6), 1024 * y)
    assert_array_equal(scaled.stability_path_, plain.stability_path_)
    assert_allclose(scaled.alphas_, 1024 * plain.alphas_, rtol=1e-12)
    tiny = selector().fit(X, y * 1e-30)
    assert_array_equal(tiny.stability_path_, plain.stability_path_)


@pytest.mark.parametrize("container", ["F", "strided", "readonly", "csc", "csr64", "duplicates"])
@pytest.mark.parametrize("data", [(X, y), (WIDE, z)], ids=["tall", "wide"])
def test_containers(data, container):
    Z, target = data
    plain = selector(tol=1e-14).fit(Z, target)
    model = selector(tol=1e-14).fit(contain(Z, container), target)
    assert_array_equal(model.stability_path_, plain.stability_path_)
    assert_allclose(model.alphas_, plain.alphas_, rtol=1e-12)


def test_float32():
    Z = X.astype(np.float32)
    model = selector().fit(Z, y)
    assert_array_equal(model.stability_path_, selector().fit(Z.astype(float), y).stability_path_)
    assert model.transform(Z).dtype == np.float32


LARGE = "gram", "in batches", "large"


@pytest.mark.compiled
@pytest.mark.parametrize("kind", LARGE)
def test_results_do_not_depend_on_threads(kind):
    Z, target, count = {
        "gram": (X, y, 12),
        "in batches": (WIDE, z, 40),
        "large": (*regression(2, 130, weightings.THREADED_ENTRIES // 130 + 1), 4),
    }[kind]
    given = {"n_resamples": count, "alphas": 4, "eps": 0.3}
    alone = selector(**given).fit(Z, target)
    assert np.unique(alone.stability_path_).size > 2
    for n_jobs in (2, 5):
        same(selector(n_jobs=n_jobs, **given).fit(Z, target), alone)


def test_size_of_batches_does_not_matter(monkeypatch):
    expected = selector(n_resamples=20).fit(WIDE, z)
    monkeypatch.setattr(weightings, "BATCH_BYTES", 1)
    one_by_one = selector(n_resamples=20).fit(WIDE, z)
    assert_array_equal(one_by_one.stability_path_, expected.stability_path_)
    assert_array_equal(one_by_one.n_selected_path_, expected.n_selected_path_)


@pytest.mark.compiled
def test_memory_does_not_grow_with_the_number_of_halves():
    Z, target = regression(4, 40, 2000, nonzero=5)
    given = {"alphas": 40, "eps": 0.3}
    selector(n_resamples=2, **given).fit(Z, target)
    peaks = []
    for count in (16, 64):
        tracemalloc.start()
        selector(n_resamples=count, **given).fit(Z, target)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    paths = 64 * 40 * 2000 * 8
    assert peaks[1] < paths / 3
    assert peaks[1] < 1.1 * peaks[0]


# ------------------------------------------------------------------------------ edge cases


@pytest.mark.parametrize("sampling", ["complementary", "half"])
@pytest.mark.parametrize("kind", ["constant y", "zero y", "constant X", "two rows", "three rows"])
def test_nothing_to_select(kind, sampling):
    Z, target = {
        "constant y": (X, np.full(N, 3.7)),
        "zero y": (X, np.zeros(N)),
        "constant X": (np.full((N, P), 2.5), y),
        "two rows": (X[:2], y[:2]),
        "three rows": (X[:3], y[:3]),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = selector(sampling=sampling, max_false=0.5).fit(Z, target)
    assert not model.stability_path_.any() and not model.support_.any()
    assert model.expected_false_ == 0.0 and np.isfinite(model.alpha_min_)
    assert model.alpha_min_ == model.alphas_[-1] > 0
    with pytest.warns(UserWarning, match="No features were selected"):
        assert model.transform(Z).shape == (len(target), 0)


def test_one_column():
    model = selector(threshold=1.0).fit(X[:, :1], X[:, 0])
    assert_array_equal(model.support_, [True])
    assert_array_equal(model.scores_, [1.0])
    assert model.expected_false_ == 1.0  # one of one


def test_threshold_is_reached_by_equality():
    model = selector(alphas=20, max_false=None).fit(X, y)
    levels = [s for s in np.unique(model.scores_) if s > 0.5]
    assert len(levels) > 1
    for level in levels:
        chosen = selector(alphas=20, max_false=None, threshold=level).fit(X, y)
        assert_array_equal(chosen.support_, model.scores_ >= level)
        assert chosen.scores_[chosen.support_].min() == level


def test_region_that_is_empty():
    with pytest.warns(UserWarning, match=r"largest of the given alphas.*max_false=0\.01"):
        model = selector(alphas=[0.01, 0.001], max_false=0.01).fit(X, y)
    assert model.alpha_min_ == np.inf and model.expected_false_ == 0.0
    assert not model.scores_.any() and not model.support_.any()
    assert model.stability_path_.any()


@pytest.mark.compiled
@pytest.mark.parametrize("data", [(X, y), (WIDE, z)], ids=["gram", "working set"])
def test_warning_where_iterations_run_out(data):
    with pytest.warns(ConvergenceWarning, match=r"in half-sample \d+ .*max_iter=1,") as caught:
        selector(max_iter=1, tol=1e-9, l1_ratio=0.5).fit(*data)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 1 <= selector(l1_ratio=0.5).fit(*data).n_iter_ <= 1000


BAD = [
    ("threshold", 0.5, r"above 0\.5"),
    ("threshold", 1.01, "at most 1"),
    ("threshold", np.nan, "finite"),
    ("threshold", "high", "instance"),
    ("max_false", 0, "> 0"),
    ("max_false", "one", "instance"),
    ("n_resamples", 0, ">= 2"),
    ("n_resamples", 7, "even.*half"),
    ("n_resamples", 10.0, "instance"),
    ("sampling", "bootstrap", "complementary"),
    ("bound", "exact", "unimodal"),
    ("l1_ratio", 0, "above 0"),
    ("l1_ratio", 1.5, "<= 1"),
    ("alphas", 0, ">= 1"),
    ("alphas", 0.5, "integer or an array"),
    ("alphas", [0.1, 0.0], "positive"),
    ("alphas", [0.1, -1.0], "negative"),
    ("alphas", None, "integer"),
    ("eps", 0, "> 0"),
    ("eps", 1.0, "< 1"),
    ("standardize", "yes", "True or False"),
    ("fit_intercept", None, "True or False"),
    ("positive", 1, "True or False"),
    ("tol", -1, ">= 0"),
    ("max_iter", 0, ">= 1"),
    ("max_iter", None, "instance"),
    ("n_jobs", 0, "no meaning"),
    ("random_state", "seed", "seed"),
]


def state(model):
    return {name: (id(value), repr(value)) for name, value in vars(model).items()}


@pytest.mark.parametrize("name, value, why", BAD, ids=str)
def test_bad_parameters(name, value, why):
    for model in (selector(), selector().fit(X, y)):
        model.set_params(**{name: value})
        before = state(model)
        with pytest.raises((ValueError, TypeError), match=rf"(?s){name}\b.*{why}"):
            model.fit(X, y)
        assert state(model) == before


@pytest.mark.parametrize("bound", ["unimodal", "r-concave"])
def test_bounds_that_need_pairs(bound):
    with pytest.raises(ValueError, match=r"bound=.*markov.*complementary"):
        selector(sampling="half", bound=bound).fit(X, y)
    assert selector(sampling="half", n_resamples=7).fit(X, y).stability_path_.shape == (7, P)


def test_too_few_rows():
    with pytest.raises(ValueError, match=r"n_samples=1.*at least 2"):
        selector().fit(X[:1], y[:1])
    with pytest.raises(ValueError, match=r"\by\b.*1d"):
        selector().fit(X, np.column_stack([y, y]))


def test_an_interruption_leaves_the_model_as_it_was(monkeypatch):
    model = selector().fit(X, y)
    before = state(model)

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(weightings, "solve_gram", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(alphas=7).fit(X[:, :5], y)
    assert state(model) == before


# ------------------------------------------------------------------------------ as a selector


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    names = [f"column {j}" for j in range(P)]
    frame = {"pandas": pd, "polars": pl}[library].DataFrame(dict(zip(names, X.T, strict=True)))
    plain = selector().fit(X, y)
    kept = np.flatnonzero(plain.support_)
    assert 0 < len(kept) < P
    model = selector().set_output(transform=library).fit(frame, y)
    assert_array_equal(model.feature_names_in_, names)
    assert list(model.get_feature_names_out()) == [names[j] for j in kept]
    out = model.transform(frame)
    assert list(out.columns) == [names[j] for j in kept]
    assert_array_equal(out.to_numpy(), X[:, kept])
    assert list(plain.get_feature_names_out()) == [f"x{j}" for j in kept]


def test_transform_and_back():
    model = selector().fit(sparse.csc_array(X), y)
    kept = model.get_support(indices=True)
    assert_array_equal(kept, np.flatnonzero(model.get_support()))
    assert_array_equal(model.transform(X), X[:, kept])
    assert_array_equal(model.transform(sparse.csr_array(X)).toarray(), X[:, kept])
    back = model.inverse_transform(X[:, kept])
    assert_array_equal(back[:, kept], X[:, kept])
    assert not np.delete(back, kept, axis=1).any()
    assert_array_equal(selector().fit_transform(X, y), X[:, kept])
    twin = pickle.loads(pickle.dumps(model))
    same(twin, model)
    assert_array_equal(twin.transform(X), X[:, kept])
    with pytest.raises(NotFittedError):
        selector().get_support()


@pytest.mark.compiled
def test_threshold_of_a_pipeline_is_searched():
    search = GridSearchCV(
        make_pipeline(selector(), Lasso(alpha=1e-3)),
        {"stabilityselection__threshold": [0.6, 0.9], "stabilityselection__max_false": [0.5, None]},
        cv=3,
    ).fit(X, y)
    assert np.isfinite(search.best_score_)
    chosen = search.best_estimator_[0]
    assert_array_equal(chosen.support_, clone(chosen).fit(X, y).support_)
    assert search.best_estimator_[1].n_features_in_ == chosen.support_.sum()


def test_documentation_is_complete():
    parameters, attributes = StabilitySelection.__doc__.split("Attributes\n")
    model = selector()
    assert not [name for name in SHARED if "{" + name + "}" in StabilitySelection.__doc__]
    before = set(vars(model))
    assert before == set(model.get_params())
    for name in before:
        assert re.search(rf"^ +(.*, )?{name}(, .*)? : ", parameters, re.MULTILINE), name
    model.fit(pd.DataFrame(X, columns=[f"c{j}" for j in range(P)]), y)
    for name in set(vars(model)) - before:
        assert name.endswith("_") and not name.startswith("_")
        assert re.search(rf"^ +(.*, )?{name}(, .*)? : ", attributes, re.MULTILINE), name
