"""Solvers: from validated data to certified coefficients. Estimators hold no mathematics."""

from .path import forced_form

__all__ = ["forced_form"]
