"""A bound is no wider than SPEC.md's table adds up to: one that holds but is wide would be deaf."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded, clip, rounded
from reference import activations, solvers

U = 2.0**-24 + 2.0**-53
ALLOWED = 1.001
"""Room for the rounding of the bound itself, and for slopes that are taken at an interval's end."""

mp = mpmath.MPContext()
mp.dps = 50


def of(values: Any, error: Any = 0.0, kink: bool = False, dtype: str = "float32") -> ErrorBounded:
    return ErrorBounded(values, Arithmetic(dtype), np.full(np.shape(values), error), kink)


def bounded(value: float, error: float = 0.0, kink: bool = False) -> ErrorBounded:
    return of([value], error, kink)


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., float]]] = {
    "exp": (np.exp, mp.exp, lambda y: 8 * abs(y)),
    "tanh": (np.tanh, mp.tanh, lambda y: 8 * min(abs(y), 1)),
    "sigmoid": (activations.sigmoid, lambda a: 1 / (1 + mp.exp(-a)), lambda y: 10),
    "erf": (activations.erf, mp.erf, lambda y: 16 * min(abs(y), 1)),
    "softplus": (activations.softplus, lambda a: mp.log1p(mp.exp(a)), lambda y: 18 * abs(y)),
    "expm1 below zero": (
        activations.expm1_below_zero,
        lambda a: mp.expm1(min(a, 0)),
        lambda y: 9 if y < 0 else 0,
    ),
    "relu": (activations.relu, lambda a: max(a, 0), lambda y: 0),
    "absolute": (activations.absolute, abs, lambda y: 0),
    "clip": (lambda a: activations.clip(a, -1.0, 5.0), lambda a: min(max(a, -1), 5), lambda y: 0),
}


