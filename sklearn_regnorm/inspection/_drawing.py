"""What the displays share: axes, styles, and labels that do not run into each other.

Room is measured, in points, in the axes as they are while drawing. Labels hang on data by offsets
or leaders, so that they stay with them when the axes are zoomed or resized.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.isotonic import isotonic_regression

# Okabe and Ito's colours, told apart by colour-blind readers too, without their yellow (too pale
# for a line) and black (kept for marks); beyond them, line styles.
COLORS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
LINE_STYLES = "-", "--", "-.", ":"
MARK, GREY, PALE = "0.2", "0.55", "0.8"
SMALL = "small"  # relative to the reader's font.size
LONGEST_NAME = 24
LEADER = 18.0  # from the end of a curve to its name, in points
GAP = 4.0  # between a label and what it must not touch, in points
ALPHA_LABEL = "alpha (← stronger penalty)"


def require_matplotlib(caller: str) -> None:
    """Raise an ImportError that says what to install."""
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib: pip install 'sklearn-regnorm[plot]' brings it."
        ) from error


def make_axes(ax: Any, caller: str) -> Any:
    """Return the given axes, or those of a new figure."""
    require_matplotlib(caller)
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def line_style(k: int) -> dict[str, Any]:
    """Return colour and line style of the k-th curve."""
    turn = k // len(COLORS)
    return {"color": COLORS[k % len(COLORS)], "linestyle": LINE_STYLES[turn % len(LINE_STYLES)]}


def ink(color: str) -> tuple[float, ...]:
    """Return a colour, darkened to be read as text."""
    from matplotlib.colors import to_rgb

    return tuple(0.72 * channel for channel in to_rgb(color))


# ------------------------------------------------------------ axes


def pixels(ax: Any) -> tuple[float, float]:
    """Return width and height of the axes in points."""
    box = ax.get_window_extent()
    return box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi


def text_size(ax: Any, text: str, **style: Any) -> tuple[float, float]:
    """Return width and height of a text in points."""
    artist = ax.text(0.5, 0.5, text, transform=ax.transAxes, fontsize=SMALL, **style)
    box = artist.get_window_extent()
    artist.remove()
    return box.width * 72 / ax.figure.dpi, box.height * 72 / ax.figure.dpi


def settle(ax: Any) -> None:
    """Let the figure's layout engine, if any, give the axes their size, so that it can be used."""
    figure = ax.figure.canvas.figure
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()


