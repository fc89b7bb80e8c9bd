"""The command `conformance`: judges implementations of liquid neural cells by their specification."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from conformance.cli.refusal import Refusal
from conformance.report.screen import silence, tell
from conformance.run.interrupts import exits_on_signals
from conformance.verdict import EXIT_CODES

COMMANDS = {
    "badge": ("badge", "badge", "Write a badge of reports: how many MUST clauses hold."),
    "doctor": ("doctor", "doctor", "Examine a target: what is found, and one step beside the reference."),
    "explain": ("specification", "explain", "Show the text of a clause."),
    "list": ("specification", "list_", "List the clauses of the specification."),
    "merge": ("merge", "merge", "Join the reports of the shards or backends of a run."),
    "replay": ("replay", "replay", "Play stored examples again."),
    "report": ("report", "report", "Write a page that shows reports."),
    "run": ("run", "run", "Judge targets by the specification."),
    "vectors": ("vectors", "vectors_", "Write or check golden vectors."),
}
"""By name: the module of `commands` and the function, imported when it is run, and what it does."""


class Commands(click.Group):
    """A group of commands that reports a signal that ends it, and failed reads and writes, in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        for line in shadowed():
            raise Refusal(line)
        module, function, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(f"conformance.cli.commands.{module}"), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (*_, summary) in COMMANDS.items()])

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


def shadowed() -> list[str]:
    """Return a line for each of our packages that a folder of the caller's hides: both have common names."""
    here = Path(__file__).resolve().parents[1]
    specs = {name: find_spec(name) for name in ("conformance", "reference")}
    files = {name: Path(spec.origin or name) for name, spec in specs.items() if spec}
    return [
        f"`import {name}` found {file}, which hides the package of ncps-conformance; "
        "rename that folder or run from another"
        for name, file in files.items()
        if file.resolve().parent not in (here, here.parent / "reference")
    ]
