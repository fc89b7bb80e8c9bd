"""Counts verdicts on correct cells at the default budget, by many seeds: accusations.py --seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.options import run_options
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report import jsonfile
from conformance.run.session import begin
from conformance.search.plan import Plan
from conformance.search.seeding import derived
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from conformance.verdict import Verdict

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "accusations"

STRIDE = 5
"""Seeds of a clause before the next one's turn, so that an interrupted run has tried all clauses alike."""

Place = tuple[str, str]
"""A target and a backend."""

Judge = Callable[[Check, int], Iterable[Verdict]]
"""Judges a clause by a seed, on each cell at each precision."""


@dataclass(frozen=True)
class Count:
    """What a clause made of a target on one backend, by the seeds from 1 to `seeds`."""

    clause: str
    budget: int
    """The examples that each verdict is asked for."""
    spec: str
    seeds: int = 0
    verdicts: int = 0
    drawn_on: int = 0
    """Verdicts that took more examples, because too few of the budget's decided anything."""
    examples: int = 0
    values: int = 0
    undecided: int = 0
    kinks: int = 0
    worst: float = 0.0
    """The largest error / bound."""
    errors: tuple[str, ...] = ()
    accused: tuple[str, ...] = ()
    """Failures: each with its seed, cell and tier."""

    def add(self, seed: int, verdicts: Sequence[Verdict]) -> Count:
        """Return the count with the verdicts of the next seed."""
        lines = [(v.outcome, f"seed {seed}, {v.cell}, {v.tier}: {explain(v)}") for v in verdicts]
        failures = tuple(line for outcome, line in lines if outcome == "fail")
        errors = tuple(line for outcome, line in lines if outcome in ("error", "not reproducible"))
        return replace(
            self,
            seeds=seed,
            verdicts=self.verdicts + len(verdicts),
            drawn_on=self.drawn_on + sum(v.examples + v.refused > v.expected for v in verdicts),
            examples=self.examples + sum(v.examples for v in verdicts),
            values=self.values + sum(v.values for v in verdicts),
            undecided=self.undecided + sum(v.undecided for v in verdicts),
            kinks=self.kinks + sum(v.kinks for v in verdicts),
            worst=max([self.worst, *(v.worst or 0.0 for v in verdicts)]),
            errors=self.errors + errors,
            accused=self.accused + failures,
        )


def explain(verdict: Verdict) -> str:
    """Say in a line why a clause did not pass."""
    said = verdict.failure.summary if verdict.failure else verdict.reason
    return f"{verdict.outcome}: {said.strip().rpartition(chr(10))[2]}"


def count(place: Place, checks: Sequence[Check], seeds: int, deadline: float) -> int:
    """Judge each clause by the seeds that are not counted yet; return how many errors and accusations it met.

    A clause that met one before is counted anew, as is one whose budget or specification is another now.
    """
    spec = clauses.load().version
    counts = {check.clause: Count(check.clause, check.budget(place[1]), spec) for check in checks}
    stored = load(place)
    for id, new in counts.items():
        old = stored.get(id, new)
        if (old.budget, old.spec) == (new.budget, new.spec) and not old.errors and not old.accused:
            counts[id] = old
    with judge_of(place) as judge:
        for last in range(STRIDE, seeds + STRIDE, STRIDE):
            for check in checks:
                if time.monotonic() > deadline:
                    break
                updated = count_clause(counts[check.clause], check, judge, min(last, seeds))
                if updated != counts[check.clause]:
                    counts[check.clause] = updated
                    store(place, {**stored, **{id: one for id, one in counts.items() if one.verdicts}})
    return sum(len(one.errors) + len(one.accused) for one in counts.values())


def count_clause(counted: Count, check: Check, judge: Judge, last: int) -> Count:
    """Go on counting, from the seed after those counted to the last."""
    for seed in range(counted.seeds + 1, last + 1):
        verdicts = [v for v in judge(check, seed) if v.outcome not in ("not applicable", "host")]
        counted = counted.add(seed, verdicts)
    return counted


@contextmanager
def judge_of(place: Place) -> Iterator[Judge]:
    """Judge in this process, the cells of a target in harnesses that are kept until the end.

    A seed of a target is that of `conformance run --seed`.
    """
    if place[0] == "reference":
        yield judge_reference
        return
    target, backend = place
    session = begin(run_options({"target": target, "backend": backend, "seed": 0}), keeps_harnesses=True)

    def judge(check: Check, seed: int) -> Iterator[Verdict]:
        session.seed = seed
        for key in session.keys(check):
            yield session.judge(check, key)[0]

    try:
        yield judge
    finally:
        session.pool.close()


def judge_reference(check: Check, seed: int) -> Iterator[Verdict]:
    """Judge the reference itself, as an implementation."""
    reference, families = ReferenceCells(), clauses.load().clauses[check.clause].families
    for cell in reference.describe()["cells"]:
        for tier in check.tiers if cell["family"] in families else ():
            subject = Subject(reference, cell, tier or "float32")
            plan = Plan(
                check.budget(reference.backend), derived(seed, f"{check.clause}/{cell['name']}/{tier}")
            )
            yield judge_clause(check, subject, plan)


def path_of(place: Place) -> Path:
    """Return the file of the counts of a target on a backend."""
    return FOLDER / "seeds" / f"{'-'.join(place)}.json"


def load(place: Place) -> dict[str, Count]:
    """Read the counts of a target on a backend, by clause."""
    path = path_of(place)
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    lists = ("errors", "accused")
    return {row["clause"]: Count(**{**row, **{name: tuple(row[name]) for name in lists}}) for row in rows}


def store(place: Place, counts: Mapping[str, Count]) -> None:
    """Write them, in the order of the specification."""
    order = list(clauses.load().clauses)
    lines = [json.dumps(asdict(counts[id]), ensure_ascii=False) for id in sorted(counts, key=order.index)]
    path_of(place).parent.mkdir(exist_ok=True)
    jsonfile.save_text("[\n" + ",\n".join(lines) + "\n]\n", path_of(place))


def write_table(names: Mapping[Place, str]) -> None:
    """Write docs/accusations/seeds.md: a row for each target and backend that has been counted."""
    heads = (
        *("clauses", "seeds of each", "verdicts", "examples", "values", "undecided"),
        *("at most of a clause", "drew on", "errors", "accused"),
    )
    lines = [f"| target | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    lines += [row(name, list(counts)) for place, name in names.items() if (counts := load(place).values())]
    jsonfile.save_text("\n".join(lines) + "\n", FOLDER / "seeds.md")


def row(name: str, counts: Sequence[Count]) -> str:
    """Sum the counts of the clauses on one backend."""
    seeds = sorted({one.seeds for one in counts})
    share = max(one.undecided / max(1, one.values) for one in counts)
    sums = [
        sum(getattr(one, column) for one in counts)
        for column in ("verdicts", "examples", "values", "undecided", "drawn_on")
    ]
    verdicts, examples, values, undecided, drawn_on = (f"{number:,}" for number in sums)
    cells = [
        *(name, str(len(counts)), "–".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))),
        *(verdicts, examples, values, undecided, f"{share:.2%}", drawn_on),
        *(str(sum(len(getattr(one, column)) for one in counts)) for column in ("errors", "accused")),
    ]
    return f"| {' | '.join(cells)} |"
