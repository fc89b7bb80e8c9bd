"""A report as Markdown, for the summary of a job or a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape

from conformance.report.areas import area_of
from conformance.report.causes import CauseFound, causes_found, examples, summarize
from conformance.report.failures import Finding, details, example_of, findings, places
from conformance.report.status import group_by, joint_outcome, of_target, target_status, targets, untested
from conformance.report.table import MARKS, columns
from conformance.report.terminal import SIGNS, about, nothing, verdict_lines
from conformance.report.values import count, listed
from conformance.spec.clauses import Clause
from conformance.verdict import Report, Verdict

LONGEST = 400_000
"""The most characters; GitHub rejects a summary of more than 1 MiB."""
SPECIAL = re.compile(r"([\\`*_\[\]|~#])")


def markdown(report: Report, clauses: Mapping[str, Clause], *, clauses_only: bool = False) -> str:
    """Return the verdict on each target, a table of areas, and each cause folded behind a line.

    `clauses_only`: each clause that fails is folded behind a line of its own, in place of the causes.
    """
    lines: list[str] = []
    for target in targets(report):
        lines += _target(report, target, clauses, clauses_only=clauses_only)
    if not targets(report) and not untested(report):
        lines += [f"### ! {nothing(report)}", ""]
    lines += [f"> **note** {text(note)}\n" for note in report.notes]
    seed = "" if report.seed is None else f", seed {report.seed}"
    lines += [
        f"<sub>specification {report.spec}, suite {text(report.suite)}{seed} · {code(report.command)}</sub>",
        "",
    ]
    return _shortened("\n".join(lines))


def _target(
    report: Report, target: str, clauses: Mapping[str, Clause], *, clauses_only: bool
) -> Iterator[str]:
    verdicts = of_target(report, target)
    sign, _ = SIGNS[target_status(report, target)]
    conclusion, ground = (line.plain.strip() for line in verdict_lines(report, target))
    yield f"### {sign} {text(conclusion.removeprefix(sign).strip())}\n"
    yield f"{text(ground)}\n"
    for line in about(report, target):
        yield f"{text(line)}  "
    yield ""
    if verdicts:
        yield from _table(verdicts, clauses)
    if not clauses_only:
        yield from _causes(verdicts, clauses)
    for finding in findings([v for v in verdicts if clauses_only or v.outcome != "fail"]):
        yield from _finding(finding, clauses)


def _causes(verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> Iterator[str]:
    causes = causes_found(verdicts)
    if causes:
        yield f"**{summarize(causes)}**\n"
    for one, best in examples(causes):
        yield from _cause(one, example_of(one, best), clauses)


def _cause(one: CauseFound, example: Finding, clauses: Mapping[str, Clause]) -> Iterator[str]:
    """Yield a cause, with the clauses that fail for it and its smallest case behind it."""
    sign, _, _ = MARKS["fail"]
    facts = [count(len(one.clauses), "clause"), one.known_by, one.level, listed(places(one.verdicts))]
    title = f"{one.number}. {sign} <b>{escape(one.title)}</b>"
    yield f"<details><summary>{title}<br>{escape(' · '.join(facts))}</summary>\n"
    if one.clauses != [example.first.clause]:
        yield f"{', '.join(map(code, one.clauses))}\n"
    yield f"{code(example.first.clause)}, the smallest case:\n"
    yield from _evidence(example, clauses)
    yield "</details>\n"


def _table(verdicts: list[Verdict], clauses: Mapping[str, Clause]) -> Iterator[str]:
    """Yield the areas by cell and backend: the number of clauses that hold, and of each other outcome."""
    heads = columns(verdicts)
    yield "| | " + " | ".join(f"{text(cell)}<br>{text(backend)}" for cell, backend in heads) + " |"
    yield "| --- |" + " :-: |" * len(heads)
    areas = group_by(verdicts, lambda v: area_of(v.clause, clauses))
    for area, group in areas.items():
        here = group_by(group, lambda v: (v.cell, v.backend))
        yield f"| {text(area)} | " + " | ".join(_tally(here.get(head, [])) for head in heads) + " |"
    used = {verdict.outcome for verdict in verdicts}
    yield ""
    yield (
        "<sub>"
        + " &ensp; ".join(f"{s} {meaning}" for o, (s, _, meaning) in MARKS.items() if o in used)
        + "</sub>\n"
    )


def _tally(verdicts: list[Verdict]) -> str:
    outcomes = [joint_outcome(group) for group in group_by(verdicts, lambda v: v.clause).values()]
    return " ".join(f"{MARKS[o][0]}&nbsp;{outcomes.count(o)}" for o in MARKS if o in outcomes)


def _finding(finding: Finding, clauses: Mapping[str, Clause]) -> Iterator[str]:
    first = finding.first
    sign, _, _ = MARKS[first.outcome]
    title = (
        f"{sign} <b>{escape(first.clause)}</b> · {first.level} · {escape(listed(places(finding.verdicts)))}"
    )
    yield f"<details><summary>{title}<br>{escape(finding.summary)}</summary>\n"
    yield from _evidence(finding, clauses)
    yield "</details>\n"


def _evidence(finding: Finding, clauses: Mapping[str, Clause]) -> Iterator[str]:
    first = finding.first
    yield fenced(
        "\n".join(f"{label:<9}{_indented(body.plain)}" for label, body in details(finding, clauses, 100))
    )
    if first.failure and first.failure.script:
        yield "To see it again, paste into Python:\n"
        yield fenced(first.failure.script, "python")
    elif not first.failure:
        yield fenced(first.reason)


def _indented(body: str) -> str:
    return body.replace("\n", "\n" + " " * 9)


def _shortened(document: str) -> str:
    """Return whole folded failures up to the longest length, and the number of those left out."""
    head, *folded = document.split("<details>")
    *_, foot = document.rpartition("</details>\n")
    kept, size = [], len(head)
    for part in folded:
        size += len(part)
        if size > LONGEST:
            break
        kept.append(part)
    if len(kept) == len(folded):
        return document
    left = f"{count(len(folded) - len(kept), 'failure')} more: see the report that --json writes.\n"
    return "<details>".join([head, *kept]) + left + foot


def text(said: str) -> str:
    """Return text that means nothing to Markdown or HTML, on one line."""
    return SPECIAL.sub(r"\\\1", escape(" ".join(said.split()), quote=False))


def code(said: str) -> str:
    """Return a span of code, for any backticks in it."""
    return f"<code>{escape(' '.join(said.split()))}</code>"


def fenced(said: str, language: str = "") -> str:
    """Return a block of code with a fence longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`+", said)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{said.rstrip()}\n{fence}\n"
