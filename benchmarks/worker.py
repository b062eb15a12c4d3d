"""One measurement in a process of its own, so that memory, caches and crashes stay apart.

``python -m benchmarks.worker make CASE FOLDER FACTOR`` writes the case's data;
``python -m benchmarks.worker PEER CASE FOLDER FACTOR`` prints one measurement as JSON.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from . import cases, peers, real
from .certify import worst_gap

# A fit quicker than this is done once more, and the second time counts: what is wanted is the
# time of a session in use. (benchmarks/cold_start.py has the first fit's.)
REPEAT_BELOW_SECONDS = 5.0


def measure(peer: str, case: cases.Case, folder: Path) -> dict:
    """Return seconds, extra peak memory in MiB, the worst relative gap, non-zeros and shape."""
    tiny = case.scaled(50)  # imports, compiles and warms up
    peers.fit(peer, cases.Problem(*tiny.generate(), case.l1_ratios))
    problem = cases.load(case, folder)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    solutions = peers.fit(peer, problem)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if seconds < REPEAT_BELOW_SECONDS:
        start = time.perf_counter()
        solutions = peers.fit(peer, problem)
        seconds = time.perf_counter() - start

    chosen = solutions[-1]
    if peer == "ours":
        solutions += peers.our_first_fold(problem)
    gap = 0.0
    for rows, l1_ratio, alphas, coefs in solutions:
        X, y = (problem.X, problem.y) if rows is None else (problem.X[rows], problem.y[rows])
        gap = max(gap, worst_gap(X, y, alphas, coefs, l1_ratio))
    return {
        "seconds": seconds,
        "memory": (after - before) / 1024,
        "gap": gap,
        "nonzeros": int(np.count_nonzero(chosen[3])),
        "shape": problem.X.shape,
    }


def main(peer, name, folder, factor):
    """Run one command line."""
    known = cases.CASES | (
        real.real_cases(os.environ[real.FOLDER]) if real.FOLDER in os.environ else {}
    )
    case = known[name].scaled(int(factor))
    if peer == "make":
        cases.save(case, Path(folder))
    else:
        print(json.dumps(measure(peer, case, Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
