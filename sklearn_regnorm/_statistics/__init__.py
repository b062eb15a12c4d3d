"""Mergeable statistics: the statistics of two sets of rows merge into those of their union.

Folds, chunks of a file, mini-batches and machines all combine exactly (Chan, Golub and LeVeque
1983), without a difference of large numbers.
"""

from .cross_products import BLOCK_ENTRIES, CrossProducts, cross_products, merge_all
from .moment_kernels import exact_correlations
from .moments import ColumnMoments

__all__ = [
    "BLOCK_ENTRIES",
    "ColumnMoments",
    "CrossProducts",
    "cross_products",
    "exact_correlations",
    "merge_all",
]
