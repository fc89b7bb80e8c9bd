"""Joins the failures that meet one symptom, whatever processes judged them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from conformance.verdict import Cause, Verdict


def joined(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """Yield the verdicts; the first clause that meets a symptom is the cause of all that meet it.

    A process that judges some of a cell's clauses knows the symptoms of these alone.
    """
    first: dict[tuple[str, ...], Cause] = {}
    for verdict in verdicts:
        symptom = verdict.failure.symptom if verdict.failure else ""
        if symptom and [cause.kind for cause in verdict.causes] == ["clause"]:
            subject = (verdict.target, verdict.cell, verdict.backend)
            cause = first.setdefault((*subject, symptom), verdict.causes[0])
            yield replace(verdict, causes=[cause])
        else:
            yield verdict
