"""Sparse matrices whose arrays do not fit together, and what they mean if anything."""

import numpy as np
from scipy import sparse

from gate.odd import HUGE, LAYOUTS, MAY, MUST, NEVER, Odd

FORMATS = "csc", "csr", "coo", "bsr", "dia", "dok", "lil"
PARTS = {
    "csc": ("data", "indices", "indptr"),
    "csr": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
    "dia": ("data", "offsets"),
    "lil": ("data", "rows"),
    "dok": (),
}
INDICES = -1, 0, 3, 100, 10**8, 2**31 - 1, -(2**31), 2**40, -(2**40), 2**63 - 1, 0.5, np.nan
MOST = 10**6  # what is larger is huge
DTYPES = "f8 f4 i8 i4 i2 u1 u4 u8 >i4 >i8 ? O c16 U9 M8[s] g".split()


def pick(rng, things):
    return things[int(rng.integers(len(things)))]


# ------------------------------------------------------------------------ what they mean


def whole(array, high, low=0):
    """Return a 1-D array as integers in [low, high), or None if it is something else."""
    array = np.asarray(array)
    if array.ndim != 1 or array.dtype.kind not in "biufO" or array.size > MOST:
        return None
    found = [int(x) for x in array.tolist() if float(x).is_integer()]
    return found if len(found) == len(array) and all(low <= k < high for k in found) else None


def numbers(array, ndim=1):
    if np.ma.is_masked(array):
        return None
    array = np.asarray(array)
    if array.ndim != ndim or array.dtype.kind not in "biufO" or array.size > MOST:
        return None
    return array.astype(np.float64)


def entries(A):
    """Return (row, column, value) of every entry, or None if the arrays do not fit together."""
    n, p = A.shape
    if A.format == "coo":
        parts = whole(A.row, n), whole(A.col, p), numbers(A.data)
        if any(part is None for part in parts) or len({len(part) for part in parts}) > 1:
            return None
        return list(zip(*parts, strict=True))
    if A.format == "dok":
        items = [(*key, value) for key, value in A.items()]
        good = all(0 <= i < n and 0 <= j < p for i, j, _ in items)
        return items if good else None
    if A.format == "lil":
        if len(A.rows) != n or len(A.data) != n:
            return None
        triples = [(i, a, b) for i, (a, b) in enumerate(zip(A.rows, A.data, strict=True))]
        columns = [whole(a, p) for _, a, _ in triples]
        if any(a is None or len(a) != len(t[2]) for a, t in zip(columns, triples, strict=True)):
            return None
        return [
            (t[0], j, x) for a, t in zip(columns, triples, strict=True)
            for j, x in zip(a, t[2], strict=True)
        ]  # fmt: skip
    if A.format == "dia":
        data, offsets = numbers(A.data, 2), whole(A.offsets, 2**63, -(2**63))
        if data is None or offsets is None or len(data) != len(offsets):
            return None
        places = [
            (j - k, j, data[i, j]) for i, k in enumerate(offsets) for j in range(len(data[i]))
        ]
        return [one for one in places if 0 <= one[0] < n and one[1] < p]
    return compressed(A)


def compressed(A):
    block = np.shape(A.data)[1:] if A.format == "bsr" else (1, 1)
    if len(block) != 2 or 0 in block or A.shape[0] % block[0] or A.shape[1] % block[1]:
        return None
    rows, cols = A.shape[0] // block[0], A.shape[1] // block[1]
    major, minor = (cols, rows) if A.format == "csc" else (rows, cols)
    pointer = whole(A.indptr, 2**62)
    if pointer is None or len(pointer) != major + 1 or pointer[0] != 0 or np.ndim(A.indices) != 1:
        return None
    if sorted(pointer) != pointer or pointer[-1] > min(len(A.data), len(A.indices)):
        return None
    data = numbers(A.data[: pointer[-1]], 3 if A.format == "bsr" else 1)
    index = whole(np.asarray(A.indices)[: pointer[-1]], minor)
    if data is None or index is None:
        return None
    found = []
    for k in range(major):
        for t in range(pointer[k], pointer[k + 1]):
            i, j = (index[t], k) if A.format == "csc" else (k, index[t])
            for a in range(block[0]):
                for b in range(block[1]):
                    value = data[t, a, b] if A.format == "bsr" else data[t]
                    found.append((i * block[0] + a, j * block[1] + b, value))
    return found


