"""Time this package beside its peers and print Markdown tables.

Every package gets the same generated problems: 5 folds × 100 penalties down to 1e-3 of the
largest, and the fit with the chosen one. Repetitions go round the packages in turn, so that a
busy machine disturbs all alike; what counts is the ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec

from . import cold_start
from .cases import CASES, N_FOLDS
from .peers import PEERS
from .real import real_cases

NOTES = f"""
time: median seconds. ÷ ours: time over ours. gap: worst duality gap over all penalties, all
{N_FOLDS} folds and the full-data fit, relative to Σ(y−ȳ)²/n, recomputed from the coefficients
(ours: full-data path and first fold). memory: peak above what the loaded data take, MiB.
non-zeros: of the chosen model.
scikit-learn and ours run with n_jobs=2; the others have no working CV estimator, their folds
run one after the other. Compile time is not counted.
"""


def run_worker(arguments, timeout=None):
    """Run benchmarks.worker; return its measurement, or a word that says why there is none."""
    command = [sys.executable, "-m", "benchmarks.worker", *map(str, arguments)]
    try:
        done = subprocess.run(command, timeout=timeout, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return f">{timeout:g}"
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return "failed"
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}


def measure(case, peers, folder, factor, repeat, limit):
    """Return {peer: list of measurements, or a word that says why there are none}."""
    if "ours" in peers:  # fills numba's cache; not counted
        run_worker(["ours", case, folder, factor], limit)
    results = {peer: [] for peer in peers}
    for _ in range(repeat):
        for peer, got in results.items():
            if isinstance(got, list):
                result = run_worker([peer, case, folder, factor], limit)
                results[peer] = [*got, result] if isinstance(result, dict) else result
    return results


def rows(name, results):
    """Return the case's lines of the Markdown table."""
    measured = [got[0] for got in results.values() if isinstance(got, list)]
    title = f"{name} {'×'.join(map(str, measured[0]['shape']))}" if measured else name
    if name in CASES and len(CASES[name].l1_ratios) > 1:
        title += f", {len(CASES[name].l1_ratios)} ratios"
    ours = results.get("ours")
    base = statistics.median(r["seconds"] for r in ours) if isinstance(ours, list) else None
    for peer, got in results.items():
        if isinstance(got, str):
            yield f"| {title} | {peer} | {got} | | | | |"
            continue
        seconds = statistics.median(r["seconds"] for r in got)
        gap, memory = (max(r[key] for r in got) for key in ("gap", "memory"))
        ratio = f"{seconds / base:.1f}" if base else ""
        values = f"{seconds:.3g} | {ratio} | {gap:.0e} | {memory:.0f} | {got[0]['nonzeros']}"
        yield f"| {title} | {peer} | {values} |"


def main():
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    default = [name for name, case in CASES.items() if case.by_default]
    add = parser.add_argument
    add("--cases", nargs="+", default=default, help=f"default: {' '.join(default)}")
    add("--data", help="a folder of real data sets (see benchmarks/real.py), measured too")
    add("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="default: all installed")
    add("--repeat", type=int, default=3, help="repetitions, of which the median counts")
    add("--limit", type=float, default=240.0, help="seconds for one measurement of one package")
    add("--quick", action="store_true", help="a tenth of the rows and columns")
    add("--no-cold-start", action="store_true", help="leave out import and compile times")
    options = parser.parse_args()

    known = CASES | (real_cases(options.data) if options.data else {})
    if options.data and options.cases == default:
        options.cases = [*default, *(name for name in known if name not in CASES)]
    if unknown := set(options.cases) - set(known):
        parser.error(f"--cases: no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    peers = [peer for peer in options.peers if find_spec(PEERS[peer][0])]
    absent = [peer for peer in options.peers if peer not in peers]
    if absent:
        print(f"not installed: {', '.join(absent)}\n")
    factor = 10 if options.quick else 1
    failed = False
    head = "case", "package", "time, s", "÷ ours", "gap", "memory, MiB", "non-zeros"
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    for case in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["NUMBA_CACHE_DIR"] = folder  # never a stale kernel of edited sources
            if run_worker(["make", case, folder, factor]) == "failed":
                sys.exit(1)
            results = measure(case, peers, folder, factor, options.repeat, options.limit)
        print("\n".join(rows(case, results)), flush=True)
        failed |= "failed" in results.values()
    print(NOTES)
    if not options.no_cold_start and "ours" in peers:
        print(cold_start.table(options.repeat))
    sys.exit(failed)


if __name__ == "__main__":
    main()
