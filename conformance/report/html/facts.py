"""The contents of the page's panel for a clause on a cell: plain JSON values, with numbers as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.report.failures import Finding, details
from conformance.report.html.view import Entry, mark
from conformance.report.values import duration, ratio
from conformance.spec.clauses import Clause
from conformance.verdict import Verdict

WIDTH = 88
"""Characters in a line of a case."""


def entry_facts(entry: Entry, clauses: Mapping[str, Clause]) -> dict[str, Any]:
    """Return the panel's facts about an entry, in plain JSON values, with numbers as text."""
    facts: dict[str, Any] = {
        "mark": entry.mark.sign,
        "tone": entry.mark.tone,
        "meaning": entry.mark.meaning,
        "tiers": [tier_facts(verdict) for verdict in entry.verdicts],
    }
    reasons = dict.fromkeys(said for verdict in entry.verdicts for said in reasons_of(verdict))
    if reasons:
        facts["reasons"] = list(reasons)
    if entry.follows:
        facts["causes"] = [f"cause {one.number}: {one.title} ({one.known_by})" for one in entry.follows]
    failing = [verdict for verdict in entry.verdicts if verdict.failure]
    if failing:
        finding = Finding(tuple(failing))
        facts["failure"] = failure_facts(finding, clauses)
    return facts


def reasons_of(verdict: Verdict) -> Iterator[str]:
    """Yield the reasons of the outcome, and the entry of the list of known failures."""
    known = verdict.known
    if verdict.reason:
        yield verdict.reason
    if known.get("link"):
        yield str(known["link"])
    if known.get("stale"):
        yield f"listed as a known failure, but {known['stale']}"


def tier_facts(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as a line of a table."""
    sign = mark(verdict.outcome)
    return {
        "tier": verdict.tier or "",
        "mark": sign.sign,
        "tone": sign.tone,
        "meaning": sign.meaning,
        "worst": ratio(verdict.worst),
        "examples": verdict.examples,
        "values": verdict.values,
        "undecided": verdict.undecided,
        "left_out": verdict.refused + verdict.kinks,
        "took": duration(verdict.seconds),
    }


def failure_facts(finding: Finding, clauses: Mapping[str, Clause]) -> dict[str, Any]:
    """Return the smallest failing case: its details, by name, and the script; not what stands beside it."""
    elsewhere = ("demands", "cause")
    said = [[label, text.plain] for label, text in details(finding, clauses, WIDTH) if label not in elsewhere]
    failure = finding.first.failure
    return {"details": said, "script": failure.script if failure else ""}
