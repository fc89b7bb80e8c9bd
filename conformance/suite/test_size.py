"""A few cases at realistic sizes, where other code runs: the rest of a vector, a block, a loop."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from conformance.judging.assertions import assert_sequence, assert_step
from conformance.judging.gradients import derivatives, drawn, of_sequence, side_by_side
from conformance.judging.registry import FORMULA, Draw, clause, numerical
from conformance.judging.strategies import any_steps, seeds, sequences
from conformance.judging.subject import Subject
from conformance.spec.cases import EVEN, SequenceCase, sequence_case
from conformance.spec.families import Sizes
from conformance.suite.test_sequence_gradient import wrappers
from conformance.suite.test_serialization import round_trip

LARGE = Sizes(batch=33, features=5, units=37, backbone_units=41)
"""A little more than a multiple of 8, 16 and 32: a computation in blocks has a rest."""

LENGTH = 70
"""More than 64 steps."""

even = st.just(EVEN)


def long_sequence(
    subject: Subject, draw: Draw, wrapper: str | None, *, given_state: bool = False
) -> SequenceCase:
    """Draw a long sequence of a large batch in a wide cell, with elapsed times if the layer takes them."""
    case: SequenceCase = draw(
        sequences(
            subject,
            lengths=(LENGTH,),
            buckets=(LARGE,),
            recipe=even,
            timed=wrapper is not None,
            given_state=given_state,
            forms=subject.steady_forms[:1],
        )
    )
    return case


SLOW = 4.0
"""The number that is added to the logarithm of a time constant."""


def slowly(case: SequenceCase) -> SequenceCase:
    """Return the case with time constants as long as the sequence, if the cell has any.

    The bound of h + a (d - h) grows by 1 + 2 a in each step, and would end wider than any number is.
    """
    slow = {p: v + v.dtype.type(SLOW) for p, v in case.parameters.items() if p.endswith("tau_kernel/bias")}
    return replace(case, parameters={**case.parameters, **slow})


@numerical("size.step", examples=3, smoke=1)
def test_step(subject: Subject, draw: Draw) -> None:
    assert_step(subject, draw(any_steps(subject, buckets=[LARGE], recipe=even)))


@clause("size.sequence", examples=2, smoke=0)
def test_sequence(subject: Subject, draw: Draw) -> None:
    for wrapper in wrappers(subject):
        case = long_sequence(subject, draw, wrapper)
        answer = subject.request(
            "sequence",
            **subject.case_params(case),
            timespans=case.timespans,
            options={"return_sequences": True},
            wrapper=wrapper,
        )
        assert_sequence(subject, case, answer["output"])


@clause("size.gradient", tiers=(FORMULA,), examples=1, smoke=0)
def test_gradient(subject: Subject, draw: Draw) -> None:
    wrapper, *_ = wrappers(subject)
    case, seed = slowly(long_sequence(subject, draw, wrapper, given_state=True)), draw(seeds)
    cotangents = drawn(subject, case, seed)
    answer = of_sequence(subject, case, cotangents, wrapper)
    state = side_by_side(answer["initial_state"])
    by_path = {path: answer["parameters"].get(path) for path in case.parameters}
    by_name = {"inputs": answer["inputs"], "state": state, **by_path}
    derivatives(subject, case, by_name, cotangents, seed)


@clause("size.serialization", examples=1, smoke=0)
def test_serialization(subject: Subject, draw: Draw) -> None:
    config = subject.config(LARGE, **subject.forms[0])
    made = {"length": 2, "recipe": EVEN, "seed": draw(seeds), "dtype": subject.dtype}
    round_trip(subject, sequence_case(subject.family, config, LARGE, **made), "model")
