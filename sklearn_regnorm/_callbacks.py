"""Scikit-learn's callbacks, where it has them (1.9 and later), and nothing where it has not.

The one file that knows of names which scikit-learn marks as private: `_init_callback_context`,
which its documentation gives to those who implement estimators, and the attribute that holds the
callbacks, whose absence spares a fit without callbacks the cost of reporting.
"""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks."""

    def with_callbacks(fit):
        """Return `fit` as it is."""
        return fit


def root_context(estimator, max_subtasks):
    """Return the context of a fit with subtasks that are given their numbers, or None."""
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return estimator._init_callback_context(max_subtasks=max_subtasks, sequential_subtasks=False)


__all__ = ["CallbackSupportMixin", "root_context", "with_callbacks"]
