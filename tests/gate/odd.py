"""Arrays, and what looks like arrays, in odd shape."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl

MAY, MUST, NEVER = "may be taken", "must be taken", "must be refused"
HUGE = 2**40


class Hostile(Exception):
    """What the caller's own code raises: it passes through."""


@dataclass
class Odd:
    """Something odd, and what it means.

    Attributes
    ----------
    thing : object
        As given to an estimator.
    value : ndarray or None
        The same numbers in a plain array, or None if there is no such thing.
    rule : str
        Whether it has to be taken if its value is legal.
    kind : str
    buffers : list of ndarray
        What must not change.
    """

    thing: object
    value: np.ndarray | None
    rule: str
    kind: str
    buffers: list = field(default_factory=list)


class Number:
    """Converts itself to a number, and does something else on the way."""

    def __init__(self, value, deed=None):
        self.value, self.deed = value, deed

    def __float__(self):
        if self.deed is not None:
            self.deed()
        return float(self.value)


class ArrayLike:
    """Has `__array__`, and attributes that need not agree with it."""

    def __init__(self, *answers, **attributes):
        self._answers = list(answers)
        vars(self).update(attributes)

    def __array__(self, dtype=None, copy=None):
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if dtype is None else np.asarray(answer).astype(dtype)


def _raise():
    raise Hostile


# ------------------------------------------------------------------------ the same numbers


def strided(rng, a):
    steps = rng.integers(2, 4, a.ndim)
    wide = a
    for axis, step in enumerate(steps):
        wide = np.repeat(wide, step, axis=axis)
    return wide[tuple(slice(None, None, step) for step in steps)]


def backwards(rng, a):
    turned = (slice(None, None, -1),) * a.ndim
    return a[turned].copy()[turned]


def unaligned(rng, a):
    if a.dtype.hasobject:
        return a
    buffer = np.zeros(a.nbytes + 1, dtype=np.uint8)
    b = buffer[1:].view(a.dtype).reshape(a.shape)
    b[...] = a
    return b


def field_of_records(rng, a):
    records = np.zeros(a.shape, dtype=[("flag", "i1"), ("x", a.dtype)])
    records["x"] = a
    return records["x"]


def readonly(rng, a):
    a = a.copy(order=rng.choice(["C", "F"]))
    a.flags.writeable = False
    return a


def subclass(rng, a):
    return a.view(type("Mine", (np.ndarray,), {}))


def inside(rng, a):
    around = np.full([size + 3 for size in a.shape], 7, dtype=a.dtype)
    place = tuple(slice(1, 1 + size) for size in a.shape)
    around[place] = a
    return around[place]


LAYOUTS = {
    "C": lambda rng, a: a.copy(order="C"),
    "Fortran": lambda rng, a: a.copy(order="F"),
    "strided": strided,
    "backwards": backwards,
    "unaligned": unaligned,
    "field of records": field_of_records,
    "read-only": readonly,
    "subclass": subclass,
    "inside another": inside,
}
DTYPES = "f8 f8 f8 f4 f2 g >f8 >f4 >f2 i8 >i4 i2 u1 >u2 ? O".split()
CONTAINERS = {
    "list": lambda rng, a: a.tolist(),
    "tuple": lambda rng, a: tuple(map(tuple, a.tolist())) if a.ndim > 1 else tuple(a.tolist()),
    "list of arrays": lambda rng, a: list(a),
    "pandas": lambda rng, a: (pd.DataFrame if a.ndim == 2 else pd.Series)(a),
    "polars": lambda rng, a: pl.DataFrame(a) if a.ndim == 2 else pl.Series(a),
    "fractions": lambda rng, a: objects(a, lambda x: Fraction(x) if np.isfinite(x) else x),
    "decimals": lambda rng, a: objects(a, Decimal),
    "masked, nothing masked": lambda rng, a: np.ma.masked_array(a, mask=np.zeros(a.shape, bool)),
    "with __array__": lambda rng, a: ArrayLike(a),
    "with __array__ and shape": lambda rng, a: ArrayLike(a, shape=a.shape, dtype=a.dtype),
    "memory view": lambda rng, a: memoryview(np.ascontiguousarray(a)),
    "numbers that convert themselves": lambda rng, a: objects(a, Number),
    "digits": lambda rng, a: a.astype("U32"),
    "digits in bytes": lambda rng, a: a.astype("S32"),
    "complex without imaginary part": lambda rng, a: a.astype(complex),
    "np.matrix": lambda rng, a: np.asmatrix(a),
}
PLAIN = "list", "tuple", "list of arrays", "pandas", "polars"


def objects(a, make):
    found = np.empty(a.shape, dtype=object)
    found.ravel()[:] = [make(float(x)) for x in a.ravel()]
    return found


def same_numbers(rng, a):
    """Return the numbers of `a` in an odd layout or container; a dtype may round them."""
    if rng.random() < 0.6:
        dtype = np.dtype(str(rng.choice(DTYPES)))
        with np.errstate(all="ignore"):
            b = a.astype(dtype)
        name = str(rng.choice(list(LAYOUTS)))
        thing = LAYOUTS[name](rng, b)
        single = dtype == np.float32
        value = np.array(b, dtype=np.float32 if single else np.float64, order="C")
        return Odd(thing, value, MUST, f"{name} {dtype.str}", [b, getattr(thing, "base", None)])
    name = str(rng.choice(list(CONTAINERS)))
    thing = CONTAINERS[name](rng, a)
    return Odd(thing, a.astype(np.float64), MUST if name in PLAIN else MAY, name, [a])


# ------------------------------------------------------------------------ no numbers


