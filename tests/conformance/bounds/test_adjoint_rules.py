"""No framework that keeps to SPEC.md's tables breaks the bound of a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.bounds import adjoint_rules as adjoint_bounds
from conformance.bounds.arrays import FUNCTIONS, Arithmetic, ErrorBounded, lift
from conformance.judging.gradients import adjoint, drawn
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.spec.cases import array, sequence_case, step_case, with_state, with_times
from conformance.spec.families import FAMILIES, Config, Family, Sizes
from conformance.spec.families.wired import layered
from reference.activations import ACTIVATIONS
from reference.adjoints import activations as slopes
from reference.adjoints import gradients as terms
from tests.conformance.bounds.sloppy import DOTS, Sloppy, wide
from tests.conformance.bounds.test_arrays import DTYPES, extended, within
from tests.conformance.judging.taped import Taped, gradients

SIZES = (Sizes(2, 3, 4, 5), Sizes(3, 3, 3, 3), Sizes(1, 1, 1, 1))
FORMS = [
    pytest.param(f, o, id=f"{f.name}-{'-'.join(map(str, o.values()))}")
    for f in FAMILIES.values()
    for o in f.forms
]
STYLES = ("extreme", "uniform", "up")


def judged(family: Family, config: Config, case: Any, cotangents: Any, dtype: str) -> dict[str, ErrorBounded]:
    """Return the gradients that the specification asks for, by name, with their bounds."""
    bounded = {path: lift(value, Arithmetic(dtype)) for path, value in case.parameters.items()}
    x, h, t, *cs = (lift(a, Arithmetic(dtype)) for a in (case.inputs, case.state, case.column, *cotangents))
    with np.errstate(all="ignore"):
        found = family.adjoint(bounded, x, h, t, tuple(cs), config, {})
    return {
        **found.parameters,
        "inputs": found.inputs,
        "state": found.state,
        "timespans": found.timespans,
    }


def taped(family: Family, config: Config, case: Any, cotangents: Any, s: Sloppy) -> dict[str, Any]:
    """Return the gradients of a framework, by rules, through the reference's own step."""
    leaves = {path: Taped(value, s) for path, value in case.parameters.items()}
    named = {"inputs": case.inputs, "state": case.state, "timespans": case.column}
    tensors = {name: Taped(value, s) for name, value in named.items()}
    with np.errstate(all="ignore"):
        results = family.reference(leaves, *tensors.values(), config, {})
        found = gradients(list(results), list(cotangents), [*leaves.values(), *tensors.values()])
    return dict(zip((*leaves, *tensors), found, strict=True))


def holds(family: Family, config: Config, seed: int, dtype: str, recipe: str, sizes: Sizes) -> float:
    """Assert that the bound holds for one case; return the worst error over bound of what is decided."""
    __tracebackhide__ = True
    full = family.full(config)
    case = step_case(family, config, sizes, recipe=recipe, seed=seed, time="column", dtype=dtype)
    shapes = (len(case.inputs), family.output_size(full)), case.state.shape
    cotangents = [array(s, "normal", seed, f"cotangent {i}", dtype) for i, s in enumerate(shapes)]
    want = judged(family, full, case, cotangents, dtype)
    if any(bounded.kink for bounded in want.values()):
        return 0.0
    dots = tuple(dots for dots in DOTS if dots != "bias first")
    s = Sloppy(dtype, seed, STYLES[seed % 3], dots[seed % len(dots)], sizes.features)
    got = taped(family, full, case, cotangents, s)
    assert got.keys() == want.keys()
    return max(float(within(got[name], want[name], name).max(initial=0.0)) for name in want)


@pytest.mark.slow
@extended
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("family", "form"), FORMS)
def test_a_framework_keeps_within_the_bound(
    family: Family, form: Config, dtype: str, record_property: Any
) -> None:
    worst = []
    for seed in range(24):
        sizes = SIZES[seed % 3]
        chosen = {"wiring": family.wirings(sizes)[seed % 2]} if family.wirings else {}
        config = family.config(sizes, **form, **chosen)
        recipe = ("normal", "simple", "tiny", "saturated")[seed % 4]
        worst.append(holds(family, config, seed, dtype, recipe, sizes))
    record_property("worst error over bound", max(worst))
    assert 0.005 < max(worst) <= 1.0  # a bound that nothing comes near says nothing


@extended
@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("family", ["cfc", "ltc"])
def test_through_every_activation(family: str, name: str) -> None:
    about = FAMILIES[family]
    for seed in range(12):
        sizes = SIZES[seed % 2]
        chosen = {"activation": name} if seed % 4 else {about.backbone_activation or "": name}
        config = about.config(sizes, layers=2 if seed % 4 == 0 else None, **chosen)
        holds(about, config, seed, "float32", ("normal", "saturated")[seed % 2], sizes)


@extended
@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
def test_through_the_layers_of_a_wiring(mode: str) -> None:
    family = FAMILIES["wired_cfc"]
    for seed in range(6):
        config = family.config(Sizes(2, 3), mode=mode, wiring=layered(), fully_recurrent=bool(seed % 2))
        holds(family, config, seed, "float32", "normal", Sizes(2, 3))


