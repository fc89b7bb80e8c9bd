"""The failures under the table, each with what is needed to act on it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from conformance.report.causes import (
    CauseFound,
    causes_found,
    examples,
    other_causes,
    short_place,
    stands_alone,
    summarize,
    titled,
)
from conformance.report.status import group_by
from conformance.report.table import MARKS, Column, columns
from conformance.report.values import DIGITS, count, listed, show, show_case, times
from conformance.spec.clauses import Clause
from conformance.verdict import Cause, Failure, Verdict

NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")
LABEL = 9
MOST = 8
"""The most findings of a target that are shown in full; of a cell that is all wrong nobody reads more."""
MOST_LISTED, MOST_SHOWN = 12, 3
"""The most causes of a target that have a line, and that are shown in full."""
SCREEN = 60
"""The lines of a screen, which the causes before the table are meant to fit."""
LONGEST_SCRIPT, SHORT_SCRIPT = 6000, 600
"""The most characters of a script that is printed to be pasted, and of one after the first."""
REST = (
    "the report that --json writes, of which `conformance report` makes a page; "
    "--examples makes a file of each"
)
"""Where what is not shown stands."""


@dataclass(frozen=True)
class Finding:
    """A failure of one clause that several backends or tiers have in common; `verdicts` holds them all."""

    verdicts: tuple[Verdict, ...]

    @property
    def first(self) -> Verdict:
        """Return the verdict to show: a failure, in float64 if possible, where small faults show best."""
        return min(self.verdicts, key=lambda v: (v.failure is None, v.tier != "float64"))

    @property
    def explained(self) -> bool:
        """Tell whether it follows from another cause than the clause itself."""
        return self.first.outcome == "fail" and not stands_alone(self.first)

    @property
    def summary(self) -> str:
        """Return the finding in a line; of a traceback, its last line."""
        failure = self.first.failure
        return failure.summary if failure else self.first.reason.strip().rpartition("\n")[2]


def findings(verdicts: list[Verdict]) -> list[Finding]:
    """Return the failures, identical ones together.

    MUST before SHOULD, those that follow from another cause last.
    """
    failed = [verdict for verdict in verdicts if verdict.outcome in ("fail", "not reproducible", "error")]
    failures = [Finding(tuple(group)) for group in group_by(failed, _identity).values()]
    return sorted(failures, key=lambda finding: (finding.explained, finding.first.level))


def _identity(verdict: Verdict) -> tuple[str, ...]:
    """Return the key that two failures share if they are equal to a reader: all but their numbers."""
    said = verdict.failure.summary if verdict.failure else verdict.reason
    cell = verdict.cell if verdict.failure else ""
    return (cell, verdict.clause, verdict.outcome, alike(said), str(stands_alone(verdict)))


def alike(text: str) -> str:
    """Return a text with its numbers replaced, for comparison."""
    return NUMBER.sub("#", text)


def print_causes(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    """Print the causes of the failures: a line each, then as many in full as fit a screen, but the first."""
    causes = causes_found(verdicts)
    if not causes:
        return
    console.print()
    console.print(Text(summarize(causes), "bold"))
    console.print(_listing(causes[:MOST_LISTED], columns(verdicts), console.width))
    room = SCREEN - min(len(causes), MOST_LISTED)
    for one, best in islice(examples(causes), MOST_SHOWN):
        finding = example_of(one, best)
        longest = LONGEST_SCRIPT if one is causes[0] else SHORT_SCRIPT
        room -= _height(finding, clauses, console.width, longest)
        if one is causes[0] or room >= 0:
            print_finding(console, finding, clauses, longest)
    if len(causes) > 1:
        console.print()
        said = f"all {len(causes)} causes, with the smallest case and the script of each: in {REST}"
        console.print(Text(said, "dim"))


def example_of(cause: CauseFound, best: Verdict) -> Finding:
    """Return the clause of a verdict, where it fails for a cause, the verdict first."""
    return Finding(tuple(sorted((v for v in cause.verdicts if v.clause == best.clause), key=cause.rank)))


def _height(finding: Finding, clauses: Mapping[str, Clause], width: int, longest: int) -> int:
    """Return the number of lines that a finding takes on a screen."""
    file = StringIO()
    print_finding(Console(file=file, width=width, color_system=None), finding, clauses, longest)
    return sum(max(1, math.ceil(cell_len(line) / width)) for line in file.getvalue().splitlines())


def _listing(causes: list[CauseFound], everywhere: list[Column], width: int) -> Table:
    """Return the causes in a line each: the clauses that fail for it, and how it is known."""
    facts = [
        (str(one.number), count(len(one.clauses), "clause"), ", ".join(_known(one, everywhere)))
        for one in causes
    ]
    room = max(width - sum(max(map(len, column)) + 2 for column in zip(*facts, strict=True)), width // 3)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right")
    for _ in range(3):
        grid.add_column(overflow="fold")
    for one, (number, clauses, known) in zip(causes, facts, strict=True):
        title = Text(one.title, "bold" if one.level == "MUST" else "")
        if one.kind == "clause":  # its numbers are in the case
            title.truncate(room, overflow="ellipsis")
        grid.add_row(number, title, clauses, Text(known, "dim"))
    return grid


def _known(one: CauseFound, everywhere: list[Column]) -> Iterator[str]:
    """Yield how a cause is known, and where it is found unless that is everywhere."""
    yield one.known_by
    here = columns(one.verdicts)
    if len(here) < len(everywhere):
        yield listed(_parts(here, everywhere))


def _parts(here: list[Column], everywhere: list[Column]) -> Iterator[str]:
    """Yield cells, with their backends unless that is all of them; cells on equal backends together."""
    backends = {cell: [b for c, b in here if c == cell] for cell, _ in here}
    on = {
        cell: "" if len(names) == sum(c == cell for c, _ in everywhere) else f" on {listed(names)}"
        for cell, names in backends.items()
    }
    for place, cells in group_by(on, on.__getitem__).items():
        yield listed(cells) + place


def print_findings(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    """Print the first failures in full, the others in a line."""
    failures = findings(verdicts)
    for finding in failures[:MOST]:
        print_finding(console, finding, clauses)
    _print_more(console, failures[MOST:])


def _print_more(console: Console, more: list[Finding]) -> None:
    if not more:
        return
    console.print()
    console.print(Text(f"{count(len(more), 'more finding')}, in a line each:", "bold"))
    for finding in more:
        mark, style, _ = MARKS[finding.first.outcome]
        where = f" · {finding.first.level} · {listed(places(finding.verdicts))}: {finding.summary}"
        line = Text.assemble("  ", (f"{mark} ", style), (finding.first.clause, "bold"), where)
        console.print(line, soft_wrap=True)
    console.print(Text(f"  all stand at length in {REST}", "dim"), soft_wrap=True)


def print_finding(
    console: Console, finding: Finding, clauses: Mapping[str, Clause], longest_script: int = LONGEST_SCRIPT
) -> None:
    """Print the clause, its demand, the smallest case, got, want, bound, and a script to see it again."""
    first = finding.first
    mark, style, _ = MARKS[first.outcome]
    where = listed(places(finding.verdicts))
    title = Text.assemble((f"{mark} ", style), (first.clause, "bold"), (f" · {first.level} · {where}", ""))
    console.print()
    fits = title.cell_len + 2 <= console.width
    console.print(Rule(title, align="left", style="dim", characters="─") if fits else title)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=LABEL, style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in details(finding, clauses, console.width - LABEL - 4):
        grid.add_row(label, text)
    console.print(grid)
    if first.failure is None and "\n" in first.reason:
        console.print(Text(first.reason.rstrip("\n"), "dim"), soft_wrap=True)
    if first.failure and first.failure.script:
        _print_script(console, first.failure.script, longest_script)


def details(finding: Finding, clauses: Mapping[str, Clause], width: int) -> Iterator[tuple[str, Text]]:
    """Yield the details of a finding, each with its name; lines of a case are `width` characters at most."""
    first = finding.first
    if first.clause in clauses:
        yield "demands", Text(clauses[first.clause].demand)
    for cause in other_causes(finding.verdicts):
        yield "cause", Text(explanation(cause))
    yield "found", Text(finding.summary, "bold")
    for said in _also_found(finding):
        yield "also", Text(said)
    if first.failure:
        yield from _numbers(first.failure, width, DIGITS.get(first.tier or "", 9))
    if exceeded := list(_exceeded(finding)):
        yield "error", Text("\n".join(exceeded))
    if first.failure and first.failure.departs:
        yield "departs", Text(_departs(first.failure.departs))


def explanation(cause: Cause) -> str:
    """Return a cause of another clause's failure in a line."""
    if cause.kind == "clause":
        return f"as {cause.name} fails, which no known cause explains"
    if cause.kind == "place" and cause.place:
        return f"raised at {short_place(cause.place)}"
    known = CauseFound(0, cause, ()).known_by
    return f"{titled(cause)} ({known})"


