"""The report of a run, as Markdown."""

import os
import platform
import re
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

import sklearn_regnorm

from .cases import KINDS
from .runner import ROOT, sources
from .store import decode

INTRODUCTION = """\
# Fuzzing

One integer seed makes one problem; what the package makes of it is judged in extended precision,
by code that it does not share (`tests/oracle.py`): are the returned coefficients optimal, is their
certificate true, is there a `ConvergenceWarning` if and only if the certificate misses its goal.
The problems come in all containers and dtypes, with weights over 24 orders of magnitude or zero,
offsets up to 1e8, columns and targets scaled by up to 1e±150, penalties from 0 to 1e308, wild warm
starts, penalty factors and bounds, folds that overlap, repeat rows or hold a single one.

`make fuzz` runs a million (`make fuzz ARGS="--problems 20000"` fewer), may be stopped at any time,
and goes on where it was. `.ci/run` judges the first 20,000 of them every time, the test suite 2000
others and all that once failed, made as small as they go (`tests/data/fuzz_regressions.jsonl`).

What rounding grants: 64 units of the last place of each sum of terms. Where columns cancel each
other in X w until hardly a digit is left, that can be more than `tol`: a solution may then miss
its goal, if a warning says so and its optimality conditions hold to 256 units.
"""

DESCRIPTIONS = {
    "optimum": "Lasso or ElasticNet, any form, solved to the rounding floor",
    "certificate": "the same at a loose tol, or stopped after a few sweeps: is `dual_gap_` true",
    "ridge": "Ridge, every solver",
    "controls": "penalty factors and bounds; both forms, tight and loose",
    "path": "`lasso_path`, `enet_path`, any grid: every point",
    "targets": "several targets at once: each of them",
    "cross-validation": "LassoCV, ElasticNetCV, odd folds: every fold, its error, the choice",
    "ridge folds": "RidgeCV with odd folds: the same",
    "leave one out": "RidgeCV without folds: each row left out by hand",
    "moments": "BatchNormalizer, any stream of batches: exact rational moments",
}


def report(summary, first):
    """Return the report on the seeds from `first` on."""
    failed = sum(summary.failed.values())
    lines = [INTRODUCTION, "## The last run", ""]
    lines += [f"- {date.today():%d %B %Y}, commit {commit()} (sources {sources()})"]
    lines += [f"- {machine()}", f"- {software()}"]
    lines += [f"- {summary.problems:,} problems, seeds {first:,} to {first + summary.wanted - 1:,}"]
    if not summary.complete:
        lines += [f"- stopped before its end, {summary.wanted:,} problems"]
    lines += [f"- **{failed} failures**"]
    if not failed and summary.problems:
        lines[-1] += f": the rate is below {3 / summary.problems:.2g}, with 95 % confidence"
    lines += ["", "| kind | what is judged | problems | failures | ms each | slowest, s |"]
    lines += ["|---|---|---|---|---|---|"]
    for kind in KINDS:
        count = summary.count[kind]
        mean = 1e3 * summary.seconds[kind] / max(count, 1)
        lines += [
            f"| {kind} | {DESCRIPTIONS[kind]} | {count:,} | {summary.failed[kind]} | {mean:.1f} "
            f"| {summary.slowest[kind]:.1f} |"
        ]
    for line in summary.failures[:100]:
        kind, problem, _ = decode(line)
        lines += ["", f"- `{kind}`, {problem}"]
    return "\n".join(lines) + "\n"


def commit():
    """Return the commit, and whether files differ from it."""
    try:
        git = ["git", "-C", str(ROOT)]
        name = subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip()
        changed = subprocess.check_output(
            [*git, "status", "--short", "--", "sklearn_regnorm", "tests"]
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + (" with changes" if changed.strip() else "")


def machine():
    """Return the kind of machine: cores and processor."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        named = re.search(r"^model name\s*: (.+)$", information.read_text(), re.MULTILINE)
        processor = named[1] if named else processor
    return f"{os.cpu_count()} cores, {processor}, {platform.system()}"


def software():
    """Return the versions of what computes."""
    names = "numpy", "scipy", "scikit-learn", "numba"
    found = [f"{name} {version(name)}" for name in names]
    python = f"Python {platform.python_version()}"
    return ", ".join([f"sklearn_regnorm {sklearn_regnorm.__version__}", *found, python])
