"""What a new process pays: importing, the first fit, and compiling when nothing is cached."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

SNIPPET = """
import json, time, numpy as np
rng = np.random.default_rng(0)
X = rng.standard_normal((200, 20)); y = X[:, :3].sum(axis=1) + rng.standard_normal(200)
start = time.perf_counter()
from {module} import LassoCV
imported = time.perf_counter()
LassoCV().fit(X, y)
fitted = time.perf_counter()
print(json.dumps([imported - start, fitted - imported]))
"""


def new_process(module, cache):
    """Return the seconds that importing and the first fit take in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", SNIPPET.format(module=module)],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


def table(repeat):
    """Return the Markdown table; medians of `repeat` new processes, interleaved."""
    runs = {"sklearn_regnorm": [], "sklearn.linear_model": []}
    with tempfile.TemporaryDirectory() as cache:
        _, cold = new_process("sklearn_regnorm", cache)
        for _ in range(repeat):
            for module, times in runs.items():
                times.append(new_process(module, cache))
    lines = [
        "| new process, LassoCV().fit of 200×20 | import, s | first fit, s |",
        "|---|---|---|",
        f"| sklearn_regnorm, empty numba cache (compiles) | | {cold:.2f} |",
    ]
    for module, times in runs.items():
        imported, fitted = (statistics.median(column) for column in zip(*times, strict=True))
        lines.append(f"| {module} | {imported:.2f} | {fitted:.3f} |")
    return "\n".join(lines)
