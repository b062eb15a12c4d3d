"""Processes: forked, spawned, of joblib; nested searches; a fork in the midst of fits."""

import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from census import Census
from every_estimator import PAIRS, WARNINGS, WITH_JOBS, data, fit, make
from joblib import Parallel, delayed, parallel_config, register_parallel_backend
from joblib.parallel import ParallelBackendBase
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info

from sklearn_regnorm import BatchNormalizer, LassoCV, Ridge, RidgeCV
from sklearn_regnorm.neural_network import MLPClassifier

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(WARNINGS),
    pytest.mark.filterwarnings("ignore:No features were selected"),
]


def all_fits(n_jobs=2):
    return [fit(*pair, n_jobs) for pair in PAIRS]


def compare(found, expected):
    for pair, one, other in zip(PAIRS, found, expected, strict=True):
        assert one == other, pair


# ------------------------------------------------------------------------------ new processes


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_fits_in_a_new_process_n08(how):
    """After all kinds of fits in this one."""
    expected = all_fits()
    with multiprocessing.get_context(how).Pool(2) as pool:
        for found in pool.imap(all_fits, [1, 2], chunksize=1):
            compare(found, expected)


def blas_threads():
    return [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]


def in_child(function):
    """Return what a function returns in a forked process, or None if it takes 30 s."""
    end, start = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            start.send(function())
        finally:
            os._exit(0)
    start.close()
    found = end.recv() if end.poll(30) else None
    os.kill(child, 9)
    os.waitpid(child, 0)
    return found


def test_fork_while_threads_fit_n08():
    """Locks of the threads that are not there in the new process must not be held there."""
    limits, expected = blas_threads(), fit("LassoCV", "tall")
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            fit("Lasso", "tall")
            fit("LassoCV", "tall", 2)

    with ThreadPoolExecutor(3) as pool:
        fitting = [pool.submit(go_on) for _ in range(3)]
        try:
            for _ in range(30):
                found = in_child(lambda: (blas_threads(), fit("LassoCV", "tall"), blas_threads()))
                assert found == (limits, expected, limits)
        finally:
            stop.set()
        for one in fitting:
            one.result()


# ------------------------------------------------------------------------------ joblib's backends


class Elsewhere(ParallelBackendBase):
    """Runs tasks as clusters do: pickled, in threads that are not the caller's."""

    supports_retrieve_callback = True

    def effective_n_jobs(self, n_jobs):
        return 2

    def configure(self, n_jobs=1, parallel=None, **kwargs):
        self.parallel, self.pool = parallel, ThreadPoolExecutor(2)
        return 2

    def terminate(self):
        self.pool.shutdown()

    def submit(self, func, callback=None):
        future = self.pool.submit(self._run, pickle.dumps(func))
        future.add_done_callback(callback)
        return future

    @staticmethod
    def _run(pickled):
        return pickle.loads(pickled)()

    def retrieve_result_callback(self, future):
        return future.result()

    def get_nested_backend(self):
        return Elsewhere(nesting_level=1), None


register_parallel_backend("elsewhere", Elsewhere)
BACKENDS = ["loky", "threading", "multiprocessing", "elsewhere"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_fits_in_a_backend_n15(backend):
    expected = all_fits(1)
    for n_jobs in (None, 2):
        found = Parallel(2, backend=backend)(delayed(fit)(*pair, n_jobs) for pair in PAIRS)
        compare(found, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_fits_within_a_backend_n15(backend):
    """Which says what `n_jobs=None` means."""
    expected = all_fits(1)
    with parallel_config(backend, n_jobs=2):
        compare(all_fits(None), expected)


def fitted_on(X, y):
    """Return coefficients, and what X is."""
    before = X.tobytes()
    coef = LassoCV(alphas=10, n_jobs=2).fit(X, y).coef_
    return coef, type(X).__name__, X.flags.writeable, X.tobytes() == before


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_maps_h68_h69(order, dtype):
    """Loky hands large arrays on as memory maps that cannot be written."""
    X, y = data("LassoCV", "tall", "medium")
    X = np.array(X, order=order, dtype=dtype)
    assert X.nbytes > 2**20
    expected = LassoCV(alphas=10).fit(X, y).coef_
    for coef, kind, writeable, untouched in Parallel(2)([delayed(fitted_on)(X, y)] * 3):
        assert (kind, writeable, untouched) == ("memmap", False, True)
        np.testing.assert_array_equal(coef, expected)


# ------------------------------------------------------------------------------ nested parallelism


SEARCHES = {
    "LassoCV": (LassoCV(alphas=10), {"eps": [1e-3, 1e-2]}),
    "RidgeCV": (RidgeCV(alphas=9, cv=3), {"fit_intercept": [True, False]}),
    "MLPClassifier": (MLPClassifier((8,), max_iter=5, random_state=0), {"alpha": [1e-4, 1.0]}),
    "pipeline": (
        make_pipeline(BatchNormalizer(), Ridge()), {"batchnormalizer__ddof": [0, 1]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SEARCHES)
def test_search_over_estimators_with_threads_of_their_own_n15(name, backend):
    estimator, grid = SEARCHES[name]
    X, y = data(name if name in WITH_JOBS else "LassoCV", "tall")
    given = {one: 2 for one in estimator.get_params() if one.endswith("n_jobs")}
    assert given
    expected = GridSearchCV(estimator, grid, cv=3).fit(X, y)
    with parallel_config(backend):
        found = GridSearchCV(estimator.set_params(**given), grid, cv=3, n_jobs=2).fit(X, y)
    for key, value in expected.cv_results_.items():
        if "time" not in key:
            np.testing.assert_array_equal(found.cv_results_[key], value)


def threads_of(name, kind, n_jobs):
    """Return how many threads a fit makes, and how many are at work on average."""
    X, y = data(name, kind, "medium")
    make(name, n_jobs).fit(*data(name, kind))
    with Census() as census:
        make(name, n_jobs).fit(X, y)
    return census.most, census.busy


def test_no_more_threads_than_asked_for_in_workers_n15():
    """Each process of loky has as many as its fit asks for, and BLAS adds none."""
    for n_jobs in (1, 2):
        tasks = [(name, kind, n_jobs) for name, kind in PAIRS[::5] if name in WITH_JOBS]
        assert len(tasks) > 5
        for task, (most, busy) in zip(
            tasks, Parallel(2)(delayed(threads_of)(*one) for one in tasks), strict=True
        ):
            assert most <= (n_jobs if n_jobs > 1 else 0), task
            assert busy <= n_jobs + 0.3, task
