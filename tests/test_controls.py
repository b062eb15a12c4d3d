"""Optimality with penalty factors and bounds, of generated problems, in extended precision."""

import secrets
import warnings

import numpy as np
import pytest
from controlled import tame, wild
from numpy.testing import assert_allclose
from oracle import KKT_LIMIT, LONG, UNITS, Oracle, certified
from problems import contain, regression
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV
from sklearn_regnorm.solvers import forced_form

FORMS = "gram", "working_set"
TOLS = 1e-14, 1e-4
MANY = 100_000
EPS = np.finfo(float).eps
form = pytest.mark.parametrize("form", FORMS)


def fit(problem, form, tol):
    """Return the fitted model and the warnings it raised."""
    model = ElasticNet(**problem.params, tol=tol, max_iter=MANY)
    with warnings.catch_warnings(record=True) as caught, forced_form(form):
        warnings.simplefilter("always")
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    return model, [str(w.message) for w in caught]


def rounding(oracle, coefs, eps, of_terms):
    """Return what rounding may leave of an objective, also of its largest terms if `of_terms`."""
    size = oracle.null_objective()
    if of_terms:
        for coef in coefs:
            w = coef.astype(LONG)
            residual = np.sqrt(oracle.v @ oracle.centred_residual(w) ** 2)
            size = max(size, (residual + oracle.norm @ np.abs(w)) ** 2)
    return UNITS * eps * size


def faults(problem, of_terms):
    """Fit in both forms, loosely and to the rounding floor; list what is wrong."""
    oracle, eps = problem.oracle(), problem.eps
    fits = {(form, tol): fit(problem, form, tol) for form in FORMS for tol in TOLS}
    values = {how: oracle.objective(model.coef_) for how, (model, _) in fits.items()}
    least = min(values.values())
    coefs = [model.coef_ for model, _ in fits.values()]
    floor = rounding(oracle, coefs, eps, of_terms or eps > EPS)
    for (form, tol), (model, messages) in fits.items():
        found = list(messages)
        kkt = oracle.kkt(model.coef_, eps)
        if not kkt <= (KKT_LIMIT if tol < 1e-12 else LONG(2) ** 16000):  # infinite if infeasible
            found.append(f"KKT violation {kkt:.3g}")
        error = oracle.intercept_error(model.coef_, model.intercept_, eps)
        if not error <= 1:
            found.append(f"intercept off by {error:.3g} floors")
        if not 0 <= model.dual_gap_ <= oracle.goal(tol, eps):
            found.append(f"dual_gap_ {model.dual_gap_:.3g} beyond {oracle.goal(tol, eps):.3g}")
        excess = values[form, tol] - least
        if not excess <= model.dual_gap_ + floor:
            found.append(f"dual_gap_ {model.dual_gap_:.3g} but excess {float(excess):.3g}")
        if model.coef_.dtype != problem.X.dtype:
            found.append(f"{model.coef_.dtype} coefficients")
        yield from (f"{form}, tol={tol}: {fault}" for fault in found)


def check(make, first, count):
    """Judge `count` problems from seed `first` on; fail with a line for each fault."""
    lines = []
    for seed in range(first, first + count):
        problem = make(seed)
        try:
            found = list(faults(problem, of_terms=make is wild))
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        lines += [f"{problem}: {fault}" for fault in found]
    assert not lines, f"{len(lines)} faults\n" + "\n".join(lines[:40])


@pytest.mark.parametrize(("make", "count"), [(tame, 100), (wild, 50)])
def test_generated_problems(make, count):
    check(make, 0, count)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 1100, 250))
@pytest.mark.parametrize("make", [tame, wild])
def test_many_generated_problems(make, first):
    check(make, first, 250)


@pytest.mark.fuzz
@pytest.mark.parametrize("make", [tame, wild])
def test_new_problems(make):
    check(make, secrets.randbelow(2**40), 10_000)


def test_generated_problems_have_every_control():
    problems = [tame(seed).params for seed in range(100)]
    factors = [one["penalty_factor"] for one in problems if one["penalty_factor"] is not None]
    assert sum(np.any(f == 0) for f in factors) > 20 and sum(np.isinf(f).any() for f in factors) > 9
    for name in ("lower", "upper"):
        given = [one[name] for one in problems if one[name] is not None]
        assert sum(np.ndim(one) == 0 for one in given) > 9
        assert sum(np.any(np.array(one) == 0) for one in given) > 9
    fitted = [fit(tame(seed), "gram", 1e-4)[0] for seed in range(100)]
    at_bound = [
        np.any(one.coef_ == np.float64(bound)) and bound != 0
        for one in fitted
        for bound in (one.lower, one.upper)
        if bound is not None and np.ndim(bound) == 0
    ]
    assert sum(at_bound) > 9


