"""Judges of single fits, paths and fits of several targets, by certificates in extended precision.

A judge fits a problem and yields a line for each fault. What it may ask for, beside what `Problem`
holds, is in the problem's options:

form        "gram", "working_set", or None: as the package chooses
tol         of the fit
max_iter    of the fit, by default enough
start       a wild warm start, by its name in `STARTS`
"""

import warnings
from contextlib import contextmanager, nullcontext

import numpy as np
from oracle import KKT_LIMIT, LONG, UNITS
from sklearn.exceptions import ConvergenceWarning

from sklearn_regnorm import ElasticNet, Lasso, Ridge, enet_path, lasso_path
from sklearn_regnorm.solvers import forced_form

MANY = 100_000
TIGHT = 1e-14
EPS = np.finfo(float).eps
FORMS = "gram", "working_set"
# What a fit starts from, given the coefficients that it should end with. None may matter.
STARTS = {
    "optimum": lambda w: w,
    "times -100": lambda w: -100 * w,
    "sign flipped": lambda w: -w,
    "times 1e6": lambda w: 1e6 * w,
    "huge": lambda w: np.full_like(w, 1e30) * (-1.0) ** np.arange(w.shape[-1]),
    "too large to use": lambda w: np.full_like(w, np.finfo(w.dtype).max),
    "not a number": lambda w: np.full_like(w, np.nan),
}


@contextmanager
def solving(form):
    """Collect warnings, in a list of texts, of what is solved in one form."""
    messages = []
    with warnings.catch_warnings(record=True) as caught, as_chosen(form):
        warnings.simplefilter("always")
        yield messages
    messages += [f"{w.category.__name__}: {w.message}" for w in caught]


def as_chosen(form):
    """Return the context of a form, or of the package's own choice if None."""
    return nullcontext() if form is None else forced_form(form)


def estimator(params):
    """Return the Lasso if parameters say no ratio, else the ElasticNet."""
    return ElasticNet(**params) if "l1_ratio" in params else Lasso(**params)


def fit(problem, form=None, *, start=None, **options):
    """Return the fitted model and the warnings it raised."""
    model = estimator({**problem.params, "max_iter": MANY, **options})
    with solving(form) as messages:
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    if start is None:
        return model, messages
    model.warm_start = True
    with np.errstate(over="ignore", invalid="ignore"):
        model.coef_ = STARTS[start](model.coef_)
    with solving(form) as messages:
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    return model, messages


def judge(model, oracle, eps):
    """List in what a model that should be optimal to rounding is not."""
    yield from judge_tight(oracle, model.coef_, model.intercept_, model.dual_gap_, eps)
    if not np.all(np.asarray(model.n_iter_) >= 1):
        yield f"n_iter_ {model.n_iter_}"


def judge_tight(oracle, coef, intercept, gap, eps, limit=KKT_LIMIT, extent=None):
    """List in what a solution that should be optimal to rounding is not, gap and all.

    Where terms cancel so much that it has no certificate, which a warning has to say, the
    optimality conditions may be missed by more rounding units, and the gap is the true one.
    """
    unsolved = not gap <= oracle.goal(TIGHT, eps)
    kkt = oracle.kkt(coef, eps * (4 if unsolved else 1), extent)
    if not kkt <= limit:
        yield f"KKT violation {kkt:.3g}"
    error = oracle.intercept_error(coef, intercept, eps)
    if not error <= 1:
        yield f"intercept off by {error:.3g} floors"
    floor = rounding(oracle, [coef], eps)
    null = oracle.objective(np.zeros_like(oracle.norm)) * (1 + UNITS * LONG(eps))
    if not oracle.objective(coef) <= null + (floor if eps > EPS else 0):
        yield "P is less at zero"
    most = oracle.goal(TIGHT, eps) + floor
    if gap > most and not oracle.bounded:
        most = oracle.gap(coef) * (1 + 1e-6)
    if not 0 <= gap <= most:
        yield f"dual_gap_ {gap:.3g} beyond {most:.3g}"


def judge_loose(oracle, coef, gap, tol, eps, extent=None):
    """List in what a gap is not small enough for `tol`, or not true."""
    most = oracle.goal(tol, eps) + rounding(oracle, [coef], eps)
    if not 0 <= gap <= most:
        yield f"dual_gap_ {gap:.3g} beyond {most:.3g}"
    if not oracle.bounded:
        yield from judge_gap(oracle, coef, gap, eps, extent)


