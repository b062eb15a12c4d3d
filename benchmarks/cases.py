"""The problems: generated from a fixed seed, written to disk once, read by every package."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.model_selection import KFold

N_FOLDS = 5
N_ALPHAS = 100
EPS = 1e-3  # the smallest penalty over the largest


@dataclass(frozen=True)
class Case:
    """A regression problem to cross-validate, and the elastic net ratios to try.

    `variants` names the further fits of this package to time on it (`runner.VARIANTS`).
    """

    name: str
    n_rows: int
    n_columns: int
    l1_ratios: tuple[float, ...] = (1.0,)
    text: bool = False
    variants: tuple[str, ...] = ("ours-1e-8",)

    def scaled(self, factor: int) -> "Case":
        """Return the case with rows and columns divided by the factor (but not below 40 and 8)."""
        return replace(
            self,
            n_rows=max(40, self.n_rows // factor),
            n_columns=max(8, self.n_columns // factor),
        )

    def warm_up(self) -> "Case":
        """Return a case that is fitted in no time, but by the same code (a Gram matrix or not)."""
        return Case(self.name, 60, min(self.n_columns, 1_200), self.l1_ratios, self.text)

    def generate(self):
        """Return X (Fortran-ordered, or CSC) and y."""
        rng = np.random.default_rng(0)
        if self.text:
            return _text_like(rng, self.n_rows, self.n_columns)
        return _autoregressive(rng, self.n_rows, self.n_columns)


CASES = {
    case.name: case
    for case in (
        Case("wide", 500, 20_000, variants=("ours-1e-8", "ours-path")),
        Case("mid", 2_000, 5_000, variants=("ours-1e-8", "ours-stop")),
        Case("tall", 100_000, 300, variants=("ours-1e-8", "ours-10-folds")),
        Case("tall-enet", 100_000, 300, l1_ratios=(0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99)),
        Case("text", 10_000, 50_000, text=True),
    )
}


def sized(name: str) -> Case:
    """Return the dense case that is named by its size, such as ``1000x300``."""
    size = re.fullmatch(r"(\d+)x(\d+)", name)
    if not size:
        raise KeyError(name)
    return Case(name, *map(int, size.groups()), variants=())


def _autoregressive(rng, n_rows, n_columns, correlation=0.5):
    """Neighbouring columns correlate by 0.5; a tenth of min(n, p) matter; signal : noise is 5."""
    X = np.empty((n_rows, n_columns), order="F")
    X[:, 0] = rng.standard_normal(n_rows)
    for j in range(1, n_columns):
        fresh = rng.standard_normal(n_rows)
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * fresh
    matter = rng.choice(n_columns, max(1, min(n_rows, n_columns) // 10), replace=False)
    signal = X[:, matter] @ rng.standard_normal(matter.size)
    return X, signal + rng.standard_normal(n_rows) * signal.std() / np.sqrt(5)


def _text_like(rng, n_rows, n_columns):
    """Words drawn by Zipf's law (about 100 different ones a row), as tf-idf with rows of norm 1."""
    frequency = 1.0 / (np.arange(n_columns) + 3.0)
    lengths = rng.poisson(rng.gamma(4.0, 35.0, size=n_rows)) + 1
    words = rng.choice(n_columns, size=lengths.sum(), p=frequency / frequency.sum())
    rows = np.repeat(np.arange(n_rows), lengths)
    X = sparse.coo_matrix((np.ones(words.size), (rows, words)), shape=(n_rows, n_columns)).tocsr()
    X.sum_duplicates()
    X.data = 1.0 + np.log(X.data)
    in_rows = np.bincount(X.indices, minlength=n_columns)
    X.data *= (np.log((1 + n_rows) / (1 + in_rows)) + 1)[X.indices]
    norms = np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1]))
    X.data /= np.repeat(norms, np.diff(X.indptr))
    # a tenth of the 4 % most frequent words matter; with signal : noise 20 the path ends, as those
    # of real text do, with about half as many words as rows
    matter = rng.choice(max(1, n_columns // 25), max(1, n_columns // 250), replace=False)
    signal = X[:, matter] @ rng.standard_normal(matter.size)
    y = signal + rng.standard_normal(n_rows) * signal.std() / np.sqrt(20)
    return X.tocsc(), y


def save(case: Case, folder: Path) -> None:
    """Generate the case and write it into the folder."""
    X, y = case.generate()
    if sparse.issparse(X):
        sparse.save_npz(folder / "X.npz", X, compressed=False)
    else:
        np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)


@dataclass(frozen=True)
class Problem:
    """What a package is handed."""

    X: np.ndarray | sparse.csc_matrix
    y: np.ndarray
    l1_ratios: tuple[float, ...]

    def folds(self, number: int = N_FOLDS):
        """Return the (train, test) rows of scikit-learn's ``cv=number``."""
        return list(KFold(number).split(self.X))

    def centre(self) -> None:
        """Take the means from (dense) X and y, in place."""
        self.X[...] -= self.X.mean(axis=0)
        self.y[...] -= self.y.mean()

    def alphas(self, l1_ratio: float):
        """Return scikit-learn's grid for packages that have no CV estimator."""
        gradient = self.X.T @ (self.y - self.y.mean()) / self.y.size
        return np.geomspace(1, EPS, N_ALPHAS) * np.abs(gradient).max() / l1_ratio


def load(case: Case, folder: Path) -> Problem:
    """Read what `save` wrote."""
    if (folder / "X.npz").exists():
        X = sparse.load_npz(folder / "X.npz")
    else:
        X = np.load(folder / "X.npy")
    return Problem(X, np.load(folder / "y.npy"), case.l1_ratios)
