"""Regularization and normalization for scikit-learn users: fast, copying nothing, certified."""

from .feature_selection import StabilitySelection
from .linear_model import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    enet_path,
    lasso_path,
)
from .neural_network import MLPClassifier, MLPRegressor
from .preprocessing import BatchNormalizer, LayerNormalizer

__version__ = "0.1.0"

__all__ = [
    "BatchNormalizer",
    "ElasticNet",
    "ElasticNetCV",
    "Lasso",
    "LassoCV",
    "LayerNormalizer",
    "MLPClassifier",
    "MLPRegressor",
    "Ridge",
    "RidgeCV",
    "StabilitySelection",
    "__version__",
    "enet_path",
    "lasso_path",
]
