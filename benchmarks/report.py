"""Tables and the picture from measurements: ``python -m benchmarks.report FILE [--plot FILE]``.

The file is what ``python -m benchmarks --json FILE`` wrote, so that nothing is measured again.
"""

import argparse
import json
import statistics
from importlib.util import find_spec
from pathlib import Path

from .cases import N_FOLDS
from .peers import PEERS
from .runner import DEFAULT_TOL, TOLERANCES, matched

HEAD = (
    *("case", "package", "time, s", "gap"),
    *("ours at that gap, s", "ratio", "memory, MiB", "non-zeros"),
)
NOTES = f"""
time: median seconds; {{versions}}; {{cores}} cores.
gap: the worst duality gap of all penalties, all {N_FOLDS} folds and the full-data fit, relative to
Σ(y−ȳ)²/n, recomputed from the coefficients (of ours on the folds, from solving each once more).
ours at that gap: our time with tol set to the peer's gap, at least {TOLERANCES[0]:.0e} and at most
{TOLERANCES[1]:.0e}; {TOLERANCES[0]:.0e} if the peer was stopped at the limit. ratio: the peer's
time over that one.
memory: peak of a fit beyond what the process held before and the arrays it returned.
non-zeros: of the chosen model.
scikit-learn and ours run with n_jobs=2; the others have no working CV estimator, their folds
run one after the other. Compile time is not counted.
"""


def median(runs, label):
    """Return the median seconds, or None if there are none."""
    got = runs.get(label)
    return statistics.median(one["seconds"] for one in got) if isinstance(got, list) else None


def answer(runs, peer):
    """Return our measurements at the peer's gap; where that is below our default, the default's."""
    label = matched(peer) if matched(peer) in runs else "ours"
    return label, runs.get(label)


def ratio(runs, peer, ours=None):
    """Return (the peer's time over ours, what it is: "", or a bound "<" or ">"), or None.

    Ours are the runs of the label `ours`, by default those that solve to the peer's gap. Where one
    of the two was stopped at the limit, the limit is its time, and the ratio a bound.
    """
    label = ours or answer(runs, peer)[0]
    above, below = (
        float(got[1:]) if str(got := runs.get(one)).startswith(">") else median(runs, one)
        for one in (peer, label)
    )
    stopped = [isinstance(runs.get(one), str) for one in (peer, label)]
    if above is None or below is None or all(stopped):
        return None
    return above / below, ">" * stopped[0] + "<" * stopped[1]


def ratios(report):
    """Return {(case, peer): ratio}, see `ratio`."""
    found = {
        (name, peer): ratio(case["runs"], peer)
        for name, case in report["cases"].items()
        for peer in case["runs"]
        if peer in PEERS and peer != "ours"
    }
    return {key: value for key, value in found.items() if value}


def stops(report):
    """Return {case: ratio} of scikit-learn's full path to ours with the early stop."""
    found = {
        name: ratio(case["runs"], "scikit-learn", "ours-stop")
        for name, case in report["cases"].items()
    }
    return {name: value for name, value in found.items() if value}


def number(value, bound=""):
    """Return the ratio in two digits or more, behind the sign of a bound."""
    return f"{bound}{value:.2g}" if value < 100 else f"{bound}{value:.0f}"


def rows(case):
    """Return the case's lines of the Markdown table."""
    runs = case["runs"]
    for label in ("ours", "ours-stop", *list(PEERS)[1:]):
        got = runs.get(label)
        if got is None:
            continue
        cells = [got, "", *comparison(runs, label), "", ""]
        if not isinstance(got, str):
            cells[:2] = f"{median(runs, label):.3g}", f"{got[0]['gap']:.0e}"
            memory = max(one["memory"] for one in got)
            cells[4:] = f"{memory:.0f}", str(got[0]["nonzeros"])
        name = "ours, early stopping" if label == "ours-stop" else label
        yield f"| {case['title']} | {name} | {' | '.join(cells)} |"


def comparison(runs, label):
    """Return two cells: our time at the peer's gap, and the ratio."""
    answered, got = answer(runs, label)
    if label not in list(PEERS)[1:] or got is None:
        return "", ""
    found = ratio(runs, label)
    over = number(*found) if found else ""
    if isinstance(got, str):
        return got, over
    seconds = f"{median(runs, answered):.3g}"
    if got[0]["gap"] > got[0]["parameters"].get("tol", DEFAULT_TOL):
        seconds += f" (missed it: {got[0]['gap']:.0e})"
    return seconds, over


def summary(report):
    """Return the sentences below the table."""
    lines = []
    found = ratios(report)
    sklearn = [value for (_, peer), value in found.items() if peer == "scikit-learn"]
    if sklearn:
        mean = statistics.geometric_mean(value for value, _ in sklearn)
        bounds = {bound for _, bound in sklearn} - {""}
        mean = number(mean, "≈" if len(bounds) > 1 else "".join(bounds))
        cases = f"{len(sklearn)} of {len(report['cases'])} cases"
        lines.append(f"scikit-learn: geometric mean of the ratios ({cases}): {mean}")
    if found:
        (name, peer), least = min(found.items(), key=lambda item: item[1][0])
        lines.append(f"least ratio of all: {number(*least)} ({peer}, {name})")
    if stopped := stops(report):
        values = ", ".join(f"{name} {number(*value)}" for name, value in stopped.items())
        lines.append(f"scikit-learn's full path over ours with early_stopping=True: {values}")
    return "\n\n".join(lines)


def within(report):
    """Return the Markdown table of this package beside itself, or nothing."""
    columns = {
        f"tol 1e-8 ÷ {DEFAULT_TOL:.0e}".replace("e-0", "e-"): ("ours-1e-8", "ours"),
        f"10 folds ÷ {N_FOLDS}": ("ours-10-folds", "ours"),
        f"{N_FOLDS} folds ÷ one path": ("ours", "ours-path"),
    }
    lines = [f"| ours: ratio of times | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|"]
    for case in report["cases"].values():
        times = [[median(case["runs"], label) for label in pair] for pair in columns.values()]
        values = [f"{above / below:.2f}" if above and below else "" for above, below in times]
        if any(values):
            lines.append(f"| {case['title']} | {' | '.join(values)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def notes(report):
    """Return what the columns mean, and what was run."""
    versions = {}
    for case in report["cases"].values():
        for peer in PEERS:
            if isinstance(got := case["runs"].get(peer), list):
                versions[peer] = f"{peer} {got[0]['version']}"
    named = ", ".join(versions[peer] for peer in PEERS if peer in versions)
    return NOTES.format(versions=named, cores=report["cores"])


def head():
    """Return the first two lines of the table."""
    return f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|"


def draw(report, file):
    """Draw the picture, if matplotlib is there and there is something to draw."""
    if find_spec("matplotlib") is None:
        print(f"no matplotlib: {file} is not drawn\n")
    elif ratios(report):
        from .plots import draw_ratios

        draw_ratios(ratios(report), stops(report), file)
        print(f"drawn: {file}\n")


def main():
    """Parse the command line; print the tables and draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--plot", metavar="FILE", help="draw the ratios into this file")
    options = parser.parse_args()
    report = json.loads(options.file.read_text())
    print(head())
    for case in report["cases"].values():
        print("\n".join(rows(case)))
    print(f"\n{summary(report)}\n{notes(report)}\n{within(report)}\n")
    if options.plot:
        draw(report, options.plot)


if __name__ == "__main__":
    main()
