"""Write pickles/VERSION.pickle, for each release: `python tests/data/make_pickles.py`.

A dictionary with X and, by name, a fitted model and what it makes of X.
"""

import pickle
from pathlib import Path

import numpy as np

import sklearn_regnorm as package

MODELS = {
    "Lasso": package.Lasso(0.1),
    "Ridge": package.Ridge(),
    "ElasticNet": package.ElasticNet(0.1, warm_start=True),
    "LassoCV": package.LassoCV(alphas=5, selection_rule="1se"),
    "RidgeCV": package.RidgeCV(alphas=[0.1, 1.0, 10.0]),
    "ElasticNetCV": package.ElasticNetCV(alphas=5, l1_ratio=[0.5, 0.9], relax=True),
    "StabilitySelection": package.StabilitySelection(random_state=0),
    "BatchNormalizer": package.BatchNormalizer(gamma=2.0),
    "LayerNormalizer": package.LayerNormalizer(n_groups=2),
    "MLPClassifier": package.MLPClassifier((4,), normalization="batch", random_state=0, max_iter=3),
    "MLPRegressor": package.MLPRegressor(
        hidden_layer_sizes=(4,), normalization="layer", random_state=0, max_iter=3
    ),
}


def used(model, X):
    """Return what a fitted model makes of X."""
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


def main():
    """Write the file of this version."""
    X = np.random.default_rng(0).standard_normal((40, 4))
    y = X[:, 0] - X[:, 1] + 0.1 * np.sin(np.arange(40))
    stored = {"X": X}
    for name, model in MODELS.items():
        model.fit(X, y > 0 if name == "MLPClassifier" else y)
        stored[name] = model, used(model, X)
    folder = Path(__file__).parent / "pickles"
    folder.mkdir(exist_ok=True)
    (folder / f"{package.__version__}.pickle").write_bytes(pickle.dumps(stored, protocol=4))


if __name__ == "__main__":
    main()
