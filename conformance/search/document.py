"""Describes a failing example as plain JSON, as `conformance replay` reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance._version import __version__
from conformance.driver.implementation import HarnessFault
from conformance.judging.compiling import NUMBERS
from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.search import script
from conformance.search.plan import Plan
from conformance.search.record import Recording
from conformance.spec.encoding import encode, plain
from conformance.verdict import Failure

FORMAT = "ncps-conformance example"
FORMAT_VERSION = 1


def document_failure(check: Check, subject: Subject, plan: Plan, failure: Failure) -> Failure:
    """Return the failure of the current example, with a script for a person and a document for `replay`."""
    recorded, tier = subject.example, subject.dtype if check.numerical else None
    assert isinstance(recorded, Recording)
    example = document(check.clause, plan.spec.version, tier, subject, recorded.drawn, failure)
    return replace(failure, script=script.write(subject), example=example)


def document(
    clause: str, spec: str, tier: str | None, subject: Subject, drawn: list[Any], failure: Failure
) -> dict[str, Any]:
    """Return the current example as plain JSON, by schemas/example.json."""
    made = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "spec": spec,
        "suite": __version__,
        "clause": clause,
        "target": subject.implementation.target,
        "versions": _versions(subject),
        "cell": subject.cell["name"],
        "family": subject.cell["family"],
        "backend": subject.backend,
        "tier": tier,
        "drawn": encode(drawn),
        "number": subject.example.number % NUMBERS,
        "summary": failure.summary,
        **{name: getattr(failure, name) for name in ("got", "want", "bound", "excess")},
    }
    document: dict[str, Any] = plain(made)
    return document


def _versions(subject: Subject) -> dict[str, str]:
    """Return the versions that the implementation runs with; nothing if it died before it reported them."""
    try:
        return dict(subject.implementation.describe().get("versions", {}))
    except HarnessFault:
        return {}
