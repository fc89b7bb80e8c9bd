"""A coverage-guided search over the clauses for so many minutes, and what came of it.

    python .ci/fuzz.py [--minutes 10] [--processes N] [PYTEST ARGUMENT...]

What `tox run -e fuzz` calls. HypoFuzz searches tests/overnight.py; what it has found is kept in Hypothesis's
database, .hypothesis here, where the next search goes on from it, and where `pytest tests/overnight.py` finds
an example that failed. The figures count since the database was begun: HypoFuzz writes them when it sees
something new, so that examples since then are in none of them.

Exit status: 0; 1 where a property was seen to fail, none was searched, or the search broke off.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click
from hypofuzz.database import FailureState, HypofuzzDatabase, Report, test_keys_key
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
PROPERTIES = "tests/overnight.py"
ENDING = 20
"""Seconds that the search has to end."""


def search(minutes: float, processes: int, arguments: tuple[str, ...]) -> bool:
    """Run HypoFuzz; return whether it went well. It ends by a signal, or when every property has failed."""
    engine = str(Path(sysconfig.get_path("scripts")) / "hypothesis")
    command = [engine, "fuzz", "-n", str(processes), "--no-dashboard", "--"]
    caps = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    running = subprocess.Popen(
        [*command, PROPERTIES, *arguments],
        cwd=ROOT,
        env=os.environ | caps,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        _, said = running.communicate(timeout=60 * minutes)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        os.killpg(running.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            running.communicate(timeout=ENDING)
        return True
    else:
        click.echo(f"the search ended by itself:\n{said}", err=True)
        return running.returncode == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Property:
    """What the database holds of one clause and cell."""

    nodeid: str
    examples: int
    seconds: float
    behaviours: int
    """Branches of Python, and what the test calls events, that its examples were seen to take."""
    failures: list[tuple[Any, ...]]
    """The draws of each example that fails."""

    @classmethod
    def of(cls, database: HypofuzzDatabase, key: bytes) -> Property | None:
        """Return None where it was not searched; a worker's last report counts all of its own before."""
        last: dict[str, Report] = {}
        for report in sorted(database.reports.fetch(key), key=lambda report: report.elapsed_time):
            last[report.worker_uuid] = report
        if not last:
            return None
        states = FailureState.SHRUNK, FailureState.UNSHRUNK
        return cls(
            nodeid=next(iter(last.values())).nodeid,
            examples=sum(sum(report.status_counts.values()) for report in last.values()),
            seconds=sum(report.elapsed_time for report in last.values()),
            behaviours=max(report.behaviors for report in last.values()),
            failures=[failure for state in states for failure in database.failures(state=state).fetch(key)],
        )


def properties() -> list[Property]:
    """Return all properties that were searched."""
    database = HypofuzzDatabase(settings().database)
    candidates = [Property.of(database, key) for key in database.fetch(test_keys_key)]
    return [one for one in candidates if one and one.examples]


@click.command()
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--processes", default=os.cpu_count() or 1, show_default=True)
@click.argument("arguments", nargs=-1)
def main(minutes: float, processes: int, arguments: tuple[str, ...]) -> None:
    """Search, and print the result; the arguments go to pytest."""
    os.chdir(ROOT)
    searched = search(minutes, processes, arguments)
    results = properties()
    examples, seconds = sum(one.examples for one in results), sum(one.seconds for one in results)
    branches = sorted(one.behaviours for one in results)
    click.echo(f"{len(results)} properties, {examples:,} examples, {examples / max(seconds, 1):.0f} a second")
    middle, most = median(branches or [0]), max(branches, default=0)
    click.echo(f"branches of a property: {middle:.0f} in the middle, {most} at most")
    failing = [one for one in results if one.failures]
    for one in failing:
        click.echo(f"  ✗  {one.nodeid}: `pytest -n 0 '{one.nodeid}'` shows it")
    click.echo(f"{len(failing)} of them failed")
    sys.exit(1 if failing or not results or not searched else 0)


if __name__ == "__main__":
    main()
