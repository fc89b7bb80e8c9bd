"""Failures as annotations of GitHub Actions: lines of a log that its page shows above everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.report.failures import Finding, findings, places
from conformance.report.status import UNSETTLED
from conformance.report.values import listed
from conformance.spec.clauses import Clause
from conformance.verdict import Report

MOST = 10
"""The most annotations of a kind that GitHub shows from one step."""


def annotated(report: Report, clauses: Mapping[str, Clause]) -> Iterator[str]:
    """Yield a line for each failure, as many as are shown; the last line counts the others."""
    found = [finding for finding in findings(report.verdicts) if finding.first.level == "MUST"]
    shown = found if len(found) <= MOST else found[: MOST - 1]
    for finding in shown:
        yield _annotation(finding, clauses)
    if len(found) > len(shown):
        yield command(
            "error", "conformance", f"{len(found) - len(shown)} more; all stand in the job's summary"
        )
    if not report.complete:
        yield command(
            "error", "conformance: a partial report", "\n".join(report.notes) or "the run was cut short"
        )


def _annotation(finding: Finding, clauses: Mapping[str, Clause]) -> str:
    first = finding.first
    target = first.target if first.target != first.cell else ""
    title = " · ".join(filter(None, (first.clause, target, listed(places(finding.verdicts)))))
    demand = clauses[first.clause].demand if first.clause in clauses else ""
    kind = "error" if first.outcome == "fail" or first.outcome in UNSETTLED else "notice"
    return command(
        kind, title, "\n".join(filter(None, (finding.summary, demand and f"The clause: {demand}")))
    )


def command(kind: str, title: str, message: str) -> str:
    """Return a workflow command, escaped by its rules: no character in it ends a line or a property."""
    return f"::{kind} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
