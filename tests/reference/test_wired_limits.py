"""What the wired cells and mixed memory become where one term decides, and what a mask keeps out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference import cfc_step, mixed_memory_step, wired_cfc_step, wired_ltc_step
from tests.reference import draws
from tests.reference import draws_wired as dw

SOLVERS = ["semi_implicit", "explicit", "rk4"]
MODES = ["default", "no_gate", "pure"]
AUTO = dw.GRAPHS["auto"]


def ltc(case: draws.Case, **options: Any) -> Any:
    return wired_ltc_step(*case.arguments, **(dw.ltc_options(AUTO) | options))


def cfc(case: draws.Case, **options: Any) -> Any:
    return wired_cfc_step(*case.arguments, **(dw.cfc_options(AUTO) | options))


def at(case: draws.Case, t: float) -> draws.Case:
    return draws.Case(case.p, case.x, case.h, np.full((len(case.x), 1), t))


def ltc_case(recipe: str = "initial", seed: int = 0) -> draws.Case:
    return dw.batch(AUTO, dw.ltc_parameters(AUTO, recipe, seed), seed)


def cfc_case(mode: str, seed: int = 0) -> draws.Case:
    return dw.batch(AUTO, dw.cfc_parameters(AUTO, "normal", seed, mode), seed)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_wired_ltc_without_time_keeps_its_state(solver: str) -> None:
    case = at(ltc_case(), 0.0)
    output, state = ltc(case, solver=solver)
    np.testing.assert_allclose(state, case.h, rtol=1e-14)
    np.testing.assert_allclose(output, case.h[:, : AUTO.output_dim], rtol=1e-14)


@pytest.mark.parametrize("recipe", ["initial", "normal", "saturated"])
@pytest.mark.parametrize("t", [1e-3, 1.0, 1e6, 1e15])
def test_the_semi_implicit_state_stays_among_the_potentials(t: float, recipe: str) -> None:
    """It is a weighted mean of itself, 0, and the reversal potentials of its own synapses and leak."""
    case = at(ltc_case(recipe), t)
    _, state = ltc(case)
    erevs = np.concatenate([case.p["erev"], case.p["sensory_erev"], case.p["vleak"][None]])
    there = np.concatenate([AUTO.adjacency, AUTO.sensory_adjacency, np.ones((1, len(AUTO.adjacency)))]) != 0
    low, high = (f(np.where(there, erevs, 0.0), axis=0) for f in (np.min, np.max))
    slack = 1e-14 * np.abs(state).max()
    assert (np.minimum(low, case.h) - slack <= state).all()
    assert (state <= np.maximum(high, case.h) + slack).all()


def absent(graph: Any) -> dict[str, np.ndarray]:
    return {"": graph.adjacency == 0, "sensory_": graph.sensory_adjacency == 0}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["w", "mu", "sigma", "erev"])
def test_a_synapse_that_is_not_there_has_no_influence(name: str, solver: str) -> None:
    case = at(ltc_case(), 0.7)
    want = ltc(case, solver=solver)
    for kind, where in absent(AUTO).items():
        changed = np.where(where, 1e3 * (1.0 + case.p[kind + name]), case.p[kind + name])
        moved = draws.Case(case.p | {kind + name: changed}, case.x, case.h, case.t)
        for got, kept in zip(ltc(moved, solver=solver), want, strict=True):
            np.testing.assert_array_equal(got, kept)
        present = np.where(where, case.p[kind + name], 0.5 + case.p[kind + name])
        moved = draws.Case(case.p | {kind + name: present}, case.x, case.h, case.t)
        assert (ltc(moved, solver=solver)[1] != want[1]).any()


def test_the_mask_is_the_presence_of_a_synapse_and_not_its_polarity() -> None:
    case = at(ltc_case("normal"), 0.7)
    unsigned = {name: np.abs(getattr(AUTO, name)) for name in ("adjacency", "sensory_adjacency")}
    np.testing.assert_array_equal(ltc(case)[1], ltc(case, **unsigned)[1])
    case = cfc_case("default")
    np.testing.assert_array_equal(cfc(case)[1], cfc(case, **unsigned)[1])


def test_the_mappings_scale_and_shift_what_goes_in_and_comes_out() -> None:
    case = at(ltc_case("normal"), 0.7)
    w, b = case.p["input_w"], case.p["input_b"]
    inside = draws.Case(case.p, case.x * w + b, case.h, case.t)
    want = ltc(case)
    np.testing.assert_array_equal(ltc(inside, input_mapping=None)[1], want[1])
    bare = ltc(case, output_mapping=None)[0]
    np.testing.assert_array_equal(bare, want[1][:, : AUTO.output_dim])
    np.testing.assert_array_equal(bare * case.p["output_w"], ltc(case, output_mapping="linear")[0])
    np.testing.assert_array_equal(bare * case.p["output_w"] + case.p["output_b"], want[0])


def test_softplus_holds_what_has_to_be_positive() -> None:
    case = at(ltc_case("normal"), 0.7)
    soft = case.p | {name: np.log1p(np.exp(case.p[name])) for name in ("gleak", "cm", "w", "sensory_w")}
    want = ltc(draws.Case(soft, case.x, case.h, case.t))[1]
    np.testing.assert_allclose(ltc(case, implicit_param_constraints=True)[1], want, rtol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_sample_of_a_wired_ltc_has_its_own_time(solver: str) -> None:
    case = ltc_case()
    case = draws.Case(case.p, case.x, case.h, np.array([[0.0], [0.4], [1.1]]))
    got = ltc(case, solver=solver)[1]
    for i in range(3):
        row = slice(i, i + 1)
        alone = draws.Case(case.p, case.x[row], case.h[row], float(case.t[i, 0]))
        np.testing.assert_allclose(got[row], ltc(alone, solver=solver)[1], rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_a_fully_connected_wired_cfc_is_a_cfc(mode: str) -> None:
    """Of one layer and without a backbone."""
    wired = dw.GRAPHS["full"]
    case = dw.batch(wired, dw.cfc_parameters(wired, "normal", 1, mode), 1)
    output, state = wired_cfc_step(*case.arguments, mode=mode, **dw.cfc_options(wired))
    own = {name.removeprefix("layer_0/"): a for name, a in case.p.items()}
    want = cfc_step(own, case.x, case.h, case.t, mode=mode, backbone_layers=0)
    np.testing.assert_array_equal(state, want)
    np.testing.assert_array_equal(output, want[:, :2])


@pytest.mark.parametrize("mode", MODES)
def test_the_output_of_a_wired_cfc_is_its_motor_layer(mode: str) -> None:
    output, state = cfc(cfc_case(mode), mode=mode)
    np.testing.assert_array_equal(output, state[:, -AUTO.output_dim :])


@pytest.mark.parametrize("mode", MODES)
def test_a_layer_reads_the_layer_before_as_it_is_now(mode: str) -> None:
    """One step carries an input to the motor neurons; the old state of a layer stays in that layer."""
    case = at(cfc_case(mode), 0.3)
    want = cfc(case, mode=mode)[1]
    nudged = cfc(draws.Case(case.p, case.x + 0.5, case.h, case.t), mode=mode)[1]
    assert (nudged[:, -AUTO.output_dim :] != want[:, -AUTO.output_dim :]).all()
    motor = case.h + np.repeat([0.0, 0.5], [len(want[0]) - AUTO.output_dim, AUTO.output_dim])
    moved = cfc(draws.Case(case.p, case.x, motor, case.t), mode=mode)[1]
    np.testing.assert_array_equal(moved[:, : -AUTO.output_dim], want[:, : -AUTO.output_dim])
    assert (moved[:, -AUTO.output_dim :] != want[:, -AUTO.output_dim :]).all()


def kernel_masks(fully_recurrent: bool) -> list[np.ndarray]:
    """Return masks by layer, True where the wiring has a synapse, entry by entry."""
    masks, before = [], None
    for neurons in AUTO.layers:
        sources = [AUTO.sensory_adjacency[k] for k in range(dw.FEATURES)]
        sources = sources if before is None else [AUTO.adjacency[k] for k in before]
        own = [np.ones(len(AUTO.adjacency)) if fully_recurrent else AUTO.adjacency[k] for k in neurons]
        masks.append(np.array([[row[j] != 0 for j in neurons] for row in [*sources, *own]]))
        before = neurons
    return masks


@pytest.mark.parametrize("fully_recurrent", [True, False])
@pytest.mark.parametrize("sparse_time_heads", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_a_masked_connection_has_no_influence(
    mode: str, sparse_time_heads: bool, fully_recurrent: bool
) -> None:
    case = at(cfc_case(mode), 0.3)
    options = {"mode": mode, "sparse_time_heads": sparse_time_heads, "fully_recurrent": fully_recurrent}
    want = cfc(case, **options)[1]
    for i, mask in enumerate(kernel_masks(fully_recurrent)):
        for name in (n for n in case.p if n.startswith(f"layer_{i}/") and n.endswith("kernel")):
            changed = np.where(mask, case.p[name], 100.0 + case.p[name])
            got = cfc(draws.Case(case.p | {name: changed}, case.x, case.h, case.t), **options)[1]
            free = "time" in name and not sparse_time_heads and not mask.all()
            assert (got != want).any() == free, name


def test_an_empty_memory_starts_from_the_input_gate() -> None:
    """With zero kernels: a forget gate of σ(1), and the LSTM's output as the state of the cell behind."""
    p = {"input_kernel": np.zeros((1, 8)), "recurrent_kernel": np.zeros((2, 8)), "bias": np.zeros(8)}
    seen = []

    def step(x: Any, m: Any, t: Any) -> Any:
        seen.append((x, m, t))
        return x, m + 1.0

    x, h, c = np.ones((1, 1)), np.full((1, 2), 9.0), np.array([[0.5, -2.0]])
    output, state, memory = mixed_memory_step(p, x, h, c, 0.25, step=step)
    np.testing.assert_allclose(memory, c / (1.0 + np.exp(-1.0)), rtol=1e-15)
    ((read, m, t),) = seen
    np.testing.assert_allclose(m, np.tanh(memory) / 2.0, rtol=1e-15)
    np.testing.assert_array_equal(state, m + 1.0)
    assert read is x
    assert output is x
    assert t == 0.25


