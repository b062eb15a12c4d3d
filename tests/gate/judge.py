"""Whether a call with something odd went as it should."""

import copy
import pickle
import re
import resource
import warnings

import numpy as np
from numpy.testing import assert_allclose
from scipy import sparse

from gate.cases import MODELS, WEIGHTS, X, classifies, fitted, is_path, make_case, target
from gate.odd import HUGE, MUST, NEVER, Hostile

REFUSED = ValueError, TypeError
SPOKEN_OF = {"X_val": "X_val|X", "y_val": "y_val|y", "sample_weight_val": "sample_weight(_val)?"}
MOST_MEMORY = 400 * 2**10  # KiB that one call may take, its arrays being tiny


def state(model):
    """Return what a model holds: its attributes by identity, and what it has learnt by content."""
    held = vars(model)
    learnt = {k: v for k, v in held.items() if k.endswith("_")}
    return {k: id(v) for k, v in held.items()}, pickle.dumps(learnt)


def contents(odd):
    return [
        [id(x) for x in one.ravel()] if one.dtype.hasobject else one.tobytes()
        for one in odd.buffers
        if isinstance(one, np.ndarray) and not (one.dtype.names and one.dtype.hasobject)
    ]


def call(case, thing):
    """Make the model, call it with `thing` where the odd argument goes; return both."""
    name, method, place = case.name, case.method, case.place
    parameters = {place: thing} if case.is_parameter else {}
    given = {place: thing} if not parameters else {}
    plain = {"X": X}
    if method in ("fit", "partial_fit", "score", "path"):
        plain["y"] = target(name)
    if place.endswith("_val"):
        plain |= {"X_val": X, "y_val": target(name), "sample_weight_val": WEIGHTS}
    if method == "partial_fit" and classifies(name):
        plain["classes"] = [0, 1]
    if is_path(name):
        given.setdefault("alphas", 4)
        return None, lambda: MODELS[name][0]()(**{**plain, **given})
    model = MODELS[name][0](**parameters)
    if case.again:
        model = copy.deepcopy(fitted(name)).set_params(**parameters)
    return model, lambda: getattr(model, method)(**{**plain, **given})


def results(case, model, output):
    """Return the numbers that a call led to."""
    if is_path(case.name):
        return list(output)
    if case.method in ("fit", "partial_fit"):
        if hasattr(model, "scores_"):
            return [model.scores_, model.stability_path_]
        probe = np.resize(X, (3, model.n_features_in_))
        if hasattr(model, "transform"):
            return [model.transform(probe)]
        use = model.predict_proba if hasattr(model, "predict_proba") else model.predict
        return [use(probe)]
    output = output.toarray() if sparse.issparse(output) else np.asarray(output)
    return [output.astype(np.float64) if output.dtype.hasobject else output]


def unclear(case, error):
    """Return what is wrong with an error, or None."""
    preprocessed = "LassoCV, " in case.name
    if isinstance(error, Hostile) or (preprocessed and isinstance(error, OverflowError)):
        return None  # what the caller's own code raises
    huge = any(sign in case.odd.kind for sign in ("huge", str(HUGE), str(2**62)))
    if not isinstance(error, (*REFUSED, MemoryError) if huge else REFUSED):
        return f"{type(error).__name__}: {error}"
    theirs = "inconsistent numbers of samples" in str(error), str(error).startswith("Input contain")
    if preprocessed or (case.method == "score" and any(theirs)):
        return None  # a preprocessor's own words, or those of scikit-learn's score
    name = SPOKEN_OF.get(case.place, case.place)
    if not re.search(rf"(?<!\w)({name})(?!\w)", str(error)):
        return f"does not name {case.place}: {type(error).__name__}: {error}"
    return None


def attempt(case, thing):
    """Return (results or None, error or None, whether the state is as an error leaves it)."""
    model, go = call(case, thing)
    before = None if model is None else state(model)
    try:
        output = go()
    except Exception as error:
        return None, error, model is None or state(model) == before
    return results(case, model, output), None, True


def plain(case, value=None):
    """Return what comes of the same numbers, or of `value`, in a plain container."""
    value = case.odd.value if value is None else value
    return attempt(case, sparse.csc_array(value) if sparse.issparse(case.odd.thing) else value)


def judge(seed):
    """Return (case, outcome, complaint or None) of one seed."""
    case = make_case(seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        before = contents(case.odd), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found, error, kept = attempt(case, case.odd.thing)
        after = contents(case.odd), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if error is None:
            outcome, complaint = taken(case, found)
        else:
            outcome, complaint = refused(case, error)
        if after[0] != before[0]:
            complaint = "changed its input"
        elif after[1] > before[1] + MOST_MEMORY:
            complaint = f"took {(after[1] - before[1]) >> 10} MiB"
        elif not kept:
            complaint = f"changed its state, {type(error).__name__}: {error}"
        return case, outcome, complaint


def refused(case, error):
    """Return the outcome, and what is wrong with it or None."""
    complaint = unclear(case, error)
    if complaint is None and case.odd.rule == MUST and plain(case)[1] is None:
        complaint = f"refused what is legal: {type(error).__name__}: {error}"
    known = next((kind for kind in (*REFUSED, MemoryError) if isinstance(error, kind)), None)
    return "the caller's own" if known is None else known.__name__, complaint


def taken(case, found):
    """Return the outcome, and what is wrong with it or None."""
    if case.odd.rule == NEVER:
        return "taken", "took it"
    if case.odd.value is None:
        return "taken", None
    expected, error, _ = plain(case)
    if error is not None:
        return "equal", f"took what as a plain array is refused: {error}"
    difference = differ(case, found, expected)
    if difference and not decided_by_rounding(case, expected):
        return "equal", f"gave other numbers: {difference}"
    return "taken" if difference else "equal", None


def differ(case, found, expected):
    """Return in which way two results are not the same, or None."""
    rtol = 1e-3 if getattr(case.odd.value, "dtype", None) == np.float32 else 1e-6
    try:
        for one, other in zip(found, expected, strict=True):
            assert_allclose(one, other, rtol=rtol, atol=rtol * 1e-2)
    except AssertionError as difference:
        return " ".join(str(difference).split())[:300]
    return None


def decided_by_rounding(case, expected):
    """Whether hardly other numbers have other results: columns depend, or there are ties."""
    if case.place != "X":
        return False
    X, rng = np.asarray(case.odd.value, dtype=np.float64), np.random.default_rng(case.seed)
    near = (X * (1.0 + 1e-12 * rng.standard_normal(X.shape)) for _ in range(20))
    return any(differ(case, plain(case, one)[0], expected) for one in near)
