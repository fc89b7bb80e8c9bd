"""The bound of `ErrorBounded` is never broken, by real arithmetic or by any that keeps to SPEC.md's table.

What is exact is mpmath at 50 digits for some thousand values (`test_*_mpmath`), and `numpy.longdouble` for
the hundreds of thousands that are compared in all: its 64 bits err by 2^-11 of what is judged in float64, for
which `sloppy` leaves room. With -s, or in the properties of a JUnit report, stands how tight the bound is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.special import erf as scipy_erf

from conformance.bounds.arrays import FUNCTIONS, Arithmetic, ErrorBounded, lift
from reference import activations, cfc_step, fold, ltc_step
from tests.conformance.bounds import sloppy
from tests.conformance.bounds.sloppy import Sloppy, wide
from tests.reference import draws, exact

DTYPES = ["float32", "float64"]
HALF_TOO = ["float16", "bfloat16", *DTYPES]
pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
"""float16 ends at 65504: what overflows there has no bound."""
FLOAT32 = Arithmetic("float32")

extended = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 2e-19, reason="no extended precision on this machine"
)


def within(got: Any, judged: ErrorBounded, what: str = "") -> np.ndarray:
    """Assert that `got` is within a bound that is no NaN; return error / bound where that is finite."""
    __tracebackhide__ = True
    assert not np.isnan(judged.error).any()
    finite = np.isfinite(judged.error)
    error, bound = np.abs(wide(got)[finite] - judged.value[finite]), judged.error[finite]
    ratio = np.divide(error, bound, out=np.where(error == 0, wide(0), wide(np.inf)), where=bound > 0)
    assert np.isfinite(ratio).all(), f"{what}: not a number within a finite bound"
    worst = ratio.max(initial=0.0)
    assert worst <= 1.0, f"{what}: off by {worst:.6g} times the bound"
    return np.asarray(ratio, dtype=np.float64)


@dataclass(frozen=True)
class Operation:
    """An operation on ErrorBounded arrays, the same in extended precision, and the error that it may add."""

    judged: Callable[..., ErrorBounded]
    wide: Callable[..., Any]
    relative: float = 0.0
    absolute: float = 0.0
    operands: int = 1


OPERATIONS = {
    "add": Operation(np.add, np.add, 1, operands=2),
    "subtract": Operation(np.subtract, np.subtract, 1, operands=2),
    "multiply": Operation(np.multiply, np.multiply, 1, operands=2),
    "divide": Operation(np.divide, np.divide, 2, operands=2),
    "negative": Operation(np.negative, np.negative),
    "exp": Operation(np.exp, np.exp, 8),
    "tanh": Operation(np.tanh, np.tanh, 8),
    "sigmoid": Operation(activations.sigmoid, lambda a: 1 / (1 + np.exp(-a)), absolute=10),
    # SciPy's erf, in float64, takes 2 of the 16 u itself
    "erf": Operation(activations.erf, lambda a: wide(scipy_erf(a.astype(np.float64))), 14),
    "softplus": Operation(activations.softplus, lambda a: np.logaddexp(a, 0), 18),
    "softplus above 20": Operation(
        activations.softplus, lambda a: np.where(a > 20, a, np.logaddexp(a, 0)), 18
    ),
    "expm1 below zero": Operation(activations.expm1_below_zero, lambda a: np.expm1(np.minimum(a, 0))),
    "exp - 1 below zero": Operation(
        activations.expm1_below_zero, lambda a: np.where(a < 0, np.exp(a) - 1, 0), absolute=9
    ),
    "absolute": Operation(activations.absolute, np.abs),
    "relu": Operation(activations.relu, lambda a: np.maximum(a, 0)),
    "clip": Operation(lambda a: activations.clip(a, -9.0, 9.0), lambda a: np.clip(a, -9, 9)),
    "maximum": Operation(np.maximum, np.maximum, operands=2),
    "minimum": Operation(np.minimum, np.minimum, operands=2),
    "sqrt": Operation(lambda a: np.sqrt(activations.absolute(a)), lambda a: np.sqrt(np.abs(a)), 8),
    "log": Operation(lambda a: np.log(activations.absolute(a)), lambda a: np.log(np.abs(a)), 8),
    "log1p": Operation(np.log1p, np.log1p, 8),
    "log of 1 + a": Operation(np.log1p, lambda a: np.log(1 + a), 8, absolute=1),
    "expm1": Operation(np.expm1, np.expm1, 8),
}


HALF = {
    **{name: {"relative": 2} for name in ("exp", "tanh", "sqrt", "log", "log1p", "log of 1 + a", "expm1")},
    "sigmoid": {"absolute": 3},
}
"""What is promised of halves instead."""


def operand(rng: np.random.Generator, dtype: str, n: int, widest: float) -> tuple[ErrorBounded, Any]:
    """Draw numbers and bounds of many sizes, and what an implementation may have in their place."""
    value = rng.choice([-1.0, 1.0], n) * 10.0 ** rng.uniform(-8, widest, n)
    edges = [0.0, 1.0, -1.0, 9.0, -9.0, 20.0, -20.0, 87.0, -87.0, 745.0, -745.0, 1e-40, -1e-310]
    value[: len(edges)] = edges
    value = Arithmetic(dtype).nearest(value)
    relative = rng.choice([0.0, 0.0, 1e-16, 1e-7, 1e-3, 0.5, 1.0, 3.0], n)
    bounded = ErrorBounded(value, Arithmetic(dtype), np.abs(value) * relative)
    place = rng.choice([-1.0, 1.0, 0.0, 0.3, -0.9], n) * bounded.error * sloppy.PROMISED
    tiny = np.abs(value + place) < bounded.arithmetic.floor
    place[tiny & (np.abs(value) >= bounded.arithmetic.floor)] = 0.0  # what made it has room to flush it
    return bounded, wide(value) + wide(place)


@extended
@pytest.mark.parametrize("dtype", HALF_TOO)
@pytest.mark.parametrize("name", list(OPERATIONS))
def test_an_operation_stays_within_its_bound(name: str, dtype: str) -> None:
    operation, n = OPERATIONS[name], 8000
    if Sloppy(dtype, 1).half:
        operation = replace(operation, **HALF.get(name, {}))
    rng, arithmetic = np.random.default_rng(list(name.encode())), Sloppy(dtype, 1)
    drawn = [operand(rng, dtype, n, 4.0) for _ in range(operation.operands)]
    with np.errstate(all="ignore"):
        got = operation.wide(*(there for _, there in drawn))
        got = arithmetic.near(got, operation.relative)
        got = np.where(got == 0, got, got + arithmetic.delta((n,), operation.absolute))
    judged = operation.judged(*(bounded for bounded, _ in drawn))
    assert within(got, judged, name).size > n / 3


EXACT_OPERATIONS = {
    "exp": (np.exp, exact.mp.exp),
    "tanh": (np.tanh, exact.mp.tanh),
    "sigmoid": (activations.sigmoid, exact.ACTIVATIONS["sigmoid"]),
    "erf": (activations.erf, exact.mp.erf),
    "softplus": (activations.softplus, exact.ACTIVATIONS["softplus"]),
    "expm1 below zero": (activations.expm1_below_zero, lambda a: exact.mp.expm1(min(a, exact.mp.mpf(0)))),
    "absolute": (activations.absolute, abs),
    "relu": (activations.relu, exact.ACTIVATIONS["relu"]),
    "clip": (lambda a: activations.clip(a, -9.0, 9.0), lambda a: min(max(a, -9), 9)),
    "maximum": (lambda a: np.maximum(a, 1e-3), lambda a: max(a, exact.number(1e-3))),
    "minimum": (lambda a: np.minimum(a, 10.0), lambda a: min(a, exact.mp.mpf(10))),
    "sqrt": (np.sqrt, exact.mp.sqrt),
    "log": (np.log, exact.mp.log),
    "log1p": (np.log1p, exact.mp.log1p),
    "expm1": (np.expm1, exact.mp.expm1),
}


@pytest.mark.parametrize("dtype", HALF_TOO)
@pytest.mark.parametrize("name", list(EXACT_OPERATIONS))
def test_the_ends_of_an_interval_are_within_the_bound_mpmath(name: str, dtype: str) -> None:
    """An operand anywhere within its bound, the operation itself exact."""
    judge, function = EXACT_OPERATIONS[name]
    bounded, there = operand(np.random.default_rng(5), dtype, 300, 2.0)
    judged = judge(bounded)
    for i in np.flatnonzero(np.isfinite(judged.error)):
        high = np.float64(there[i])
        got = function(exact.number(high) + exact.number(there[i] - high))
        error = float(abs(got - exact.number(judged.value[i])))
        assert error <= judged.error[i], f"{name}({there[i]!r}) is off by {error:.9g}"


@extended
@pytest.mark.parametrize("dtype", HALF_TOO)
@pytest.mark.parametrize("dots", sloppy.DOTS)
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_a_dot_product_and_its_bias_in_any_order(dots: str, n: int, dtype: str) -> None:
    rng = np.random.default_rng(n)
    for spread, bias_size, style in itertools.product(
        [0.0, 3.0], [0.0, 1.0, 1e4], ["extreme", "up", "uniform"]
    ):
        z, kernel, bias = (
            Arithmetic(dtype).nearest(
                rng.normal(size=shape) * size * 10.0 ** rng.uniform(-spread, spread, shape)
            )
            for shape, size in (((100, n), 1.0), ((n, 4), 1.0), ((4,), bias_size))
        )
        half = n // 2
        z[:, half : 2 * half] = -z[:, :half]  # the products cancel
        kernel[half : 2 * half] = kernel[:half]
        s = Sloppy(dtype, n, style, dots, features=(n + 1) // 2)
        arithmetic = Arithmetic(dtype)
        judged = ErrorBounded(z, arithmetic) @ ErrorBounded(kernel, arithmetic) + ErrorBounded(
            bias, arithmetic
        )
        within(s.dense(wide(z), wide(kernel), wide(bias)), judged, f"{dots}, {style}")


SUMS: dict[str, Callable[[Sloppy, Any], Any]] = {
    "forward": lambda s, terms: summed(s, terms),
    "backward": lambda s, terms: summed(s, terms[::-1]),
    "split": lambda s, terms: s.add(summed(s, terms[: len(terms) // 2]), summed(s, terms[len(terms) // 2 :])),
}


def summed(s: Sloppy, terms: Any) -> Any:
    """Sum in order, from the first that is not 0 on."""
    total = wide(np.zeros(terms.shape[1:]))
    for term in terms:
        total = np.where(term == 0, total, np.where(total == 0, term, s.add(total, term)))
    return total


@extended
@pytest.mark.parametrize("dtype", HALF_TOO)
@pytest.mark.parametrize("order", list(SUMS))
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_a_sum_in_any_order(n: int, order: str, dtype: str) -> None:
    """Of numbers that cancel and some that are masked, each anywhere within its bound."""
    rng = np.random.default_rng(n)
    for spread, style in itertools.product([0.0, 3.0], ["extreme", "up", "uniform"]):
        a = rng.normal(size=(n, 300)) * 10.0 ** rng.uniform(-spread, spread, (n, 300))
        a = np.where(rng.random(a.shape) < 0.3, 0.0, a)
        a[n // 2 : 2 * (n // 2)] = -a[: n // 2]
        a = Arithmetic(dtype).nearest(a)
        error = np.abs(a) * rng.choice([0.0, 1e-7, 1e-2], a.shape)
        there = wide(a) + wide(rng.choice([-1.0, 0.3, 1.0], a.shape)) * error * sloppy.PROMISED
        judged = np.sum(ErrorBounded(a, Arithmetic(dtype), error), axis=0)
        within(SUMS[order](Sloppy(dtype, n, style), there), judged, f"{order}, {style}")


def test_a_sum_mpmath() -> None:
    """Of terms at the ends of their bounds, added without an error."""
    a = np.random.default_rng(2).normal(size=(6, 50))
    error = np.abs(a) * 1e-3
    judged = np.sum(ErrorBounded(a, FLOAT32, error), axis=0)
    for j in range(50):
        for sign in (-1, 1):
            ends = zip(a[:, j], error[:, j], strict=True)
            got = exact.mp.fsum(exact.number(value) + sign * exact.number(e) for value, e in ends)
            assert abs(got - exact.number(judged.value[j])) <= judged.error[j]
    assert (judged.error <= 1.01 * np.sum(error, axis=0)).all()


def test_what_is_masked_neither_counts_as_a_term_nor_errs() -> None:
    """So a bound is that of the synapses that are there, however few of all."""
    rng = np.random.default_rng(0)
    values, kernel = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    there = np.arange(40) % 8 == 0
    masked = ErrorBounded(values, FLOAT32, 1e-4) * np.where(there, 1.0, 0.0)[:, None]
    few = ErrorBounded(values[there], FLOAT32, 1e-4) * np.ones((5, 1))
    np.testing.assert_allclose(np.sum(masked, axis=0).error, np.sum(few, axis=0).error, rtol=1e-12)
    z = ErrorBounded(rng.normal(size=(4, 40)), FLOAT32, 1e-4)
    dense, gathered = z @ np.where(there[:, None], kernel, 0.0), z[:, there] @ kernel[there]
    np.testing.assert_allclose(dense.error, gathered.error, rtol=1e-12)
    np.testing.assert_allclose((dense + one(3.0)).error, (gathered + one(3.0)).error, rtol=1e-12)


def test_a_product_by_zero_is_zero_unless_it_is_not_a_number() -> None:
    assert (one(0.0) * one(5.0, 1.0)).error[0] == 0.0
    assert (one(5.0, 1.0) * 0.0).error[0] == 0.0
    assert (one(0.0, 0.1) * one(5.0)).error[0] >= 0.5
    assert (one(1e-30) * one(1e-30)).error[0] > 0.0
    assert np.isinf((one(0.0) * (one(3e38) * one(10.0))).error[0])


ROWS = 150
TIMES = [0.0, 1.0, 0.37, 1e6, 1e-3, 1e-30, 1e-40]
RECIPES = (*draws.RECIPES, "cancelling", "biased")
CFC = [{"mode": mode} for mode in ("default", "no_gate", "pure")]
LTC = [{"solver": s, "activation": a} for s in ("semi_implicit", "explicit") for a in ("linear", "tanh")]
FORMS = [("cfc", form) for form in CFC] + [("ltc", form) for form in LTC]


def name_of(value: Any) -> str:
    """Return the id of a family or a form."""
    return value if isinstance(value, str) else "-".join(value.values())


def stored(a: Any, dtype: str) -> Any:
    """Return the numbers of the dtype that are nearest, in it, or in float64 where NumPy does not know it."""
    return Arithmetic(dtype).nearest(a) if dtype == "bfloat16" else np.asarray(a, dtype=dtype)


def step_case(family: str, form: dict[str, str], recipe: str, seed: int, dtype: str) -> draws.Case:
    """Draw parameters of one kind and a batch of `ROWS`, every number one of `dtype`."""
    shapes = (
        draws.cfc_shapes(2, 3, mode=form["mode"], layers=1)
        if family == "cfc"
        else draws.ltc_shapes(2, 3, layers=0)
    )
    rng = np.random.default_rng([seed, 77])
    draw = draws.drawer(recipe if recipe in draws.RECIPES else "normal", seed)
    p = {name: draw(shape) for name, shape in shapes.items()}
    for name, a in p.items():
        if recipe == "biased":
            p[name] = a * (300.0 if name.endswith("bias") else 1e-3)
        if recipe == "cancelling" and a.ndim == 2 and len(a) > 1:
            p[name] = 1e3 * np.vstack([a[:1], -a[:1], *([1e-3 * a[2:]] if len(a) > 2 else [])])
    t = np.ones((ROWS, 1)) if seed % 2 else rng.choice(TIMES, (ROWS, 1))
    x, h = rng.normal(size=(ROWS, 2)), rng.normal(size=(ROWS, 3))
    h[::7], x[:, 1] = 0.0, np.where(rng.random(ROWS) < 0.5, x[:, 0], x[:, 1])
    narrow = [stored(a, dtype) for a in (x, h, t)]
    return draws.Case({name: stored(a, dtype) for name, a in p.items()}, *narrow)


def step_cases(family: str, form: dict[str, str], dtype: str) -> Iterator[tuple[str, int, draws.Case]]:
    for recipe, seed in itertools.product(RECIPES, (0, 1)):
        yield recipe, seed, step_case(family, form, recipe, seed, dtype)


def judge(family: str, form: dict[str, str], case: draws.Case, dtype: str) -> ErrorBounded:
    """Return the reference's step, with its bound."""
    arithmetic = Arithmetic(dtype)
    p = {name: ErrorBounded(a, arithmetic) for name, a in case.p.items()}
    operands = [ErrorBounded(a, arithmetic) for a in (case.x, case.h, case.t)]
    return (cfc_step if family == "cfc" else ltc_step)(p, *operands, **form)


