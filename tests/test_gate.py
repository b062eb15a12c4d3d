"""A slice of `make fuzz-gate`: odd and malformed input, in processes that a signal may end."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gate import judge as judging
from gate.cases import make_case
from gate.odd import NEVER
from sklearn.base import clone

from sklearn_regnorm import BatchNormalizer, Lasso, LayerNormalizer, _memory
from sklearn_regnorm._validation import check_raw_weights
from sklearn_regnorm.neural_network import MLPRegressor

TESTS = Path(__file__).resolve().parent


def run(*options):
    """Run seeds that are not among those of the report; return what was said."""
    env = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    command = [sys.executable, "-W", "ignore", "-m", "gate", *options]
    done = subprocess.run(command, cwd=TESTS, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_odd_calls_h65():
    assert "0 signals or hangs, 0 complaints, 1,500 calls" in run("--first=2000000", "--cases=1500")


def test_the_judge_sees_what_is_wrong(monkeypatch):
    """A gate that lets a malformed matrix through is reported, and one that names nothing."""
    seeds = (seed for seed in range(10**6) if make_case(seed).place == "X")
    cases = [case for case in map(make_case, [next(seeds) for _ in range(40)])]
    case = next(one for one in cases if one.odd.rule == NEVER)
    monkeypatch.setattr(judging, "attempt", lambda *_: (np.zeros(3), None, True))
    assert judging.judge(case.seed)[2] == "took it"
    monkeypatch.setattr(judging, "attempt", lambda *_: (None, ValueError("no"), True))
    assert "does not name X" in judging.judge(case.seed)[2]
    monkeypatch.setattr(judging, "attempt", lambda *_: (None, ValueError("X"), False))
    assert "changed its state" in judging.judge(case.seed)[2]


@pytest.mark.parametrize("order", ["C", "strided"])
def test_no_more_than_the_machine_has(monkeypatch, order):
    """What lies in memory already is taken; what would have to be copied is refused."""
    X = np.random.default_rng(0).standard_normal((20, 6))
    monkeypatch.setattr(_memory, "physical_memory", lambda: 400)
    if order == "C":
        LayerNormalizer().fit(X)
        return
    for call in (LayerNormalizer().fit, lambda X: Lasso().fit(X, X[:, 0])):
        with pytest.raises(MemoryError, match=r"X of shape \(10, 6\) needs 0 GiB"):
            call(X[::2])


def test_weights_whose_sum_overflows():
    weights = np.full(20, 1e308)
    X = np.random.default_rng(0).standard_normal((20, 6))
    with pytest.raises(ValueError, match="sample_weight"):
        check_raw_weights(weights, 20)
    np.testing.assert_allclose(
        Lasso(alpha=0.1).fit(X, X[:, 0], sample_weight=weights).coef_,
        Lasso(alpha=0.1).fit(X, X[:, 0]).coef_,
        rtol=1e-12,
    )


@pytest.mark.parametrize(
    "model", [BatchNormalizer(learn_affine=True), MLPRegressor(hidden_layer_sizes=(3,))], ids=repr
)
def test_weights_near_the_largest_float_are_no_divergence(model):
    rng = np.random.default_rng(0)
    X, weights = rng.standard_normal((20, 6)), rng.uniform(0.5, 1.0, 20)
    model.set_params(max_iter=3, random_state=0, alpha=0.0)
    curves = [
        clone(model).fit(X, X[:, 0], sample_weight=unit * weights).loss_curve_
        for unit in (1.0, 2.0**1018)
    ]
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-12)
