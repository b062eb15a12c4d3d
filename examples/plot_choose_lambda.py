"""
Choose the penalty by cross-validation
======================================

Lasso, elastic net and Ridge choose their own penalty by 10-fold cross-validation on two data
sets that scikit-learn ships:

- *diabetes* with all pairwise products: 442 patients, 65 columns, the progress of the disease;
- *breast cancer*: 569 tumours, 30 columns, malignant or benign as a 0/1 regression target.

The penalty is λ1·Σ|w| + λ2·Σw². A quarter of the rows is held out and never seen by a fit. One
table says what was chosen, how well it predicts, how exact it is and how long it took beside
scikit-learn; one picture shows the cross-validation curve and the coefficient path of the Lasso.

Run it with ``make demo``, or ``python examples/plot_choose_lambda.py --output picture.png``.
"""

import argparse
import time
import warnings
from importlib.util import find_spec

import numpy as np
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import sklearn_regnorm

N_FOLDS = 10
RATIOS = [0.1, 0.5, 0.7, 0.9, 0.99]  # λ1 : λ2 is ratio : (1 - ratio) / 2

# %%
# The data
# --------
# Columns are scaled by the training rows beforehand, so that both packages are handed the very
# same problem (``standardize=True`` would do it inside each fold).


def load():
    """Return {name: (X_train, X_test, y_train, y_test, column names)}."""
    diabetes, cancer = load_diabetes(), load_breast_cancer()
    products = PolynomialFeatures(degree=2, include_bias=False).fit(diabetes.data)
    tables = {
        "diabetes": (
            products.transform(diabetes.data),
            diabetes.target,
            products.get_feature_names_out(diabetes.feature_names),
        ),
        # 1 = malignant
        "breast cancer": (cancer.data, 1.0 - cancer.target, cancer.feature_names),
    }
    problems = {}
    for name, (X, y, columns) in tables.items():
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        problems[name] = (X_train, X_test, y_train, y_test, columns)
    return problems


# %%
# The fits
# --------
# scikit-learn gets the same call. Its ``RidgeCV`` tries three penalties by default, so it is given
# the wide grid that ours found.


