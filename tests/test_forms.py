"""Every form of the engine against plain fits of every fold, solved in extended precision.

For the reference every fold's training rows are copied, and each (ratio, alpha) is solved on them
by itself: a guess at the support by scikit-learn, then linear equations on the support in extended
precision until the optimality conditions hold to REFERENCE_LIMIT. It shares no code with what is
tested. What every form must reproduce are the held-out errors and, recorded inside its folds,
objectives and coefficients.
"""

import warnings
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import numpy as np
import pytest
from oracle import LONG, Oracle
from problems import ar1, contain
from sklearn.linear_model import enet_path
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)

from sklearn_regnorm import ElasticNetCV, LassoCV, RidgeCV
from sklearn_regnorm.solvers import column_sets, cross_validation, forced_form, homotopy, state
from sklearn_regnorm.solvers import working_set as working

# Relative KKT violation up to which the reference counts as solved.
REFERENCE_LIMIT = 1e-12
# Condition number up to which its equations are solved to more than double precision; beyond,
# coefficients may be so large that their rounding hides a violation.
SOLVABLE = 1e13
# Share of a fold's null error to which its errors agree.
ERRORS = 1e-10
# Share of the null error below which errors are those of rows, not of cross-products; and share of
# the root of the null error to which roots of such errors agree. From cross-products, which know
# an error to 1e-16 of the null error, its root would be known to 1e-8.
SMALL, ROOTS = 1e-6, 1e-12
# Share of the null objective to which objectives agree: they are flat at the minimum, so that
# nothing but the rounding of extended precision is left of coefficients to the rounding floor.
OBJECTIVES = 1e-16
# Scaled to fitted values, share of the null error's root to which coefficients agree, up to this
# condition number of the active columns (scaled to length one) with the ridge part.
COEFS, WELL = 1e-10, 1e4

# ------------------------------------------------------------------------------ reference


def at(oracle, alpha, ratio):
    """Return the Oracle of the same rows at another penalty."""
    other = copy(oracle)
    other.l1 = LONG(alpha) * LONG(ratio) * oracle.s
    other.l2 = LONG(alpha) * (1 - LONG(ratio)) * oracle.s**2
    return other


def eliminate(H, b):
    """Return H^-1 b for stacks of positive definite H (m, p, p) and b (m, p).

    Gauss without pivots, as LAPACK knows no extended precision.
    """
    A, p = np.concatenate([H, b[..., None]], axis=-1), b.shape[-1]
    for j in range(p):
        factor = A[:, j + 1 :, j] / A[:, j, j, None]
        A[:, j + 1 :, j:] -= factor[..., None] * A[:, j, None, j:]
    w = np.zeros_like(b)
    for j in reversed(range(p)):
        known = (A[:, j, j + 1 : p] * w[:, j + 1 :]).sum(axis=1)
        w[:, j] = (A[:, j, -1] - known) / A[:, j, j]
    return w


def guess(oracle, alphas, ratio, tol):
    """Return coefficients (n_alphas, p) by scikit-learn, whose signs are a start."""
    if ratio == 0:
        return np.ones((len(alphas), len(oracle.s)))
    root = np.sqrt(oracle.v * len(oracle.v))
    A = np.asfortranarray((root[:, None] * oracle.Z / oracle.s).astype(float))
    given = {"l1_ratio": ratio, "alphas": alphas, "positive": oracle.positive}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        b = (root * oracle.t).astype(float)
        return enet_path(A, b, **given, tol=tol, max_iter=10**6)[1].T


def solve(oracle, alphas, ratios):
    """Return the optimal coefficients (n_ratios * n_alphas, p), and conditions of their Grams."""
    many = [at(oracle, alpha, ratio) for ratio in ratios for alpha in alphas]
    for tol in (1e-8, 1e-14):
        start = np.concatenate([guess(oracle, alphas, ratio, tol) for ratio in ratios])
        w, H = exchange(oracle, many, start)
        worst = max(one.kkt(coef, np.finfo(LONG).eps) for one, coef in zip(many, w, strict=True))
        condition = np.ones(len(H))
        if H.size:
            unit = np.sqrt(np.diagonal(H, axis1=1, axis2=2))
            condition = np.linalg.cond((H / unit[:, :, None] / unit[:, None, :]).astype(float))
        if worst <= REFERENCE_LIMIT and condition.max() <= SOLVABLE:
            return w, condition
    raise AssertionError(f"reference: KKT violation {worst:.3g}, condition {condition.max():.3g}")


