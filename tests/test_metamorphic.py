"""Metamorphic relations: every estimator, every change of the data that it has to follow.

The relations are in `relations`, the estimators in `subjects`. `make metamorphic` tries 500 seeds;
the environment variable METAMORPHIC_SEEDS says how many the slow test takes.
"""

import os

import numpy as np
import pytest
from relations import RELATIONS, compare
from subjects import SUBJECTS, make

FEW = 1
SEEDS = int(os.environ.get("METAMORPHIC_SEEDS", "12"))
PAIRS = [
    pytest.param(subject, relation, id=f"{subject}-{relation.__name__}")
    for subject, one in SUBJECTS.items()
    for relation, trait in RELATIONS.items()
    if trait is None or trait in one.traits
]
every_pair = pytest.mark.parametrize(("subject", "relation"), PAIRS)
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*edge of its grid",
    "ignore:.*has not converged",
    "ignore::sklearn.exceptions.ConvergenceWarning",
)


def check(subject, relation, seed):
    subject = SUBJECTS[subject]
    given = make(seed, "mild" in subject.traits)
    rng = np.random.default_rng([8, seed])
    if RELATIONS[relation] not in ("weights", "repetitions") and rng.random() < 0.5:
        given = given.but(v=None)
    changed, change = relation(rng, given)
    before, after = subject.fit(given), subject.fit(changed)
    for name in change.only or before:
        if name in before:
            compare(name, after[name], before[name], change, subject.rtol)


@every_pair
def test_relation(subject, relation):
    for seed in range(FEW):
        check(subject, relation, seed)


@pytest.mark.slow
@every_pair
def test_relation_on_more_seeds(subject, relation):
    for seed in range(FEW, SEEDS):
        try:
            check(subject, relation, seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
