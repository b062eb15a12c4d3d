"""The course of training."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import is_classifier

from .._typing import Vector
from . import _drawing as drawing
from . import _models as models

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRAINING: dict[str, Any] = {"color": drawing.COLORS[0], "linestyle": "-"}
VALIDATION: dict[str, Any] = {"color": drawing.COLORS[1], "linestyle": "--"}
SCORE: dict[str, Any] = {"color": drawing.COLORS[2], "linestyle": "-."}


class LossCurveDisplay:
    """Training loss against the epochs, and what a validation set says.

    Losses belong to the left axis, the validation score to the right one. If the score decided when
    to stop, a vertical line marks the epoch whose network was kept.

    The training loss is what is minimised: it has the penalty in it, is taken while the network
    changes, and with dropout. So the validation loss may be below it.

    Use :meth:`from_estimator`; the constructor takes the data to draw.

    Parameters
    ----------
    losses : array-like of shape (n_epochs,)
        Of the training rows.
    validation_losses : array-like of shape (n_epochs,), optional
        Of the validation set.
    validation_scores : array-like of shape (n_epochs,), optional
        Of the validation set. What is not finite is not drawn.
    chosen_epoch : int, optional
        The epoch whose network was kept, the first being 1.
    metric : str, default="score"
        What the scores are.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn into.
    score_ax_ : matplotlib Axes or None
        The right axis.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    loss_line_ : matplotlib Line2D
        Training losses.
    validation_line_, score_line_ : matplotlib Line2D or None
        What the validation set says.
    epoch_line_ : matplotlib Line2D or None
        The chosen epoch.
    epoch_text_ : matplotlib Annotation or None
        What is written beside it.

    See Also
    --------
    sklearn_regnorm.MLPClassifier : What is trained.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_regnorm.inspection import LossCurveDisplay
    >>> from sklearn_regnorm import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(early_stopping=True, normalization="batch", random_state=0)
    >>> display = LossCurveDisplay.from_estimator(model.fit(X, y))
    >>> display.ax_.get_xlabel()
    'epoch'
    >>> len(display.loss_line_.get_xdata()) == model.n_iter_
    True
    """

    def __init__(
        self,
        *,
        losses: Vector,
        validation_losses: Vector | None = None,
        validation_scores: Vector | None = None,
        chosen_epoch: int | None = None,
        metric: str = "score",
    ) -> None:
        self.losses = np.asarray(losses, dtype=float)
        if self.losses.ndim != 1 or not self.losses.size:
            raise ValueError(f"losses must have one number per epoch, got {self.losses.shape}.")
        shape = self.losses.shape
        self.validation_losses = self.validation_scores = None
        if validation_losses is not None:
            self.validation_losses = models.check_shape(
                "validation_losses", validation_losses, shape
            )
        if validation_scores is not None:
            self.validation_scores = models.check_shape(
                "validation_scores", validation_scores, shape
            )
        if chosen_epoch is not None and not 1 <= chosen_epoch <= len(self.losses):
            raise ValueError(f"chosen_epoch={chosen_epoch}, but there are {len(self.losses)}.")
        self.chosen_epoch = chosen_epoch
        self.metric = metric

    @classmethod
    def from_estimator(
        cls, model: Any, *, ax: "Axes | None" = None, log_scale: bool = False
    ) -> Self:
        """Draw how a network was trained.

        Parameters
        ----------
        model : estimator
            `MLPClassifier` or `MLPRegressor` of this package, or scikit-learn's.
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        log_scale : bool, default=False
            Make the axis of the losses logarithmic.

        Returns
        -------
        display : LossCurveDisplay
        """
        caller = f"{cls.__name__}.from_estimator"
        drawing.require_matplotlib(caller)
        owners = "Take an MLPClassifier or MLPRegressor with solver 'adam', 'adamw' or 'sgd'."
        models.check_model(model, caller, {"loss_curve_": owners})
        scores = getattr(model, "validation_scores_", None)
        chosen = None
        if scores is not None and getattr(model, "early_stopping", False):
            chosen = int(np.nanargmax(scores)) + 1
        display = cls(
            losses=model.loss_curve_,
            validation_losses=getattr(model, "validation_loss_curve_", None),
            validation_scores=scores,
            chosen_epoch=chosen,
            metric="accuracy" if is_classifier(model) else "R²",
        )
        return display.plot(ax, log_scale=log_scale)

    def plot(self, ax: "Axes | None" = None, *, log_scale: bool = False) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.
        log_scale : bool, default=False
            Make the axis of the losses logarithmic.

        Returns
        -------
        self : LossCurveDisplay
        """
        from matplotlib.ticker import MaxNLocator

        ax = drawing.make_axes(ax, f"{type(self).__name__}.plot")
        epochs = np.arange(1, len(self.losses) + 1)
        dots: dict[str, Any] = {"marker": "o", "markersize": 3.0} if len(epochs) < 3 else {}
        ax.set(xlabel="epoch", ylabel="loss", yscale="log" if log_scale else "linear")
        ax.xaxis.set_major_locator(MaxNLocator(nbins="auto", integer=True))
        margin = max(0.03 * (len(epochs) - 1), 0.3)
        ax.set_xlim(1 - margin, len(epochs) + margin)
        ax.spines[["top", "right"]].set_visible(False)
        style: dict[str, Any] = {"linewidth": 1.8} | dots
        drawn = ax.plot(epochs, self.losses, label="training loss", **TRAINING, **style)
        self.loss_line_ = drawn[0]
        self.validation_line_ = self.score_line_ = self.score_ax_ = None
        lines = [self.loss_line_]
        if self.validation_losses is not None:
            (self.validation_line_,) = ax.plot(
                epochs, self.validation_losses, label="validation loss", **VALIDATION, **style
            )
            lines.append(self.validation_line_)
        if self.validation_scores is not None:
            lines.append(self._draw_scores(ax, epochs, style))
        drawing.settle(ax)
        ax.legend(
            handles=lines,
            fontsize=drawing.SMALL,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(lines) if drawing.pixels(ax)[0] > 270 else 1,
            frameon=False,
        )
        drawing.settle(ax)
        self.epoch_line_ = self.epoch_text_ = None
        if self.chosen_epoch is not None:
            self._mark(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_scores(self, ax, epochs, style):
        """Draw the scores against an axis of their own; return the line."""
        self.score_ax_ = ax.twinx()
        color = drawing.ink(SCORE["color"])
        (self.score_line_,) = self.score_ax_.plot(
            epochs, self.validation_scores, label=f"validation {self.metric}", **SCORE, **style
        )
        self.score_ax_.set_ylabel(f"validation {self.metric}", color=color)
        self.score_ax_.tick_params(axis="y", labelcolor=color)
        self.score_ax_.spines[["top", "left"]].set_visible(False)
        return self.score_line_

    def _mark(self, ax):
        """Draw the chosen epoch, and make room for what is written beside it."""
        text = f"kept: epoch {self.chosen_epoch}"
        if self.validation_scores is not None:
            text += f"\n{self.metric} {self.validation_scores[self.chosen_epoch - 1]:.3g}"
        mark = drawing.Mark(self.chosen_epoch, text, bold=True)
        (self.epoch_line_,), (self.epoch_text_,), strip = drawing.draw_marks(ax, [mark])
        if self.score_ax_ is not None:
            drawing.add_strip(self.score_ax_, strip)