def _also_found(finding: Finding) -> Iterator[str]:
    """Yield what is found elsewhere, where it differs by more than numbers."""
    failing = [v for v in finding.verdicts if v.failure]
    said = group_by(failing, lambda v: alike(v.failure.summary if v.failure else ""))
    for text, group in said.items():
        if text != alike(finding.summary):
            yield f"{group[0].failure.summary if group[0].failure else ''}; {listed(places(group))}"


def _departs(departs: Mapping[str, Any]) -> str:
    """Return the first wrong intermediate of a step, and the right ones before it."""
    right = f"; right before it: {listed(departs['right'])}" if departs["right"] else ""
    return f"first in {departs['name']}: {departs['said']}{right}"


def _exceeded(finding: Finding) -> Iterator[str]:
    """Yield the excess over the bound, on each backend at each tier; equal backends share a line."""
    numerical = [
        verdict for verdict in finding.verdicts if verdict.failure and verdict.failure.excess is not None
    ]
    by_backend = group_by(numerical, lambda verdict: verdict.backend)
    said = {backend: listed(dict.fromkeys(map(_excess, group))) for backend, group in by_backend.items()}
    for text, backends in group_by(said, said.__getitem__).items():
        yield f"{text} on {listed(backends)}"


def _excess(verdict: Verdict) -> str:
    excess = verdict.failure.excess if verdict.failure and verdict.failure.excess is not None else 0.0
    return f"{times(excess)} the bound" + (f" in {verdict.tier}" if verdict.tier else "")


