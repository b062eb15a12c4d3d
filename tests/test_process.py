"""Import, and new processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

import sklearn_regnorm
from sklearn_regnorm._cache import cache_folder

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
    "Return kernels, specialisations compiled or loaded, cache hits, misses, most of one kernel."
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
        max(len(one.signatures) for one in found.values()),
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


@pytest.mark.compiled
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
    assert used == [0, 0, 0, 0]
    assert more == []
    assert not [name for name in content(tmp_path) if name.endswith((".nbi", ".nbc"))]


@pytest.mark.slow
def test_import_with_docstrings_stripped():
    assert run("import sklearn_regnorm as p; print(p.Lasso.__doc__ is None and 1)", "-OO") == 1


@pytest.mark.slow
def test_second_process_compiles_nothing_h68():
    program = COUNTS + FITS + ALL + "print(json.dumps([coefs, counts(package)]))"
    first, _ = run(program)
    cache = cache_folder()
    before = content(cache)
    assert before
    second, (_, loaded, hits, misses, most) = run(program)
    assert misses == 0
    assert most <= 12  # dtype, order, index width, flags are settled before a kernel is called
    assert hits == loaded > 0
    assert content(cache) == before
    assert second == first


@pytest.mark.slow
def test_without_compiling_at_all():
    """As a debugger or a coverage tool would have it."""
    program = FITS + "X, y = X[:, :3], y.round(2)\n" + ALL + "import json; print(json.dumps(coefs))"
    compiled, interpreted = run(program), run(program, NUMBA_DISABLE_JIT=1)
    for one, other in zip(compiled, interpreted, strict=True):
        assert_allclose(other, one, rtol=1e-5, atol=1e-7)
