"""Transformers fitted to every training side by hand, and models behind them."""

import numpy as np
from numpy.testing import assert_allclose
from problems import regression
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from sklearn_regnorm import ElasticNet
from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer
from sklearn_regnorm.solvers import forced_form

N, P = 42, 5
X, y = regression(0, N, P)
X = X * np.array([1.0, 30.0, 0.02, 5.0, 1.0]) + np.array([0.0, 100.0, -3.0, 2.0, 0.0])
ROWS = np.arange(N)
COUNTS = ROWS * 5 % 4
FOLDS = list(KFold(3, shuffle=True, random_state=1).split(X))
GAMMA = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
FORMS = "gram", "working_set"


class Shrink(TransformerMixin, BaseEstimator):
    """A transformer that is nobody's but the user's; needs y."""

    def fit(self, X, y):
        self.slope_ = (X - X.mean(axis=0)).T @ y / len(y)
        return self

    def transform(self, X):
        return np.arcsinh(X / 50.0) + self.slope_


# scikit-learn 1.6 knows neither of these parameters
CLIPPED, CROSS = MaxAbsScaler(), TargetEncoder(cv=3, shuffle=False)
if "clip" in CLIPPED.get_params():
    CLIPPED, CROSS = MaxAbsScaler(clip=True), TargetEncoder(cv=KFold(3))

DENSE = {
    "standard": StandardScaler(),
    "centred": StandardScaler(with_std=False),
    "batch": BatchNormalizer(),
    "gamma": BatchNormalizer(gamma=GAMMA, beta=-GAMMA, eps=0.1),
    "negative gamma": BatchNormalizer(gamma=-GAMMA),
    "unbiased": BatchNormalizer(ddof=1),
    "learned": BatchNormalizer(learn_affine=True, max_iter=3, random_state=0),
    "layer": LayerNormalizer(),
    "robust": RobustScaler(quantile_range=(10, 80), unit_variance=True),
    "min max": MinMaxScaler((-1, 3)),
    "clipped": MinMaxScaler(clip=True),
    "max abs": MaxAbsScaler(),
    "max abs clipped": CLIPPED,
    "scalers": make_pipeline(StandardScaler(), "passthrough", MaxAbsScaler(), BatchNormalizer()),
    "function": FunctionTransformer(np.arcsinh),
    "polynomial": make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False)),
    "spline": SplineTransformer(n_knots=4, extrapolation="linear"),
    "quantile knots": SplineTransformer(n_knots=4, knots="quantile"),
    "components": make_pipeline(StandardScaler(), PCA(3)),
    "quantiles": QuantileTransformer(n_quantiles=10),
    "bins": KBinsDiscretizer(4),
    "even bins": KBinsDiscretizer(4, strategy="uniform"),
    "best": make_pipeline(SelectKBest(f_regression, k=3), StandardScaler()),
    "kernel": Nystroem(n_components=6, random_state=0, gamma=1e-3),
    "union": FeatureUnion([("a", StandardScaler()), ("b", PCA(2))]),
    "own": Shrink(),
}  # fmt: skip
SHARED = {"standard", "centred", "batch", "gamma", "unbiased", "learned", "robust", "min max",
          "max abs", "scalers"}  # fmt: skip

if "clip" not in CLIPPED.get_params():
    SHARED.add("max abs clipped")


def by_hand(model, data, folds, v=None, weighted=False, score=None, data_y=None):
    """Return errors (n_rows of the table, n_folds) of single fits behind fitted transformers."""
    target = y if data_y is None else data_y
    v = np.ones(len(target)) if v is None else v
    given = ElasticNet().get_params().keys() & model.get_params().keys() - {"tol"}
    flags = {name: getattr(model, name) for name in given}
    errors = np.empty((len(model.cv_table_["alpha"]), len(folds)))
    for k, (train, test) in enumerate(folds):
        train, test = train[v[train] > 0], test[v[test] > 0]
        transformer = clone(model.preprocessor)
        extra = {"sample_weight": v[train]} if weighted else {}
        Z = transformer.fit_transform(take(data, train), target[train], **extra)
        Z_test = transformer.transform(take(data, test))
        for row, alpha in enumerate(model.cv_table_["alpha"]):
            flags["l1_ratio"] = model.cv_table_["l1_ratio"][row]
            one = ElasticNet(**{**flags, "alpha": alpha}, tol=1e-14).fit(Z, target[train], v[train])
            r = target[test] - one.predict(Z_test)
            errors[row, k] = np.average(r * r, weights=v[test]) if score is None else score(r)
    return errors


def take(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def check(model, data, form, v=None, **how):
    """Fit, compare with fits by hand, and return the model."""
    with forced_form(form):
        model = clone(model).set_params(cv=FOLDS).fit(data, how.get("data_y", y), v)
    data = data.tocsr() if sparse.issparse(data) else data
    expected = by_hand(model, data, FOLDS, v, **how)
    assert_allclose(model.mse_path_.reshape(expected.shape), expected, rtol=1e-8)
    Z = model.preprocessor_.transform(data)
    Z = Z if sparse.issparse(Z) else np.asarray(Z, dtype=float)
    assert_allclose(model.predict(data), Z @ model.coef_ + model.intercept_, rtol=1e-12)
    assert_allclose(model.coef_, model.coef_path_.reshape(-1, Z.shape[1])[model.best_index_])
    return model
