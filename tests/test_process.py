"""Processes, threads, signals and numba's cache on disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression

import sklearn_regnorm
from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV

PACKAGE = Path(sklearn_regnorm.__file__).parent


def environment(**changes):
    """Return this process's environment with changes; None removes a variable."""
    changes = {"PYTHONPATH": PACKAGE.parent, **changes}
    merged = {**os.environ, **{k: str(v) for k, v in changes.items()}}
    return {k: v for k, v in merged.items() if changes.get(k, "") is not None}


def run(program, *options, **changes):
    """Run a program in a new interpreter; return what it printed as JSON in its last line."""
    done = subprocess.run(
        [sys.executable, "-P", *options, "-c", program],
        capture_output=True, text=True, env=environment(**changes),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


COUNTS = """
import importlib, json, pkgutil
import numba

def counts(package):
    "Return specialisations compiled or loaded, cache hits and cache misses, over all kernels."
    names = [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    found = {}
    for module in map(importlib.import_module, names):
        for thing in vars(module).values():
            if isinstance(thing, numba.core.dispatcher.Dispatcher):
                found[id(thing)] = thing
    stats = [one.stats for one in found.values()]
    return [
        len(found),
        sum(len(one.signatures) for one in found.values()),
        sum(sum(one.cache_hits.values()) for one in stats),
        sum(sum(one.cache_misses.values()) for one in stats),
    ]
"""

FITS = """
import warnings
import numpy as np
from scipy import sparse
import sklearn_regnorm as package
from sklearn_regnorm.solvers import forced_form
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.standard_normal((30, 8))
y = X[:, 0] + rng.standard_normal(30)
coefs = []
"""

SMALL = "coefs.append(package.Lasso(alpha=0.1).fit(X, y).coef_.tolist())\n"

ALL = """
for Z in (X, np.asfortranarray(X), X.astype(np.float32), sparse.csc_array(X), X[::2, ::-1]):
    z = y[:: 30 // Z.shape[0]]
    for model in (
        package.Lasso(alpha=0.1), package.Lasso(alpha=0.1, positive=True), package.Ridge(),
        package.ElasticNet(alpha=0.1), package.LassoCV(alphas=5), package.RidgeCV(alphas=9),
        package.RidgeCV(alphas=9, cv=3), package.ElasticNetCV(alphas=5, l1_ratio=[0.1, 0.9]),
        package.LassoCV(alphas=5, n_jobs=2),
    ):
        for form in ("gram", "working_set"):
            with forced_form(form):
                coefs.append(model.fit(Z, z).coef_.tolist())
"""


def content(folder):
    return {str(p): p.stat().st_mtime_ns for p in Path(folder).rglob("*") if p.suffix != ".pyc"}


# ------------------------------------------------------------------------------ import and cache


def test_import_compiles_nothing_and_is_light(tmp_path):
    """Neither is the cache read, nor a library beyond those we stand on, nor a warning raised."""
    program = COUNTS + (
        "import sys, joblib, scipy, sklearn.linear_model, sklearn.model_selection\n"
        "below = {name.split('.')[0] for name in sys.modules}\n"
        "import sklearn_regnorm\n"
        "more = {name.split('.')[0] for name in sys.modules} - below - {'sklearn_regnorm'}\n"
        "more -= set(sys.stdlib_module_names)\n"
        "print(json.dumps([counts(sklearn_regnorm), sorted(more)]))"
    )
    (kernels, *used), more = run(program, "-W", "error", NUMBA_CACHE_DIR=tmp_path / "cache")
    assert kernels > 0
    assert used == [0, 0, 0]
    assert more == []
    assert not [name for name in content(tmp_path) if name.endswith((".nbi", ".nbc"))]


def test_import_with_docstrings_stripped():
    assert run("import sklearn_regnorm as p; print(p.Lasso.__doc__ is None and 1)", "-OO") == 1


@pytest.mark.slow
def test_second_process_compiles_nothing():
    program = COUNTS + FITS + ALL + "print(json.dumps([coefs, counts(package)]))"
    first, _ = run(program)
    cache = Path(os.environ["NUMBA_CACHE_DIR"])
    before = content(cache)
    assert before
    second, (_, loaded, hits, misses) = run(program)
    assert misses == 0
    assert hits == loaded > 0
    assert content(cache) == before
    assert second == first


def test_few_specialisations():
    """Dtype, order, index width and read-only flags are settled before a kernel is called."""
    program = COUNTS + FITS + ALL + (
        "most = max(len(k.signatures) for m in __import__('sys').modules.values()\n"
        "    if m.__name__.startswith('sklearn_regnorm') for k in vars(m).values()\n"
        "    if isinstance(k, numba.core.dispatcher.Dispatcher))\n"
        "print(json.dumps(most))"
    )
    assert run(program) <= 12


@pytest.fixture(scope="module")
def expected():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 8))
    return [Lasso(alpha=0.1).fit(X, X[:, 0] + rng.standard_normal(30)).coef_]


@pytest.mark.slow
def test_nowhere_to_cache(tmp_path, expected):
    """No folder that numba would use can be written: its own, the sources', the user's."""
    copy = tmp_path / "sklearn_regnorm"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copy, *(p for p in copy.rglob("*") if p.is_dir())]:
        (folder / "__pycache__").write_text("a file where numba would make a folder")
    before = content(tmp_path)
    blocked = copy / "__pycache__" / "blocked"
    coefs, where = run(
        FITS + SMALL + "import json; print(json.dumps([coefs, package.__file__]))",
        "-W", "error", PYTHONPATH=tmp_path, HOME=blocked, XDG_CACHE_HOME=blocked,
        NUMBA_CACHE_DIR=None, PYTHONDONTWRITEBYTECODE=1,
    )  # fmt: skip
    assert where.startswith(str(tmp_path))
    assert_allclose(coefs, expected, rtol=1e-12)
    assert content(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "empty", "noise", "gone"])
