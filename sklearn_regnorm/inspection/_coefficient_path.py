"""Coefficients against the penalty."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._typing import Matrix, Vector, Weights
from ..linear_model._summary import coefficient_names
from . import _drawing as drawing
from . import _models as models

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class CoefficientPathDisplay:
    """Coefficients against the penalty, with the chosen penalty marked.

    The penalty falls from left to right, so that models grow in the direction of reading: as in
    glmnet's plots over -log(lambda) and in scikit-learn's of ridge and LARS paths. The largest
    coefficients at the chosen penalty are coloured and named at their ends, the others are grey;
    their number is written along the top, unless it is the same everywhere.

    Use :meth:`from_estimator`; the constructor takes the data to draw.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        The penalties, in any order. Those that are not positive have no place on a log axis and are
        not drawn, as those whose coefficients are not finite.
    coefs : array-like of shape (n_alphas, n_features)
        Coefficients at each of them.
    alpha : float, optional
        The chosen penalty.
    feature_names : array-like of shape (n_features,), optional
        Names, by default x0, x1, ...

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn into.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    named_features_ : ndarray of int
        The features that are named, the largest first.
    lines_ : list of matplotlib Line2D
        Their curves.
    names_ : list of matplotlib Annotation
        Their names.
    other_lines_ : matplotlib LineCollection or None
        The other curves that are not zero throughout.
    alpha_line_ : matplotlib Line2D or None
        The mark of the chosen penalty.
    alpha_text_ : matplotlib Annotation or None
        What is written beside it.
    count_axis_ : matplotlib SecondaryAxis or None
        Numbers of non-zero coefficients.

    See Also
    --------
    CVCurveDisplay : The errors by which the penalty was chosen.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_regnorm import LassoCV
    >>> from sklearn_regnorm.inspection import CoefficientPathDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> display = CoefficientPathDisplay.from_estimator(LassoCV().fit(X, y), n_labels=3)
    >>> [name.get_text() for name in display.names_]
    ['s5', 's1', 'bmi']
    """

    def __init__(
        self,
        *,
        alphas: Vector,
        coefs: Matrix,
        alpha: float | None = None,
        feature_names: Vector | None = None,
    ) -> None:
        self.alphas = np.asarray(alphas, dtype=float)
        coefs = np.asarray(coefs, dtype=float)
        if self.alphas.ndim != 1 or coefs.ndim != 2 or len(coefs) != len(self.alphas):
            raise ValueError(
                "alphas must have the shape (n_alphas,) and coefs (n_alphas, n_features), got "
                f"{self.alphas.shape} and {coefs.shape}: for one of several targets, pick its path."
            )
        self.coefs = coefs
        self.alpha = None if alpha is None else float(alpha)
        self.feature_names = models.check_names(feature_names, coefs.shape[1])

    @classmethod
    def from_estimator(
        cls,
        model: Any,
        X: Matrix | None = None,
        y: Vector | None = None,
        *,
        sample_weight: Weights = None,
        ax: "Axes | None" = None,
        n_labels: int = 10,
    ) -> Self:
        """Draw the path of a fitted estimator, at the chosen ratio if it has several.

        Parameters
        ----------
        model : estimator
            `LassoCV`, `ElasticNetCV` or `RidgeCV` of this package; scikit-learn's `LassoCV` or
            `ElasticNetCV` together with `X` and `y`. What is drawn is `coef_path_`: the penalised
            coefficients (also of a relaxed model), per unit of what a preprocessor hands on.
        X, y : array-like, optional
            What scikit-learn's estimators were fitted on: they store no path, so it is computed
            again at their `alphas_`. Must be dense if there is an intercept.
        sample_weight : array-like of shape (n_samples,), optional
            The weights they were fitted with.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_labels : int, default=10
            How many coefficients are coloured and named, at most.

        Returns
        -------
        display : CoefficientPathDisplay
        """
        caller = f"{cls.__name__}.from_estimator"
        drawing.require_matplotlib(caller)
        models.check_model(
            model,
            caller,
            dict.fromkeys(("alphas_", "alpha_"), "Take one that chooses alpha along a grid."),
        )
        if hasattr(model, "cv_alphas_"):
            raise TypeError(
                f"{type(model).__name__} has breakpoints instead of a grid: "
                "CoefficientPathDisplay(alphas=model.alphas_, coefs=model.coef_path_.T) draws them."
            )
        alphas = np.asarray(model.alphas_)
        ratios, chosen = models.chosen_ratio(model)
        if alphas.ndim == 2:
            alphas = alphas[chosen]
        if hasattr(model, "coef_path_"):
            coefs = model.coef_path_ if ratios is None else model.coef_path_[chosen]
        else:
            coefs = models.compute_path(model, caller, X, y, sample_weight, alphas)
        names = coefficient_names(model, coefs.shape[-1])
        alpha = model.alpha_ if np.ndim(model.alpha_) == 0 else None
        display = cls(alphas=alphas, coefs=coefs, alpha=alpha, feature_names=names)
        return display.plot(ax, n_labels=n_labels)

    def plot(self, ax: "Axes | None" = None, *, n_labels: int = 10) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        n_labels : int, default=10
            How many coefficients are coloured and named, at most; fewer where the axes are too low.

        Returns
        -------
        self : CoefficientPathDisplay
        """
        ax = drawing.make_axes(ax, f"{type(self).__name__}.plot")
        keep = np.isfinite(self.coefs).all(axis=1) & (self.alphas > 0)
        if not keep.any():
            raise ValueError("There is no positive alpha with finite coefficients.")
        order = np.flatnonzero(keep)[np.argsort(-self.alphas[keep], kind="stable")]
        alphas, coefs = self.alphas[order], self.coefs[order]

        ax.set_ylabel("coefficient (y per unit of the feature)")
        drawing.alpha_axis(ax, alphas)
        counts = np.count_nonzero(coefs, axis=1)
        self.count_axis_ = drawing.count_axis(ax, alphas, counts)
        drawing.value_axis(ax, coefs)
        drawing.settle(ax)
        named = self._largest(alphas, coefs)[: min(n_labels, drawing.how_many_names(ax))]
        names = drawing.curve_names(self.feature_names[named], coefs[-1, named])
        drawing.alpha_axis(ax, alphas, drawing.names_room(ax, names))

        ax.hlines(0.0, alphas[-1], alphas[0], color=drawing.GREY, linewidth=0.6, zorder=1)
        rest = np.setdiff1d(np.flatnonzero(coefs.any(axis=0)), named)
        self.other_lines_ = drawing.draw_others(
            ax, alphas, coefs[:, rest], color=drawing.PALE, linewidth=0.7, zorder=1.2
        )
        self.lines_ = [
            ax.plot(alphas, coefs[:, j], linewidth=1.6, **drawing.line_style(k))[0]
            for k, j in enumerate(named)
        ]
        marks = []
        if self.alpha is not None and self.alpha > 0:
            at = np.argmin(np.abs(np.log(alphas / self.alpha)))
            text = f"chosen: {self.alpha:.3g}"
            if self.count_axis_ is not None:
                text += f"\n{counts[at]} of {coefs.shape[1]} non-zero"
            marks = [drawing.Mark(self.alpha, text, bold=True)]
        lines, texts, strip = drawing.draw_marks(ax, marks)
        self.alpha_line_, self.alpha_text_ = (lines + [None])[0], (texts + [None])[0]
        self.names_ = drawing.draw_names(ax, alphas[-1], names, strip)
        self.named_features_ = named
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _largest(self, alphas, coefs):
        """Return features by their size at the chosen alpha, then by their largest size."""
        size = np.abs(coefs).max(axis=0)
        here = np.zeros_like(size)
        if self.alpha is not None and self.alpha > 0:
            here = np.abs(coefs[np.argmin(np.abs(np.log(alphas / self.alpha)))])
        order = np.lexsort((-size, -here))
        return order[size[order] > 0]