def exchange(oracle, many, start):
    """Solve the equations of active sets, exchange what breaks optimality, until nothing does.

    Returns coefficients and the matrices of the equations, of all columns active at some alpha;
    for those that are not at this one they are the identity's.
    """
    l1, l2 = (np.stack([getattr(one, name) for one in many]) for name in ("l1", "l2"))
    on = (start != 0) & (oracle.norm > 0)
    sign = np.where(on & (l1 > 0), np.sign(start), LONG(0))
    Zv = oracle.Z.T * oracle.v

    def step(w):
        some = on.any(axis=0)
        active, Z = on[:, some], oracle.Z[:, some]
        identity = np.eye(Z.shape[1], dtype=LONG)
        H = Zv[some] @ Z + l2[:, some, None] * identity
        H = np.where(active[:, :, None] & active[:, None, :], H, identity)
        left = correlations(w) - l2 * w - l1 * sign
        w = w.copy()
        w[:, some] += eliminate(H, np.where(active, left[:, some], 0))
        return w, H

    def correlations(w):
        return (oracle.t - w @ oracle.Z.T) @ Zv.T

    for _ in range(30):
        w, H = step(np.zeros(on.shape, dtype=LONG))
        g = correlations(w)
        pull = g if oracle.positive else np.abs(g)
        leave = on & (np.where(l1 > 0, w * sign, w * oracle.positive) < 0)
        join = ~on & (oracle.norm > 0) & (pull > l1 * (1 + LONG(1e-14)))
        if not (leave | join).any():
            break
        on = (on & ~leave) | join
        sign = np.where(l1 > 0, np.where(join, np.sign(g), np.where(on, sign, 0)), 0)
    return step(step(w)[0])  # corrected by the rows themselves


class Reference:
    """Plain fits of every fold.

    Attributes
    ----------
    errors, best, condition : ndarray of shape (n_ratios, n_alphas, n_folds)
        Held-out errors, objectives on the training rows, condition numbers of the active Grams.
    coefs : ndarray of shape (n_ratios, n_alphas, n_folds, p)
    null : ndarray of shape (n_folds,)
        Held-out errors of the training mean (zero without intercept).
    fits : list of Oracle
        The training rows of each fold, at a penalty of no meaning.
    """

    def __init__(self, X, y, v, folds, ratios, grids, flags):
        """Solve for `grids` (n_folds, n_alphas)."""
        v = np.ones(len(y)) if v is None else v
        shape = len(ratios), len(grids[0]), len(folds)
        self.errors, self.best = np.empty((2, *shape), dtype=LONG)
        self.condition, self.coefs = np.empty(shape), np.empty((*shape, X.shape[1]), dtype=LONG)
        self.null, self.fits = np.empty(len(folds), dtype=LONG), []
        for k, (train, test) in enumerate(folds):
            oracle = Oracle(X[train], y[train], v[train], alpha=1.0, l1_ratio=1.0, **flags)
            self.fits.append(oracle)
            w, condition = solve(oracle, grids[k], ratios)
            self.coefs[:, :, k] = w.reshape(*shape[:2], -1)
            self.condition[:, :, k] = condition.reshape(shape[:2])
            for i, a in np.ndindex(*shape[:2]):
                one = at(oracle, grids[k][a], ratios[i])
                self.best[i, a, k] = one.objective(self.coefs[i, a, k])
            share = v[test].astype(LONG) / v[test].astype(LONG).sum()
            centre = oracle.fit_intercept * oracle.x_mean
            target = y[test].astype(LONG) - oracle.fit_intercept * oracle.y_mean
            fitted = w @ (X[test].astype(LONG) - centre).T
            self.errors[:, :, k] = ((target - fitted) ** 2 @ share).reshape(shape[:2])
            self.null[k] = share @ target**2
            if len(np.unique(test)) == 1:
                # one row may lie as close to the mean as it likes, which tells nothing of the
                # rounding of its error, the difference of target and fitted value
                self.null[k] = max(self.null[k], np.max(fitted**2))


