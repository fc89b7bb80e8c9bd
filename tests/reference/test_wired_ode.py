"""The solvers of the wired LTC against SciPy's `solve_ivp`, a closed form, and each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import expit

from reference import wired_ltc_step
from tests.reference import draws_wired as dw

HORIZON = 1.2
ORDERS = {"semi_implicit": 1, "explicit": 1, "rk4": 4}
Parameters = dict[str, np.ndarray]


def problem(seed: int) -> tuple[Parameters, np.ndarray, np.ndarray]:
    """Draw parameters whose field is smooth on the scale of the steps, an input and a state."""
    wired = dw.GRAPHS["auto"]
    p = dw.ltc_parameters(wired, "initial", seed)
    p |= {name: p[name] / 4.0 for name in ("sigma", "sensory_sigma")}
    rng = np.random.default_rng(seed + 100)
    return p, rng.normal(size=dw.FEATURES), rng.normal(size=len(wired.adjacency))


def advance(p: Parameters, x: np.ndarray, v: np.ndarray, n: int, solver: str, **options: Any) -> np.ndarray:
    options = dw.ltc_options(dw.GRAPHS["auto"]) | options
    _, state = wired_ltc_step(p, x[None], v[None], HORIZON, solver=solver, ode_unfolds=n, **options)
    return np.asarray(state[0])


def solution(p: Parameters, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Solve cm dv/dt = gleak (vleak - v) + Σ g (E - v) by `solve_ivp`, synapse by synapse."""
    wired = dw.GRAPHS["auto"]

    def field(_: float, y: np.ndarray) -> np.ndarray:
        current = p["gleak"] * (p["vleak"] - y)
        for kind, mask, source in (("", wired.adjacency, y), ("sensory_", wired.sensory_adjacency, x)):
            for k, j in np.argwhere(mask):
                w, mu, sigma, erev = (p[kind + name][k, j] for name in ("w", "mu", "sigma", "erev"))
                current[j] += w * expit(sigma * (source[k] - mu)) * (erev - y[j])
        return current / p["cm"]

    solved = solve_ivp(field, (0.0, HORIZON), v, rtol=1e-12, atol=1e-13, method="DOP853")
    assert solved.success
    return np.asarray(solved.y[:, -1])


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("solver", list(ORDERS))
def test_order_of_convergence(solver: str, seed: int) -> None:
    """Twice the unfolds, and the error is 2 to the minus order of what it was."""
    p, x, v = problem(seed)
    want = solution(p, x, v)
    unfolds = (20, 40, 80) if solver == "rk4" else (200, 400, 800)
    errors = [np.linalg.norm(advance(p, x, v, n, solver, epsilon=0.0) - want) for n in unfolds]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(orders - ORDERS[solver]) < 0.15).all(), orders


def test_every_solver_advances_the_same_horizon() -> None:
    p, x, v = problem(3)
    want = solution(p, x, v)
    assert np.linalg.norm(want - v) > 1.0
    for solver in ORDERS:
        assert np.linalg.norm(advance(p, x, v, 400, solver) - want) < 0.02


def test_epsilon_pulls_towards_zero_in_the_semi_implicit_step_alone() -> None:
    """It is a conductance more, whose reversal potential is 0."""
    p, x, v = problem(4)
    for solver in ("explicit", "rk4"):
        same = advance(p, x, v, 6, solver), advance(p, x, v, 6, solver, epsilon=5.0)
        np.testing.assert_array_equal(*same)
    far = advance(p, x, v, 6, "semi_implicit", epsilon=1e12)
    assert np.abs(far).max() < 1e-9


@pytest.mark.parametrize("solver", list(ORDERS))
@pytest.mark.parametrize("n", [1, 6])
def test_a_neuron_without_synapses_leaks_towards_its_resting_potential(solver: str, n: int) -> None:
    """Of v - vleak, a step of r = dt gleak / cm leaves 1 / (1 + r), 1 - r, or four terms of exp(-r)."""
    wired = dw.GRAPHS["one"]
    p = dw.ltc_parameters(wired, "initial", 5)
    nothing = {
        "adjacency": np.zeros((1, 1)),
        "sensory_adjacency": np.zeros((dw.FEATURES, 1)),
        "output_dim": 1,
    }
    options = {"solver": solver, "ode_unfolds": n, "epsilon": 0.0, **nothing}
    _, state = wired_ltc_step(p, np.ones((1, 2)), np.ones((1, 1)), 0.9, **options)
    r = 0.9 / n * p["gleak"] / p["cm"]
    kept = {"semi_implicit": 1 / (1 + r), "explicit": 1 - r, "rk4": 1 - r + r**2 / 2 - r**3 / 6 + r**4 / 24}
    want = p["vleak"] + (1.0 - p["vleak"]) * kept[solver] ** n
    np.testing.assert_allclose(state[0], want, rtol=1e-13)
