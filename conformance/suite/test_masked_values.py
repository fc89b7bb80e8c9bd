"""Masked samples, whose values must not change the outputs or any derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.driver.implementation import MethodUnresponsive, NotSupported
from conformance.judging import assertions
from conformance.judging.assertions import assert_close, assert_sequence, assert_shape, assert_true
from conformance.judging.gradients import Cotangents, derivatives, drawn, of_sequence, side_by_side
from conformance.judging.registry import FORMULA, Draw, clause
from conformance.judging.strategies import DIFFERENT, seeds, sequences
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase, Values
from conformance.spec.families import Sizes
from conformance.suite.test_layer import ELAPSED, in_eighths, mask_of
from conformance.suite.test_sequence import tags
from conformance.suite.test_sequence_gradient import wrappers

LENGTH = 4

SHOWN = Sizes(3, 2, 4, 5)
"""Sizes at which a wired cell outputs its whole state: some hosts take the held state from the output."""

FILLS = {"NaN": np.nan, "inf": np.inf, "-inf": -np.inf}
"""Values that people store where a sample is missing, and those that arithmetic makes of them."""

NOT_FINITE = "a gradient that is not finite"
"""The tag of an example in which the host's own loop may be at fault."""

BACKWARDS = {"go_backwards": True, "zero_output_for_mask": True}
"""Two options at once, because each set of them is a program that takes long to compile."""


CARRIED = {"masked_time": "carry"}


def masked(subject: Subject, draw: Draw, wrapper: str | None) -> SequenceCase:
    """Draw a sequence from a given state in which a sample is masked between two that count.

    The host's layer has no elapsed times, and its first and last samples count: on some backends Keras
    outputs the initial state before. That of the implementation's own layer begins with a masked sample.
    """
    if wrapper is None:
        given: dict[str, Any] = {"buckets": (SHOWN,)}
        options = draw(st.sampled_from(({}, BACKWARDS)))
    else:
        given = {"buckets": (DIFFERENT,), "timed": True}
        options = draw(st.sampled_from(({}, CARRIED, CARRIED, backwards(subject))))
    case = draw(sequences(subject, lengths=(LENGTH,), masked=True, given_state=True, **given))
    mask = mask_of(case)
    mask[0, 1:] = (True, False, True)
    mask[0, 0] = wrapper is None
    if wrapper is None:
        mask[:, 0] = mask[:, -1] = True
    return replace(in_eighths(case), options=options)


def backwards(subject: Subject) -> dict[str, Any]:
    """Return the options of a layer that reads backwards, with backward times if it has that option."""
    elapsed = "backward_timespans" in subject.cell.get("layer_options", ())
    return {**BACKWARDS, **(ELAPSED if elapsed else {})}


def filled(case: SequenceCase, value: float) -> SequenceCase:
    """Return the case with `value` in the inputs of masked samples, and in their times unless carried."""
    gone, times = ~mask_of(case), case.timespans
    kind = case.inputs.dtype.type
    if times is not None and not case.carries:
        times = np.where(gone, kind(value), times)
    return replace(case, inputs=np.where(gone[..., None], kind(value), case.inputs), timespans=times)


@clause("layer.mask.nan", tiers=(FORMULA,), examples=12, smoke=1)
def test_layer_nan(subject: Subject, draw: Draw) -> None:
    ignores(subject, masked(subject, draw, "layer"), draw(st.sampled_from(list(FILLS))), draw(seeds), "layer")


@clause("sequence.mask.nan", tiers=(FORMULA,), examples=12, smoke=1)
def test_sequence_nan(subject: Subject, draw: Draw) -> None:
    case, fill = masked(subject, draw, None), draw(st.sampled_from(list(FILLS)))
    first = replace(case, state=None, mask=mask_of(case) & (np.arange(LENGTH) > 0))
    outputs(subject, filled(first, 0.0), filled(first, FILLS[fill]), None)
    ignores(subject, case, fill, draw(seeds), None)


def ignores(subject: Subject, case: SequenceCase, fill: str, seed: int, wrapper: str | None) -> None:
    """Raise unless outputs, last state and, if offered, gradients are those for masked samples that are 0."""
    case, there = filled(case, 0.0), filled(case, FILLS[fill])
    outputs(subject, case, there, wrapper)
    cotangents = drawn(subject, case, seed)
    try:
        by_name = gradients(subject, there, cotangents, wrapper)
    except MethodUnresponsive:
        raise
    except NotSupported as refused:
        subject.tally.refusal = subject.tally.refusal or f"no gradients: {refused.reason}"
        return
    agree(subject, case, by_name, cotangents, seed)


def outputs(subject: Subject, case: SequenceCase, there: SequenceCase, wrapper: str | None) -> None:
    """Raise unless outputs and last state of the case `there` are the reference's for `case`."""
    subject.example.tags |= tags(subject, case)
    answer = subject.request(
        "sequence",
        **subject.case_params(there),
        timespans=there.timespans,
        mask=there.mask,
        initial_state=subject.tensors(there),
        options={**there.options, "return_sequences": True, "return_state": True},
        wrapper=wrapper,
    )
    last = assert_sequence(subject, case, answer["output"])
    assert_close(subject, "last state", assertions.joined(subject, case.config, answer["state"]), last)


def gradients(
    subject: Subject, case: SequenceCase, cotangents: Cotangents, wrapper: str | None
) -> dict[str, Any]:
    """Return the gradients of a masked sequence, by name."""
    subject.needs("sequence_gradients", "mask", "options")
    answer = of_sequence(subject, case, cotangents, wrapper, mask=case.mask, options=case.options)
    by_time = {} if case.timespans is None else {"timespans": answer.get("timespans")}
    by_path = {path: answer["parameters"].get(path) for path in case.parameters}
    state = side_by_side(answer["initial_state"])
    return {"inputs": answer["inputs"], "state": state, **by_time, **by_path}


def agree(
    subject: Subject, case: SequenceCase, by_name: Mapping[str, Any], cotangents: Cotangents, seed: int
) -> None:
    """Raise unless the gradients are the reference's, finite, and exactly 0 by masked values."""
    __tracebackhide__ = True
    for name, gradient in by_name.items():
        finite(subject, f"gradient by {name}", gradient)
    by_inputs: Values = np.asarray(by_name["inputs"])
    assert_shape(subject, "gradient by inputs", by_inputs, case.inputs.shape)
    by_gone = by_inputs[~mask_of(case)]
    assert_true(subject, not by_gone.any(), "the gradient by a masked input is not 0", got=by_gone)
    derivatives(subject, case, by_name, cotangents, seed)


def finite(subject: Subject, what: str, gradient: Any) -> None:
    """Raise unless a gradient is finite; tag the example if it is not."""
    __tracebackhide__ = True
    if gradient is not None and not np.isfinite(gradient).all():
        subject.example.tags.add(NOT_FINITE)
        raise subject.departure(f"{what} is not finite", got=np.asarray(gradient).tolist())


@clause("gradient.sequence.mask", tiers=(FORMULA,), examples=16, smoke=1)
def test_gradients(subject: Subject, draw: Draw) -> None:
    own, *host = wrappers(subject)
    wrapper = draw(st.sampled_from((own, own, *host)))  # of its own there is more to see
    case, seed = masked(subject, draw, wrapper), draw(seeds)
    cotangents = drawn(subject, case, seed)
    by_name = gradients(subject, case, cotangents, wrapper)
    agree(subject, case, by_name, cotangents, seed)
