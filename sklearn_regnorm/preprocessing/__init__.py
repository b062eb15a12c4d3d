"""Batch and layer normalization as transformers."""

from ._batch import BatchNormalizer
from ._layer import LayerNormalizer

__all__ = ["BatchNormalizer", "LayerNormalizer"]
