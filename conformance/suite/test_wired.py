"""Wired cells and mixed memory: the result of one step, and the promises of a wiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.bounds.arrays import ErrorBounded
from conformance.judging import assertions
from conformance.judging.assertions import assert_agree, assert_close, assert_equal, assert_step, assert_true
from conformance.judging.registry import FORMULA, Draw, clause, numerical
from conformance.judging.strategies import FEW, any_steps, seeds, steps
from conformance.judging.subject import Subject
from conformance.spec.cases import StepCase, Values, array, sequence_case, step_case
from conformance.spec.families import Config, Sizes
from conformance.spec.families.wired import layered, sparse, wiring
from reference import graph
from reference.wired_ltc import POSITIVE

SPARSE = (layered(), sparse(4), sparse(3))
"""Wirings that lack connections between layers and within them."""

STEEP = -3.0
"""Values below which a softplus that is the logarithm of a rounded sum errs by more than its bound."""

sparse_wirings = st.sampled_from(SPARSE)


HEADS = ("tanh", "lecun_tanh", "linear")
"""One for each of the sizes, because each is a program of its own."""


@st.composite
def headed_steps(draw: st.DrawFn, subject: Subject, mode: str) -> StepCase:
    """Draw one step of a wired CfC, its heads activated in one of three ways."""
    sizes, head = draw(st.sampled_from(list(zip(FEW, HEADS, strict=True))))
    return draw(steps(subject, mode=mode, head_activation=head, buckets=[sizes]))


@numerical("wired_cfc.step.default")
def test_cfc_default(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(headed_steps(subject, "default")))


@numerical("wired_cfc.step.no_gate", argument="mode")
def test_cfc_no_gate(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(headed_steps(subject, "no_gate")))


@numerical("wired_cfc.step.pure", argument="mode")
def test_cfc_pure(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, mode="pure")))


@numerical("wired_cfc.layers", examples=20)
def test_cfc_layers(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, wiring=layered(), buckets=FEW[1:2])))


@numerical("wired_cfc.fully_recurrent", argument="fully_recurrent", examples=20)
def test_cfc_fully_recurrent(subject: Subject, draw: Draw) -> None:
    chosen = {"wiring": draw(sparse_wirings), "fully_recurrent": draw(st.booleans())}
    assert_step(subject, draw(any_steps(subject, **chosen, buckets=FEW[1:2])))


@numerical("wired_cfc.sparse_time_heads", argument="sparse_time_heads", examples=20)
def test_cfc_sparse_time_heads(subject: Subject, draw: Draw) -> None:
    chosen = {"wiring": draw(sparse_wirings), "sparse_time_heads": draw(st.booleans())}
    assert_step(subject, draw(steps(subject, **subject.forms[0], **chosen, buckets=FEW[1:2])))


@numerical("wired_ltc.step.semi_implicit")
def test_ltc_semi_implicit(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, solver="semi_implicit")))


@numerical("wired_ltc.step.explicit", argument="solver")
def test_ltc_explicit(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, solver="explicit")))


@numerical("wired_ltc.step.rk4", argument="solver")
def test_ltc_rk4(subject: Subject, draw: Draw) -> None:
    assert_step(
        subject, draw(steps(subject, solver="rk4", recipe=st.sampled_from(("simple", "normal", "tiny"))))
    )


@numerical("wired_ltc.mapping", argument="input_mapping", examples=20)
def test_ltc_mapping(subject: Subject, draw: Draw) -> None:
    names = ("input_mapping", "output_mapping")
    chosen = {name: draw(st.sampled_from(("affine", "linear", None))) for name in names}
    assert_step(subject, draw(steps(subject, **chosen, buckets=FEW[1:])))


@numerical("wired_ltc.unfolds", argument="ode_unfolds", examples=20)
def test_ltc_unfolds(subject: Subject, draw: Draw) -> None:
    chosen = {"ode_unfolds": draw(st.sampled_from((1, 2, 6))), "epsilon": draw(st.sampled_from((1e-3, 1e-8)))}
    assert_step(subject, draw(steps(subject, **chosen, buckets=FEW[1:2])))


@numerical("wired_ltc.implicit_constraints", argument="implicit_param_constraints", examples=20)
def test_ltc_implicit_constraints(subject: Subject, draw: Draw) -> None:
    case = draw(steps(subject, implicit_param_constraints=True, buckets=FEW[1:]))
    if min(float(np.min(case.parameters[name])) for name in POSITIVE) < STEEP:
        subject.example.tags.add("softplus")
    assert_step(subject, case)


@clause("wired_ltc.constraints", examples=4, smoke=1)
def test_ltc_constraints(subject: Subject, draw: Draw) -> None:
    _, answer = trained(subject, draw, wiring=sparse(4))
    lowest = {"gleak": 0.0, "w": 0.0, "sensory_w": 0.0, "cm": 1e-3}
    for path, low in lowest.items():
        least = float(np.min(answer["after"][path]))
        enough = least >= low * (1.0 - 1e-6)  # 1e-3 is no number of float32
        assert_true(subject, enough, f"after training {path} has a value of {least:g}", got=least, want=low)


@numerical("wired_ltc.splitting", argument="ode_unfolds", examples=12)
def test_ltc_splitting(subject: Subject, draw: Draw) -> None:
    first, second = draw(st.sampled_from(((1, 1), (2, 1), (1, 3))))
    form, dt = draw(st.sampled_from(subject.forms)), draw(st.sampled_from((0.125, 0.0625)))
    case = draw(steps(subject, **form, recipe=st.just("normal"), buckets=FEW[1:2]))
    whole, state = unfolded(case, first + second, dt), case.state
    bounded: Any = ErrorBounded(state, subject.arithmetic)
    for unfolds in (first, second):
        part = unfolded(case, unfolds, dt)
        state = state_after(subject, replace(part, state=state))
        _, bounded = subject.reference(replace(part, state=bounded))
    got = state_after(subject, whole)
    bound = bounded.error + subject.reference(whole)[1].error
    assert_close(subject, "state after both parts", state, ErrorBounded(got, subject.arithmetic, bound))


def state_after(subject: Subject, case: StepCase, **options: Any) -> Values:
    """Return the state after the step, its tensors side by side."""
    return assertions.joined(subject, case.config, subject.step(case, **options)["state"])


def unfolded(case: StepCase, unfolds: int, dt: float) -> StepCase:
    """Return the case with this number of unfolds of dt each."""
    times = np.full((len(case.inputs), 1), unfolds * dt, case.inputs.dtype)
    return replace(case, config={**case.config, "ode_unfolds": unfolds}, timespans=times)


ORDERS = {"semi_implicit": (1, 64), "explicit": (1, 64), "rk4": (4, 16)}
"""By solver: its order, and the numbers of unfolds at which its error falls by that order."""

FINEST = 256


@clause("wired_ltc.convergence", tiers=(FORMULA,), examples=9, smoke=1, argument="solver")
def test_ltc_convergence(subject: Subject, draw: Draw) -> None:
    solver = draw(st.sampled_from(subject.offer.choose("solver", sorted(ORDERS))))
    order, unfolds = ORDERS[solver]
    sizes, seed = Sizes(4, 2, 5), draw(seeds)
    config = subject.config(sizes, solver=solver)
    case = step_case(
        subject.family, config, sizes, recipe="normal", seed=seed, time="column", dtype=subject.dtype
    )
    case = replace(case, timespans=np.full((4, 1), 0.25, subject.dtype))
    exact = finest(subject, case)
    coarse, fine = (
        state_after(subject, unfolded(case, n, 0.25 / n), eager=True) - exact for n in (unfolds, 2 * unfolds)
    )
    ratio = float(np.linalg.norm(coarse) / np.linalg.norm(fine))
    least = 2.0 ** (order - 0.5)
    assert_true(
        subject,
        ratio >= least,
        f"twice the unfolds of {solver} divide the error by {ratio:.3g}, not by {2**order}",
        got=ratio,
        want=2**order,
    )


def finest(subject: Subject, case: StepCase) -> Values:
    """Return the solution of the differential equation, by steps so small that its error is negligible."""
    config = subject.family.full({**case.config, "solver": "rk4", "ode_unfolds": FINEST})
    _, state = subject.family.reference(
        case.parameters, case.inputs, case.state, case.column, config, subject.variant
    )
    return np.asarray(state)


@clause("wired_ltc.relabelling", examples=12)
def test_ltc_relabelling(subject: Subject, draw: Draw) -> None:
    case = draw(steps(subject, buckets=FEW[1:2], wiring=wiring("FullyConnected", units=4, output_dim=2)))
    order = [0, 1, *draw(st.permutations((2, 3)))]
    moved = {path: relabelled(path, value, order) for path, value in case.parameters.items()}
    other = replace(case, parameters=moved, state=case.state[:, order])
    state = state_after(subject, case)
    again = state_after(subject, other)
    assert_agree(subject, f"state of neurons {order}", state[:, order], again, subject.reference(other)[1])


def relabelled(path: str, value: Values, order: list[int]) -> Values:
    """Return a parameter of the cell whose neuron i is neuron order[i] of another."""
    if path.startswith(("input_", "output_")):
        return value
    value = value[..., order]
    return value[order] if path in ("w", "mu", "sigma", "erev") else value


@numerical("mixed_memory.step")
def test_mixed_memory(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject)))


@clause("mixed_memory.state", examples=8)
def test_mixed_memory_state(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, recipe=st.sampled_from(("simple", "normal"))))
    answer = subject.step(case)
    sizes = subject.family.state_sizes(subject.family.full(case.config))
    got = [list(np.shape(tensor)) for tensor in answer["state"]]
    want = [[len(case.inputs), size] for size in sizes]
    assert_true(subject, got == want, f"the state has shapes {got}, but should be h and c, {want}")
    _, state = subject.reference(case)
    assert_close(subject, "c", answer["state"][1], state[:, sizes[0] :])


# Wirings


@st.composite
def wirings(draw: st.DrawFn) -> Config:
    """Draw a wiring of any kind, its arguments at times away from their defaults."""
    units, seed = draw(st.integers(1, 9)), draw(st.sampled_from((None, 1, 22222, 99)))
    kind = draw(st.sampled_from(("FullyConnected", "Random", "AutoNCP", "NCP")))
    if kind == "FullyConnected":
        more: Config = draw(
            st.sampled_from(({}, {"output_dim": (units + 1) // 2}, {"self_connections": units == 1}))
        )
        return wiring(kind, units=units, **more, **({} if seed is None else {"erev_init_seed": seed}))
    sparsity = draw(st.sampled_from((0.1, 0.5, 0.75)))
    if kind == "Random":
        seeded = {} if seed is None else {"random_seed": seed}
        return wiring(kind, units=units, output_dim=(units + 1) // 2, sparsity_level=sparsity, **seeded)
    seeded = {} if seed is None else {"seed": seed}
    if kind == "AutoNCP":
        return wiring(kind, units=units + 5, output_size=2, sparsity_level=sparsity, **seeded)
    return wiring(kind, **{**layered(units + 1)["config"], **seeded})


def graphs(subject: Subject, draw: Draw) -> tuple[dict[str, Any], Config, int]:
    """Return the implementation's graphs of a wiring; the wiring; and the number of inputs."""
    chosen, input_dim = draw(wirings()), draw(st.integers(1, 5))
    named = {"kind": chosen["class_name"], "arguments": chosen["config"], "input_dim": input_dim}
    answer: dict[str, Any] = subject.request("wiring", **named)
    return answer, chosen, input_dim