def put(a, rng, value, dtype=None):
    b = np.array(a, dtype=dtype)
    b[tuple(rng.integers(0, size) for size in b.shape)] = value
    return b


def masked(rng, a):
    mask = np.zeros(a.shape, bool)
    mask[tuple(rng.integers(0, size) for size in a.shape)] = True
    return np.ma.masked_array(a, mask=mask)


def virtual(rng, a):
    """Return a view of a few bytes that claims to be huge."""
    shape = [HUGE, *a.shape[1:]] if rng.random() < 0.7 or a.ndim == 1 else [a.shape[0], HUGE]
    one = np.ones(1, dtype=str(rng.choice(["f8", "f4", "i8", "?"])))
    return np.lib.stride_tricks.as_strided(one, shape=shape, strides=[0] * len(shape))


def changing(rng, a):
    """Return what is another array each time it is asked."""
    return ArrayLike(a, np.concatenate([a, a]), a[:1], shape=a.shape)


def saboteur(rng, a):
    """Return objects, one of which empties the others on conversion."""
    b = objects(a, float)
    b.ravel()[int(rng.integers(b.size))] = Number(1.0, lambda: b.ravel().fill(None))
    return b


NUMBERLESS = {
    "one object": lambda rng, a: put(a, rng, object(), object),
    "None": lambda rng, a: put(a, rng, None, object),
    "pd.NA": lambda rng, a: put(a, rng, pd.NA, object),
    "words": lambda rng, a: put(a, rng, "word", "U32"),
    "bytes": lambda rng, a: put(a, rng, b"\xff\x00", "S32"),
    "complex": lambda rng, a: a + 1j,
    "complex objects": lambda rng, a: put(a, rng, 1j, object),
    "structured": lambda rng, a: np.zeros(a.shape, dtype=[("x", "f8"), ("y", "i4")]),
    "void": lambda rng, a: np.zeros(a.shape, dtype="V8"),
    "datetime": lambda rng, a: np.abs(a * 100).astype("i8").astype("M8[D]"),
    "timedelta": lambda rng, a: np.abs(a * 100).astype("i8").astype("m8[s]"),
    "list of datetimes": lambda rng, a: list(np.abs(a * 100).astype("i8").astype("M8[D]")),
    "pandas datetime": lambda rng, a: pd.Series(pd.to_datetime(np.arange(len(a)))),
    "masked": masked,
    "list of masked rows": lambda rng, a: list(masked(rng, a)),
    "ragged": lambda rng, a: [row.tolist() if i else [1.0] * 9 for i, row in enumerate(a)],
    "huge": virtual,
    "changing": changing,
    "saboteur": saboteur,
    "raises": lambda rng, a: ArrayLike(Hostile()),
    "raises KeyError": lambda rng, a: ArrayLike(KeyError("X")),
    "an element raises": lambda rng, a: put(a, rng, Number(0.0, _raise), object),
    "__array__ of no array": lambda rng, a: ArrayLike("nonsense"),
    "shape that is none": lambda rng, a: ArrayLike(a, shape="wide"),
    "another shape": lambda rng, a: ArrayLike(a, shape=(10**9, 10**9)),
    "a set": lambda rng, a: set(a.ravel().tolist()),
    "a dict": lambda rng, a: {"x": a},
    "a generator": lambda rng, a: (row for row in a),
    "a word": lambda rng, a: "nonsense",
    "bytes alone": lambda rng, a: b"\x00" * 8,
    "an object": lambda rng, a: object(),
    "a type": lambda rng, a: np.ndarray,
    "itself": lambda rng, a: recursive(),
    "large integers": lambda rng, a: put(a, rng, 10**400, object),
}
# They may be taken at one of their faces.
FACES = "changing", "another shape", "saboteur", "shape that is none"


def recursive():
    whole = []
    whole.append(whole)
    return whole


def no_numbers(rng, a):
    """Return something that holds no usable numbers, shaped like `a`."""
    name = str(rng.choice(list(NUMBERLESS)))
    thing = NUMBERLESS[name](rng, a)
    rule = MAY if name in FACES else NEVER
    return Odd(thing, None, rule, name, [a])


# ------------------------------------------------------------------------ other numbers

SHAPES = {
    "one more": lambda rng, a: np.concatenate([a, a[:1]]),
    "one less": lambda rng, a: a[:-1],
    "none": lambda rng, a: a[:0],
    "a scalar": lambda rng, a: np.array(1.0),
    "one more axis": lambda rng, a: a[..., None],
    "an axis in front": lambda rng, a: a[None],
    "flat": lambda rng, a: a.ravel(),
    "no columns": lambda rng, a: a[:, :0] if a.ndim == 2 else a[:0],
    "one column more": lambda rng, a: np.hstack([a, a[:, :1]]) if a.ndim == 2 else a[1:],
    "many axes": lambda rng, a: a.reshape(a.shape + (1,) * 30),
}
SPECIAL = np.nan, np.inf, -np.inf, -1.0, 1e308, -1e308, 5e-324


def other_numbers(rng, a):
    """Return another shape or an unusual number, in an odd container."""
    if rng.random() < 0.5:
        name = str(rng.choice(list(SHAPES)))
        b = SHAPES[name](rng, a)
        return Odd(b, np.asarray(b, dtype=np.float64), MUST, name, [b])
    value = float(rng.choice(SPECIAL))
    odd = same_numbers(rng, put(a.astype(np.float64), rng, value))
    odd.kind = f"{value}, {odd.kind}"
    return odd


def odd_array(rng, a):
    """Return something odd made from the array `a`, of one or two axes."""
    make = rng.choice([same_numbers, no_numbers, other_numbers], p=[0.4, 0.35, 0.25])
    with np.errstate(all="ignore"):
        return make(rng, a)
