"""What the page shows, as plain data: runs, columns, and the clauses by area with a cell for each column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from conformance.clauses import Clause
from conformance.report.failures import Finding, details, findings
from conformance.report.status import TIERS, group_by, joint_outcome, of_target, target_status, targets
from conformance.report.table import MARKS, columns
from conformance.report.terminal import SIGNS, about, judged_lines, verdict_lines
from conformance.report.values import duration, ratio
from conformance.verdict import Outcome, Report, Verdict

TONES = {"green": "good", "red": "bad", "yellow": "host", "magenta": "odd"}
"""The colours of the terminal as the page names them; another is muted."""
WIDTH = 88
"""Characters to a line of a case."""


@dataclass(frozen=True)
class Source:
    """A report, and the name of the file that it came from."""

    name: str
    report: Report


@dataclass(frozen=True)
class Mark:
    """How an outcome is written: a sign, a tone, its meaning."""

    sign: str
    tone: str
    outcome: str
    meaning: str


@dataclass(frozen=True)
class Column:
    """A cell on a backend, in one run."""

    run: str
    """A letter where there are several runs, else nothing."""
    target: str
    cell: str
    backend: str

    @property
    def key(self) -> str:
        """Names the column in a link."""
        return "/".join(filter(None, (self.run, self.target, self.cell, self.backend)))


@dataclass(frozen=True)
class Entry:
    """What one clause says of one column: at both tiers where it is numerical."""

    column: Column
    verdicts: tuple[Verdict, ...]

    @cached_property
    def mark(self) -> Mark:
        return mark(joint_outcome(self.verdicts))

    @property
    def explained(self) -> bool:
        """Whether what fails here does so for the sake of a documented variant alone."""
        failing = [verdict for verdict in self.verdicts if verdict.outcome == "fail"]
        return bool(failing) and all(verdict.holds_under_variant for verdict in failing)

    @property
    def worst(self) -> float | None:
        return max((v.worst for v in self.verdicts if v.worst is not None), default=None)


@dataclass(frozen=True)
class Row:
    """A clause: what the specification says of it, and an entry for each column that was asked."""

    id: str
    level: str
    area: str
    clause: Clause | None
    """None where the specification that is shown does not have it."""
    entries: Mapping[Column, Entry]

    @property
    def outcomes(self) -> list[str]:
        return list(dict.fromkeys(entry.mark.outcome for entry in self.entries.values()))


@dataclass(frozen=True)
class Area:
    """The clauses of one section of the specification."""

    name: str
    rows: tuple[Row, ...]

    @property
    def calm(self) -> bool:
        """Whether nothing in it asks to be looked at."""
        return all(
            entry.mark.tone in ("good", "host", "mute") for row in self.rows for entry in row.entries.values()
        )

    def joint(self, column: Column) -> Mark | None:
        """The worst that its clauses say of a column."""
        found = [v for row in self.rows if column in row.entries for v in row.entries[column].verdicts]
        return mark(joint_outcome(found)) if found else None


@dataclass(frozen=True)
class Card:
    """What a run says of one target."""

    run: str
    target: str
    sign: str
    tone: str
    conclusion: str
    ground: str
    about: tuple[str, ...]
    judged: tuple[str, ...]
    tally: tuple[tuple[Mark, int], ...]
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A report and its letter."""

    letter: str
    source: Source

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """What is needed to make the run again."""
        report = self.source.report
        yield "report", self.source.name
        yield "specification", report.spec
        yield "suite", report.suite
        yield "seed", str(report.seed)
        yield "command", report.command
        yield "took", duration(report.seconds)
        if not report.complete:
            yield "partial", "the run ended before it was done"
        for note in report.notes:
            yield "note", note


@dataclass(frozen=True)
class View:
    """Everything that the page shows."""

    spec: str
    runs: tuple[Run, ...]
    cards: tuple[Card, ...]
    columns: tuple[Column, ...]
    areas: tuple[Area, ...]
    departures: tuple[tuple[str, Finding], ...] = field(default=())
    """Each failure with the letter of its run, alike ones together."""

    @property
    def rows(self) -> Iterator[Row]:
        for area in self.areas:
            yield from area.rows

    @property
    def heads(self) -> list[tuple[Column, int]]:
        """The targets over the columns: the first column of each, and how many it stands over."""
        found = group_by(self.columns, lambda column: (column.run, column.target)).values()
        return [(columns[0], len(columns)) for columns in found]

    @property
    def cells(self) -> list[tuple[Column, int]]:
        """The cells over the columns, in the same way."""
        found = group_by(self.columns, lambda column: (column.run, column.target, column.cell)).values()
        return [(columns[0], len(columns)) for columns in found]

    @property
    def extent(self) -> tuple[int, int, int]:
        """How many clauses, cells and backends there are."""
        backends = {column.backend for column in self.columns}
        return len(list(self.rows)), len(self.cells), len(backends)

    @property
    def marks(self) -> list[Mark]:
        """The outcomes that occur, in the order of the legend."""
        used = {outcome for row in self.rows for outcome in row.outcomes}
        return [mark(outcome) for outcome in MARKS if outcome in used]


