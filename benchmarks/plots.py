"""The two pictures; colours and markers by Okabe and Ito, told apart by everybody."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: E402

from .report import number  # noqa: E402

STYLES = {
    "ours": ("#000000", "o"),
    "scikit-learn": ("#D55E00", "o"),
    "celer": ("#0072B2", "s"),
    "skglm": ("#009E73", "^"),
    "adelie": ("#CC79A7", "v"),
    "early stop": ("#E69F00", "D"),
}


def draw_ratios(ratios, stops, file):
    """Draw one row per case, one mark per peer: its time over ours, on a log axis.

    Parameters
    ----------
    ratios : dict
        {(case, peer): (ratio, "" or the sign of a bound)}
    stops : dict
        {case: the same of scikit-learn's time over ours with the early stop}
    file : path
    """
    cases = list(dict.fromkeys([*(case for case, _ in ratios), *stops]))
    peers = [peer for peer in STYLES if any(peer == one for _, one in ratios)]
    marks = {(case, "early stop"): found for case, found in stops.items()}
    labels = peers + ["early stop"] * bool(stops)
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.8 * len(cases)), layout="constrained")
    for place, label in enumerate(labels):
        color, marker = STYLES[label]
        name = "scikit-learn, our early stop" if label == "early stop" else label
        axes.plot([], [], marker, color=color, label=name)
        for row, case in enumerate(cases):
            value, bound = (ratios | marks).get((case, label), (None, ""))
            if value is None:
                continue
            height = row + (place + 1) / (len(labels) + 1) - 0.5
            fill = "white" if bound else color
            axes.plot(value, height, marker, color=color, markerfacecolor=fill, markersize=6)
            text = number(value, bound)
            beside = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.annotate(text, (value, height), fontsize=8, bbox=box, **beside)
    _finish_ratios(axes, cases)
    _save(figure, file)


def _finish_ratios(axes, cases):
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.8), high * 1.4)
    axes.axvline(1, color="black", linewidth=1)
    axes.axvline(3, color="black", linewidth=1, linestyle="--")
    for row in range(len(cases) - 1):
        axes.axhline(row + 0.5, color="0.9", linewidth=1)
    axes.set_yticks(range(len(cases)), cases)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_xlabel("time of the package over ours at its accuracy (hollow: stopped at the limit)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=5, frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def draw_growth(panels, file):
    """Draw times against sizes, both on log axes, a panel for each thing that grows.

    Parameters
    ----------
    panels : list of (label of the axis, {peer: (sizes, seconds, slope)})
    file : path
    """
    figure, every = plt.subplots(1, len(panels), figsize=(9, 4), sharey=True, layout="constrained")
    for axes, (label, lines) in zip(every, panels, strict=True):
        for peer, (sizes, seconds, slope) in lines.items():
            color, marker = STYLES[peer]
            name = f"{peer}, last decade: size$^{{{slope:.2f}}}$"
            axes.loglog(sizes, seconds, marker=marker, color=color, markersize=5, label=name)
        axes.set_xlabel(label)
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(color="0.9")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    every[0].set_ylabel("seconds, 5 folds × 100 penalties")
    _save(figure, file)


def _save(figure, file):
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
    plt.close(figure)
