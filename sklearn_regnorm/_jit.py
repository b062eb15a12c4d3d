"""The one place where numba is configured.

``jit`` compiles a kernel that releases the GIL and keeps its machine code on disk. Kernels take
arrays, numbers and named tuples only: jitclasses, functions as arguments and closures would miss
the on-disk cache in every new process.
"""

from contextlib import suppress
from importlib import import_module
from inspect import signature
from pathlib import Path

import numba
import numpy as np
from numba.extending import overload

from ._cache import SafeCache, cache_folder

# Half of what a first fit would wait for, with kernels cached, is numba importing its own modules.
with suppress(ImportError):
    import_module("numba.cpython.charseq")

# Allows a reduction to be vectorised; unlike full fastmath it keeps NaN, inf and signed zeros.
VECTORISED_SUM = {"reassoc", "contract"}


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
    cached = _cached(function, options)
    return numba.njit(function, **options) if cached is None else cached


def _cached(function, options):
    """Return the kernel with a cache on disk, or None if there can be none."""
    if numba.config.DISABLE_JIT or cache_folder() is None:
        return None
    folder = cache_folder() / f"{function.__module__}.{function.__qualname__}"
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        compiled = numba.njit(function, cache=True, **options)
    except RuntimeError:  # numba found nowhere to write
        return None
    finally:
        numba.config.CACHE_DIR = before
    if folder not in Path(compiled.stats.cache_path).parents:  # zipped sources, for example
        return None
    compiled._cache = SafeCache(compiled._cache, folder)
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
