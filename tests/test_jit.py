"""How kernels are compiled: IEEE arithmetic, no threads of their own, and never stale."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sklearn_regnorm
from sklearn_regnorm._jit import VECTORISED_SUM, jit

PACKAGE = Path(sklearn_regnorm.__file__).parent
SOURCES = {path.relative_to(PACKAGE): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}


def test_only_reductions_may_be_reordered_n11():
    """Full fastmath would let checks for NaN and infinity be dropped."""
    found = set()
    for name, tree in SOURCES.items():
        for node in ast.walk(tree):
            for one in getattr(node, "keywords", ()):
                if one.arg == "fastmath" and name != Path("_jit.py"):
                    found.add(ast.unparse(one.value))
    assert found <= {"VECTORISED_SUM"} and VECTORISED_SUM == {"reassoc", "contract"}
    isnan = jit(lambda x: np.isnan(x) or np.isinf(x), fastmath=VECTORISED_SUM)
    total = jit(sum_of, fastmath=VECTORISED_SUM)
    for value in (np.nan, np.inf, -np.inf):
        assert isnan(value)
        assert not np.isfinite(total(np.r_[np.ones(99), value]))


def sum_of(x):
    total = 0.0
    for i in range(len(x)):
        total += x[i]
    return total


def test_no_kernel_has_threads_and_no_class_is_compiled_n07_n14():
    """Such kernels end the process if two threads call them; such classes cannot be pickled."""
    for name, tree in SOURCES.items():
        for node in ast.walk(tree):
            word = getattr(node, "id", getattr(node, "attr", getattr(node, "arg", None)))
            assert word not in ("prange", "parallel", "jitclass"), name


@pytest.mark.compiled
def test_division_by_zero_is_infinity_n13():
    divide = jit(lambda a, b: a / b)
    assert divide(1.0, 0.0) == np.inf and divide(-1.0, 0.0) == -np.inf
    assert np.isnan(divide(0.0, 0.0))
    for name, tree in SOURCES.items():
        raised = [
            node
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            and any("jit" in ast.unparse(one) for one in function.decorator_list)
            for node in ast.walk(function)
            if isinstance(node, ast.Raise | ast.Assert)
        ]
        assert not raised, name


def run(program, **environment):
    """Run a program in a new process; return what it printed."""
    changes = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", program],
        env=os.environ | changes, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


FITS = """
import json
import numpy as np
from scipy import sparse
from sklearn_regnorm import *
from sklearn_regnorm.solvers import forced_form

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 4)) * (rng.random((20, 4)) < 0.7)
y = X[:, 0] - X[:, 1] + 0.1 * rng.standard_normal(20)
v = rng.integers(0, 3, 20) * 1.0
tight = {"tol": 1e-14, "max_iter": 100_000}
found = []
for Z in (X, sparse.csc_array(X)):
    for form in ("gram", "working_set"):
        for model in (
            Lasso(0.01, **tight), ElasticNet(0.1, positive=True, **tight), Ridge(solver="cd"),
            LassoCV(alphas=10, cv=2, **tight),
        ):
            with forced_form(form):
                found.append(model.fit(Z, y, sample_weight=v).coef_)
    for model in (BatchNormalizer(center=False), LayerNormalizer(center=False)):
        out = model.fit(Z).transform(Z)
        found.append((out.toarray() if sparse.issparse(out) else out).ravel())
    network = MLPRegressor(hidden_layer_sizes=(4,), normalization="batch", random_state=0)
    found.append(network.set_params(max_iter=5).fit(Z, y).predict(Z))
print(json.dumps([one.tolist() for one in found]))
"""


@pytest.mark.slow
def test_compiled_and_interpreted_code_agree_h16():
    compiled, interpreted = (json.loads(run(FITS, NUMBA_DISABLE_JIT=flag)) for flag in "01")
    for one, other in zip(compiled, interpreted, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-13 * np.abs(one).max())


IN_BOUNDS = """
import numpy as np
from scipy import sparse
from sklearn_regnorm import ElasticNetCV, Lasso
from sklearn_regnorm._jit import jit
from sklearn_regnorm.solvers import forced_form

try:
    jit(lambda x, i: x[i])(np.zeros(3), 7)
    print("bounds are not checked")
except IndexError:
    pass
rng = np.random.default_rng(0)
for j in range(4):
    for kind in ("zero", "constant", "excluded"):
        X, f = rng.standard_normal((12, 4)), np.ones(4)
        y = X.sum(axis=1)
        if kind == "excluded":
            f[j] = np.inf
        else:
            X[:, j] = kind == "constant"
        for form in ("gram", "working_set"):
            for Z in (X, sparse.csc_array(X)):
                for model in (Lasso(0.01), ElasticNetCV(alphas=12, l1_ratio=[0.5, 1.0], cv=3)):
                    with forced_form(form):
                        coef = model.set_params(penalty_factor=f).fit(Z, y).coef_
                    if coef[j] != 0 or np.count_nonzero(coef) != 3 or not np.isfinite(coef).all():
                        print(kind, j, form, type(Z).__name__, model, coef)
"""


@pytest.mark.slow
def test_columns_without_use_at_every_place_stay_in_bounds_h14_n12(tmp_path):
    assert run(IN_BOUNDS, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == ""


@pytest.mark.slow
def test_an_edit_of_the_same_size_and_time_is_noticed_n19(tmp_path):
    source = tmp_path / "edited.py"
    path = f"{PACKAGE.parent}{os.pathsep}{tmp_path}"
    found = []
    for formula in ("x + 1.0", "x - 2.0"):
        source.write_text(
            f"from sklearn_regnorm._jit import jit\n\n@jit\ndef f(x):\n    return {formula}\n"
        )
        os.utime(source, (1e9, 1e9))
        printed = run(
            "import edited; print(edited.f(10.0))", PYTHONPATH=path, NUMBA_CACHE_DIR=str(tmp_path)
        )
        found.append(float(printed))
    assert found == [11.0, 8.0]