CONTROLS = {
    "factors": {"penalty_factor": [0.5, 0.0, 2.0, 1.0]},
    "excluded": {"penalty_factor": [1.0, np.inf, 0.0, 0.3]},
    "bounds": {"lower": [-0.2, -np.inf, 0.0, -0.5], "upper": [0.3, 0.0, np.inf, 0.1]},
    "all": {"penalty_factor": [0.0, 1.0, 0.0, np.inf], "lower": -0.4, "upper": [0.2, 1.0, 1, 1]},
}


def small():
    X, y = regression(0, 30, 4, nonzero=4)
    return X, y, np.random.default_rng(1).integers(1, 4, 30) * 1.0


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_the_oracle_accepts_the_optimum_and_nothing_near_it(l1_ratio, standardize, name):
    X, y, v = small()
    flags = {"l1_ratio": l1_ratio, "standardize": standardize, **CONTROLS[name]}
    oracle = Oracle(X, y, v, alpha=0.1, **flags)
    w, b = oracle.enumerate_signs()
    assert oracle.kkt(w.astype(float), EPS) <= 1e-12 and oracle.intercept_error(w, b, EPS) <= 1
    moved = 0
    for j in range(4):
        for step in (1e-7, -1e-7):
            near = w.copy()
            near[j] += step
            assert oracle.kkt(near, EPS) > 1e-9
            if oracle.lower[j] <= near[j] <= oracle.upper[j]:
                moved += 1
                assert oracle.objective(near) > oracle.objective(w)
            else:
                assert oracle.kkt(near, EPS) == np.inf
    assert moved >= 2


@form
@pytest.mark.parametrize("container", ["F", "csr"])
@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3, 0.0])
def test_every_pattern_of_signs_and_bounds(l1_ratio, standardize, name, container, form):
    X, y, v = small()
    flags = {"l1_ratio": l1_ratio, "standardize": standardize, **CONTROLS[name]}
    model = ElasticNet(0.1, tol=1e-14, max_iter=MANY, **flags)
    with forced_form(form):
        model.fit(contain(X, container), y, sample_weight=v)
    best, _ = Oracle(X, y, v, alpha=0.1, **flags).enumerate_signs()
    assert_allclose(model.coef_, best.astype(float), rtol=0, atol=1e-13)
    certified(model, X, y, v)


@form
@pytest.mark.parametrize("tol", [1e-14, 1e-4])
@pytest.mark.parametrize("name", ["free", "boxed"])
def test_a_warning_if_and_only_if_uncertified_h09(name, tol, form):
    X, y = regression(3, 60, 100, rho=0.95)
    given = {"free": {"penalty_factor": np.arange(100) % 20 > 0}, "boxed": {"upper": 1.0}}[name]
    outcomes = set()
    for max_iter in (1, 2, 4, 1000):
        model = Lasso(1e-3, tol=tol, max_iter=max_iter, **given)
        with warnings.catch_warnings(record=True) as caught, forced_form(form):
            warnings.simplefilter("always")
            model.fit(X, y)
        goal = Oracle(X, y, alpha=1e-3, l1_ratio=1.0).goal(tol, EPS)
        assert [one.category for one in caught] == [ConvergenceWarning] * (model.dual_gap_ > goal)
        outcomes.add(len(caught))
    assert outcomes == {0, 1}


@form
@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.0])
def test_every_fold_and_every_alpha_of_cross_validation(ratio, name, form):
    """The path on all rows by the oracle, errors of folds by fits of their own."""
    X, y, v = small()
    folds = [(np.arange(30) % 3 != k, np.arange(30) % 3 == k) for k in range(3)]
    given = {"tol": 1e-14, "max_iter": MANY, "standardize": True, **CONTROLS[name]}
    model = LassoCV(alphas=5, cv=folds, **given)
    if ratio != 1.0:
        model = ElasticNetCV(l1_ratio=ratio, alphas=5, cv=folds, **given)
    with forced_form(form):
        model.fit(X, y, sample_weight=v)
    for a, alpha in enumerate(model.alphas_):
        flags = {"alpha": alpha, "l1_ratio": ratio, "standardize": True, **CONTROLS[name]}
        oracle = Oracle(X, y, v, **flags)
        assert oracle.kkt(model.coef_path_[a], EPS) <= 1e-8
        for k, (train, test) in enumerate(folds):
            w, b = Oracle(X[train], y[train], v[train], **flags).enumerate_signs()
            error = np.average((y[test] - b - X[test] @ w) ** 2, weights=v[test])
            assert model.mse_path_[a, k] == pytest.approx(float(error), rel=1e-10)
