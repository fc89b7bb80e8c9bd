"""The results of a run outside its terminal: Markdown, and annotations on GitHub Actions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from conformance.cli.commands.files import written
from conformance.report.github import annotated
from conformance.report.markdown import markdown
from conformance.spec.clauses import Clause
from conformance.verdict import Report

clauses_only = click.option(
    "--clauses-only", is_flag=True, help="Show each clause that fails as a finding of its own, not by cause."
)
"""An option of the commands that show a report; it changes nothing of what is judged or written as JSON."""


def publish(
    report: Report, clauses: Mapping[str, Clause], path: Path | None, *, clauses_only: bool = False
) -> None:
    """Write the summary to `path`, and on GitHub Actions to the job's summary and its annotations."""
    summary = markdown(report, clauses, clauses_only=clauses_only)
    if path is not None:
        with written(path):
            path.write_text(summary, encoding="utf-8")
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    for line in annotated(report, clauses, root):
        click.echo(line)
    if name := os.environ.get("GITHUB_STEP_SUMMARY"):
        with written(Path(name)), Path(name).open("a", encoding="utf-8") as file:
            file.write(summary)
