"""The fuzzer: a slice of its problems, those that once failed, and whether it finds and keeps them.

`make fuzz` judges these and many more; see tests/fuzz.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fuzz import runner
from fuzz.cases import KINDS, faults_of, kind_of, make_case, time_limit
from fuzz.shrink import candidates, shrink
from fuzz.store import decode, encode
from problems import Problem

from sklearn_regnorm import ElasticNet

STORED = (Path(__file__).parent / "data" / "fuzz_regressions.jsonl").read_text().splitlines()


def described(failures):
    """Return the failures as text, and how to look at them."""
    lines = [f"{kind}: {problem}" for kind, problem, _ in map(decode, failures[:20])]
    return "\n".join([f"{len(failures)} failures, see python -m fuzz --seed N", *lines])


@pytest.mark.parametrize("first", range(0, 40, 5))  # so small that `make mutation` can choose
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_problems_of_each_kind_h01_h05_h09(kind, first):
    seeds = range(first, first + 5)
    failed = {seed: faults_of(kind, make_case(seed, kind)) for seed in seeds}
    assert not any(failed.values()), {seed: found for seed, found in failed.items() if found}


@pytest.mark.slow
def test_two_thousand_problems_h01_h05_h09(tmp_path):
    summary = runner.run(2_000, first=10_000, folder=tmp_path)
    assert summary.complete and not summary.failures, described(summary.failures)


@pytest.mark.fuzz
def test_new_problems(tmp_path):
    summary = runner.run(20_000, first=secrets.randbelow(2**40), folder=tmp_path)
    assert summary.complete and not summary.failures, described(summary.failures)


@pytest.mark.parametrize("line", STORED, ids=[decode(line)[2] for line in STORED])
def test_what_once_failed(line):
    kind, problem, _ = decode(line)
    assert not faults_of(kind, problem)


# ------------------------------------------------------------------------------ the fuzzer itself


def test_a_seed_always_makes_the_same_problem():
    kinds = {kind_of(seed) for seed in range(400)}
    assert kinds == set(KINDS)
    for kind in KINDS:
        assert encode(kind, make_case(7, kind), []) == encode(kind, make_case(7, kind), [])
        assert encode(kind, make_case(7, kind), []) != encode(kind, make_case(8, kind), [])


@pytest.mark.parametrize("kind", KINDS)
def test_stored_problems_are_exact(kind):
    for seed in range(5):
        line = encode(kind, make_case(seed, kind), ["a fault"], "a note")
        again, problem, note = decode(line)
        assert (again, note) == (kind, "a note")
        assert encode(kind, problem, ["a fault"], "a note") == line
        assert problem.Z.dtype == make_case(seed, kind).Z.dtype


@pytest.fixture
def broken(monkeypatch):
    """A package whose coefficients are wrong if there is a large entry in X."""

    def fit(self, X, y, sample_weight=None):
        good(self, X, y, sample_weight)
        if np.max(X) >= 3:
            self.coef_ = self.coef_ * (1 + 1e-6)
        return self

    good = ElasticNet.fit
    monkeypatch.setattr(ElasticNet, "fit", fit)


def failing():
    rng = np.random.default_rng(0)
    Z = rng.uniform(-1, 1, (40, 6))
    Z[13, 4] = 5.0
    params = {"alpha": 1e-3, "l1_ratio": 0.3, "standardize": True, "upper": np.full(6, np.inf)}
    options = {"form": "working_set", "start": "optimum"}
    v = rng.uniform(1, 2, 40)
    return Problem(0, Z, Z[:, 4] + rng.uniform(-1, 1, 40), v, params, "F", "made", options)


def test_what_fails_is_made_small(broken):
    faults = faults_of("optimum", failing())
    assert any("KKT violation" in fault for fault in faults)
    problem, found = shrink("optimum", failing(), faults)
    assert any("KKT violation" in fault for fault in found)
    assert problem.Z.shape[0] <= 2 and problem.Z.shape[1] == 1 and problem.Z.max() >= 3
    assert problem.container == "C" and problem.v is None
    assert problem.params["standardize"] is False and problem.params["upper"] is None
    assert problem.options == {"form": None, "start": None}


@pytest.mark.parametrize("kind", KINDS)
def test_smaller_problems_are_of_one_piece(kind):
    """Rows left out of X are left out of folds, batches and weights, columns out of bounds."""
    for seed in range(4):
        problem = make_case(seed, kind)
        for count, one in enumerate(candidates(problem)):
            n, p = one.Z.shape
            assert len(one.y) == n and (one.v is None or len(one.v) == n)
            rows = [i for fold in one.options.get("cv", []) for side in fold for i in side]
            assert all(0 <= row < n for row in [*rows, *one.options.get("starts", [])])
            for name in ("penalty_factor", "lower", "upper"):
                assert np.size(one.params.get(name)) in (1, p)
            assert one is not problem and count < 10_000


def test_a_failure_is_found_and_recorded_once(broken, tmp_path):
    block = runner.run_block(0, 10, "optimum")
    assert block["count"] == {"optimum": 10} and block["failed"]["optimum"] > 1
    assert len(block["failures"]) == block["failed"]["optimum"]
    summary = runner.Summary(10)
    summary.add(block)
    assert summary.complete and summary.failures == block["failures"]


def test_what_takes_too_long_fails():
    with pytest.raises(TimeoutError, match="not solved"), time_limit(0.01):
        time.sleep(10)


@pytest.mark.slow
def test_a_run_goes_on_where_it_was(tmp_path):
    said = []
    first = runner.run(60, kind="moments", jobs=1, folder=tmp_path, say=said.append)
    record = tmp_path / f"{runner.sources()}.jsonl"
    lines = record.read_text().splitlines()
    assert first.complete and len(lines) == 1 and len(said) == 1
    record.write_text(lines[0] + "\n" + lines[0][:30])  # as if stopped while it was written
    begin = time.monotonic()
    again = runner.run(60, kind="moments", jobs=1, folder=tmp_path, say=said.append)
    assert again.count == first.count and "going on" in said[1] and len(said) == 2
    assert time.monotonic() - begin < 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_run_in_good_order(tmp_path):
    code = (
        "import sys, conftest; from fuzz import runner; "
        f"s = runner.run(10**6, jobs=2, folder={str(tmp_path)!r}); print('end', s.complete)"
    )
    run = subprocess.Popen(
        [sys.executable, "-u", "-c", code], cwd=Path(__file__).parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
    )  # fmt: skip
    assert "problems" in run.stdout.readline()
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    out, errors = run.communicate(timeout=100)
    assert out.splitlines()[-1] == "end False" and errors == "" and run.returncode == 0
