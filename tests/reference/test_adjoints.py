"""Every number of every adjoint is the derivative of its step, by the complex step through that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.spec.cases import StepCase, array, sequence_case, step_case, with_state, with_times
from conformance.spec.families import FAMILIES, Config, Family, Sizes
from conformance.spec.families.wired import graph, layered, wired, wiring
from reference import carried, elapsed_backwards, fold
from reference.activations import ACTIVATIONS
from reference.adjoints import Gradients, carried_adjoint, elapsed_backwards_adjoint, fold_adjoint
from reference.adjoints.activations import SLOPES
from reference.adjoints.cfc import cfc_adjoint
from reference.adjoints.gradients import product, total
from reference.adjoints.ltc import ltc_adjoint
from reference.adjoints.wired_cfc import wired_cfc_adjoint
from reference.adjoints.wired_ltc import wired_ltc_adjoint
from reference.cfc import cfc_step
from reference.ltc import ltc_step
from reference.wired_cfc import wired_cfc_step
from reference.wired_ltc import wired_ltc_step

STEP = 1e-30
SIZES = (Sizes(2, 3, 4, 5), Sizes(3, 3, 3, 3), Sizes(1, 1, 1, 1), Sizes(1, 4, 5, 2))
FORMS = [(family, form) for family in FAMILIES.values() for form in family.forms]


def element_by_element(run: Any, point: dict[str, Any], name: str, cotangents: Any) -> np.ndarray:
    """Return the gradient by `name` of Σ cotangent · result."""
    slopes = np.zeros(point[name].shape)
    for index in np.ndindex(slopes.shape):
        moved = point[name].astype(complex)
        moved[index] += 1j * STEP
        results = run({**point, name: moved})
        slopes[index] = sum(np.sum(c * r.imag) for c, r in zip(cotangents, results, strict=True)) / STEP
    return slopes


def agrees(family: Family, config: Config, case: StepCase, seed: int, variant: Any = None) -> None:
    __tracebackhide__ = True
    full, variant = family.full(config), variant or {}
    shapes = (len(case.inputs), family.output_size(full)), case.state.shape
    cotangents = tuple(array(s, "normal", seed, f"cotangent {i}", "float64") for i, s in enumerate(shapes))
    given_ = {"inputs": case.inputs, "state": case.state, "timespans": case.timespans}

    def run(at: dict[str, Any]) -> Any:
        return family.reference(at, at["inputs"], at["state"], at["timespans"], full, variant)

    found = family.adjoint(case.parameters, *given_.values(), cotangents, full, variant)
    got = {**found.parameters, **{name: getattr(found, name) for name in given_}}
    point = {**case.parameters, **given_}
    assert set(got) == set(point)
    for name, slope in got.items():
        want = element_by_element(run, point, name, cotangents)
        scale = float(np.max(np.abs(want))) + 1e-2  # 1 - tanh² is rounded as numbers near 1 are
        np.testing.assert_allclose(slope, want, rtol=1e-9, atol=1e-11 * scale, err_msg=name)


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize(
    ("family", "form"),
    [pytest.param(f, o, id=f"{f.name}-{'-'.join(map(str, o.values()))}") for f, o in FORMS],
)
@given(data=st.data())
def test_an_adjoint_is_the_derivative_of_its_step(family: Family, form: Config, data: st.DataObject) -> None:
    sizes = data.draw(st.sampled_from(SIZES))
    chosen = {name: data.draw(st.sampled_from(values)) for name, values in family.choices.items()}
    layers = None
    if family.wirings:
        chosen["wiring"] = data.draw(st.sampled_from(family.wirings(sizes)))
    if family.backbone_activation:
        layers = data.draw(st.sampled_from((0, 1, 2)))
        names = [name for name in ACTIVATIONS if name != "relu"]  # a dead backbone has nothing to say
        chosen[family.backbone_activation] = data.draw(st.sampled_from(names))
    if family.name == "ltc":
        chosen["activation"] = data.draw(st.sampled_from(list(ACTIVATIONS)))
    config = family.config(sizes, layers=layers, **form, **chosen)
    seed = data.draw(st.integers(0, 10**6))
    recipe = data.draw(st.sampled_from(("normal", "tiny")))
    case = step_case(family, config, sizes, recipe=recipe, seed=seed, time="column", dtype="float64")
    agrees(family, config, case, seed)


@pytest.mark.parametrize("mode", ["default", "no_gate", "pure"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_through_the_layers_of_a_wiring(mode: str, recurrent: bool) -> None:
    family, sizes = FAMILIES["wired_cfc"], Sizes(2, 3)
    config = family.config(sizes, mode=mode, wiring=layered(), fully_recurrent=recurrent)
    case = step_case(family, config, sizes, recipe="normal", seed=1, time="column", dtype="float64")
    agrees(family, config, case, 1)


@pytest.mark.parametrize("name", ["cfc", "ltc", "wired_cfc"])
def test_under_every_variant(name: str) -> None:
    family, sizes = FAMILIES[name], SIZES[0]
    config = family.config(sizes, **structure(family, sizes))
    case = step_case(family, config, sizes, recipe="normal", seed=2, time="column", dtype="float64")
    for variant in family.variants:
        agrees(family, config, case, 2, variant)


MASK = np.array([[False, True, False, True, False], [True, True, False, False, True]])
FOLDED: dict[str, dict[str, Any]] = {
    "plain": {},
    "backwards": {"go_backwards": True},
    "masked": {"mask": MASK},
    "masked, backwards": {"mask": MASK, "go_backwards": True},
    "masked, zeros": {"mask": MASK, "zero_output_for_mask": True},
}


@pytest.mark.parametrize("options", FOLDED.values(), ids=FOLDED)
@pytest.mark.parametrize("name", FAMILIES)
def test_of_a_sequence(name: str, options: dict[str, Any]) -> None:
    """By each sample's input and time, by the initial state, and by the parameters that all steps share."""
    family, sizes = FAMILIES[name], SIZES[0]
    config = family.config(sizes, **family.forms[0], **structure(family, sizes))
    made = {"length": 5, "recipe": "normal", "seed": 7, "dtype": "float64"}
    case = with_times(family, with_state(family, sequence_case(family, config, sizes, **made), 7), 7)
    assert case.state is not None and case.timespans is not None
    full = family.full(config)
    of_output = array((2, 5, family.output_size(full)), "normal", 7, "cotangent", "float64")
    of_state = array(case.state.shape, "normal", 8, "cotangent", "float64")

    def run(at: dict[str, Any]) -> Any:
        def step(x: Any, h: Any, k: int) -> Any:
            return family.reference(at, x, h, at["timespans"][:, k, None], full, {})

        outputs, last = fold(step, at["inputs"], at["state"], **options)
        return np.stack(outputs, axis=1), last

    states: dict[int, Any] = {}

    def ahead(x: Any, h: Any, k: int) -> Any:
        states[k] = h
        return family.reference(case.parameters, x, h, case.timespans[:, k, None], full, {})

    def back(k: int, of_shown: Any, of_new: Any) -> Gradients:
        given_ = case.parameters, case.inputs[:, k], states[k], case.timespans[:, k, None]
        return family.adjoint(*given_, (of_shown, of_new), full, {})

    fold(ahead, case.inputs, case.state, **options)
    found = fold_adjoint(back, of_output, of_state, **options)
    point = {"inputs": case.inputs, "state": case.state, "timespans": case.timespans}
    got = {**found.parameters, **{name: getattr(found, name) for name in point}}
    for path, slope in got.items():
        want = element_by_element(run, {**case.parameters, **point}, path, (of_output, of_state))
        scale = float(np.max(np.abs(want))) + 1e-2
        np.testing.assert_allclose(slope, want, rtol=1e-9, atol=1e-11 * scale, err_msg=path)


