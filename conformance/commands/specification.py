"""`conformance list` and `conformance explain`: what the specification demands."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markdown import Markdown

from conformance import clauses
from conformance.commands.refusals import Refusal, refusals
from conformance.options import RunOptions, selected, unknown


@click.command(name="list")
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


@click.command()
@click.argument("clause")
def explain(clause: str) -> None:
    """Shows what a CLAUSE of the specification says."""
    spec = clauses.load()
    if clause not in spec.clauses:
        raise Refusal(unknown("clause", clause, spec.clauses))
    found = spec.clauses[clause]
    click.echo(f"{found.id} · {found.level} · {found.area} · specification {spec.version}\n")
    Console(width=min(Console().width, 100)).print(Markdown(found.text))
