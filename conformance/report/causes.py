"""The causes of a run's failures: each once, with the clauses that fail for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.report.status import group_by
from conformance.report.values import count
from conformance.verdict import Cause, CauseKind, Verdict

ORDER: tuple[CauseKind, ...] = ("convention", "fault", "place", "clause")
"""The kinds of causes, those that explain most first."""


@dataclass(frozen=True)
class CauseFound:
    """A cause of failures of one target, and the verdicts that name it."""

    cause: Cause
    verdicts: tuple[Verdict, ...]

    @property
    def clauses(self) -> list[str]:
        """Return the clauses that fail for it."""
        return list(dict.fromkeys(verdict.clause for verdict in self.verdicts))

    @property
    def first(self) -> Verdict:
        """Return the verdict whose example shows it best: of it alone, in float64, with the smallest case."""
        return min(self.verdicts, key=lambda v: (len(v.causes) > 1, v.tier != "float64", _size(v)))

    @property
    def level(self) -> str:
        """Return MUST if a clause that must hold fails for it."""
        return min(verdict.level for verdict in self.verdicts)


def causes_found(verdicts: Iterable[Verdict]) -> list[CauseFound]:
    """Return the causes of the failures of one target, those that explain most clauses first."""
    named = [
        (cause, verdict) for verdict in verdicts if verdict.outcome == "fail" for cause in causes_of(verdict)
    ]
    groups = group_by(named, lambda pair: (pair[0].kind, pair[0].name)).values()
    found = [
        CauseFound(max((cause for cause, _ in group), key=_proof), tuple(verdict for _, verdict in group))
        for group in groups
    ]
    return sorted(found, key=lambda one: (one.level, ORDER.index(one.cause.kind), -len(one.clauses)))


def causes_of(verdict: Verdict) -> list[Cause]:
    """Return the causes of a failure: the clause itself, where no other is known."""
    summary = verdict.failure.summary if verdict.failure else verdict.reason
    return verdict.causes or [Cause("clause", verdict.clause, summary)]


def stands_alone(verdict: Verdict) -> bool:
    """Tell whether a failure follows from nothing else."""
    return any(cause.kind == "clause" and cause.name == verdict.clause for cause in causes_of(verdict))


def summarize(found: list[CauseFound]) -> str:
    """Return the number of causes, and how many of the failing clauses they explain, in words."""
    failing = {clause for one in found for clause in one.clauses}
    alone = {one.cause.name for one in found if one.cause.kind == "clause"}
    explained = len(failing - alone)
    clauses = count(len(failing), "clause")
    if not alone:
        verb = "explains" if len(found) == 1 else "explain"
        return f"{count(len(found), 'cause')} {verb} all {clauses} that fail"
    if not explained:
        return f"{clauses} fail, each by itself" if len(failing) > 1 else "1 clause fails"
    return f"{count(len(found), 'cause')} of {clauses} that fail: {explained} follow from another"


def _proof(cause: Cause) -> tuple[int, bool]:
    return cause.proven, bool(cause.place)


def _size(verdict: Verdict) -> int:
    return len(verdict.failure.script) if verdict.failure else 0
