"""`conformance badge`: writes reports as a badge."""

from __future__ import annotations

import json
from pathlib import Path

import click

from conformance.cli.commands.files import read_reports, written
from conformance.cli.refusal import Refusal
from conformance.report import badge as badges


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="REPORT.json...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The badge as SVG.")
@click.option(
    "--endpoint",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The badge as the JSON that shields.io reads from an address.",
)
@click.option("--label", default=badges.LABEL, show_default=True, help="Its left side.")
def badge(reports: tuple[Path, ...], output: Path | None, endpoint: Path | None, label: str) -> None:
    """Write a badge for the reports together: MUST clauses that hold of those judged, and the specification.

    A partial report is rejected: of some clauses, of a shard, of a run that was cut short.
    """
    if output is None and endpoint is None:
        raise Refusal("badge: name a file to write, -o badge.svg or --endpoint badge.json")
    given = read_reports(reports)
    for path, report in given:
        if (lack := badges.lacking(report)) is not None:
            raise Refusal(f"badge: a badge stands for a whole run, and {path} is of a part: {lack}")
    made = badges.badge([report for _, report in given], label)
    if output is not None:
        with written(output):
            output.write_text(badges.svg(made), encoding="utf-8")
    if endpoint is not None:
        with written(endpoint):
            endpoint.write_text(
                json.dumps(badges.endpoint(made), ensure_ascii=False, indent=1) + "\n", "utf-8"
            )
    click.echo(f"{made.label}: {made.message}")
