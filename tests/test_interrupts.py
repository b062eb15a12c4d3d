"""Ctrl-C is heard within half a second, and does no harm.

`make test-interrupts` tries it at many more moments (see `measure_interrupts.py`).
"""

import pytest
from every_estimator import PAIRS, WITH_JOBS
from interruption import ENDLESS, Fitting

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
