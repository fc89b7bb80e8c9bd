"""The view, the page's contents as plain data: runs, columns, and clauses by area with a cell per column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from conformance.report.areas import AreaResult
from conformance.report.causes import CauseFound, stands_alone
from conformance.report.failures import Finding
from conformance.report.status import group_by, joint_outcome
from conformance.report.table import MARKS
from conformance.report.values import duration, listed
from conformance.spec.clauses import Clause
from conformance.verdict import Outcome, Report, Verdict

TONES = {"green": "good", "red": "bad", "yellow": "host", "magenta": "odd"}
"""The page's names for the colours of the terminal; any other colour is muted."""


@dataclass(frozen=True)
class Source:
    """A report, and the name of the file that it came from."""

    name: str
    report: Report


@dataclass(frozen=True)
class Mark:
    """The notation of an outcome: a sign, a tone, its meaning."""

    sign: str
    tone: str
    outcome: str
    meaning: str


@dataclass(frozen=True)
class Column:
    """A cell on a backend, in one run."""

    run: str
    """A letter if there are several runs, else ""."""
    target: str
    cell: str
    backend: str

    @property
    def key(self) -> str:
        """Return the name of the column in a link."""
        return "/".join(filter(None, (self.run, self.target, self.cell, self.backend)))


@dataclass(frozen=True)
class Entry:
    """The verdicts on one clause in one column: at both tiers if it is numerical."""

    column: Column
    verdicts: tuple[Verdict, ...]
    follows: tuple[CauseFound, ...] = ()
    """The causes that its failures follow from."""

    @cached_property
    def mark(self) -> Mark:
        return mark(joint_outcome(self.verdicts))

    @property
    def explained(self) -> bool:
        """Tell whether all its failures follow from other causes than the clause itself."""
        failing = [verdict for verdict in self.verdicts if verdict.outcome == "fail"]
        return bool(failing) and not any(map(stands_alone, failing))

    @property
    def numbers(self) -> str:
        """Return the numbers of the causes that its failures follow from, in words."""
        return listed(str(one.number) for one in self.follows)

    @property
    def worst(self) -> float | None:
        return max((v.worst for v in self.verdicts if v.worst is not None), default=None)


@dataclass(frozen=True)
class Row:
    """A clause: its text in the specification, and an entry for each column that was requested."""

    id: str
    level: str
    area: str
    clause: Clause | None
    """None if the specification that is shown does not have it."""
    entries: Mapping[Column, Entry]

    @property
    def explained(self) -> bool:
        """Tell whether some entry fails for another cause than the clause itself."""
        return any(entry.explained for entry in self.entries.values())

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
        """Tell whether no entry in it needs attention."""
        return all(
            entry.mark.tone in ("good", "host", "mute") for row in self.rows for entry in row.entries.values()
        )

    def joint(self, column: Column) -> Mark | None:
        """Return the worst mark of its clauses in a column."""
        verdicts = [v for row in self.rows if column in row.entries for v in row.entries[column].verdicts]
        return mark(joint_outcome(verdicts)) if verdicts else None


@dataclass(frozen=True)
class Card:
    """The results of a run for one target."""

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
    areas: tuple[tuple[Mark, AreaResult], ...]


@dataclass(frozen=True)
class Causes:
    """The causes of the failures of one target in a run, each with its smallest case."""

    run: str
    target: str
    summary: str
    examples: tuple[tuple[CauseFound, Finding], ...]


@dataclass(frozen=True)
class Run:
    """A report and its letter."""

    letter: str
    source: Source

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield the facts that are needed to repeat the run."""
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
    """All contents of the page."""

    spec: str
    runs: tuple[Run, ...]
    cards: tuple[Card, ...]
    columns: tuple[Column, ...]
    areas: tuple[Area, ...]
    departures: tuple[tuple[str, Finding], ...] = field(default=())
    """What is shown beside the causes, each with the letter of its run; equal ones share an entry."""
    causes: tuple[Causes, ...] = field(default=())

    @property
    def rows(self) -> Iterator[Row]:
        for area in self.areas:
            yield from area.rows

    @property
    def heads(self) -> list[tuple[Column, int]]:
        """Return the targets over the columns: the first column of each, and the number of its columns."""
        groups = group_by(self.columns, lambda column: (column.run, column.target)).values()
        return [(columns[0], len(columns)) for columns in groups]

    @property
    def cells(self) -> list[tuple[Column, int]]:
        """Return the cells over the columns, in the same form."""
        groups = group_by(self.columns, lambda column: (column.run, column.target, column.cell)).values()
        return [(columns[0], len(columns)) for columns in groups]

    @property
    def extent(self) -> tuple[int, int, int]:
        """Return the numbers of clauses, cells and backends."""
        backends = {column.backend for column in self.columns}
        return len(list(self.rows)), len(self.cells), len(backends)

    @property
    def marks(self) -> list[Mark]:
        """Return the outcomes that occur, in the order of the legend."""
        used = {outcome for row in self.rows for outcome in row.outcomes}
        return [mark(outcome) for outcome in MARKS if outcome in used]


def mark(outcome: Outcome) -> Mark:
    """Return the page's mark for an outcome."""
    sign, style, meaning = MARKS[outcome]
    return Mark(sign, TONES.get(style.split()[-1], "mute"), outcome, meaning)
