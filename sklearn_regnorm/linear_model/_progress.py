"""What a long fit says of itself: to callbacks of scikit-learn, and on paper with `verbose`."""

from threading import Lock

import numpy as np

from .._callbacks import root_context


def follow(estimator, setting, grid, n_folds, X, y):
    """Return the `Progress` of a fit, or None if nobody wants to know."""
    in_one_go = setting.engine.whole_grids
    context = root_context(estimator, len(grid.ratios) + (n_folds if in_one_go else 0))
    if context is None and not estimator.verbose:
        return None
    return Progress(estimator, context, setting, grid, n_folds if in_one_go else 0, X, y)


class Progress:
    """Reports folds that are solved whole, and penalties as the fit to all rows passes them.

    To callbacks, each fold and each ratio is a task of the fit, and each penalty one of its ratio;
    that comes with a fitted estimator, so that it can be scored.

    Attributes
    ----------
    n_folds : int
        Folds that report one by one, as they do where whole grids are solved at once.
    """

    def __init__(self, estimator, context, setting, grid, n_folds, X, y):
        self.estimator = estimator
        self.context = context
        self.setting = setting
        self.grid = grid
        self.n_folds = n_folds
        self.data = {"X": X, "y": y}
        self.lock = Lock()
        self.ratio = None
        if context is not None:
            context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def fold_solved(self, k):
        """Report that fold k has been solved for all penalties."""
        with self.lock:
            self._say(f"fold {k + 1} of {self.n_folds}")
            if self.context is not None:
                task = self.context.subcontext("fold", task_id=k)
                task.call_on_fit_task_begin(estimator=self.estimator)
                task.call_on_fit_task_end(estimator=self.estimator)

    def solved(self, i, part, coefs):
        """Report inner coefficients (m, p) at some penalties of the i-th ratio, on all rows.

        Returns whether a callback wants no more of that ratio.
        """
        alphas = self.grid.alphas[i]
        for j, w in zip(range(len(alphas))[part], coefs, strict=True):
            self._say(
                f"l1_ratio {self.grid.ratios[i]:g}, alpha {alphas[j]:.4g} ({j + 1} of "
                f"{len(alphas)}), {np.count_nonzero(w)} non-zero coefficients"
            )
        if self.context is None:
            return False
        if part.start == 0:
            self.ratio = self.context.subcontext(
                "l1_ratio", task_id=self.n_folds + i, max_subtasks=len(alphas)
            )
            self.ratio.call_on_fit_task_begin(estimator=self.estimator)
        stop = False
        for w in coefs:
            task = self.ratio.subcontext("alpha")
            task.call_on_fit_task_begin(estimator=self.estimator)
            fitted = {"reconstruction_attributes": lambda w=w: self._fitted(w)}
            stop |= task.call_on_fit_task_end(estimator=self.estimator, **self.data, **fitted)
        if part.stop >= len(alphas) or stop:
            self.ratio.call_on_fit_task_end(estimator=self.estimator)
        return stop

    def end(self):
        """Report that the estimator is fitted."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, **self.data, reconstruction_attributes=dict
            )

    def _fitted(self, w):
        coefs, intercepts = self.setting.published([w[None].copy()])
        found = {"coef_": coefs[0, 0], "intercept_": float(intercepts[0, 0])}
        if self.setting.made is not None:
            found["preprocessor_"] = self.setting.made.whole
        return found

    def _say(self, text):
        if self.estimator.verbose:
            print(f"[{type(self.estimator).__name__}] {text}")
