"""The command `conformance`: judges implementations of liquid neural cells by their specification."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import conformance
import reference
from conformance.cli.commands.badge import badge
from conformance.cli.commands.doctor import doctor
from conformance.cli.commands.merge import merge
from conformance.cli.commands.refusals import Refusal
from conformance.cli.commands.replay import replay
from conformance.cli.commands.report import report
from conformance.cli.commands.run import run
from conformance.cli.commands.specification import explain, list_
from conformance.cli.commands.vectors import vectors_
from conformance.report.screen import silence, tell
from conformance.run.interrupts import exits_on_signals
from conformance.verdict import EXIT_CODES


class Commands(click.Group):
    """A group of commands that reports a signal that ends it, and failed reads and writes, in one line."""

    def main(self, *arguments: Any, **named: Any) -> Any:
        try:
            with exits_on_signals(tell):
                return super().main(*arguments, **named)
        except OSError as fault:
            silence(sys.stdout)
            what = f"{fault.filename}: " if fault.filename else "the output cannot be written: "
            Refusal(f"{what}{fault.strerror}").show()
            sys.exit(Refusal.exit_code)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. Exit quietly on a broken pipe, but with status 3 if the command judges."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            silence(sys.stdout)
            silence(sys.stderr)
            judges = ctx.invoked_subcommand not in ("list", "explain")
            sys.exit(EXIT_CODES["could not be judged"] if judges else 0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ncps-conformance", prog_name="conformance")
def main() -> None:
    """Judge implementations of liquid neural cells (CfC, LTC) by the specification that comes with it."""
    for line in shadowed():
        raise Refusal(line)


for command in (run, doctor, replay, vectors_, report, badge, merge, list_, explain):
    main.add_command(command)


def shadowed() -> list[str]:
    """Return a line for each of our packages that a folder of the caller's hides: both have common names."""
    here = Path(__file__).resolve().parents[1]
    wanted = {"conformance": (conformance, here), "reference": (reference, here.parent / "reference")}
    return [
        f"`import {name}` found {module.__file__}, which hides the package of ncps-conformance; "
        "rename that folder or run from another"
        for name, (module, folder) in wanted.items()
        if Path(module.__file__ or "").resolve().parent != folder
    ]