def report(record_property: Any, what: str, ratios: list[np.ndarray]) -> float:
    """Print and records how tight the bound is; returns the 99th percentile of error / bound."""
    ratio = np.concatenate(ratios)
    median, high = np.median(ratio), np.percentile(ratio, 99)
    line = (
        f"{ratio.size} values, error/bound: median {median:.3f}, 99 % {high:.3f}, largest {ratio.max():.3f}"
    )
    record_property(what, line)
    print(f"\n{what}: {line}")
    return float(high)


@extended
@pytest.mark.parametrize("dtype", HALF_TOO)
@pytest.mark.parametrize(
    ("family", "form"), FORMS, ids=lambda v: v if isinstance(v, str) else "-".join(v.values())
)
def test_a_step_as_careless_as_allowed(family: str, form: Any, dtype: str, record_property: Any) -> None:
    ratios = []
    for recipe, seed, case in step_cases(family, form, dtype):
        judged = judge(family, form, case, dtype)
        for dots, style in itertools.product(sloppy.DOTS, ("extreme", "up")):
            s = Sloppy(dtype, seed, style, dots, features=2)
            for rewritten in (False, True) if family == "cfc" else (False,):
                if family == "cfc":
                    got = sloppy.cfc(s, *case.arguments, **form, rewritten=rewritten)
                else:
                    got = sloppy.ltc(s, *case.arguments, **form)
                ratios.append(within(got, judged, f"{recipe}, {dots}, {style}, rewritten={rewritten}"))
    report(record_property, f"{family} {form} careless {dtype}", ratios)
    assert sum(r.size for r in ratios) > 30_000