OPEN, SHUT = 1e3, -1e3


@pytest.mark.parametrize(
    ("bias", "want"),
    [
        ((0.0, SHUT, OPEN, 0.0), [0.5, -2.0]),
        ((0.0, SHUT, SHUT, 0.0), [0.0, 0.0]),
        ((OPEN, OPEN, SHUT, 0.0), [1.0, 1.0]),
        ((OPEN, OPEN, OPEN, 0.0), [1.5, -1.0]),
        ((OPEN, OPEN, OPEN, SHUT), [1.5, -1.0]),
    ],
)
def test_the_quarters_are_input_input_gate_forget_gate_and_output_gate(bias: Any, want: Any) -> None:
    p = {"input_kernel": np.zeros((1, 8)), "recurrent_kernel": np.zeros((2, 8)), "bias": np.repeat(bias, 2)}
    zeros, c = np.zeros((1, 2)), np.array([[0.5, -2.0]])
    _, m, memory = mixed_memory_step(p, np.ones((1, 1)), zeros, c, 1.0, step=lambda x, m, t: (m, m))
    np.testing.assert_allclose(memory, [want], rtol=1e-14)
    np.testing.assert_allclose(m, np.tanh([want]) * (0.0 if bias[3] == SHUT else 0.5), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_memory_is_computed_in_the_dtype_that_is_given(dtype: str) -> None:
    shapes = {"input_kernel": (3, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    parameters = {name: np.ones(shape, dtype) for name, shape in shapes.items()}
    x, h = np.ones((1, 3), dtype), np.ones((1, 2), dtype)
    found = mixed_memory_step(parameters, x, h, h, h, step=lambda x, m, t: (m, m))
    assert [a.dtype for a in found] == [dtype] * 3
