"""Plays an example again, to see whether its failure repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from conformance.driver.implementation import HarnessFault, MethodUnresponsive, NotSupported
from conformance.judging.registry import Check
from conformance.judging.subject import Nonconformance, Subject
from conformance.search.document import document_failure
from conformance.search.plan import Plan
from conformance.search.record import Recording, Shrinking
from conformance.verdict import Failure


def repeats(check: Check, subject: Subject, plan: Plan) -> bool:
    """Tell whether the last example fails again in another process.

    It is tried in the process that sees failing examples only and, if it passes there, in a fresh one.
    """
    recorded = subject.example
    assert isinstance(recorded, Recording)
    confirmers = subject.confirmers()
    while True:
        try:
            if (process := next(confirmers, None)) is None:
                return False
            apart = replace(subject, implementation=process, tally=replace(subject.tally))
            if play(check, apart, plan, recorded.drawn, recorded.number) is not None:
                return True
        except MethodUnresponsive:
            raise
        except (HarnessFault, NotSupported):  # this process does not get so far
            continue


def play(check: Check, subject: Subject, plan: Plan, drawn: Sequence[Any], number: int = 0) -> Failure | None:
    """Return the failure of the example of these values; None if it passes. Hypothesis is not needed.

    Raises:
        NotSupported: the implementation does not offer what the clause is about.
    """
    recording, values = Recording(Shrinking(), number), iter(drawn)
    subject.example = recording
    try:
        check.body(subject, recording.drawing(lambda _: next(values)))
    except Nonconformance as departure:
        return document_failure(check, subject, plan, departure.failure)
    except HarnessFault as fault:
        failure = document_failure(check, subject, plan, ended(subject, fault))
        subject.implementation.restart()  # for the clauses that come after
        return failure
    return None


def ended(subject: Subject, fault: HarnessFault) -> Failure:
    """Return the failure of a harness that ended or hung, in one line with its last output."""
    return subject.departure(" ".join(str(fault).split()), symptom=fault.symptom).failure
