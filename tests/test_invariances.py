"""What must not change an answer, or must change it in a known way."""

import numpy as np
import pytest
from problems import contain, regression
from scipy import sparse
from sklearn.base import clone

from sklearn_regnorm import ElasticNet, Lasso, LassoCV, Ridge, RidgeCV
from sklearn_regnorm.solvers import forced_form

TIGHT = {"tol": 1e-14, "max_iter": 100_000}
MODELS = {
    "lasso": Lasso(0.1, **TIGHT),
    "lasso, positive": Lasso(0.1, positive=True, **TIGHT),
    "elastic net": ElasticNet(0.2, l1_ratio=0.4, **TIGHT),
    "elastic net, standardised": ElasticNet(0.2, l1_ratio=0.4, standardize=True, **TIGHT),
    "elastic net, no intercept": ElasticNet(0.2, l1_ratio=0.4, fit_intercept=False, **TIGHT),
    "almost ridge": ElasticNet(0.2, l1_ratio=0.0, **TIGHT),
    "ridge": Ridge(5.0),
    "ridge, positive": Ridge(5.0, positive=True, **TIGHT),
    "ridge, standardised": Ridge(5.0, standardize=True),
    "ridge, no intercept": Ridge(5.0, fit_intercept=False),
}
SHAPES = {"tall": (90, 12), "wide": (25, 60)}


@pytest.fixture(params=MODELS)
def model(request):
    return clone(MODELS[request.param])


@pytest.fixture(params=SHAPES)
def data(request):
    return regression(11, *SHAPES[request.param])


@pytest.fixture(params=["gram", "working_set"])
def form(request):
    """Solve everything within the test in one form."""
    with forced_form(request.param):
        yield request.param


def integer_weights(n, seed=12):
    """Return weights of 0 to 3, the first and last of them zero."""
    v = np.random.default_rng(seed).integers(0, 4, n)
    v[[0, -1]] = 0
    return v


def assert_same(ours, theirs, rtol=1e-9, coef=1.0, intercept=1.0):
    """Compare ours with their coefficients and intercept times these factors."""
    w, b = np.asarray(theirs.coef_, dtype=float), np.asarray(theirs.intercept_)
    atol = rtol * np.abs(w).max()
    np.testing.assert_allclose(ours.coef_ / coef, w, rtol=0, atol=atol)
    np.testing.assert_allclose(ours.intercept_ / intercept, b, rtol=0, atol=rtol * np.abs(b).max())


def test_default_tolerance_keeps_repetition(data):
    X, y = data
    v = integer_weights(len(y))
    for model in (Lasso(0.1), ElasticNet(0.1), Ridge(1.0), ElasticNet(0.1, standardize=True)):
        weighted = clone(model).fit(X, y, sample_weight=v)
        assert_same(weighted, clone(model).fit(np.repeat(X, v, axis=0), np.repeat(y, v)), 1e-7)
        assert_same(clone(model).fit(sparse.csr_array(X), y), clone(model).fit(X, y), 1e-7)


@pytest.mark.parametrize("k", [1e-300, 1e-12, 7.3, 1e12, 1e300])
def test_only_ratios_of_weights_matter_h33(model, data, k):
    X, y = data
    v = integer_weights(len(y)) * 1.0
    scaled = clone(model)
    if isinstance(model, Ridge):  # its objective is a sum over rows
        scaled.set_params(alpha=model.alpha * k)
    assert_same(scaled.fit(X, y, sample_weight=k * v), model.fit(X, y, sample_weight=v))
    if not isinstance(model, Ridge):
        assert_same(scaled.fit(X, y, sample_weight=k), clone(model).fit(X, y))


@pytest.mark.parametrize("exponent", [-1000, -60, 1, 1000])
def test_powers_of_two_of_weights_change_no_bit_h33(model, data, exponent, form):
    X, y = data
    v = np.random.default_rng(14).random(len(y))
    expected = clone(model).fit(X, y, sample_weight=v)
    if isinstance(model, Ridge):
        model.set_params(alpha=np.ldexp(model.alpha, exponent))
    model.fit(X, y, sample_weight=np.ldexp(v, exponent))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.intercept_ == expected.intercept_


@pytest.mark.compiled
def test_a_zero_weight_anywhere_is_a_row_less_h32(data):
    X, y = data
    for i in range(len(y)):
        v = np.ones(len(y))
        v[i] = 0
        kept = np.delete(np.arange(len(y)), i)
        for model in (Lasso(0.1), Ridge(1.0)):
            ours = clone(model).fit(X, y, sample_weight=v)
            assert_same(ours, clone(model).fit(X[kept], y[kept]))


def sparsified(X):
    return np.where(np.abs(X) > 0.7, X, 0.0)


