"""A fitted model on half a page, as text and as HTML."""

from dataclasses import dataclass
from html import escape

import numpy as np

from .._validation import check_number
from ._selection import CRITERIA


@dataclass(frozen=True)
class Summary:
    """Titled lines of a fitted model; `str` gives text, notebooks show HTML.

    Attributes
    ----------
    title : str
    facts : list of (str, str)
        What is said, and its value.
    coefficients : list of (str, float)
        The largest, by name.
    """

    title: str
    facts: list
    coefficients: list

    def _rows(self):
        return [*self.facts, *((name, f"{value:+.6g}") for name, value in self.coefficients)]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self._rows())
        lines = [f"{name:<{width}}  {value}" for name, value in self.facts]
        if self.coefficients:
            lines += ["", "largest coefficients"]
            lines += [f"{name:<{width}}  {value:+.6g}" for name, value in self.coefficients]
        return "\n".join([self.title, "=" * len(self.title), *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table><caption>{escape(self.title)}</caption><tbody>{rows}</tbody></table>"


def summarise(model, n_coefficients):
    """Return the `Summary` of a fitted CV estimator."""
    n_coefficients = check_number("n_coefficients", n_coefficients, low=0, integer=True)
    table, row = model.cv_table_, model.best_index_
    row = int(np.ravel(row)[0])  # with one penalty per target, that of the first
    name, rule = model.metric_, model.selection_rule
    lambdas = np.ravel(model.lambda_1_), np.ravel(model.lambda_2_)
    many = np.ndim(model.alpha_) > 0
    facts = [
        ("chosen by", f"{getattr(rule, '__name__', rule)} of {len(table['alpha'])} candidates"),
        ("alpha", _numbers(model.alpha_)),
        ("lambda_1 (L1)", _numbers(lambdas[0])),
        ("lambda_2 (L2)", _numbers(lambdas[1])),
        ("L1 ratio", f"{table['l1_ratio'][row]:.6g}"),
    ]
    if "relax" in table:
        facts.append(("relax (share penalised)", f"{table['relax'][row]:g}"))
    coef = np.atleast_2d(model.coef_)
    facts.append(("non-zero coefficients", f"{(coef != 0).sum()} of {coef.size}"))
    if not many:
        mean, error = table[f"mean_test_{name}"][row], table[f"se_test_{name}"][row]
        label = name.removeprefix("neg_").replace("_", " ")
        sign = -1.0 if name.startswith("neg_") else 1.0
        # two digits, and 150 rather than 1.5e+02; adding 0 makes -0 a 0
        spread = "" if np.isnan(error) else f" ± {float(f'{error:.2g}'):g} (SE)"
        facts.append((f"cross-validated {label}", f"{sign * mean + 0.0:.6g}{spread}"))
    facts += [
        (one.upper(), f"{table[one][row]:.6g}")
        for one in CRITERIA
        if one in table and not np.isnan(table[one][row])
    ]
    facts.append(("duality gap (certificate)", f"{np.max(model.dual_gap_):.2e}"))
    facts.append(("intercept", _numbers(model.intercept_)))
    return Summary(type(model).__name__, facts, _largest(model, coef, n_coefficients))


def _numbers(values):
    return ", ".join(f"{value:.6g}" for value in np.ravel(values)[:4]) + (
        ", ..." if np.size(values) > 4 else ""
    )


def _largest(model, coef, count):
    """Return (name, value) of the largest coefficients; one per column, over all targets."""
    names = coefficient_names(model, coef.shape[1])
    strongest = np.abs(coef).argmax(axis=0)
    values = coef[strongest, np.arange(coef.shape[1])]
    order = np.argsort(-np.abs(values), kind="stable")[:count]
    return [(names[j], float(values[j])) for j in order if values[j] != 0]


def coefficient_names(model, n_coefficients):
    """Return the names of what a fitted model's coefficients belong to: x0, x1, ... if unknown."""
    names = getattr(model, "feature_names_in_", None)
    if getattr(model, "preprocessor_", None) is not None:  # whose columns may be others
        try:
            names = model.preprocessor_.get_feature_names_out(names)
        except (AttributeError, ValueError):  # not every transformer has names for them
            names = None
    if names is None or len(names) != n_coefficients:
        return [f"x{j}" for j in range(n_coefficients)]
    return [str(name) for name in names]
