"""The complex step through the wired cells is their derivative, to the last digits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from reference import mixed_memory_step, wired_cfc_step, wired_ltc_step
from tests.reference import draws_wired as dw
from tests.reference import exact_wired
from tests.reference.test_complex_step import EXACT_STEP, STEP, moved

TIMES = np.array([[0.0], [0.7], [1.5]])
WIRED = dw.GRAPHS["auto"]


def agree(step: Any, exact_step: Any, *arguments: Any, **options: Any) -> None:
    """Compare complex step and central differences at 50 digits, in one random direction of all arguments."""
    __tracebackhide__ = True
    rng = np.random.default_rng(9)
    pairs = [(a, direction(a, rng)) for a in arguments]
    got = step(*(moved(a, d, 1j * STEP) for a, d in pairs), **options)
    up, down = (
        exact_wired.rows(exact_step, *(moved(a, d, by) for a, d in pairs), **options)
        for by in (EXACT_STEP, -EXACT_STEP)
    )
    for part, high, low in zip(got, up, down, strict=True):
        want = (np.array(high) - np.array(low)) / (2 * EXACT_STEP)
        np.testing.assert_allclose(part.imag / STEP, want.astype(float), rtol=1e-11, atol=1e-12)


def direction(a: Any, rng: np.random.Generator) -> Any:
    if isinstance(a, dict):
        return {name: direction(value, rng) for name, value in a.items()}
    return rng.normal(size=a.shape)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("recipe", ["initial", "normal"])
@pytest.mark.parametrize("solver", ["semi_implicit", "explicit", "rk4"])
def test_derivative_of_wired_ltc_step(solver: str, recipe: str, implicit: bool) -> None:
    p = dw.ltc_parameters(WIRED, recipe, 0)
    p["cm"] = p["cm"] + 0.4
    case = dw.batch(WIRED, p, 0)
    options = {"solver": solver, "implicit_param_constraints": implicit, **dw.ltc_options(WIRED)}
    agree(wired_ltc_step, exact_wired.wired_ltc, p, case.x, case.h, TIMES, **options)


@pytest.mark.parametrize("fully_recurrent", [False, True])
@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_derivative_of_wired_cfc_step(mode: str, fully_recurrent: bool) -> None:
    case = dw.batch(WIRED, dw.cfc_parameters(WIRED, "normal", 1, mode), 1)
    options = {"mode": mode, "fully_recurrent": fully_recurrent, **dw.cfc_options(WIRED)}
    agree(wired_cfc_step, exact_wired.wired_cfc, case.p, case.x, case.h, TIMES, **options)


def test_derivative_through_mixed_memory() -> None:
    p = dw.ltc_parameters(WIRED, "initial", 2)
    case = dw.batch(WIRED, dw.memory_parameters(WIRED, "normal", 2), 2)
    memory = np.random.default_rng(3).normal(size=case.h.shape)
    agree(
        partial(mixed_memory_step, step=partial(wired_ltc_step, p, **dw.ltc_options(WIRED))),
        partial(exact_wired.mixed_memory, step=partial(exact_wired.wired_ltc, p, **dw.ltc_options(WIRED))),
        *(case.p, case.x, case.h, memory, TIMES),
    )