@pytest.mark.parametrize("container", ["C", "csc"])
def test_order_of_rows_and_columns_and_signs_h32(model, data, container, form):
    X, y = sparsified(data[0]), data[1]
    rng = np.random.default_rng(13)
    v = integer_weights(len(y))
    rows, columns = rng.permutation(len(y)), rng.permutation(X.shape[1])
    signs = rng.choice([-1.0, 1.0], X.shape[1])
    model.fit(contain(X, container), y, sample_weight=v)
    changed = clone(model)
    changed.fit(contain(X[rows], container), y[rows], sample_weight=v[rows])
    assert_same(changed, model)
    changed.fit(contain(X[:, columns], container), y, sample_weight=v)
    changed.coef_ = changed.coef_[np.argsort(columns)]
    assert_same(changed, model)
    if not model.positive:
        changed.fit(contain(X * signs, container), y, sample_weight=v)
        assert_same(changed, model, coef=signs)
        changed.fit(contain(X, container), -y, sample_weight=v)
        assert_same(changed, model, coef=-1.0, intercept=-1.0)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("exponent", [1, 8, 100, 150])
@pytest.mark.parametrize("container", ["C", "csc"])
def test_scaling_laws_h10(container, exponent, sign, data, form):
    X, y = contain(sparsified(data[0]), container), data[1]
    c = 10.0 ** (sign * exponent)
    lasso, net, ridge = Lasso(0.1, **TIGHT), ElasticNet(0.2, l1_ratio=0.4, **TIGHT), Ridge(5.0)
    for model in (lasso, net, ridge):
        model.fit(X, y)
    ours = clone(lasso).set_params(alpha=0.1 * c)
    assert_same(ours.fit(c * X, y), lasso, coef=1 / c)
    assert_same(ours.fit(X, c * y), lasso, coef=c, intercept=c)
    ours = clone(net).set_params(alpha=0.2 * c * c)
    assert_same(ours.fit(c * X, c * y), net, intercept=c)
    ours = clone(ridge).set_params(alpha=5.0 * c * c)
    assert_same(ours.fit(c * X, y), ridge, coef=1 / c)
    assert_same(clone(ridge).fit(X, c * y), ridge, coef=c, intercept=c)
    lasso.set_params(standardize=True).fit(X, y)
    assert_same(clone(lasso).fit(c * X, y), lasso, coef=1 / c)
    assert all(np.abs(model.coef_).max() > 0 for model in (lasso, net, ridge))


@pytest.mark.parametrize("exponent", [160, 200, 300])
@pytest.mark.parametrize("sign", [-1, 1])
def test_units_whose_squares_are_no_floats_h10(sign, exponent, data, form):
    """Of X: as any others. Of y: refused, as no error and no gap could be told."""
    X, y = data
    c = 10.0 ** (sign * exponent)
    for standardize in (False, True):
        model = Lasso(0.1, standardize=standardize, **TIGHT).fit(X, y)
        alpha = 0.1 if standardize else 0.1 * c
        assert_same(clone(model).set_params(alpha=alpha).fit(c * X, y), model, coef=1 / c)
    for model in (Lasso(0.1 * c), Ridge(), LassoCV(), RidgeCV(), RidgeCV(cv=3)):
        with pytest.raises(ValueError, match=r"\by\b.*squares.*Rescale y"):
            model.fit(X, c**1.01 * y)


@pytest.mark.parametrize("container", ["F", "csc"])
def test_negative_coefficients_are_found_like_positive_ones_h03(container, data, form):
    X, y = sparsified(data[0]), data[1]
    w = 1.0 + np.arange(X.shape[1]) % 3
    y = X @ -w + 1e-3 * y
    for model in (Lasso(0.01), ElasticNet(0.01, l1_ratio=0.9)):
        negative = model.fit(contain(X, container), y)
        positive = clone(model).fit(contain(X, container), -y)
        assert (negative.coef_ < 0).sum() > min(X.shape) / 2
        np.testing.assert_array_equal(negative.coef_, -positive.coef_)
        assert negative.n_iter_ == positive.n_iter_
        dense = clone(model).set_params(**TIGHT).fit(X, y)
        with forced_form("gram"):
            assert_same(dense, clone(dense).fit(contain(X, container), y), 1e-12)


@pytest.mark.parametrize("l1_ratio", [0.2, 0.8])
@pytest.mark.parametrize("c", [0.1, 10.0, 1000.0])
def test_scaling_the_two_penalties_apart(c, l1_ratio, data, form):
    X, y = data
    l1, l2 = 0.2 * l1_ratio, 0.1 * (1 - l1_ratio)
    model = ElasticNet.from_lambdas(l1, l2, **TIGHT).fit(X, y)
    assert (model.lambda_1_, model.lambda_2_) == pytest.approx((l1, l2), rel=1e-14)
    scaled = ElasticNet.from_lambdas(c * l1, c**2 * l2, **TIGHT).fit(c * X, y)
    assert_same(scaled, model, coef=1 / c)
    scaled = ElasticNet.from_lambdas(c * l1, l2, **TIGHT).fit(X, c * y)
    assert_same(scaled, model, coef=c, intercept=c)


