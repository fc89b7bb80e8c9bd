"""Every mutant of a step computes with bounds, which hold its plain values, and is not the specification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conformance.bounds.arrays import Arithmetic, ErrorBounded, lift
from conformance.mutants import Mutant, mutants, written
from conformance.oracle import cell, source
from conformance.oracle.bounded import bounded
from conformance.spec import clauses
from conformance.spec.cases import StepCase, step_case
from conformance.spec.families import FAMILIES, Config, Sizes
from conformance.spec.families.wired import layered
from reference.activations import ACTIVATIONS

STEP = (
    *("activations", "backbone", "cfc", "ltc", "solvers", "wired_ltc", "wired_cfc", "mixed_memory"),
    *("cell", "families.mixed_memory"),
)
"""The modules that compute a step, by the end of their names."""
NO_STEP = {"CotangentOfOnes", "StateOfOnes"}
"""Mutants of these modules that change no step."""
STEPS = {
    name: mutant
    for name, mutant in mutants().items()
    if mutant.module.endswith(tuple(f".{end}" for end in STEP)) and name not in NO_STEP
}
CLASSES = {family: name for name, family in cell.CELLS.items()}
DTYPE = "float64"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")]
SMALL, SQUARE, SINGLE, MANY = Sizes(2, 3, 4, 5), Sizes(3, 3, 3, 3), Sizes(1, 3, 1, 2), Sizes(33, 2, 9, 3)
TIMES = ("column", "flat", "scalar", "none", "zero", "large")


def configs(family: str) -> Iterator[tuple[Config, Sizes]]:
    """Yield arguments and sizes: each formula, then each further choice."""
    about = FAMILIES[family]
    wirings = [{"wiring": w} for w in (layered(), about.wirings(SMALL)[1])] if about.wirings else []
    for sizes in (SMALL, SQUARE, SINGLE, MANY):
        for form in about.forms:
            yield about.config(sizes, **form), sizes
    for form in about.forms:
        for wiring in wirings:
            yield about.config(SMALL, **form, **wiring), SMALL
        for name, values in about.choices.items():
            for value, wiring in product(values, wirings or [{}]):
                yield about.config(SMALL, **form, **wiring, **{name: value}), SMALL
    if about.backbone_activation:
        for layers in (0, 1, 2, 3):
            yield about.config(SMALL, layers=layers), SMALL
        for activation in sorted(ACTIVATIONS):
            yield about.config(SMALL, layers=1, **{about.backbone_activation: activation}), SMALL
            yield about.config(SMALL, layers=1, activation=activation), SMALL


@cache
def cases(family: str) -> tuple[StepCase, ...]:
    """Return random cases, the plainest first: each config, each form of time, each kind of values."""
    found = []
    for seed, (config, sizes) in enumerate(configs(family)):
        for time in TIMES if seed < 10 else ("column",):
            for recipe in ("normal", "saturated", "tiny") if time == "column" else ("normal",):
                kinds: Any = {"recipe": recipe, "seed": seed, "time": time, "dtype": DTYPE}
                found.append(step_case(FAMILIES[family], config, sizes, **kinds))
    return tuple(found)


def step(copies: Mapping[str, ModuleType], family: str, case: StepCase, given: Any) -> Any:
    """Return output and state of a step in these copies of the modules, of arrays that `given` makes."""
    model = {"cell": CLASSES[family], "config": case.config, "input_dim": case.input_dim, "dtype": DTYPE}
    parameters = {path: given(value) for path, value in case.parameters.items()}
    timespans = None if case.timespans is None else given(case.timespans)
    with np.errstate(all="ignore"):
        made: Any = copies["conformance.oracle.cell"].Cell.of(model)
        return made.step(parameters, given(case.inputs), given(case.state), timespans)


def lifted(value: Any) -> ErrorBounded:
    return lift(value, Arithmetic(DTYPE))


@cache
def specified(family: str, k: int) -> Any:
    """Return what the specification has for a case, with its bounds."""
    return step(bounded_reference(), family, cases(family)[k], lifted)


@cache
def bounded_reference() -> Mapping[str, ModuleType]:
    return bounded({})


def families(mutant: Mutant) -> list[str]:
    """Return the family that shows the mutant; then, of one in the arguments, the others of its clause."""
    others = clauses.load().clauses[mutant.clause].families if mutant.module.endswith(".cell") else ()
    return list(dict.fromkeys((mutant.family, *others)))


def assert_within(got: Any, judged: Any, what: str) -> None:
    """Fail unless every plain value lies within a bound that is a number."""
    for plain, one in zip(got, judged, strict=True):
        wide = one if isinstance(one, ErrorBounded) else lifted(one)
        assert plain.shape == wide.shape, what
        assert not np.isnan(wide.error).any(), what
        known = np.isfinite(wide.error)
        assert (np.abs(plain - wide.value)[known] <= wide.error[known]).all(), what


def decided(got: Any, judged: Any, wanted: Any) -> bool:
    """Tell whether a value of the mutant is not the specification's.

    One that rounds has the specification's value within its own bound: its plain value has to be outside the
    specification's.
    """
    return any(
        bool(np.any(apart(plain, lift(one, Arithmetic(DTYPE)), want)))
        for plain, one, want in zip(got, judged, wanted, strict=True)
    )


def apart(plain: Any, one: ErrorBounded, want: ErrorBounded) -> Any:
    rounds = one.value == want.value
    margin = np.where(rounds, 0.0, one.error) + want.error
    return np.isfinite(one.error + want.error) & (np.abs(plain - want.value) > margin)


FEW = 6
"""Cases in which every mutant is computed; more only until it differs."""

UNBOUNDED = {
    "activations.relu: return np.where(a.real > 0, a, 0.0 / a)",
    "activations.expm1_below_zero: "
    "return np.where(a.real < 0, np.expm1(np.where(a.real < 0, a, 0.0 * a)), 0.0 / a)",
    "activations.leaky_relu: return relu(a) - 0.2 / relu(-a)",
    "solvers.semi_implicit: zero = 0.0 / v",
    "solvers.mean: return np.sum(weights / potentials, axis=0) / np.sum(weights, axis=0)",
}
"""Mutants that divide by 0 wherever they differ, so that they have no bound there and explain nothing."""


@pytest.mark.parametrize("name", STEPS)
def test_a_mutant_computes_with_bounds_and_differs(name: str) -> None:
    mutant = STEPS[name]
    change = {mutant.module: mutant.code}
    plain, wide = source.with_changes(change), bounded(change)
    shown = False
    for family in families(mutant):
        for k, case in enumerate(cases(family)):
            if k >= FEW and (shown or family != mutant.family):
                break
            got = computed(plain, family, case, lambda a: a)
            judged = computed(wide, family, case, lifted)
            assert (got is None) == (judged is None), f"{family}, case {k}"
            if got is not None:
                assert_within(got, judged, f"{family}, case {k}")
                shown = shown or decided(got, judged, specified(family, k))
    assert shown != (name in UNBOUNDED)


def computed(copies: Mapping[str, ModuleType], family: str, case: StepCase, given: Any) -> Any:
    """Return a step; None if it has no numbers: some mutants join arrays that fit for one sample alone."""
    try:
        return step(copies, family, case, given)
    except (TypeError, ValueError):
        return None


WRITTEN = [name for name in written.mutants() if name in STEPS]


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "MemoryOfHalf"])  # has no complex dtype
def test_a_mutant_carries_a_complex_step(name: str) -> None:
    """A derivative of the reference is taken so, of a sequence through all of `Cell.step`."""
    mutant = STEPS[name]
    plain = source.with_changes({mutant.module: mutant.code})
    case = cases(mutant.family)[0]
    got = step(plain, mutant.family, case, lambda a: a)
    moved = step(plain, mutant.family, case, lambda a: a + 1e-30j)
    for one, other in zip(got, moved, strict=True):
        np.testing.assert_allclose(other.real, one, rtol=1e-5, atol=1e-6)
        assert other.imag.any()


def test_no_two_that_are_written_by_hand_are_the_same() -> None:
    """First in a few cases of each family; those that agree there, in all."""
    names = WRITTEN
    for cases_each in (FEW, None):
        alike = [some for some in grouped(names, cases_each).values() if len(some) > 1]
        names = [name for some in alike for name in some]
    assert alike == []


def grouped(names: list[str], cases_each: int | None) -> dict[tuple[str, ...], list[str]]:
    """Return the mutants by what they compute in the first cases of each family, to eight decimals."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        plain = source.with_changes({STEPS[name].module: STEPS[name].code})
        steps = (
            computed(plain, family, case, lambda a: a)
            for family in FAMILIES
            for case in cases(family)[:cases_each]
        )
        found.setdefault(tuple(str(_digits(answer)) for answer in steps), []).append(name)
    return found


def _digits(answer: Any) -> Any:
    return answer and [np.round(one, 8).tolist() for one in answer]
