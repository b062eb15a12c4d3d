"""Names for the kinds of argument that the public functions take."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

# What scikit-learn's validation takes: arrays, scipy sparse matrices and arrays, frames.
Matrix: TypeAlias = Any
# Arrays, lists, series, one-column frames.
Vector: TypeAlias = Any
Weights: TypeAlias = ArrayLike | None
# An int, a splitter, or pairs of row indices or masks.
CV: TypeAlias = int | Iterable[tuple[ArrayLike, ArrayLike]] | Any | None
RandomState: TypeAlias = int | np.random.RandomState | None
