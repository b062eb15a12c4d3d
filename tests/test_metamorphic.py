"""Metamorphic relations: every estimator, every change of the data that it has to follow.

The relations are in `relations`, the estimators in `subjects`; `make metamorphic` tries more seeds.
"""

import pytest
from relations import check, pairs

PAIRS = [
    pytest.param(subject, relation, id=f"{subject}-{relation.__name__}")
    for subject, relation in pairs()
]
every_pair = pytest.mark.parametrize(("subject", "relation"), PAIRS)


@every_pair
def test_relation(subject, relation):
    check(subject, relation, 0)


@pytest.mark.slow
@every_pair
def test_relation_on_more_seeds(subject, relation):
    for seed in range(1, 8):
        try:
            check(subject, relation, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
