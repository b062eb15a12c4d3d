"""Metamorphic relations: changes of the data, and what each outcome has to become.

A relation takes a random generator and a `Given`, and returns the changed `Given` and a `Change`;
`RELATIONS` says which trait of a subject each one needs. The roles of outcomes are in `subjects`.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from problems import SPARSE, contain
from sklearn.exceptions import ConvergenceWarning
from subjects import ROLES, SUBJECTS, make


@dataclass
class Change:
    """What a relation has done, and how exactly the outcome follows.

    Row i of the new data is row ``rows[i]`` of the old, -1 one that does not count; so are columns,
    -1 being a constant one. The new columns are ``column_unit`` times the old, and so on.
    """

    rows: np.ndarray | None = None
    columns: np.ndarray | None = None
    column_unit: np.ndarray | float = 1.0
    y_unit: float = 1.0
    y_shift: float = 0.0
    only: tuple = ()
    exact: bool = False
    rtol: float = 0.0


def compare(name, found, before, change, rtol):
    """Assert that an outcome has become what it has to; NaN stands for anything."""
    axes, y_power, column_power, moves, constant = ROLES[name]
    found, before = np.asarray(found, dtype=float), np.asarray(before, dtype=float)
    for kind, index in (("r", change.rows), ("c", change.columns)):
        if kind in axes and index is not None:
            before = _taken(before, index, axes.index(kind), constant if kind == "c" else None)
    unit = np.asarray(change.column_unit, dtype=float)
    if name == "output":  # in units of the deviation: only signs are left
        unit, column_power = np.sign(unit), 1
    y_unit = abs(change.y_unit) if name == "alphas" else change.y_unit
    found = (found - change.y_shift * moves) / float(y_unit) ** y_power
    if column_power:
        found = found / unit**column_power
    matters = ~np.isnan(before)
    limit = max(rtol, change.rtol) * np.abs(before[matters]).max(initial=0.0)
    np.testing.assert_allclose(
        found[matters], before[matters], rtol=0, atol=0.0 if change.exact else limit, err_msg=name
    )


def _taken(value, index, axis, fill):
    """Return the entries of an axis, `fill` (or NaN for None) where the index is -1."""
    shape = list(value.shape)
    shape[axis] = 1
    filling = np.full(shape, np.nan if fill is None else fill)
    return np.take(np.concatenate([value, filling], axis), index, axis)


def _controls(given):
    return (given.per_column[name] for name in ("penalty_factor", "lower", "upper"))


def permuted_rows(rng, given):
    """The order of the rows does not matter."""
    rows = rng.permutation(len(given.y))
    return _rows(given, rows), Change(rows)


def permuted_columns(rng, given):
    """Coefficients follow their columns."""
    columns = rng.permutation(given.X.shape[1])
    per_column = {name: one[columns] for name, one in given.per_column.items()}
    changed = given.but(X=given.X[:, columns], per_column=per_column)
    return changed, Change(columns=columns)


def turned_signs(rng, given):
    """A column of the other sign has a coefficient of the other sign, to the last bit."""
    signs = rng.choice([-1.0, 1.0], given.X.shape[1])
    f, lower, upper = _controls(given)
    turned = signs < 0
    bounds = {"lower": np.where(turned, -upper, lower), "upper": np.where(turned, -lower, upper)}
    changed = given.but(X=given.X * signs, per_column={"penalty_factor": f, **bounds})
    return changed, Change(column_unit=signs, exact=True)


def columns_in_other_units(rng, given):
    """Where columns are standardised, units do not matter."""
    units = 10.0 ** rng.uniform(-3, 3, given.X.shape[1])
    return given.but(X=given.X * units), Change(column_unit=units)


def factors_for_units(rng, given):
    """Units of a lasso's columns are penalty factors."""
    units = 10.0 ** rng.uniform(-3, 3, given.X.shape[1])
    return _with_factors(given, units), Change(column_unit=units)


def factors_for_powers_of_two(rng, given):
    """To the last bit if they are powers of two."""
    units = 2.0 ** rng.integers(-9, 10, given.X.shape[1])
    return _with_factors(given, units), Change(column_unit=units, exact=True)


