"""Try every metamorphic relation on many seeds: ``make metamorphic``, which writes a report.

``python tests/metamorphic.py --first 0 --seeds 500 --jobs 2`` tries them in parallel processes and
prints what fails, so that ``relations.check(subject, relation, seed)`` shows it again.
"""

import argparse
import datetime
import os
import platform
import subprocess
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import conftest  # noqa: F401  numba's cache
from relations import RELATIONS, check, pairs

ROOT = Path(__file__).resolve().parents[1]
REPORT = """# Metamorphic relations: the last long run

What has to become of the answers when data are changed in a known way: {relations} relations, for
each of {subjects} settings of the estimators that it holds for (`tests/relations.py`,
`tests/subjects.py`). `make metamorphic` writes this page.

| | |
|---|---|
| date | {date} |
| commit | {commit} |
| machine | {machine} |
| versions | {versions} |
| seeds | {first} to {last} |
| checks | {checks:,} |
| failures | {failures} |

{failing}

| relation | checks of a seed | |
|---|---|---|
{rows}
"""


def try_seed(seed):
    """Return the failures at one seed, as (subject, relation, seed, first lines of the error)."""
    warnings.simplefilter("ignore")
    failures = []
    for subject, relation in pairs():
        try:
            check(subject, relation, seed)
        except Exception as error:
            lines = " ".join(str(error).split())[:200]
            failures.append((subject, relation.__name__, seed, f"{type(error).__name__}: {lines}"))
    return failures


def report(options, failures):
    """Return the text of the report."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    counts = Counter(relation for _, relation in pairs())
    rows = [
        f"| {one.__name__.replace('_', ' ')} | {counts[one]} | {one.__doc__.strip()} |"
        for one in RELATIONS
    ]
    packages = "numpy", "scipy", "scikit-learn", "numba"
    return REPORT.format(
        relations=len(RELATIONS),
        subjects=len({subject for subject, _ in pairs()}),
        date=datetime.date.today(),
        commit=commit.stdout.strip(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        versions=", ".join(f"{one} {version(one)}" for one in packages),
        first=options.first,
        last=options.first + options.seeds - 1,
        checks=options.seeds * len(pairs()),
        failures=len(failures),
        failing="\n".join(
            f"- {name}, {relation}, seed {seed}" for name, relation, seed, _ in failures
        ),
        rows="\n".join(rows),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=500, help="how many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--report", type=Path, help="file to write the report to")
    options = parser.parse_args()
    failures = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        seeds = range(options.first, options.first + options.seeds)
        for seed, found in zip(seeds, pool.map(try_seed, seeds), strict=True):
            failures += found
            for one in found:
                print(*one, flush=True)
            if seed % 10 == 9:
                print(f"seed {seed}: {len(failures)} failures", flush=True)
    if options.report:
        options.report.write_text(report(options, failures), encoding="utf-8")
    return bool(failures)


if __name__ == "__main__":
    raise SystemExit(main())
