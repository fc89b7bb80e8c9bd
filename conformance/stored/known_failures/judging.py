"""Judges the clauses that are listed as known failures."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.judging.tally import Tally
from conformance.options import RunOptions
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause, judge_example, learn_cause
from conformance.stored.examples import StoredExample
from conformance.stored.known_failures.entries import Entry, load, named_causes
from conformance.verdict import Outcome, Verdict

Judged = tuple[str, Mapping[str, str | None], Mapping[str, Any]]
"""A clause, its place, and the harness's description."""


def listed(asked: RunOptions) -> tuple[Entry, ...]:
    """Return the run's known failures: the entries of its file, or of that to which it adds.

    Raises UsageError.
    """
    added = asked.write_known_failures
    path = asked.known_failures or (added if added and added.exists() else None)
    return load(path) if path else ()


def unmatched(entries: Iterable[Entry], judged: Sequence[Judged], ids: Iterable[str]) -> list[str]:
    """Return the entries that are about a judged clause and place, and match nothing there.

    Args:
        judged: all clauses and places of the run, in this part of it or another.
        ids: every clause of the specification; an entry about none of them matches nothing anywhere.
    """
    known = list(ids)
    return [
        entry.name
        for entry in entries
        if (entry.clause and not fnmatch.filter(known, entry.clause))
        or (
            (asked := [one for one in judged if entry.concerns(*one)])
            and not any(entry.covers(*one) for one in asked)
        )
    ]


def matched(entries: Iterable[Entry], judged: Sequence[Judged]) -> list[str]:
    """Return the entries that cover something of the judged."""
    return [entry.name for entry in entries if any(entry.covers(*one) for one in judged)]


PASSES = "passes now: remove the entry"
UNFIT = "its example does not fit the test that the suite has now: write the entry anew"
UNASKED = "its example cannot be played: {reason}"

LUCK: tuple[Outcome, ...] = ("fail", "error", "not reproducible")
"""The possible outcomes of a clause that fails by chance."""


def judge_listed(check: Check, subject: Subject, plan: Plan, entry: Entry) -> Verdict:
    """Return the verdict on a listed clause: of its example alone or, if that passes, of a search."""
    if entry.flaky:
        verdict = judge_clause(check, subject, plan)
        return verdict if subject.tally.given_up else _known(verdict, entry, LUCK)
    place = {"cell": subject.cell["name"], "backend": subject.backend}
    example = entry.example(check.clause, {**place, "tier": subject.dtype if check.numerical else None})
    assert example is not None
    played = _played(check, subject, plan, example)
    if subject.tally.given_up:  # that is not known, and settles nothing
        return played
    if played.outcome == "fail":
        return _known(played, entry, ("fail",))
    subject.tally = Tally()
    searched = judge_clause(check, subject, plan)
    if subject.tally.given_up:
        return searched
    allowed = LUCK if played.outcome == "error" else LUCK[2:]
    return _known(searched, entry, allowed, _outdated(played))


def judge_by_causes(check: Check, subject: Subject, plan: Plan, entries: Sequence[Entry]) -> Verdict:
    """Return the verdict on a clause, by search: a known failure if each of its causes is listed.

    An entry whose example is of this clause is replayed first, so that its cause is known to the search.
    """
    stale = dict(_stale(check, subject, plan, entries))
    verdict = judge_clause(check, subject, plan)
    listed = {entry.cause: entry for entry in reversed(entries)}
    causes = named_causes(verdict)
    if verdict.outcome == "fail" and causes and set(causes) <= set(listed):
        entry = listed[causes[0]]
        return _known(verdict, entry, ("fail",), stale.get(entry.number, ""))
    outdated = next((entry for entry in entries if entry.number in stale), None)
    return _known(verdict, outdated, (), stale[outdated.number]) if outdated else verdict


def _stale(check: Check, subject: Subject, plan: Plan, entries: Sequence[Entry]) -> Iterator[tuple[int, str]]:
    """Replay the examples that are of this clause; yield the entries whose example does not fail."""
    place = {"cell": subject.cell["name"], "backend": subject.backend}
    place |= {"tier": subject.dtype if check.numerical else None}
    for entry in entries:
        example = entry.example(check.clause, place) if entry.names(check.clause) else None
        if example is None:
            continue
        played = _played(check, subject, plan, example)
        if played.outcome == "fail":
            learn_cause(check, subject, plan, played)
        elif not subject.tally.given_up:
            yield entry.number, _outdated(played)
        subject.tally = Tally()


def _outdated(played: Verdict) -> str:
    """Return what is wrong with an entry whose example does not fail."""
    return {"pass": PASSES, "error": UNFIT}.get(played.outcome, UNASKED.format(reason=played.reason))


def _played(check: Check, subject: Subject, plan: Plan, example: StoredExample) -> Verdict:
    """Return the verdict on the example.

    If it passes, replay it in a fresh process and return that verdict.
    """
    played = judge_example(check, subject, plan, example.drawn, example.number)
    if played.outcome != "pass":
        return played
    subject.renew()
    return judge_example(check, subject, plan, example.drawn, example.number)


def _known(verdict: Verdict, entry: Entry, allowed: tuple[Outcome, ...], stale: str = "") -> Verdict:
    """Return the verdict with the entry's data: a known failure if its outcome is one of `allowed`."""
    said = {"entry": entry.number, "reason": entry.reason, "link": entry.link}
    said |= {"cause": entry.cause} if entry.cause else {}
    if verdict.outcome not in allowed:
        return replace(verdict, known={**said, "stale": stale})
    reason = entry.reason + (f" ({entry.link})" if entry.link else "")
    stale = stale if stale == UNFIT else ""
    return replace(verdict, outcome="known failure", reason=reason, known={**said, "stale": stale})
