"""The command `conformance`: judges implementations of liquid neural cells by their specification."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markdown import Markdown

import conformance
import reference
from conformance import clauses
from conformance.options import (
    RunOptions,
    UsageError,
    click_options,
    resolve,
    run_options,
    selected,
    unknown,
)
from conformance.pool import CannotBeJudged
from conformance.report import exit_code, terminal
from conformance.report.progress import RunProgress
from conformance.verdict import EXIT_CODES, Report

QUIET = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
"""The caller's settings for tests of their own have no say in a run."""


class Refusal(click.ClickException):
    """What was asked cannot be done: one line, and exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        click.echo(f"conformance: {self.message}", file=file, err=True)


class NotJudged(Refusal):
    """The run could not begin: one line, and exit status 3."""

    exit_code = EXIT_CODES["could not be judged"]


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what cannot be done into a line for the reader, and an exit status."""
    try:
        yield
    except UsageError as error:
        raise Refusal(str(error)) from error
    except CannotBeJudged as error:
        raise NotJudged(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ncps-conformance", prog_name="conformance")
def main() -> None:
    """Judges implementations of liquid neural cells (CfC, LTC) by the specification that comes with it."""
    for line in shadowed():
        raise Refusal(line)


@main.command()
@click.argument("target", nargs=-1)
@click_options
def run(**values: Any) -> None:
    """Judges each TARGET: ncps (the default: every cell of ours), or MODULE:CLASS.

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


@main.command(name="list")
@click.argument("glob", nargs=-1)
def list_(glob: tuple[str, ...]) -> None:
    """Lists the clauses of the specification and their levels, or those that match a GLOB."""
    spec = clauses.load()
    with refusals():
        ids = selected(RunOptions(clauses=glob), spec.clauses)
    area = ""
    for id in ids:
        clause = spec.clauses[id]
        if clause.area != area:
            area = clause.area
            click.echo(f"\n{area}")
        click.echo(f"  {clause.level:<6}  {id}")
    click.echo(f"\nspecification {spec.version}: {len(ids)} clauses; `conformance explain CLAUSE` shows one")


@main.command()
@click.argument("clause")
def explain(clause: str) -> None:
    """Shows what a CLAUSE of the specification says."""
    spec = clauses.load()
    if clause not in spec.clauses:
        raise Refusal(unknown("clause", clause, spec.clauses))
    found = spec.clauses[clause]
    click.echo(f"{found.id} · {found.level} · {found.area} · specification {spec.version}\n")
    Console(width=min(Console().width, 100)).print(Markdown(found.text))


def shadowed() -> list[str]:
    """The packages that a folder of the caller's hides from us, a line each: both have common names."""
    here = Path(__file__).resolve().parent
    wanted = {"conformance": (conformance, here), "reference": (reference, here.parent / "reference")}
    return [
        f"`import {name}` found {module.__file__}, which hides the package of ncps-conformance; "
        "rename that folder or run from another"
        for name, (module, folder) in wanted.items()
        if Path(module.__file__ or "").resolve().parent != folder
    ]