def meaning(A):
    """Return the numbers of A in a plain array, or None."""
    shape = A.shape
    good = len(shape) == 2 and all(isinstance(k, int | np.integer) and k >= 0 for k in shape)
    if not good or int(shape[0]) * int(shape[1]) > MOST:
        return None
    found = entries(A)
    if found is None:
        return None
    dense = np.zeros(shape)
    for i, j, value in found:
        dense[i, j] += float(value)
    single = getattr(A, "dtype", None) == np.float32
    return dense.astype(np.float32) if single else dense


# ------------------------------------------------------------------------ making them odd


def legal(rng, a):
    """Return `a` in a sparse format, index arrays narrow or wide."""
    kind = pick(rng, FORMATS)
    flavour = pick(rng, ("array", "matrix"))
    A = getattr(sparse, f"{kind}_{flavour}")(a)
    if kind == "bsr" and a.shape[0] % 2 == 0 and rng.random() < 0.5:
        A = getattr(sparse, f"bsr_{flavour}")(a, blocksize=(2, 1))
    if rng.random() < 0.4 and kind in ("csc", "csr", "bsr"):
        A.indices, A.indptr = A.indices.astype(np.int64), A.indptr.astype(np.int64)
    if rng.random() < 0.3 and kind in ("csc", "csr", "coo"):
        A.data = A.data.astype(pick(rng, ("f4", "i8", "?", "u1", "f4")))
    return A


def one_entry(rng, part):
    value = pick(rng, INDICES)
    wide = np.array(part, dtype=np.result_type(part, np.asarray(value)))
    if wide.size:
        wide.ravel()[int(rng.integers(wide.size))] = value
    return wide


def exchanged(rng, part):
    part = part.copy()
    if len(part) > 1:
        i, j = rng.integers(0, len(part), 2)
        part[[i, j]] = part[[j, i]]
    return part


CHANGES = {
    "one entry": one_entry,
    "two entries": lambda rng, part: one_entry(rng, one_entry(rng, part)),
    "exchanged": exchanged,
    "backwards": lambda rng, part: part[::-1],
    "shorter": lambda rng, part: part[: int(rng.integers(len(part) + 1))],
    "longer": lambda rng, part: np.concatenate([part, part[-1:], part[-1:]]),
    "empty": lambda rng, part: part[:0],
    "a column": lambda rng, part: part[:, None],
    "a scalar": lambda rng, part: part.ravel()[:1].reshape(()),
    "None": lambda rng, part: None,
    "a list": lambda rng, part: part.tolist(),
    "another dtype": lambda rng, part: part.astype(pick(rng, DTYPES)),
    "masked": lambda rng, part: np.ma.masked_array(part, mask=np.arange(part.size) == 1),
    "another layout": lambda rng, part: LAYOUTS[pick(rng, list(LAYOUTS))](rng, part),
    "huge": lambda rng, part: np.lib.stride_tricks.as_strided(part, (HUGE,), (0,)),
    "all the same": lambda rng, part: np.full_like(part, part.ravel()[0]),
    "repeated": lambda rng, part: np.repeat(part, 2, axis=0),
}
LAWFUL = "another layout"  # changes nothing of what a matrix means
SHAPES = (
    lambda n, p: (n + 1, p), lambda n, p: (n, p + 1), lambda n, p: (n - 1, p),
    lambda n, p: (n, p - 1), lambda n, p: (HUGE, p), lambda n, p: (n, HUGE),
    lambda n, p: (2**62, 2**62), lambda n, p: (-n, p), lambda n, p: (n,), lambda n, p: (n, p, 1),
    lambda n, p: (n + 0.5, p), lambda n, p: ("n", "p"), lambda n, p: (0, p), lambda n, p: (n, 0),
    lambda n, p: (p, n),
)  # fmt: skip


