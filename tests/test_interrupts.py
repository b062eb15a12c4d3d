"""Ctrl-C is heard within half a second, and does no harm.

`make test-interrupts` tries it at many more moments (see `measure_interrupts.py`).
"""

import signal
from contextlib import contextmanager

import numpy as np
import pytest
from every_estimator import PAIRS, WITH_JOBS, content, data, make
from interruption import ENDLESS, Fitting

from sklearn_regnorm._transactions import all_or_nothing

# What may pass until Ctrl-C is heard, in seconds of work and not of waiting for a processor, of
# which two threads may have one each.
LIMIT = 0.5


def interrupt(times, *job):
    """Interrupt a fit some times, at moments spread over it."""
    with Fitting(*job) as fitting:
        for k in range(times):
            found = fitting.interrupt(min(fitting.seconds, 2.0) * (k + 0.5) / times)
            assert found["harm"] == []
            assert found["work"] < 2 * LIMIT, found


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
def test_long_fits_n09(name):
    interrupt(3, name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), PAIRS[::8])
def test_some_of_all_fits_n09(name, kind):
    interrupt(4, name, kind, 2 if name in WITH_JOBS else 1, "medium")


@contextmanager
def ctrl_c_within(seconds):
    """Raise KeyboardInterrupt after some seconds of processor time, wherever Python is then."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["Ridge", "MLPRegressor goes on"])
def test_ctrl_c_among_many_short_kernels_n09(name):
    """While numba returns arrays some Python runs, whose exceptions it overlooks."""
    rng = np.random.default_rng(0)
    X, y = data(name, "tall")
    model = make(name).fit(X, y)
    before = content(vars(model))
    for delay in rng.uniform(0.0, 0.01, 100):
        with pytest.raises(KeyboardInterrupt), ctrl_c_within(delay):
            while True:
                make(name).fit(X, y)
    assert content(vars(model)) == before


@pytest.mark.parametrize(
    ("cause", "raised"), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError(), SystemError)]
)
def test_what_the_interpreter_makes_of_ctrl_c(cause, raised):
    class Model:
        @all_or_nothing
        def fit(self):
            self.half = True
            inner = SystemError("returned a result with an exception set")
            inner.__cause__ = cause
            raise SystemError("returned a result with an exception set") from inner

    model = Model()
    with pytest.raises(raised):
        model.fit()
    assert not vars(model)
