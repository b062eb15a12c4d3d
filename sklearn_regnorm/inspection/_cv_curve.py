"""Held-out errors against the penalty."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._typing import Matrix
from . import _drawing as drawing
from . import _models as models

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "o", "s", "^", "v", "P", "X", "d"


class CVCurveDisplay:
    """Held-out error, or score, against the penalty, with its standard error over the folds.

    The penalty falls from left to right. Two vertical lines mark, along the chosen curve, the least
    mean error (`min`; `max` for a score) and the largest alpha whose mean error is within one
    standard error of it (`1se`); a diamond marks what was chosen. With several ratios there is one
    curve for each, and error bars for the chosen one.

    Use :meth:`from_estimator`; the constructor takes the data to draw.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,) or (n_curves, n_alphas)
        The penalties.
    mean : array-like of shape ([n_curves,] n_alphas)
        Mean over the folds. What is not finite is not drawn.
    standard_error : array-like of the same shape
        Its standard error.
    fold_values : array-like of shape ([n_curves,] n_alphas, n_folds), optional
        What the folds have.
    n_nonzero : array-like of shape ([n_curves,] n_alphas), optional
        Numbers of non-zero coefficients.
    alpha : float, optional
        The chosen penalty.
    chosen_curve : int, default=0
        The chosen curve.
    curve_names : list of str, optional
        Names of several curves.
    curve_title : str, optional
        What the names are.
    metric : str, default="mean squared error"
        What is drawn.
    greater_is_better : bool, default=False
        Whether it is a score.

    Attributes
    ----------
    alpha_min_, alpha_1se_ : float
        The alphas that are marked.
    ax_ : matplotlib Axes
        What was drawn into.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    lines_ : list of matplotlib Line2D
        The curves.
    error_bars_ : matplotlib ErrorbarContainer
        Those of the chosen curve.
    fold_lines_ : matplotlib LineCollection or None
        The chosen curve, fold by fold.
    chosen_point_ : matplotlib Line2D or None
        The diamond.
    mark_lines_ : list of matplotlib Line2D
        The vertical lines, by decreasing alpha.
    mark_texts_ : list of matplotlib Annotation
        What is written beside them.
    count_axis_ : matplotlib SecondaryAxis or None
        Numbers of non-zero coefficients of the chosen curve.

    See Also
    --------
    CoefficientPathDisplay : The models along the grid.

    Notes
    -----
    Without a table of its own (`cv_table_`), the standard error of a model is that of equally
    weighted folds, ``sqrt(sum_k (m_k - m)^2 / K / (K - 1))``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LassoCV
    >>> from sklearn_regnorm.inspection import CVCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = LassoCV(cv=10).fit(X, y)
    >>> display = CVCurveDisplay.from_estimator(model)
    >>> bool(display.alpha_1se_ > display.alpha_min_ == model.alpha_)
    True
    """

    def __init__(
        self,
        *,
        alphas: Matrix,
        mean: Matrix,
        standard_error: Matrix,
        fold_values: Any = None,
        n_nonzero: Matrix | None = None,
        alpha: float | None = None,
        chosen_curve: int = 0,
        curve_names: list[str] | None = None,
        curve_title: str | None = None,
        metric: str = "mean squared error",
        greater_is_better: bool = False,
    ) -> None:
        self.mean = np.atleast_2d(np.asarray(mean, dtype=float))
        shape = self.mean.shape
        self.alphas = np.asarray(alphas, dtype=float)
        if self.alphas.ndim == 1 and self.alphas.shape == shape[1:]:
            self.alphas = np.tile(self.alphas, (shape[0], 1))
        self.alphas = models.check_shape("alphas", self.alphas, shape)
        self.standard_error = models.check_shape(
            "standard_error", np.atleast_2d(standard_error), shape
        )
        self.fold_values = self.n_nonzero = None
        if fold_values is not None:
            folds = np.asarray(fold_values, dtype=float)
            folds = folds[None] if folds.ndim == 2 else folds
            self.fold_values = models.check_shape("fold_values", folds, (*shape, folds.shape[-1]))
        if n_nonzero is not None:
            self.n_nonzero = models.check_shape("n_nonzero", np.atleast_2d(n_nonzero), shape)
        if not 0 <= chosen_curve < shape[0]:
            raise ValueError(f"chosen_curve={chosen_curve}, but there are {shape[0]} curves.")
        self.alpha = None if alpha is None else float(alpha)
        self.chosen_curve = chosen_curve
        if curve_names is not None and len(curve_names) != shape[0]:
            raise ValueError(f"curve_names has {len(curve_names)} names for {shape[0]} curves.")
        self.curve_names = curve_names
        self.curve_title = curve_title
        self.metric = metric
        self.greater_is_better = greater_is_better
        self._find_marks()

    def _find_marks(self):
        """Set where the marks are, along the chosen curve."""
        k = self.chosen_curve
        alphas, loss = self.alphas[k], self.mean[k] * (-1.0 if self.greater_is_better else 1.0)
        if not np.isfinite(loss).any():
            raise ValueError("The chosen curve has no finite mean.")
        ties = np.flatnonzero(loss == np.nanmin(loss))
        best = ties[np.argmax(alphas[ties])]
        error = self.standard_error[k, best]
        limit = loss[best] + (error if np.isfinite(error) else 0.0)
        self.alpha_min_ = float(alphas[best])
        self.alpha_1se_ = float(alphas[loss <= limit].max())

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        *,
        metric: str | None = None,
        ax: "Axes | None" = None,
        show_folds: bool = False,
    ) -> Self:
        """Draw the curve of a fitted cross-validated estimator.

        Parameters
        ----------
        model : estimator
            `LassoCV`, `ElasticNetCV` or `RidgeCV` of this package, or scikit-learn's `LassoCV` or
            `ElasticNetCV`.
        metric : str, optional
            Which one, if the model was scored by several; by default the one that chose.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        show_folds : bool, default=False
            Draw the chosen curve fold by fold as well.

        Returns
        -------
        display : CVCurveDisplay
        """
        caller = f"{cls.__name__}.from_estimator"
        drawing.require_matplotlib(caller)
        attribute = "cv_table_" if hasattr(model, "cv_table_") else "mse_path_"
        owners = "Take a LassoCV or ElasticNetCV, or this package's RidgeCV."
        models.check_model(model, caller, dict.fromkeys((attribute, "alphas_"), owners))
        read = models.read_table if attribute == "cv_table_" else models.read_errors
        return cls(**read(model, metric)).plot(ax, show_folds=show_folds)

    def plot(self, ax: "Axes | None" = None, *, show_folds: bool = False) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        show_folds : bool, default=False
            Draw the chosen curve fold by fold as well.

        Returns
        -------
        self : CVCurveDisplay
        """
        ax = drawing.make_axes(ax, f"{type(self).__name__}.plot")
        n_curves, k = len(self.mean), self.chosen_curve
        drawn = np.isfinite(self.mean) & (self.alphas > 0)
        if not drawn[k].any():
            raise ValueError("There is no positive alpha with a finite mean.")
        keep = drawn[k]
        alphas, mean, error = self.alphas[k, keep], self.mean[k, keep], self.standard_error[k, keep]

        bars = np.where(np.isfinite(error), error, 0.0)
        extent = [self.mean[drawn], mean - bars, mean + bars]
        folds = None
        if show_folds and self.fold_values is not None:
            folds = self.fold_values[k, keep]
            extent.append(folds.ravel())

        ax.set_ylabel(self._label())
        drawing.alpha_axis(ax, self.alphas[drawn])
        self.count_axis_ = None
        if self.n_nonzero is None:
            ax.spines["top"].set_visible(False)
        else:
            self.count_axis_ = drawing.count_axis(ax, alphas, self.n_nonzero[k, keep])
        drawing.value_axis(ax, np.concatenate(extent))
        drawing.settle(ax)
        drawing.alpha_axis(ax, self.alphas[drawn])
        self.fold_lines_ = None
        if folds is not None:
            self.fold_lines_ = drawing.draw_others(
                ax, alphas, folds, color=drawing.PALE, linewidth=0.7, zorder=1.2
            )
        self.lines_ = []
        for j in range(n_curves):
            style: dict[str, Any] = drawing.line_style(j) | {"zorder": 2.5 if j == k else 2.2}
            if j == k:
                self.error_bars_ = ax.errorbar(
                    alphas, mean, bars, fmt="none", ecolor=drawing.PALE, elinewidth=1.2, zorder=1.4
                )
            step = max(1, int(drawn[j].sum()) // 8)
            several = {
                "marker": MARKERS[j % len(MARKERS)],
                "markevery": (j * step // n_curves, step),
                "markersize": 5 if j == k else 4,
            }
            (line,) = ax.plot(
                self.alphas[j, drawn[j]],
                self.mean[j, drawn[j]],
                linewidth=1.8 if j == k else 1.0,
                **style,
                **(several if n_curves > 1 else {"marker": "o", "markersize": 2.5}),
            )
            self.lines_.append(line)
        strip = self._mark(ax, alphas, mean)
        if n_curves > 1:
            for j, line in enumerate(self.lines_):
                name = str(j) if self.curve_names is None else self.curve_names[j]
                line.set_label(f"{name} (chosen)" if j == k else name)
            ax.legend(
                handles=self.lines_,
                fontsize=drawing.SMALL,
                title=self.curve_title,
                title_fontsize=drawing.SMALL,
                loc="best",
                bbox_to_anchor=(0.0, 0.0, 1.0, 1.0 - strip),  # below the labels of the marks
            )
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _label(self):
        """Return what y is."""
        folds = "" if self.fold_values is None else f"{self.fold_values.shape[-1]} folds "
        return f"{self.metric}, {folds or 'mean '}± 1 SE"

    def _mark(self, ax, alphas, mean):
        """Draw the marks and the diamond; return the height of the marks' labels."""
        best = "max" if self.greater_is_better else "min"
        names = {}  # by alpha
        for at, name in ((self.alpha_1se_, "1se"), (self.alpha_min_, best)):
            names.setdefault(at, []).append(name)
        near = None
        if self.alpha is not None and self.alpha > 0:
            near = float(alphas[np.argmin(np.abs(np.log(alphas / self.alpha)))])
            names.setdefault(near, []).append("chosen")
        linestyles = {"1se": ":", best: "--", "chosen": "-"}
        marks = [
            drawing.Mark(
                at,
                f"{' = '.join(names[at])}\n{at:.3g}",
                linestyle=linestyles[names[at][0]],
                bold=at == near,
                separator=": ",
            )
            for at in sorted(names, reverse=True)
            if at > 0
        ]
        self.mark_lines_, self.mark_texts_, strip = drawing.draw_marks(ax, marks)
        self.chosen_point_ = None
        if near is not None:
            (self.chosen_point_,) = ax.plot(
                [near],
                [mean[alphas == near][0]],
                marker="D",
                markersize=8,
                markerfacecolor=self.lines_[self.chosen_curve].get_color(),
                markeredgecolor=drawing.MARK,
                linestyle="none",
                zorder=3,
            )
        return strip
