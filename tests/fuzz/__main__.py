"""``python -m fuzz``, in tests/: see `fuzz.runner`."""

import argparse
import sys
from pathlib import Path

import conftest  # noqa: F401  (numba's cache for these very sources)

from .cases import KINDS
from .report import report
from .runner import ROOT, judge_seed, run


def main():
    """Parse the command line and run; return the number of failures, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    add = parser.add_argument
    add("--problems", type=int, default=1_000_000, help="how many (default: a million)")
    add("--first", type=int, default=0, help="the first seed")
    add("--kind", choices=KINDS, help="one kind of problem only, for every seed")
    add("--jobs", type=int, help="processes (default: one per core)")
    add("--seed", type=int, help="judge this seed alone, and make it smaller if it fails")
    add("--report", metavar="FILE", type=Path, help="write a report there, as Markdown")
    options = parser.parse_args()
    if options.seed is not None:
        return int(judge_seed(options.seed, options.kind) is not None)
    summary = run(options.problems, options.first, options.jobs, options.kind)
    failures = ROOT / "build" / "fuzz" / "failures.jsonl"
    failures.write_text("".join(line + "\n" for line in summary.failures))
    if options.report:
        options.report.write_text(report(summary, options.first))
    print(f"{summary.problems} problems, {len(summary.failures)} failures: {failures}")
    return int(bool(summary.failures) or not summary.complete)


if __name__ == "__main__":
    sys.exit(main())