@pytest.mark.parametrize("backwards", [False, True])
def test_of_times_that_are_carried(backwards: bool) -> None:
    cotangent, times = np.arange(1.0, 11.0).reshape(2, 5), {"t": np.ones((2, 5))}

    def run(at: dict[str, Any]) -> Any:
        return (carried(at["t"], MASK, go_backwards=backwards),)

    want = element_by_element(run, times, "t", (cotangent,))
    np.testing.assert_array_equal(carried_adjoint(cotangent, MASK, go_backwards=backwards), want)


@pytest.mark.parametrize("carry", [False, True])
def test_of_times_that_pass_backwards(carry: bool) -> None:
    cotangent, times = np.arange(1.0, 11.0).reshape(2, 5), {"t": np.ones((2, 5))}

    def run(at: dict[str, Any]) -> Any:
        return (elapsed_backwards(at["t"], MASK, carry=carry),)

    want = element_by_element(run, times, "t", (cotangent,))
    np.testing.assert_array_equal(elapsed_backwards_adjoint(cotangent, MASK, carry=carry), want)


def structure(family: Family, sizes: Sizes) -> Config:
    """Return the wiring, as an argument of the config of a family that is wired; else nothing."""
    return {"wiring": wired(sizes)[2]} if family.wirings else {}


