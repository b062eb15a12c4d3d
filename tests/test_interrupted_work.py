"""Kernels return to Python every so often, for Ctrl-C: that changes nothing of what they find."""

import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import contain, regression

from sklearn_regnorm import enet_path
from sklearn_regnorm.solvers import column_sets, forced_form, gram, homotopy, state

TIGHT = {"tol": 1e-14, "max_iter": 10**5}


def path(form, container, shape, ratio=1.0, **given):
    X, y = regression(1, *shape)
    with forced_form(form):
        return enet_path(contain(X, container), y, l1_ratio=ratio, alphas=12, **{**TIGHT, **given})


@pytest.mark.parametrize("container", ["F", "C"])
@pytest.mark.parametrize("shape", [(30, 8), (12, 25)])
def test_a_path_followed_event_by_event(shape, container, monkeypatch):
    calls, follow = [], homotopy.follow
    monkeypatch.setattr(homotopy, "follow", lambda *args: calls.append(1) or follow(*args))
    _, expected, _ = path("working_set", container, shape)
    monkeypatch.setattr(homotopy, "WORK", 0.0)
    few = len(calls)
    _, coefs, gaps = path("working_set", container, shape)
    assert len(calls) - few > few
    assert_array_equal(coefs, expected)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("shape", [(30, 8), (12, 25)])
def test_the_gram_form_round_by_round(shape, ratio, monkeypatch):
    _, expected, gaps = path("gram", "F", shape, ratio)
    monkeypatch.setattr(gram, "WORK", 10.0 * shape[1] + 1.0)
    _, coefs, again = path("gram", "F", shape, ratio)
    assert_allclose(coefs, expected, atol=1e-12)
    assert max(gaps.max(), again.max()) <= 1e-14 * 30


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("container", ["F", "C", "csc"])
@pytest.mark.parametrize("shape", [(30, 8), (12, 25)])
def test_descent_on_the_residual_sweep_by_sweep(shape, container, ratio, monkeypatch):
    for module, name, value in [
        (state, "HOMOTOPY_ROWS", 0), (state, "NEWTON_ROWS", 0), (column_sets, "GRAM_FIRST", -1),
        (state, "GRAM_LIMIT", -1),
    ]:  # fmt: skip
        monkeypatch.setattr(module, name, value)
    _, expected, gaps = path("working_set", container, shape, ratio)
    monkeypatch.setattr(state, "WORK", 0.0)
    _, coefs, again = path("working_set", container, shape, ratio)
    assert_allclose(coefs, expected, atol=1e-10)
    assert max(gaps.max(), again.max()) <= 1e-13 * 30


@pytest.mark.parametrize("container", ["F", "csc"])
@pytest.mark.parametrize("form", ["gram", "working_set"])
def test_at_the_largest_alpha_there_is_no_dust(form, container):
    for seed in range(20):
        X, y = regression(seed, 17, 9)
        with forced_form(form):
            _, coefs, _ = enet_path(contain(X, container), y, alphas=12, **TIGHT, l1_ratio=1.0)
        assert not coefs[:, 0].any() and coefs[:, 1].any()
