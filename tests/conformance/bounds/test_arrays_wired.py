"""The bounds of the wired cells and of mixed memory hold for every way to write them that SPEC.md allows.

As in `test_arrays`: an implementation that errs in every operation by as much as it may, NumPy in
float32, and 50 digits.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import FUNCTIONS, Arithmetic, ErrorBounded
from reference import mixed_memory_step, solvers, wired_cfc_step, wired_ltc_step
from tests.conformance.bounds import sloppy_wired
from tests.conformance.bounds.sloppy import DOTS, Sloppy
from tests.conformance.bounds.test_arrays import DTYPES, extended, report, within
from tests.reference import draws_wired as dw
from tests.reference import exact, exact_wired
from tests.reference.draws import Case

SOLVERS = ["semi_implicit", "explicit", "rk4"]
TIMES = {"semi_implicit": [1.0, 0.37, 1e6, 1e-3, 1e-30], "explicit": [1.0, 0.37, 1e-3], "rk4": [0.37, 0.1]}
ROWS = 20


def narrowed(case: Case, dtype: str) -> Case:
    """Round every number to `dtype`."""
    p = {name: a.astype(dtype) for name, a in case.p.items()}
    return Case(p, *(a.astype(dtype) for a in (case.x, case.h, case.t)))


def ltc_case(graph: str, recipe: str, solver: str, dtype: str, rows: int = ROWS) -> Case:
    wired = dw.GRAPHS[graph]
    case = dw.batch(wired, dw.ltc_parameters(wired, recipe, 0), 0, rows)
    t = np.random.default_rng(1).choice(TIMES[solver], (rows, 1))
    return narrowed(Case(case.p, case.x, case.h, t), dtype)


def cfc_case(graph: str, recipe: str, mode: str, dtype: str) -> Case:
    wired = dw.GRAPHS[graph]
    return narrowed(dw.batch(wired, dw.cfc_parameters(wired, recipe, 0, mode), 0, ROWS), dtype)


def bounded(dtype: str, *arguments: Any) -> list[Any]:
    arithmetic = Arithmetic(dtype)

    def lift(a: Any) -> Any:
        if isinstance(a, dict):
            return {name: lift(value) for name, value in a.items()}
        return ErrorBounded(a, arithmetic)

    return [lift(a) for a in arguments]


@pytest.mark.slow
@extended
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("graph", list(dw.GRAPHS))
def test_a_wired_ltc_as_careless_as_allowed(
    graph: str, solver: str, dtype: str, record_property: Any
) -> None:
    ratios, options = [], {"solver": solver, **dw.ltc_options(dw.GRAPHS[graph])}
    for recipe in dw.RECIPES:
        case = ltc_case(graph, recipe, solver, dtype)
        judged = wired_ltc_step(*bounded(dtype, *case.arguments), **options)
        for form, style in itertools.product(sloppy_wired.FORMS, ("extreme", "up")):
            s = Sloppy(dtype, 3, style)
            got = sloppy_wired.wired_ltc(s, *case.arguments, form=form, **options)
            for part, bound in zip(got, judged, strict=True):
                ratios.append(within(part, bound, f"{recipe}, {form}, {style}"))
    report(record_property, f"wired ltc {solver} {graph} careless {dtype}", ratios)
    assert sum(r.size for r in ratios) > 1500


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_wired_ltc_of_numpy_in_float32(solver: str, record_property: Any) -> None:
    """The reference function itself on float32 arrays; and the bound is not far wider than its errors."""
    ratios = []
    for graph, recipe in itertools.product(dw.GRAPHS, dw.RECIPES):
        options = {"solver": solver, **dw.ltc_options(dw.GRAPHS[graph])}
        case = ltc_case(graph, recipe, solver, "float32")
        judged = wired_ltc_step(*bounded("float32", *case.arguments), **options)
        with np.errstate(over="ignore", invalid="ignore"):
            got = wired_ltc_step(*case.arguments, **options)
        for part, bound in zip(got, judged, strict=True):
            assert part.dtype == np.float32
            ratios.append(within(part, bound, f"{graph}, {recipe}"))
    assert report(record_property, f"wired ltc {solver} NumPy float32", ratios) > 0.02


@pytest.mark.parametrize("recipe", dw.RECIPES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_wired_ltc_of_numpy_in_float32_mpmath(solver: str, recipe: str) -> None:
    """The same against 50 digits, on some rows."""
    options = {"solver": solver, **dw.ltc_options(dw.GRAPHS["auto"])}
    case = ltc_case("auto", recipe, solver, "float32", rows=3)
    judged = wired_ltc_step(*bounded("float32", *case.arguments), **options)
    wants = exact_wired.rows(exact_wired.wired_ltc, *case.arguments, **options)
    with np.errstate(over="ignore", invalid="ignore"):
        got = wired_ltc_step(*case.arguments, **options)
    for part, bound, want in zip(got, judged, wants, strict=True):
        for answer in (part, bound.value):
            finite = np.isfinite(bound.error)
            error = exact.distance(np.where(finite, answer, 0.0), want)
            assert (error <= bound.error)[finite].all()


@pytest.mark.parametrize("fully_recurrent", [True, False])
@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_a_wired_cfc_of_numpy_in_float32(mode: str, fully_recurrent: bool, record_property: Any) -> None:
    ratios = []
    for graph, recipe in itertools.product(dw.GRAPHS, dw.draws.RECIPES):
        options = {"mode": mode, "fully_recurrent": fully_recurrent, **dw.cfc_options(dw.GRAPHS[graph])}
        case = cfc_case(graph, recipe, mode, "float32")
        judged = wired_cfc_step(*bounded("float32", *case.arguments), **options)
        with np.errstate(over="ignore", invalid="ignore"):
            got = wired_cfc_step(*case.arguments, **options)
        for part, bound in zip(got, judged, strict=True):
            assert part.dtype == np.float32
            ratios.append(within(part, bound, f"{graph}, {recipe}"))
    assert report(record_property, f"wired cfc {mode} NumPy float32", ratios) > 0.02


@extended
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("recipe", [*dw.draws.RECIPES, "forgetful"])
def test_a_memory_as_careless_as_allowed(recipe: str, dtype: str, record_property: Any) -> None:
    """Forgetful: the bias of the forget gate all but cancels its 1."""
    ratios, wired = [], dw.GRAPHS["auto"]
    p = dw.memory_parameters(wired, "normal" if recipe == "forgetful" else recipe, 1)
    if recipe == "forgetful":
        p = {name: a * 1e-3 - np.where(name == "bias", 1.0, 0.0) for name, a in p.items()}
    case = narrowed(dw.batch(wired, p, 1, ROWS), dtype)
    c = np.random.default_rng(2).normal(size=case.h.shape).astype(dtype)
    arguments = bounded(dtype, case.p, case.x, case.h, c, case.t)
    judged = mixed_memory_step(*arguments, step=lambda x, m, t: (m, m))[1:]
    for dots, folded, style in itertools.product(DOTS, (True, False), ("extreme", "up")):
        s = Sloppy(dtype, 4, style, dots, features=dw.FEATURES)
        got = sloppy_wired.memory(s, case.p, case.x, case.h, c, folded=folded)
        for part, bound in zip(got, judged, strict=True):
            ratios.append(within(part, bound, f"{dots}, folded={folded}, {style}"))
    report(record_property, f"memory {recipe} careless {dtype}", ratios)


@pytest.mark.parametrize(("dtype", "widest"), [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("recipe", ["initial", "normal", "saturated"])
def test_ordinary_wired_steps_have_narrow_bounds(recipe: str, dtype: str, widest: float) -> None:
    """Else every value would be undecided: more than 1 % of the largest decides nothing."""
    for graph in dw.GRAPHS:
        case = ltc_case(graph, recipe, "semi_implicit", dtype)
        options = dw.ltc_options(dw.GRAPHS[graph])
        _, state = wired_ltc_step(*bounded(dtype, *case.arguments), **options)
        assert np.max(state.error) <= widest * np.max(np.abs(state.value)), graph


def anywhere(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> tuple[ErrorBounded, Any]:
    """Draw numbers with bounds of many sizes, and numbers somewhere within them."""
    value = (rng.normal(size=shape) * 10.0 ** rng.uniform(-2, 1, shape)).astype(dtype).astype(np.float64)
    error = np.abs(value) * rng.choice([0.0, 1e-7, 1e-3, 0.1], shape)
    place = rng.choice([-1.0, 1.0, 0.4], shape) * error
    return ErrorBounded(value, Arithmetic(dtype), error), value + place


def exact_mean(w: Any, e: Any) -> Any:
    return exact.mp.fdot(w, e) / exact.mp.fsum(w)


def exact_current(g: Any, e: Any, v: Any) -> Any:
    return exact.mp.fdot(g, e) - exact.mp.fsum(g) * v


def exact_ahead(g: Any, e: Any, v: Any, rate: Any) -> Any:
    return v + rate * exact_current(g, e, v)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("judge", "function", "operands"),
    [(solvers.mean, exact_mean, 0), (solvers.current, exact_current, 1), (solvers.ahead, exact_ahead, 2)],
)
def test_operands_anywhere_within_their_bounds_mpmath(
    judge: Any, function: Any, operands: int, dtype: str
) -> None:
    """Of g >= 0, E, and further operands; the operation itself exact."""
    rng, n = np.random.default_rng(operands), 400
    pairs = [anywhere(rng, shape, dtype) for shape in ((5, n), (5, n), *[(n,)] * operands)]
    (g, there), rest = pairs[0], pairs[1:]
    pairs = [(ErrorBounded(np.abs(g.value), g.arithmetic, g.error), np.abs(there)), *rest]
    judged = judge(*(bounded for bounded, _ in pairs))
    assert np.isfinite(judged.error).all()
    for i in range(n):
        got = function(*(exact.vector(a[:, i]) if a.ndim > 1 else exact.number(a[i]) for _, a in pairs))
        error = float(abs(got - exact.number(judged.value[i])))
        assert error <= judged.error[i], f"off by {error / judged.error[i]:.6g} times the bound"


def test_a_mean_of_equal_potentials_does_not_depend_on_its_weights() -> None:
    arithmetic = Arithmetic("float32")
    weights = ErrorBounded(np.array([[1.0], [2.0], [3.0]]), arithmetic, 0.3)
    same = solvers.mean(weights, np.full((3, 1), 0.7))
    assert same.error[0] < 1e-5
    other = solvers.mean(weights, np.array([[0.7], [0.7], [-0.7]]))
    assert other.error[0] > 0.05


def test_weights_that_may_add_up_to_zero_have_no_mean() -> None:
    weights = ErrorBounded(np.array([[1.0], [-0.5]]), Arithmetic("float32"), 0.25)
    assert np.isinf(solvers.mean(weights, np.ones((2, 1))).error[0])
    assert np.isinf(solvers.mean(0.0 * weights, np.ones((2, 1))).error[0])


def test_a_step_to_the_potential_of_rest_forgets_where_it_began() -> None:
    """With rate Σ g = 1 nothing is left of v, nor of its error; with 0 and 2 all of it."""
    arithmetic = Arithmetic("float32")
    g, v = (
        ErrorBounded(np.array([[0.25], [0.25]]), arithmetic),
        ErrorBounded(np.array([0.9]), arithmetic, 0.1),
    )
    for rate, left in ((0.0, 1.0), (1.0, 0.5), (2.0, 0.0), (4.0, 1.0)):
        error = solvers.ahead(g, np.ones((2, 1)), v, rate).error[0]
        assert error == pytest.approx(0.1 * left, abs=1e-5)


def test_what_is_masked_moves_no_current() -> None:
    arithmetic, rng = Arithmetic("float32"), np.random.default_rng(0)
    there = np.arange(40) % 8 == 0
    g = ErrorBounded(rng.uniform(size=(40, 3)), arithmetic, 1e-4)
    e, v = (
        ErrorBounded(rng.normal(size=(40, 3)), arithmetic, 1e-4),
        ErrorBounded(np.ones(3), arithmetic, 1e-4),
    )
    masked = np.where(there[:, None], g, 0.0)
    for judge, operands in ((solvers.mean, ()), (solvers.current, (v,)), (solvers.ahead, (v, 0.5))):
        few = judge(g[there], e[there], *operands)
        np.testing.assert_allclose(judge(masked, e, *operands).error, few.error, rtol=1e-12)


def test_every_primitive_of_the_solvers_has_a_rule() -> None:
    primitives = {f for f in vars(solvers).values() if getattr(f, "__module__", "") == solvers.__name__}
    primitives = {f for f in primitives if hasattr(f, "__wrapped__")}
    assert primitives <= FUNCTIONS.keys()
    assert len(primitives) == 3
