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
MOST_MEMORY = 400 * 2**10  # KiB that one call may take, all its arrays being tiny


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
    if isinstance(error, Hostile) or (isinstance(error, KeyError) and "KeyError" in case.odd.kind):
        return None
    huge = "huge" in case.odd.kind or str(HUGE) in case.odd.kind or str(2**62) in case.odd.kind
    if isinstance(error, MemoryError) and huge:
        return None
    if "LassoCV, " in case.name and isinstance(error, OverflowError):
        return None
    if not isinstance(error, REFUSED):
        return f"{type(error).__name__}: {error}"
    theirs = "inconsistent numbers of samples" in str(error), str(error).startswith("Input contain")
    if "LassoCV, " in case.name or (case.method == "score" and any(theirs)):
        return None  # a preprocessor's own words, or those of scikit-learn's score
    name = SPOKEN_OF.get(case.place, case.place)
    if not re.search(rf"(?<!\w)({name})(?!\w)", str(error)):
        return f"does not name {case.place}: {type(error).__name__}: {error}"
    return None


def clean(odd):
    """Return the same numbers as they should come."""
    return sparse.csc_array(odd.value) if sparse.issparse(odd.thing) else odd.value


def attempt(case, thing):
    """Return (model, results or None, error or None)."""
    model, go = call(case, thing)
    try:
        output = go()
    except Exception as error:
        return model, None, error
    return model, results(case, model, output), None


def judge(seed):
    """Return (case, outcome, complaint or None) of one seed."""
    case = make_case(seed)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return case, *_judge(case)


def _judge(case):
    odd = case.odd
    before = contents(odd)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model, go = call(case, odd.thing)
    old = None if model is None else state(model)
    error = None
    try:
        output = go()
    except Exception as stopped:
        error = stopped
    if contents(odd) != before:
        return "taken", "changed its input"
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > memory + MOST_MEMORY:
        return "taken", "took much memory"
    if error is not None:
        if model is not None and state(model) != old:
            return "refused", f"changed its state, {type(error).__name__}: {error}"
        wrong = unclear(case, error)
        if wrong is None and odd.rule == MUST and odd.value is not None:
            expected = attempt(case, clean(odd))
            if expected[2] is None:
                wrong = f"refused what is legal: {type(error).__name__}: {error}"
        return "refused", wrong
    found = results(case, model, output)
    if odd.rule == NEVER:
        return "taken", f"took it: {np.shape(found[0])}"
    if odd.value is None:
        return "taken", None
    expected = attempt(case, clean(odd))
    if expected[2] is not None:
        return "taken", f"took what as a plain array is refused: {expected[2]}"
    single = getattr(odd.value, "dtype", None) == np.float32
    rtol = 1e-3 if single else 1e-6
    try:
        for one, other in zip(found, expected[1], strict=True):
            assert_allclose(one, other, rtol=rtol, atol=rtol * 1e-2)
    except AssertionError as difference:
        return "taken", f"gave other numbers: {' '.join(str(difference).split())[:300]}"
    return "taken", None
