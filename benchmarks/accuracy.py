"""How many digits are right on NIST's Statistical Reference Datasets, beside scikit-learn.

``python -m benchmarks.accuracy`` writes ``doc/accuracy.md``; nothing is timed. The problems, and
their exact solutions, are those of the tests. R's columns need `Rscript`, and its glmnet.
"""

import shutil
import subprocess
import sys
import tempfile
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import sklearn
import sklearn.linear_model as sk
from sklearn.preprocessing import StandardScaler

from sklearn_regnorm import BatchNormalizer, Lasso, Ridge

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from strd import LINEAR, UNIVARIATE, digits  # noqa: E402

PAGE = ROOT / "doc" / "accuracy.md"
HEAD = """# How many digits are right

The problems of NIST's [Statistical Reference Datasets](https://www.itl.nist.gov/div898/strd/),
solved exactly in rational arithmetic, which agrees with the certified values; beside scikit-learn
{version} and R ({r_version}).
The number is that of correct digits of the worst coefficient (log relative error), at most 15, none
below zero; – where there is no answer (`lm` takes Filip's columns for dependent, glmnet takes no
single column). `make accuracy` writes this page; `tests/test_strd.py` checks the columns of this
package.

## Least squares

*Condition* is the condition number of the centred columns at length one. *Ceiling* is what rounding
the published decimals to floats leaves: the exact solution of the rounded data has no more digits.

{linear}

Our columns are at the ceiling but for intercepts that are small differences of large numbers
(Norris, Pontius), which the rounding of the other coefficients decides: small data (up to 2¹⁵
entries, and 64 columns with a coefficient) are refined in double-double arithmetic. So are lasso,
ridge and elastic net. `tests/test_exact.py` compares them with rational arithmetic, to 32 units of
the last digit: duplicated columns, Hilbert matrices, offsets to 1e12, scales of 1e±150, one row,
more columns than rows.

## Mean and standard deviation

*By rows* takes one row at a time (`partial_fit`). *Ceiling* is again that of the exact values of
rounded data.

{univariate}

Where scikit-learn has more digits than the ceiling, it is by chance. PiDigits is left out: its
certified mean is not that of the first 5000 digits of π.
"""


def results_of_r():
    """Return what R found, {(problem, method): numbers}, and its versions; {} if it is not here."""
    if shutil.which("Rscript") is None:
        return {}, "no R"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for name, problem in LINEAR.items():
            X, y = problem.floats
            parts = [*X.shape, problem.intercept], X.ravel(order="F"), y
            np.concatenate(parts).astype(float).tofile(folder / f"{name}.in")
        for name, problem in UNIVARIATE.items():
            x = problem.floats.ravel()
            np.concatenate([[len(x), 0.0, 0.0], x]).tofile(folder / f"{name}.in")
        script = Path(__file__).with_name("accuracy.R")
        done = subprocess.run(
            ["Rscript", script, folder], check=True, stdout=subprocess.PIPE, text=True
        )
        files = [path for path in folder.iterdir() if path.suffix != ".in"]
        found = {(path.stem, path.suffix[1:]): np.fromfile(path) for path in files}
    return found, done.stdout


def cell(number):
    """Return digits, cut off after one decimal."""
    return f"{max(0.0, np.floor(10 * number) / 10):.1f}"


def cell_of_r(found, name, method, truth):
    """Return the digits of what R found, or a dash."""
    numbers = found.get((name, method), np.array([np.nan]))
    return cell(digits(numbers, truth)) if np.isfinite(numbers).all() else "–"


def table(header, rows):
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def linear_table(r):
    """Return the table of least squares; `r` is what R found."""
    models = {
        "`Ridge(0)`": Ridge(0.0),
        "`Lasso(0)`": Lasso(0.0),
        "sk `LinearRegression`": sk.LinearRegression(),
        **{
            f"sk `Ridge(0)`, {solver}": sk.Ridge(0.0, solver=solver)
            for solver in ("cholesky", "svd", "lsqr")
        },
    }
    rows = []
    for name, problem in LINEAR.items():
        shape = f"{len(problem.y)} × {len(problem.exact)}"
        found = [digits(problem.coefficients(model), problem.exact) for model in models.values()]
        cells = [*map(cell, [problem.ceiling, *found])]
        cells += [cell_of_r(r, name, method, problem.exact) for method in ("lm", "glmnet")]
        rows.append([name, shape, f"{problem.condition:.0e}", *cells])
    names = ["problem", "size", "condition", "ceiling", *models, "R `lm`", "R glmnet, λ = 0"]
    return table(names, rows)


def univariate_table(r):
    """Return the table of moments; `r` is what R found."""
    rows = []
    for name, problem in UNIVARIATE.items():
        x = problem.floats
        unit = len(x) / (len(x) - 1)  # StandardScaler's variance has the divisor n
        fits = [BatchNormalizer(ddof=1).fit(x), BatchNormalizer(ddof=1)]
        fits += [StandardScaler().fit(x), StandardScaler()]
        for row in x:
            fits[1].partial_fit(row[None])
            fits[3].partial_fit(row[None])
        found = [
            (model.mean_[0], np.sqrt(model.var_[0] * factor))
            for model, factor in zip(fits, (1.0, 1.0, unit, unit), strict=True)
        ]
        truth = Fraction(problem.mean), Fraction(problem.deviation)
        cells = [cell(problem.ceiling), *(cell(digits(one, truth)) for one in found)]
        rows.append([name, str(len(x)), *cells, cell_of_r(r, name, "moments", truth)])
    names = ["`BatchNormalizer`", "by rows", "sk `StandardScaler`", "sk by rows", "R `mean`, `sd`"]
    return table(["problem", "size", "ceiling", *names], rows)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # scikit-learn's about ill-conditioned matrices
    r, r_version = results_of_r()
    text = HEAD.format(
        version=sklearn.__version__,
        r_version=r_version,
        linear=linear_table(r),
        univariate=univariate_table(r),
    )
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
