"""Ctrl-C during a fit, and fits in several threads at once."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numpy.testing import assert_array_equal
from problems import contain, regression
from threadpoolctl import threadpool_info, threadpool_limits

import sklearn_regnorm
from sklearn_regnorm import ElasticNet, ElasticNetCV, Lasso, LassoCV, Ridge, RidgeCV
from sklearn_regnorm._threads import Cancelled, Workers, check_cancelled, one_blas_thread

# ------------------------------------------------------------------------------ Ctrl-C

LONG = """
import sys, time, warnings
import numpy as np
from sklearn_regnorm import ElasticNet, Lasso, LassoCV, RidgeCV, StabilitySelection
from sklearn_regnorm.solvers import forced_form
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)

def fit(model, n, p):
    X = np.cumsum(rng.standard_normal((n, p)), axis=1)
    model.fit(X, X[:, :20] @ rng.standard_normal(20) + rng.standard_normal(n))

given = {"tol": 0.0, "max_iter": 10**9}
region = {"alphas": [1e-6], "max_false": None}
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
    "ratio": '"gram", ElasticNet(alpha=1e-7, l1_ratio=0.99, **given)',
    "folds": '"gram", LassoCV(alphas=[1e-6, 1e-7], cv=2, **given)',
    "lockstep": '"working_set", LassoCV(alphas=[1e-6, 1e-7], cv=2, **given)',
    "folds in threads": '"gram", LassoCV(alphas=[1e-6, 1e-7], cv=2, n_jobs=2, **given)',
    "lockstep in threads": '"working_set", LassoCV(alphas=[1e-6, 1e-7], cv=2, n_jobs=2, **given)',
    "halves in threads": '"gram", StabilitySelection(n_jobs=2, **region, **given)',
    "batches of halves": '"working_set", StabilitySelection(**region, **given)',
    "ridge in threads": '"gram", RidgeCV(alphas=np.geomspace(1e-6, 1, 1500), cv=2, n_jobs=2)',
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", LONG_FITS)
def test_interrupt_n09(kind):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", LONG % LONG_FITS[kind]],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(sklearn_regnorm.__file__).parents[1])},
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
def test_eight_threads_fit_at_once_n07_n18():
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


def test_threads_share_one_fitted_model_n18():
    X, y = regression(0, 200, 8)
    model = LassoCV().fit(X, y)
    expected = model.predict(X)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(model.predict, [X] * 100):
            assert_array_equal(got, expected)


@pytest.mark.parametrize("broken", [0, 1])
def test_an_error_in_one_thread_ends_the_others(broken):
    ended, started = [], threading.Event()

    def work(k):
        if k == broken:
            started.wait(10)
            raise RuntimeError(f"fold {k}")
        started.set()
        try:
            while time.perf_counter() < deadline:
                check_cancelled()
        except Cancelled:
            ended.append(k)
            raise

    deadline = time.perf_counter() + 10
    with pytest.raises(RuntimeError, match=f"fold {broken}"), Workers(2) as workers:
        workers.map(work, [0, 1])
    assert ended == [1 - broken]


# ------------------------------------------------------------------------------ BLAS


def blas_threads():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


@pytest.mark.parametrize("elsewhere", [False, True])
def test_blas_is_capped_while_others_limit_it_n15(elsewhere):
    """threadpoolctl 3.8 ignores what a thread asks of OpenBLAS while another has control of it."""

    def capped():
        with one_blas_thread:
            inside = blas_threads()
            with Workers(2) as workers:
                return inside.union(*workers.map(lambda _: blas_threads(), range(4)))

    before = blas_threads()
    with ThreadPoolExecutor(1) as pool, threadpool_limits(2, "blas"):
        limited = blas_threads()
        assert (pool.submit(capped).result() if elsewhere else capped()) <= {1}
        assert blas_threads() == limited
    assert blas_threads() == before
