"""Interrupt every estimator hundreds of times, at random moments, and write a report.

python tests/measure_interrupts.py --each 200 --machine "two cores of a shared machine"
"""

import argparse
import json
import platform
import random
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from every_estimator import ESTIMATORS, SHAPES, WITH_JOBS, names
from interruption import ENDLESS, Fitting

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 0.5
# Moments beyond so many seconds of a fit are not tried.
LONGEST = 5.0

TEXT = """# How fast Ctrl-C is heard

Written by `make test-interrupts` on {date} at commit {commit}, on {machine}
({system}, Python {python}).

Every estimator was fitted again and again in a process of its own: to tall, wide and sparse data
({shapes}: rows and columns), with one and with two threads where it has `n_jobs`, and to data on
which it never ends. Another process sent SIGINT, {total} times in all, at moments spread over a fit
(or its first {longest:g} seconds). Measured were the seconds until KeyboardInterrupt came out of
`fit`, and how long the process had a processor meanwhile, summed over its threads: what the time
would be without others on the machine, or up to twice that with two threads.

Afterwards the estimator's state had to be that before the fit, to the bit, and to predict the same;
BLAS had to have its number of threads back, and no thread to be left. What was not so counts as
harm. Ctrl-C counts as lost if nothing came of it within five seconds of work: Python ignores
exceptions in destructors and in callbacks of weak references, and one has to press it again.

{classes}

More than {limit:g} s of work passed {slow} times, each within one line, which went on to its end:

{places}

The same for each of the ways to fit that are named in `tests/every_estimator.py` and
`tests/interruption.py`:

{ways}
"""


def combinations(name):
    """Return all ways to fit by a name: (kind of data, n_jobs)."""
    if name in ENDLESS:
        return [("hard", 1)]
    kinds = [kind for kind in SHAPES["large"] if name in names(kind)]
    return [(kind, jobs) for kind in kinds for jobs in ((1, 2) if name in WITH_JOBS else (1,))]


def class_of(name):
    return name.replace(",", "").split()[0]


def measure(name, times, rng):
    """Interrupt the estimator of a name at least so many times; return what happened."""
    found, ways = [], combinations(name)
    for kind, n_jobs in ways:
        with Fitting(name, kind, n_jobs) as fitting:
            for _ in range(-(-times // len(ways))):
                found.append(fitting.interrupt(rng.uniform(0.0, min(fitting.seconds, LONGEST))))
    return found


def table(title, groups):
    """Return the table of what happened, {name: [...]}."""
    lines = [
        f"| {title} | times | p50 | p99 | max | work: p50 | p99 | max | lost | harm |",
        "|---" + "|---:" * 9 + "|",
    ]
    for name, found in groups.items():
        heard = [one for one in found if one["seconds"] < np.inf]
        numbers = []
        for what in ("seconds", "work"):
            values = [one[what] for one in heard]
            numbers += [*np.quantile(values, [0.5, 0.99]), max(values)]
        cells = [name, len(found), *(f"{number:.3f}" for number in numbers)]
        cells += [len(found) - len(heard), sum(bool(one["harm"]) for one in found)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def report(groups, machine):
    """Return the text of the report."""
    classes = {}
    for name, found in groups.items():
        classes.setdefault(class_of(name), []).extend(found)
    everything = [one for found in groups.values() for one in found]
    heard = [one for one in everything if one["seconds"] < np.inf]
    slow = Counter(one["where"] for one in heard if one["work"] > LIMIT)
    commit = ["git", "-C", ROOT, "describe", "--always", "--dirty"]
    return TEXT.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=subprocess.run(commit, capture_output=True, text=True).stdout.strip(),
        machine=machine,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        shapes=", ".join("{} × {}".format(*shape) for shape in SHAPES["large"].values()),
        total=len(everything),
        longest=LONGEST,
        limit=LIMIT,
        classes=table("estimator", classes | {"all": everything}),
        slow=slow.total(),
        places="\n".join(f"- {count} × `{place}`" for place, count in slow.most_common()),
        ways=table("way to fit", groups),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=200, help="interruptions of each estimator")
    parser.add_argument("--machine", default="a machine of which nothing was said")
    parser.add_argument("--only", nargs="*", help="names of ways to fit, or all")
    parser.add_argument("--log", type=Path, default=ROOT / "build" / "interrupts.json")
    parser.add_argument("--report", type=Path, default=ROOT / "doc" / "interrupts.md")
    given = parser.parse_args()
    ways = [*ESTIMATORS, *ENDLESS]
    share = Counter(class_of(name) for name in ways)
    given.log.parent.mkdir(exist_ok=True)
    # what an earlier run has measured is kept: it may go on where it was interrupted itself
    groups = json.loads(given.log.read_text()) if given.log.exists() else {}
    rng = random.Random(0)
    for name in given.only or ways:
        if name not in groups:
            groups[name] = measure(name, -(-given.each // share[class_of(name)]), rng)
            print(table(name, {name: groups[name]}).splitlines()[-1], flush=True)
            given.log.write_text(json.dumps(groups))
    given.report.write_text(report(groups, given.machine))


if __name__ == "__main__":
    main()
