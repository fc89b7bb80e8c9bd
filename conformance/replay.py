"""Stored examples, played again on any target of the same family: no search, no Hypothesis, no luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance import clauses, options
from conformance.checks import every
from conformance.examples import StoredExample
from conformance.options import RunOptions
from conformance.pool import CannotBeJudged, Place, Pool, described
from conformance.subject import Subject
from conformance.trial import PRECISION, Plan, judge_example
from conformance.verdict import Verdict


@dataclass(frozen=True)
class Stage:
    """A target, found and asked what it offers."""

    options: RunOptions
    """Of one target, its backends settled."""
    description: Mapping[str, Any]

    @property
    def target(self) -> str:
        return self.options.targets[0]

    def cell(self, example: StoredExample) -> dict[str, Any]:
        """The cell to play it on: that of the same name, or another of its family. Raises CannotBeJudged."""
        cells = [cell for cell in self.description["cells"] if cell["family"] == example.family]
        if not cells:
            raise CannotBeJudged(f"{self.target} has no cell of the family {example.family!r}")
        return dict(min(cells, key=lambda cell: cell["name"] != example.cell))

    def backends(self, example: StoredExample) -> Sequence[str]:
        """Those that were asked for, or that on which it failed, or the last, which Keras starts fastest."""
        found = self.options.backends
        if self.options.named:
            return found
        return [example.backend if example.backend in found else found[-1]]


def stage(asked: RunOptions) -> Stage:
    """The target of `asked`, ready to be played on. Raises UsageError or CannotBeJudged."""
    found = options.resolve(asked, clauses.load().clauses)
    about = described(found, found.targets[0])
    return Stage(options.settled(found, {found.targets[0]: about}), about)


def replay(examples: Sequence[StoredExample], on: Stage) -> list[Verdict]:
    """The verdict of each example on each backend that it is played on. Raises CannotBeJudged."""
    pool = Pool(replace(on.options, jobs=1))
    try:
        return [
            _replayed(example, on, pool, backend) for example in examples for backend in on.backends(example)
        ]
    finally:
        pool.close()


def _replayed(example: StoredExample, on: Stage, pool: Pool, backend: str) -> Verdict:
    check, cell = every()[example.clause], on.cell(example)
    place = Place.of(on.target, backend, example.tier, exchange=check.backends > 1)
    others = tuple(name for name in on.options.backends if name != backend)
    subject = Subject(pool.at(place), cell, example.tier or PRECISION, pool=pool, other_backends=others)
    plan = Plan(1, seed=0, variant="strict", spec=clauses.load(example.spec))
    return judge_example(check, subject, plan, example.drawn)