def same_graph(subject: Subject, how: str, got: Mapping[str, Any], want: Mapping[str, Any]) -> None:
    """Raise unless both matrices and, if it is reported, the number of motor neurons are the wanted ones."""
    __tracebackhide__ = True
    for name in ("adjacency", "sensory_adjacency"):
        assert_equal(subject, name + how, got[name], want[name])
    motor, wanted = got.get("output_dim"), want.get("output_dim")
    if motor is not None and wanted is not None:
        said = f"output_dim{how} is {motor}, but should be {wanted}"
        assert_true(subject, motor == wanted, said, got=motor, want=wanted)


@clause("wiring.graph", examples=50, smoke=5)
def test_graph(subject: Subject, draw: Draw) -> None:
    answer, chosen, input_dim = graphs(subject, draw)
    want = graph(chosen["class_name"], chosen["config"], input_dim)
    same_graph(subject, "", answer["once"], want._asdict())


@clause("wiring.idempotent")
def test_idempotent(subject: Subject, draw: Draw) -> None:
    answer, _, _ = graphs(subject, draw)
    same_graph(subject, " built twice", answer["twice"], answer["once"])


@clause("wiring.config")
def test_config(subject: Subject, draw: Draw) -> None:
    answer, _, _ = graphs(subject, draw)
    same_graph(subject, " made of the config", answer["again"], answer["once"])


