"""Runs `python -m tests.planted`: measures the score, and writes its data and tables."""

from __future__ import annotations

import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import click

from conformance.driver.process import cores
from conformance.report.values import count
from conformance.run.interrupts import exits_on_signals
from tests.planted import data, partial, published, tables
from tests.planted.catalogue import planted
from tests.planted.measuring import Measurement, measure

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "teeth"
DATA = ROOT / "build" / "teeth.json"
SHOWN = 20
"""Lines of what is wrong that are shown."""


@click.command()
@click.option("--seeds", default=1, show_default=True, help="Searches for each mutant, by seeds 0, 1, ...")
@click.option("--only", metavar="PATTERN,...", default="*", help="Mutants, by name, clause or kind.")
@click.option("--matrix", is_flag=True, help="Which clauses find each, too; of those written by hand.")
@click.option(
    "--write", is_flag=True, help="Write the data, and the tables: figures that are not in the data stay."
)
@click.option(
    "--tables", "rewrite", is_flag=True, help="Write the tables from the data, and measure nothing."
)
@click.option(
    "--data",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DATA,
    help="The data, to which --write adds; the nightly job has that of all. [default: build/teeth.json]",
)
@click.option(
    "--folder", type=click.Path(path_type=Path), default=FOLDER, help="The tables. [default: docs/teeth]"
)
@click.option("--jobs", default=cores(), help="Processes at a time.")
def main(
    seeds: int, only: str, matrix: bool, write: bool, rewrite: bool, file: Path, folder: Path, jobs: int
) -> None:
    """Plant every known fault, one at a time, and report which the suite finds at its default budget.

    Exit status: 0 every one is found, and the tables in docs/teeth are of today's faults; 1 otherwise.
    """
    begin = time.monotonic()
    keys = [] if rewrite else [key for key in planted() if _matches(key, only.split(","))]
    measured: list[Measurement] = []
    with (
        exits_on_signals(lambda line: click.echo(line, err=True)),
        click.progressbar(length=len(keys), file=sys.stderr, label="planting") as bar,
    ):
        for measurement in measure(keys, seeds, matrix=matrix, jobs=jobs):
            measured.append(measurement)
            bar.update(1)
            if write:  # at once, for a whole measurement takes hours
                data.write(file, data.merge(data.read(file), [measurement]))
    for line in tables.score(measured):
        click.echo(line)
    wrong = [
        f"{measurement.key} is not found by {measurement.clause}: {measurement.said}"
        for measurement in measured
        if not measurement.found
    ]
    wrong += _write_tables(file, folder) if write or rewrite else []
    wrong += published.complaints(folder) + published.unexplained(folder)
    for line in wrong[:SHOWN]:
        click.echo(f"✗ {line}")
    if len(wrong) > SHOWN:
        click.echo(f"✗ and {len(wrong) - SHOWN} more")
    click.echo(f"{len(measured)} mutants, {seeds} seeds, {time.monotonic() - begin:.0f} s")
    sys.exit(1 if wrong else 0)


def _matches(key: str, patterns: list[str]) -> bool:
    fault = planted()[key]
    return any(fnmatch(name, p) for p in patterns for name in (key, fault.name, fault.clause, fault.kind))


def _write_tables(file: Path, folder: Path) -> list[str]:
    """Write the tables; return why not, where a fault was neither measured nor published before.

    Where the data lacks faults, their figures stay as they are published.
    """
    measurements, reasons = data.read(file), published.reasons(folder)
    missing = set(data.missing(measurements))
    if not missing:
        tables.write(folder, [measurements[key] for key in planted()], reasons)
        return []
    today = {key: measurement for key, measurement in measurements.items() if key not in missing}
    if absent := partial.absent(folder, today):
        some = count(len(absent), "fault")
        return [
            f"{folder} is not written: {some} neither measured nor in the tables, such as {absent[0]}. "
            f"Measure what is new: {published.ANEW}"
        ]
    partial.write(folder, today, reasons)
    return []


if __name__ == "__main__":
    main()
