"""A judge of BatchNormalizer: any stream of batches against exact rational moments."""

from fractions import Fraction

import numpy as np
from problems import contain

from sklearn_regnorm.preprocessing import BatchNormalizer

from .linear import EPS, solving

UNITS = 8
LEAST = Fraction(2) ** -1074  # the spacing of the smallest floats


def exact_moments(x, v):
    """Return mean and variance of those x (n,) that are numbers, at weights v, as fractions."""
    pairs = [(Fraction(float(a)), Fraction(float(w))) for a, w in zip(x, v, strict=True) if a == a]
    weight = sum(w for _, w in pairs)
    if not weight:
        return None
    mean = sum(a * w for a, w in pairs) / weight
    return mean, sum(w * (a - mean) ** 2 for a, w in pairs) / weight


def moments(problem):
    """Pool a stream, in batches that begin at the rows in `starts`: mean and variance are exact."""
    starts = problem.options["starts"]
    batches = [slice(*ends) for ends in zip(starts, [*starts[1:], None], strict=True)]
    with solving(None) as messages:
        model = BatchNormalizer(center=False)
        for rows in batches:
            v = None if problem.v is None else problem.v[rows]
            model.partial_fit(contain(problem.Z[rows], problem.container), sample_weight=v)
    yield from messages
    v = np.ones(len(problem.Z)) if problem.v is None else problem.v
    for j, x in enumerate(problem.Z.T):
        exact = exact_moments(x, v)
        found = float(model.mean_[j]), float(model.var_[j])
        if exact is None:
            if not np.isnan(found).all():
                yield f"column {j} has moments {found}, and no number"
            continue
        sizes = max(abs(exact[0]), Fraction(float(np.sqrt(float(exact[1]))))), exact[1]
        for name, one, right, size in zip(("mean_", "var_"), found, exact, sizes, strict=True):
            if not abs(one - right) <= UNITS * Fraction(EPS) * size + LEAST:
                yield f"{name}[{j}] is {one!r}, not {float(right)!r}"
