"""Plays vectors against an implementation: each is a check of one example, with an ordinary verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from conformance.bounds.arrays import ErrorBounded
from conformance.driver.pool import HarnessKey, Pool
from conformance.judging import assertions
from conformance.judging.assertions import assert_close
from conformance.judging.registry import PRECISION, TIERS, Check, Draw
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.document import FORMAT
from conformance.search.plan import Plan
from conformance.search.trial import judge_example
from conformance.spec import clauses
from conformance.spec.cases import SequenceCase, StepCase
from conformance.stored import examples
from conformance.stored.replay import ReplayTarget, judged, lacking, replayed
from conformance.stored.vectors import Vector, vectors
from conformance.suite.test_sequence import tags
from conformance.verdict import Verdict

Opening = Callable[[str], Subject]
"""A function from a tier to the subject."""


def play(vector: Vector, opened: Opening) -> list[Verdict]:
    """Return the verdict on a vector at each tier."""
    check = Check(vector.clause, body(vector), examples=1, smoke=1, tiers=TIERS)
    plan = Plan(1, seed=0, variant="strict", spec=clauses.load(vector.spec))
    return [judge_example(check, opened(tier), plan, [vector.case(tier)]) for tier in TIERS]


def body(vector: Vector) -> Callable[[Subject, Draw], None]:
    """Return the test of a vector."""

    def test(subject: Subject, draw: Draw) -> None:
        case = draw(None)  # type: ignore[arg-type]  # it is played, not drawn
        answer = asked(subject, case, layered=vector.layered)
        got = {"output": answer["output"], "state": assertions.joined(subject, case.config, answer["state"])}
        for what, value in got.items():
            error = vector.bound(what, subject.dtype)
            want = ErrorBounded(vector.expected(what), subject.arithmetic, error)
            assert_close(subject, f"{vector.name}: {what}", value, want)

    return test


def asked(subject: Subject, case: StepCase | SequenceCase, *, layered: bool) -> Mapping[str, Any]:
    """Return the implementation's answer: output and state."""
    if isinstance(case, StepCase):
        return subject.step(case)
    subject.example.tags |= tags(subject, case)
    given: dict[str, Any] = {
        "mask": case.mask,
        "initial_state": subject.tensors(case),
        "options": {"return_sequences": True, **case.options, "return_state": True},
    }
    if layered:
        given |= {"wrapper": "layer", "timespans": case.timespans}
    answer: Mapping[str, Any] = subject.request("sequence", **subject.case_params(case), **given)
    return answer


Player = Callable[[Any], list[Verdict]]
"""A function that judges a document of vectors or a failing example. Raises NotAnExample."""


def by_reference(document: Any) -> list[Verdict]:
    """Return the verdicts of the reference, as an implementation, on a file."""
    cells = ReferenceCells()
    by_family = {cell["family"]: cell for cell in cells.describe()["cells"]}
    if document["format"] == FORMAT:
        example = examples.stored(document)
        return [judged(example, Subject(cells, by_family[example.family], example.tier or PRECISION))]
    return [
        verdict
        for vector in vectors(document)
        for verdict in play(vector, partial(Subject, cells, by_family[vector.family]))
    ]


def by_target(on: ReplayTarget, pool: Pool) -> Player:
    """Return a player that gives a target's verdicts on a file."""

    def player(document: Any) -> list[Verdict]:
        if document["format"] == FORMAT:
            return replayed(examples.stored(document), on, pool)
        return [verdict for vector in vectors(document) for verdict in _played(vector, on, pool)]

    return player


def _played(vector: Vector, on: ReplayTarget, pool: Pool) -> list[Verdict]:
    cell = on.cell(vector.family)
    if cell is None:
        return [lacking(on, vector.clause, vector.spec, vector.family)]

    def opened(backend: str, tier: str) -> Subject:
        return on.subject(pool, HarnessKey.of(on.target, backend, tier), cell, tier)

    return [verdict for name in on.backends() for verdict in play(vector, partial(opened, name))]
