"""Pictures of paths, cross-validation, stability, training and drift.

They need matplotlib (extra `plot`).
"""

from ._coefficient_path import CoefficientPathDisplay
from ._cv_curve import CVCurveDisplay
from ._drift import DriftDisplay
from ._loss_curve import LossCurveDisplay
from ._stability_path import StabilityPathDisplay

__all__ = [
    "CVCurveDisplay",
    "CoefficientPathDisplay",
    "DriftDisplay",
    "LossCurveDisplay",
    "StabilityPathDisplay",
]