def sparsely(subject: Subject, draw: Draw) -> tuple[StepCase, dict[str, Values]]:
    """Draw a step of a cell that lacks connections, with the mask of the missing ones in each parameter."""
    assert subject.family.synapses is not None
    chosen = {"wiring": draw(sparse_wirings), **draw(st.sampled_from(subject.steady_forms))}
    recurrent = {"fully_recurrent": draw(st.booleans())} if subject.accepts("fully_recurrent") else {}
    kinds: dict[str, Any] = {"buckets": FEW[1:2], "time": ("column",), "recipe": st.just("normal")}
    case = draw(steps(subject, **chosen, **recurrent, **kinds))
    masks = subject.family.synapses(subject.family.full(case.config), case.input_dim)
    return case, {path: ~mask for path, mask in masks.items() if not mask.all()}


@clause("wiring.influence", examples=12)
def test_influence(subject: Subject, draw: Draw) -> None:
    case, absent = sparsely(subject, draw)
    seed, parameters = draw(seeds), dict(case.parameters)
    for path, lacking in absent.items():
        other = subject.family.admissible(path, array(lacking.shape, "saturated", seed, path, subject.dtype))
        parameters[path] = np.where(lacking, other, parameters[path])
    before, after = subject.step(case), subject.step(replace(case, parameters=parameters))
    pairs = (("output", before["output"], after["output"]), ("state", before["state"][0], after["state"][0]))
    for what, value, again in pairs:
        said = f"{what} after a change of parameters where there is no synapse"
        assert_equal(subject, said, again, assertions.finite(f"the {what}", value))