@extended
@pytest.mark.parametrize(
    "options", [{"implicit_param_constraints": True}, {"epsilon": 1e-3, "ode_unfolds": 6}]
)
def test_through_every_option_of_a_wired_ltc(options: Config) -> None:
    family = FAMILIES["wired_ltc"]
    for seed in range(8):
        mapped = {"input_mapping": ("linear", None)[seed % 2], "output_mapping": ("linear", None)[seed % 2]}
        config = family.config(SIZES[0], **options, **mapped)
        holds(family, config, seed, "float32", "normal", SIZES[0])


@pytest.mark.slow
@extended
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FAMILIES)
def test_through_a_sequence(name: str, dtype: str) -> None:
    """Let every step pass on a state, and a cotangent backwards, that has the largest allowed error."""
    family, implementation = FAMILIES[name], ReferenceCells()
    about = next(cell for cell in implementation.describe()["cells"] if cell["family"] == name)
    subject, worst = Subject(implementation, about, dtype), 0.0
    for seed in range(8):
        sizes = SIZES[seed % 3]
        chosen = {"wiring": family.wirings(sizes)[seed % 2]} if family.wirings else {}
        full = family.full(family.config(sizes, **family.forms[0], **chosen))
        made = {"length": 7, "recipe": ("normal", "simple")[seed % 2], "seed": seed, "dtype": dtype}
        case = with_times(family, with_state(family, sequence_case(family, full, sizes, **made), seed), seed)
        cotangents = drawn(subject, case, seed)
        want = adjoint(subject, case, cotangents)
        if any(bounded.kink for bounded in want.values()):
            continue
        s = Sloppy(dtype, seed, STYLES[seed % 3], DOTS[0], sizes.features)
        got = taped_fold(family, full, case, cotangents, s)
        assert got.keys() == want.keys()
        worst = max(worst, *(float(within(got[path], want[path], path).max(initial=0.0)) for path in want))
    assert 0.005 < worst <= 1.0


def taped_fold(family: Family, config: Config, case: Any, cotangents: Any, s: Sloppy) -> dict[str, Any]:
    """Return the gradients of a framework through a sequence, step by step."""
    leaves = {path: Taped(value, s) for path, value in case.parameters.items()}
    steps, first = range(case.inputs.shape[1]), Taped(case.state, s)
    xs = [Taped(case.inputs[:, k], s) for k in steps]
    ts = [Taped(case.timespans[:, k, None], s) for k in steps]
    outputs, state = [], first
    with np.errstate(all="ignore"):
        for x, t in zip(xs, ts, strict=True):
            output, state = family.reference(leaves, x, state, t, config, {})
            outputs.append(output)
        given = [*(cotangents[0][:, k] for k in steps), cotangents[1]]
        found = gradients([*outputs, state], given, [*leaves.values(), first, *xs, *ts])
    by_x, by_t = found[-2 * len(steps) : -len(steps)], found[-len(steps) :]
    named = dict(zip((*leaves, "state"), found, strict=False))
    return {**named, "inputs": np.stack(by_x, axis=1), "timespans": np.concatenate(by_t, axis=-1)}


# The rules, one by one

FLOAT32 = Arithmetic("float32")


def one(value: float, error: float = 0.0) -> ErrorBounded:
    return ErrorBounded([value], FLOAT32, [error])


@pytest.mark.parametrize("rule", [slopes.tanh_slope, slopes.sigmoid_slope, slopes.softplus_slope])
def test_a_slope_holds_over_the_whole_interval(rule: Any) -> None:
    for middle in np.linspace(-25.0, 25.0, 201):
        for error in (0.0, 1e-6, 1e-2, 1.0):
            bounded = rule(one(middle, error))
            for a in middle + error * np.linspace(-1.0, 1.0, 9):
                exact = float(rule.__wrapped__(wide(a)))
                assert abs(exact - bounded.value[0]) <= bounded.error[0]


def test_a_product_holds_at_the_corners_of_its_factors() -> None:
    factors = [one(2.0, 1e-3), one(-3.0, 1e-2), one(0.5, 0.1)]
    bounded = terms.product(*factors)
    corners = [f.value[0] + sign * f.error[0] for f in factors for sign in (-1, 1)]
    extremes = [a * b * c for a in corners[:2] for b in corners[2:4] for c in corners[4:]]
    assert max(abs(np.array(extremes) - bounded.value[0])) <= bounded.error[0] < 0.75


def test_a_product_by_nothing_is_nothing() -> None:
    assert terms.product(one(0.0), one(3.0, 1.0), 2.0).error[0] == 0.0
    assert terms.product(one(0.0), one(np.inf)).error[0] != 0.0


def test_a_sum_counts_the_magnitudes_of_what_cancels() -> None:
    bounded = terms.total(one(1e4), one(-1e4), one(1.0))
    assert bounded.value[0] == 1.0 and bounded.error[0] >= 3 * FLOAT32.u * 2e4


@pytest.mark.parametrize("at", [0.0, 1e-9])
def test_a_slope_at_a_kink_is_marked(at: float) -> None:
    for rule in (slopes.positive, slopes.sign):
        assert rule(one(at, 1e-8)).kink and not rule(one(1.0, 1e-8)).kink
    assert slopes.within(one(9.0 + at, 1e-8), -9.0, 9.0).kink


def test_every_rule_is_known_to_the_arithmetic() -> None:
    assert adjoint_bounds.RULES.items() <= FUNCTIONS.items()
    named = {f for module in (slopes, terms) for f in vars(module).values() if hasattr(f, "__wrapped__")}
    own = {f for f in named if f.__module__ in (slopes.__name__, terms.__name__)}
    assert own == set(adjoint_bounds.RULES)
