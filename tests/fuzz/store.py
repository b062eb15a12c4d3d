"""Problems as text, exactly: JSON, in which floats keep every digit."""

import json

import numpy as np
from problems import Problem


def encode(kind, problem, faults, note=""):
    """Return a line of JSON for a problem that failed."""
    parts = {"kind": kind, "note": note, "faults": faults[:5], **vars_of(problem)}
    return json.dumps(parts, default=plain)


def vars_of(problem):
    """Return what defines a problem."""
    names = "seed", "Z", "y", "v", "params", "container", "origin", "options"
    return {name: getattr(problem, name) for name in names} | {"dtype": problem.Z.dtype.name}


def plain(value):
    """Return a numpy value as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be stored")


def decode(line):
    """Return the kind of a stored problem, the problem, and the note on it."""
    parts = json.loads(line)
    kind, note, dtype = (parts.pop(name) for name in ("kind", "note", "dtype"))
    del parts["faults"]
    parts["Z"], parts["y"] = np.array(parts["Z"], dtype), np.array(parts["y"], float)
    parts["v"] = None if parts["v"] is None else np.array(parts["v"], float)
    return kind, Problem(**parts), note
