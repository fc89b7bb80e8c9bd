"""Derivatives through a whole sequence, against the complex step of the reference folded over it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.judging.gradients import Cotangents, derivatives, drawn, of_sequence, side_by_side
from conformance.judging.registry import FORMULA, Draw, clause
from conformance.judging.strategies import DIFFERENT, seeds, sequences
from conformance.judging.subject import Subject
from conformance.spec.cases import SequenceCase

LENGTH = 3
"""The length, at one of the sizes: each is a program of its own, and a gradient's takes long to compile."""


def wrappers(subject: Subject) -> tuple[str | None, ...]:
    """Return the layers to run a sequence in: the host's and, if there is one, the implementation's own."""
    return ("layer", None) if subject.cell.get("layer") else (None,)


def gradients(
    subject: Subject, draw: Draw, wrapper: str | None
) -> tuple[SequenceCase, dict[str, Any], Cotangents, int]:
    """Return a case, its gradients, the cotangents of outputs and last state, and a seed for directions."""
    shape: dict[str, Any] = {"lengths": (LENGTH,), "buckets": (DIFFERENT,), "given_state": True}
    case = draw(sequences(subject, timed=wrapper is not None, **shape))
    seed = draw(seeds)
    cotangents = drawn(subject, case, seed)
    answer = of_sequence(subject, case, cotangents, wrapper)
    return case, answer, cotangents, seed


@clause("gradient.sequence.inputs", tiers=(FORMULA,), examples=12, smoke=1)
def test_inputs(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, answer, cotangents, seed = gradients(subject, draw, wrapper)
    derivatives(subject, case, {"inputs": answer["inputs"]}, cotangents, seed)


@clause("gradient.sequence.initial_state", tiers=(FORMULA,), examples=12, smoke=1)
def test_initial_state(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, answer, cotangents, seed = gradients(subject, draw, wrapper)
    derivatives(subject, case, {"state": side_by_side(answer["initial_state"])}, cotangents, seed)


@clause("gradient.sequence.timespans", tiers=(FORMULA,), examples=12, smoke=1)
def test_timespans(subject: Subject, draw: Draw) -> None:
    case, answer, cotangents, seed = gradients(subject, draw, "layer")
    derivatives(subject, case, {"timespans": answer.get("timespans")}, cotangents, seed)


@clause("gradient.sequence.parameters", tiers=(FORMULA,), examples=12, smoke=1)
def test_parameters(subject: Subject, draw: Draw) -> None:
    wrapper = draw(st.sampled_from(wrappers(subject)))
    case, answer, cotangents, seed = gradients(subject, draw, wrapper)
    by_path = {path: answer["parameters"].get(path) for path in case.parameters}
    derivatives(subject, case, by_path, cotangents, seed)
