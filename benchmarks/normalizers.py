"""Time the normalizers beside scikit-learn's, PyTorch's (if installed) and a plain copy.

``python -m benchmarks.normalizers`` prints a Markdown table of medians in milliseconds; packages
take turns. A copy into an array that is in memory already is the limit of any transform, and a
copy into a new one, whose pages the system has to provide, that of a transform that returns one.
"""

import argparse
import statistics
import time
from importlib.util import find_spec

import numpy as np

SHAPES = (1_000_000, 50), (10_000, 5_000)
THREADS = 2


def contestants(X):
    """Return {(operation, package): function}."""
    from sklearn.preprocessing import Normalizer, StandardScaler

    from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer

    out = np.empty_like(X)
    batch, layer = BatchNormalizer(n_jobs=THREADS), LayerNormalizer(n_jobs=THREADS)
    fitted, scaler = BatchNormalizer(n_jobs=THREADS).fit(X), StandardScaler().fit(X)
    found = {
        ("copy", "into an existing array"): lambda: np.copyto(out, X),
        ("copy", "into a new array"): lambda: X.copy(order="K"),
        ("fit", "ours"): lambda: batch.fit(X),
        ("fit", "StandardScaler"): lambda: StandardScaler().fit(X),
        ("transform", "ours"): lambda: fitted.transform(X),
        ("transform", "StandardScaler"): lambda: scaler.transform(X),
        ("fit_transform", "ours"): lambda: batch.fit_transform(X),
        ("fit_transform", "StandardScaler"): lambda: StandardScaler().fit_transform(X),
        ("rows", "LayerNormalizer"): lambda: layer.transform(X),
        ("rows", "Normalizer"): lambda: Normalizer().transform(X),
    }
    if find_spec("torch"):
        found |= _torch(X)
    return found


def _torch(X):
    import torch

    torch.set_num_threads(THREADS)
    tensor = torch.from_numpy(X)
    layer = torch.nn.functional.layer_norm
    norm = torch.nn.BatchNorm1d(X.shape[1], dtype=tensor.dtype, affine=False)

    def run(function, *args):
        with torch.no_grad():
            return function(*args)

    return {
        ("rows", "torch layer_norm"): lambda: run(layer, tensor, X.shape[1:]),
        ("fit_transform", "torch BatchNorm1d, training"): lambda: run(norm.train(), tensor),
        ("transform", "torch BatchNorm1d, evaluating"): lambda: run(norm.eval(), tensor),
    }


def measure(X, repeat):
    """Return {(operation, package): median of milliseconds}, the packages in turn."""
    found = contestants(X)
    times = {key: [] for key in found}
    for _ in range(repeat + 1):  # the first round compiles
        for key, function in found.items():
            begin = time.perf_counter()
            function()
            times[key].append(1e3 * (time.perf_counter() - begin))
    return {key: statistics.median(one[1:]) for key, one in times.items()}


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.normalizers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the entries")
    options = parser.parse_args()
    results = {}
    for n, p in SHAPES:
        n, p = (n // 10, p // 10) if options.quick else (n, p)
        for dtype in (np.float64, np.float32):
            for order in "CF":
                X = np.random.default_rng(0).standard_normal((n, p), dtype=dtype)
                X = np.asarray(X, order=order)
                results[f"{n}×{p} {dtype.__name__} {order}"] = measure(X, options.repeat)
    print("|  |  |", " | ".join(results), "|")
    print("|---" * (len(results) + 2) + "|")
    for key in next(iter(results.values())):
        cells = (
            f"{one[key]:.0f}" if one[key] > 10 else f"{one[key]:.1f}" for one in results.values()
        )
        print("|", " | ".join([*key, *cells]), "|")
    print(f"\nMedians of {options.repeat}, milliseconds, {THREADS} threads.")


if __name__ == "__main__":
    main()
