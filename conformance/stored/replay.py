"""Replays stored examples on any target of the same family: no search, no Hypothesis, no randomness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from conformance import options
from conformance.driver.pool import HarnessKey, Pool
from conformance.judging.registry import PRECISION, every
from conformance.judging.subject import Subject
from conformance.options import RunOptions
from conformance.options.describing import described
from conformance.oracle.reference_cells import ReferenceCells
from conformance.search.plan import Plan
from conformance.search.trial import judge_example
from conformance.spec import clauses
from conformance.stored.examples import StoredExample
from conformance.verdict import Verdict


@dataclass(frozen=True)
class ReplayTarget:
    """A target with its description."""

    options: RunOptions
    """The options of one target, with its backends resolved."""
    description: Mapping[str, Any]

    @property
    def target(self) -> str:
        return self.options.targets[0]

    def cell(self, family: str, name: str = "") -> dict[str, Any] | None:
        """Return the cell to judge: that of the name, or another of the family; None if there is none."""
        cells = [cell for cell in self.description["cells"] if cell["family"] == family]
        return min(cells, key=lambda cell: cell["name"] != name, default=None)

    def subject(self, pool: Pool, place: HarnessKey, cell: Mapping[str, Any], tier: str | None) -> Subject:
        """Return the cell as a subject at this place and tier."""
        others = tuple(name for name in self.options.backends if name != place.backend)
        return Subject(pool.at(place), cell, tier or PRECISION, pool=pool, other_backends=others)

    def backends(self, nearest: str = "") -> Sequence[str]:
        """Return the requested backends; or the nearest; or the last, which Keras starts fastest."""
        named = self.options.backends
        if self.options.named:
            return named
        return [nearest if nearest in named else named[-1]]


def stage(asked: RunOptions) -> ReplayTarget:
    """Return the target of `asked`, ready for a replay. Raises UsageError or CannotBeJudged."""
    resolved = options.resolve(asked, clauses.load().clauses)
    with Pool(resolved) as pool:
        about = described(resolved, resolved.targets[0], pool)
    return ReplayTarget(options.settled(resolved, {resolved.targets[0]: about}), about)


@contextmanager
def harnesses(on: ReplayTarget) -> Iterator[Pool]:
    """Yield the harnesses of a target, kept during a replay: each example uses several in turn."""
    with Pool(replace(on.options, jobs=1), keeps=True) as pool:
        yield pool


def replay(examples: Sequence[StoredExample], on: ReplayTarget) -> list[Verdict]:
    """Return the verdict on each example on each backend."""
    with harnesses(on) as pool:
        return [verdict for example in examples for verdict in replayed(example, on, pool)]


def replayed(example: StoredExample, on: ReplayTarget, pool: Pool) -> list[Verdict]:
    """Return the verdict on one example on each backend; one verdict if the target lacks the family."""
    cell = on.cell(example.family, example.cell)
    if cell is None:
        return [lacking(on, example.clause, example.spec, example.family)]
    exchange = every()[example.clause].backends > 1
    places = [
        HarnessKey.of(on.target, name, example.tier, exchange=exchange)
        for name in on.backends(example.backend)
    ]
    verdicts = [judged(example, on.subject(pool, place, cell, example.tier)) for place in places]
    return [fair(verdict, example) for verdict in verdicts]


def lacking(on: ReplayTarget, clause: str, spec: str, family: str) -> Verdict:
    """Return the verdict on a target that has no cell of the family."""
    level = clauses.load(spec).clauses[clause].level
    reason = f"{on.target} has no cell of the family {family!r}"
    return Verdict(clause, level, on.target, "", "", None, "not applicable", reason=reason)


def fair(verdict: Verdict, example: StoredExample) -> Verdict:
    """Return the verdict, but an error if the reference fails the example too: then it fits no cell."""
    if verdict.outcome != "fail":
        return verdict
    cells = ReferenceCells()
    (cell,) = [one for one in cells.describe()["cells"] if one["family"] == example.family]
    by_reference = judged(example, Subject(cells, cell, example.tier or PRECISION))
    if by_reference.outcome in ("pass", "not applicable"):
        return verdict
    why = by_reference.failure.summary if by_reference.failure else by_reference.reason
    reason = f"the reference does not follow the example either: {why}"
    return replace(verdict, outcome="error", reason=reason, failure=None)


def judged(example: StoredExample, subject: Subject) -> Verdict:
    """Return the verdict on one example on a subject."""
    plan = Plan(1, seed=0, variant="strict", spec=clauses.load(example.spec))
    return judge_example(every()[example.clause], subject, plan, example.drawn, example.number)
