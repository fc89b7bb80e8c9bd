"""A cell in `keras.layers.RNN`, judged one step at a time from its own previous state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judging import assertions
from conformance.judging.assertions import assert_close, assert_sequence
from conformance.judging.registry import Draw, clause
from conformance.judging.strategies import seeds, sequences
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, parameters


def run(subject: Subject, case: SequenceCase, **more: Any) -> dict[str, Any]:
    """Return the implementation's answer to the sequence; every output, unless the case's options differ."""
    subject.example.tags |= tags(subject, case)
    options = {"return_sequences": True, **case.options}
    given = {"mask": case.mask, "initial_state": subject.tensors(case), "options": options, **more}
    answer: dict[str, Any] = subject.request("sequence", **subject.case_params(case), **given)
    return answer


def tags(subject: Subject, case: SequenceCase) -> set[str]:
    """Return the traits of a sequence for which a host may have a bug."""
    traits = {name for name, value in case.options.items() if value is True}
    if not subject.family.shows_first_state(case.config):
        traits.add("output is not the first state")
    if case.mask is None:
        return traits
    first = -1 if case.options.get("go_backwards") else 0
    return traits if case.mask[:, first].all() else {*traits, "masked first step"}


@clause("sequence.steps", smoke=1)
def test_steps(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, forms=subject.steady_forms))
    assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.last", examples=12, smoke=1)
def test_last(subject: Subject, draw: Draw) -> None:
    case = replace(draw(sequences(subject, lengths=(1, 3))), options={"return_sequences": False})
    outputs, _ = assertions.folded(subject, case)
    assert_close(subject, "output", run(subject, case)["output"], outputs[-1])


@clause("sequence.final_state", examples=12, smoke=1)
def test_final_state(subject: Subject, draw: Draw) -> None:
    case = replace(draw(sequences(subject)), options={"return_state": True})
    answer = run(subject, case)
    last = assert_sequence(subject, case, answer["output"])
    assert_close(subject, "last state", assertions.joined(subject, case.config, answer["state"]), last)


@clause("sequence.backwards", examples=12, smoke=1)
def test_backwards(subject: Subject, draw: Draw) -> None:
    case = replace(draw(sequences(subject)), options={"go_backwards": True})
    assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.unroll", examples=12, smoke=1)
def test_unroll(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(2, 3), given_state=None))
    case = replace(case, options={"unroll": True, "go_backwards": draw(st.booleans())})
    assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.initial_state", examples=12, smoke=1)
def test_initial_state(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, given_state=True))
    assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.stateful", examples=12, smoke=1)
def test_stateful(subject: Subject, draw: Draw) -> None:
    case = replace(draw(sequences(subject, lengths=(4, 4))), options={"stateful": True})
    chunks = draw(st.sampled_from(([2, 2], [1, 3], [1, 1, 2])))
    assert_sequence(subject, case, run(subject, case, chunks=chunks)["output"])


@clause("sequence.mask", examples=20, smoke=1)
def test_mask(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(2, 5), masked=True))
    for go_backwards in (False, True):
        case = replace(case, options={"go_backwards": go_backwards})
        assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.mask.initial_state", examples=12, smoke=1)
def test_mask_initial_state(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(3, 3), masked=True, given_state=True))
    case.mask[0, 0] = False  # a masked first step in every example
    assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.mask.zero_output", examples=12, smoke=1)
def test_mask_zero_output(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(3, 3), masked=True))
    case.mask[0, :2] = (True, False)  # an output to hold in every example
    for unroll in (False, True):
        case = replace(case, options={"zero_output_for_mask": True, "unroll": unroll})
        assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.mask.unroll", examples=12, smoke=1)
def test_mask_unroll(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject, lengths=(2, 3), masked=True))
    for go_backwards in (False, True):
        case = replace(case, options={"unroll": True, "go_backwards": go_backwards})
        assert_sequence(subject, case, run(subject, case)["output"])


@clause("sequence.bidirectional", examples=12, smoke=1)
def test_bidirectional(subject: Subject, draw: Draw) -> None:
    case = draw(sequences(subject))
    backward = replace(
        case, parameters={p: 0.5 * v for p, v in case.parameters.items()}, options={"go_backwards": True}
    )
    about = {**subject.case_params(case), "parameters": [dict(case.parameters), dict(backward.parameters)]}
    answer = subject.request("sequence", **about, options={"return_sequences": True}, wrapper="bidirectional")
    assert_sequence(subject, case, answer["output"][0], what="forward output")
    assert_sequence(subject, backward, np.flip(answer["output"][1], axis=1), what="backward output")


@clause("sequence.stacked", examples=12, smoke=1)
def test_stacked(subject: Subject, draw: Draw) -> None:
    lower, upper = draw(sequences(subject, lengths=(1, 3))), draw(sequences(subject, lengths=(1, 1)))
    upper = stacked_on(subject, lower, upper, draw(seeds))
    about = subject.case_params(lower) | {"parameters": [dict(lower.parameters), dict(upper.parameters)]}
    models = [subject.model(case.config, case.input_dim) for case in (lower, upper)]
    del about["model"]
    answer = subject.request(
        "sequence", **about, models=models, options={"return_sequences": True}, wrapper="stacked"
    )
    outputs, _ = assertions.folded(subject, upper)
    for k, want in enumerate(outputs):
        assert_close(subject, f"output at step {k}", answer["output"][:, k], want)


def stacked_on(subject: Subject, lower: SequenceCase, upper: SequenceCase, seed: int) -> SequenceCase:
    """Return the case `upper` with the outputs of `lower` as inputs, and parameters that fit them."""
    outputs: Any = assertions.folded(subject, lower)[0]
    features = subject.outputs(lower.config)
    values = parameters(subject.family, upper.config, features, "normal", seed, subject.dtype)
    return SequenceCase(upper.config, values, np.stack(outputs, axis=1))
