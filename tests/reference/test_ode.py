"""The dense LTC as a solver of dv/dt = (d - v) / tau, against closed forms and SciPy's `solve_ivp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from reference import ltc_step

FEATURES, UNITS = 2, 3
HORIZON = 1.5
SOLVERS = ["semi_implicit", "explicit"]
Field = Callable[[np.ndarray], np.ndarray]


def parameters(seed: int, state_rows: float) -> dict[str, np.ndarray]:
    """Draw kernels whose state rows are scaled: with 0, d and tau depend on the input alone."""
    rng = np.random.default_rng(seed)
    scale = np.array([1.0] * FEATURES + [state_rows] * UNITS)[:, None]
    p = {name: rng.normal(size=(FEATURES + UNITS, UNITS)) * scale for name in ("kernel", "tau_kernel/kernel")}
    return p | {name: rng.normal(size=UNITS) * 0.5 for name in ("bias", "tau_kernel/bias")}


def field(p: dict[str, np.ndarray], x: np.ndarray) -> tuple[Field, Field]:
    """Return d(v) and tau(v), sums written out."""

    def affine(kernel: np.ndarray, bias: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.einsum("i,ij->j", np.append(x, v), kernel) + bias

    return (
        lambda v: affine(p["kernel"], p["bias"], v),
        lambda v: np.exp(affine(p["tau_kernel/kernel"], p["tau_kernel/bias"], v)),
    )


def advance(p: dict[str, np.ndarray], x: np.ndarray, v: np.ndarray, n: int, solver: str) -> np.ndarray:
    """Advance over the horizon in n equal steps."""
    v = v[None]
    for _ in range(n):
        v = ltc_step(p, x[None], v, HORIZON / n, solver=solver, activation="linear")
    return v[0]


def problem(seed: int, state_rows: float) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed + 100)
    return parameters(seed, state_rows), rng.normal(size=FEATURES), rng.normal(size=UNITS)


def solution(p: dict[str, np.ndarray], x: np.ndarray, v: np.ndarray) -> np.ndarray:
    d, tau = field(p, x)
    solved = solve_ivp(
        lambda _, y: (d(y) - y) / tau(y), (0.0, HORIZON), v, rtol=1e-12, atol=1e-13, method="DOP853"
    )
    assert solved.success
    return np.asarray(solved.y[:, -1])


@pytest.mark.parametrize(
    ("solver", "kept"),
    [("semi_implicit", lambda r, n: (1.0 + r / n) ** -n), ("explicit", lambda r, n: (1.0 - r / n) ** n)],
)
@pytest.mark.parametrize("n", [1, 4, 50])
def test_the_linear_ode_in_n_steps(solver: str, kept: Callable[[Any, int], Any], n: int) -> None:
    """With d and tau constant, n steps leave the n-th power of what one leaves of v - d."""
    p, x, v = problem(1, 0.0)
    d, tau = (f(v) for f in field(p, x))
    want = d + (v - d) * kept(HORIZON / tau, n)
    np.testing.assert_allclose(advance(p, x, v, n, solver), want, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_many_steps_reach_the_exponential(solver: str) -> None:
    p, x, v = problem(2, 0.0)
    d, tau = (f(v) for f in field(p, x))
    want = d + (v - d) * np.exp(-HORIZON / tau)
    np.testing.assert_allclose(advance(p, x, v, 20000, solver), want, atol=1e-3)
    np.testing.assert_allclose(solution(p, x, v), want, rtol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", [3, 4, 5])
@pytest.mark.parametrize("state_rows", [0.0, 0.4])
def test_order_of_convergence_is_one(solver: str, seed: int, state_rows: float) -> None:
    """Twice the steps, half the error, towards what `solve_ivp` finds; d and tau follow the state."""
    p, x, v = problem(seed, state_rows)
    want = solution(p, x, v)
    errors = [np.linalg.norm(advance(p, x, v, n, solver) - want) for n in (800, 1600, 3200)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(orders - 1.0) < 0.05).all(), orders


def test_the_solvers_err_on_opposite_sides() -> None:
    """Of v - d, backward Euler leaves more than the exponential, forward Euler less."""
    p, x, v = problem(6, 0.0)
    d = field(p, x)[0](v)
    exact = np.abs(solution(p, x, v) - d)
    assert (np.abs(advance(p, x, v, 100, "semi_implicit") - d) > exact).all()
    assert (np.abs(advance(p, x, v, 100, "explicit") - d) < exact).all()