@pytest.mark.parametrize("error", [0.0, 1e-9, 1e-6])
@pytest.mark.parametrize("value", [-30.0, -6.5, -3.0, -0.75, -0.001, 0.25, 1.5, 4.0, 7.0, 19.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bound_is_what_is_carried_on_and_what_is_promised(name: str, value: float, error: float) -> None:
    """Compare with the movement of the interval's ends and the roundings of the table, at 50 digits."""
    judged, exact, roundings = FUNCTIONS[name]
    y, a, e = exact(mp.mpf(value)), mp.mpf(value), mp.mpf(error)
    carried = max(abs(exact(a + e) - y), abs(exact(a - e) - y))
    promised = carried + U * (
        roundings(y) if carried == 0 else max(roundings(y - carried), roundings(y + carried))
    )
    floor = 2.0**-125  # one operation's, and the slack of its sum
    assert judged(bounded(value, error)).error[0] <= float(promised) * ALLOWED + floor


@pytest.mark.parametrize("value", [21.0, 25.0, 60.0])
def test_above_20_softplus_may_be_its_argument_and_no_less(value: float) -> None:
    got = activations.softplus(bounded(value)).error[0]
    assert got <= (np.exp(-value) + 18 * U * (value + np.exp(-value))) * ALLOWED


@pytest.mark.parametrize("name", ["tanh", "erf", "sigmoid", "expm1 below zero"])
def test_a_wide_interval_moves_a_bounded_function_by_no_more_than_its_range(name: str) -> None:
    judged, _, _ = FUNCTIONS[name]
    spans = {"tanh": 2.0, "erf": 2.0, "sigmoid": 1.0, "expm1 below zero": 50.0}  # the last by its slope of 1
    roundings = {"tanh": 8, "erf": 16, "sigmoid": 10, "expm1 below zero": 9}
    assert judged(bounded(0.25, 50.0)).error[0] <= (spans[name] + roundings[name] * U) * (1 + 2.0**-29)


def test_what_is_flat_moves_with_nothing() -> None:
    assert activations.expm1_below_zero(bounded(0.5, 0.5)).error[0] <= 2.0**-125


def test_a_dot_product_is_bounded_by_its_own_terms() -> None:
    """Not by those of other columns, nor by more than both of its factors move it."""
    a, b = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    judged = of(a) @ of(b)
    promised = np.array([[4 * 5.0, 3 * 3.0]]) * U  # gamma(n + 2) of 2 terms and of 1
    np.testing.assert_allclose(judged.error, promised, rtol=1e-6)
    both = bounded(1.0, 0.5)[None]
    assert 1.25 <= (both @ both).error[0, 0] <= 1.25 * ALLOWED


def test_a_dot_product_may_flush_each_of_its_products() -> None:
    tiny = 2.0**-126
    judged = of(np.full((1, 3), tiny)) @ of(np.full((3, 1), tiny))
    assert 4 * tiny <= judged.error[0, 0] <= (4 + 1e-6) * tiny  # three products, and the sum


def test_stacked_arrays_keep_their_bounds_and_kinks() -> None:
    first, second = (
        ErrorBounded([1.0, 2.0], Arithmetic("float32"), [0.1, 0.2], True),
        bounded(3.0, 0.3)[[0, 0]],
    )
    for axis in (0, 1):
        found = np.stack([first, second], axis=axis)
        np.testing.assert_array_equal(found.value, np.stack([first.value, second.value], axis=axis))
        np.testing.assert_array_equal(found.error, np.stack([first.error, second.error], axis=axis))
        assert found.kink
    assert not np.stack([second]).kink


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_nearest_number_is_that_of_numpy(dtype: str) -> None:
    assert Arithmetic(dtype).nearest(1 / 3) == float(np.dtype(dtype).type(1 / 3))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_kink_that_was_met_is_not_forgotten(name: str) -> None:
    judged, _, _ = FUNCTIONS[name]
    assert judged(bounded(0.5, kink=True)).kink
    assert not judged(bounded(0.5)).kink


def test_a_kink_at_the_very_end_of_an_interval_is_met() -> None:
    assert activations.relu(bounded(0.5, 0.5)).kink
    assert activations.absolute(bounded(-0.25, 0.25)).kink


@pytest.mark.parametrize(("value", "kink"), [(-5.0, False), (1.0, False), (5.0, True), (-1.0, True)])
def test_the_kinks_of_clip_are_where_it_begins_to_hold(value: float, kink: bool) -> None:
    assert clip(bounded(value), -1.0, 5.0).kink is kink


def test_a_mean_remembers_the_kinks_of_its_weights_and_potentials() -> None:
    smooth, kinked = (of([[1.0], [2.0]], kink=k) for k in (False, True))
    assert solvers.mean(smooth, kinked).kink
    assert solvers.mean(kinked, smooth).kink
    assert not solvers.mean(smooth, smooth).kink


PAIR, WEIGHTS = np.array([[1.0, 2.0], [3.0, 0.5]]), np.array([[1.0, 0.5], [2.0, 0.25]])
OPERATIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "add": (np.add, 2),
    "subtract": (np.subtract, 2),
    "multiply": (np.multiply, 2),
    "divide": (np.divide, 2),
    "matmul": (np.matmul, 2),
    "where": (lambda a, b: np.where(np.eye(2) > 0, a, b), 2),
    "concatenate": (lambda a, b: np.concatenate([a, b]), 2),
    "negative": (np.negative, 1),
    "sum": (lambda a: np.sum(a, axis=0), 1),
    "broadcast_to": (lambda a: np.broadcast_to(a, (3, 2, 2)), 1),
    "transpose": (np.transpose, 1),
    "mean": (solvers.mean, 2),
    "current": (solvers.current, 3),
    "ahead": (solvers.ahead, 4),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kink_of_any_operand_is_not_forgotten(name: str) -> None:
    operation, count = OPERATIONS[name]
    assert not operation(*(of(PAIR) for _ in range(count))).kink
    for i in range(count):
        assert operation(*(of(PAIR, kink=i == k) for k in range(count))).kink


@pytest.mark.parametrize(
    ("operation", "value", "roundings"),
    [(np.add, 4.5, 1), (np.subtract, 1.5, 1), (np.multiply, 4.5, 1), (np.divide, 2.0, 2)],
)
def test_an_operation_is_rounded_as_often_as_promised(operation: Any, value: float, roundings: int) -> None:
    found = operation(bounded(3.0), bounded(1.5))
    assert found.value[0] == value
    assert found.error[0] == pytest.approx(roundings * U * value, rel=1e-6)


def test_a_sum_is_bounded_by_its_own_terms_along_any_axis() -> None:
    """gamma(n + 2) of the magnitudes; and the smallest normal number for n products and as many sums."""
    values = np.array([[1.0, -2.0, 4.0], [0.5, 0.25, 8.0]])
    promised = 5 * U / (1 - 5 * U) * np.abs(values).sum(axis=1)
    np.testing.assert_allclose(np.sum(of(values), axis=1).error, promised, rtol=1e-6)
    tiny = 2.0**-126
    assert np.sum(of(np.full(3, tiny)), axis=0).error <= (2 * 3 + 1 + 1e-6) * tiny


def test_a_dot_product_of_halves_is_rounded_thrice() -> None:
    found = of([[1.0, 2.0]], dtype="bfloat16") @ of([[1.0], [2.0]], dtype="bfloat16")
    assert found.error[0, 0] == pytest.approx(5 * (3 * 2.0**-8 + 4 * 2.0**-24), rel=1e-3)


def test_a_bias_may_come_first_whatever_the_sign_of_the_product() -> None:
    product, bias = of([[1.0, 2.0, 3.0]]) @ of(np.ones((3, 2))), of([100.0, -100.0])
    np.testing.assert_array_equal((-product + bias).error, (product + -bias).error)


def test_the_current_of_a_neuron_is_bounded_by_its_own_synapses() -> None:
    """And by Σ g E and (Σ g) v apart, which may be large where their difference is none."""
    g, e, v = of(WEIGHTS[:, None, :]), PAIR[:, None, :], np.array([[0.5, -1.0]])
    both = solvers.current(g, e, of(v, 1e-3))
    for j in range(2):
        alone = solvers.current(g[:, :, j : j + 1], e[:, :, j : j + 1], of(v[:, j : j + 1], 1e-3))
        np.testing.assert_allclose(both.error[:, j : j + 1], alone.error, rtol=1e-12)
    np.testing.assert_array_equal(solvers.current(g, e, v).error, solvers.current(g, of(e), of(v)).error)
    nothing = solvers.current(of([[[1.0]]]), np.array([[[100.0]]]), np.array([[100.0]]))
    assert nothing.value[0, 0] == 0.0
    assert nothing.error[0, 0] >= 2 * 3 * U * 100.0


def test_a_bias_on_either_side_of_its_product_may_come_first() -> None:
    product, bias = of([[1.0, 2.0, 3.0]]) @ of(np.ones((3, 2))), of([100.0, -100.0])
    np.testing.assert_array_equal((bias + product).error, (product + bias).error)
    assert (product + bias).error[0, 0] >= (3 + 1) * U * 100.0


def test_other_ways_to_call_an_operation_have_no_bound() -> None:
    with pytest.raises(TypeError, match="outer"):
        np.add.outer(of([1.0]), of([2.0]))


def test_what_overflows_does_so_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isinf(np.exp(of([1e4])).error[0])
        assert np.isinf(activations.softplus(of([1e300])).error[0])
        assert np.isinf(np.sum(of([1e308, 1e308]), axis=0).error)


def test_what_may_be_larger_than_the_largest_number_has_no_bound() -> None:
    assert np.isinf(np.add(of([3.35e38], 1e37), of([0.0])).error[0])
    assert np.isfinite(np.add(of([3.2e38], 1e37), of([0.0])).error[0])


def test_the_largest_number_is_one() -> None:
    largest, nothing = np.array([Arithmetic("float32").largest]), np.zeros(1)
    assert np.isfinite(rounded(largest, nothing, nothing, bounded(0.0)).error[0])
    assert np.isinf(rounded(np.nextafter(largest, np.inf), nothing, nothing, bounded(0.0)).error[0])
