"""Time this package beside its peers; print Markdown tables and draw the ratios.

Every package gets the same problems: 5 folds × 100 penalties down to 1e-3 of the largest, and the
fit with the chosen one. Repetitions go round the packages in turn, so that a busy machine disturbs
all alike; what counts is the ratio, at the accuracy that the peer reached.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from . import cold_start, report
from .cases import CASES
from .peers import PEERS
from .real import FOLDER, find, known_cases
from .runner import Runner, interpreters

PICTURE = "doc/images/ratios.png"


def parse():
    """Return the options; a whole run draws the documentation's picture unless told otherwise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--cases", nargs="+", help=f"such as 1000x300, or: {' '.join(CASES)} (default: all)")
    add("--data", help="a folder of real data sets (see benchmarks/real.py), measured too")
    add("--peers", nargs="+", choices=PEERS, help="default: all installed")
    add("--repeat", type=int, default=3, help="repetitions, of which the median counts")
    add("--limit", type=float, default=240.0, help="seconds for one fit")
    add("--quick", action="store_true", help="a tenth of the rows and columns")
    add("--no-cold-start", action="store_true", help="leave out import and compile times")
    add("--json", metavar="FILE", type=Path, help="keep the measurements, for benchmarks.report")
    add("--plot", metavar="FILE", help=f"draw the ratios (a whole run does: {PICTURE})")
    options = parser.parse_args()
    if options.data:
        os.environ[FOLDER] = options.data
    if not (options.quick or options.cases or options.peers or options.plot):
        options.plot = PICTURE
    try:
        options.cases = [find(name) for name in options.cases or known_cases()]
    except KeyError as unknown:
        parser.error(f"--cases: no {unknown}; there are {', '.join(known_cases())}")
    return options


def titled(case, runs):
    """Return the case's part of the report, with the shape that the data had."""
    measured = [got[0] for got in runs.values() if isinstance(got, list)]
    title = f"{case.name} {'×'.join(map(str, measured[0]['shape']))}" if measured else case.name
    if len(case.l1_ratios) > 1:
        title += f", {len(case.l1_ratios)} ratios"
    return {"title": title, "runs": runs}


def main():
    """Parse the command line and run."""
    options = parse()
    asked = options.peers or list(PEERS)
    pythons = interpreters(asked)
    absent = [peer for peer in asked if peer not in pythons]
    if absent:
        print(f"not installed: {', '.join(absent)}\n")
    runner = Runner(pythons, 10 if options.quick else 1, options.repeat, options.limit)
    results = {"cores": os.cpu_count(), "cases": {}}
    print(report.head())
    for case in options.cases:
        part = results["cases"][case.name] = titled(case, runner.measure(case))
        print("\n".join(report.rows(part)), flush=True)
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(results, indent=1))
    print(f"\n{report.summary(results)}\n{report.notes(results)}\n{report.within(results)}\n")
    if options.plot:
        report.draw(results, options.plot)
    if not options.no_cold_start and "ours" in pythons:
        print(cold_start.table(options.repeat))
    sys.exit(any("failed" in part["runs"].values() for part in results["cases"].values()))


if __name__ == "__main__":
    main()
