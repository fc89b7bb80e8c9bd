"""What the page shows, as plain data: runs, columns, and the clauses by area with a cell for each column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from conformance.report.failures import Finding
from conformance.report.status import group_by, joint_outcome
from conformance.report.table import MARKS
from conformance.report.values import duration
from conformance.spec.clauses import Clause
from conformance.verdict import Outcome, Report, Verdict

TONES = {"green": "good", "red": "bad", "yellow": "host", "magenta": "odd"}
"""The colours of the terminal as the page names them; another is muted."""


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


def mark(outcome: Outcome) -> Mark:
    """How the page writes an outcome."""
    sign, style, meaning = MARKS[outcome]
    return Mark(sign, TONES.get(style.split()[-1], "mute"), outcome, meaning)
