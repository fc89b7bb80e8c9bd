"""`conformance vectors`: writes and plays golden vectors."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance.cli.commands import replay as replaying
from conformance.cli.commands.refusals import refusals
from conformance.cli.refusal import Refusal
from conformance.options import run_options, some_options, unknown
from conformance.report.failures import print_findings
from conformance.report.values import count, listed
from conformance.spec import clauses
from conformance.spec.encoding import NotAnExample
from conformance.stored import vectors
from conformance.stored.examples import of_file
from conformance.verdict import Outcome, Verdict


@click.group(name="vectors")
def vectors_() -> None:
    """Write or check golden vectors: cases with the answers that the specification requires."""


@vectors_.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--clause", default="*", metavar="GLOB", help="Only clauses whose id matches.")
def export(folder: Path, clause: str) -> None:
    """Write the vectors of the specification to FOLDER: JSON, a file a clause, and its schema."""
    files = list(vectors.shipped(clause))
    if not files:
        raise Refusal(unknown("clause with vectors", clause, [path.stem for path in vectors.shipped()]))
    schema = vectors.GOLDEN.parents[1] / "schemas" / vectors.SCHEMA
    try:
        (folder / "schema").mkdir(parents=True, exist_ok=True)
        for source, copy in [
            *((file, folder / file.name) for file in files),
            (schema, folder / "schema" / schema.name),
        ]:
            shutil.copyfile(source, copy)
    except OSError as fault:
        raise Refusal(f"{folder}: cannot be written: {fault.strerror}") from None
    click.echo(f"{count(len(files), 'file')} of specification {clauses.load().version} written to {folder}")


@vectors_.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE_OR_FOLDER...")
@click.option(
    "--target", help="Play them against this, as `conformance run` takes it; default: the reference."
)
@some_options("backend", "python", "path", "timeout")
def check(files: tuple[str, ...], target: str | None, **values: Any) -> None:
    """Check files of vectors, and failing examples among them: that the reference follows each.

    With --target an implementation has to. Exit status: 0 all hold, 1 one does not, 2 usage, 3 one could not
    be judged.
    """
    from conformance.stored.replay import harnesses, stage  # the suite, which the other commands do not need
    from conformance.stored.vectors import play

    paths = replaying.json_files(map(Path, files))
    console = Console()
    if target is None:
        verdicts = [verdict for path in paths for verdict in checked(path, play.by_reference, console)]
    else:
        with refusals():
            on = stage(run_options({**values, "target": target}))
            with harnesses(on) as pool:
                player = play.by_target(on, pool)
                verdicts = [verdict for path in paths for verdict in checked(path, player, console)]
    sys.exit(replaying.exit_code(verdicts))


def checked(path: Path, play: Callable[[Any], list[Verdict]], console: Console) -> list[Verdict]:
    """Return the verdicts on a file, after printing them: a line if all hold, each failure in full."""
    try:
        with of_file(path):
            verdicts = play(vectors.read(path))
    except NotAnExample as wrong:
        raise Refusal(str(wrong)) from None
    failed = [verdict for verdict in verdicts if verdict.outcome == "fail"]
    print_findings(console, failed, clauses.load().clauses)
    if not failed:
        worst = min((verdict.outcome for verdict in verdicts), key=ORDER.index)
        replaying.print_line(console, worst, verdicts[0].clause, said(verdicts))
    return verdicts


ORDER: tuple[Outcome, ...] = ("error", "not reproducible", "host", "pass", "not applicable")
"""Outcomes by severity: the first of several marks a line."""


def said(verdicts: Sequence[Verdict]) -> str:
    """Return the results of the vectors of a file without a failure, in a line."""
    held = [verdict for verdict in verdicts if verdict.outcome == "pass"]
    others = Counter(f"{v.outcome}: {replaying.last_line(v.reason)}" for v in verdicts if v.outcome != "pass")
    tiers = [tier for tier in dict.fromkeys(verdict.tier for verdict in held) if tier]
    where = f" in {listed(tiers)}" if tiers else ""
    parts = [f"{count(len(held), 'answer')}{where} within the bounds"] if held else []
    return "; ".join([*parts, *(f"{number} {reason}" for reason, number in others.items())])
