"""Which row of a table of cross-validation is chosen, and how the table is made."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.stats import rankdata

from .._validation import check_choice

CRITERIA = "aic", "bic", "ebic"
RULES = "min", "1se", *CRITERIA
FOLD_WEIGHTINGS = "equal", "size"
# EBIC's gamma (Chen and Chen, Biometrika 95 (2008)).
EBIC_GAMMA = 0.5
# Multiplications that degrees of freedom of a ridge part may take if nobody asked for them.
FREEDOM_WORK = 2e9


def check_rule(rule):
    """Validate a selection rule."""
    return rule if callable(rule) else check_choice("selection_rule", rule, RULES)


def mean_and_error(scores, sizes, weighting):
    """Return the mean (...) of scores (..., n_folds) and its standard error.

    The error is ``sqrt(sum n_k (m_k - m)^2 / sum n_k / (K - 1))``, n_k being the held-out weight
    of fold k and m the mean, weighted by n_k ("size") or not ("equal"). NaN with one fold.
    """
    share = sizes / sizes.sum()
    mean = scores @ share if weighting == "size" else scores.mean(axis=-1)
    if scores.shape[-1] < 2:
        return mean, np.full_like(mean, np.nan)
    unit = size_of(scores)
    with np.errstate(invalid="ignore"):  # infinite scores have no error
        spread = (((scores - mean[..., None]) / unit) ** 2) @ share
    return mean, unit * np.sqrt(spread / (scores.shape[-1] - 1))


def size_of(scores):
    """Return the power of two next to the largest score: the square of a score may be no float."""
    size = np.max(np.abs(scores), initial=0.0, where=np.isfinite(scores))
    return np.ldexp(1.0, np.frexp(size)[1] - 1)


def information_criteria(mean_square, freedom, weight, n_rows, n_features):
    """Return {name: values}: ``N log(RSS / N) + c df`` with N the total weight.

    c is 2 for "aic", log N for "bic" and log N + 2 * 0.5 * log p for "ebic". NaN where df is above
    half the number of rows: toward as many as rows log RSS falls without end, whatever the data,
    and the least would always be there. (Chen and Chen bound the size of models, too.)
    """
    freedom = np.where(freedom <= n_rows / 2, freedom, np.nan)
    with np.errstate(divide="ignore"):
        fit, log = weight * np.log(mean_square), np.log(weight)
    costs = 2.0, log, log + 2.0 * EBIC_GAMMA * np.log(n_features)
    with np.errstate(invalid="ignore"):  # NaN if weights add up to infinity
        return {name: fit + cost * freedom for name, cost in zip(CRITERIA, costs, strict=True)}


@dataclass(frozen=True)
class Grid:
    """The rows of a table: every ratio, its alphas in decreasing order, and every blend.

    Attributes
    ----------
    ratios : list of float
    alphas : ndarray of shape (n_ratios, n_alphas)
    blends : list of float or None
        Shares of the penalised coefficients in relaxed ones; None without relaxing.
    unit : float
        What an alpha of one is in units of the mean loss.
    """

    ratios: list
    alphas: np.ndarray
    blends: list | None = None
    unit: float = 1.0

    @property
    def shape(self):
        """(n_ratios, n_alphas, n_blends)."""
        return (*self.alphas.shape, 1 if self.blends is None else len(self.blends))

    def place(self, row):
        """Return the indices (ratio, alpha, blend) of a row."""
        return tuple(int(i) for i in np.unravel_index(row, self.shape))

    def columns(self):
        """Return {key: column} of what defines the rows."""

        def spread(values):
            return np.array(np.broadcast_to(values, self.shape)).ravel()

        alpha = spread(self.alphas[:, :, None])
        ratio = spread(np.array(self.ratios)[:, None, None])
        found = {
            "alpha": alpha,
            "l1_ratio": ratio,
            "lambda_1": alpha * ratio * self.unit,
            "lambda_2": alpha * (1.0 - ratio) / 2.0 * self.unit,
        }
        if self.blends is not None:
            found["relax"] = spread(np.array(self.blends))
        return found


def make_table(grid, scores, sizes, weighting, extras, splits=True):
    """Return the table {key: column} of all rows of `grid`.

    Parameters
    ----------
    grid : Grid
    scores : dict of str to ndarray of shape (n_ratios, n_alphas, n_blends, n_folds)
        Greater is better.
    sizes : ndarray of shape (n_folds,)
        Held-out weight of each fold.
    weighting : {"equal", "size"}
    extras : dict of str to ndarray of shape (n_ratios, n_alphas[, n_blends])
    splits : bool
        Whether the single folds are columns, too.
    """
    table = grid.columns()
    for name, values in scores.items():
        values = values.reshape(-1, values.shape[-1])
        mean, error = mean_and_error(values, sizes, weighting)
        table[f"mean_test_{name}"] = mean
        unit = size_of(values)
        with np.errstate(invalid="ignore"):
            table[f"std_test_{name}"] = unit * (values / unit).std(axis=1)
        table[f"se_test_{name}"] = error
        for k, split in enumerate(values.T) if splits else ():
            table[f"split{k}_test_{name}"] = split.copy()
        ranked = rankdata(np.where(np.isnan(mean), np.inf, -mean), method="min")
        table[f"rank_test_{name}"] = ranked.astype(np.int32)
    for name, values in extras.items():
        values = values if values.ndim == 3 else values[:, :, None]
        table[name] = np.array(np.broadcast_to(values, grid.shape)).ravel()
    return table


def choose(table, rule, metric):
    """Return the row of `table` that a rule picks, by a metric where it goes by one.

    Of equals, the first: the largest alpha of the first ratio. What is NaN is never picked.

    Raises
    ------
    ValueError
        If the rule has nothing to go by, or returns no row.
    """
    check_rule(rule)
    if callable(rule):
        return _called(table, rule)
    if rule in CRITERIA:
        return _least_criterion(table, rule)
    mean = table[f"mean_test_{metric}"]
    if np.isnan(mean).all():
        raise ValueError(f"No penalty has a {metric} on every fold: there is none to choose.")
    best = int(np.nanargmax(mean))
    if rule == "min":
        return best
    error = table[f"se_test_{metric}"][best]
    if np.isnan(error):
        raise ValueError('selection_rule="1se" needs a standard error, that is at least 2 folds.')
    same = table["l1_ratio"] == table["l1_ratio"][best]
    # never a smaller penalty, whichever row is the first best
    near = same & (mean >= mean[best] - error) & (table["alpha"] >= table["alpha"][best])
    rows = np.flatnonzero(near & (table["alpha"] == table["alpha"][near].max()))
    return int(rows[np.argmax(mean[rows])])


def _least_criterion(table, rule):
    if rule not in table:
        raise ValueError(f"selection_rule={rule!r} is for one target; use 'min' or '1se'.")
    values, freedom = table[rule], table["df"]
    if np.isnan(freedom).all():
        raise ValueError(
            f"selection_rule={rule!r} has no degrees of freedom to go by: it does not apply with "
            "bounds or positive=True, nor to relaxed coefficients only. Use 'min' or '1se'."
        )
    unknown = np.isnan(freedom) & ~np.isnan(table["n_nonzero"])
    if "relax" in table:
        unknown &= table["relax"] == 1.0
    if unknown.any():
        raise ValueError(
            f"{rule} was not computed for {unknown.sum()} rows with many non-zero coefficients: "
            f"fit with selection_rule={rule!r} to have it for all."
        )
    if np.isnan(values).all():
        raise ValueError(
            f"selection_rule={rule!r} says nothing of models with a df above half the rows, "
            f"and here all have one of {np.nanmin(freedom):.3g} or more: try larger alphas."
        )
    return int(np.nanargmin(values))


def _called(table, rule):
    row = rule({key: column.copy() for key, column in table.items()})
    n_rows = len(table["alpha"])
    number = isinstance(row, Real) and not isinstance(row, bool)
    if not (number and 0 <= row < n_rows and row == int(row)):
        raise ValueError(f"The selection rule returned {row!r}, not a row in [0, {n_rows}).")
    row = int(row)
    if np.isnan(table.get("n_nonzero", [0] * n_rows)[row]):
        raise ValueError(f"The selection rule returned row {row}, which early_stopping left out.")
    return row
