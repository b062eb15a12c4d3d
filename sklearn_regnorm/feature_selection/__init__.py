"""Selection of features by how stably the lasso picks them, with bounds on false selections."""

from ._stability_selection import StabilitySelection

__all__ = ["StabilitySelection"]
