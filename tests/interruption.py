"""Ctrl-C at random moments of fits, as another process sends it: how long until it is heard.

Run as a script it is that process: it fits one estimator again and again, as told line by line.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from every_estimator import content, data, make, use
from sklearn.base import clone
from threadpoolctl import ThreadpoolController

import sklearn_regnorm
from sklearn_regnorm import ElasticNet, Lasso, LassoCV, StabilitySelection
from sklearn_regnorm.solvers import forced_form

# Seconds of work after which Ctrl-C counts as lost.
LOST = 5.0
PACKAGE = Path(sklearn_regnorm.__file__).parent

# Fits that go on until they are interrupted, each in a form and with its own `n_jobs`.
GIVEN = {"tol": 0.0, "max_iter": 10**9}
GRID = {"alphas": [1e-6, 1e-7], "cv": 2, **GIVEN}
HALVES = {"alphas": [1e-6], "n_resamples": 4, "max_false": None, "random_state": 0, **GIVEN}
ENDLESS = {
    "Lasso, Gram form": ("gram", Lasso(alpha=1e-7, **GIVEN)),
    "Lasso, working set": ("working_set", Lasso(alpha=1e-7, **GIVEN)),
    "ElasticNet, Gram form": ("gram", ElasticNet(alpha=1e-7, l1_ratio=0.99, **GIVEN)),
    "LassoCV, Gram form": ("gram", LassoCV(n_jobs=2, **GRID)),
    "LassoCV, lockstep": ("working_set", LassoCV(n_jobs=2, **GRID)),
    "StabilitySelection, Gram form": ("gram", StabilitySelection(n_jobs=2, **HALVES)),
    "StabilitySelection, batches": ("working_set", StabilitySelection(**HALVES)),
}


class Fitting:
    """A process that fits, to be interrupted.

    Parameters
    ----------
    name, kind, n_jobs, size
        As `every_estimator` has them; or a name of `ENDLESS`.

    Attributes
    ----------
    seconds : float
        How long one fit takes.
    """

    def __init__(self, name, kind="hard", n_jobs=1, size="large"):
        command = [sys.executable, __file__, name, kind, str(n_jobs), size]
        path = os.pathsep.join([str(PACKAGE.parent), str(Path(__file__).parent)])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        self.clock = (~self.process.pid << 3) | 2  # Linux: the processor time of that process
        self.seconds = self._read()["seconds"]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def _read(self):
        line = self.process.stdout.readline()
        assert line, "the process that fits has died"
        return json.loads(line)

    def interrupt(self, delay):
        """Send Ctrl-C so many seconds after a fit began.

        Returns what happened, as a dict: `seconds` until it was heard, infinite if Python lost it
        (as it does in destructors and callbacks of weak references), `work`, the seconds that the
        process, all threads of it, had a processor meanwhile, `where` it was heard, and `harm`, a
        list of what was not as before.
        """
        self.process.stdin.write("fit\n")
        self.process.stdin.flush()
        assert self._read() == "fitting"
        time.sleep(delay)
        sent, worked = time.monotonic(), time.clock_gettime(self.clock)
        self.process.send_signal(signal.SIGINT)
        lost = False
        while not select.select([self.process.stdout], [], [], 1.0)[0]:
            if not lost and time.clock_gettime(self.clock) - worked > LOST:
                lost = True
                self.process.send_signal(signal.SIGINT)
        found = self._read()
        return {
            "seconds": np.inf if lost else found["heard"] - sent,
            "work": found["worked"] - worked,
            "where": found["where"],
            "harm": found["harm"],
        }


def say(thing):
    print(json.dumps(thing), flush=True)


def hard():
    """Return columns that hardly differ from their neighbours, and y."""
    rng = np.random.default_rng(0)
    X = np.cumsum(rng.standard_normal((700, 990)), axis=1)
    return X, X[:, :20] @ rng.standard_normal(20) + rng.standard_normal(700)


class Job:
    """What is fitted: an estimator, to one data set and then, interrupted, to another."""

    def __init__(self, name, kind, n_jobs, size):
        self.name, self.n_jobs = name, n_jobs
        self.endless = name in ENDLESS
        self.form = forced_form(ENDLESS[name][0]) if self.endless else nullcontext()
        if self.endless:
            self.second = hard()
            self.first = self.second[0][:40, :30], self.second[1][:40]
        else:
            # a network that goes on from before needs the same columns
            smaller = size if name == "MLPRegressor goes on" else "small"
            self.first, self.second = data(name, kind, smaller), data(name, kind, size, seed=1)

    def new(self, **changes):
        """Return an estimator, not fitted."""
        if self.endless:
            return clone(ENDLESS[self.name][1]).set_params(**changes)
        return make(self.name, self.n_jobs)

    def fitted(self):
        return self.new().fit(*self.first)

    def rehearse(self):
        """Fit to the second data, for a start; return how long that takes and the result."""
        if self.endless:
            self.new(max_iter=300).fit(*self.second)
            return 3.0, None
        model = self.fitted().fit(*self.second)  # compiles, or loads, what is needed
        model, begin = self.fitted(), time.monotonic()
        model.fit(*self.second)
        return time.monotonic() - begin, content(vars(model))


def where(error):
    """Return the line of the package where an exception came up, and of what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(PACKAGE))]
    return f"{Path(ours[-1].filename).name}: {ours[-1].line}" if ours else "between two fits"


def serve(job):
    """Fit whenever a line comes in, until interrupted; say when, and what that has done."""
    seconds, after = job.rehearse()
    say({"seconds": seconds})
    model = job.fitted()
    before, result = content(vars(model)), content(use(model, job.first[0]))
    blas = ThreadpoolController()

    def surroundings():
        return {"BLAS limits": blas.info(), "threads": len(os.listdir("/proc/self/task"))}

    time.sleep(0.1)  # the system's threads end shortly after Python's
    usual = surroundings()
    for _ in sys.stdin:
        model = job.fitted()
        try:
            say("fitting")
            while True:
                model.fit(*job.second)
        except KeyboardInterrupt as error:
            found = {
                "heard": time.monotonic(),
                "worked": time.process_time(),
                "where": where(error),
            }
        now = surroundings()
        if now["threads"] != usual["threads"]:
            time.sleep(0.1)
            now["threads"] = surroundings()["threads"]
        harm = [part for part in usual if now[part] != usual[part]]
        state = content(vars(model))
        if state not in (before, after):
            harm.append("state")
        elif state == before and content(use(model, job.first[0])) != result:
            harm.append("predictions")
        say(found | {"harm": harm})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore it
    job = Job(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
    with job.form:
        serve(job)
