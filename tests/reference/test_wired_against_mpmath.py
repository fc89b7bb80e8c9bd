"""The wired cells and mixed memory against the equations at 50 digits, within the bound for float64."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded
from reference import mixed_memory_step, wired_cfc_step, wired_ltc_step
from tests.reference import draws_wired as dw
from tests.reference import exact, exact_wired

FLOAT64 = Arithmetic("float64")
SOLVERS = ["semi_implicit", "explicit", "rk4"]
MODES = ["default", "no_gate", "pure"]


def bounded(a: Any) -> Any:
    if isinstance(a, dict):
        return {name: bounded(value) for name, value in a.items()}
    return ErrorBounded(a, FLOAT64)


def agree(step: Any, exact_step: Any, *arguments: Any, **options: Any) -> None:
    """Assert that all results of a step, with and without ErrorBounded, are exact within the bound."""
    __tracebackhide__ = True
    wants = exact_wired.rows(exact_step, *arguments, **options)
    judged = step(*(bounded(a) for a in arguments), **options)
    with np.errstate(over="ignore", invalid="ignore"):
        plain = step(*arguments, **options)
    for got, bound, want in zip(plain, judged, wants, strict=True):
        within(got, bound, want)
        within(bound.value, bound, want)


def within(got: Any, bound: ErrorBounded, want: Any) -> None:
    __tracebackhide__ = True
    finite = np.isfinite(bound.error)
    assert finite.any()
    error = np.where(finite, exact.distance(np.where(finite, got, 0.0), want), 0.0)
    assert (error <= bound.error).all(), f"off by {np.max(error / bound.error):.3g} times the bound"


@pytest.mark.parametrize("graph", list(dw.GRAPHS))
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("recipe", dw.RECIPES)
def test_wired_ltc_solvers(solver: str, recipe: str, graph: str) -> None:
    wired = dw.GRAPHS[graph]
    case = dw.batch(wired, dw.ltc_parameters(wired, recipe, 0), 0)
    agree(wired_ltc_step, exact_wired.wired_ltc, *case.arguments, solver=solver, **dw.ltc_options(wired))


@pytest.mark.parametrize("output_mapping", ["affine", "linear", None])
@pytest.mark.parametrize("input_mapping", ["affine", "linear", None])
def test_wired_ltc_mappings(input_mapping: str | None, output_mapping: str | None) -> None:
    wired = dw.GRAPHS["random"]
    case = dw.batch(wired, dw.ltc_parameters(wired, "normal", 1), 1)
    mappings = {"input_mapping": input_mapping, "output_mapping": output_mapping}
    agree(wired_ltc_step, exact_wired.wired_ltc, *case.arguments, **mappings, **dw.ltc_options(wired))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("options", [{"ode_unfolds": 1}, {"ode_unfolds": 7}, {"epsilon": 0.5}])
def test_wired_ltc_options(solver: str, options: dict[str, Any]) -> None:
    wired = dw.GRAPHS["auto"]
    case = dw.batch(wired, dw.ltc_parameters(wired, "normal", 2), 2)
    options = {"solver": solver, **options, **dw.ltc_options(wired)}
    agree(wired_ltc_step, exact_wired.wired_ltc, *case.arguments, **options)


@pytest.mark.parametrize("solver", SOLVERS)
def test_wired_ltc_softplus(solver: str) -> None:
    """Of parameters of either sign."""
    wired, draw = dw.GRAPHS["auto"], dw.draws.drawer("normal", 2)
    case = dw.batch(wired, {name: draw(shape) for name, shape in dw.ltc_shapes(wired).items()}, 2)
    assert min(case.p["cm"].min(), case.p["gleak"].min()) < 0.0
    options = {"solver": solver, "implicit_param_constraints": True, **dw.ltc_options(wired)}
    agree(wired_ltc_step, exact_wired.wired_ltc, *case.arguments, **options)


@pytest.mark.parametrize("graph", list(dw.GRAPHS))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("recipe", dw.draws.RECIPES)
def test_wired_cfc_modes(mode: str, recipe: str, graph: str) -> None:
    wired = dw.GRAPHS[graph]
    case = dw.batch(wired, dw.cfc_parameters(wired, recipe, 3, mode), 3)
    agree(wired_cfc_step, exact_wired.wired_cfc, *case.arguments, mode=mode, **dw.cfc_options(wired))


@pytest.mark.parametrize("sparse_time_heads", [True, False])
@pytest.mark.parametrize("fully_recurrent", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("graph", ["random", "auto"])
def test_wired_cfc_masks(graph: str, mode: str, fully_recurrent: bool, sparse_time_heads: bool) -> None:
    wired = dw.GRAPHS[graph]
    case = dw.batch(wired, dw.cfc_parameters(wired, "normal", 4, mode), 4)
    options = {"mode": mode, "fully_recurrent": fully_recurrent, "sparse_time_heads": sparse_time_heads}
    agree(wired_cfc_step, exact_wired.wired_cfc, *case.arguments, **options, **dw.cfc_options(wired))


@pytest.mark.parametrize("head", ["lecun_tanh", "linear"])
def test_wired_cfc_heads(head: str) -> None:
    wired = dw.GRAPHS["auto"]
    case = dw.batch(wired, dw.cfc_parameters(wired, "normal", 5, "default"), 5)
    agree(
        wired_cfc_step, exact_wired.wired_cfc, *case.arguments, head_activation=head, **dw.cfc_options(wired)
    )


@pytest.mark.parametrize("graph", ["auto", "one"])
@pytest.mark.parametrize("recipe", dw.draws.RECIPES)
@pytest.mark.parametrize("family", ["ltc", "cfc"])
def test_mixed_memory(family: str, recipe: str, graph: str) -> None:
    wired = dw.GRAPHS[graph]
    if family == "ltc":
        p, options = dw.ltc_parameters(wired, "normal", 6), dw.ltc_options(wired)
        step, exact_step = wired_ltc_step, exact_wired.wired_ltc
    else:
        p, options = dw.cfc_parameters(wired, "normal", 6, "default"), dw.cfc_options(wired)
        step, exact_step = wired_cfc_step, exact_wired.wired_cfc
    case = dw.batch(wired, dw.memory_parameters(wired, recipe, 6), 6)
    memory = np.random.default_rng(7).normal(size=case.h.shape)
    agree(
        partial(mixed_memory_step, step=partial(step, p, **options)),
        partial(exact_wired.mixed_memory, step=partial(exact_step, p, **options)),
        *(case.p, case.x, case.h, memory, case.t),
    )


@pytest.mark.parametrize("family", ["ltc", "cfc"])
def test_time_is_one_where_none_is_given(family: str) -> None:
    wired = dw.GRAPHS["auto"]
    if family == "ltc":
        p, options = dw.ltc_parameters(wired, "initial", 8), dw.ltc_options(wired)
        step, exact_step = wired_ltc_step, exact_wired.wired_ltc
    else:
        p, options = dw.cfc_parameters(wired, "normal", 8, "default"), dw.cfc_options(wired)
        step, exact_step = wired_cfc_step, exact_wired.wired_cfc
    case = dw.batch(wired, p, 8)
    wants = exact_wired.rows(exact_step, p, case.x, case.h, 1.0, **options)
    for got, want in zip(step(p, case.x, case.h, **options), wants, strict=True):
        assert exact.distance(got, want).max() < 1e-13
