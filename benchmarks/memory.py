"""The most memory that a call takes beyond what the process held when it began."""

import ctypes
import gc
import resource
import sys

import numpy as np


def peak_of(call):
    """Return (result, bytes): what the call returned, and its peak beyond the memory held before.

    Linux lets a process set its high-water mark back to what it holds now; without that, memory
    that loading the data took and gave back would hide what the call takes. Memory that malloc
    keeps for later use is given back first, for the same reason. Elsewhere the mark only rises,
    and the figure is the least that the call can have taken.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")
    before = _high_water_mark()
    result = call()
    return result, _high_water_mark() - before


def _high_water_mark():
    """Return the most bytes of memory held so far (on Linux, since the last reset)."""
    if sys.platform == "linux":
        # not ru_maxrss, which begins with what the parent process held
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def held_by(*things):
    """Return the bytes of the arrays among these, and in their attributes, each counted once."""
    buffers = {}
    for thing in things:
        for array in (thing, *getattr(thing, "__dict__", {}).values()):
            while isinstance(getattr(array, "base", None), np.ndarray):
                array = array.base  # a view keeps the whole alive
            if isinstance(array, np.ndarray):
                buffers[id(array)] = array.nbytes
    return sum(buffers.values())