@pytest.mark.parametrize(
    ("family", "form"),
    [pytest.param(f, o, id=f"{f.name}-{'-'.join(map(str, o.values()))}") for f, o in FORMS],
)
def test_where_all_is_0_but_time(family: Family, form: Config) -> None:
    """Nothing is divided by; pure has a kink there, |w_tau| and |f1|, so its weights are others."""
    sizes, recipe = SIZES[0], "tiny" if form.get("mode") == "pure" else "zero"
    config = family.config(sizes, **form, **structure(family, sizes))
    case = step_case(family, config, sizes, recipe=recipe, seed=5, time="column", dtype="float64")
    agrees(family, config, replace(case, inputs=0.0 * case.inputs, state=0.0 * case.state), 5)


STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "cfc": (cfc_step, cfc_adjoint),
    "ltc": (ltc_step, ltc_adjoint),
    "wired_cfc": (wired_cfc_step, wired_cfc_adjoint),
    "wired_ltc": (wired_ltc_step, wired_ltc_adjoint),
}


@pytest.mark.parametrize("name", STEPS)
def test_an_adjoint_has_the_defaults_of_its_step(name: str) -> None:
    family, sizes = FAMILIES[name], SIZES[0]
    step, adjoint = STEPS[name]
    chosen = {"wiring": layered()} if family.wirings else {}
    config = family.config(sizes, layers={"cfc": 1, "ltc": 0}.get(name), **chosen)
    case = step_case(family, config, sizes, recipe="normal", seed=6, time="column", dtype="float64")
    given_ = {"inputs": case.inputs, "state": case.state, "timespans": case.timespans}
    needed: dict[str, Any] = {}
    if family.wirings:
        wiring = graph(config, sizes.features)
        needed = {"adjacency": wiring.adjacency, "sensory_adjacency": wiring.sensory_adjacency}
        needed["output_dim"] = wiring.output_dim
        needed |= {"layers": wiring.layers} if name == "wired_cfc" else {}

    def run(at: dict[str, Any]) -> Any:
        results = step(at, at["inputs"], at["state"], at["timespans"], **needed)
        return results if family.wirings else [results]

    point = {**case.parameters, **given_}
    cotangents = [array(r.shape, "normal", 6, f"cotangent {i}", "float64") for i, r in enumerate(run(point))]
    found = adjoint(case.parameters, *given_.values(), *cotangents, **needed)
    assert set(found.parameters) == set(case.parameters)
    for path, slope in found.parameters.items():
        want = element_by_element(run, point, path, cotangents)
        np.testing.assert_allclose(slope, want, rtol=1e-9, atol=1e-12, err_msg=path)


def test_where_the_time_constant_is_held_nothing_goes_back_through_it() -> None:
    family, sizes = FAMILIES["ltc"], SIZES[0]
    config = family.config(sizes)
    case = step_case(family, config, sizes, recipe="normal", seed=3, time="column", dtype="float64")
    case.parameters["tau_kernel/bias"][:2] = (40.0, -40.0)  # type: ignore[index]
    agrees(family, config, case, 3)
    found = family.adjoint(
        case.parameters, case.inputs, case.state, case.timespans, (np.ones((2, 4)),) * 2, config, {}
    )
    assert (found.parameters["tau_kernel/bias"] == 0.0).tolist() == [True, True, False, False]


def test_there_is_nothing_back_through_a_synapse_that_is_not_there() -> None:
    family, sizes = FAMILIES["wired_ltc"], Sizes(2, 3, 5)
    config = family.config(sizes, wiring=wiring("Random", units=5, output_dim=3, sparsity_level=0.5))
    case = step_case(family, config, sizes, recipe="normal", seed=4, time="column", dtype="float64")
    cotangents = np.ones((2, 3)), np.ones((2, 5))
    found = family.adjoint(case.parameters, case.inputs, case.state, case.timespans, cotangents, config, {})
    assert family.synapses is not None
    for path, there in family.synapses(config, 3).items():
        assert (found.parameters[path][~there] == 0.0).all() and not there.all(), path


POINTS = np.array([-21.0, -5.0, -1.3, -0.2, -1e-8, 1e-8, 0.2, 1.3, 5.0, 21.0])


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_slope_is_the_derivative_of_its_activation(name: str) -> None:
    want = ACTIVATIONS[name](POINTS + 1j * STEP).imag / STEP
    np.testing.assert_allclose(SLOPES[name](POINTS) + 0.0 * POINTS, want, rtol=1e-12, atol=1e-15)


def test_products_and_sums_are_what_they_say() -> None:
    a, b = np.array([1.0, 2.0]), np.array([[3.0], [4.0]])
    np.testing.assert_array_equal(product(2.0, a, b), [[6.0, 12.0], [8.0, 16.0]])
    np.testing.assert_array_equal(total(1.0, a, b), [[5.0, 6.0], [6.0, 7.0]])
