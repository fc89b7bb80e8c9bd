"""The reference against the equations at 50 digits.

The tolerance is nobody's choice: it is the bound that `ErrorBounded` computes for float64, a few units in
the last place of what the step adds up. It holds for an implementation *and* the reference together, so the
reference alone has to stay well inside; `test_arrays` judges the bound itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from reference import activations, cfc_step, ltc_step
from tests.reference import draws, exact

FLOAT64 = Arithmetic("float64")

POINTS = np.concatenate(
    [
        np.random.default_rng(0).normal(size=40) * 3.0,
        np.random.default_rng(1).normal(size=20) * 30.0,
        [0.0, -0.0, 1e-300, -1e-300, 1e-12, -1e-12, 1e-5, -1e-5, 19.99, 20.01, -745.5, 745.5, 1e4, -1e4],
    ]
)


def bounded(p: dict[str, np.ndarray]) -> dict[str, ErrorBounded]:
    return {name: ErrorBounded(value, FLOAT64) for name, value in p.items()}


def agree(step: Any, exact_step: Any, case: draws.Case, **options: Any) -> None:
    """Assert that the plain step, and its value under ErrorBounded, are the exact one within the bound."""
    __tracebackhide__ = True
    p, x, h, t = case.arguments
    want = exact.rows(exact_step, p, x, h, t, **options)
    judged = step(bounded(p), *(ErrorBounded(a, FLOAT64) for a in (x, h, t)), **options)
    for got in (step(p, x, h, t, **options), judged.value):
        error = exact.distance(got, want)
        assert (error <= judged.error).all(), (
            f"off by {np.max(error / judged.error):.3g} times the bound in {options}, t = {t.ravel()}"
        )


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_activation(name: str) -> None:
    function = activations.get(name)
    bound = function(ErrorBounded(POINTS, FLOAT64)).error
    want = [[exact.ACTIVATIONS[name](exact.number(a))] for a in POINTS]
    error = exact.distance(function(POINTS)[:, None], want)[:, 0]
    assert (error <= bound).all(), f"{name} at {POINTS[error > bound]} is off by {error[error > bound]}"
    shortcut = (POINTS > 20.0) if name == "softplus" else np.zeros(POINTS.shape, bool)
    few_ulp = 64 * 2.0**-53 * np.maximum(np.abs(POINTS), 2.0)
    assert (bound <= few_ulp)[~shortcut].all()


@pytest.mark.parametrize("name", sorted(activations.ACTIVATIONS.keys() - {"gelu", "gelu_tanh"}))
def test_activation_to_four_ulp(name: str) -> None:
    """Relative to a normal result, which a gelu, whose 1 + erf(a) cancels, cannot promise."""
    want = [[exact.ACTIVATIONS[name](exact.number(a))] for a in POINTS]
    error = exact.distance(activations.get(name)(POINTS)[:, None], want)[:, 0]
    size = np.array([float(abs(w)) for (w,) in want])
    limit = 4 * np.spacing(size) + np.finfo(np.float64).tiny
    assert (error <= limit).all(), POINTS[error > limit]


def test_every_activation_has_an_exact_one() -> None:
    assert exact.ACTIVATIONS.keys() == activations.ACTIVATIONS.keys()


@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
@pytest.mark.parametrize("recipe", draws.RECIPES)
def test_cfc_modes(mode: str, recipe: str, layers: int) -> None:
    for seed in range(3):
        case = draws.case(draws.cfc_shapes, recipe, seed, mode=mode, layers=layers)
        agree(cfc_step, exact.cfc, case, mode=mode, backbone_layers=layers)


@pytest.mark.parametrize("head", ["tanh", "lecun_tanh", "linear"])
@pytest.mark.parametrize("mode", ["default", "no_gate"])
def test_cfc_heads(mode: str, head: str) -> None:
    case = draws.case(draws.cfc_shapes, "normal", 5, mode=mode, layers=1)
    agree(cfc_step, exact.cfc, case, mode=mode, head_activation=head)


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_cfc_backbone_activations(name: str) -> None:
    case = draws.case(draws.cfc_shapes, "normal", 6, mode="default", layers=2)
    agree(cfc_step, exact.cfc, case, backbone_layers=2, activation=name)


@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("solver", ["semi_implicit", "explicit"])
@pytest.mark.parametrize("recipe", draws.RECIPES)
def test_ltc_solvers(solver: str, recipe: str, layers: int) -> None:
    for seed in range(3):
        case = draws.case(draws.ltc_shapes, recipe, seed, layers=layers)
        for activation in ("tanh", "linear"):
            agree(ltc_step, exact.ltc, case, solver=solver, activation=activation, backbone_layers=layers)


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_ltc_activations(name: str) -> None:
    case = draws.case(draws.ltc_shapes, "normal", 7, layers=1)
    agree(ltc_step, exact.ltc, case, activation=name, backbone_layers=1)
    agree(ltc_step, exact.ltc, case, backbone_activation=name, backbone_layers=1)


def test_time_is_one_where_none_is_given() -> None:
    case = draws.case(draws.cfc_shapes, "normal", 8, mode="default", layers=1)
    want = exact.rows(exact.cfc, case.p, case.x, case.h, 1.0)
    assert exact.distance(cfc_step(case.p, case.x, case.h), want).max() < 1e-14
    case = draws.case(draws.ltc_shapes, "normal", 8, layers=0)
    want = exact.rows(exact.ltc, case.p, case.x, case.h, 1.0)
    assert exact.distance(ltc_step(case.p, case.x, case.h), want).max() < 1e-14