@clause("wiring.gradient", tiers=(FORMULA,), examples=6, smoke=1)
def test_gradient(subject: Subject, draw: Draw) -> None:
    case, absent = sparsely(subject, draw)
    cotangent = np.ones((len(case.inputs), subject.outputs(case.config)), subject.dtype)
    given = {"cotangent": cotangent, "state_cotangent": [np.ones_like(case.state)]}
    asked = {
        **subject.case_params(case),
        "state": subject.tensors(case),
        "timespans": case.timespans,
        **given,
    }
    by_path = subject.request("gradients", **asked)["parameters"]
    for path, lacking in absent.items():
        slope = np.asarray(by_path[path])[lacking]
        assert_equal(subject, f"gradient by {path} where there is no synapse", slope, np.zeros_like(slope))


@clause("wiring.training", examples=3, smoke=1)
def test_training(subject: Subject, draw: Draw) -> None:
    assert subject.family.synapses is not None
    case, answer = trained(subject, draw, wiring=draw(sparse_wirings))
    masks = subject.family.synapses(subject.family.full(case.config), case.input_dim)
    for path, mask in masks.items():
        before, after = (np.asarray(answer[when][path])[~mask] for when in ("before", "after"))
        assert_equal(subject, f"{path} after training where there is no synapse", after, before)


def trained(subject: Subject, draw: Draw, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    """Return a sequence through the cell, and its parameters after a few steps of training on it."""
    sizes, seed = Sizes(4, 3, 4), draw(seeds)
    config = subject.config(sizes, **{**subject.forms[0], **arguments})
    case = sequence_case(
        subject.family, config, sizes, length=3, recipe="tiny", seed=seed, dtype=subject.dtype
    )
    targets = array((sizes.batch, subject.outputs(config)), "simple", seed, "targets", subject.dtype)
    answer = subject.request("train", **subject.case_params(case), targets=targets, steps=4, seed=seed % 1000)
    return case, answer
