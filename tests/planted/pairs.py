"""Plants one or two changes of the specification, and measures whether a run names them.

    python -m tests.planted.pairs --count 200 --seed 1 [--write]     two at once
    python -m tests.planted.pairs --alone --count 400                each by itself

A pair is two faults written by hand, or one under a documented convention, of one family, drawn by seed. The
clauses of the family's step are judged in float64 as in a run, the reference with both changes standing for
the cell. Outcomes:

- named: the changes are named, and nothing else;
- equal: other changes are named, which compute the same on random steps of every formula;
- one named: one of the two, and nothing else: the other shows in too few of the examples of a quick look;
- with another: what is planted is named, and something besides, which explains a part of it;
- none: clauses fail, and no formula is named;
- unseen: no clause fails by the few examples of a quick look;
- wrong: what is named computes otherwise than the pair.

Exit status: 1 if an explanation is wrong, 0 otherwise.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from pathlib import Path
from typing import Any

import click
import numpy as np

from conformance.causes import candidates
from conformance.causes.evidence import SIZES
from conformance.causes.laws import CELL, Change, Inapplicable, Law
from conformance.judging import registry
from conformance.judging.subject import Subject
from conformance.oracle import source
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from conformance.spec.cases import StepCase, step_case
from conformance.spec.families import FAMILIES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "teeth"
AREAS = (*FAMILIES, "backbone", "time", "state")
"""The first words of the clauses of a step."""
CASES = 12
"""Random steps of each formula by which two laws are compared."""


@dataclass(frozen=True)
class Pair:
    """Two changes of a family, and what was named."""

    family: str
    planted: tuple[str, ...]
    named: tuple[str, ...]
    outcome: str


def judge(family: str, changes: Sequence[Change]) -> Pair:
    """Judge a cell with some changes, and return what is named."""
    law = Law(family, changes)
    subject = subject_of(law)
    verdicts = [judge_clause(check, subject, Plan(check.smoke, 0)) for check in checks_of(family)]
    known = next(iter(subject.causes.values())).changes
    planted, named = (tuple(change.cause.name for change in some) for some in (changes, known))
    seen = any(verdict.outcome == "fail" for verdict in verdicts)
    return Pair(family, planted, named, _outcome(family, changes, known) if seen else "unseen")


def _outcome(family: str, planted: Sequence[Change], named: Sequence[Change]) -> str:
    if not named:
        return "none"
    had, told = ({change.cause.name for change in some} for some in (planted, named))
    if had == told:
        return "named"
    if _equal(family, planted, named) or any(_equal(family, planted, [change]) for change in named):
        return "equal"
    if told < had:
        return "one named"
    return "with another" if had < told else "wrong"


def _equal(family: str, planted: Sequence[Change], named: Sequence[Change]) -> bool:
    """Tell whether two laws compute the same on random steps of every formula."""
    try:
        first, second = Law(family, planted), Law(family, named)
    except Inapplicable:
        return False
    subject = subject_of(first)
    return all(_alike(subject, case, first, second) for case in cases_of(subject))


def _alike(subject: Subject, case: StepCase, first: Law, second: Law) -> bool:
    try:
        pairs = zip(first.value(subject, case), second.value(subject, case), strict=True)
        return all(np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True) for one, other in pairs)
    except Inapplicable:
        return False


def cases_of(subject: Subject) -> Iterator[StepCase]:
    for form, sizes, seed in product(subject.forms, SIZES, range(CASES)):
        config = subject.config(sizes, **form)
        for time in ("column", "flat", "scalar", "none", "zero"):
            yield step_case(
                subject.family, config, sizes, recipe="normal", seed=seed, time=time, dtype="float64"
            )


def subject_of(law: Law) -> Subject:
    copies = source.with_changes(law.code)

    def formula(cell: Any, parameters: Any, inputs: Any, state: Any, time: Any) -> Any:
        return cell.family.reference(parameters, inputs, state, time, cell.config, law.variant)

    copies[CELL].Cell.formula = formula
    cells = copies["conformance.oracle.reference_cells"].ReferenceCells("two changes")
    about = next(cell for cell in cells.describe()["cells"] if cell["family"] == law.family)
    return Subject(cells, about, "float64")


def checks_of(family: str) -> list[registry.Check]:
    """Return the numerical clauses about a step of a family, in the specification's order."""
    every, spec = registry.every(), clauses.load().clauses
    return [
        every[id]
        for id, clause in spec.items()
        if family in clause.families and id.split(".")[0] in AREAS and "float64" in every[id].tiers
    ]