@pytest.mark.parametrize(
    ("family", "form"), FORMS, ids=lambda v: v if isinstance(v, str) else "-".join(v.values())
)
def test_a_step_of_numpy_in_float32(family: str, form: Any, record_property: Any) -> None:
    """The reference function itself on float32 arrays; and the bound is not far wider than its errors."""
    ratios = []
    for recipe, _, case in step_cases(family, form, "float32"):
        with np.errstate(over="ignore", invalid="ignore"):
            got = (cfc_step if family == "cfc" else ltc_step)(*case.arguments, **form)
        assert got.dtype == np.float32
        ratios.append(within(got, judge(family, form, case, "float32"), recipe))
    assert report(record_property, f"{family} {form} NumPy float32", ratios) > 0.02


@pytest.mark.parametrize(
    ("family", "form"), FORMS, ids=lambda v: v if isinstance(v, str) else "-".join(v.values())
)
def test_a_step_of_numpy_in_float32_mpmath(family: str, form: Any) -> None:
    """The same against 50 digits, on some rows."""
    for recipe, _, case in step_cases(family, form, "float32"):
        case = draws.Case(case.p, case.x[:6], case.h[:6], case.t[:6])
        judged = judge(family, form, case, "float32")
        step, exact_step = (cfc_step, exact.cfc) if family == "cfc" else (ltc_step, exact.ltc)
        want = exact.rows(exact_step, *case.arguments, **form)
        for got in (step(*case.arguments, **form), judged.value):
            error = exact.distance(got, want)
            assert (error <= judged.error).all(), f"{recipe}: {np.max(error / judged.error)} times the bound"


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
def test_an_activation_of_numpy_in_float32_mpmath(name: str) -> None:
    rng = np.random.default_rng(11)
    a = np.concatenate([rng.normal(size=150) * 3, rng.normal(size=50) * 40, [0.0, 1e-40, -1e-30]])
    a = a.astype(np.float32)
    judged = activations.get(name)(ErrorBounded(a, FLOAT32))
    want = [[exact.ACTIVATIONS[name](exact.number(v))] for v in a]
    for got in (activations.get(name)(a).astype(np.float32), judged.value):
        error = exact.distance(got[:, None], want)[:, 0]
        assert (error <= judged.error).all(), a[error > judged.error]


