"""Threads: fits and predictions side by side, and no more threads than were asked for."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from census import Census
from every_estimator import PAIRS, SHAPES, WARNINGS, WITH_JOBS, content, data, fit, make, names, use
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_regnorm._threads import Cancelled, Workers, check_cancelled, one_blas_thread
from sklearn_regnorm.linear_model import _paths

pytestmark = [
    pytest.mark.filterwarnings(WARNINGS),
    pytest.mark.filterwarnings("ignore:No features were selected"),
]

# ------------------------------------------------------------------------------ side by side


@pytest.mark.slow
def test_eight_threads_fit_at_once_n07_n18():
    """Whatever the others do: each gets to the bit what it gets alone."""
    serial = [fit(*pair) for pair in PAIRS]
    with ThreadPoolExecutor(8) as pool:
        for n_jobs in (None, 2):
            found = pool.map(lambda pair, n_jobs=n_jobs: fit(*pair, n_jobs), PAIRS)
            for pair, one, other in zip(PAIRS, found, serial, strict=True):
                assert one == other, (pair, n_jobs)


@pytest.mark.slow
def test_threads_share_fitted_models_n18():
    """While others fit."""
    models = [(make(*pair[:1]).fit(*data(*pair)), data(*pair)[0]) for pair in PAIRS]
    serial = [content(use(*one)) for one in models]
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            fit("LassoCV", "tall", 2)

    with ThreadPoolExecutor(9) as pool:
        disturber = pool.submit(disturb)
        try:
            for _ in range(10):
                found = pool.map(lambda one: content(use(*one)), models)
                for pair, one, other in zip(PAIRS, found, serial, strict=True):
                    assert one == other, pair
        finally:
            stop.set()
        disturber.result()


# ------------------------------------------------------------------------------ n_jobs


def some_jobs(kind):
    return [name for name in names(kind) if name in WITH_JOBS]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES["small"])
def test_n_jobs_change_no_bit_n10(kind):
    """Of small data, that are hardly spread over threads."""
    for name in some_jobs(kind):
        expected = fit(name, kind)
        for n_jobs in (1, 2, 3, 8):
            assert fit(name, kind, n_jobs) == expected, (name, n_jobs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES["small"])
def test_n_jobs_change_no_bit_of_larger_data_n10(kind):
    for name in some_jobs(kind):
        expected = fit(name, kind, 1, "medium")
        for n_jobs in (2, 8):
            assert fit(name, kind, n_jobs, "medium") == expected, (name, n_jobs)


# ------------------------------------------------------------------------------ how many threads


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("kind", SHAPES["small"])
def test_no_more_threads_than_asked_for_n15(kind, n_jobs):
    """Nor more of them at work, of BLAS or whomever."""
    for name in names(kind) if n_jobs == 1 else some_jobs(kind):
        X, y = data(name, kind, "medium")
        model = make(name, n_jobs)
        make(name, n_jobs).fit(*data(name, kind))  # BLAS makes its own at the first use
        with Census() as census:
            model.fit(X, y)
        assert census.most <= (n_jobs if n_jobs > 1 else 0), name
        assert census.busy <= n_jobs + 0.3, name


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


def test_nothing_goes_on_in_a_thread_that_the_pool_does_not_know(monkeypatch):
    """Where Ctrl-C hits the pool as it starts a thread."""
    started, ended = threading.Event(), []

    def start(thread, start=threading.Thread.start):
        start(thread)
        started.wait(10)
        raise KeyboardInterrupt

    def work(k):
        started.set()
        while True:
            try:
                check_cancelled()
            except Cancelled:
                time.sleep(0.1)
                ended.append(k)
                raise

    with pytest.raises(KeyboardInterrupt), Workers(2) as workers:
        monkeypatch.setattr(threading.Thread, "start", start)
        workers.map(work, [7, 8])
    assert ended == [7]


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


def test_a_thread_that_comes_too_late_does_not_limit_blas():
    """One of a fit that has been interrupted, say."""
    before = blas_threads()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(one_blas_thread.limit_here).result()
    assert blas_threads() == before


def test_blas_is_capped_in_path_functions(monkeypatch):
    """As in fits: the last bits of products depend on the number of threads."""
    seen = set()

    def note(*args, solve=_paths.solve_path, **kwargs):
        seen.update(blas_threads())
        return solve(*args, **kwargs)

    monkeypatch.setattr(_paths, "solve_path", note)
    fit("enet_path", "tall")
    assert seen == {1}
