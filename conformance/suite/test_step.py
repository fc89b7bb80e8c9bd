"""The result of one step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import assert_equal, assert_step
from conformance.judging.registry import Draw, clause, numerical
from conformance.judging.strategies import FEW, any_steps, steps
from conformance.judging.subject import Subject
from conformance.spec.cases import StepCase
from reference.activations import ACTIVATIONS

NAMES = sorted(ACTIVATIONS, key=["tanh", "linear"].__contains__, reverse=True)
NAMES.remove("gelu_tanh")

SEVERAL = 4

edges = st.sampled_from(("simple", "normal", "saturated", "tiny"))
"""Values at which an activation is ordinary, saturates, and is nearly straight; `at_kink` adds its kink."""


def at_kink(case: StepCase, *paths: str) -> StepCase:
    """Return `case` with zeros for the first unit's state and parameters at `paths`."""

    def zeroed(value: Any) -> Any:
        return np.where(np.arange(value.shape[-1]) == 0, np.zeros_like(value), value)

    parameters = {**case.parameters, **{path: zeroed(case.parameters[path]) for path in paths}}
    return replace(case, parameters=parameters, state=zeroed(case.state))


def several_activations(subject: Subject, draw: Draw, case: StepCase, argument: str) -> None:
    """Judge the step by several activations in turn: one a case would leave some of them to chance."""
    for name in draw(st.permutations(subject.offer.choose(argument, NAMES)))[:SEVERAL]:
        chosen = {argument: name} if subject.accepts(argument) else {}
        assert_step(subject, replace(case, config={**case.config, **chosen}))


@numerical("cfc.step.default")
def test_cfc_default(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, mode="default")))


@numerical("cfc.step.no_gate", argument="mode")
def test_cfc_no_gate(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, mode="no_gate")))


@numerical("cfc.step.pure", argument="mode")
def test_cfc_pure(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, mode="pure")))


@numerical("cfc.step.head_activation", argument="head_activation")
def test_cfc_head_activation(subject: Subject, draw: Draw) -> None:
    heads = subject.offer.choose("head_activation", ("linear", "lecun_tanh", "tanh"))
    head = draw(st.sampled_from(heads))
    assert_step(subject, draw(any_steps(subject, head_activation=head, buckets=FEW)))


@numerical("ltc.step.semi_implicit")
def test_ltc_semi_implicit(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, solver="semi_implicit")))


@numerical("ltc.step.explicit", argument="solver")
def test_ltc_explicit(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(steps(subject, solver="explicit")))


@numerical("ltc.step.activation")
def test_ltc_activation(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, recipe=edges, buckets=FEW[1:2], time=("column",)))
    several_activations(subject, draw, at_kink(case, "kernel", "bias"), "activation")


@numerical("ltc.time_constant")
def test_ltc_time_constant(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, recipe=st.just("saturated"))))


@numerical("backbone.absent")
def test_backbone_absent(subject: Subject, draw: Draw) -> None:
    if subject.family.defaults["backbone_layers"] and not subject.accepts("backbone_layers"):
        raise NotSupported("no argument 'backbone_layers', and a backbone by default")
    assert_step(subject, draw(any_steps(subject, layers=0)))


@numerical("backbone.layers", argument="backbone_layers")
def test_backbone_layers(subject: Subject, draw: Draw) -> None:
    layers = draw(st.sampled_from((1, 2, 3)))
    assert_step(subject, draw(any_steps(subject, layers=layers, buckets=FEW[:2])))


@numerical("backbone.activation", argument="backbone_layers")
def test_backbone_activation(subject: Subject, draw: Draw) -> None:
    asked = str(subject.family.backbone_activation)
    if not subject.accepts(asked):
        raise NotSupported(f"no argument {asked!r}")
    form = {**subject.forms[0], "layers": 1, "buckets": FEW[1:2], "time": ("column",)}
    case = at_kink(draw(steps(subject, recipe=edges, **form)), "backbone_0/kernel", "backbone_0/bias")
    several_activations(subject, draw, case, asked)


@numerical("time.default")
def test_time_default(subject: Subject, draw: Draw) -> None:
    form = draw(st.sampled_from(subject.steady_forms))
    assert_step(subject, draw(steps(subject, time=("none",), **form)))


@numerical("time.zero")
def test_time_zero(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, time=("zero",))))


@numerical("time.per_sample")
def test_time_per_sample(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, time=("flat", "column"), buckets=FEW[1:])))


@numerical("time.scalar")
def test_time_scalar(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, time=("scalar",), buckets=FEW)))


@numerical("time.large")
def test_time_large(subject: Subject, draw: Draw) -> None:
    form = draw(st.sampled_from(subject.steady_forms))
    assert_step(subject, draw(steps(subject, time=("large",), **form)))


@clause("step.output_is_state")
def test_output_is_state(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, shown=True))
    answer = subject.step(case)
    assert_equal(subject, "state", answer["state"][0], assertions.finite("the output", answer["output"]))


@numerical("state.threads")
def test_state_threads(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject))
    state = assert_step(subject, case)
    assert_step(subject, replace(case, state=state))
