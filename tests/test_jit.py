"""How kernels are compiled: IEEE arithmetic, no threads of their own, and never stale."""

import ast
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


@pytest.mark.slow
def test_an_edit_of_the_same_size_and_time_is_noticed_n19(tmp_path):
    source = tmp_path / "edited.py"
    environment = os.environ | {
        "PYTHONPATH": f"{PACKAGE.parent}{os.pathsep}{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }  # fmt: skip
    found = []
    for formula in ("x + 1.0", "x - 1.0", "x - 2.0"):
        source.write_text(
            f"from sklearn_regnorm._jit import jit\n\n@jit\ndef f(x):\n    return {formula}\n"
        )
        os.utime(source, (1e9, 1e9))
        done = subprocess.run(
            [sys.executable, "-P", "-c", "import edited; print(edited.f(10.0))"],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(float(done.stdout))
    assert found == [11.0, 9.0, 8.0]
