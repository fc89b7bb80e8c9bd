"""The causes of a run's failures: each once, with the clauses that fail for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.report.status import group_by
from conformance.report.values import count, show_case
from conformance.verdict import Cause, CauseKind, Verdict

ORDER: tuple[CauseKind, ...] = ("convention", "fault", "place", "clause")
"""The kinds of causes, those that tell most first."""

ALIKE, CLEAR = 500, 1e6
"""The characters of a script by which examples differ in size; the error over its bound that anybody sees."""


@dataclass(frozen=True)
class CauseFound:
    """A cause of failures of one target, and the verdicts that name it."""

    number: int
    """Its number among the causes of the target, from 1."""
    cause: Cause
    verdicts: tuple[Verdict, ...]

    @property
    def kind(self) -> CauseKind:
        return self.cause.kind

    @property
    def name(self) -> str:
        return self.cause.name

    @property
    def what(self) -> str:
        return self.cause.what

    @property
    def place(self) -> str:
        return self.cause.place

    @property
    def clauses(self) -> list[str]:
        """Return the clauses that fail for it."""
        return list(dict.fromkeys(verdict.clause for verdict in self.verdicts))

    @property
    def title(self) -> str:
        """Return the cause in a line."""
        return titled(self.cause)

    @property
    def first(self) -> Verdict:
        """Return the verdict whose example shows it best."""
        return min(self.verdicts, key=self.rank)

    def rank(self, verdict: Verdict) -> tuple[object, ...]:
        """Return the key by which the best example is the first: of this cause alone, small and clear.

        Of several, that of the clause which is the first in the specification is the best.
        """
        own = self.kind == "clause" and verdict.clause != self.name
        joint, rounded = len(causes_of(verdict)) > 1, verdict.tier == "float32"
        script = verdict.failure.script if verdict.failure else ""
        excess = verdict.failure.excess if verdict.failure else None
        unclear = excess is not None and excess < CLEAR
        return own, verdict.failure is None, verdict.level, joint, len(script) // ALIKE, rounded, unclear

    @property
    def level(self) -> str:
        """Return MUST if a clause that must hold fails for it."""
        return min(verdict.level for verdict in self.verdicts)

    @property
    def known_by(self) -> str:
        """Return how it is known, or where it is, in words."""
        if self.kind == "clause":
            symptoms = {v.failure.symptom if v.failure else "" for v in self.verdicts}
            if len(self.clauses) > 1 and len(symptoms) == 1 and "" not in symptoms:
                return "the same symptom in each"
            numerical = any(v.failure and v.failure.excess is not None for v in self.verdicts)
            return "no known cause explains it" if numerical else "by itself"
        if self.kind == "place":
            return short_place(self.place) or "the same exception in each"
        return (
            f"proven on {count(self.cause.proven, 'step')}" if self.cause.proven else "proven on what failed"
        )


def causes_found(verdicts: Iterable[Verdict]) -> list[CauseFound]:
    """Return the causes of the failures of one target, by kind, then by number of clauses."""
    named = [
        (cause, verdict) for verdict in verdicts if verdict.outcome == "fail" for cause in causes_of(verdict)
    ]
    groups = group_by(named, lambda pair: (pair[0].kind, pair[0].name)).values()
    causes = [
        CauseFound(0, max((cause for cause, _ in group), key=_proof), tuple(verdict for _, verdict in group))
        for group in groups
    ]
    causes.sort(key=lambda one: (one.level, ORDER.index(one.kind), -len(one.clauses)))
    return [CauseFound(number, one.cause, one.verdicts) for number, one in enumerate(causes, 1)]


def causes_of(verdict: Verdict) -> list[Cause]:
    """Return the causes of a failure: the clause itself, where no other is known.

    A report of format 1 has no causes, but it names the variant under which a clause holds.
    """
    if verdict.causes:
        return verdict.causes
    if verdict.holds_under_variant and verdict.variant:
        said = show_case(verdict.variant)
        return [Cause("convention", said, f"computes with {said}, a documented variant")]
    return [Cause("clause", verdict.clause, verdict.failure.summary if verdict.failure else verdict.reason)]


def other_causes(verdicts: Iterable[Verdict]) -> Iterator[Cause]:
    """Yield the causes of failures, each once, but for the failing clauses themselves."""
    seen: set[tuple[str, str]] = set()
    for verdict in verdicts:
        for cause in causes_of(verdict) if verdict.outcome == "fail" else ():
            if (cause.kind, cause.name) not in seen | {("clause", verdict.clause)}:
                seen.add((cause.kind, cause.name))
                yield cause


def stands_alone(verdict: Verdict) -> bool:
    """Tell whether a failure follows from nothing else."""
    return any(cause.kind == "clause" and cause.name == verdict.clause for cause in causes_of(verdict))


def followed(verdicts: Iterable[Verdict], causes: Iterable[CauseFound]) -> list[CauseFound]:
    """Return those of the causes that the failures of a clause follow from, without the clause itself."""
    keys = {(cause.kind, cause.name) for cause in other_causes(verdicts)}
    return [one for one in causes if (one.kind, one.name) in keys]


def examples(causes: Iterable[CauseFound]) -> Iterator[tuple[CauseFound, Verdict]]:
    """Yield each cause with the verdict that shows it best; of different clauses, where possible."""
    seen: set[str] = set()
    for one in causes:
        best = min(one.verdicts, key=lambda v: (one.rank(v)[:2], v.clause in seen, one.rank(v)))
        seen.add(best.clause)
        yield one, best


def titled(cause: Cause) -> str:
    """Return a cause in a line: of a clause, with its name."""
    said = " ".join(cause.what.split())
    return f"{cause.name}: {said}" if cause.kind == "clause" else said.removesuffix(".")


def short_place(place: str) -> str:
    """Return a place, "file:line in function", with the name of the file without its folders."""
    return re.split(r"[/\\]", place)[-1]


def summarize(causes: list[CauseFound]) -> str:
    """Return the number of causes, and how many of the failing clauses they explain, in words."""
    failing = {clause for one in causes for clause in one.clauses}
    alone = {one.name for one in causes if one.kind == "clause"}
    explained = len(failing - alone)
    clauses = count(len(failing), "clause")
    if not alone:
        verb = "explains" if len(causes) == 1 else "explain"
        every = "the only clause that fails" if len(failing) == 1 else f"all {clauses} that fail"
        return f"{count(len(causes), 'cause')} {verb} {every}"
    if not explained:
        return "1 clause fails" if len(failing) == 1 else f"{clauses} fail, each by itself"
    follow = "follows" if explained == 1 else "follow"
    return f"{count(len(causes), 'cause')} of {clauses} that fail: {explained} {follow} from another"


def _proof(cause: Cause) -> tuple[int, bool]:
    return cause.proven, bool(cause.place)
