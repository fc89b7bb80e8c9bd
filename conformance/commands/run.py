"""`conformance run`: judges what it is given, and shows what it found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from conformance import clauses
from conformance.commands.refusals import NotJudged, refusals
from conformance.options import RunOptions, click_options, resolve, run_options
from conformance.report import exit_code, terminal
from conformance.report.progress import RunProgress
from conformance.verdict import Report

QUIET = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""The caller's settings for tests of their own have no say in a run."""


@click.command()
@click.argument("target", nargs=-1)
@click_options
def run(**values: Any) -> None:
    """Judges each TARGET: ncps (the default: every cell of ours), MODULE:CLASS, or 'exec:COMMAND'.

    Judging executes the code of the target. Exit status: 0 conforms, 1 a MUST clause fails, 2 usage, 3 could
    not be judged.
    """
    spec = clauses.load()
    with refusals():
        options = resolve(run_options(values), spec.clauses)
        report = judge(options)
    if report is None:
        raise NotJudged("the run could not begin; what pytest says of it stands above")
    terminal.render(report, spec.clauses, Console())
    for path in filter(None, (options.json, options.junit)):
        click.echo(f"written: {path}", err=True)
    sys.exit(exit_code(report))


def judge(options: RunOptions) -> Report | None:
    """Runs the suite as `options` says; None where it could not begin. Raises UsageError."""
    from conformance import plugin  # imports the suite's machinery, which the other commands do not need

    console = Console(stderr=True, quiet=options.in_process)  # a debugger wants the terminal for itself
    with environment(QUIET), RunProgress(console) as progress:
        return plugin.run(options, progress)


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Has environment variables set for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
