"""Pictures of paths, cross-validation, stability and drift; they need matplotlib (extra `plot`)."""

from ._coefficient_path import CoefficientPathDisplay
from ._cv_curve import CVCurveDisplay
from ._drift import DriftDisplay
from ._stability_path import StabilityPathDisplay

__all__ = [
    "CVCurveDisplay",
    "CoefficientPathDisplay",
    "DriftDisplay",
    "StabilityPathDisplay",
]
