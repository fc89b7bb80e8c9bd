"""`conformance report`: writes reports as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.cli.commands.files import read_reports, written
from conformance.cli.commands.publishing import clauses_only
from conformance.report.html import Source, render
from conformance.spec import clauses


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT.json...")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The page."
)
@clauses_only
def report(reports: tuple[Path, ...], output: Path, clauses_only: bool) -> None:
    """Write a page that shows each REPORT.json, of `run --json`, side by side.

    The page is one file that loads nothing. No target is executed.
    """
    sources = [Source(path.name, content) for path, content in read_reports(reports)]
    with written(output):
        output.write_text(render(sources, clauses.load(), clauses_only=clauses_only), encoding="utf-8")