def alpha_axis(ax: Any, alphas: np.ndarray, room: float = 0.0) -> None:
    """Make x a log axis from the largest alpha, left, to the smallest and `room` points more."""
    high, low = np.log(alphas.max()), np.log(alphas.min())
    length = max(high - low, np.log(2.0))
    middle, pad = (high + low) / 2, 0.03 * length
    width = pixels(ax)[0]
    share = min(room / width, 0.6)
    beyond = (length + 2 * pad) * share / (1 - share)
    ax.set_xscale("log")
    ax.set_xlim(np.exp(middle + length / 2 + pad), np.exp(middle - length / 2 - pad - beyond))
    set_alpha_ticks(ax, alphas.max(), alphas.min(), most=int(np.clip(width // 50, 2, 7)))
    ax.set_xlabel(ALPHA_LABEL)
    ax.spines["right"].set_visible(False)


def set_alpha_ticks(ax: Any, high: float, low: float, most: int) -> None:
    """Set ticks within the grid only (names stand beyond it): decades, or 1, 2, 3 and 5."""

    def inside(multiples):
        all_of_them = [m * 10.0**d for d in decades for m in multiples]
        return [one for one in all_of_them if low * 0.999 <= one <= high * 1.001]

    decades = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    major = inside((1,))
    if len(major) > 1:
        ax.set_xticks(major[:: -(-len(major) // most)])
    else:
        ticks = inside((1, 2, 3, 5)) or [float(np.sqrt(low * high))]
        ax.set_xticks(ticks, [f"{one:.2g}" for one in ticks])
    minor = inside(range(2, 10)) if len(major) <= most else major
    ax.set_xticks(minor, [""] * len(minor), minor=True)


def value_axis(ax: Any, values: np.ndarray) -> None:
    """Set the limits of y to the finite values and a margin."""
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    ax.set_ylim(low - margin, high + margin)


def count_axis(ax: Any, alphas: np.ndarray, counts: np.ndarray) -> Any:
    """Write numbers of non-zero coefficients along the top; nothing where they are all the same."""
    counts = np.asarray(counts)
    if len(np.unique(counts)) < 2:
        ax.spines["top"].set_visible(False)
        return None
    log = np.log(alphas)
    n_ticks = int(np.clip(pixels(ax)[0] // 42, 2, 8))
    near = {int(np.argmin(np.abs(log - at))) for at in np.linspace(log[0], log[-1], n_ticks)}
    ticks = sorted(near)
    top = ax.secondary_xaxis("top")
    top.set_xticks(alphas[ticks], [f"{int(counts[k])}" for k in ticks], fontsize=SMALL)
    top.set_xticks([], minor=True)
    top.set_xlabel("non-zero coefficients", fontsize=SMALL)
    return top


# ------------------------------------------------------------ labels


@dataclass
class Mark:
    """A vertical line at one x (an alpha, an epoch), and what to write beside it."""

    at: float
    text: str
    linestyle: Any = "--"
    bold: bool = False
    separator: str = ", "  # for newlines in the text, if all texts have room on one line

    @property
    def style(self) -> dict[str, Any]:
        """Return the style of the text."""
        return {"fontweight": "bold" if self.bold else "normal", "color": MARK}


def draw_marks(ax: Any, marks: list[Mark]) -> tuple[list[Any], list[Any], float]:
    """Draw vertical lines and write their labels into a strip that is added above the data.

    A label is written on one line if all have room so, else on as many as its text has. Returns
    the lines, the texts, and the height of the strip in units of that of the axes.
    """
    for joined in (True, False):
        texts = [m.text.replace("\n", m.separator) if joined else m.text for m in marks]
        places, row_height, excess = _place(ax, marks, texts)
        if excess == 0:
            break
    rows = 1 + max((row for row, _ in places), default=-1)
    strip = min(rows * row_height / pixels(ax)[1], 0.6)
    add_strip(ax, strip)
    lines = [
        ax.axvline(mark.at, color=MARK, linestyle=mark.linestyle, linewidth=1.0, zorder=1.5)
        for mark in marks
    ]
    labels = [
        ax.annotate(
            text,
            (mark.at, 1.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(GAP if side == "left" else -GAP, -GAP / 2 - row * row_height),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=SMALL,
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5},
            in_layout=False,
            **mark.style,
        )
        for mark, text, (row, side) in zip(marks, texts, places, strict=True)
    ]
    return lines, labels, strip


def add_strip(ax: Any, strip: float) -> None:
    """Raise the upper limit of y by a strip above the data, in units of the axes' new height."""
    axis = ax.yaxis.get_transform()
    low, high = axis.transform(np.asarray(ax.get_ylim()))
    top = axis.inverted().transform(np.asarray(low + (high - low) / (1 - strip)))
    ax.set_ylim(top=float(top))


def _place(ax, marks, texts):
    """Return for each label its row and alignment, the height of a row, and what has no room.

    A label stands right of its line, else left of it (the last one; the others first left), else
    in the next row: inside the axes, on no other label and, if possible, on no other line.
    """
    width = pixels(ax)[0]
    scale = ax.xaxis.get_transform().transform
    left, right = scale(np.asarray(ax.get_xlim()))
    at = [width * (scale(np.asarray(mark.at)) - left) / (right - left) for mark in marks]
    sizes = [text_size(ax, text, **mark.style) for mark, text in zip(marks, texts, strict=True)]
    taken, places, excess = [], [], 0.0
    for k, (x, (w, _)) in enumerate(zip(at, sizes, strict=True)):
        lines = [other for j, other in enumerate(at) if j != k]
        best = None
        for row in range(len(marks)):
            for side in ("right", "left") if k + 1 < len(marks) else ("left", "right"):
                begin = x + GAP if side == "left" else x - GAP - w
                end = begin + w
                outside = max(0.0, -begin) + max(0.0, end - width)
                crossed = sum(begin - GAP < line < end + GAP for line in lines)
                hidden = sum(r == row and b < end + GAP and begin < e + GAP for r, b, e in taken)
                cost = outside + 0.3 * w * crossed + w * hidden
                if best is None or cost < best[0]:
                    best = cost, row, side, begin, end
        cost, row, side, begin, end = best
        excess += cost
        taken.append((row, begin, end))
        places.append((row, side))
    return places, max((h for _, h in sizes), default=0.0) + GAP, excess


def shorten(name: str) -> str:
    """Return a name that is not too long for a margin; what tells names apart is often its end."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


@dataclass
class Name:
    """What to write right of the point where a curve ends."""

    text: str
    end: float
    color: str
    linestyle: str = "-"

    def __post_init__(self) -> None:
        """Keep the text short enough for the margin."""
        self.text = shorten(self.text)


def curve_names(names: list[str], ends: np.ndarray) -> list[Name]:
    """Return the names of the first curves, in the styles that `line_style` gives them."""
    pairs = enumerate(zip(names, ends, strict=True))
    return [Name(name, float(end), **line_style(k)) for k, (name, end) in pairs]


def label_height(ax: Any) -> float:
    """Return the distance of two lines of curves' names, in points."""
    return 1.12 * text_size(ax, "Mg")[1]


def how_many_names(ax: Any) -> int:
    """Return how many names of curves fit above each other, below a strip for marks."""
    return max(1, int(0.8 * pixels(ax)[1] // label_height(ax)))


def names_room(ax: Any, names: list[Name]) -> float:
    """Return the width that `draw_names` needs right of the curves, in points."""
    widths = [text_size(ax, name.text)[0] for name in names]
    return max(widths, default=0.0) + LEADER + GAP


def draw_names(ax: Any, alpha: float, names: list[Name], strip: float) -> list[Any]:
    """Write names right of where curves end (at `alpha`), apart from each other, below a strip."""
    if not names:
        return []
    low, high = ax.get_ylim()
    height, step = pixels(ax)[1], label_height(ax)
    points = height * (np.array([name.end for name in names]) - low) / (high - low)
    order = np.lexsort((-np.arange(len(names)), points))  # of equals, the first is on top
    ladder = step * np.arange(len(names))
    bounds = step / 2, max(step / 2, height * (1 - strip) - step / 2 - ladder[-1])
    apart = np.empty_like(points)
    # the nearest positions, in the least-squares sense, that are a step apart
    apart[order] = ladder + isotonic_regression(
        points[order] - ladder, y_min=bounds[0], y_max=bounds[1]
    )
    return [
        ax.annotate(
            name.text,
            (alpha, name.end),
            xytext=(LEADER, at / height),
            textcoords=("offset points", "axes fraction"),
            va="center",
            color=ink(name.color),
            fontsize=SMALL,
            arrowprops={
                "arrowstyle": "-",
                "color": name.color,
                "linestyle": name.linestyle,
                "linewidth": 0.8,
                "shrinkA": 0,
                "shrinkB": 1,
                "relpos": (0.0, 0.5),
            },
            annotation_clip=False,
            in_layout=False,
        )
        for name, at in zip(names, apart, strict=True)
    ]


def draw_others(ax: Any, alphas: np.ndarray, curves: np.ndarray, **style: Any) -> Any:
    """Draw curves without names as one collection, however many they are; None if there is none."""
    from matplotlib.collections import LineCollection

    if curves.shape[1] == 0:
        return None
    segments = [np.column_stack([alphas, curve]) for curve in curves.T]
    return ax.add_collection(LineCollection(segments, **style))
