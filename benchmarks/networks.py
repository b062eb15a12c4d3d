"""Time an epoch of the networks beside scikit-learn's and PyTorch's (if installed).

``python -m benchmarks.networks`` prints a Markdown table of medians in seconds per epoch; packages
take turns. Adam, batches of 200; ours trains on one thread, the others on as many as ``--threads``
says. On a machine that is busy, two threads of OpenBLAS can be a hundred times slower than one.
An epoch is half the difference between a fit of three epochs and one of one.
"""

import argparse
import statistics
import time
import warnings
from importlib.util import find_spec

import numpy as np

WIDTHS = 256, 128
SHAPES = (1_797, 64), (60_000, 784)
BATCH, CLASSES = 200, 10
KINDS = None, "batch", "layer"


def sklearn_fit(cls, X, y, threads, **options):
    """Return ``fit(epochs)`` of an estimator."""
    from threadpoolctl import threadpool_limits

    def fit(epochs):
        model = cls(
            WIDTHS, batch_size=BATCH, max_iter=epochs, random_state=0, n_iter_no_change=10**6,
            **options,
        )  # fmt: skip
        with threadpool_limits(threads, user_api="blas"):
            model.fit(X, y)

    return fit


def torch_fit(X, y, kind, threads):
    """Return ``fit(epochs)`` of the same network in PyTorch: tensors indexed, no data loader."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    data, labels = torch.from_numpy(X), torch.from_numpy(y)
    norm = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}.get(kind)

    def fit(epochs):
        layers, width = [], X.shape[1]
        for size in WIDTHS:
            layers += [nn.Linear(width, size), *([norm(size)] if norm else []), nn.ReLU()]
            width = size
        model = nn.Sequential(*layers, nn.Linear(width, CLASSES)).to(data.dtype)
        optimizer, loss = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
        for _ in range(epochs):
            for rows in torch.randperm(len(data)).split(BATCH):
                optimizer.zero_grad()
                loss(model(data[rows]), labels[rows]).backward()
                optimizer.step()

    return fit


def contestants(X, y, threads):
    """Return {(package, normalization): fit}."""
    from sklearn.neural_network import MLPClassifier as Theirs

    from sklearn_regnorm.neural_network import MLPClassifier

    found = {}
    for kind in KINDS:
        found["sklearn_regnorm", kind] = sklearn_fit(MLPClassifier, X, y, 1, normalization=kind)
    found["scikit-learn", None] = sklearn_fit(Theirs, X, y, threads)
    if find_spec("torch"):
        found |= {("PyTorch", kind): torch_fit(X, y, kind, threads) for kind in KINDS}
    return found


def measure(X, y, repeat, epochs, threads):
    """Return {(package, normalization): median seconds per epoch}, the packages in turn."""
    found = contestants(X, y, threads)
    times = {key: [] for key in found}
    for _ in range(repeat + 1):  # the first round compiles
        for key, fit in found.items():
            taken = []
            for count in (1, 1 + epochs):
                begin = time.perf_counter()
                fit(count)
                taken.append(time.perf_counter() - begin)
            times[key].append((taken[1] - taken[0]) / epochs)
    return {key: statistics.median(one[1:]) for key, one in times.items()}


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of the other packages")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*(converged|batch_size).*")
    results = {}
    for n, p in SHAPES:
        n = n // 10 if options.quick else n
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((n, p)), rng.integers(0, CLASSES, n)
        for dtype in (np.float32, np.float64):
            name = f"{n}×{p} {dtype.__name__}"
            epochs = 2 if n * p > 10**6 else 20
            results[name] = measure(X.astype(dtype), y, options.repeat, epochs, options.threads)
    print("| package | normalization |", " | ".join(results), "|")
    print("|---" * (len(results) + 2) + "|")
    for package, kind in next(iter(results.values())):
        cells = (f"{one[package, kind]:.3g}" for one in results.values())
        print(f"| {package} | {kind or 'none'} |", " | ".join(cells), "|")
    print(f"\nMedians of {options.repeat}, seconds per epoch.")


if __name__ == "__main__":
    main()