def judge_dtype(model, problem):
    """List in what the dtype of the coefficients is wrong."""
    if model.coef_.dtype != problem.dtype:
        yield f"{model.coef_.dtype} coefficients"


def judge_gap(oracle, coef, gap, eps, extent=None):
    """List in what a gap said of coefficients is less than extended precision can certify."""
    w = coef.astype(LONG)
    value, null, true = oracle.objective(w), oracle.null_objective(), oracle.gap(w)
    # rounding of the correlations costs at most its share of the penalty
    floor = oracle.floor(w, oracle.centred_residual(w), eps, extent)
    with np.errstate(over="ignore"):
        share = np.max(floor / np.maximum(oracle.l1, LONG(2) ** -16000))
        # the deviations that scale a fold's penalty are known to that share
        share += 0 if extent is None else KKT_LIMIT
        lost = UNITS * eps * null + (2 * share * value if value > 0 else 0)
    if not true <= LONG(gap) * (1 + 1e-9) + lost:
        yield f"dual_gap_ {gap:.3g} but true gap {true:.3g}"


def judge_warnings(gaps, messages, goals):
    """List in what there is not one ConvergenceWarning for each gap that is too large."""
    warned = [m for m in messages if m.startswith(ConvergenceWarning.__name__)]
    yield from (m for m in messages if m not in warned)
    many = np.sum(~(np.atleast_1d(gaps) <= goals))
    if len(warned) != many or not np.all(np.atleast_1d(gaps) >= 0):
        yield f"{len(warned)} warnings, dual_gap_ {gaps} and goal {goals}"


def rounding(oracle, coefs, eps):
    """Return what rounding may hide of objectives: of y, and of the terms that cancel in y - X w.

    Those are computed in float64, from coefficients rounded to the unit `eps`.
    """
    sizes = [np.sqrt(oracle.v @ oracle.centred_residual(w) ** 2) + oracle.norm @ np.abs(w)
             for w in (coef.astype(LONG) for coef in coefs)]  # fmt: skip
    terms = (UNITS * EPS + LONG(eps) ** 2) * max(sizes) ** 2
    return UNITS * eps * oracle.null_objective() + terms


def optimum(problem):
    """Fit to the rounding floor."""
    options = problem.options
    model, messages = fit(problem, options["form"], start=options["start"], tol=TIGHT)
    oracle = problem.oracle()
    yield from judge_warnings(model.dual_gap_, messages, oracle.goal(TIGHT, problem.eps))
    yield from judge(model, oracle, problem.eps)
    yield from judge_dtype(model, problem)


def certificate(problem):
    """Fit loosely, or stop early: the certificate is true, and a warning says it is too large."""
    options, oracle, eps = problem.options, problem.oracle(), problem.eps
    given = {name: options[name] for name in ("start", "tol", "max_iter")}
    model, messages = fit(problem, options["form"], **given)
    tight, _ = fit(problem, "gram", tol=TIGHT)
    yield from judge_warnings(model.dual_gap_, messages, oracle.goal(model.tol, eps))
    if options["max_iter"] == MANY:
        yield from judge_loose(oracle, model.coef_, model.dual_gap_, model.tol, eps)
    else:
        yield from judge_gap(oracle, model.coef_, model.dual_gap_, eps)
    error = oracle.intercept_error(model.coef_, model.intercept_, eps)
    if not error <= 1:
        yield f"intercept off by {error:.3g} floors"
    excess = oracle.objective(model.coef_) - oracle.objective(tight.coef_)
    floor = rounding(oracle, (model.coef_, tight.coef_), eps)
    if not excess <= LONG(model.dual_gap_) * (1 + 1e-9) + floor:
        yield f"dual_gap_ {model.dual_gap_:.3g} but excess {excess:.3g}"