def _numbers(failure: Failure, width: int, digits: int) -> Iterator[tuple[str, Text]]:
    if failure.case:
        yield "case", Text(show_case(failure.case, width, digits))
    shown = (("got", failure.got, digits), ("want", failure.want, digits), ("bound", failure.bound, 3))
    for label, value, precision in shown:
        if value is not None:
            yield label, Text(show(value, width, precision))


def _print_script(console: Console, script: str, longest: int) -> None:
    """Print the script from the first column and unwrapped, so that it can be pasted."""
    if len(script) > longest < LONGEST_SCRIPT:
        return
    if len(script) > longest:
        said = "to see it again: a script too long to paste is in the report that --json writes, "
        console.print(Text(said + "and --examples makes a file for `conformance replay`", "dim"))
        return
    console.print(Text("to see it again, paste into Python:", "dim"))
    console.print()
    console.print(Text(script.rstrip("\n")), soft_wrap=True)


def places(verdicts: Iterable[Verdict]) -> list[str]:
    """Return places in words: "CfCCell and LTCCell on jax and torch"; cells on equal backends share one."""
    by_cell = group_by(verdicts, lambda verdict: verdict.cell)
    on = {
        cell: listed(dict.fromkeys(verdict.backend for verdict in group)) for cell, group in by_cell.items()
    }
    return [f"{listed(cells)} on {backends}" for backends, cells in group_by(on, on.__getitem__).items()]
