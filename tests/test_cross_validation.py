"""LassoCV and ElasticNetCV against refits of every fold, one by one."""

import warnings
from contextlib import nullcontext

import numpy as np
import pytest
import sklearn.linear_model as sk
from numpy.testing import assert_allclose, assert_array_equal
from oracle import LONG, Oracle
from problems import regression
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form

N, P = 36, 7
X, y = regression(0, N, P)
ROWS = np.arange(N)
GROUPS = ROWS * 7 % 5
WEIGHTS = np.array([1.0, 2.0, 0.0, 0.5, 3.0, 1.5])[ROWS % 6]

SLOW = pytest.mark.slow
SPLITTERS = {
    "None": None,
    "4": 4,
    "KFold": KFold(3),
    "shuffled": KFold(5, shuffle=True, random_state=0),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "time series": TimeSeriesSplit(4),
    "random": ShuffleSplit(4, random_state=0),
    "leave one out": LeaveOneOut(),
    "predefined": PredefinedSplit(np.where(ROWS < 6, -1, ROWS % 3)),
    "list": list(KFold(4).split(X)),
    "gaps": [(ROWS[:20], ROWS[30:]), (ROWS[10:], ROWS[:5])],
    "overlap": [(ROWS[:30], ROWS[20:]), (ROWS, ROWS), (ROWS[::2], ROWS)],
    "masks": [(ROWS % 3 != k, ROWS % 3 == k) for k in range(3)],
    "bootstrap": [(ROWS * (k + 7) // 9 % 30, np.repeat(ROWS[30:], 2)) for k in range(3)],
    "single": [(ROWS[:24], ROWS[24:])],
}


def folds_of(cv, groups=None):
    if cv is None or isinstance(cv, int):
        cv = KFold(cv or 5)
    folds = cv.split(X, y, groups) if hasattr(cv, "split") else cv
    return [[ROWS[s] if np.asarray(s).dtype == bool else np.asarray(s) for s in f] for f in folds]


def tight(cls, **params):
    if cls.__module__.startswith("sklearn."):
        return cls(**params, tol=1e-15, max_iter=100_000)
    return cls(**params, tol=1e-14)


def refit(reference, ratio, alpha, train, v, X=X, y=y, standardize=False, **flags):
    """Return coefficients and intercept of one fold, the columns scaled by hand."""
    Z, w = X[train], v[train]
    scale = np.ones(X.shape[1])
    if standardize:
        scale = np.sqrt(np.average((Z - np.average(Z, axis=0, weights=w)) ** 2, 0, weights=w))
    if ratio == 1.0:
        model = tight(reference.Lasso, alpha=alpha, **flags)
    else:
        model = tight(reference.ElasticNet, alpha=alpha, l1_ratio=ratio, **flags)
    with warnings.catch_warnings():
        if reference is sk:
            warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Z / scale, y[train], sample_weight=w)
    return model.coef_ / scale, model.intercept_


class OURS:
    Lasso, ElasticNet = Lasso, ElasticNet


def brute_force(reference, alphas, ratios, folds, v=None, X=X, y=y, **flags):
    """Return mean squared errors (n_ratios, n_alphas, n_folds)."""
    v = np.ones(len(y)) if v is None else v
    errors = np.empty((len(ratios), alphas.shape[-1], len(folds)))
    for i, ratio in enumerate(ratios):
        for a, alpha in enumerate(np.broadcast_to(alphas, errors.shape[:2])[i]):
            for k, (train, test) in enumerate(folds):
                w, b = refit(reference, ratio, alpha, train, v, X, y, **flags)
                errors[i, a, k] = np.average((y[test] - X[test] @ w - b) ** 2, weights=v[test])
    return errors


def check(model, folds, v=None, X=X, y=y, data=None):
    """Fit and compare `mse_path_` with refits by scikit-learn and by our own single fits."""
    model.fit(X if data is None else data, y, sample_weight=v)
    names = ("fit_intercept", "positive", "standardize")
    flags = {name: getattr(model, name) for name in names}
    ratios = np.atleast_1d(getattr(model, "l1_ratio", 1.0))
    errors = model.mse_path_[None] if len(ratios) == 1 else model.mse_path_
    for reference, rtol in ((sk, 1e-6), (OURS, 1e-9)):
        expected = brute_force(reference, model.alphas_, ratios, folds, v, X, y, **flags)
        assert_allclose(errors, expected, rtol=rtol, atol=1e-12 * np.var(y))
    return model


FORMS = {"as chosen": nullcontext, "working set": lambda: forced_form("working_set")}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@forms
@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[SLOW] * (k in ("leave one out", "repeated"))) for k in SPLITTERS],
)
def test_every_splitter_h35_h36(kind, form):
    folds = folds_of(SPLITTERS[kind])
    with form():
        check(LassoCV(alphas=4, eps=0.01, cv=SPLITTERS[kind], tol=1e-14), folds)
        model = ElasticNetCV(l1_ratio=[0.3, 0.8], alphas=3, cv=SPLITTERS[kind], tol=1e-14)
        check(model, folds)


