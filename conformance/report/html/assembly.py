"""Builds the view of the page from reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from conformance.report.areas import results_by_area
from conformance.report.causes import causes_found, examples, followed, summarize
from conformance.report.failures import example_of, findings
from conformance.report.html.view import (
    TONES,
    Area,
    Card,
    Causes,
    Column,
    Entry,
    Mark,
    Row,
    Run,
    Source,
    View,
    mark,
)
from conformance.report.status import TIERS, group_by, joint_outcome, of_target, target_status, targets
from conformance.report.table import MARKS, columns
from conformance.report.terminal import SIGNS, about, judged_lines, verdict_lines
from conformance.spec.clauses import Clause
from conformance.verdict import Verdict


def view(
    sources: Iterable[Source], spec: str, clauses: Mapping[str, Clause], *, clauses_only: bool = False
) -> View:
    """Return the view of some reports, side by side, beside the clauses of a specification.

    `clauses_only`: each clause that fails is a departure of its own, in place of the causes.
    """
    given = list(sources)
    letters = _letters(len(given))
    runs = tuple(Run(letter, source) for letter, source in zip(letters, given, strict=True))
    return View(
        spec=spec,
        runs=runs,
        cards=tuple(card for run in runs for card in _cards(run, clauses)),
        columns=tuple(column for run in runs for column in _columns(run)),
        areas=tuple(_areas(runs, clauses)),
        departures=tuple(
            (run.letter, finding)
            for run in runs
            for finding in findings(
                [v for v in run.source.report.verdicts if clauses_only or v.outcome != "fail"]
            )
        ),
        causes=() if clauses_only else tuple(causes for run in runs for causes in _causes(run)),
    )


def _causes(run: Run) -> Iterator[Causes]:
    report = run.source.report
    for target in targets(report):
        if causes := causes_found(of_target(report, target)):
            shown = tuple((one, example_of(one, best)) for one, best in examples(causes))
            yield Causes(run.letter, target, summarize(causes), shown)


def _letters(count: int) -> list[str]:
    if count == 1:
        return [""]
    return [chr(ord("A") + n) if n < 26 else f"R{n + 1}" for n in range(count)]


def _columns(run: Run) -> list[Column]:
    report = run.source.report
    return [
        Column(run.letter, target, cell, backend)
        for target in targets(report)
        for cell, backend in columns(of_target(report, target))
    ]


def _areas(runs: Iterable[Run], clauses: Mapping[str, Clause]) -> Iterator[Area]:
    """Yield the clauses of any run, in the order of the specification, those that it lacks at the end."""
    entries = _entries(runs)
    known = list(clauses)
    ids = sorted(entries, key=lambda id: known.index(id) if id in clauses else len(known))
    rows = [_row(id, entries[id], clauses.get(id)) for id in ids]
    for name, members in group_by(rows, lambda row: row.area).items():
        yield Area(name, tuple(members))


def _row(id: str, entries: Mapping[Column, Entry], clause: Clause | None) -> Row:
    first = next(iter(entries.values())).verdicts[0]
    area = clause.area if clause else f"{id.split('.', 1)[0]} (another specification)"
    return Row(id, first.level, area, clause, entries)


def _entries(runs: Iterable[Run]) -> dict[str, dict[Column, Entry]]:
    entries: dict[str, dict[Column, Entry]] = {}
    for run in runs:
        report = run.source.report
        causes = {target: causes_found(of_target(report, target)) for target in targets(report)}
        keyed = group_by(
            report.verdicts,
            lambda v: (v.clause, Column(run.letter, v.target, v.cell, v.backend)),  # noqa: B023
        )
        for (clause, column), verdicts in keyed.items():
            ordered = sorted(verdicts, key=lambda verdict: verdict.tier != TIERS[0])
            follows = tuple(followed(ordered, causes[column.target]))
            entries.setdefault(clause, {})[column] = Entry(column, tuple(ordered), follows)
    return entries


def _cards(run: Run, clauses: Mapping[str, Clause]) -> Iterator[Card]:
    report = run.source.report
    for target in targets(report):
        verdicts = of_target(report, target)
        sign, style = SIGNS[target_status(report, target)]
        conclusion, ground = (line.plain.strip() for line in verdict_lines(report, target))
        yield Card(
            run=run.letter,
            target=target,
            sign=sign,
            tone=TONES.get(style.split()[-1], "mute"),
            conclusion=conclusion.removeprefix(f"{sign} {target} "),
            ground=ground,
            about=tuple(about(report, target)),
            judged=tuple(line.plain for line in judged_lines(verdicts)),
            tally=_tally(verdicts),
            variants=_variants(verdicts),
            areas=tuple((mark(area.outcome), area) for area in results_by_area(verdicts, clauses)),
        )


def _tally(verdicts: list[Verdict]) -> tuple[tuple[Mark, int], ...]:
    """Count the clauses of cells on backends by outcome."""
    entries = group_by(verdicts, lambda v: (v.clause, v.cell, v.backend)).values()
    counts = Counter(joint_outcome(group) for group in entries)
    return tuple((mark(outcome), counts[outcome]) for outcome in MARKS if counts[outcome])


def _variants(verdicts: list[Verdict]) -> tuple[str, ...]:
    named = (f"{name}={value!r}" for v in verdicts for name, value in v.variant.items())
    return tuple(dict.fromkeys(named))
