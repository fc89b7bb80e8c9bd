"""`conformance merge`: merges the parts of a run."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from conformance.cli.commands.files import read_reports, written
from conformance.cli.commands.publishing import publish
from conformance.cli.refusal import Refusal
from conformance.report import exit_code, jsonfile, terminal
from conformance.report.merge import CannotBeMerged
from conformance.report.merge import merge as merged
from conformance.report.screen import screen
from conformance.spec import clauses


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT.json...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The whole report."
)
@click.option(
    "--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write a summary in Markdown here."
)
def merge(reports: tuple[Path, ...], output: Path, markdown: Path | None) -> None:
    """Join the reports of the shards of a run, or of its backends, and show the whole.

    They must be of one specification, suite, seed and budget, and of the same versions of the targets. A
    missing shard is named, and the whole is partial. The exit status is that of a run.
    """
    spec = clauses.load()
    if twice := [str(path) for path, times in Counter(reports).items() if times > 1]:
        raise Refusal(f"merge: {twice[0]} is given twice; name each report once")
    try:
        whole = merged({str(path): report for path, report in read_reports(reports)}, spec.clauses)
    except CannotBeMerged as error:
        raise Refusal(str(error)) from error
    with screen() as console:
        terminal.render(whole, spec.clauses, console)
    with written(output):
        jsonfile.write(whole, output)
    publish(whole, spec.clauses, markdown)
    sys.exit(exit_code(whole))
