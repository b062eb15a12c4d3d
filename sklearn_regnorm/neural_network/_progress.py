"""What training says of itself: to callbacks of scikit-learn, and on paper with `verbose`."""

from .._callbacks import root_context
from ._network import copies, set_population_statistics


class Progress:
    """Reports every epoch.

    To callbacks, each epoch is a task of the fit, which comes with a fitted estimator: what there
    would be if training ended there.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    X, y : array-like
        As given to `fit`.
    most : int
        Epochs at most.
    """

    def __init__(self, estimator, X, y, most):
        self.estimator, self.data = estimator, {"X": X, "y": y}
        self.context = root_context(estimator, most)
        if self.context is not None:
            self.context.call_on_fit_task_begin(estimator=estimator, **self.data)

    def report(self, epoch, history, layers, rows):
        """Report an epoch, the first being 1; return whether a callback wants no more."""
        if self.estimator.verbose:
            text = f"Iteration {epoch}, loss = {history.losses[-1]:.8f}"
            if history.watched:
                text += f", validation score = {history.scores[-1]:.6f}"
            print(f"[{type(self.estimator).__name__}] {text}")
        if self.context is None:
            return False
        task = self.context.subcontext("epoch", task_id=epoch - 1)
        task.call_on_fit_task_begin(estimator=self.estimator)

        def fitted():
            twins = copies(layers)
            set_population_statistics(twins, rows.X, rows.weights)
            return {"layers_": twins}

        return bool(
            task.call_on_fit_task_end(
                estimator=self.estimator, **self.data, reconstruction_attributes=fitted
            )
        )

    def end(self):
        """Report that the estimator is fitted."""
        if self.context is not None:
            self.context.call_on_fit_task_end(
                estimator=self.estimator, **self.data, reconstruction_attributes=dict
            )
