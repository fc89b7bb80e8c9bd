"""The state of a cell, and the absence of other effects of a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import assert_agree, assert_equal, assert_true
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import BUCKETS, any_steps, configs, sizes_by_hand
from conformance.judging.subject import Subject

CALLS = 12
"""The number of repeated steps: an error at each n-th call shows in one example."""


@clause("state.sizes")
def test_sizes(subject: Subject, draw: Draw) -> None:
    config = draw(configs(subject))
    built = subject.request("build", model=subject.model(config, 3))
    sizes = subject.family.state_sizes(subject.family.full(config))
    for name, want in (("state_size", sizes), ("output_size", subject.outputs(config))):
        if name not in built:
            raise NotSupported(f"the cell does not report {name}")
        assert_true(subject, built[name] == want, f"{name} is {built[name]}, but should be {want}")


@clause("state.initial")
def test_initial(subject: Subject, draw: Draw) -> None:
    config, batch = draw(configs(subject)), draw(st.integers(1, 4))
    policy, dtype = draw(st.sampled_from((("float32", "float32"), ("mixed_float16", "float16"))))
    policy = policy if subject.takes_policy else "float32"
    model = subject.model(config, 3, dtype=policy)
    answer = subject.request("initial_state", model=model, batch=batch)
    state = assertions.joined(subject, config, answer["state"])
    assert_equal(subject, "initial state", state, np.zeros((batch, subject.state_size(config)), state.dtype))
    if not subject.takes_policy:  # it promises no dtype
        return
    other = f"under {policy} the initial state is {answer['dtypes'][0]}, but should be {dtype}"
    assert_true(subject, set(answer["dtypes"]) == {dtype}, other, got=answer["dtypes"], want=dtype)


@clause("state.pure")
def test_pure(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=sizes_by_hand(subject)))
    after = subject.step(case, echo=True, eager=True)["after"]
    assert_equal(subject, "inputs after the step", after["inputs"], case.inputs)
    assert_equal(subject, "state after the step", np.concatenate(after["state"], axis=-1), case.state)
    if after["parameters"] is None:
        raise NotSupported("the cell does not report its parameters after a step")
    for path, value in case.parameters.items():
        assert_equal(subject, f"{path} after the step", after["parameters"][path], value)


@clause("state.repeatable")
def test_repeatable(subject: Subject, draw: Draw) -> None:
    case, other = (draw(any_steps(subject, buckets=sizes_by_hand(subject))) for _ in range(2))
    eager = draw(st.booleans())
    first = assertions.finite("the output", subject.step(case, eager=eager)["output"])
    subject.step(other, eager=eager)
    for _ in range(CALLS):
        again = subject.step(case, eager=eager)["output"]
        assert_equal(subject, "output of the same call", again, first)


@clause("state.rows")
def test_rows(subject: Subject, draw: Draw) -> None:
    case = draw(any_steps(subject, buckets=[sizes for sizes in BUCKETS if sizes.batch > 1], time=("column",)))
    batch = len(case.inputs)
    whole = np.asarray(subject.step(case)["output"])
    for order in (draw(st.permutations(range(batch))), [draw(st.integers(0, batch - 1))] * batch):
        inputs, state = case.inputs[order], case.state[order]
        times = None if case.timespans is None else case.column[order]
        chosen = replace(case, inputs=inputs, state=state, timespans=times)
        got, like = subject.step(chosen)["output"], subject.reference(chosen)[0]
        assert_agree(subject, f"rows {order} of the batch: output", whole[order], got, like)
