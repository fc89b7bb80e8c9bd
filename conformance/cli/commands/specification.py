"""`conformance list` and `conformance explain`: show the demands of the specification."""

from __future__ import annotations

import click
from rich.text import Text

from conformance.cli.commands.refusals import refusals
from conformance.options import RunOptions, selected, specification
from conformance.report.screen import screen

version = click.option(
    "--spec", "version", metavar="VERSION", help="An earlier version of the specification."
)


@click.command(name="list")
@click.argument("glob", nargs=-1)
@version
def list_(glob: tuple[str, ...], version: str | None) -> None:
    """List the clauses of the specification and their levels, or those that match a GLOB."""
    with refusals():
        spec = specification(RunOptions(spec=version))
        ids = selected(RunOptions(clauses=glob), spec.clauses)
    area = ""
    for id in ids:
        clause = spec.clauses[id]
        if clause.area != area:
            area = clause.area
            click.echo(f"\n{area}")
        click.echo(f"  {clause.level:<6}  {id}")
    click.echo(f"\nspecification {spec.version}: {len(ids)} clauses; `conformance explain CLAUSE` shows one")


@click.command()
@click.argument("clause", nargs=-1, required=True)
@version
def explain(clause: tuple[str, ...], version: str | None) -> None:
    """Show the text of a CLAUSE of the specification; a glob, such as 'time.*', shows several."""
    from rich.markdown import Markdown  # slow to import, and `list` does not need it

    with refusals():
        spec = specification(RunOptions(spec=version))
        ids = selected(RunOptions(clauses=clause), spec.clauses)
    with screen() as console:
        for id in ids:
            entry = spec.clauses[id]
            since = ", ".join(f"{level} since {first}" for first, level in entry.history)
            said = f"{entry.id} · {entry.level} · {entry.area} · specification {spec.version} ({since})"
            console.print(Text(said), soft_wrap=True)
            console.print()
            console.print(Markdown(entry.text), width=min(console.width, 100))
            console.print()