def timed_fit(model, X, y):
    """Fit the model; return (seconds, whether it warned of not having converged)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - start
    return seconds, any(issubclass(w.category, ConvergenceWarning) for w in caught)


def models():
    """Yield (name, our estimator, function that makes scikit-learn's)."""
    yield (
        "Lasso",
        sklearn_regnorm.LassoCV(cv=N_FOLDS),
        lambda ours: linear_model.LassoCV(cv=N_FOLDS),
    )
    yield (
        "ElasticNet",
        sklearn_regnorm.ElasticNetCV(l1_ratio=RATIOS, cv=N_FOLDS),
        lambda ours: linear_model.ElasticNetCV(l1_ratio=RATIOS, cv=N_FOLDS),
    )
    yield (
        "Ridge",
        sklearn_regnorm.RidgeCV(alphas=100, cv=N_FOLDS),
        lambda ours: linear_model.RidgeCV(
            ours.alphas_, cv=N_FOLDS, scoring="neg_mean_squared_error"
        ),
    )


def describe(model, problem):
    """Return the part of the table's row that speaks of the fitted model."""
    X_train, X_test, y_train, y_test, _ = problem
    errors = model.mse_path_.reshape(-1, N_FOLDS)  # one row per penalty tried
    chosen = errors[errors.mean(axis=1).argmin()]
    l1 = model.lambda_1_
    return {
        "λ1": f"{l1:.4g}",
        "λ2": f"{model.lambda_2_:.4g}",
        "ratio": f"{getattr(model, 'l1_ratio_', float(l1 > 0)):.2f}",
        "non-zeros": f"{np.count_nonzero(model.coef_)}/{X_train.shape[1]}",
        "CV error ± SE": f"{chosen.mean():.4g} ± {chosen.std(ddof=1) / N_FOLDS**0.5:.2g}",
        "held-out": f"{np.mean((y_test - model.predict(X_test)) ** 2):.4g}",
        # The duality gap bounds how far the fit is from the optimum, up to rounding.
        "certificate": f"{max(model.dual_gap_ / y_train.var(), 64 * np.finfo(float).eps):.0e}",
    }


def run(problems):
    """Fit everything; return the table's rows and {data name: fitted LassoCV}."""
    rows, lassos = [], {}
    for data, problem in problems.items():
        X, _, y, _, _ = problem
        for name, ours, make_theirs in models():
            first, _ = timed_fit(ours, X, y)  # loads or compiles the kernels it is first to need
            again, _ = timed_fit(ours, X, y)
            theirs, unconverged = timed_fit(make_theirs(ours), X, y)
            rows.append(
                {"data": data, "model": name}
                | describe(ours, problem)
                | {
                    "time": f"{again:.3f}",
                    "first fit": f"{first:.2f}",
                    "scikit-learn": f"{theirs:.3f}" + ("*" if unconverged else " "),
                }
            )
            if name == "Lasso":
                lassos[data] = ours
    return rows, lassos


def print_table(rows):
    """Print a list of dictionaries as an aligned table."""
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    print("  ".join(key.ljust(width) for key, width in widths.items()))
    print("  ".join("-" * width for width in widths.values()))
    for row in rows:
        print("  ".join(row[key].ljust(width) for key, width in widths.items()))
    print(
        f"\nerrors: mean squared error ({N_FOLDS} folds, and the held-out quarter). certificate: "
        "proven\ndistance from the optimum, 1 = the error of predicting the mean. first fit: with "
        "what numba\nhas to load or compile. *: scikit-learn warned that it did not converge."
    )


# %%
# The picture
# -----------
# Left, the mean error over the folds with its standard error; right, each column's coefficient.
# The dashed line is the λ1 that cross-validation chose.


def draw(problems, lassos, path):
    """Draw the CV curve and the coefficient path of every Lasso into one PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # Okabe and Ito's colours, told apart by colour-blind readers too
    colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"]
    fig, axes = plt.subplots(len(lassos), 2, figsize=(11, 3.6 * len(lassos)), squeeze=False)
    for (data, model), (left, right) in zip(lassos.items(), axes, strict=True):
        X, *_, columns = problems[data]
        mean = model.mse_path_.mean(axis=1)
        error = model.mse_path_.std(axis=1, ddof=1) / N_FOLDS**0.5
        left.errorbar(
            model.alphas_, mean, yerr=error, color=colors[0], ecolor="0.75", marker=".", lw=1
        )
        left.set_ylabel("squared error, 10 folds ± SE")
        left.set_title(f"{data}, {X.shape[0]}×{X.shape[1]}: cross-validation")

        right.plot(model.alphas_, model.coef_path_, color="0.8", lw=0.8)
        largest = np.argsort(-np.abs(model.coef_))[: len(colors)]
        for color, j in zip(colors, largest, strict=True):
            right.plot(model.alphas_, model.coef_path_[:, j], color=color, lw=2, label=columns[j])
        # the small-λ end can dwarf the rest: show what the chosen model is about
        limit = 2.2 * np.abs(model.coef_).max()
        right.set_ylim(-limit, limit)
        right.legend(title="largest at the chosen λ1", fontsize=8, loc="lower left")
        right.set_ylabel("coefficient (scaled column)")
        right.set_title(
            f"{np.count_nonzero(model.coef_)} of {X.shape[1]} coefficients non-zero at the choice"
        )
        for axis in (left, right):
            axis.axvline(model.alpha_, color="black", ls="--", lw=1)
            axis.set_xscale("log")
            axis.invert_xaxis()
            axis.set_xlabel("λ1 (stronger penalty on the left)")
            axis.spines[["top", "right"]].set_visible(False)
    fig.tight_layout()
    if path:
        fig.savefig(path, dpi=110)
        print(f"\nwrote {path}")


def main(output):
    """Print the table, draw the picture."""
    problems = load()
    rows, lassos = run(problems)
    print_table(rows)
    if find_spec("matplotlib") is None:
        print("\nno picture: matplotlib is not installed (pip install '.[plot]')")
    else:
        draw(problems, lassos, output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Choose λ by cross-validation on real data.")
    parser.add_argument("--output", default="choose_lambda.png", help="where to save the picture")
    main(parser.parse_args().output)