def change_part(rng, A):
    """Change one of the arrays of A; returns what was done."""
    if A.format == "dok":
        n, p = A.shape
        key = pick(rng, [(n, 0), (0, p), (-1, 0), (2**40, 0), (0, 2**62), ("a", 0), (0.5, 0), (0,)])
        A._dict[key] = 1.0
        return f"key {key}"
    name = pick(rng, PARTS[A.format])
    part = np.asarray(getattr(A, name))
    if A.format == "lil" and rng.random() < 0.7:  # the lists within
        at = int(rng.integers(len(part)))
        change = pick(rng, ("one entry", "shorter", "longer", "empty", "None", "a list"))
        inner = CHANGES[change](rng, np.array(part[at] or [0]))
        part[at] = inner.tolist() if isinstance(inner, np.ndarray) else inner
        return f"{name}[{at}]: {change}"
    change = pick(rng, list(CHANGES))
    with np.errstate(all="ignore"):
        setattr(A, name, CHANGES[change](rng, part))
    return f"{name}: {change}"


def change_alias(rng, A):
    """Let two arrays of A be one."""
    one, other = rng.permutation(PARTS[A.format])[:2]
    setattr(A, one, getattr(A, other))
    return f"{one} is {other}"


def change_shape(rng, A):
    shape = pick(rng, SHAPES)(*A.shape)
    vars(A)["_shape"] = shape  # as a pickle may say
    return f"shape {shape}"


def declared_huge(rng, A):
    """Return a small matrix of huge shape, made by scipy's own means."""
    n, p = A.shape
    A = A.tocoo()
    kind = pick(rng, ("csr", "coo", "csc", "dok"))
    shape = {"csr": (n, HUGE), "csc": (HUGE, p)}.get(kind, pick(rng, [(n, HUGE), (HUGE, p)]))
    if kind in ("coo", "dok"):
        return sparse.coo_array((A.data, (A.row, A.col)), shape=shape).asformat(kind)
    A = A.asformat(kind)
    return type(A)((A.data, A.indices, A.indptr), shape=shape)


def buffers(A):
    parts = [A.data, *A.coords] if A.format == "coo" else [getattr(A, k) for k in PARTS[A.format]]
    return [one for one in parts if isinstance(one, np.ndarray) and one.size <= MOST]


def odd_sparse(rng, a):
    """Return something odd made from the numbers of `a`, with some zeros put in."""
    a = np.where(rng.random(a.shape) < 0.6, a, 0.0)
    A = legal(rng, a)
    if rng.random() < 0.1:
        A = declared_huge(rng, A)
        return Odd(A, None, NEVER, f"{A.format} of shape {A.shape}", buffers(A))
    if rng.random() < 0.15:
        kind = f"{A.format} {A.dtype.str}"
        return Odd(A, meaning(A), MUST, kind, buffers(A))
    said = []
    for _ in range(pick(rng, (1, 1, 1, 2, 3))):
        changes = [change_part] * 6 + [change_shape]
        changes += [change_alias] if len(PARTS[A.format]) > 1 else []
        try:
            said.append(pick(rng, changes)(rng, A))
        except (ValueError, TypeError, AttributeError, IndexError, OverflowError):
            continue  # numpy or scipy would not have it
        if "huge" in said[-1]:
            break  # the next change would copy it
    if rng.random() < 0.3 and A.format in ("csc", "csr"):
        A.has_sorted_indices = A.has_canonical_format = True
    try:
        value = meaning(A)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError):
        value = None
    lawful = all(LAWFUL in one for one in said)
    rule = NEVER if value is None else MUST if lawful else MAY
    return Odd(A, value, rule, f"{A.format} {'; '.join(said)}", buffers(A))
