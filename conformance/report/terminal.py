"""The report that a person reads at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from conformance.driver.messages import one_line
from conformance.report.areas import results_by_area
from conformance.report.causes import causes_found
from conformance.report.failures import findings, print_causes, print_findings
from conformance.report.reasons import print_reasons
from conformance.report.screen import WIDTH, stripped
from conformance.report.status import (
    UNSETTLED,
    group_by,
    judged,
    judged_anywhere,
    known,
    must,
    obstacles,
    of_target,
    only_tier,
    partial,
    target_status,
    targets,
    untested,
    untrue,
)
from conformance.report.table import MARKS, columns, legend, tables
from conformance.report.values import count, duration, listed, show_case
from conformance.spec.clauses import Clause, load
from conformance.verdict import Report, Status, Verdict

SIGNS: dict[Status, tuple[str, str]] = {
    "conforms": ("✓", "bold green"),
    "conforms but for known failures": ("✓", "bold yellow"),
    "departs": ("✗", "bold red"),
    "could not be judged": ("!", "bold magenta"),
}


def render(
    report: Report, clauses: Mapping[str, Clause], console: Console, *, clauses_only: bool = False
) -> None:
    """Print the report: for each target its subject, the causes of failures and a table; then the verdicts.

    `clauses_only`: each clause that fails is a finding of its own, after the table, in place of the causes.
    """
    for target in targets(report):
        _print_target(console, report, target, clauses, clauses_only=clauses_only)
    for note in report.notes:
        console.print(Text(f"note: {note}", "yellow"), soft_wrap=True)  # a path stays whole
    console.print()
    if not targets(report) and not untested(report):
        console.print(Text(f"! {nothing(report)}", SIGNS["could not be judged"][1]))
    for target in targets(report):
        for line in verdict_lines(report, target):
            console.print(line)
        if target_status(report, target) != "conforms":
            _print_areas(console, of_target(report, target), clauses)
    unasked = left_out(report, clauses)
    if unasked:
        console.print(Text(f"  {', '.join(limits(report))} and without {', '.join(unasked)}", "dim"))


def limits(report: Report) -> list[str]:
    """Return what a run tried less of than a default run does."""
    quick = ["a quick look, by few examples"] if report.budget.get("smoke") else []
    tiers = dict.fromkeys(only_tier(report, target) for target in targets(report))
    return [*quick, *(f"in {tier} alone" for tier in tiers if tier)]


def nothing(report: Report) -> str:
    """Return the message of a run without a verdict."""
    if not report.budget.get("clauses"):
        return "nothing was judged"
    quick = ", or is part of a quick look" if report.budget.get("smoke") else ""
    return f"nothing was judged: none of the clauses asked for is about a cell of this family{quick}"


def text(report: Report) -> str:
    """Return the report as plain text."""
    file = StringIO()
    render(report, load(report.spec).clauses, Console(file=file, width=WIDTH, color_system=None))
    return stripped(file.getvalue())


def headline(report: Report, target: str) -> str:
    """Return the verdict on one target in a line, with the first cause of its failures, or the obstacle."""
    verdicts = of_target(report, target)
    said = target_status(report, target)
    unjudged = said == "could not be judged"
    ground = "; ".join(obstacles(report, target)) if unjudged else _counted(verdicts)
    line = f"{SIGNS[said][0]} {target} {_conclusion(report, target, said)}, {ground}"
    if not unjudged and (causes := causes_found(must(verdicts))):
        return f"{line}: {causes[0].cause.what}"
    unsettled = [one for one in findings(must(verdicts)) if one.first.outcome in UNSETTLED]
    return f"{line}: {unsettled[0].summary}" if unsettled and unjudged else line


def left_out(report: Report, clauses: Mapping[str, Clause]) -> list[str]:
    """Return the clauses about the subjects that a quick look omits, or that need the tier they lack."""
    if not limits(report) or partial(report) or not report.complete:
        return []
    families = {cell["family"] for entry in report.implementations for cell in entry.get("cells", ())}
    seen = {verdict.clause for verdict in report.verdicts}
    return [id for id, clause in clauses.items() if id not in seen and families & set(clause.families)]


def _print_target(
    console: Console, report: Report, target: str, clauses: Mapping[str, Clause], *, clauses_only: bool
) -> None:
    verdicts = of_target(report, target)
    console.print()
    console.print(Rule(Text(target, "bold"), align="left", style="dim"))
    for line in about(report, target):
        console.print(Text(line, "dim"), soft_wrap=True)
    for said in declared(report, target):
        console.print(said, soft_wrap=True)
    if not clauses_only:
        print_causes(console, verdicts, clauses)
    if verdicts:
        _print_tables(console, verdicts, clauses)
    print_reasons(console, verdicts, "not applicable", "Not applicable, and so not passed")
    in_part = [verdict for verdict in verdicts if verdict.refused]
    print_reasons(
        console, in_part, "pass", "Passed on the examples that are offered, and not judged on others"
    )
    print_reasons(
        console,
        verdicts,
        "host",
        "Faults of the host framework, not attributed to the cell and not counted as passed",
    )
    print_reasons(
        console, verdicts, "known failure", f"Known failures, listed in {report.known_failures.get('file')}"
    )
    for line in untrue(report, target):
        console.print(Text(f"! {line}", "bold magenta"))
    print_findings(console, [v for v in verdicts if clauses_only or v.outcome != "fail"], clauses)


def _print_areas(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    """Print the result of each area of the specification: a cell may be right in one and wrong in another."""
    results = results_by_area(verdicts, clauses)
    if len(results) < 2:
        return
    shown = [
        Text.assemble(f"{result.name} ", MARKS[result.outcome][:2], f" {result.extent}") for result in results
    ]
    console.print(Padding(Columns(shown, padding=(0, 3)), (0, 0, 0, 2)))


def _print_tables(console: Console, verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> None:
    shown = tables(verdicts, clauses, console.width)
    columns_shown = sum(len(table.columns) - 1 for table in shown)
    for table in shown:
        console.print()
        console.print(table)
    for lines in (legend(verdicts, joint=columns_shown < len(columns(verdicts))), judged_lines(verdicts)):
        console.print()
        for line in lines:
            console.print(line)


def about(report: Report, target: str) -> Iterator[str]:
    """Yield what harnesses report of the subject, without repeats: identity, versions, cells without time."""
    entries = _entries(report, target)
    for identity, group in group_by(entries, _identity).items():
        versions = dict(item for entry in group for item in dict(entry.get("versions", {})).items())
        yield identity
        yield "with " + ", ".join(f"{name} {version}" for name, version in versions.items())
    yield from dict.fromkeys(line for entry in entries for line in untimed(entry))


def untimed(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the cells that take no elapsed time, and why the harness says so."""
    for cell in entry.get("cells", ()):
        if not cell.get("timed", True):
            raised = one_line(cell.get("untimed", ""))
            why = f": a step that is given some raises {raised}" if raised else ""
            yield f"{cell['name']} takes no elapsed time, and is judged without{why}"


