"""`conformance run`: judges targets, and shows the results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
from rich.console import Console

from conformance.cli.commands.publishing import clauses_only, publish
from conformance.cli.commands.refusals import NotJudged, refusals
from conformance.driver.paths import STORAGE, storage
from conformance.options import RunOptions, click_options, resolve, run_options, specification
from conformance.report import exit_code, terminal
from conformance.report.files import is_written
from conformance.report.progress import RunProgress
from conformance.report.screen import screen, tell
from conformance.run.interrupts import CutShort, Ending, ends_on_signals
from conformance.verdict import EXIT_CODES, Report

QUIET = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""Settings that switch off the caller's pytest settings, which are for the caller's own tests."""


@click.command()
@click.argument("target", nargs=-1)
@click_options
@clauses_only
def run(clauses_only: bool, **values: Any) -> None:
    """Judge each TARGET: ncps (the default: every cell of ours), MODULE:CLASS, or 'exec:COMMAND'.

    Judging executes the code of the target. Exit status: 0 conforms, 1 a MUST clause fails, 2 usage, 3 could
    not be judged, 130 or 143 ended by SIGINT or SIGTERM: what was judged until then is shown and written.
    """
    with refusals():
        asked = run_options(values)
        spec = specification(asked)
        options = resolve(asked, spec.clauses)
        with ends_on_signals(options.time_limit) as ending:
            report = judged(options, ending)
    if report is None:
        raise NotJudged("the run could not begin, for the reason that pytest gives above")
    with screen() as console:
        terminal.render(report, spec.clauses, console, clauses_only=clauses_only)
    for path in (options.json, options.junit, options.examples, options.write_known_failures):
        if path and is_written(report, path):
            tell(f"written: {path}")
    publish(report, spec.clauses, options.markdown, clauses_only=clauses_only)
    sys.exit(ending.exit_code or exit_code(report))


def judged(options: RunOptions, ending: Ending) -> Report | None:
    """Return the report of `judge`; exit with a signal's status if one ended the run before it began."""
    report = None
    with suppress(CutShort):
        report = judge(options)
    if report is None and ending.number is not None:
        tell("conformance: ended before anything was judged")
        sys.exit(ending.exit_code or EXIT_CODES["could not be judged"])
    return report


def judge(options: RunOptions) -> Report | None:
    """Run the suite with these options; return None if it could not begin. Raises UsageError."""
    from conformance.run import plugin  # imports the suite's machinery, which the other commands do not need

    console = Console(stderr=True, quiet=options.in_process)  # a debugger needs the terminal
    with environment(QUIET | {STORAGE: str(storage())}), RunProgress(console) as progress:
        return plugin.run(options, progress)


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the duration of a context."""
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