def test_damaged_cache(tmp_path, expected, damage):
    """Damage before and after import only costs the compile."""
    cache = tmp_path / "cache"
    shutil.copytree(os.environ["NUMBA_CACHE_DIR"], cache)
    files = [p for p in cache.rglob("*") if p.suffix in (".nbi", ".nbc")]
    assert files
    for path in files:
        data = path.read_bytes()
        damaged = {"cut": data[: len(data) // 2], "empty": b"", "noise": b"\x80garbage" * 9}
        path.write_bytes(damaged.get(damage, data))
    late = ""
    if damage == "gone":
        late = f"import shutil; shutil.rmtree({str(cache)!r}); open({str(cache)!r}, 'w').close()\n"
    program = FITS + late + SMALL + "import json; print(json.dumps(coefs))"
    assert_allclose(run(program, NUMBA_CACHE_DIR=cache), expected, rtol=1e-12)


@pytest.mark.slow
def test_without_compiling_at_all():
    """As a debugger or a coverage tool would have it."""
    program = FITS + ALL.replace("(30, 8)", "(12, 3)") + "import json; print(json.dumps(coefs))"
    program = program.replace("standard_normal((30, 8))", "standard_normal((30, 3))")
    compiled, interpreted = run(program), run(program, NUMBA_DISABLE_JIT=1)
    for one, other in zip(compiled, interpreted, strict=True):
        assert_allclose(other, one, rtol=1e-5, atol=1e-7)


# ------------------------------------------------------------------------------ Ctrl-C

LONG = """
import sys, time, warnings
import numpy as np
from sklearn_regnorm import Lasso, LassoCV, ElasticNetCV, Ridge
from sklearn_regnorm.solvers import forced_form
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)

def fit(model, n, p):
    X = np.cumsum(rng.standard_normal((n, p)), axis=1)
    model.fit(X, X[:, :20] @ rng.standard_normal(20) + rng.standard_normal(n))

given = {"tol": 0.0, "max_iter": 10**9}
form, model = %s
with forced_form(form):
    fit(model, 40, 30)
    before = {name: (id(v), np.array(v).tobytes()) for name, v in vars(model).items()}
    print("ready", flush=True)
    try:
        fit(model, 700, 990)
        print("finished", flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
after = {name: (id(v), np.array(v).tobytes()) for name, v in vars(model).items()}
print(after == before, flush=True)
"""

LONG_FITS = {
    "Gram": '"gram", Lasso(alpha=1e-7, **given)',
    "working set": '"working_set", Lasso(alpha=1e-7, **given)',
    "positive": '"gram", Ridge(alpha=1e-9, positive=True, **given)',
    "folds": '"gram", LassoCV(alphas=[1e-6, 1e-7], cv=2, **given)',
    "folds in threads": '"gram", LassoCV(alphas=[1e-6, 1e-7], cv=4, n_jobs=2, **given)',
    "lockstep": '"working_set", LassoCV(alphas=[1e-6, 1e-7], cv=2, n_jobs=2, **given)',
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LONG_FITS)
def test_interrupt(kind):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", LONG % LONG_FITS[kind]],
        stdout=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    deadline = threading.Timer(20.0, process.kill)
    deadline.start()
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopped\n"
        assert time.perf_counter() - start < 1.5
        assert process.stdout.readline() == "True\n"
        assert process.wait(timeout=10) == 0
    finally:
        deadline.cancel()
        process.kill()
        process.communicate()


# ------------------------------------------------------------------------------ threads and forks


def jobs():
    """Return (model maker, X, y) of many small fits of all kinds."""
    for k in range(6):
        X, y = regression(k, 30 + k, 5 + 3 * k)
        for Z in (X, contain(X, "csc")):
            yield lambda: Lasso(alpha=0.05), Z, y
            yield lambda: ElasticNet(alpha=0.05, positive=True), Z, y
            yield lambda: Ridge(alpha=0.3), Z, y
            yield lambda: LassoCV(alphas=7, n_jobs=2), Z, y
            yield lambda: RidgeCV(alphas=9), Z, y
            yield lambda: ElasticNetCV(alphas=5, l1_ratio=[0.3, 1.0]), Z, y


@pytest.mark.filterwarnings("ignore:RidgeCV chose alpha")
def test_eight_threads_fit_at_once():
    def work(job):
        make, X, y = job
        model = make().fit(X, y)
        return model.coef_, model.predict(X), getattr(model, "mse_path_", 0)

    serial = [work(job) for job in jobs()]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            for one, other in zip(pool.map(work, jobs()), serial, strict=True):
                for got, expected in zip(one, other, strict=True):
                    assert_array_equal(got, expected)


def test_threads_share_one_fitted_model():
    X, y = regression(0, 200, 8)
    model = LassoCV().fit(X, y)
    expected = model.predict(X)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(model.predict, [X] * 100):
            assert_array_equal(got, expected)


FORK = FITS + """
import json, multiprocessing

def work(k):
    return package.LassoCV(alphas=5, n_jobs=2).fit(X, y).coef_.tolist()

if __name__ == "__main__":
    here = work(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(json.dumps([here == there for there in pool.map(work, range(4), chunksize=1)]))
"""


def test_fork_after_a_fit():
    assert run(FORK) == [True] * 4