def _with_factors(given, units):
    f, lower, upper = _controls(given)
    per_column = {"penalty_factor": f * units, "lower": lower / units, "upper": upper / units}
    return given.but(X=given.X * units, per_column=per_column)


def y_in_other_units(rng, given):
    """All follows y, the L1 penalty too."""
    unit = 10.0 ** rng.uniform(-6, 6)
    return _with_y(given, unit), Change(y_unit=unit)


def y_times_a_power_of_two(rng, given):
    """To the last bit if alphas are given, not made of logarithms."""
    unit = 2.0 ** rng.integers(-20, 21)
    return _with_y(given, unit), Change(y_unit=unit, exact=True)


def _with_y(given, unit):
    f, lower, upper = _controls(given)
    per_column = {"penalty_factor": f, "lower": lower * unit, "upper": upper * unit}
    return given.but(y=given.y * unit, lambda_1=given.lambda_1 * unit, per_column=per_column)


def y_turned(rng, given):
    """-y has the negative of all coefficients, to the last bit."""
    f, lower, upper = _controls(given)
    per_column = {"penalty_factor": f, "lower": -upper, "upper": -lower}
    return given.but(y=-given.y, per_column=per_column), Change(y_unit=-1.0, exact=True)


def y_shifted(rng, given):
    """The intercept takes up what is added to y."""
    shift = rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-2, 4)
    return given.but(y=given.y + shift), Change(y_shift=shift)


def weights_times_a_number(rng, given):
    """Only ratios of weights matter (to Ridge and networks, if alpha follows)."""
    v = np.ones(len(given.y)) if given.v is None else given.v
    return given.but(v=10.0 ** rng.uniform(-9, 9) * v), Change()


def repetitions(rng, given):
    """A row of weight 3 is three rows."""
    rows = np.repeat(np.arange(len(given.y)), given.v.astype(int))
    return _rows(given, rows).but(v=None), Change(rows)


def rows_without_weight(rng, given):
    """Rows of weight zero are not there, whatever they hold."""
    n, more = len(given.y), 5
    rows = np.concatenate([np.arange(n), np.full(more, -1)])
    order = rng.permutation(n + more)
    junk = 1e6 * rng.standard_normal((more, given.X.shape[1]))
    changed = given.but(
        X=np.vstack([given.X, junk])[order],
        y=np.concatenate([given.y, 1e6 * rng.standard_normal(more)])[order],
        v=np.concatenate([given.v, np.zeros(more)])[order],
        fold=np.concatenate([given.fold, rng.integers(0, 3, more)])[order],
        batch=np.concatenate([given.batch, rng.integers(0, given.batch.max() + 1, more)])[order],
    )
    return changed, Change(rows[order])


def a_column_twice(rng, given):
    """A lasso has no use for it."""
    j = rng.integers(given.X.shape[1])
    X = np.column_stack([given.X, given.X[:, j]])
    return given.but(X=X), Change(only=("fitted", "intercept", "errors", "alphas"))


def a_column_in_halves(rng, given):
    """Ridge has no use for it either: two copies, in shares whose squares add up to one."""
    j, share = rng.integers(given.X.shape[1]), rng.uniform(0.2, 0.8)
    X = np.column_stack([given.X, given.X[:, j] * np.sqrt(1 - share**2)])
    X[:, j] *= share
    return given.but(X=X), Change(only=("fitted", "intercept", "errors"))


def a_constant_column(rng, given):
    """It has no coefficient beside an intercept."""
    p = given.X.shape[1]
    place = rng.integers(p + 1)
    X = np.insert(given.X, place, rng.choice([0.0, 1.0, 0.1, 1e6]), axis=1)
    per_column = {
        name: np.insert(one, place, {"penalty_factor": 1.0, "lower": -1.0, "upper": 1.0}[name])
        for name, one in given.per_column.items()
    }
    return given.but(X=X, per_column=per_column), Change(columns=np.insert(np.arange(p), place, -1))


def sparse_is_dense(rng, given):
    """In any sparse format."""
    kind = rng.choice([*SPARSE, "dia", "dok"])
    return given.but(X=contain(given.X, kind)), Change()


def single_precision(rng, given):
    """The same numbers in float32: only the coefficients are rounded, and what is made of them."""
    rounded = "fitted", "intercept"
    others = tuple(name for name in ROLES if name not in rounded)
    return given.but(X=given.X.astype(np.float32)), Change(rtol=1e-5, only=others)


