"""What the parameters of a network may be, alone and together."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from .._validation import check_choice, check_flag, check_number, naming
from ._network import ACTIVATIONS, GROUPS, NORMS

SOLVERS = "lbfgs", "sgd", "adam", "adamw"


def check_parameters(estimator):
    """Validate all parameters that classifier and regressor share."""
    given = estimator.get_params(deep=False)
    check_choice("activation", given["activation"], tuple(ACTIVATIONS))
    check_choice("solver", given["solver"], SOLVERS)
    check_choice("learning_rate", given["learning_rate"], ("constant", "invscaling", "adaptive"))
    check_choice("normalization", given["normalization"], (None, *NORMS))
    check_choice("normalization_position", given["normalization_position"], ("before", "after"))
    for name in ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping"):
        check_flag(name, given[name])
    for name in ("alpha", "power_t", "tol", "verbose"):
        check_number(name, given[name], low=0)
    for name in ("learning_rate_init", "epsilon"):
        check_number(name, given[name], low=0, boundaries="neither")
    for name in ("momentum", "l1_ratio"):
        check_number(name, given[name], low=0, high=1)
    for name in ("dropout", "beta_1", "beta_2", "validation_fraction"):
        check_number(name, given[name], low=0, high=1, boundaries="left")
    for name in ("max_iter", "max_fun"):
        check_number(name, given[name], low=1, integer=True)
    for name, other in (("batch_size", "auto"), ("n_iter_no_change", np.inf)):
        if not (np.isscalar(given[name]) and given[name] == other):
            check_number(name, given[name], low=1, integer=True)
    if given["n_jobs"] is not None:
        check_number("n_jobs", given["n_jobs"], integer=True)
        if given["n_jobs"] == 0:
            raise ValueError("n_jobs == 0 has no meaning; use None, a count, or -1 for all.")
    with naming("random_state"):
        check_random_state(given["random_state"])
    _check_together(estimator)


def _check_together(estimator):
    hidden, groups = hidden_widths(estimator), penalised_groups(estimator)
    normalised = estimator.normalization is not None
    for name, used in (("normalization", normalised), ("dropout", estimator.dropout > 0)):
        if used and not hidden:
            raise ValueError(
                f"{name}={getattr(estimator, name)!r} is for hidden layers, and "
                "hidden_layer_sizes=() has none."
            )
    for name in groups:
        if name in ("gamma", "beta") and not normalised:
            raise ValueError(f"penalize names {name!r}, which exists with normalization only.")
    if estimator.solver == "lbfgs":
        for name, used in (
            ("normalization", normalised),
            ("dropout", estimator.dropout > 0),
            ("l1_ratio", estimator.l1_ratio > 0 and estimator.alpha > 0),
            ("early_stopping", estimator.early_stopping),
        ):
            if used:
                raise ValueError(
                    f"solver='lbfgs' does not go with {name}={getattr(estimator, name)!r}: it "
                    "needs a smooth loss of all rows. Use solver='adam' or 'sgd'."
                )


def hidden_widths(estimator):
    """Return `hidden_layer_sizes` as a list."""
    sizes = estimator.hidden_layer_sizes
    sizes = [sizes] if isinstance(sizes, Integral) else sizes
    with naming("hidden_layer_sizes"):
        if isinstance(sizes, str) or not hasattr(sizes, "__iter__"):
            raise TypeError(f"must be integers, got {sizes!r}.")
        return [check_number("width", width, low=1, integer=True) for width in sizes]


def penalised_groups(estimator):
    """Return `penalize` as a tuple of names."""
    groups = estimator.penalize
    groups = (groups,) if isinstance(groups, str) else groups
    with naming("penalize"):
        if not hasattr(groups, "__iter__"):
            raise TypeError(f"must be names among {list(GROUPS)}, got {groups!r}.")
        return tuple(check_choice("penalize", name, tuple(GROUPS)) for name in groups)
