"""How often features are selected on subsamples, against the penalty."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._typing import Matrix, Vector
from ..linear_model._summary import coefficient_names
from . import _drawing as drawing
from . import _models as models

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class StabilityPathDisplay:
    """Selection probabilities against the penalty, with the threshold.

    The penalty falls from left to right. Selected features are coloured and named, the most often
    selected first; selected ones that find no room for a name are dark grey, all others pale.
    Beyond the end of the region, hatched, the probabilities decide nothing.

    Use :meth:`from_estimator`; the constructor takes the data to draw.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        The penalties, in any order.
    stability_path : array-like of shape (n_alphas, n_features)
        Selection probabilities.
    threshold : float, optional
        The probability from which a feature is selected.
    support : array-like of shape (n_features,), optional
        Mask of the selected features; by default those that reach the threshold in the region.
    alpha_min : float, optional
        The least alpha of the region that counts.
    feature_names : array-like of shape (n_features,), optional
        Names, by default x0, x1, ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn into.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    named_features_ : ndarray of int
        The features that are named.
    lines_ : list of matplotlib Line2D
        Their curves.
    names_ : list of matplotlib Annotation
        Their names, and how many more are selected.
    selected_lines_ : matplotlib LineCollection or None
        Curves of selected features without a name.
    other_lines_ : matplotlib LineCollection or None
        Curves of features that are not selected.
    threshold_line_ : matplotlib Line2D or None
        The threshold.
    threshold_text_ : matplotlib Annotation or None
        What is written at its end.
    region_line_ : matplotlib Line2D or None
        The end of the region.
    region_text_ : matplotlib Annotation or None
        What is written beside it.

    See Also
    --------
    CoefficientPathDisplay : Coefficients against the penalty.

    Examples
    --------
    >>> from sklearn_regnorm.inspection import StabilityPathDisplay
    >>> display = StabilityPathDisplay(
    ...     alphas=[1.0, 0.3, 0.1],
    ...     stability_path=[[0.2, 0.0], [0.8, 0.1], [1.0, 0.4]],
    ...     threshold=0.7,
    ... ).plot()
    >>> [name.get_text() for name in display.names_]
    ['x0']
    """

    def __init__(
        self,
        *,
        alphas: Vector,
        stability_path: Matrix,
        threshold: float | None = None,
        support: Vector | None = None,
        alpha_min: float | None = None,
        feature_names: Vector | None = None,
    ) -> None:
        self.alphas = np.asarray(alphas, dtype=float)
        path = np.asarray(stability_path, dtype=float)
        if self.alphas.ndim != 1 or path.ndim != 2 or len(path) != len(self.alphas):
            raise ValueError(
                "alphas must have the shape (n_alphas,) and stability_path (n_alphas, n_features), "
                f"got {self.alphas.shape} and {path.shape}."
            )
        self.stability_path = path
        self.threshold = None if threshold is None else float(threshold)
        self.alpha_min = None if alpha_min is None else float(alpha_min)
        if support is None:
            region = self.alphas >= (0.0 if self.alpha_min is None else self.alpha_min)
            limit = np.inf if self.threshold is None else self.threshold
            support = (path[region] >= limit).any(axis=0)
        self.support = np.asarray(support, dtype=bool)
        if self.support.shape != path.shape[1:]:
            raise ValueError(
                f"support has the shape {self.support.shape}, but {path.shape[1:]} is expected."
            )
        self.feature_names = models.check_names(feature_names, path.shape[1])

    @classmethod
    def from_estimator(cls, model: Any, *, ax: "Axes | None" = None, n_labels: int = 12) -> Self:
        """Draw the stability path of a fitted selector.

        Parameters
        ----------
        model : estimator
            A fitted `StabilitySelection`, or any estimator with `stability_path_`, `alphas_` and
            `get_support`.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_labels : int, default=12
            How many selected features are coloured and named, at most.

        Returns
        -------
        display : StabilityPathDisplay
        """
        caller = f"{cls.__name__}.from_estimator"
        drawing.require_matplotlib(caller)
        needed = ("stability_path_", "alphas_", "get_support")
        models.check_model(model, caller, dict.fromkeys(needed, "Take a StabilitySelection."))
        path = np.asarray(model.stability_path_)
        return cls(
            alphas=model.alphas_,
            stability_path=path,
            threshold=getattr(model, "threshold_", getattr(model, "threshold", None)),
            support=model.get_support(),
            alpha_min=getattr(model, "alpha_min_", None),
            feature_names=coefficient_names(model, path.shape[-1]),
        ).plot(ax, n_labels=n_labels)

    def plot(self, ax: "Axes | None" = None, *, n_labels: int = 12) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_labels : int, default=12
            How many selected features are coloured and named, at most; fewer where the axes are
            too low.

        Returns
        -------
        self : StabilityPathDisplay
        """
        ax = drawing.make_axes(ax, f"{type(self).__name__}.plot")
        keep = np.isfinite(self.stability_path).all(axis=1) & (self.alphas > 0)
        if not keep.any():
            raise ValueError("There is no positive alpha with finite probabilities.")
        order = np.flatnonzero(keep)[np.argsort(-self.alphas[keep], kind="stable")]
        alphas, path = self.alphas[order], self.stability_path[order]

        ax.set_ylabel("selection probability")
        ax.spines["top"].set_visible(False)
        drawing.alpha_axis(ax, alphas)
        ax.set_ylim(-0.02, 1.03)
        ax.set_yticks(np.linspace(0, 1, 6))
        drawing.settle(ax)
        selected = self._first(alphas, path)
        named = selected[: max(1, min(n_labels, drawing.how_many_names(ax) - 2))]
        crowd = selected[len(named) :]
        names = drawing.curve_names(self.feature_names[named], path[-1, named])
        if len(crowd):
            end = float(path[-1, crowd].min())
            names.append(drawing.Name(f"and {len(crowd)} more", end, drawing.GREY))
        if self.threshold is not None:
            text = f"threshold {self.threshold:g}"
            names.append(drawing.Name(text, self.threshold, drawing.MARK, "--"))
        drawing.alpha_axis(ax, alphas, drawing.names_room(ax, names))

        rest = np.flatnonzero(~self.support & path.any(axis=0))
        self.other_lines_ = drawing.draw_others(
            ax, alphas, path[:, rest], color=drawing.PALE, linewidth=0.7, zorder=1.2
        )
        self.selected_lines_ = drawing.draw_others(
            ax, alphas, path[:, crowd], color=drawing.GREY, linewidth=1.0, zorder=1.4
        )
        self.lines_ = [
            ax.plot(alphas, path[:, j], linewidth=1.6, **drawing.line_style(k))[0]
            for k, j in enumerate(named)
        ]
        strip = self._mark(ax, alphas)
        self.names_ = drawing.draw_names(ax, alphas[-1], names, strip)
        self.threshold_text_ = None if self.threshold is None else self.names_.pop()
        self.named_features_ = named
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _first(self, alphas, path):
        """Return the selected features: by largest probability in the region, then by mean."""
        region = alphas >= (0.0 if self.alpha_min is None else self.alpha_min * (1 - 1e-9))
        if not region.any():
            region[:] = True
        order = np.lexsort((-path[region].mean(axis=0), -path[region].max(axis=0)))
        return order[self.support[order]]

    def _mark(self, ax, alphas):
        """Draw threshold and end of the region; return the height of the latter's label."""
        marks = []
        if self.alpha_min is not None and self.alpha_min > 0:
            end, text = self.alpha_min, f"end of the region\n{self.alpha_min:.3g}"
            if np.isinf(end):  # no alpha is in the region
                end, text = alphas[0], "the region\nempty"
            marks = [drawing.Mark(end, text, linestyle=":", separator=": ")]
            if end > alphas[-1]:
                ax.axvspan(
                    end,
                    alphas[-1],
                    facecolor="none",
                    edgecolor="0.88",
                    hatch="///",
                    linewidth=0,
                    zorder=0.5,
                )
        lines, texts, strip = drawing.draw_marks(ax, marks)
        self.region_line_, self.region_text_ = (lines + [None])[0], (texts + [None])[0]
        self.threshold_line_ = None
        if self.threshold is not None:
            (self.threshold_line_,) = ax.plot(
                alphas[[0, -1]],
                [self.threshold, self.threshold],
                color=drawing.MARK,
                linestyle="--",
                linewidth=1.0,
            )
        return strip