# ------------------------------------------------------------------------------ forms


class Recorder:
    """Listens to what a cross-validation computes inside its folds.

    Attributes
    ----------
    coefs : ndarray of shape (n_ratios, n_alphas, n_folds, p)
        Those of the folds, in the units of X and y.
    followed : list of bool
        Whether each stretch of a path was got through by homotopy, for folds and whole.
    descents : int
        How often coordinates descended on the residual.
    """

    def __init__(self):
        self.coefs, self.followed, self.descents = None, [], 0

    @contextmanager
    def listening(self):
        """Record what is fitted in this context."""
        run, follow = cross_validation.CrossValidation.run, homotopy.Homotopy.run
        ridge_path, descend = cross_validation.ridge_path, state.State._descend
        ridges = []

        def recorded_run(engine, ratios, grids, **given):
            with self._listening_inside(engine) as (gram, closed, lockstep):
                result = run(engine, ratios, grids, **given)
            n_folds = len(engine.folds)
            if gram:
                w = np.array(gram).reshape(n_folds, len(ratios), *np.shape(gram)[1:])
            else:  # one ratio after the other; in closed form those without L1 part
                closed, lockstep = iter(closed), iter(lockstep.values())
                w = [
                    np.concatenate(next(lockstep), axis=1)
                    if not engine.problem.penalty(ratio).smooth
                    else np.array([next(closed) for _ in range(n_folds)])
                    for ratio in ratios
                ]
                w = np.stack(w, axis=1)
            self._set(engine.data, np.moveaxis(w, 0, 2))
            return result

        def recorded_ridge(problems, *args):
            coefs, gaps = ridge_path(problems, *args)
            ridges.append(coefs[:, 0])
            self._set(problems[0].data, np.stack(ridges, axis=1)[None])
            return coefs, gaps

        def recorded_follow(path, *args):
            found = follow(path, *args)
            self.followed.append(bool(found))
            return found

        def recorded_descent(*args):
            self.descents += 1
            return descend(*args)

        with (
            patch.object(state.State, "_descend", recorded_descent),
            patch.object(cross_validation.CrossValidation, "run", recorded_run),
            patch.object(cross_validation, "ridge_path", recorded_ridge),
            patch.object(homotopy.Homotopy, "run", recorded_follow),
        ):
            yield self

    @staticmethod
    @contextmanager
    def _listening_inside(engine):
        gram, closed, lockstep = [], [], {}
        advance = working.Lockstep.advance
        solve_gram, solve_path = cross_validation.solve_gram, cross_validation.solve_path

        def recorded_gram(*args, **given):
            path = solve_gram(*args, **given)
            gram.append(path.coefs)
            return path

        def recorded_path(problem, *args, **given):
            path = solve_path(problem, *args, **given)
            if problem is not engine.problem:
                closed.append(path.coefs)
            return path

        def recorded_advance(states, alphas):
            advance(states, alphas)
            here = [[point.w.copy() for point in state.points] for state in states.states[:-1]]
            lockstep.setdefault(states, []).append(np.array(here))

        with (
            patch.object(cross_validation, "solve_gram", recorded_gram),
            patch.object(cross_validation, "solve_path", recorded_path),
            patch.object(working.Lockstep, "advance", recorded_advance),
        ):
            yield gram, closed, lockstep

    def _set(self, data, w):
        self.coefs = w / data.column_scale * data.y_scale[0]


@dataclass(frozen=True)
class Form:
    """How a form is brought about; `tol` is loose where that must not matter."""

    forced: str
    tol: float
    constants: tuple = ()
    models: tuple = ("lasso", "elastic net", "ridge")
    sparse: bool = True

    @contextmanager
    def used(self):
        with ExitStack() as stack:
            stack.enter_context(forced_form(self.forced))
            for module, name, value in self.constants:
                stack.enter_context(patch.object(module, name, value))
            yield


