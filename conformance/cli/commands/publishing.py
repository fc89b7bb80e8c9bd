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


def publish(report: Report, clauses: Mapping[str, Clause], path: Path | None) -> None:
    """Write the summary to `path`, and on GitHub Actions to the job's summary and its annotations."""
    if path is not None:
        with written(path):
            path.write_text(markdown(report, clauses), encoding="utf-8")
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    for line in annotated(report, clauses):
        click.echo(line)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with written(Path(summary)), Path(summary).open("a", encoding="utf-8") as file:
            file.write(markdown(report, clauses))
