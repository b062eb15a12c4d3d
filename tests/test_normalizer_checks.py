"""scikit-learn's own checks on the normalizers, in every configuration, none expected to fail."""

import re

import numpy as np
import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_regnorm.preprocessing import BatchNormalizer, LayerNormalizer

CONFIGURATIONS = [
    BatchNormalizer(),
    BatchNormalizer(center=False),
    BatchNormalizer(scale=False),
    BatchNormalizer(momentum=0.1, eps=1e-5),
    BatchNormalizer(convention="pytorch", momentum=0.1, eps=1e-5),
    BatchNormalizer(ddof=1, gamma=2.0, beta=-1.0),
    BatchNormalizer(n_jobs=2, momentum=1.0),
    BatchNormalizer(learn_affine=True, max_iter=3, random_state=0),
    LayerNormalizer(),
    LayerNormalizer(center=False),
    LayerNormalizer(scale=False),
    LayerNormalizer(eps=0.0, gamma=2.0, beta=1.0),
    LayerNormalizer(learn_affine=True, max_iter=3, random_state=0),
]


@pytest.fixture(autouse=True)
def array_api(monkeypatch):
    """Let the check of array API dispatch on NumPy arrays run instead of being skipped."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


@parametrize_with_checks(CONFIGURATIONS)
def test_scikit_learns_checks(estimator, check):
    sparse = check.func.__name__ == "check_sample_weight_equivalence_on_sparse_data"
    if sparse and not get_tags(estimator).input_tags.sparse:
        # scikit-learn 1.6 gives sparse data also to estimators that say they do not take them
        with pytest.raises(ValueError, match="cannot center sparse"):
            check(estimator)
    else:
        check(estimator)


@pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=repr)
def test_attributes_and_parameters_are_documented(estimator):
    X = np.random.default_rng(0).standard_normal((20, 4))
    parameters, attributes = type(estimator).__doc__.split("Attributes")
    for name in estimator.get_params():
        assert re.search(rf"\b{name}\b", parameters), name
    before = set(vars(estimator))
    estimator.fit(X, X[:, 0])
    for name in set(vars(estimator)) - before:
        assert name.endswith("_") and not name.startswith("_")
        assert re.search(rf"^\s+(.*, )?{name}(,.*)? : ", attributes, re.MULTILINE), name
