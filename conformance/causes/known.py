"""Keeps what a run knows of a cell's causes, so that no failure is explained twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import combinations, islice

from conformance.causes import candidates
from conformance.causes.evidence import (
    PROOF_STEPS,
    SEARCH_STEPS,
    Observation,
    alike,
    alters,
    departs,
    elsewhere,
    explains,
    is_near,
    needed,
    observe,
)
from conformance.causes.exceptions import common
from conformance.causes.laws import Change, Inapplicable, Law, OwnStep
from conformance.judging.subject import Subject
from conformance.judging.variants import find as find_variant
from conformance.spec.cases import Case, SequenceCase, StepCase
from conformance.verdict import Cause, Failure

Holds = Callable[[Law], bool]
"""Tells whether the failing example holds under a law."""

SHRINK_CALLS, SHRINK_ALL, SHRINK_LEAST = 150, 450, 15
"""New cases that shrinking may send to a cell: for a failure, for all, and for one when these are spent."""

SCANS = 4
"""Searches for a cause without success, after which none is begun."""

TOGETHER = 3
"""The most of the known changes that are put together."""

MOST = 8
"""The most fitting laws to compare. The one that explains most other steps is named, the first of equals."""

FORMULA = ("mode", "solver")
"""The arguments that select a formula; a cell behind an LSTM has its own in the argument "cell"."""


@dataclass
class KnownCauses:
    """The causes of one cell on one backend."""

    family: str
    changes: list[Change] = field(default_factory=list)
    """The changes of the specification, in the order in which they were found."""
    raised: dict[str, Cause] = field(default_factory=dict)
    """The exceptions, by what they have in common."""
    symptoms: dict[str, Cause] = field(default_factory=dict)
    """The clauses that stand for all that meet a symptom."""
    shrunk: int = 0
    """Cases that shrinking sent."""
    in_vain: dict[str, Cause | None] = field(default_factory=dict)
    """The formulas whose failures have no known cause, with the clause that is named as cause instead."""
    sequences_in_vain: int = 0
    """Searches for a fault of folding steps, without success."""
    made: dict[tuple[str, ...], Law | None] = field(default_factory=dict)
    """Laws by the names of their changes; None if these exclude each other."""

    @property
    def shrink_calls(self) -> int:
        """Return the number of cases that shrinking the next failure may send."""
        return max(SHRINK_LEAST, min(SHRINK_CALLS, SHRINK_ALL - self.shrunk))

    def laws(self) -> Iterator[Law]:
        """Yield the laws of one known change, then those of several."""
        for size in range(1, min(TOGETHER, len(self.changes)) + 1):
            for chosen in combinations(self.changes, size):
                if law := self._law(chosen):
                    yield law

    def _law(self, changes: tuple[Change, ...]) -> Law | None:
        key = tuple(change.cause.name for change in changes)
        if key not in self.made:
            with suppress(Inapplicable):
                self.made[key] = Law(self.family, changes)
        return self.made.setdefault(key, None)

    def met(self, failure: Failure) -> Cause | None:
        """Return the cause of an exception, or of a symptom, that was met before."""
        return self.raised.get(common(failure)) if failure.raised else self.symptoms.get(failure.symptom)

    def add_exception(self, failure: Failure) -> Cause:
        """Return the cause of an exception, from now on that of all its like."""
        key = common(failure)
        cause = Cause("place", key, failure.summary, failure.raised.get("place", ""))
        return self.raised.setdefault(key, cause)

    def add_symptom(self, failure: Failure, cause: Cause) -> None:
        """Let a clause stand for all others that meet the symptom of its failure."""
        if failure.symptom:
            self.symptoms.setdefault(failure.symptom, cause)

    def departed(self, subject: Subject, case: Case | None) -> Cause | None:
        """Return the clause that stands for all that take a step by the formula of a case, if it fails."""
        return self.in_vain.get(formula(subject, case)) if isinstance(case, StepCase) else None

    def own_step(self, subject: Subject, case: Case | None) -> OwnStep | None:
        """Return the law of the cell's own step, if that departs unexplained, for a case of several steps."""
        cause = self.in_vain.get(formula(subject, case)) if isinstance(case, SequenceCase) else None
        return OwnStep(cause) if cause else None

    def add_unexplained(self, subject: Subject, case: Case | None, cause: Cause) -> None:
        """Let the first clause whose values fail stand for all others about steps by its case's formula."""
        if isinstance(case, StepCase) and self.in_vain.get(formula(subject, case), cause) is None:
            self.in_vain[formula(subject, case)] = cause

    def find(self, subject: Subject, case: StepCase, *, variants: bool) -> Law | None:
        """Look for changes that explain a failing step; the next searches know them."""
        key = formula(subject, case)
        if key in self.in_vain or len(self.in_vain) >= SCANS:
            return None
        seen = list(observe(subject, [case, *alike(subject, case, range(SEARCH_STEPS))]))
        if not any(departs(subject, one) for one in seen) or self._is_explained(subject, seen):
            return None  # the fault is not in the step
        law = self._convention(subject, seen) if variants else None
        if law and explains(subject, law, seen):
            return law
        fresh = list(observe(subject, alike(subject, case, range(SEARCH_STEPS, SEARCH_STEPS + PROOF_STEPS))))
        if 2 * len(fresh) < PROOF_STEPS:
            return None  # too few to prove anything by
        for base in self._bases():
            for laws in self._candidates(subject, base, seen, variants=variants):
                fits = list(islice(_fitting(subject, laws, seen), MOST))
                if fits and (law := self._proven(subject, case, fits, seen, fresh, base)):
                    return law
        self.in_vain.setdefault(key, None)
        return None

    def _convention(self, subject: Subject, seen: list[Observation]) -> Law | None:
        """Return the law of the documented variant that fits the cell, if it is not known yet."""
        variant = find_variant(subject)
        change = Change.convention(variant)
        if not variant or change.cause.name in {known.cause.name for known in self.changes}:
            return None
        law = Law(self.family, [change])
        shown = sum(departs(subject, one) and explains(subject, law, [one]) for one in seen)
        self.changes.append(_proof(change, shown))
        return self._law((self.changes[-1],))

    def _is_explained(self, subject: Subject, seen: list[Observation]) -> bool:
        """Tell whether the changes that are known already explain all these steps."""
        return any(explains(subject, law, seen) for law in self.laws())

    def find_in_sequence(self, holds: Holds) -> Law | None:
        """Look for a fault of folding a step over a sequence under which the failing example holds."""
        if self.sequences_in_vain >= SCANS:
            return None
        for base in self._bases():
            for change in candidates.of_sequences():
                with suppress(Inapplicable):
                    if holds(Law(self.family, (*base, change))):
                        self.changes.append(change)
                        return self._law((*base, change))
        self.sequences_in_vain += 1
        return None

    def _bases(self) -> list[tuple[Change, ...]]:
        """Return the changes that another may be added to: none, and all that are known."""
        return [(), tuple(self.changes)] if self.changes else [()]

    def _candidates(
        self, subject: Subject, base: tuple[Change, ...], seen: list[Observation], *, variants: bool
    ) -> Iterator[Iterator[Law]]:
        """Yield the laws to try, single changes first; two only where no search was in vain before."""

        def effective(change: Change) -> bool:
            return alters(subject, Law(self.family, (change,)), seen)

        yield candidates.single(subject.family, base, variants=variants)
        if not self.in_vain:
            yield from candidates.double(subject.family, base, effective, variants=variants)

    def _proven(
        self,
        subject: Subject,
        case: StepCase,
        fits: list[Law],
        seen: list[Observation],
        fresh: list[Observation],
        base: tuple[Change, ...],
    ) -> Law | None:
        """Return the law that also explains fresh steps, and most of those by other formulas."""
        both = [*seen, *fresh]
        proven = [
            law
            for law in fits
            if not self._knows(law, base)
            and explains(subject, law, fresh)
            and _tells(subject, law, base, both)
        ]
        if not proven:
            return None
        others = list(observe(subject, elsewhere(subject, case))) if len(proven) > 1 else []
        law = max(proven, key=lambda one: sum(explains(subject, one, [other]) for other in others))
        shown = sum(departs(subject, one) for one in both)
        new = [_proof(change, shown) for change in law.changes if change not in base]
        self.changes += new
        return self._law((*base, *new))

    def _knows(self, law: Law, base: tuple[Change, ...]) -> bool:
        """Tell whether a law adds to `base` what is known already, which did not explain the example."""
        names = {change.cause.name for change in self.changes}
        return any(change.cause.name in names for change in law.changes if change not in base)


def _fitting(subject: Subject, laws: Iterator[Law], seen: list[Observation]) -> Iterator[Law]:
    for law in laws:
        if all(is_near(subject, law, one) for one in seen) and explains(subject, law, seen):
            yield law


def _tells(subject: Subject, law: Law, base: tuple[Change, ...], seen: list[Observation]) -> bool:
    """Tell whether it is decided that the cell has each of the changes that a law adds to `base`."""
    added = [change for change in law.changes if change not in base]
    rests = (Law(law.family, [other for other in law.changes if other is not change]) for change in added)
    return all(needed(subject, law, rest, seen) for rest in rests)


def _proof(change: Change, steps: int) -> Change:
    return replace(change, cause=replace(change.cause, proven=steps))


def formula(subject: Subject, case: Case) -> str:
    """Return the arguments that select the formula of a step, and the precision, as a key."""
    full = subject.family.full(case.config)
    inner = full.get("cell") or {"class_name": "", "config": {}}
    said = {**inner["config"], **full}
    return f"{subject.dtype} {inner['class_name']} {[(name, said.get(name)) for name in FORMULA]}"