def test_the_gelu_of_pytorch_in_float32() -> None:
    """Recorded of PyTorch 2.13 on a CPU (oneDNN's gelu), at its worst: 1 + erf(a) is off by 12.5 u."""
    judged = activations.gelu(ErrorBounded([-2.9816040992736816, 2.9816040992736816], FLOAT32))
    within([-0.004273838363587856, 2.977330446243286], judged)


def test_ordinary_steps_have_narrow_bounds() -> None:
    """Else every value would be undecided: more than 1 % of the largest decides nothing."""
    for family, form in FORMS:
        case = step_case(family, form, "normal", 1, "float32")
        judged = judge(family, form, case, "float32")
        assert np.max(judged.error) < 1e-3 * np.max(np.abs(judged.value)), (family, form)


def one(value: float, error: float = 0.0, dtype: str = "float32") -> ErrorBounded:
    return ErrorBounded(np.array([value]), Arithmetic(dtype), np.array([error]))


def test_an_exponential_that_underflows_keeps_the_upper_end_of_its_interval() -> None:
    assert np.exp(one(-800.0, 700.0)).error[0] >= np.exp(-100.0)
    assert np.exp(one(-1e9, 1e3)).error[0] <= 2 * np.finfo(np.float32).tiny


def test_a_denominator_that_may_be_zero_has_no_bound() -> None:
    assert np.isinf((one(1.0) / one(1e-3, 1e-3)).error[0])
    assert np.isinf((one(1.0) / one(0.0)).error[0])
    assert np.isinf((one(0.0) / one(0.0)).error[0])
    assert np.isfinite((one(1.0) / one(1e-3, 0.9e-3)).error[0])


