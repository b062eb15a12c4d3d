"""A path that ends once the cross-validation curve has turned: what is there is as without."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import ar1, contain

from sklearn_regnorm import ElasticNetCV, LassoCV
from sklearn_regnorm.solvers import forced_form
from sklearn_regnorm.solvers.cross_validation import PAST, has_turned


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = ar1(rng, 80, 120, 0.5)
    return X, X[:, :5].sum(axis=1) + 3 * rng.standard_normal(80)


@pytest.mark.compiled
@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("cls", [LassoCV, ElasticNetCV])
def test_what_was_computed_is_that_of_the_whole_path(cls, container, data):
    X, y = contain(data[0], container), data[1]
    with forced_form("working_set"):
        whole, part = cls().fit(X, y), cls(early_stopping=True).fit(X, y)
    done = ~np.isnan(part.mse_path_[:, 0])
    count = int(done.sum())
    assert PAST < count < 90 and done[:count].all()
    for name in ("mse_path_", "dual_gap_path_"):
        assert_array_equal(getattr(part, name)[done], getattr(whole, name)[done])
        assert np.isnan(getattr(part, name)[~done]).all()
    # but for the final fit, which the chosen row of the paths holds
    assert_array_equal(part.coef_path_[done], whole.coef_path_[done])
    assert np.isnan(part.coef_path_[~done]).all() and np.isnan(part.intercept_path_[~done]).all()
    assert_array_equal(part.alphas_, whole.alphas_)
    assert part.alpha_ == whole.alpha_
    assert_array_equal(part.coef_, whole.coef_)
    assert np.isfinite(part.predict(X)).all()


@pytest.mark.compiled
def test_every_ratio_stops_for_itself(data):
    with forced_form("working_set"):
        model = ElasticNetCV(l1_ratio=[0.1, 1.0], early_stopping=True).fit(*data)
    counts = (~np.isnan(model.mse_path_[:, :, 0])).sum(axis=1)
    assert counts[0] != counts[1] and counts.max() < 100
    best = np.nanmin(model.mse_path_.mean(axis=2))
    assert model.mse_path_.mean(axis=2)[model.alphas_ == model.alpha_].min() == best


@pytest.mark.compiled
def test_in_gram_form_nothing_is_left_out(data):
    with forced_form("gram"):
        model, whole = LassoCV(early_stopping=True).fit(*data), LassoCV().fit(*data)
    assert np.isfinite(model.mse_path_).all()
    assert_array_equal(model.mse_path_, whole.mse_path_)


def test_what_counts_as_turned():
    valley = np.concatenate([np.linspace(2, 1, 20), np.linspace(1.01, 1.5, 20)])[:, None]
    folds = valley + np.array([0.0, 0.3, -0.2])
    for errors in (valley, folds):
        assert [has_turned(errors[:m]) for m in range(1, 41)] == [
            m - 20 >= PAST for m in range(1, 41)
        ]
    assert not has_turned(np.linspace(2, 1, 50)[:, None] + np.zeros(3))  # still falling
    assert not has_turned(np.ones((50, 3)))  # flat
    apart = folds.copy()
    apart[20:] += [0.9, 0.9, -1.8]  # the folds do not agree that it has
    assert not has_turned(apart)
