"""Real data sets, read from a folder of files that the user has; none is part of the package.

==============  ==============================================================================
riboflavin      riboflavin.npz: X 71×4088 gene expressions, y
golub           golub_leukemia.npz: X 72×7129, y 0/1
mice            mice_snp.npz: X 1814×10346 in 0/1/2, BMI
movies          movie_reviews_counts.npz (CSR 2000×24087), movie_reviews_y.npz: y
subjectivity    subjectivity_counts.npz (CSR 10000×11289), subjectivity_y.npz: y
flights         nycflights13.npz: X_num, codes of categories, y; one-hot: 284550×143
==============  ==============================================================================

Expressions and SNPs are standardised, constant columns dropped; counts become tf-idf.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from .cases import CASES, Case, sized

FOLDER = "REGNORM_BENCHMARK_DATA"


def _standardised(X):
    X = X.astype(np.float64)
    X = X[:, X.std(axis=0) > 0]
    return np.asfortranarray((X - X.mean(axis=0)) / X.std(axis=0))


def _expressions(file, target="y"):
    def read(folder):
        with np.load(folder / file) as data:
            return _standardised(data["X"]), data[target].astype(np.float64)

    return read


def _words(name):
    def read(folder):
        from sklearn.feature_extraction.text import TfidfTransformer

        counts = sparse.load_npz(folder / f"{name}_counts.npz").astype(np.float64)
        with np.load(folder / f"{name}_y.npz") as data:
            y = data["y"].astype(np.float64)
        order = np.random.default_rng(0).permutation(len(y))  # files hold one class after another
        X = TfidfTransformer(sublinear_tf=True).fit_transform(counts)[order]
        return sparse.csc_matrix(X), y[order]

    return read


def _flights(folder):
    with np.load(folder / "nycflights13.npz") as data:
        columns = [data["X_num"].astype(np.float64)]
        for name in ("weekday", "carrier", "origin", "dest"):
            codes = data[name]
            columns.append((codes[:, None] == np.unique(codes)[1:]) * 1.0)
        return np.asfortranarray(np.hstack(columns)), data["y"].astype(np.float64)


READERS = {
    "riboflavin": ("riboflavin.npz", _expressions("riboflavin.npz")),
    "golub": ("golub_leukemia.npz", _expressions("golub_leukemia.npz")),
    "mice": ("mice_snp.npz", _expressions("mice_snp.npz", "BMI")),
    "movies": ("movie_reviews_counts.npz", _words("movie_reviews")),
    "subjectivity": ("subjectivity_counts.npz", _words("subjectivity")),
    "flights": ("nycflights13.npz", _flights),
}


@dataclass(frozen=True)
class RealCase(Case):
    """A data set that is read instead of generated, or replaced by a tiny generated one."""

    def scaled(self, factor: int) -> Case:
        """Return the case itself, or where it is to be smaller the one for warming up."""
        return self if factor == 1 else self.warm_up()

    def warm_up(self) -> Case:
        """Return a small generated case."""
        return Case(self.name, 60, 1_200, text=self.text, variants=self.variants)

    def generate(self):
        """Read X and y."""
        return READERS[self.name][1](Path(os.environ[FOLDER]))


def real_cases(folder):
    """Return {name: case} of the data sets whose files are in the folder."""
    stop = {"mice": ("ours-1e-8", "ours-stop")}
    return {
        name: RealCase(
            name,
            *(0, 0),
            text=name in ("movies", "subjectivity"),
            variants=stop.get(name, Case.variants),
        )
        for name, (file, _) in READERS.items()
        if (Path(folder) / file).exists()
    }


def known_cases():
    """Return {name: case} of the generated cases and of what the user's folder holds."""
    return CASES | (real_cases(os.environ[FOLDER]) if FOLDER in os.environ else {})


def find(name):
    """Return the case of that name or, as ``1000x300``, of that size; KeyError if none."""
    known = known_cases()
    return known[name] if name in known else sized(name)
