"""The one place where numba is configured.

``jit`` compiles a kernel that releases the GIL and keeps its machine code on disk. Kernels take
arrays, numbers and named tuples only: jitclasses, functions as arguments and closures would miss
the on-disk cache in every new process.
"""

from contextlib import suppress
from importlib import import_module
from inspect import signature

import numba
import numpy as np
from numba.extending import overload

# Half of what a first fit would wait for, with kernels cached, is numba importing its own modules.
with suppress(ImportError):
    import_module("numba.cpython.charseq")

# Allows a reduction to be vectorised; unlike full fastmath it keeps NaN, inf and signed zeros.
VECTORISED_SUM = {"reassoc", "contract"}


class _ForgivingCache:
    """A numba function cache that recompiles where numba would fail on a broken directory."""

    def __init__(self, cache):
        self._cache = cache

    def __getattr__(self, name):
        return getattr(self._cache, name)

    def load_overload(self, *args):
        try:
            return self._cache.load_overload(*args)
        except Exception:  # truncated or corrupt files raise nearly anything
            return None

    def save_overload(self, *args):
        try:
            self._cache.save_overload(*args)
        except Exception:  # unwritable, full, or removed under our feet
            return


def jit(function=None, *, fastmath=False):
    """Compile `function` with numba: cached on disk, GIL released, IEEE division.

    Parameters
    ----------
    function : callable
        The Python function, compiled at its first call.
    fastmath : bool or set of str, default=False
        numba's flag; reductions that may be reordered ask for ``VECTORISED_SUM``.
    """
    if function is None:
        return lambda f: jit(f, fastmath=fastmath)
    if numba.config.DISABLE_JIT:
        return np.errstate(all="ignore")(function)  # machine code does not warn either
    options = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        compiled = numba.njit(function, cache=True, **options)
    except RuntimeError:  # numba found no directory to cache in: only costs the compile
        return numba.njit(function, **options)
    if getattr(compiled, "_cache", None) is not None:
        compiled._cache = _ForgivingCache(compiled._cache)
    return compiled


def generic(stub):
    """Make the kernel function `stub(record, ...)` dispatch on the named-tuple type of `record`.

    ``@stub.register(RecordType)`` adds a body. Compiled callers are bound to the right one by
    numba's type inference and stay cacheable; under ``NUMBA_DISABLE_JIT=1`` the call looks it up.
    """
    bodies = {}

    def select(record, *args):
        return bodies.get(getattr(record, "instance_class", None))

    select.__signature__ = signature(stub)  # numba compares it with that of the bodies
    if numba.config.DISABLE_JIT:

        def dispatch(record, *args):
            return bodies[type(record)](record, *args)

    else:
        dispatch = stub
        overload(
            stub,
            jit_options={"error_model": "numpy", "fastmath": VECTORISED_SUM},
            strict=True,
        )(select)

    def register(record_type):
        def add(body):
            bodies[record_type] = body
            return body

        return add

    dispatch.register = register
    return dispatch
