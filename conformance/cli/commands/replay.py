"""`conformance replay`: replays stored examples."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from conformance.cli.commands.refusals import refusals
from conformance.cli.refusal import Refusal
from conformance.options import run_options, some_options
from conformance.report.failures import Finding, print_finding
from conformance.report.screen import screen
from conformance.report.table import MARKS
from conformance.spec import clauses
from conformance.spec.encoding import NotAnExample
from conformance.stored.examples import StoredExample, read
from conformance.verdict import EXIT_CODES, Outcome, Verdict


@click.command()
@click.argument("arguments", nargs=-1, required=True, metavar="FILE... [TARGET]")
@some_options("backend", "python", "path", "family", "names", "timeout")
def replay(arguments: tuple[str, ...], **values: Any) -> None:
    """Play each example in a FILE again, as it was drawn, on TARGET: ncps by default, or any of its family.

    `conformance run --examples DIR` writes such files. A file executes nothing, and its own target is not
    imported: name the TARGET to judge another than ncps. Exit status: 0 every example that applies holds, 1
    one fails, 2 usage, 3 none applies, or one does not fit.
    """
    from conformance.stored.replay import replay as play  # the suite, which the other commands do not need
    from conformance.stored.replay import stage

    files, target = apart(arguments)
    with refusals():
        stored = examples(files)
        verdicts = play(stored, stage(run_options({**values, "target": target})))
    with screen() as console:
        show(verdicts, console)
    sys.exit(exit_code(verdicts))


def apart(arguments: Sequence[str]) -> tuple[list[Path], str]:
    """Return the files, and the target: the last argument, if it is no file and not named like one."""
    *most, last = arguments
    if most and not Path(last).exists() and not last.endswith(".json"):
        return [Path(name) for name in most], last
    return [Path(name) for name in arguments], "ncps"


def examples(files: Iterable[Path]) -> list[StoredExample]:
    """Return the examples in files, and in all files of folders. Raises Refusal."""
    try:
        return [read(path) for path in json_files(files)]
    except NotAnExample as wrong:
        raise Refusal(f"not an example that `conformance run --examples DIR` writes: {wrong}") from None


def json_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files, and those in the folders. Raises Refusal if there are none."""
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        raise Refusal("no file *.json there: name files, or folders that hold some")
    return files


def show(verdicts: Iterable[Verdict], console: Console) -> None:
    """Print the verdict on each example: in full if it fails, otherwise in a line."""
    for verdict in verdicts:
        if verdict.outcome == "fail":
            print_finding(console, Finding((verdict,)), known(verdict))
        else:
            parts = (f"{verdict.target}:", verdict.cell, verdict.backend and f"on {verdict.backend}")
            place = " ".join(filter(None, (*parts, verdict.tier and f"in {verdict.tier}"))).rstrip(":")
            said = {"pass": "holds", "error": f"does not fit: {last_line(verdict.reason)}"}
            result = said.get(verdict.outcome, f"{verdict.outcome}: {verdict.reason}")
            print_line(console, verdict.outcome, verdict.clause, f"{place} · {result}")


def print_line(console: Console, outcome: Outcome, clause: str, said: str) -> None:
    """Print an outcome in a line."""
    mark, style, _ = MARKS[outcome]
    console.print(Text.assemble((f"{mark} ", style), (clause, "bold"), f" · {said}"), soft_wrap=True)


def known(verdict: Verdict) -> Mapping[str, clauses.Clause]:
    """Return the clause of a verdict."""
    return {verdict.clause: clauses.load().clauses[verdict.clause]}


def last_line(text: str) -> str:
    """Return the last line of a text, which is the error of a traceback."""
    return text.rstrip("\n").rpartition("\n")[2]


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return the exit status; a failure outweighs errors, and inapplicable examples count only alone."""
    outcomes = {verdict.outcome for verdict in verdicts}
    outcomes = outcomes - {"host", "not applicable"} or outcomes
    if "fail" in outcomes:
        return EXIT_CODES["departs"]
    return EXIT_CODES["conforms"] if outcomes == {"pass"} else EXIT_CODES["could not be judged"]
