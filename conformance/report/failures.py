"""The failures under the table, each with what is needed to act on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from conformance.report.causes import CauseFound, causes_found, summarize
from conformance.report.status import group_by
from conformance.report.table import MARKS
from conformance.report.values import DIGITS, count, listed, show, show_case, times
from conformance.spec.clauses import Clause
from conformance.verdict import Failure, Verdict

NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")
LABEL = 9
MOST_LISTED, MOST_SHOWN = 12, 3
"""The most causes of a target that have a line, and that are shown in full."""
MOST = 8
"""The most findings of a target that are shown in full; of a cell that is all wrong nobody reads more."""


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
        """Tell whether it fails because of a documented variant alone."""
        return self.first.holds_under_variant

    @property
    def summary(self) -> str:
        """Return the finding in a line; of a traceback, its last line."""
        failure = self.first.failure
        return failure.summary if failure else self.first.reason.strip().rpartition("\n")[2]


def findings(verdicts: list[Verdict]) -> list[Finding]:
    """Return the failures, identical ones together.

    MUST before SHOULD, those that a variant explains last.
    """
    failed = [verdict for verdict in verdicts if verdict.outcome in ("fail", "not reproducible", "error")]
    found = [Finding(tuple(group)) for group in group_by(failed, _identity).values()]
    return sorted(found, key=lambda finding: (finding.explained, finding.first.level))


def _identity(verdict: Verdict) -> tuple[str, ...]:
    """Return the key that two failures share if they are equal to a reader: all but their numbers."""
    said = verdict.failure.summary if verdict.failure else verdict.reason
    cell = verdict.cell if verdict.failure else ""
    return (
        cell,
        verdict.clause,
        verdict.outcome,
        alike(said),
        f"{verdict.variant} {verdict.holds_under_variant}",
    )


def alike(text: str) -> str:
    """Return a text with its numbers replaced, for comparison."""
    return NUMBER.sub("#", text)


def print_causes(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    """Print the causes of the failures: a line each, then the first in full, each with its smallest case."""
    found = causes_found(verdicts)
    if not found:
        return
    console.print()
    console.print(Text(summarize(found), "bold"))
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right")
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for i, one in enumerate(found[:MOST_LISTED], 1):
        grid.add_row(str(i), *_cause(one))
    console.print(grid)
    if more := found[MOST_LISTED:]:
        console.print(Text(f"   {count(len(more), 'more cause')}, in the report that --json writes", "dim"))
    for one in found[:MOST_SHOWN]:
        print_finding(console, Finding((one.first,)), clauses)


def _cause(one: CauseFound) -> tuple[Text, Text, Text]:
    """Return a cause, what fails for it, and how it is known."""
    cause = one.cause
    itself = cause.kind == "clause"
    said = Text(
        f"{cause.name}: {cause.what}" if itself else cause.what, "bold" if one.level == "MUST" else ""
    )
    number = count(len(one.clauses), "clause")
    if itself:
        return said, Text("" if len(one.clauses) == 1 else number), Text("no known cause explains it", "dim")
    if cause.kind == "place":
        return said, Text(number), Text(cause.place or "the same exception in each", "dim")
    proof = f"proven on {count(cause.proven, 'step')}" if cause.proven else "proven on what failed"
    return said, Text(number), Text(proof, "dim")


def print_findings(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    """Print the first failures in full, the others in a line."""
    found = findings(verdicts)
    for finding in found[:MOST]:
        print_finding(console, finding, clauses)
    _print_more(console, found[MOST:])


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
    said = "all stand at length in the report that --json writes, of which `conformance report` makes a page"
    console.print(Text(f"  {said}; --examples makes a file of each", "dim"), soft_wrap=True)


def print_finding(console: Console, finding: Finding, clauses: Mapping[str, Clause]) -> None:
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
        _print_script(console, first.failure.script)


def details(finding: Finding, clauses: Mapping[str, Clause], width: int) -> Iterator[tuple[str, Text]]:
    """Yield the details of a finding, each with its name; lines of a case are `width` characters at most."""
    first = finding.first
    if first.clause in clauses:
        yield "demands", Text(clauses[first.clause].demand)
    yield "found", Text(finding.summary, "bold")
    if first.failure:
        yield from _numbers(first.failure, width, DIGITS.get(first.tier or "", 9))
    if exceeded := list(_exceeded(finding)):
        yield "error", Text("\n".join(exceeded))
    if first.failure and first.failure.departs:
        yield "departs", Text(_departs(first.failure.departs))
    if first.variant:
        holds = "holds under it" if finding.explained else "fails under it too"
        yield "variant", Text(f"{show_case(first.variant)}: {holds}")


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
    said = {backend: listed(dict.fromkeys(map(_excess, found))) for backend, found in by_backend.items()}
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


LONGEST_SCRIPT = 6000
"""The most characters of a script that is printed to be pasted."""


def _print_script(console: Console, script: str) -> None:
    """Print the script from the first column and unwrapped, so that it can be pasted."""
    if len(script) > LONGEST_SCRIPT:
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
        cell: listed(dict.fromkeys(verdict.backend for verdict in found)) for cell, found in by_cell.items()
    }
    return [f"{listed(cells)} on {backends}" for backends, cells in group_by(on, on.__getitem__).items()]
