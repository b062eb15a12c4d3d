"""How far the last batch of a stream is from what was seen before."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._typing import Vector
from ..linear_model._summary import coefficient_names
from . import _drawing as drawing
from . import _models as models

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEAN: dict[str, Any] = {"color": drawing.COLORS[0], "marker": "o", "linestyle": "none"}
VARIANCE: dict[str, Any] = {
    "color": drawing.COLORS[1],
    "marker": "s",
    "linestyle": "none",
    "markerfacecolor": "white",
}
CHANCE = "0.9"


class DriftDisplay:
    """Drift of mean and variance of each column, the largest first.

    Each column has a row: a dot for its mean, in standard deviations before the batch, and a hollow
    square for the logarithm of the ratio of variances; 0 means no drift. Columns are ordered by
    ``mean_drift^2 + variance_drift^2 / 2``, twice the Kullback-Leibler divergence of two normal
    distributions that differ little. What is infinite (a column that was constant before) is an
    arrow head at the edge.

    Use :meth:`from_estimator`; the constructor takes the data to draw.

    Parameters
    ----------
    mean_drift : array-like of shape (n_features,)
        Differences of means over standard deviations.
    variance_drift : array-like of shape (n_features,)
        Logarithms of ratios of variances.
    feature_names : array-like of shape (n_features,), optional
        Names, by default x0, x1, ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn into.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    shown_features_ : ndarray of int
        The columns that are drawn, from the top.
    mean_points_, variance_points_ : matplotlib Line2D
        Dots and squares.
    stems_ : list of matplotlib LineCollection
        Their distances from 0.
    noise_bars_ : list of matplotlib BarContainer
        The ranges of chance (`batch_size`).

    See Also
    --------
    sklearn_regnorm.BatchNormalizer : Measures the drift.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_regnorm.inspection import DriftDisplay
    >>> from sklearn_regnorm.preprocessing import BatchNormalizer
    >>> rng = np.random.default_rng(0)
    >>> stream = BatchNormalizer().partial_fit(rng.normal(size=(200, 3)))
    >>> stream = stream.partial_fit(rng.normal([0, 2, 0], size=(50, 3)))
    >>> display = DriftDisplay.from_estimator(stream, batch_size=50)
    >>> display.ax_.get_yticklabels()[0].get_text()
    'x1'
    """

    def __init__(
        self,
        *,
        mean_drift: Vector,
        variance_drift: Vector,
        feature_names: Vector | None = None,
    ) -> None:
        self.mean_drift = np.asarray(mean_drift, dtype=float)
        if self.mean_drift.ndim != 1:
            raise ValueError(f"mean_drift must have one dimension, got {self.mean_drift.shape}.")
        self.variance_drift = models.check_shape(
            "variance_drift", variance_drift, self.mean_drift.shape
        )
        self.feature_names = models.check_names(feature_names, len(self.mean_drift))

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        ax: "Axes | None" = None,
        n_features: int = 15,
        batch_size: int | None = None,
    ) -> Self:
        """Draw the drift of the last batch that a normalizer was given.

        Parameters
        ----------
        model : BatchNormalizer
            After two calls of `partial_fit` at least (`fit` may be the first).
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_features : int, default=15
            How many columns are drawn, at most.
        batch_size : int, optional
            Rows of the last batch: draws what chance alone would do, as :meth:`plot` says.

        Returns
        -------
        display : DriftDisplay
        """
        caller = f"{cls.__name__}.from_estimator"
        drawing.require_matplotlib(caller)
        needed = ("mean_drift_", "variance_drift_")
        models.check_model(model, caller, dict.fromkeys(needed, "Take a BatchNormalizer."))
        mean, variance = model.mean_drift_, model.variance_drift_
        if np.isnan(mean).all() and np.isnan(variance).all():
            raise ValueError(
                "There is no drift yet: the first batch has nothing before it. Call partial_fit "
                "with another one."
            )
        names = coefficient_names(model, len(mean))
        display = cls(mean_drift=mean, variance_drift=variance, feature_names=names)
        return display.plot(ax, n_features=n_features, batch_size=batch_size)

    def plot(
        self,
        ax: "Axes | None" = None,
        *,
        n_features: int = 15,
        batch_size: int | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_features : int, default=15
            How many columns are drawn, at most; fewer where the axes are too low.
        batch_size : int, optional
            Rows of the last batch. Draws two standard errors of each number, in grey: what chance
            would do to a batch of normally distributed rows if all before it is known exactly.

        Returns
        -------
        self : DriftDisplay
        """
        ax = drawing.make_axes(ax, f"{type(self).__name__}.plot")
        ax.set_xlabel("drift of the last batch (0: none)")
        self._legend(ax, batch_size)
        drawing.settle(ax)
        fit = max(1, int(drawing.pixels(ax)[1] // (1.15 * drawing.label_height(ax))))
        shown = self._largest()[: min(n_features, fit)]
        if len(shown) == 0:
            raise ValueError("There is no column whose drift is a number.")
        rows = np.arange(len(shown))
        series = (
            (self.mean_drift, 0.17, 1.0, MEAN),
            (self.variance_drift, -0.17, np.sqrt(2.0), VARIANCE),
        )
        sizes = np.abs(np.concatenate([values[shown] for values, *_ in series]))
        noise = 0.0 if batch_size is None else 2.0 / np.sqrt(batch_size)
        reach = max(sizes[np.isfinite(sizes)].max(initial=0.0), noise * np.sqrt(2.0)) or 1.0
        limit = 1.12 * reach
        self.stems_, self.noise_bars_, points = [], [], []
        for values, offset, spread, style in series:
            values, y = values[shown], rows - offset
            if noise:
                bars = ax.barh(
                    y,
                    2 * noise * spread,
                    left=-noise * spread,
                    height=0.3,
                    color=CHANCE,
                    zorder=0.8,
                )
                self.noise_bars_.append(bars)
            at = np.clip(values, -limit * 0.97, limit * 0.97)
            color = style["color"]
            self.stems_.append(ax.hlines(y, 0.0, at, color=color, linewidth=1.2, zorder=1.4))
            finite = np.isfinite(values)
            (line,) = ax.plot(at[finite], y[finite], markersize=5, **style)
            points.append(line)
            for sign, arrow in ((1, ">"), (-1, "<")):
                ends = values == sign * np.inf
                ax.plot(at[ends], y[ends], marker=arrow, color=color, linestyle="none")
        self.mean_points_, self.variance_points_ = points
        ax.axvline(0.0, color=drawing.MARK, linewidth=0.8, zorder=1)
        ax.set_xlim(-limit, limit)
        ax.set_yticks(rows, [drawing.shorten(name) for name in self.feature_names[shown]])
        ax.tick_params(axis="y", labelsize=drawing.SMALL, length=0)
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.spines[["top", "right", "left"]].set_visible(False)
        if len(shown) < len(self.mean_drift):
            ax.set_ylabel(f"{len(shown)} of {len(self.mean_drift)} columns, by drift")
        self.shown_features_ = shown
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _legend(self, ax: Any, batch_size: int | None) -> None:
        """Write above the axes what the symbols are."""
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        handles: list[Any] = [
            Line2D([], [], label="mean (in sd)", **MEAN),
            Line2D([], [], label="variance (log of ratio)", **VARIANCE),
        ]
        if batch_size is not None:
            handles.append(Patch(color=CHANCE, label="chance (2 SE)"))
        ax.legend(
            handles=handles,
            fontsize=drawing.SMALL,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(handles) if drawing.pixels(ax)[0] > 250 else 1,
            frameon=False,
        )

    def _largest(self):
        """Return the columns that have a drift, the largest first."""
        mean, variance = self.mean_drift, self.variance_drift
        known = ~(np.isnan(mean) & np.isnan(variance))
        size = np.nan_to_num(mean, posinf=np.inf, neginf=-np.inf) ** 2
        size = size + np.nan_to_num(variance, posinf=np.inf, neginf=-np.inf) ** 2 / 2
        order = np.argsort(-size, kind="stable")
        return order[known[order]]
