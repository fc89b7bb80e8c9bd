"""`python -m tests.planted`: the score, and the tables that are made of it."""

from __future__ import annotations

import sys
import time
from datetime import date
from fnmatch import fnmatch
from pathlib import Path

import click

from conformance.driver.process import cores
from conformance.run.interrupts import exits_on_signals
from conformance.spec import clauses
from tests.planted import kept, tables
from tests.planted.catalogue import planted
from tests.planted.measuring import Bite, measure

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "teeth"
OFTEN = 20
"""After so many more what was measured is written, for a whole measure is long."""
SHOWN = 20
"""Lines of what is wrong that anybody reads."""


@click.command()
@click.option("--seeds", default=1, show_default=True, help="Searches for each mutant, by seeds 0, 1, ...")
@click.option("--only", metavar="PATTERN,...", default="*", help="Mutants, by name, clause or kind.")
@click.option("--matrix", is_flag=True, help="Which clauses find each, too; of those written by hand.")
@click.option("--write", is_flag=True, help="Write what was measured, and the tables, to docs/teeth.")
@click.option(
    "--tables", "rewrite", is_flag=True, help="Write the tables anew from what is kept, and no more."
)
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, help="Instead of docs/teeth.")
@click.option("--jobs", default=cores(), help="Processes at a time.")
def main(seeds: int, only: str, matrix: bool, write: bool, rewrite: bool, folder: Path, jobs: int) -> None:
    """Plants every known fault, one at a time, and says which the suite finds at its default budget.

    Exit status: 0 every one is found, and what is kept in docs/teeth is of today's mutants; 1 otherwise.
    """
    begin = time.monotonic()
    keys = [] if rewrite else [key for key in planted() if _asked(key, only.split(","))]
    measured: list[Bite] = []
    with (
        exits_on_signals(lambda line: click.echo(line, err=True)),
        click.progressbar(length=len(keys), file=sys.stderr, label="planting") as bar,
    ):
        for bite in measure(keys, seeds, matrix=matrix, jobs=jobs):
            measured.append(bite)
            bar.update(1)
            if write and len(measured) % OFTEN == 0:
                _write(folder, measured)
    if write or rewrite:
        _write(folder, measured)
    for line in tables.score(measured):
        click.echo(line)
    wrong = [f"{bite.key} is not found by {bite.clause}: {bite.said}" for bite in measured if not bite.found]
    wrong += kept.complaints(folder) + kept.unexplained(folder)
    for line in wrong[:SHOWN]:
        click.echo(f"✗ {line}")
    if len(wrong) > SHOWN:
        click.echo(f"✗ and {len(wrong) - SHOWN} more")
    click.echo(f"{len(measured)} mutants, {seeds} seeds, {time.monotonic() - begin:.0f} s")
    sys.exit(1 if wrong else 0)


def _asked(key: str, patterns: list[str]) -> bool:
    fault = planted()[key]
    return any(fnmatch(said, p) for p in patterns for said in (key, fault.name, fault.clause, fault.kind))


def _write(folder: Path, measured: list[Bite]) -> None:
    """The data and the tables, with what was kept before of what is not measured now."""
    made = {"made": f"{date.today()}", "spec": clauses.load().version}
    kept.write(folder, kept.merged(kept.read(folder), measured).values(), made)
    tables.write(folder, list(kept.read(folder).values()), kept.reasons(folder))


if __name__ == "__main__":
    main()