NEVER_FOLLOWED = (state, "HOMOTOPY_ALPHAS", np.inf)
NO_NEWTON = (state, "NEWTON_ROWS", 0)
FORMS = {
    "gram": Form("gram", 1e-4),
    "gram, sides from rows": Form(
        "gram", 1e-4, ((cross_validation, "STATISTICS_BYTES", 0),), models=("lasso", "ridge")
    ),
    "newton": Form(
        "working_set",
        1e-14,
        (NEVER_FOLLOWED, (state, "PATIENCE_EARLY", 0), (column_sets, "GRAM_FIRST", -1)),
        models=("lasso", "elastic net"),
    ),
    "working set": Form("working_set", 1e-14, (NEVER_FOLLOWED, NO_NEWTON)),
    "residual first": Form(
        "working_set",
        1e-14,
        (NEVER_FOLLOWED, NO_NEWTON, (column_sets, "GRAM_FIRST", -1)),
        models=("lasso", "elastic net"),
    ),
    "homotopy": Form("working_set", 1e-4, models=("lasso",), sparse=False),
}

# ------------------------------------------------------------------------------ cases

N, P = 40, 8
ROWS = np.arange(N)
GROUPS = ROWS * 7 % 5
# Shares of the least alpha without coefficients, on all rows. Homotopy asks for ten, and the
# spectrum that serves all of a ridge's for four.
FACTORS = {
    "lasso": tuple(np.geomspace(1.0, 1e-3, 10)),
    "elastic net": tuple(np.geomspace(1.0, 1e-3, 5)),
    "ridge": tuple(np.geomspace(1.0, 1e-3, 5)),
}
RATIOS = {"lasso": (1.0,), "elastic net": (0.0, 0.3, 0.9), "ridge": (0.0,), "few ridges": (0.0,)}
WEIGHTS = {
    "none": None,
    "random": 10.0 ** np.random.default_rng(5).uniform(-1, 1, N),
    "integers": ROWS * 7 % 4 * 1.0,
}
SPLITTERS = {
    "contiguous": KFold(4),
    "shuffled": KFold(4, shuffle=True, random_state=0),
    "stratified": StratifiedKFold(3),
    "groups": GroupKFold(3),
    "random": ShuffleSplit(5, random_state=0),
    "repeated": RepeatedKFold(n_splits=3, n_repeats=2, random_state=0),
    "time series": TimeSeriesSplit(4),
    "leave one out": LeaveOneOut(),
    "predefined": PredefinedSplit(np.where(ROWS < 8, -1, ROWS % 3)),
    "masks": [(ROWS % 3 != k, ROWS % 3 == k) for k in range(3)],
    "gaps": [(ROWS[:22], ROWS[32:]), (ROWS[12:], ROWS[:5])],
    "sides overlap": [(ROWS[:30], ROWS[20:]), (ROWS, ROWS), (ROWS[::2], ROWS)],
    "rows repeated": [(ROWS * (k + 7) // 9 % 30, np.repeat(ROWS[30:], 2)) for k in range(3)],
}


STANDARDIZE, POSITIVE = ("standardize", True), ("positive", True)
NO_INTERCEPT = ("fit_intercept", False)


@dataclass(frozen=True)
class Design:
    """X in a container, made from Gaussian numbers whose sums are not exact, y and flags."""

    container: str = "F"
    p: int = P
    rho: float = 0.5
    thinned: bool = False
    change: object = None
    dtype: type = float
    y_offset: float = 0.0
    noise: float = 1.0
    flags: tuple = ()
    # How many leading columns a lasso needs no others beside: of more, coefficients differ.
    needed: int | None = None

    @property
    def sparse(self):
        return self.container.startswith("cs")

    def make(self):
        """Return X, dense and in its container, and y."""
        rng = np.random.default_rng(0)
        X = ar1(rng, N, self.p, self.rho)
        X = np.where(np.abs(X) > 0.6, X, 0.0) if self.thinned else X
        X = (X if self.change is None else self.change(X)).astype(self.dtype)
        intercept = NO_INTERCEPT not in self.flags
        Z = (X - intercept * X.mean(axis=0, dtype=float)) / np.maximum(
            X.std(axis=0, dtype=float), 1e-6
        )
        y = Z[:, ::3] @ rng.standard_normal(len(Z[0, ::3])) + self.noise * rng.standard_normal(N)
        y = y + intercept * 3.0 + self.y_offset
        return X, contain(X, self.container), y


def some_dense(X):
    """Make three columns dense, and far from zero."""
    X = X.copy()
    X[:, [1, 4, 6]] = np.random.default_rng(1).standard_normal((N, 3)) + [1e6, -1e6, 1e8]
    return X


def some_constant(X):
    """Make columns constant: three everywhere, one on all but the first ten rows."""
    X = X.copy()
    X[:, 1], X[:, 3], X[:, 4], X[10:, 5] = 0.0, 3.7, 1e8, 0.1
    return X


def doubled(X):
    return np.hstack([X, X[:, :3], -X[:, 2:5]])


def with_units(X):
    return X * np.geomspace(1e-2, 1e2, X.shape[1])


DESIGNS = {
    "F": Design(),
    "C": Design("C"),
    "csc": Design("csc", thinned=True),
    "csr": Design("csr", thinned=True),
    "wide": Design(p=40),
    "wide, csc": Design("csc", p=40, thinned=True),
    "correlated": Design(rho=0.999),
    "units": Design(change=with_units),
    "offset 1e6": Design(change=lambda X: X + 1e6),
    "offset 1e8, C": Design("C", change=lambda X: X + 1e8),
    "offset 1e6, wide": Design(p=40, change=lambda X: X + 1e6),
    "offset 1e6 where stored": Design("csc", thinned=True, change=lambda X: X + 1e6 * (X != 0)),
    "offset y": Design(y_offset=1e6),
    "some dense": Design("csc", thinned=True, change=some_dense),
    "positive": Design(flags=(POSITIVE,)),
    "positive, csc": Design("csc", thinned=True, flags=(POSITIVE,)),
    "standardize": Design(change=with_units, flags=(STANDARDIZE,)),
    "standardize, csr": Design("csr", thinned=True, change=with_units, flags=(STANDARDIZE,)),
    "standardize, positive, offset": Design(
        change=lambda X: with_units(X) + 1e6, flags=(STANDARDIZE, POSITIVE)
    ),
    "no intercept": Design(flags=(NO_INTERCEPT,)),
    "no intercept, csc": Design("csc", thinned=True, flags=(NO_INTERCEPT,)),
    "no intercept, standardize": Design(change=with_units, flags=(NO_INTERCEPT, STANDARDIZE)),
    # Float32 columns are computed on in float64: what holds for float64 holds for their numbers.
    "float32": Design(dtype=np.float32),
    "float32, csc": Design("csc", thinned=True, dtype=np.float32),
    "float32, offset 1e6": Design(change=lambda X: X + 1e6, dtype=np.float32),
    "doubled": Design(change=doubled, needed=P),
    "doubled, csc": Design("csc", thinned=True, change=doubled, needed=P),
    "constant": Design(change=some_constant),
    "constant, csc": Design("csc", thinned=True, change=some_constant),
}
NOISELESS = {
    "F": Design(noise=0.0),
    "csc": Design("csc", thinned=True, noise=0.0),
    "offset 1e6": Design(noise=0.0, change=lambda X: X + 1e6),
    "standardize": Design(noise=0.0, change=with_units, flags=(STANDARDIZE,)),
    "no intercept": Design(noise=0.0, flags=(NO_INTERCEPT,)),
    "float32": Design(noise=0.0, dtype=np.float32),
}
VERY_WIDE = {
    "F": Design(p=200),
    "correlated, C": Design("C", p=200, rho=0.95),
    "offset 1e6": Design(p=200, change=lambda X: X + 1e6),
    "positive": Design(p=200, flags=(POSITIVE,)),
    "csr": Design("csr", p=200, thinned=True),
}


class Case:
    """A problem, its folds and grids, and the reference."""

    def __init__(self, design, splitter, weights, model, factors):
        X, self.X, y = design.make()
        self.y = (y > np.median(y)) * 1.0 if splitter == "stratified" else y
        self.v, self.model, self.flags = WEIGHTS[weights], model, dict(design.flags)
        cv = SPLITTERS[splitter]
        groups = (GROUPS,) if isinstance(cv, GroupKFold) else ()
        folds = list(cv.split(X, self.y, *groups) if hasattr(cv, "split") else cv)
        v = np.ones(N) if self.v is None else self.v
        # a side without weight is refused
        self.folds = [fold for fold in folds if all(v[side].any() for side in fold)]
        self.ratios = RATIOS[model]
        self.grids = self._grids(X, v, np.asarray(factors))
        self.unique = design.needed is None or model != "lasso"
        needed = None if self.unique else design.needed
        given = self.folds, self.ratios, self.grids, self.flags
        self.reference = Reference(X[:, :needed], self.y, self.v, *given)
        self.fits = self.reference.fits
        if not self.unique:
            unit = {"alpha": 1.0, "l1_ratio": 1.0, **self.flags}
            self.fits = [Oracle(X[t], self.y[t], v[t], **unit) for t, _ in self.folds]

    def _grids(self, X, v, factors):
        """Set the alphas that are given to fit; return those of every fold's objective."""
        whole = Oracle(X, self.y, v, alpha=1.0, l1_ratio=1.0, **self.flags)
        if "ridge" not in self.model:
            self.alphas = factors * whole.alpha_max()
            return np.tile(self.alphas, (len(self.folds), 1))
        # Ridge's alpha is that of the sum over rows
        self.alphas = factors * np.median(whole.norm / whole.s).astype(float) ** 2 * v.sum()
        return np.array([self.alphas / v[train].sum() for train, _ in self.folds])

    def fit(self, form):
        """Return the model fitted by a form, and what was recorded."""
        given = {"alphas": self.alphas, "cv": self.folds, **self.flags}
        if "ridge" in self.model:
            model = RidgeCV(**given)
        else:
            given.update(tol=form.tol, max_iter=100_000)
            model = LassoCV(**given)
            if self.model == "elastic net":
                model = ElasticNetCV(l1_ratio=self.ratios, **given)
        recorder = Recorder()
        with form.used(), recorder.listening(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "RidgeCV chose alpha")
            model.fit(self.X, self.y, sample_weight=self.v)
        return model, recorder


# A case serves all forms.
make_case = cache(Case)


def check(name, case):
    """Assert that what a form computes is what plain fits of every fold give."""
    form = FORMS[name]
    model, recorder = case.fit(form)
    if name == "homotopy":
        assert len(recorder.followed) > len(case.folds) and all(recorder.followed)
    else:
        assert not recorder.followed
    assert recorder.descents or name != "residual first"
    shape = case.reference.errors.shape
    check_errors(model.mse_path_.reshape(shape), case.reference)
    check_solutions(recorder.coefs, model.dual_gap_path_.reshape(shape), case)


def check_errors(errors, reference):
    assert np.all(errors >= 0)
    null = np.broadcast_to(reference.null, errors.shape)
    off = np.abs(errors - reference.errors)
    assert np.all(off <= ERRORS * null), f"errors are off by {np.max(off / null):.2g}"
    small = reference.errors < SMALL * null
    off, root = np.abs(np.sqrt(errors) - np.sqrt(reference.errors))[small], np.sqrt(null[small])
    assert np.all(off <= ROOTS * root), f"small errors' roots are off by {np.max(off / root):.2g}"


def check_solutions(coefs, gaps, case):
    reference = case.reference
    assert coefs.shape[:3] == gaps.shape and np.all(gaps >= 0)
    for k, fit in enumerate(case.fits):
        null = fit.v @ fit.t**2
        assert gaps[:, :, k].max() <= fit.goal(1e-14, np.finfo(float).eps), f"fold {k}"
        assert not coefs[:, :, k, fit.norm == 0].any(), f"fold {k}: a constant column counts"
        for i, a in np.ndindex(*gaps.shape[:2]):
            w, where = coefs[i, a, k], f"ratio {i}, alpha {a}, fold {k}"
            oracle = at(fit, case.grids[k, a], case.ratios[i])
            excess = abs(oracle.objective(w) - reference.best[i, a, k])
            assert excess <= OBJECTIVES * null / 2, f"{where}: objective off by {excess:.2g}"
            if case.unique and reference.condition[i, a, k] <= WELL:
                off = np.max(np.abs(w - reference.coefs[i, a, k]) * fit.norm) / np.sqrt(null)
                assert off <= COEFS, f"{where}: coefficients off by {off:.2g}"


# ------------------------------------------------------------------------------ tests


# What is not left to the slow tests.
QUICK = {
    ("gram", "lasso"),
    ("gram", "elastic net"),
    ("working set", "elastic net"),
    ("homotopy", "lasso"),
}


def cases(rows, quick):
    """Return what parametrizes a test, from rows (form, model, ..., weights)."""
    return [
        pytest.param(
            *row,
            id="-".join(row),
            marks=[] if row[:2] in QUICK and row[-1] == quick else pytest.mark.slow,
        )
        for row in rows
    ]


def pairs(designs):
    """Yield (form, model, design) for all that go together."""
    for name, design in designs.items():
        for form, kind in FORMS.items():
            for model in kind.models:
                if (kind.sparse or not design.sparse) and not (
                    # Ridge has no bounds
                    model == "ridge" and POSITIVE in design.flags
                ):
                    yield form, model, name


@pytest.mark.parametrize(
    ("form", "model", "splitter", "weights"),
    cases(
        (
            (form, model, splitter, weights)
            for form, model, _ in pairs({"F": DESIGNS["F"]})
            for splitter in SPLITTERS
            for weights in WEIGHTS
        ),
        quick="integers",
    ),
)
def test_every_splitter_h36(form, model, splitter, weights):
    check(form, make_case(DESIGNS["F"], splitter, weights, model, FACTORS[model]))


@pytest.mark.parametrize(
    ("form", "model", "design", "splitter", "weights"),
    cases(
        (
            (*one, splitter, weights)
            for one in pairs(DESIGNS)
            for splitter, weights in (
                ("shuffled", "random"),
                ("random", "none"),
                ("rows repeated", "integers"),
            )
        ),
        quick="random",
    ),
)
def test_every_design(form, model, design, splitter, weights):
    check(form, make_case(DESIGNS[design], splitter, weights, model, FACTORS[model]))


@pytest.mark.parametrize("weights", ["integers", "none"])
@pytest.mark.parametrize("design", ["F", "wide"])
@pytest.mark.parametrize("form", ["gram", "working set"])
def test_few_ridges_go_without_a_spectrum(form, design, weights):
    check(form, make_case(DESIGNS[design], "random", weights, "few ridges", (0.1, 1e-3)))


@pytest.mark.parametrize(
    ("form", "model", "design", "weights"),
    cases(
        (
            (*one, weights)
            for one in pairs(VERY_WIDE)
            for weights in ("integers", "none")
            if one[1] == "lasso"
        ),
        quick="integers",
    ),
)
def test_few_of_many_columns(form, model, design, weights):
    """Sets of columns have to grow then, and columns that were missed to be found."""
    factors = tuple(np.geomspace(1.0, 0.02, 10))
    check(form, make_case(VERY_WIDE[design], "shuffled", weights, model, factors))


@pytest.mark.parametrize(
    ("form", "model", "design", "weights"),
    cases(((*one, weights) for one in pairs(NOISELESS) for weights in WEIGHTS), quick="integers"),
)
def test_errors_that_all_but_vanish(form, model, design, weights):
    """Without noise they fall with the square of alpha, to and below the rounding of y."""
    factors = tuple(np.geomspace(1e-2, 1e-11, 10))
    case = make_case(NOISELESS[design], "shuffled", weights, model, factors)
    share = case.reference.errors / case.reference.null
    assert share.min() < 1e-16 and np.mean(share < SMALL) > 0.5
    check(form, case)
