"""Shapes and variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging.assertions import assert_sequence, assert_shape, assert_step, assert_true
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import FEW, any_steps, configs, seeds
from conformance.judging.subject import Subject
from conformance.spec.cases import sequence_case
from conformance.spec.families import Config, Sizes


@clause("shape.step")
def test_step(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject))
    answer = subject.step(case)
    batch = len(case.inputs)
    assert_shape(subject, "output", answer["output"], (batch, subject.outputs(case.config)))
    states(subject, "state", answer["state"], case.config, batch)


def states(subject: Subject, what: str, got: Sequence[Any], config: Config, batch: int | None) -> None:
    """Raise unless the states have the right number and shapes."""
    __tracebackhide__ = True
    sizes = subject.family.state_sizes(subject.family.full(config))
    said = f"a step has {len(got)} states, but should have {len(sizes)}"
    assert_true(subject, len(got) == len(sizes), said, got=len(got), want=len(sizes))
    for state, size in zip(got, sizes, strict=True):
        assert_shape(subject, what, state, (batch, size))


@clause("shape.smallest")
def test_smallest(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, buckets=[Sizes()])))


@clause("shape.variables")
def test_variables(subject: Subject, draw: Draw) -> None:
    config, features = draw(configs(subject)), draw(st.integers(1, 4))
    variables = subject.request("build", model=subject.model(config, features))["variables"]
    unknown = [v["path"] for v in variables if v["name"] is None]
    other = "variables that the specification does not know; --names FILE maps those it knows by other names"
    assert_true(subject, not unknown, other, got=unknown)
    got = {v["name"]: tuple(v["shape"]) for v in variables}
    want = subject.family.shapes(subject.family.full(config), features)
    assert_true(subject, got == want, "variables are not those of the table", got=got, want=want)
    fixed = [v["path"] for v in variables if v["trainable"] is False]
    assert_true(subject, not fixed, "variables that cannot be trained", got=fixed)
    if any(v["trainable"] is None for v in variables):
        raise NotSupported("the cell does not report which of its variables can be trained")


@clause("shape.symbolic")
def test_symbolic(subject: Subject, draw: Draw) -> None:
    config, batch = draw(configs(subject)), draw(st.sampled_from((None, 2)))
    shapes = subject.request("shapes", model=subject.model(config, 3), batch=batch)
    assert_shape(subject, "symbolic output", shapes["symbolic_output"], (batch, subject.outputs(config)))
    states(subject, "symbolic state", shapes["symbolic_state"], config, batch)


@clause("shape.computed")
def test_computed(subject: Subject, draw: Draw) -> None:
    config, batch = draw(configs(subject)), draw(st.sampled_from((None, 2)))
    shapes = subject.request("shapes", model=subject.model(config, 3), batch=batch)
    computed = "compute_output_shape of the"
    assert_shape(subject, f"{computed} output", shapes["computed_output"], (batch, subject.outputs(config)))
    assert_true(subject, shapes["computed_state"] is not None, f"{computed} state is not known")
    states(subject, f"{computed} state", shapes["computed_state"], config, batch)


@clause("shape.dynamic", smoke=2)
def test_dynamic(subject: Subject, draw: Draw) -> None:
    sizes = draw(st.sampled_from(FEW))
    config, seed = subject.config(sizes, **draw(st.sampled_from(subject.steady_forms))), draw(seeds)
    options = {"return_sequences": True}
    for batch, length in ((sizes.batch, 3), (sizes.batch + 1, 2)):
        at_size = replace(sizes, batch=batch)
        case = sequence_case(
            subject.family, config, at_size, length=length, recipe="normal", seed=seed, dtype=subject.dtype
        )
        answer = subject.request("sequence", **subject.case_params(case), options=options, symbolic=True)
        assert_sequence(subject, case, answer["output"])
