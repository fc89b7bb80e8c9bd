"""Failures that meet one symptom have one cause, whatever processes judged them."""

from __future__ import annotations

from dataclasses import replace

from conformance.report.symptoms import joined
from conformance.verdict import Cause, Failure, Verdict


def failing(clause: str, symptom: str, *, cell: str = "CfCCell", kind: str = "clause") -> Verdict:
    """Return a failure whose cause is the clause itself, as a process says that met its symptom first."""
    failure = Failure("off", symptom=symptom)
    cause = Cause(kind, clause, "off")  # type: ignore[arg-type]
    return Verdict(clause, "MUST", "a:Cell", cell, "torch", None, "fail", causes=[cause], failure=failure)


def test_the_first_clause_that_meets_a_symptom_is_the_cause_of_all() -> None:
    first, second = failing("gradient.inputs", "wrong"), failing("gradient.precision", "wrong")
    assert list(joined([first, second])) == [first, replace(second, causes=first.causes)]


def test_other_symptoms_cells_and_causes_stay_apart() -> None:
    others = [
        failing("gradient.inputs", "wrong"),
        failing("state.sizes", "another"),
        failing("state.rows", ""),
        failing("state.pure", ""),
        failing("gradient.state", "wrong", cell="LTCCell"),
        failing("gradient.timespans", "wrong", kind="fault"),
    ]
    assert list(joined(others)) == others
