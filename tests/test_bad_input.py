"""What cannot be used is refused by name, and refusing it changes nothing."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from refusal import REFUSED, N, P, X, fitted, put, refused, y
from scipy import sparse

from sklearn_regnorm import (
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    Ridge,
    RidgeCV,
    enet_path,
    lasso_path,
)

EVERY = [Lasso, Ridge, ElasticNet, LassoCV, RidgeCV, ElasticNetCV]
every = pytest.mark.parametrize("cls", EVERY)


# ------------------------------------------------------------------------------ parameters

NAN, INF = np.nan, np.inf
FLAG = ["yes", None, 2, 0.5]
BAD_PARAMETERS = {
    "alpha": [-1.0, -1e-300, INF, NAN, "1", None, 1j, [], [[1.0]], 10**400],
    "l1_ratio": [-0.1, 1.0 + 1e-9, NAN, INF, "0.5", None, [], [0.5, 1.5], [[0.5]]],
    "tol": [-1e-9, NAN, "small", None, 10**400],
    "max_iter": [0, -1, 1.5, NAN, "many", 2**63, 10**400],
    "fit_intercept": FLAG,
    "standardize": FLAG,
    "positive": FLAG,
    "warm_start": FLAG,
    "copy_X": FLAG,
    "early_stopping": FLAG,
    "store_cv_results": FLAG,
    "alpha_per_target": FLAG,
    "precompute": ["yes", 3, None, np.ones((2, 3)), np.full((P, P), NAN)],
    "random_state": ["seed", -1, 1.5],
    "selection": ["rand", None, 1, np.ones(2)],
    "solver": ["newton", "", 3, None, ["svd"]],
    "gcv_mode": ["fast", 1, np.ones(2)],
    "scoring": ["nonsense", 3],
    "eps": [0.0, -1e-3, 1.0, 2.0, NAN, "small", None],
    "alphas": [
        0, -3, [], [[1.0, 2.0]], [1.0, -1.0], [NAN], [INF], "many", None, [[1.0], [1.0, 2.0]],
    ],
    "n_jobs": [0, 1.5, "two"],
    "cv": [0, 1, -2, N + 1, 2.5, "five", [], [1, 2]],
    "penalty_factor": [
        -1.0, [1.0, 1.0, -1e-9, 1.0], [1.0, NAN, 1.0, 1.0], -INF, [INF] * P, INF, np.ones(P - 1),
        np.ones(P + 1), np.ones((1, P)), np.ones((P, P)), [], [1j] * P, "lasso", ["a"] * P, "",
        [None] * P, [[1.0], [1.0, 2.0]],
    ],
    "lower": [
        1e-300, INF, NAN, [-1.0, 1.0, -1.0, -1.0], [NAN] * P, -np.ones(P - 1), -np.ones((P, 1)), [],
        "none", [1j] * P, [None] * P,
    ],
    "upper": [
        -1e-300, -INF, NAN, [1.0, -1.0, 1.0, 1.0], [NAN] * P, np.ones(P + 1), np.ones((1, P)), [],
        "none", [1j] * P, [None] * P,
    ],
    "relax": [
        None, "yes", 1, 0.5, [], [0.5, 1.5], [-0.1], [NAN], [INF], [[0.5]], [1j], ["a"], [None],
        [[0.5], [0.5, 1.0]], {0.5},
    ],
}  # fmt: skip
TABLE = [
    pytest.param(cls, name, value, id=f"{cls.__name__}-{name}={str(value)[:12]}")
    for cls in EVERY
    for name in cls().get_params()
    for value in [*BAD_PARAMETERS.get(name, ()), object()]
    if name != "verbose"  # accepted, and without meaning here
]


@pytest.mark.parametrize(("cls", "name", "value"), TABLE)
def test_parameter(cls, name, value):
    refused(cls(**{name: value}), name)


def test_integers_larger_than_those_of_numpy():
    assert Lasso(alpha=10**20).fit(X, y).lambda_1_ == 1e20


@pytest.mark.parametrize("cls", [Lasso, ElasticNet, LassoCV, ElasticNetCV])
def test_only_ridge_has_a_max_iter_of_its_own(cls):
    Ridge(max_iter=None).fit(X, y)
    refused(cls(max_iter=None), "max_iter")


@pytest.mark.parametrize("name", ["penalty_factor", "lower", "upper"])
@pytest.mark.parametrize("cls", [Lasso, ElasticNet, LassoCV, ElasticNetCV])
def test_one_value_per_column_of_X_itself(cls, name):
    """What fits another X is refused with the numbers of both, sparse or not."""
    model = cls(**{name: np.zeros(P - 1) if name != "penalty_factor" else np.ones(P - 1)})
    for given in (X, sparse.csr_array(X), X.astype(np.float32)):
        refused(model, rf"{name}.*{P - 1}.*{P}", X=given)
    model.fit(X[:, 1:], y)


@pytest.mark.parametrize("alphas", [100.0, np.float64(3.0)])
@pytest.mark.parametrize("cls", [LassoCV, ElasticNetCV])
def test_a_float_is_no_number_of_alphas(cls, alphas):
    refused(cls(alphas=alphas), "alphas")


@pytest.mark.parametrize("alpha", [[1.0, -1.0], [1.0, NAN], [1.0, 2.0, 3.0]])
def test_alpha_per_target(alpha):
    refused(Ridge(alpha=alpha), "alpha", y=np.column_stack([y, -y]))


@pytest.mark.parametrize("solver", ["lsqr", "sag", "saga", "lbfgs"])
def test_solvers_of_scikit_learn_that_are_not_offered(solver):
    offered = "'(auto|cholesky|svd|sparse_cg|cd)'"
    refused(Ridge(solver=solver), f"solver.*{solver}.* use.*{offered}", error=ValueError)


def test_solvers_that_do_not_fit_the_problem():
    refused(Ridge(solver="svd"), "solver.*dense.*'cholesky'", X=sparse.csr_array(X))
    for solver in ("cholesky", "svd", "sparse_cg"):
        refused(Ridge(solver=solver, positive=True), f"solver.*{solver}.*positive.*'cd'")


@pytest.mark.parametrize("cls", [LassoCV, ElasticNetCV, RidgeCV])
def test_n_alphas_is_not_accepted(cls):
    with pytest.raises(TypeError, match="n_alphas"):
        cls(n_alphas=10)
    with pytest.raises(ValueError, match="n_alphas"):
        cls().set_params(n_alphas=10)


@pytest.mark.parametrize("name", ["lambda_1", "lambda_2"])
@pytest.mark.parametrize("value", [-1.0, NAN, INF, "1", None])
def test_from_lambdas(name, value):
    with pytest.raises(REFUSED, match=name):
        ElasticNet.from_lambdas(**{"lambda_1": 1.0, "lambda_2": 1.0, name: value})


BAD_OPTIONS = {
    **{k: BAD_PARAMETERS[k] for k in ("eps", "alphas", "tol", "positive")},
    "max_iter": [*BAD_PARAMETERS["max_iter"], None],
    "l1_ratio": [-0.1, 1.1, NAN, "1", None],
    "coef_init": [np.ones(P + 1), np.full(P, NAN), np.ones((P, 2)), "zeros"],
    "sample_weight": [-np.ones(N), np.zeros(N), np.ones(N + 1)],
    "selection": ["rand"],
    "n_alphas": [10],
    "nonsense": [1],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, vs in BAD_OPTIONS.items() for v in vs])
@pytest.mark.parametrize("path", [lasso_path, enet_path])
def test_option_of_a_path(path, name, value):
    with pytest.raises(REFUSED, match=rf"\b{name}\b"):
        path(X, y, **{name: value})


# ------------------------------------------------------------------------------ data

BAD_X = {
    "NaN": put(X, (3, 1), NAN),
    "inf": put(X, (3, 1), INF),
    "-inf": put(X.astype(np.float32), (3, 1), -INF),
    "sparse NaN": sparse.csc_array(put(X, (3, 1), NAN)),
    "sparse inf": sparse.coo_array(put(X, (3, 1), INF)),
    "1-D": X[:, 0],
    "3-D": X[:, :, None],
    "scalar": 1.0,
    "no rows": X[:0],
    "no columns": X[:, :0],
    "complex": X + 1j,
    "sparse complex": sparse.csr_array(X + 1j),
    "text": np.full((N, P), "a"),
    "objects": put(X.astype(object), (0, 0), object()),
    "ragged": [[1.0] * (1 + i % 2) for i in range(N)],
    "None": None,
}
BAD_Y = {
    "NaN": put(y, 3, NAN),
    "inf": put(y, 3, INF),
    "short": y[:-1],
    "long": np.append(y, 0.0),
    "3-D": y[:, None, None],
    "empty": y[:0],
    "scalar": 1.0,
    "complex": y + 1j,
    "text": np.full(N, "a"),
    "objects": put(y.astype(object), 0, object()),
    "None": None,
}
BAD_WEIGHTS = {
    "NaN": put(np.ones(N), 2, NAN),
    "inf": put(np.ones(N), 2, INF),
    "negative": put(np.ones(N), 2, -1e-9),
    "all zero": np.zeros(N),
    "short": np.ones(N - 1),
    "column": np.ones((N, 1)),
    "complex": np.ones(N) + 1j,
    "text": ["heavy"] * N,
    "zero": 0.0,
    "minus one": -1,
    "scalar NaN": NAN,
    "a word": "balanced",
}


@every
@pytest.mark.parametrize("kind", BAD_X)
def test_X(cls, kind):
    refused(cls(), "X", X=BAD_X[kind])


@every
@pytest.mark.parametrize("kind", BAD_Y)
def test_y(cls, kind):
    refused(cls(), "y", y=BAD_Y[kind])


@every
@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_sample_weight_h29(cls, kind):
    refused(cls(), "sample_weight", sample_weight=BAD_WEIGHTS[kind])


@pytest.mark.parametrize("cls", [LassoCV, ElasticNetCV])
def test_one_target_only(cls):
    refused(cls(), "y", y=np.column_stack([y, y]))


@every
@pytest.mark.parametrize("kind", BAD_X)
def test_X_of_predict(cls, kind):
    with pytest.raises(REFUSED, match=r"\bX\b"):
        fitted(cls).predict(BAD_X[kind])
    with pytest.raises(ValueError, match=rf"X has {P + 1} features, but {cls.__name__} is expect"):
        fitted(cls).predict(np.ones((3, P + 1)))


@pytest.mark.parametrize("path", [lasso_path, enet_path])
def test_data_of_a_path(path):
    for kind, bad in BAD_X.items():
        with pytest.raises(REFUSED, match=r"\bX\b"):
            path(bad, y)
            pytest.fail(kind)
    for kind, bad in BAD_Y.items():
        with pytest.raises(REFUSED, match=r"\by\b"):
            path(X, bad)
            pytest.fail(kind)


# ------------------------------------------------------------------------------ without effect

G = X.T @ X
IGNORED = {
    "precompute": [True, False, G, G.tolist()],
    "copy_X": [True, False],
    "random_state": [None, 0, np.random.RandomState(0)],
    "selection": ["cyclic", "random"],
}


@every
@pytest.mark.parametrize("name", IGNORED)
def test_parameter_without_effect_h13(cls, name):
    if name not in cls().get_params():
        with pytest.raises(TypeError, match=name):
            cls(**{name: None})
        return
    values = IGNORED[name] + ["auto"] * (name == "precompute" and cls in (LassoCV, ElasticNetCV))
    for value in values:
        model = cls(**{name: value}).fit(X, y)
        for attribute in ("coef_", "intercept_", "dual_gap_", "n_iter_", "mse_path_"):
            expected = getattr(fitted(cls), attribute, 0)
            assert_array_equal(getattr(model, attribute, 0), expected, err_msg=attribute)


@pytest.mark.parametrize(
    ("model", "words"),
    [(LassoCV(alphas="many"), "alphas must be an integer or numbers"),
     (Ridge(alpha="much"), "alpha must be a number or numbers")],
)  # fmt: skip
def test_what_a_penalty_may_be(model, words):
    with pytest.raises(TypeError, match=words):
        model.fit(X, y)
