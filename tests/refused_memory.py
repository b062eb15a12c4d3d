"""Memory that numpy asks for and does not get: its k-th allocation from now on fails.

By way of numpy's own means of having arrays allocated by others (its C interface, NEP 49), so that
no allocation of data escapes: results, temporaries, copies, of whoever calls numpy.
"""

import ctypes
from contextlib import contextmanager

import numpy as np
from numba import carray, cfunc, types

_size = ctypes.c_size_t
_libc = ctypes.CDLL(None)
_malloc, _calloc, _realloc, _free = _libc.malloc, _libc.calloc, _libc.realloc, _libc.free
for _function, _arguments in ((_malloc, 1), (_calloc, 2), (_realloc, 2), (_free, 1)):
    _function.restype, _function.argtypes = _size, [_size] * _arguments
_free.restype = None

# Compiled, not Python: also called without the GIL, and by arrays that outlive the interpreter.
_pointer = types.uintp


@cfunc(_pointer(types.voidptr, types.uintp))
def _allocate(context, size):
    left = carray(context, 1, np.int64)
    left[0] -= 1
    return _malloc(size) if left[0] != 0 else 0


@cfunc(_pointer(types.voidptr, types.uintp, types.uintp))
def _allocate_zeros(context, count, size):
    left = carray(context, 1, np.int64)
    left[0] -= 1
    return _calloc(count, size) if left[0] != 0 else 0


@cfunc(_pointer(types.voidptr, types.uintp, types.uintp))
def _allocate_anew(context, pointer, size):
    left = carray(context, 1, np.int64)
    left[0] -= 1
    return _realloc(pointer, size) if left[0] != 0 else 0


@cfunc(types.void(types.voidptr, types.uintp, types.uintp))
def _give_back(context, pointer, size):
    _free(pointer)


class _Handler(ctypes.Structure):
    """PyDataMem_Handler of numpy's C interface."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        *((name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")),
    ]


_left = np.zeros(1, dtype=np.int64)
_handler = _Handler(
    b"refusing",
    1,
    _left.ctypes.data,
    *(one.address for one in (_allocate, _allocate_zeros, _allocate_anew, _give_back)),
)


def _set_handler(capsule, PyDataMem_SetHandler=304):
    """Let numpy allocate by another handler; return the one before."""
    address = ctypes.pythonapi.PyCapsule_GetPointer
    address.restype, address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = address(np._core._multiarray_umath._ARRAY_API, None)
    entries = ctypes.cast(table, ctypes.POINTER(ctypes.c_void_p))
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)
    return prototype(entries[PyDataMem_SetHandler])(capsule)


def _capsule():
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(ctypes.addressof(_handler), b"mem_handler", None)


@contextmanager
def refusing(k):
    """Within this context, and in this thread, numpy's k-th allocation fails, and no other."""
    before = _set_handler(_capsule())
    _left[0] = k
    try:
        yield
    finally:
        _set_handler(before)


def allocations(function, *args):
    """Return how many allocations a call takes."""
    with refusing(0):
        function(*args)
        return -int(_left[0])