def _takes_no_time(report: Report, target: str) -> bool:
    """Tell whether no cell of a target takes elapsed time."""
    cells = [cell for entry in _entries(report, target) for cell in entry.get("cells", ())]
    return bool(cells) and not any(cell.get("timed", True) for cell in cells)


def _entries(report: Report, target: str) -> list[dict[str, Any]]:
    """Return the descriptions of a target by its harnesses."""
    return [entry for entry in report.implementations if entry.get("target") == target]


def _identity(entry: Mapping[str, Any]) -> str:
    name = " ".join(str(entry[key]) for key in ("name", "version") if entry.get(key))
    origin = f" from {entry['file']}" if entry.get("file") else ""
    distribution = f" ({entry['distribution']})" if entry.get("distribution") else ""
    return f"judged {name}{distribution}{origin}"


def declared(report: Report, target: str) -> Iterator[Text]:
    """Yield the convention that each cell declares, and whether it computes so."""
    variants = {v.cell: v.variant for v in of_target(report, target) if v.variant}
    entries = _entries(report, target)
    cells = {c["name"]: c["variant"] for e in entries for c in e.get("cells", ()) if c.get("variant")}
    for cell, said in cells.items():
        kept = ", and computes so" if variants.get(cell) == said["values"] else ", but computes otherwise"
        seen = kept if cell in variants else ""
        yield Text(f"{cell} declares {show_case(said['values'])}{seen} ({said['source']})", "dim")


