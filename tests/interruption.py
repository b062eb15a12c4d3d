"""Ctrl-C at random moments of fits, as another process sends it: how long until it is heard.

Run as a script it is that process: it fits one estimator again and again, as told line by line.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

TESTS = Path(__file__).parent
# Seconds after which Ctrl-C counts as lost.
LOST = 10.0


class Fitting:
    """A process that fits, to be interrupted.

    Parameters
    ----------
    name, kind, n_jobs, size
        As `every_estimator` has them.

    Attributes
    ----------
    seconds : float
        How long one fit takes.
    """

    def __init__(self, name, kind, n_jobs, size):
        command = [sys.executable, __file__, name, kind, str(n_jobs), size]
        path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
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
        process, all threads of it, had a processor meanwhile, and `harm`, a list of what was not as
        before.
        """
        self.process.stdin.write("fit\n")
        self.process.stdin.flush()
        assert self._read() == "fitting"
        time.sleep(delay)
        sent, worked = time.monotonic(), time.clock_gettime(self.clock)
        self.process.send_signal(signal.SIGINT)
        again = threading.Timer(LOST, self.process.send_signal, [signal.SIGINT])
        again.start()
        found = self._read()
        again.cancel()
        seconds = found["heard"] - sent
        return {
            "seconds": seconds if seconds < LOST else np.inf,
            "work": found["worked"] - worked,
            "harm": found["harm"],
        }


def serve(name, kind, n_jobs, size):
    from every_estimator import content, data, make, use
    from threadpoolctl import ThreadpoolController

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job may ignore it
    first, second = data(name, kind), data(name, kind, size, seed=1)

    def fitted():
        return make(name, n_jobs).fit(*first)

    def say(thing):
        print(json.dumps(thing), flush=True)

    model = fitted().fit(*second)  # compiles, or loads, what is needed
    begin = time.monotonic()
    after = content(vars(fitted().fit(*second)))
    say({"seconds": time.monotonic() - begin})
    before, result = content(vars(fitted())), content(use(fitted(), first[0]))
    blas = ThreadpoolController()

    def surroundings():
        return {"BLAS limits": blas.info(), "threads": len(os.listdir("/proc/self/task"))}

    time.sleep(0.1)  # the system's threads end shortly after Python's
    usual = surroundings()
    for _ in sys.stdin:
        model = fitted()
        try:
            say("fitting")
            while True:
                model.fit(*second)
        except KeyboardInterrupt:
            heard, worked = time.monotonic(), time.process_time()
        now = surroundings()
        if now["threads"] != usual["threads"]:
            time.sleep(0.1)
            now["threads"] = surroundings()["threads"]
        harm = [part for part in usual if now[part] != usual[part]]
        state = content(vars(model))
        if state not in (before, after):
            harm.append("state")
        elif state == before and content(use(model, first[0])) != result:
            harm.append("predictions")
        say({"heard": heard, "worked": worked, "harm": harm})


if __name__ == "__main__":
    name, kind, n_jobs, size = sys.argv[1:]
    serve(name, kind, int(n_jobs), size)