def view(sources: Iterable[Source], spec: str, clauses: Mapping[str, Clause]) -> View:
    """The view of some reports, side by side, beside the clauses of a specification."""
    given = list(sources)
    letters = _letters(len(given))
    runs = tuple(Run(letter, source) for letter, source in zip(letters, given, strict=True))
    return View(
        spec=spec,
        runs=runs,
        cards=tuple(card for run in runs for card in _cards(run)),
        columns=tuple(column for run in runs for column in _columns(run)),
        areas=tuple(_areas(runs, clauses)),
        departures=tuple(
            (run.letter, found) for run in runs for found in findings(run.source.report.verdicts)
        ),
    )


def mark(outcome: Outcome) -> Mark:
    """How the page writes an outcome."""
    sign, style, meaning = MARKS[outcome]
    return Mark(sign, TONES.get(style.split()[-1], "mute"), outcome, meaning)


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
    """The clauses that any run has, in the order of the specification, those that it lacks at the end."""
    entries = _entries(runs)
    known = list(clauses)
    ids = sorted(entries, key=lambda id: known.index(id) if id in clauses else len(known))
    rows = [_row(id, entries[id], clauses.get(id)) for id in ids]
    for name, found in group_by(rows, lambda row: row.area).items():
        yield Area(name, tuple(found))


def _row(id: str, entries: Mapping[Column, Entry], clause: Clause | None) -> Row:
    first = next(iter(entries.values())).verdicts[0]
    area = clause.area if clause else f"{id.split('.', 1)[0]} (another specification)"
    return Row(id, first.level, area, clause, entries)


def _entries(runs: Iterable[Run]) -> dict[str, dict[Column, Entry]]:
    found: dict[str, dict[Column, Entry]] = {}
    for run in runs:
        keyed = group_by(
            run.source.report.verdicts,
            lambda v: (v.clause, Column(run.letter, v.target, v.cell, v.backend)),  # noqa: B023
        )
        for (clause, column), verdicts in keyed.items():
            ordered = sorted(verdicts, key=lambda verdict: verdict.tier != TIERS[0])
            found.setdefault(clause, {})[column] = Entry(column, tuple(ordered))
    return found


def _cards(run: Run) -> Iterator[Card]:
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
        )


def _tally(verdicts: list[Verdict]) -> tuple[tuple[Mark, int], ...]:
    """How many clauses of cells on backends came to each outcome."""
    entries = group_by(verdicts, lambda v: (v.clause, v.cell, v.backend)).values()
    counts = Counter(joint_outcome(found) for found in entries)
    return tuple((mark(outcome), counts[outcome]) for outcome in MARKS if counts[outcome])


def _variants(verdicts: list[Verdict]) -> tuple[str, ...]:
    named = (f"{name}={value!r}" for v in verdicts for name, value in v.variant.items())
    return tuple(dict.fromkeys(named))


# One entry, for the panel


def entry_facts(entry: Entry, clauses: Mapping[str, Clause]) -> dict[str, Any]:
    """What the panel says of an entry, in plain JSON values: every number as it is read."""
    facts: dict[str, Any] = {
        "mark": entry.mark.sign,
        "tone": entry.mark.tone,
        "meaning": entry.mark.meaning,
        "tiers": [tier_facts(verdict) for verdict in entry.verdicts],
    }
    reasons = dict.fromkeys(v.reason for v in entry.verdicts if v.reason)
    if reasons:
        facts["reasons"] = list(reasons)
    failing = [verdict for verdict in entry.verdicts if verdict.failure]
    if failing:
        finding = Finding(tuple(failing))
        facts["failure"] = failure_facts(finding, clauses)
    return facts


def tier_facts(verdict: Verdict) -> dict[str, Any]:
    """A verdict in a line of a table."""
    sign = mark(verdict.outcome)
    return {
        "tier": verdict.tier or "",
        "mark": sign.sign,
        "tone": sign.tone,
        "meaning": sign.meaning,
        "worst": ratio(verdict.worst),
        "examples": verdict.examples,
        "values": verdict.values,
        "undecided": verdict.undecided,
        "took": duration(verdict.seconds),
    }


def failure_facts(finding: Finding, clauses: Mapping[str, Clause]) -> dict[str, Any]:
    """The smallest failing case: what is said of it, by name, and the script."""
    said = [[label, text.plain] for label, text in details(finding, clauses, WIDTH) if label != "demands"]
    failure = finding.first.failure
    return {"details": said, "script": failure.script if failure else ""}
