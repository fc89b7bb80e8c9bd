"""What benchmarks/RESULTS.md holds: each command prints its tables as Markdown.

python benchmarks run [OPTION OF conformance run ...]    time and tightness, a clause and backend
python benchmarks cold [--tree before=../before ...]     whole commands of a new user, with empty caches
python benchmarks departing [--backend torch,...]        a cell with one slip against the sound one
python benchmarks wire [--backend jax,...]               the wire against the same harness in-process
python benchmarks sequences [--backend jax,...]          our layers against PyPI ncps and gated cells
python benchmarks memory [--examples 100000]             resident memory of driver and harness in a long run
python benchmarks bounds [--operations 1000000]          how much of its bound real arithmetic uses
"""

from __future__ import annotations

import fnmatch
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import bounds
import click
import cold as first_commands
import departing as departures
import memory
import sequences

from conformance import start
from conformance.driver.implementation import ImplementationProtocol
from conformance.judging.registry import CHECKS, PRECISION
from conformance.judging.subject import Subject
from conformance.report import jsonfile
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.suite import test_gradient, test_sequence, test_state, test_step  # noqa: F401  fill CHECKS
from conformance.verdict import Report, Verdict

BACKENDS = ("jax", "torch", "tensorflow", "numpy")
CLAUSES = ("cfc.step.default", "state.threads", "sequence.steps")
ROUNDS = 7