def ridge(problem):
    """Fit Ridge, whose alpha is that of the sum over rows, to the rounding floor.

    The solvers that "auto" chooses from may be asked for where they lack precision: they warn.
    """
    solver, eps = problem.options["solver"], problem.eps
    sweeps = MANY if solver == "cd" else None  # the others know how many steps make sense
    model = Ridge(**problem.params, tol=TIGHT, max_iter=sweeps, solver=solver)
    with solving(None) as messages:
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    oracle = problem.oracle(alpha=0.0, l1_ratio=0.0)
    oracle = oracle.at(LONG(problem.params["alpha"]) / oracle.total, 0.0)
    yield from judge_warnings(model.dual_gap_, messages, oracle.goal(TIGHT, eps))
    if solver in ("auto", "cd"):
        yield from judge(model, oracle, eps)
    else:
        yield from judge_gap(oracle, model.coef_, model.dual_gap_, eps)
    yield from judge_dtype(model, problem)


def targets(problem):
    """Fit several targets at once: each is solved as if it were alone."""
    options, many = problem.options, problem.y.shape[1]
    model = estimator({**problem.params, "max_iter": MANY, "tol": TIGHT})
    with solving(options["form"]) as messages:
        model.fit(problem.X, problem.y, sample_weight=problem.v)
    yield from judge_dtype(model, problem)
    if model.coef_.shape != (many, problem.Z.shape[1])[many == 1 :]:
        yield f"coef_ of shape {model.coef_.shape}"
        return
    coefs, gaps = np.atleast_2d(model.coef_), np.atleast_1d(model.dual_gap_)
    oracles = [problem.oracle(target=t) for t in range(many)]
    goals = [oracle.goal(TIGHT, problem.eps) for oracle in oracles]
    yield from judge_warnings(gaps, messages, goals)
    for t, oracle in enumerate(oracles):
        found = judge_tight(oracle, coefs[t], model.intercept_[t], gaps[t], problem.eps)
        yield from (f"target {t}: {fault}" for fault in found)


def path(problem):
    """Follow a path, without an intercept, from a wild start."""
    options, eps, p = problem.options, problem.eps, problem.Z.shape[1]
    given = {name: problem.params[name] for name in ("l1_ratio", "positive")}
    ratio, start = given["l1_ratio"], options["start"]
    if start not in (None, "not a number"):  # which is refused
        start = STARTS[start](np.linspace(0.5, 1.5, p) * options["size"])
        given["coef_init"] = np.clip(start, -1e300, 1e300)
    compute = enet_path
    if ratio == 1:
        compute = lasso_path
        del given["l1_ratio"]
    with solving(options["form"]) as messages:
        alphas, coefs, gaps = compute(
            problem.X, problem.y, alphas=options["alphas"], tol=options["tol"], max_iter=MANY,
            sample_weight=problem.v, **given,
        )  # fmt: skip
    yield from messages
    if coefs.shape != (p, len(options["alphas"])):
        yield f"coefs of shape {coefs.shape}"
    whole = problem.oracle()
    for alpha, coef, gap in zip(alphas, coefs.T, gaps, strict=True):
        oracle = whole.at(alpha, ratio)
        if options["tol"] <= TIGHT:
            found = judge_tight(oracle, coef, 0.0, gap, eps)
        else:
            found = judge_loose(oracle, coef, gap, options["tol"], eps)
        yield from (f"alpha={alpha!r}: {fault}" for fault in found)


def controls(problem):
    """Fit with penalty factors and bounds, in both forms, loosely and to the rounding floor."""
    oracle, eps, start = problem.oracle(), problem.eps, problem.options["start"]
    fits = {
        (form, tol): fit(problem, form, start=start, tol=tol)
        for form in FORMS
        for tol in (TIGHT, 1e-4)
    }
    values = {how: oracle.objective(model.coef_) for how, (model, _) in fits.items()}
    least = min(values.values())
    coefs = [model.coef_ for model, _ in fits.values()]
    floor = rounding(oracle, coefs, eps)
    for (form, tol), (model, messages) in fits.items():
        found = list(judge_warnings(model.dual_gap_, messages, oracle.goal(tol, eps)))
        if tol == TIGHT:
            found += judge(model, oracle, eps)
        else:
            found += judge_loose(oracle, model.coef_, model.dual_gap_, tol, eps)
            if np.isinf(oracle.kkt(model.coef_, eps)):
                found.append("coefficients out of bounds")
        excess = values[form, tol] - least
        if not excess <= model.dual_gap_ + floor:
            found.append(f"dual_gap_ {model.dual_gap_:.3g} but excess {float(excess):.3g}")
        found += judge_dtype(model, problem)
        yield from (f"{form}, tol={tol}: {fault}" for fault in found)