def test_a_reciprocal_may_be_flushed_to_zero() -> None:
    quotient = one(1e38) / one(2e38)
    assert quotient.error[0] >= 0.5


def test_a_subnormal_operand_may_be_read_as_zero() -> None:
    """So an explicit step of an LTC by t = 1e-40 may not move at all."""
    assert one(1e-40).error[0] == 1e-40
    assert one(1e-40, dtype="float64").error[0] == 0.0
    moved = one(0.0) + one(1e-40) / np.exp(one(-9.0)) * one(1.0)
    assert moved.error[0] >= moved.value[0] > 1e-37


@pytest.mark.parametrize(
    "function", [np.tanh, activations.sigmoid, activations.erf, activations.relu, np.exp]
)
def test_overflow_has_no_bound_and_gets_none_back(function: Any) -> None:
    """inf - inf is NaN, and so is tanh of it."""
    over = one(3e38) * one(10.0)
    assert np.isinf(over.error[0])
    assert np.isinf((over - over).error[0])
    assert np.isinf(function(over - over).error[0])
    assert np.isinf((one(0.0) * over).error[0])


@pytest.mark.parametrize(("dtype", "overflows"), [("float32", True), ("float64", False)])
def test_overflow_is_that_of_the_dtype(dtype: str, overflows: bool) -> None:
    assert np.isinf(np.exp(one(100.0, dtype=dtype)).error[0]) == overflows
    assert np.isinf((one(3e38, dtype=dtype) + one(3e38, dtype=dtype)).error[0]) == overflows


def test_the_explicit_solver_at_eight_thousand_million_time_constants() -> None:
    case = step_case("ltc", {}, "zero", 1, "float32")
    case.p["tau_kernel/bias"][:] = -9.0
    case = draws.Case(case.p, case.x, case.h, np.full((ROWS, 1), 1e6, np.float32))
    form = {"solver": "explicit", "activation": "linear"}
    judged = judge("ltc", form, case, "float32")
    assert np.max(np.abs(judged.value)) > 8e9
    ratio = within(ltc_step(*case.arguments, **form), judged)
    assert ratio.size == judged.value.size
    assert (judged.error <= 1e-5 * np.abs(judged.value) + 1e-20).all()