@click.group()
def main() -> None:
    """Measure the suite."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table, the first column of words and the others of numbers."""
    head = list(head)
    print("| " + " | ".join(head) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


@main.command()
@click.option(
    "--tree", "trees", multiple=True, metavar="NAME=FOLDER", help="A working tree; this one if none."
)
@click.option("--only", metavar="GLOB", default="*", help="The commands to measure, by their names.")
@click.option("--rounds", default=3, show_default=True, help="How often each command is run.")
@click.option("--warm", is_flag=True, help="Run each once more, with the cache that it left.")
def cold(trees: tuple[str, ...], only: str, rounds: int, warm: bool) -> None:
    """Time whole commands with empty caches: seconds / processor-seconds / MiB of all processes together."""
    named = dict(tree.split("=", 1) for tree in trees) or {"now": Path(__file__).resolve().parents[1]}
    folders = {name: Path(folder).resolve() for name, folder in named.items()}
    commands = fnmatch.filter(first_commands.COMMANDS, only)
    table(["command", *folders], first_commands.measured(folders, commands, rounds, warm=warm))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--backend", default="torch,numpy", show_default=True, help="The backends, by commas.")
@click.option("--rounds", default=3, show_default=True, help="How often each cell is judged.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def departing(backend: str, rounds: int, options: tuple[str, ...]) -> None:
    """Time the verdict of a cell with one slip beside the sound one; OPTIONS go to `conformance run`."""
    rows = departures.measured(backend.split(","), rounds, list(options))
    table(["seconds", "sound", "one slip", "ratio", "to the cause"], rows)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--report", type=click.Path(path_type=Path), help="A report to read, instead of a run.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(report: Path | None, options: tuple[str, ...]) -> None:
    """Measure how long a run of `ncps` takes, and how close its cells come to the bound."""
    found = jsonfile.read(report) if report else judged(options)
    examples = sum(verdict.examples for verdict in found.verdicts)
    failed = sum(verdict.outcome == "fail" for verdict in found.verdicts)
    print(f"`{found.command}`: {found.seconds:.0f} s, {examples} examples, {failed} failures\n")
    backends = list(dict.fromkeys(verdict.backend for verdict in found.verdicts))
    print("Seconds, both cells and tiers together\n")
    by_clause(found, backends, lambda verdicts: f"{sum(v.seconds for v in verdicts):.1f}")
    print("Largest error / bound, in float64 and in float32\n")
    numerical = [verdict for verdict in found.verdicts if verdict.worst is not None and verdict.tier]
    by_clause(found, backends, tightness, {verdict.clause for verdict in numerical})


def judged(options: tuple[str, ...]) -> Report:
    """Return the report of a run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        command = [sys.executable, "-m", "conformance", "run", "ncps", *options, "--json", str(path)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        return jsonfile.read(path)


def by_clause(
    report: Report, backends: list[str], say: Callable[[list[Verdict]], str], only: set[str] | None = None
) -> None:
    """Print a row a clause, a column a backend, and a row of sums where the cells are seconds."""
    cells: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in report.verdicts:
        cells[verdict.clause, verdict.backend].append(verdict)
    clauses = [id for id in dict.fromkeys(v.clause for v in report.verdicts) if only is None or id in only]
    rows = [[id, *(say(cells[id, backend]) for backend in backends)] for id in clauses]
    if only is None:
        totals = [say([v for v in report.verdicts if v.backend == backend]) for backend in backends]
        rows.append(["**all**", *totals])
    table(["clause", *backends], rows)


def tightness(verdicts: list[Verdict]) -> str:
    """Return the worst error / bound at each tier."""
    worst = {tier: [v.worst for v in verdicts if v.tier == tier and v.worst is not None] for tier in TIERS}
    return " ".join(f"{max(found):.2f}" if found else "–" for found in worst.values())


TIERS = ("float64", "float32")


@main.command()
@click.option("--backend", default=",".join(BACKENDS), show_default=True)
def wire(backend: str) -> None:
    """Time the same examples through a harness in this process and through one of its own, side by side."""
    if "," not in backend:
        return compare(backend)
    print(f"Milliseconds a clause of 50 examples, median of {ROUNDS} alternating rounds on warm harnesses\n")
    for name in backend.split(","):  # Keras has one backend a process
        command = [sys.executable, __file__, "wire", "--backend", name]
        subprocess.run(command, check=True, env={**os.environ, "KERAS_BACKEND": name})
    return None


def compare(backend: str) -> None:
    with start("ncps", backend) as over_the_wire, start("ncps", backend, in_process=True) as here:
        rows = []
        for clause in CLAUSES:
            seconds: dict[str, list[float]] = {"wire": [], "here": []}
            for _ in range(ROUNDS + 1):
                seconds["wire"].append(timed(over_the_wire, clause))
                seconds["here"].append(timed(here, clause))
            wired, own = (1e3 * statistics.median(found[1:]) for found in seconds.values())
            rows.append([f"{clause}, {backend}", f"{own:.0f}", f"{wired:.0f}", f"{wired / own - 1:+.0%}"])
    table(["clause", "in-process", "wire", "cost"], rows)


def timed(implementation: ImplementationProtocol, clause: str) -> float:
    """Return the seconds for the clause's examples, the same each time."""
    cell = implementation.describe()["cells"][0]
    begin = time.perf_counter()
    verdict = judge_clause(CHECKS[clause], Subject(implementation, cell, PRECISION), Plan(50, seed=1))
    assert verdict.outcome == "pass", verdict
    return time.perf_counter() - begin


@main.command("sequences")
@click.option("--backend", default="jax,torch,tensorflow", show_default=True)
def side_by_side(backend: str) -> None:
    """Time a forward pass and a training step of our layers, PyPI ncps and gated cells."""
    backends = tuple(backend.split(","))
    print("Batch 32, 16 features. CfC, GRU, LSTM: 64 units, the backbone of CfC 128 x 1.")
    print("LTC: AutoNCP(32, 4), 6 unfolds.")
    print("Milliseconds, forward / training step with Adam, medians of alternating rounds\n")
    for name in backends:
        sys.stdout.flush()
        table(*sequences.speed_table(name))
    print("Growth of the peak of resident memory: building, a forward pass, three training steps\n")
    table(*sequences.memory_table(backends))


@main.command("memory")
@click.option("--backend", default="numpy", show_default=True)
@click.option("--clause", default="cfc.step.default", show_default=True, help="A clause of one step.")
@click.option("--examples", default=100_000, show_default=True)
@click.option("--rows", default=10, show_default=True, help="How often memory is sampled.")
def long_run(backend: str, clause: str, examples: int, rows: int) -> None:
    """Measure resident memory of driver and harness as a clause is judged by very many examples."""
    print(f"`{clause}` in float64, {backend}\n")
    table(*memory.table(backend, clause, examples, rows))


@main.command("bounds")
@click.option("--operations", default=1_000_000, show_default=True)
def tightness_of_bounds(operations: int) -> None:
    """Compare random operations of NumPy and ml_dtypes with mpmath, and measure the used share of bounds."""
    table(*bounds.table(operations))


if __name__ == "__main__":
    main()