def _unaligned(X):
    buffer = bytearray(X.nbytes + 1)
    copy = np.frombuffer(buffer, dtype=X.dtype, offset=1).reshape(X.shape)
    copy[:] = X
    return copy


SAME_LAYOUT: dict[str, Callable] = {
    "big-endian": lambda X: X.astype(">f8"),
    "read-only": lambda X: contain(X, "readonly"),
    "list": lambda X: X.tolist(),
    "long double": lambda X: X.astype(np.longdouble),
    "objects": lambda X: X.astype(object),
}
OTHER_LAYOUT: dict[str, Callable] = {
    "unaligned": _unaligned,  # which numpy multiplies without BLAS
    "Fortran": np.asfortranarray,
    "strided": lambda X: contain(X, "strided"),
    "reversed": lambda X: contain(X, "reversed"),
    "pandas": pd.DataFrame,
    "polars": lambda X: pl.DataFrame({f"c{j}": column for j, column in enumerate(X.T)}),
}


def other_containers(rng, given):
    """What holds the same numbers in the same order gives the same bits."""
    X = SAME_LAYOUT[rng.choice([*SAME_LAYOUT])](given.X)
    y, v = given.y, given.v
    if rng.random() < 0.5:
        y = contain(y[:, None], "strided")[:, 0].astype(">f8")
        v = None if v is None else v.tolist()
    return given.but(X=X, y=y, v=v), Change(exact=True)


def other_layouts(rng, given):
    """The order in memory changes no more than the order of sums."""
    return given.but(X=OTHER_LAYOUT[rng.choice([*OTHER_LAYOUT])](given.X)), Change()


def more_threads(rng, given):
    """Threads change nothing, not a bit."""
    return given.but(n_jobs=int(rng.integers(2, 4))), Change(exact=True)


def other_batches(rng, given):
    """Pooled statistics do not depend on how rows come."""
    n = len(given.y)
    batch = rng.integers(0, rng.integers(1, n), n)
    return given.but(batch=batch), Change()


def once_more(rng, given):
    """The same again is the same, to the last bit."""
    return given.but(X=given.X.copy(), y=given.y.copy()), Change(exact=True)


def _rows(given, rows):
    v = None if given.v is None else given.v[rows]
    return given.but(
        X=given.X[rows], y=given.y[rows], v=v, fold=given.fold[rows], batch=given.batch[rows]
    )


# Relations, and the trait of a subject that each one needs (None: all have it).
RELATIONS = {
    permuted_rows: "rows",
    permuted_columns: "columns",
    turned_signs: "signs",
    columns_in_other_units: "units",
    factors_for_units: "controls",
    factors_for_powers_of_two: "controls",
    y_in_other_units: "y",
    y_times_a_power_of_two: "y bits",
    y_turned: "y sign",
    y_shifted: "y shift",
    weights_times_a_number: "weights",
    repetitions: "repetitions",
    rows_without_weight: "weights",
    a_column_twice: "twins",
    a_column_in_halves: "halves",
    a_constant_column: "constant",
    sparse_is_dense: "sparse",
    single_precision: "single",
    other_containers: None,
    other_layouts: None,
    more_threads: "threads",
    other_batches: "batches",
    once_more: None,
}


def pairs():
    """Return (subject, relation) of all relations that hold, subjects by name."""
    return [
        (name, relation)
        for name, subject in SUBJECTS.items()
        for relation, trait in RELATIONS.items()
        if trait is None or trait in subject.traits
    ]


def check(name, relation, seed):
    """Assert that one relation holds for one subject and the problem of a seed."""
    subject = SUBJECTS[name]
    network = "mild" in subject.traits
    given, rng = make(seed, mild=network), np.random.default_rng([8, seed])
    if RELATIONS[relation] not in ("weights", "repetitions") and rng.random() < 0.5:
        given = given.but(v=None)
    changed, change = relation(rng, given)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RidgeCV chose alpha")
        # networks take few steps on purpose
        warnings.simplefilter("ignore" if network else "error", ConvergenceWarning)
        before, after = subject.fit(given), subject.fit(changed)
    for one in change.only or before:
        if one in before:
            compare(one, after[one], before[one], change, subject.rtol)
