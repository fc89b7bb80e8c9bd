"""The complex step through the reference is its derivative, to the last digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference import activations, cfc_step, ltc_step
from tests.reference import draws, exact

STEP = 1e-30
EXACT_STEP = exact.mp.mpf(10) ** -15
"""Central differences at 50 digits: the error is of order 1e-30."""

POINTS = np.array([-40.0, -21.0, -5.0, -1.3, -0.2, -1e-8, 1e-8, 0.2, 1.3, 5.0, 21.0, 40.0])


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_derivative_of_activation(name: str) -> None:
    got = activations.get(name)(POINTS + 1j * STEP).imag / STEP
    want = [float(exact.mp.diff(exact.ACTIVATIONS[name], exact.number(a), h=EXACT_STEP)) for a in POINTS]
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15)


def moved(arrays: Any, directions: Any, by: Any) -> Any:
    """Return every array moved along its direction, in whatever arithmetic `by` has."""
    if isinstance(arrays, dict):
        return {name: moved(arrays[name], directions[name], by) for name in arrays}
    if isinstance(by, complex):
        return arrays + by * directions
    exact_array = np.vectorize(exact.number, otypes=[object])
    return exact_array(arrays) + by * exact_array(directions)


def derivatives(
    step: Any, exact_step: Any, case: draws.Case, **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return derivatives in one random direction of all arguments at once: complex step and 50 digits."""
    rng = np.random.default_rng(9)
    direction = draws.Case(
        {name: rng.normal(size=a.shape) for name, a in case.p.items()},
        *(rng.normal(size=a.shape) for a in (case.x, case.h, case.t)),
    )
    pairs = list(zip(case.arguments, direction.arguments, strict=True))
    got = step(*(moved(a, d, 1j * STEP) for a, d in pairs), **options).imag / STEP
    up, down = (
        exact.rows(exact_step, *(moved(a, d, by) for a, d in pairs), **options)
        for by in (EXACT_STEP, -EXACT_STEP)
    )
    want = [
        [float((a - b) / (2 * EXACT_STEP)) for a, b in zip(*rows, strict=True)]
        for rows in zip(up, down, strict=True)
    ]
    return got, np.array(want)


def ordinary(shapes: Any, seed: int, **kinds: Any) -> draws.Case:
    case = draws.case(shapes, "normal", seed, **kinds)
    return draws.Case(case.p, case.x, case.h, np.array([[0.0], [0.7], [2.5]]))


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_derivative_of_cfc_step(mode: str, layers: int) -> None:
    for seed in range(3):
        case = ordinary(draws.cfc_shapes, seed, mode=mode, layers=layers)
        got, want = derivatives(cfc_step, exact.cfc, case, mode=mode, backbone_layers=layers)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("head", ["lecun_tanh", "linear"])
def test_derivative_through_heads(head: str) -> None:
    case = ordinary(draws.cfc_shapes, 4, mode="no_gate", layers=1)
    got, want = derivatives(cfc_step, exact.cfc, case, mode="no_gate", head_activation=head)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("solver", ["semi_implicit", "explicit"])
def test_derivative_of_ltc_step(solver: str, layers: int) -> None:
    for seed in range(3):
        case = ordinary(draws.ltc_shapes, seed, layers=layers)
        got, want = derivatives(ltc_step, exact.ltc, case, solver=solver, backbone_layers=layers)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_derivative_through_backbone_activation(name: str) -> None:
    case = ordinary(draws.ltc_shapes, 5, layers=2)
    got, want = derivatives(ltc_step, exact.ltc, case, backbone_layers=2, backbone_activation=name)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_a_kink_is_chosen_by_the_real_part() -> None:
    """However large the imaginary part."""
    a = np.array([-2.0 + 5.0j, 2.0 - 5.0j])
    np.testing.assert_array_equal(activations.absolute(a), [2.0 - 5.0j, 2.0 - 5.0j])
    np.testing.assert_array_equal(activations.relu(a), [0.0, 2.0 - 5.0j])
    np.testing.assert_array_equal(activations.leaky_relu(a), [-0.4 + 1.0j, 2.0 - 5.0j])
    np.testing.assert_array_equal(activations.clip(a, -1.0, 1.0), [-1.0, 1.0])
    np.testing.assert_array_equal(activations.clip(a, -3.0, 3.0), a)
    assert activations.elu(a)[1] == 2.0 - 5.0j
    np.testing.assert_allclose(activations.elu(a)[0], np.exp(-2.0 + 5.0j) - 1.0, rtol=1e-14)


def test_time_constant_does_not_move_beyond_its_limits() -> None:
    p = {"kernel": np.zeros((2, 1)), "bias": np.ones(1), "tau_kernel/kernel": np.zeros((2, 1))}
    for log_tau, moves in ((8.9, True), (9.1, False), (-9.1, False), (-8.9, True)):
        p["tau_kernel/bias"] = np.array([log_tau + 1j * STEP])
        got = ltc_step(p, np.ones((1, 1)), np.zeros((1, 1)), activation="linear")
        assert (got.imag != 0.0).item() is moves


@pytest.mark.parametrize("imaginary", [None, STEP, 1.0])
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "silu"])
def test_nothing_overflows_up_to_ten_thousand(name: str, imaginary: float | None) -> None:
    a = np.concatenate([[-1e4, 1e4], np.linspace(-1e4, 1e4, 2001)])
    far = a if imaginary is None else a + 1j * imaginary
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        got = activations.get(name)(far)
    assert np.isfinite(got).all()
    limits = {"sigmoid": [0, 1], "softplus": [0, far[1]], "tanh": [-1, 1], "silu": [0, far[1]]}[name]
    np.testing.assert_allclose(got[:2], limits, rtol=1e-15)
