"""The command `conformance`: judges implementations of liquid neural cells by their specification."""

from __future__ import annotations

from pathlib import Path

import click

import conformance
import reference
from conformance.commands.badge import badge
from conformance.commands.doctor import doctor
from conformance.commands.merge import merge
from conformance.commands.refusals import Refusal
from conformance.commands.replay import replay
from conformance.commands.report import report
from conformance.commands.run import run
from conformance.commands.specification import explain, list_
from conformance.commands.vectors import vectors_


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ncps-conformance", prog_name="conformance")
def main() -> None:
    """Judges implementations of liquid neural cells (CfC, LTC) by the specification that comes with it."""
    for line in shadowed():
        raise Refusal(line)


for command in (run, doctor, replay, vectors_, report, badge, merge, list_, explain):
    main.add_command(command)


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
