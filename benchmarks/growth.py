"""How time grows with rows and with columns, beside scikit-learn, three decades of each.

``python -m benchmarks.growth`` prints a Markdown table and the slopes, and draws them. A size is
left out where the data would take more than an eighth of the machine's memory.
"""

import argparse
import json
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .cases import sized
from .report import median
from .runner import Runner, interpreters

PICTURE = "doc/images/growth.png"
PEERS = "ours", "scikit-learn"
N_COLUMNS = 100  # while the rows grow
N_ROWS = 300  # while the columns grow
LEAST_ROWS, LEAST_COLUMNS = 1_000, 100
MEMORY_SHARE = 8


def panels(decades):
    """Return {label: {size: name of the case}} of the two things that grow, in half decades."""
    growth = 10 ** np.arange(0, decades + 0.1, 0.5)
    rows, columns = (
        [round(float(f"{size:.1g}")) for size in least * growth]
        for least in (LEAST_ROWS, LEAST_COLUMNS)
    )
    return {
        f"rows ({N_COLUMNS} columns)": {n: f"{n}x{N_COLUMNS}" for n in rows},
        f"columns ({N_ROWS} rows)": {p: f"{N_ROWS}x{p}" for p in columns},
    }


def fits_in_memory(case):
    """Return whether the data are small beside the machine's memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 8 * case.n_rows * case.n_columns * MEMORY_SHARE < memory


def slope(sizes, seconds):
    """Return the exponent of time in size over the last decade of sizes."""
    last = np.asarray(sizes) >= 0.99 * sizes[-1] / 10
    if last.sum() < 2:
        return np.nan
    return np.polyfit(np.log(sizes)[last], np.log(seconds)[last], 1)[0]


def measure(options):
    """Return {label: {size: {peer: seconds or None}}}, printing lines of the table."""
    runner = Runner(interpreters(PEERS), 1, options.repeat, options.limit, certify=False)
    results = {}
    print(f"| | size | {' | '.join(f'{peer}, s' for peer in PEERS)} |\n|---|---|---|---|")
    for label, cases in panels(decades=1 if options.quick else 3).items():
        results[label] = {}
        for size, name in cases.items():
            case = sized(name)
            if not fits_in_memory(case):
                print(f"| {label} | {size} | too large for this machine's memory | |")
                continue
            runs = runner.measure(case)
            times = results[label][size] = {peer: median(runs, peer) for peer in PEERS}
            cells = [f"{s:.3g}" if s else runs.get(peer, "") for peer, s in times.items()]
            print(f"| {label} | {size} | {' | '.join(cells)} |", flush=True)
            if options.json:
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(results, indent=1))
    return results


def lines(results):
    """Return [(label, {peer: (sizes, seconds, slope)})] for the picture."""
    found = []
    for label, times in results.items():
        curves = {}
        for peer in PEERS:
            points = [(int(size), one[peer]) for size, one in times.items() if one[peer]]
            if points:
                sizes, seconds = zip(*points, strict=True)
                curves[peer] = sizes, seconds, slope(sizes, seconds)
        found.append((label, curves))
    return found


def main():
    """Parse the command line, measure (or read what was measured), print and draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    add = parser.add_argument
    add("--repeat", type=int, default=3, help="repetitions, of which the median counts")
    add("--limit", type=float, default=240.0, help="seconds for one fit")
    add("--quick", action="store_true", help="one decade")
    add("--json", metavar="FILE", type=Path, help="keep the measurements")
    add("--read", metavar="FILE", type=Path, help="measure nothing: draw what --json kept")
    add("--plot", metavar="FILE", help=f"the picture (unless --quick, {PICTURE})")
    options = parser.parse_args()
    results = json.loads(options.read.read_text()) if options.read else measure(options)
    found = lines(results)
    print("\nTime grows over the last decade like")
    for label, curves in found:
        values = ", ".join(f"size^{curve[2]:.2f} ({peer})" for peer, curve in curves.items())
        print(f"- {label}: {values}")
    plot = options.plot or (None if options.quick or options.read else PICTURE)
    if plot and find_spec("matplotlib") is None:
        print(f"no matplotlib: {plot} is not drawn")
    elif plot:
        from .plots import draw_growth

        draw_growth(found, plot)
        print(f"drawn: {plot}")


if __name__ == "__main__":
    main()