def test_what_is_saturated_has_no_error() -> None:
    assert activations.clip(one(100.0, 1.0), -9.0, 9.0).error[0] == 0.0
    assert activations.clip(one(-100.0, 1.0), -9.0, 9.0).error[0] == 0.0
    assert activations.clip(one(9.5, 1.0), -9.0, 9.0).error[0] == 1.0
    assert activations.relu(one(-2.0, 1.0)).error[0] == 0.0
    assert np.tanh(one(60.0, 1.0)).error[0] <= 9 * FLOAT32.u


@pytest.mark.frameworks
def test_the_nearest_number_of_bfloat16_is_that_of_ml_dtypes() -> None:
    dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes comes with jax")
    rng = np.random.default_rng(0)
    values = np.float32(rng.choice([-1, 1], 100_000) * 10.0 ** rng.uniform(-37, 37, 100_000))
    ties = np.float32(1 + np.arange(1, 255, 2) * 2.0**-8)
    for some in (values, ties, np.float32([0.0, -0.0, 1.0, 3.3e38])):
        want = some.astype(dtypes.bfloat16).astype(np.float64)
        np.testing.assert_array_equal(Arithmetic("bfloat16").nearest(some), want)
    about = dtypes.finfo(dtypes.bfloat16)
    found = Arithmetic("bfloat16")
    assert (found.floor, found.largest) == (float(about.smallest_normal), float(about.max))


def test_gamma_is_highams() -> None:
    u = 2.0**-24 + 2.0**-53
    assert FLOAT32.u == u
    assert FLOAT32.gamma(3) == pytest.approx(3 * u / (1 - 3 * u), rel=1e-15)
    assert FLOAT32.gamma(0) == 0.0
    assert Arithmetic("float64").u == 2.0**-52


@pytest.mark.parametrize(
    ("constant", "held"), [(0.5, True), (1, True), (9.0, True), (0.2, False), (0.666, False), (1e-3, False)]
)
@pytest.mark.parametrize("dtype", HALF_TOO)
def test_a_constant_that_the_dtype_cannot_hold_errs_by_u(constant: float, held: bool, dtype: str) -> None:
    arithmetic = Arithmetic(dtype)
    lifted = lift(constant, arithmetic)
    assert lifted.value == constant
    assert lifted.error == (0.0 if held else arithmetic.u * constant)


def test_arrays_are_exact_and_bounded_arrays_themselves() -> None:
    assert (lift(np.array([0.2, 3.0]), FLOAT32).error == 0.0).all()
    bounded = one(1.0, 0.1)
    assert lift(bounded, FLOAT32) is bounded


def test_bounds_broadcast_with_their_values() -> None:
    a = ErrorBounded(np.ones((3, 1)), FLOAT32, np.array([[0.1], [0.2], [0.4]]))
    b = ErrorBounded(np.array([1.0, 2.0]), FLOAT32, 0.05)
    total = a + b
    assert total.shape == total.error.shape == (3, 2)
    np.testing.assert_allclose(total.error, np.array([[0.15], [0.25], [0.45]]) * [1.0, 1.0], rtol=1e-5)
    product = 1.0 * a * b
    np.testing.assert_allclose(product.error[2], [0.4 + 0.05 + 0.02, 0.8 + 0.05 + 0.02], rtol=1e-5)


