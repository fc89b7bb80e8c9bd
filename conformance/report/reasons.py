"""Reasons why something was not judged, or is excused: each reason once, with its clauses and places."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from conformance.report.failures import alike, places
from conformance.report.status import group_by
from conformance.report.table import MARKS
from conformance.report.values import listed
from conformance.verdict import Outcome, Verdict

Group = tuple[str, str, tuple[str, ...]]
"""A reason, the tier unless it is both, and the clauses."""


def print_reasons(console: Console, verdicts: list[Verdict], outcome: Outcome, title: str) -> None:
    """Print each reason for `outcome` once, with the clauses, cells, backends and tiers that it concerns."""
    groups = _by_reason(verdicts, outcome)
    if not groups:
        return
    mark, style, _ = MARKS[outcome]
    console.print()
    console.print(Text.assemble((f"{mark} ", style), (title, "bold")))
    for (reason, tier, ids), group in groups.items():
        said = Text(f"{reason or 'no reason given'}; {listed(places(group))}{tier}")
        console.print(Padding(said, (0, 0, 0, 2)))
        console.print(Padding(Text(", ".join(ids), "dim"), (0, 0, 0, 4)))
        for now in present(group):
            console.print(Padding(Text(f"now: {now}"), (0, 0, 0, 4)))


def _by_reason(verdicts: list[Verdict], outcome: Outcome) -> dict[Group, list[Verdict]]:
    """Return the verdicts by their reason, tier and clauses, over all cells and backends."""
    outcomes = {
        key: {verdict.outcome for verdict in group} for key, group in group_by(verdicts, _place).items()
    }

    def tier(verdict: Verdict) -> str:
        return f" in {verdict.tier}" if len(outcomes[_place(verdict)]) > 1 else ""

    concerned = [verdict for verdict in verdicts if verdict.outcome == outcome]
    merged: dict[Group, list[Verdict]] = {}
    for (reason, where, *_), group in group_by(
        concerned, lambda v: (v.reason, tier(v), *_place(v)[1:])
    ).items():
        ids = tuple(dict.fromkeys(verdict.clause for verdict in group))
        merged.setdefault((reason, where, ids), []).extend(group)
    return merged


def _place(verdict: Verdict) -> tuple[str, str, str]:
    return verdict.clause, verdict.cell, verdict.backend


def present(verdicts: list[Verdict]) -> list[str]:
    """Return the current failures of known failures that neither reason nor cause states, once each."""
    said = [
        verdict.failure.summary
        for verdict in verdicts
        if verdict.known and not verdict.known.get("cause")
        if verdict.failure and alike(verdict.failure.summary) not in alike(verdict.reason)
    ]
    return [same[0] for same in group_by(said, alike).values()]
