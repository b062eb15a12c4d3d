"""One measurement in a process of its own, so that memory, caches and crashes stay apart.

``python -m benchmarks.worker make CASE FOLDER FACTOR`` writes the case's data;
``python -m benchmarks.worker PEER CASE FOLDER FACTOR JSON`` prints one measurement as JSON. The
options are `limit` (seconds for one fit: SIGALRM ends the process), `certify` (whether to
recompute the gaps of all solutions) and `parameters` (of our estimator).
"""

import json
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import cases, memory, peers, real
from .certify import worst_gap

# A fit quicker than this is done once more, and the second time counts: what is wanted is the
# time of a session in use. (benchmarks/cold_start.py has the first fit's.)
REPEAT_BELOW_SECONDS = 5.0


def measure(peer, case, folder, *, limit, certify, parameters):
    """Return seconds, extra peak memory in MiB, non-zeros, shape, and the worst gap on demand."""
    tiny = cases.Problem(*case.warm_up().generate(), case.l1_ratios)
    problem = cases.load(case, folder)
    if peer == "ours-path":
        tiny.centre()
        problem.centre()
    peers.fit(peer, tiny, certify, **parameters)  # imports, compiles and warms up

    def timed_fit():
        with time_limit(limit):
            start = time.perf_counter()
            fitted = peers.fit(peer, problem, certify, **parameters)
            return fitted, time.perf_counter() - start

    (fitted, seconds), peak = memory.peak_of(timed_fit)
    extra = max(0, peak - fitted.held)
    if seconds < REPEAT_BELOW_SECONDS:
        fitted, seconds = timed_fit()
    measured = {
        "seconds": seconds,
        "memory": extra / 2**20,
        "nonzeros": int(np.count_nonzero(fitted.solutions[-1][3])),
        "shape": problem.X.shape,
        "version": peers.version(peer),
        "parameters": parameters,
    }
    if certify:
        measured["gap"] = certified_gap(peer, problem, fitted, parameters)
    return measured


def certified_gap(peer, problem, fitted, parameters):
    """Return the worst gap of all solutions, on the full data and on the folds."""
    solutions = fitted.solutions
    worst = max(_gap(problem, *solution) for solution in solutions)
    if peer == "ours":
        folds = peers.our_folds(problem, fitted, **parameters)
        worst = max(worst, *(_gap(problem, *solution) for solution in folds))
    return worst


def _gap(problem, rows, l1_ratio, alphas, coefs):
    X, y = (problem.X, problem.y) if rows is None else (problem.X[rows], problem.y[rows])
    return worst_gap(X, y, alphas, coefs, l1_ratio)


@contextmanager
def time_limit(seconds):
    """Have the system end this process after so many seconds in here."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(peer, name, folder, factor, options="{}"):
    """Run one command line."""
    case = real.find(name).scaled(int(factor))
    if peer == "make":
        cases.save(case, Path(folder))
    else:
        print(json.dumps(measure(peer, case, Path(folder), **json.loads(options))))


if __name__ == "__main__":
    main(*sys.argv[1:])