def judged_lines(verdicts: list[Verdict]) -> Iterator[Text]:
    """Yield the number of judged MUST clauses, for each cell and backend; equal backends share a line."""
    by_cell = group_by(verdicts, lambda verdict: verdict.cell)
    for cell, of_cell in by_cell.items():
        by_backend = group_by(of_cell, lambda verdict: verdict.backend)
        counts = {backend: judged(group) for backend, group in by_backend.items()}
        for (done, asked), alike in group_by(counts, counts.__getitem__).items():
            where = f" on {listed(alike)}"
            yield Text.assemble((f"{cell}{where}", "bold"), f": judged {done} of {asked} MUST clauses")


def verdict_lines(report: Report, target: str) -> Iterator[Text]:
    """Yield the verdict on one target, and its grounds."""
    said = target_status(report, target)
    mark, style = SIGNS[said]
    yield Text(f"{mark} {target} {_conclusion(report, target, said)}", style)
    yield Text(f"  {_ground(report, target, said)}", "dim")


def _conclusion(report: Report, target: str, said: Status) -> str:
    asked = f"specification {report.spec}"
    if partial(report):
        asked = f"the clauses asked for of {asked}"
    elif tier := only_tier(report, target):
        asked = f"{asked} in {tier} alone"
    if _takes_no_time(report, target):
        asked = f"{asked}, without elapsed time"
    if said == "conforms but for known failures":
        clauses = {verdict.clause for verdict in known(report, target)}
        return f"conforms to {asked} but for {count(len(clauses), 'known failure')}"
    if said == "departs" and not any(v.outcome == "fail" for v in must(of_target(report, target))):
        return "is not as its list of known failures says"
    return {"conforms": f"conforms to {asked}", "departs": f"departs from {asked}"}.get(said, said)


def _ground(report: Report, target: str, said: Status) -> str:
    verdicts = of_target(report, target)
    if said == "could not be judged":
        return "; ".join(obstacles(report, target))
    failed = sum(verdict.outcome == "fail" for verdict in verdicts)  # each by an example more
    examples = count(sum(verdict.examples for verdict in verdicts) + failed, "example")
    programs = sum(verdict.programs for verdict in verdicts)
    compiled = f", {count(programs, 'program')} compiled" if programs else ""
    tail = f"{examples}{compiled}, {duration(report.seconds)}"
    if said.startswith("conforms"):
        return f"{_counted(verdicts)}, {_extent(verdicts)}, {tail}"
    rest = [_counted(verdicts)]
    if not any(verdict.outcome == "fail" for verdict in must(verdicts)):
        places = count(len(untrue(report, target)), "place")
        rest = [f"no MUST clause fails, but the list is out of date in {places}"]
    return "; ".join([*rest, *obstacles(report, target), tail])


def _counted(verdicts: list[Verdict]) -> str:
    """Return the numbers of MUST clauses judged anywhere, requested, and failing anywhere, in words."""
    done, asked = judged_anywhere(verdicts), {verdict.clause for verdict in must(verdicts)}
    failed = sum(any(verdict.outcome == "fail" for verdict in group) for group in done.values())
    said = f"judged {len(done)} of {count(len(asked), 'MUST clause')}"
    return said + (f", {failed} {'fails' if failed == 1 else 'fail'}" if failed else "")


def _extent(verdicts: list[Verdict]) -> str:
    cells = listed(dict.fromkeys(cell for cell, _ in columns(verdicts)))
    return f"{cells} on {listed(dict.fromkeys(backend for _, backend in columns(verdicts)))}"
