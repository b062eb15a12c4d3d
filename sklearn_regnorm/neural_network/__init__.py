"""Networks with normalization and penalties, and the layers that they are made of."""

from ._classifier import MLPClassifier
from ._layers import Dropout, Identity, Layer, Linear, Logistic, ReLU, Tanh
from ._normalization import BatchNorm, LayerNorm
from ._regressor import MLPRegressor

__all__ = [
    "BatchNorm",
    "Dropout",
    "Identity",
    "Layer",
    "LayerNorm",
    "Linear",
    "Logistic",
    "MLPClassifier",
    "MLPRegressor",
    "ReLU",
    "Tanh",
]