def draw(count: int, seed: int, *, alone: bool = False) -> list[tuple[str, tuple[Change, ...]]]:
    """Return changes that can be made together, as many of each family."""
    rng, found = random.Random(seed), []
    for family in FAMILIES:
        faults = candidates.written_faults(family)
        documented = candidates.conventions(FAMILIES[family])
        pairs = [*combinations(faults, 2), *product(documented, faults)]
        every: list[tuple[Change, ...]] = [(c,) for c in (*documented, *faults)] if alone else pairs
        rng.shuffle(every)
        possible = (pair for pair in every if _possible(family, pair))
        found += [(family, pair) for pair in islice(possible, -(-count // len(FAMILIES)))]
    return found[:count]


def _possible(family: str, pair: Sequence[Change]) -> bool:
    """Tell whether two changes can be made together, and each shows in a step."""
    try:
        return not any(_equal(family, [], [change]) for change in pair) and bool(Law(family, pair))
    except Inapplicable:
        return False


def table(pairs: Sequence[Pair], seed: int, *, alone: bool) -> str:
    """Return the outcomes as Markdown."""
    outcomes = ("named", "equal", "one named", "with another", "none", "unseen", "wrong")
    options = f"{'--alone ' * alone}--count {len(pairs)} --seed {seed}"
    lines = [
        f"Made by `python -m tests.planted.pairs {options} --write`.",
        "",
        f"| family | planted | {' | '.join(outcomes)} |",
        f"| --- | ---: |{' ---: |' * len(outcomes)}",
    ]
    for family in dict.fromkeys(pair.family for pair in pairs):
        counts = Counter(pair.outcome for pair in pairs if pair.family == family)
        numbers = " | ".join(str(counts[outcome]) for outcome in outcomes)
        lines.append(f"| {family} | {counts.total()} | {numbers} |")
    lines += ["", "| family | planted | named | |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {p.family} | {', '.join(p.planted)} | {', '.join(p.named)} | {p.outcome} |"
        for p in pairs
        if p.outcome != "named"
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--count", default=200, show_default=True, help="How many pairs.")
@click.option("--seed", default=1, show_default=True, help="The seed by which they are drawn.")
@click.option("--alone", is_flag=True, help="One change by itself, not two.")
@click.option("--write", is_flag=True, help="Write docs/teeth/pairs.md, or alone.md.")
def main(count: int, seed: int, alone: bool, write: bool) -> None:
    """Plant changes of the specification and tell which are named."""
    pairs = []
    with click.progressbar(draw(count, seed, alone=alone), file=sys.stderr, label="planting") as drawn:
        for family, changes in drawn:
            pairs.append(judge(family, changes))
            if pairs[-1].outcome != "named":
                click.echo(f"{family}: {pairs[-1].planted}: {pairs[-1].outcome}, {pairs[-1].named}", err=True)
    if write:
        path = FOLDER / ("alone.md" if alone else "pairs.md")
        path.write_text(table(pairs, seed, alone=alone), encoding="utf-8")
    counts = Counter(pair.outcome for pair in pairs)
    click.echo(", ".join(f"{outcome}: {number}" for outcome, number in counts.most_common()))
    sys.exit(1 if counts["wrong"] else 0)


if __name__ == "__main__":
    main()
