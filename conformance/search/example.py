"""Describes a failing example as plain JSON, as `conformance replay` reads it."""

from __future__ import annotations

from typing import Any

from conformance._version import __version__
from conformance.driver.implementation import HarnessFault
from conformance.judging.subject import Subject
from conformance.spec.encoding import encode, plain
from conformance.verdict import Failure

FORMAT = "ncps-conformance example"
FORMAT_VERSION = 1


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