@forms
@pytest.mark.parametrize(
    "weighted",
    [pytest.param(False, id="unweighted", marks=SLOW), pytest.param(True, id="weighted")],
)
@pytest.mark.parametrize(
    "container",
    [pytest.param(np.asarray, id="dense"), pytest.param(sparse.csc_array, id="sparse", marks=SLOW)],
)
@pytest.mark.parametrize(
    "flags",
    [{}, {"standardize": True}, {"positive": True}, {"fit_intercept": False},
     {"standardize": True, "fit_intercept": False}, {"standardize": True, "positive": True}],
    ids=str,
)  # fmt: skip
def test_every_flag(flags, container, weighted, form):
    Z = np.where(np.abs(X) > 0.5, X, 0.0) * np.geomspace(0.1, 10, P)
    cv = KFold(4, shuffle=True, random_state=1)
    v = WEIGHTS if weighted else None
    given = {"alphas": 4, "cv": cv, "tol": 1e-14, **flags}
    with form():
        for model in (LassoCV(**given), ElasticNetCV(l1_ratio=[0.1, 0.9], **given)):
            check(model, folds_of(cv), v, Z, data=container(Z))


@pytest.mark.parametrize("splitter", [GroupKFold(3), LeaveOneGroupOut()], ids=repr)
@pytest.mark.parametrize("model", [LassoCV(alphas=4), ElasticNetCV(alphas=4)], ids=repr)
def test_groups_reach_the_splitter_h36(model, splitter):
    expected = clone(model).set_params(cv=folds_of(splitter, GROUPS)).fit(X, y).mse_path_
    with config_context(enable_metadata_routing=True):
        routed = clone(model).set_params(cv=splitter).fit(X, y, groups=GROUPS)
    assert_array_equal(routed.mse_path_, expected)
    with pytest.raises(ValueError, match=r"groups.*enable_metadata_routing"):
        clone(model).set_params(cv=splitter).fit(X, y, groups=GROUPS)
    with pytest.raises(ValueError, match="groups"):
        clone(model).set_params(cv=splitter).fit(X, y)


def test_a_generator_is_used_once_for_every_ratio_h36():
    listed = ElasticNetCV(l1_ratio=[0.2, 0.6, 1.0], alphas=5, cv=folds_of(KFold(3)))
    generated = clone(listed)
    generated.cv = KFold(3).split(X)
    assert_array_equal(generated.fit(X, y).mse_path_, listed.fit(X, y).mse_path_)


def test_overlapping_pairs_left_out():
    Z, z = X[:9], y[:9]
    model = LassoCV(alphas=3, cv=LeavePOut(2), tol=1e-14)
    check(model, list(LeavePOut(2).split(Z)), X=Z, y=z)
    assert model.mse_path_.shape == (3, 36)


# ------------------------------------------------------------------------------ certificates


@pytest.mark.parametrize("max_iter", [1, 3, 1000])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
@forms
def test_certificate_of_every_fold_h04(form, ratio, max_iter):
    """A fold that holds out its own training rows shows how far its solution is from the best.

    The loss is strongly convex in the fitted values, so a gap g admits fitted values within
    sqrt(2 g) of the optimal ones (in the weighted root mean square), and no further.
    """
    n, p = 30, 60
    Z, z = regression(3, n, p, rho=0.9)
    rng = np.random.default_rng(4)
    v = rng.integers(0, 4, n) + 0.5
    sides = [rng.choice(n, 20, replace=False) for _ in range(3)]
    model = ElasticNetCV(
        l1_ratio=ratio, alphas=6, cv=[(s, s) for s in sides], max_iter=max_iter, tol=1e-4
    )
    with form(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(Z, z, sample_weight=v)
    unsolved = []
    for k, side in enumerate(sides):
        for a, alpha in enumerate(model.alphas_):
            oracle = Oracle(Z[side], z[side], v[side], alpha=alpha, l1_ratio=ratio)
            best = tight(ElasticNet, alpha=alpha, l1_ratio=ratio).fit(Z[side], z[side], v[side])
            assert oracle.gap(best.coef_) <= 1e-12 * oracle.null_objective()
            r = oracle.residual(best.coef_, best.intercept_)
            distance = np.sqrt(LONG(model.mse_path_[a, k])) - np.sqrt(oracle.v @ r**2)
            rounding = 64 * np.finfo(float).eps * oracle.null_objective()
            gap = model.dual_gap_path_[a, k]
            assert 0 <= gap
            assert distance**2 / 2 <= gap + rounding
            unsolved.append(gap > oracle.goal(1e-4, np.finfo(float).eps))
    warned = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    if max_iter == 1000:
        assert not any(unsolved) and not warned
    assert len(warned) == (any(unsolved) or model.dual_gap_ > goal_of(model, Z, z, v))


def goal_of(model, Z, z, v):
    oracle = Oracle(Z, z, v, alpha=1.0, l1_ratio=1.0)
    return oracle.goal(model.tol, np.finfo(float).eps)


@pytest.mark.compiled
@pytest.mark.parametrize("form", [None, "working_set"])
def test_real_data_is_solved_without_warnings(form):
    Z, z = load_diabetes(return_X_y=True)
    with nullcontext() if form is None else forced_form(form), warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ElasticNetCV(l1_ratio=[0.1, 0.5, 0.9, 1.0], cv=5).fit(Z, z)
    assert model.dual_gap_path_.shape == (4, 100, 5)
    for k, (train, _) in enumerate(KFold(5).split(Z)):
        goal = Oracle(Z[train], z[train], alpha=1.0, l1_ratio=1.0).goal(1e-4, np.finfo(float).eps)
        gaps = model.dual_gap_path_[..., k]
        assert 0 <= gaps.min() and gaps.max() <= goal