@pytest.mark.parametrize(("x_offset", "y_offset"), [(1.0, 0.0), (1e4, 1e6), (1e8, -1e6)])
@pytest.mark.parametrize("container", ["C", "csc"])
def test_offsets_move_only_the_intercept(container, y_offset, x_offset, model, data, form):
    X, y = data
    y = np.round(y * 2.0**20) / 2.0**20  # sums with the offsets are exact
    model.set_params(fit_intercept=True).fit(X, y)
    moved = clone(model).fit(contain(X + x_offset, container), y + y_offset)
    expected = model.coef_
    np.testing.assert_allclose(moved.coef_, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    b = model.intercept_ + y_offset - x_offset * moved.coef_.sum()
    size = abs(b) + y_offset + x_offset * np.abs(expected).sum()
    assert moved.intercept_ == pytest.approx(b, rel=0, abs=1e-13 * size)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("container", ["C", "csc"])
def test_standardising_is_scaling_by_hand(container, fit_intercept, data, form):
    X, y = sparsified(data[0]) * np.geomspace(1e-3, 1e3, data[0].shape[1]), data[1]
    X[:, 3] = 5.0
    v = integer_weights(len(y)) * 1.0
    X[v == 0, 3] = 7.0
    s = np.sqrt(np.average((X - np.average(X, axis=0, weights=v)) ** 2, axis=0, weights=v))
    s[3] = 1.0
    for model in (
        Lasso(0.1, **TIGHT),
        ElasticNet(0.2, l1_ratio=0.3, **TIGHT),
        Ridge(5.0),
        Ridge(5.0, solver="cd", **TIGHT),
    ):
        model.set_params(fit_intercept=fit_intercept)
        ours = clone(model).set_params(standardize=True)
        ours.fit(contain(X, container), y, sample_weight=v)
        assert_same(ours, model.fit(X / s, y, sample_weight=v), coef=1 / s)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_gram_matrix_that_is_given_changes_nothing_h13(weighted, fit_intercept, dtype, data):
    """Not even one of other columns: the parameter is there for the sake of scikit-learn's."""
    X, y = data[0].astype(dtype), data[1]
    v = integer_weights(len(y)) * 1.0 if weighted else None
    for model in (Lasso(0.1), ElasticNet(0.1), LassoCV(alphas=5)):
        model.set_params(fit_intercept=fit_intercept)
        expected = clone(model).set_params(precompute=False).fit(X, y, sample_weight=v)
        for given in (True, X.T @ X, np.eye(X.shape[1])):
            model.set_params(precompute=given).fit(X, y, sample_weight=v)
            np.testing.assert_array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_and_elastic_net_convert_h07(weighted, data, form):
    X, y = data
    v = integer_weights(len(y)) if weighted else np.ones(len(y))
    for alpha in (1e-4, 1.0, 1e4):
        ridge = Ridge(alpha).fit(X, y, sample_weight=v)
        net = ElasticNet(alpha / v.sum(), l1_ratio=0.0, **TIGHT).fit(X, y, sample_weight=v)
        assert_same(net, ridge)
        assert_same(ElasticNet.from_lambdas(0.0, ridge.lambda_2_).fit(X, y, sample_weight=v), ridge)
        assert ridge.lambda_2_ == pytest.approx(alpha / (2 * v.sum()), rel=1e-15)
        assert ridge.lambda_1_ == 0


@pytest.mark.parametrize("container", ["F", "csr"])
def test_targets_are_solved_each_for_itself(model, data, container, form):
    X, y = sparsified(data[0]), data[1]
    Y = np.column_stack([y, 1e-3 * y**2, np.full(len(y), 4.0), -y + 1e3])
    v = integer_weights(len(y))
    together = clone(model).fit(contain(X, container), Y, sample_weight=v)
    assert together.coef_.shape == (4, X.shape[1])
    assert together.intercept_.shape == (4,) or together.intercept_ == 0.0
    for t in range(4):
        alone = clone(model).fit(X, Y[:, t], sample_weight=v)
        size = np.abs(alone.coef_).max()
        np.testing.assert_allclose(together.coef_[t], alone.coef_, rtol=0, atol=1e-9 * size)
        b = np.broadcast_to(together.intercept_, 4)[t]
        assert b == pytest.approx(alone.intercept_, rel=1e-9)
