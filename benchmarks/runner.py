"""Run the workers: which, in which order, by which interpreter."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from .peers import PEERS

#: This package with other parameters: label -> (peer, parameters)
VARIANTS = {
    "ours-stop": ("ours", {"early_stopping": True}),
    "ours-1e-8": ("ours", {"tol": 1e-8}),
    "ours-10-folds": ("ours", {"cv": 10}),
    "ours-path": ("ours-path", {}),
}
#: Of these only the time is of interest.
UNCERTIFIED = "ours-1e-8", "ours-10-folds", "ours-path"
DEFAULT_TOL = 1e-4
#: A peer's gap is answered by solving to it, within these.
TOLERANCES = DEFAULT_TOL, 3e-3


def matched(peer):
    """Return the label of our runs that solve to the peer's gap."""
    return f"ours-for-{peer}"


def interpreters(peers):
    """Return {peer: python} of those that are installed.

    A peer that cannot live with our dependencies has an environment beside this one: celer's
    would be .venv-celer, beside .venv.
    """
    found = {}
    for peer in peers:
        module = PEERS[peer][0]
        look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        for python in sys.executable, Path(f"{sys.prefix}-{peer}") / "bin" / "python":
            if Path(python).exists() and not subprocess.run([python, "-c", look]).returncode:
                found[peer] = str(python)
                break
    return found


class Runner:
    """Measures cases, each in a temporary folder that holds its data and numba's cache.

    Parameters
    ----------
    pythons : dict
        {peer: interpreter}, in the order of the table.
    factor : int
        By which rows and columns are divided.
    repeat : int
        Repetitions.
    limit : float
        Seconds for one fit.
    certify : bool
        Whether to recompute the gaps, in the first repetition, and to answer them.
    """

    def __init__(self, pythons, factor, repeat, limit, certify=True):
        self.pythons = pythons
        self.factor = factor
        self.repeat = repeat
        self.limit = limit
        self.certify = certify

    def measure(self, case):
        """Return {label: list of measurements, or a word that says why there are none}."""
        labels = list(self.pythons)
        if "ours" in labels:
            labels += case.variants
        runs = {label: VARIANTS.get(label, (label, {})) for label in labels}
        with tempfile.TemporaryDirectory() as folder:
            os.environ["NUMBA_CACHE_DIR"] = folder  # never a stale kernel of edited sources
            if self._worker("make", case, folder) == "failed":
                sys.exit(f"the data of {case.name} could not be made")
            if "ours" in labels:  # fills numba's cache; not counted
                self._worker("ours", case, folder, self._options({}, certify=False))
            return self._rounds(case, folder, runs)

    def _rounds(self, case, folder, runs):
        results = {}
        for repetition in range(self.repeat):
            first = repetition == 0
            for label in list(results) or runs:
                self._measure_once(case, folder, label, *runs[label], first, results)
                tol = self._tolerance(label, results) if first else None
                if tol is not None:  # in later repetitions too this follows its peer
                    runs = runs | {matched(label): ("ours", {"tol": tol})}
                    label = matched(label)
                    self._measure_once(case, folder, label, *runs[label], first, results)
        return results

    def _measure_once(self, case, folder, label, peer, parameters, first, results):
        got = results.setdefault(label, [])
        if isinstance(got, list):
            options = self._options(parameters, certify=first and self._certified(label))
            result = self._worker(peer, case, folder, options)
            results[label] = [*got, result] if isinstance(result, dict) else result
            told = f"{result['seconds']:.3g} s" if isinstance(result, dict) else result
            print(f"{case.name}, {label}: {told}", file=sys.stderr, flush=True)

    def _certified(self, label):
        return self.certify and label not in UNCERTIFIED

    def _tolerance(self, label, results):
        """Return the tol that answers the peer's gap, or None if our default does."""
        got = results[label]
        if label not in PEERS or label == "ours" or "ours" not in self.pythons:
            return None
        if isinstance(got, str) or not self.certify:
            return None
        tol = float(np.clip(got[0]["gap"], *TOLERANCES))
        return tol if tol > DEFAULT_TOL else None

    def _options(self, parameters, certify):
        return json.dumps({"limit": self.limit, "certify": certify, "parameters": parameters})

    def _worker(self, peer, case, folder, *options):
        """Run benchmarks.worker; return its measurement, or a word for why there is none."""
        python = self.pythons.get(peer, sys.executable)
        command = [python, "-m", "benchmarks.worker", peer, case.name, folder, str(self.factor)]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        if done.returncode == -signal.SIGALRM:
            return f">{self.limit:g}"
        if done.returncode:
            print(f"{peer} on {case.name}:\n{done.stderr[-2000:]}", file=sys.stderr)
            return "failed"
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