def test_slices_concatenation_and_selection_keep_the_bounds_of_what_they_take() -> None:
    a = ErrorBounded(np.arange(6.0).reshape(2, 3), FLOAT32, np.arange(6.0).reshape(2, 3) / 10)
    np.testing.assert_array_equal(a[:, 1].value, [1.0, 4.0])
    np.testing.assert_array_equal(a[:, 1].error, [0.1, 0.4])
    joined = np.concatenate([a, np.full((2, 1), 7.0)], axis=-1)
    np.testing.assert_array_equal(joined.value[1], [3.0, 4.0, 5.0, 7.0])
    np.testing.assert_array_equal(joined.error[1], [0.3, 0.4, 0.5, 0.0])
    np.testing.assert_array_equal(np.transpose(a).value, a.value.T)
    np.testing.assert_array_equal(np.transpose(a).error, a.error.T)
    wider = np.broadcast_to(a[0], (4, 3))
    np.testing.assert_array_equal(wider.value, [[0.0, 1.0, 2.0]] * 4)
    np.testing.assert_array_equal(wider.error, [[0.0, 0.1, 0.2]] * 4)
    chosen = np.where(np.array([[True], [False]]), a, 0.0)
    np.testing.assert_array_equal(chosen.value, [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(chosen.error, [[0.0, 0.1, 0.2], [0.0, 0.0, 0.0]])
    chosen = np.where(np.array([[True], [False]]), 0.0, a)
    np.testing.assert_array_equal(chosen.error, [[0.0, 0.0, 0.0], [0.3, 0.4, 0.5]])


def test_fold_carries_bounds_over_steps_and_masks() -> None:
    start = ErrorBounded(np.ones((2, 1)), FLOAT32, 0.125)
    outputs, last = fold(
        lambda x, h, _: (h + x, h + x), np.ones((2, 2, 1)), start, mask=[[True, True], [False, False]]
    )
    np.testing.assert_array_equal(last.value, [[3.0], [1.0]])
    np.testing.assert_allclose(last.error, [[0.125], [0.125]], rtol=1e-5)
    np.testing.assert_array_equal(outputs[1].value, [[3.0], [0.0]])
    assert outputs[1].error[1, 0] < 1e-30


@pytest.mark.parametrize("name", ["relu", "absolute", "expm1_below_zero"])
@pytest.mark.parametrize(
    ("value", "kink"), [(0.0, True), (0.09, True), (-0.09, True), (0.11, False), (-0.11, False)]
)
def test_a_kink_within_the_bound_is_marked(name: str, value: float, kink: bool) -> None:
    result = getattr(activations, name)(one(value, 0.1))
    assert result.kink is kink
    for derived in (result + 1.0, 2.0 * result, -result, np.exp(result), result[:], np.tanh(result) / 2.0):
        assert derived.kink is kink
    assert np.concatenate([one(1.0), result]).kink is kink
    assert np.sum(result, axis=0).kink is kink
    assert np.transpose(result).kink is kink
    assert np.broadcast_to(result, (2, 1)).kink is kink
    assert (ErrorBounded(np.ones((1, 1)), FLOAT32) @ result).kink is kink


@pytest.mark.parametrize(("value", "kink"), [(8.95, True), (-9.05, True), (0.0, False), (10.0, False)])
def test_clip_has_two_kinks(value: float, kink: bool) -> None:
    assert activations.clip(one(value, 0.1), -9.0, 9.0).kink is kink


def test_every_primitive_of_the_reference_has_a_rule() -> None:
    primitives = {f for f in vars(activations).values() if hasattr(f, "__wrapped__")}
    assert primitives <= FUNCTIONS.keys()
    assert len(primitives) == 7


def test_a_primitive_without_a_rule_is_refused() -> None:
    unknown = activations.primitive(lambda a: a)
    with pytest.raises(TypeError, match="not implemented for ErrorBounded"):
        unknown(one(1.0))


@pytest.mark.parametrize(
    "operation",
    [
        lambda a: a**2,
        lambda a: np.cbrt(a),
        lambda a: np.add.reduce(a),
        lambda a: np.add(a, a, out=np.zeros(1)),
        lambda a: np.add(a, a, where=np.array([True])),
        lambda a: np.median(a),
        lambda a: np.sum(a),
        lambda a: np.fmax(a, 0.0),
        lambda a: a == 1.0,
        lambda a: a != 1.0,
        lambda a: np.ones(1) == a,
        lambda a: a <= 1.0,
        lambda a: bool(a < 1.0),
        lambda a: 1 if np.ones(1) > a else 0,
        lambda a: float(a),
        lambda a: a + 1j,
        lambda a: a * np.array([1j]),
        lambda a: np.exp(np.asarray(a)),
        lambda a: ErrorBounded(np.asarray(a), FLOAT32),
        lambda a: hash(a),
    ],
)
def test_what_has_no_rule_is_refused(operation: Callable[[ErrorBounded], Any]) -> None:
    """Rather than dropping the bound in silence."""
    with pytest.raises(TypeError):
        operation(one(1.0, 0.1))


ARRANGED: dict[str, Callable[[Any], Any]] = {
    "reshape": lambda a: np.reshape(a, (-1, 2)),
    "roll": lambda a: np.roll(a, 1, axis=0),
    "swapaxes": lambda a: np.swapaxes(a, 0, 1),
    "expand_dims": lambda a: np.expand_dims(a, 0),
    "T": lambda a: a.T,
    "rows": lambda a: a[np.arange(4) % 2],
}


@pytest.mark.parametrize("name", ARRANGED)
def test_what_moves_numbers_moves_their_bounds_too(name: str) -> None:
    move, value = ARRANGED[name], np.random.default_rng(0).normal(size=(2, 3))
    error = np.abs(value) / 8
    moved = move(ErrorBounded(value, FLOAT32, error))
    np.testing.assert_array_equal(moved.value, move(value))
    np.testing.assert_array_equal(moved.error, move(error))
    assert (moved.shape, moved.size, np.shape(moved)) == (move(value).shape, move(value).size, moved.shape)


@pytest.mark.parametrize(
    ("axis", "keepdims"), [(0, False), (0, True), (1, False), (None, False), (None, True)]
)
def test_a_mean_is_within_its_bound(axis: int | None, keepdims: bool) -> None:
    value = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    error = np.abs(value) / 8
    judged = ErrorBounded(value, FLOAT32, error).mean(axis=axis, keepdims=keepdims)
    for there in (value, value + error, value - error):
        got = there.astype(np.float32).mean(axis=axis, keepdims=keepdims)
        assert got.shape == judged.shape
        within(got, judged)
    assert (judged.error <= 1.01 * error.mean(axis=axis, keepdims=keepdims)).all()


@pytest.mark.parametrize(
    ("value", "error", "answer", "open_"),
    [
        (-1.0, 0.5, 1.0, 0.0),
        (1.0, 0.5, 0.0, 0.0),
        (0.2, 0.5, 0.0, 1.0),
        (-0.2, 0.5, 1.0, 1.0),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_a_comparison_is_open_where_the_bound_leaves_it_so(
    value: float, error: float, answer: float, open_: float
) -> None:
    for less in (one(value, error) < 0.0, np.zeros(1) > one(value, error)):
        assert (less.value[0], less.error[0]) == (answer, open_)


@pytest.mark.parametrize("there", [-0.4, 0.4])
def test_a_selection_that_is_open_may_take_either(there: float) -> None:
    """As a jump from -5 to 7 at 0, of a number that may lie on both sides."""
    judged = np.where(one(0.1, 0.5) < 0.0, -5.0, one(7.0, 0.25))
    within(np.array([-5.0 if there < 0.0 else 7.25]), judged)
    assert judged.kink
    certain = np.where(one(1.0, 0.5) < 0.0, -5.0, one(7.0, 0.25))
    assert (certain.value[0], certain.error[0], certain.kink) == (7.0, 0.25, False)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_cast_is_within_its_bound(dtype: str) -> None:
    """Of NumPy, of numbers of many sizes that lie anywhere within their bounds; back again it is exact."""
    bounded, there = operand(np.random.default_rng(3), "float64", 8000, 4.0)
    with np.errstate(over="ignore"):
        got = wide(there.astype(np.float64)).astype(dtype)
    judged = bounded.astype(dtype)
    assert within(got.astype(np.float64), judged).size > 4000
    np.testing.assert_array_equal(judged.value, bounded.value)
    assert (judged.dtype, bounded.dtype) == (np.dtype(dtype), np.dtype("float64"))
    back = judged.astype(bounded.dtype)
    assert back.arithmetic == bounded.arithmetic
    np.testing.assert_array_equal(back.error, judged.error)


def test_a_cast_costs_one_rounding_and_none_of_zero_or_to_a_wider_dtype() -> None:
    cast = one(3.0, dtype="float64").astype("float32")
    assert 2.0**-24 * 3.0 <= cast.error[0] <= 1.001 * 2.0**-24 * 3.0
    assert one(0.0, dtype="float64").astype("float32").error[0] == 0.0
    assert one(3.0, 0.5).astype("float64").error[0] == 0.5
    assert one(3.0, 0.5).astype("float32").arithmetic == FLOAT32
    half = one(3.0, 0.5, dtype="bfloat16")
    assert half.astype("float32").astype(half.dtype) is half


@pytest.mark.parametrize("n", [1, 7, 40])
def test_what_is_computed_of_a_cast_is_computed_in_its_dtype(n: int) -> None:
    """A dense layer, tanh and exp of NumPy in float32, within a step in float64."""
    rng = np.random.default_rng(n)
    z, kernel, bias = rng.normal(size=(200, n)), rng.normal(size=(n, 4)), rng.normal(size=4)
    low = [a.astype("float32") for a in (z, kernel, bias)]
    bounded = [ErrorBounded(a, Arithmetic("float64")).astype("float32") for a in (z, kernel, bias)]
    for function in (np.tanh, np.exp, activations.sigmoid):
        got = function(low[0] @ low[1] + low[2])
        judged = function(bounded[0] @ bounded[1] + bounded[2]).astype("float64")
        assert got.dtype == np.float32
        ratio = within(got, judged)
        assert np.max(ratio) > 0.005
        within(1.5 * got.astype(np.float64), 1.5 * judged)


def test_arrays_of_two_dtypes_meet_in_the_coarser() -> None:
    """NumPy would widen and a framework may narrow: the bound holds for both."""
    high, low = one(1 / 3, dtype="float64"), one(1 / 3, dtype="float64").astype("float32")
    for met in (
        high * low,
        low * high,
        np.concatenate([high, low]),
        np.stack([high, low]),
        np.where(np.array([True]), high, low),
    ):
        assert met.arithmetic == FLOAT32
    assert (high * low).error[0] >= 2.0**-24 / 9


def test_plain_arrays_on_the_left_keep_the_bound() -> None:
    bounded = one(2.0, 0.1)
    for result in (
        np.ones(1) + bounded,
        np.ones(1) - bounded,
        np.ones(1) * bounded,
        np.ones((1, 1)) @ bounded,
    ):
        assert isinstance(result, ErrorBounded)
        assert result.error[0] >= 0.1
    assert isinstance(np.ones(1) / bounded, ErrorBounded)
