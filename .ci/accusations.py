"""The long run: correct cells, judged by very many examples of each clause about numbers; none is accused.

    python .ci/accusations.py [--target reference,ncps] [--backend numpy,...] [--clause GLOB,...]
                              [--examples 20000] [--seed 2] [--seeds N] [--minutes M] [--table]

A clause and backend at a time, so that it may be interrupted and goes on where it was: what is done by the
same version of the specification is kept in docs/accusations, one file for each target and backend, and not
done again, whatever its seed. Who was accused is judged again. Other backends may run in processes beside it.

With --seeds each clause is judged at its default budget instead, by the seeds from 1 to N, as in N ordinary
runs: an error of the suite is looked for there too. The counts are kept in docs/accusations/seeds.

Exit status: 0 nobody was accused and there was no error, 1 otherwise.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import click
import seed_counts

from conformance.judging import registry as checks
from conformance.judging.registry import Check
from conformance.judging.subject import Subject
from conformance.oracle.reference_cells import ReferenceCells
from conformance.report import jsonfile
from conformance.search.plan import Plan
from conformance.search.trial import judge_clause
from conformance.spec import clauses
from conformance.verdict import Verdict

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "accusations"
REFERENCE, BACKENDS = ("reference", "numpy"), ("numpy", "torch", "jax", "tensorflow")
JUDGED = ("pass", "fail", "error", "not reproducible")
"""Outcomes of what was judged: a clause that does not apply, or meets the host's fault, says nothing here."""
BATCH = 50
"""The examples of a numerical clause in an ordinary run, which `--max-examples` scales."""
UNTIERED = ("shape.smallest", "dtype.half", "initialization.values", "size.sequence")
"""Clauses about numbers too, that are not asked by precision or have precisions of their own."""
WIDTH = 34


@dataclass(frozen=True)
class Row:
    """What a clause said of a target on one backend, of all its cells at both precisions together."""

    clause: str
    asked: int
    """The examples that were asked for; fewer are judged where a cell is not about it."""
    examples: int
    values: int
    undecided: int
    worst: float
    """The largest error / bound."""
    accused: list[str]
    """Whom the clause did not pass, and how it put it."""
    seconds: float
    seed: int
    spec: str

    @classmethod
    def of(cls, verdicts: list[Verdict], asked: int, seed: int, spec: str) -> Row:
        """Return the sum of verdicts on one clause."""
        return cls(
            verdicts[0].clause,
            asked,
            examples=sum(v.examples for v in verdicts),
            values=sum(v.values for v in verdicts),
            undecided=sum(v.undecided for v in verdicts),
            worst=max(v.worst or 0.0 for v in verdicts),
            accused=[f"{v.cell}, {v.tier}: {said(v)}" for v in verdicts if v.outcome != "pass"],
            seconds=round(sum(v.seconds for v in verdicts), 1),
            seed=seed,
            spec=spec,
        )


Found = Mapping[tuple[str, str], Mapping[str, Row]]
"""By target and backend, the rows by clause."""


def said(verdict: Verdict) -> str:
    """Return in a line why a clause did not pass."""
    return f"{verdict.outcome}: {verdict.failure.summary if verdict.failure else verdict.reason}"


def kept(target: str, backend: str) -> dict[str, Row]:
    """Return the rows that are kept of a target on a backend, by clause."""
    path = file(target, backend)
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return {row["clause"]: Row(**row) for row in rows}


def keep(target: str, backend: str, rows: dict[str, Row]) -> None:
    """Write them, in the order of the specification, and the tables of all that are kept."""
    order = list(clauses.load().clauses)
    lines = [json.dumps(asdict(rows[id]), ensure_ascii=False) for id in sorted(rows, key=order.index)]
    jsonfile.save_text("[\n" + ",\n".join(lines) + "\n]\n", file(target, backend))
    write_tables()


def file(target: str, backend: str) -> Path:
    """Return the file of the rows of a target on a backend."""
    return FOLDER / f"{target}-{backend}.json"


def judged(target: str, backend: str, check: Check, examples: int, seed: int) -> list[Verdict]:
    """Return the verdicts on each cell at each precision, by about so many examples in all."""
    cells = clauses.load().clauses[check.clause].families
    each = math.ceil(examples / (len(cells) * len(check.tiers)))
    if target == "reference":
        return list(of_reference(check, each, seed))
    scaled = math.ceil(each * BATCH / check.examples)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "conformance", "run", target, "--backend", backend, "--jobs", "1"]
        command += ["--clause", check.clause, "--max-examples", str(scaled), "--seed", str(seed)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "--json", str(report)], check=False, **quiet)
        return list(jsonfile.read(report).verdicts)


def of_reference(check: Check, examples: int, seed: int) -> Iterator[Verdict]:
    """Yield the verdicts on the reference itself, as an implementation."""
    implementation = ReferenceCells()
    for cell in implementation.describe()["cells"]:
        if cell["family"] in clauses.load().clauses[check.clause].families:
            for tier in check.tiers:
                subject = Subject(implementation, cell, tier or "float32")
                yield judge_clause(check, subject, Plan(examples, seed))


def write_tables() -> None:
    """Write docs/accusations/targets.md, clauses.md and seeds.md, from all files there."""
    places = [REFERENCE, *(("ncps", backend) for backend in BACKENDS)]
    seed_counts.write_table({place: name_of(*place) for place in places})
    by_place = {place: rows for place in places if (rows := kept(*place))}
    for name, lines in (("targets", targets_table(by_place)), ("clauses", clauses_table(by_place))):
        jsonfile.save_text("\n".join(lines) + "\n", FOLDER / f"{name}.md")


def targets_table(by_place: Found) -> Iterator[str]:
    """Yield a row for each target and backend."""
    heads = ("clauses", "examples", "fewest of a clause", "values", "undecided", "worst / bound", "accused")
    yield f"| target | {' | '.join(heads)} |"
    yield "| --- |" + " ---: |" * len(heads)
    for (target, backend), rows in by_place.items():
        some = list(rows.values())
        values, undecided = sum(row.values for row in some), sum(row.undecided for row in some)
        examples = [row.examples for row in some]
        accused = sum(bool(row.accused) for row in some)
        numbers = f"{len(some)} | {sum(examples):,} | {min(examples):,} | {values:,} | {undecided:,}"
        yield f"| {name_of(target, backend)} | {numbers} | {max(row.worst for row in some):.2f} | {accused} |"


def name_of(target: str, backend: str) -> str:
    """Return the head of a target's row."""
    return "the reference itself" if target == "reference" else f"`{target}` on {backend}"


def clauses_table(by_place: Found) -> Iterator[str]:
    """Yield a row for each clause, a column for each target and backend."""
    yield f"| clause | {' | '.join(title(*place) for place in by_place)} |"
    yield "| --- |" + " ---: |" * len(by_place)
    for id in clauses.load().clauses:
        if any(id in rows for rows in by_place.values()):
            yield f"| `{id}` | {' | '.join(cell(rows.get(id)) for rows in by_place.values())} |"


def title(target: str, backend: str) -> str:
    """Return the head of a target's column."""
    return "reference" if target == "reference" else backend


def cell(row: Row | None) -> str:
    """Return examples and the worst error / bound; mark an accusation."""
    if row is None:
        return "–"
    return f"{row.examples:,} · {row.worst:.2f}" + (" **accused**" if row.accused else "")


def line(name: str, row: Row) -> str:
    """Return the line that is printed of a clause when it is done."""
    numbers = f"{row.examples:8,} examples {row.seconds:7.0f} s   worst {row.worst:.3f}"
    return f"{name:10} {row.clause:{WIDTH}} {numbers}   {'; '.join(row.accused) or 'nobody accused'}"


def asked(patterns: str) -> list[Check]:
    """Return the clauses about numbers that fit, in the order of the specification."""
    known = checks.every()
    some = [
        known[id] for id in clauses.load().clauses if id in known and (known[id].numerical or id in UNTIERED)
    ]
    return [check for check in some if any(fnmatch(check.clause, p) for p in patterns.split(","))]


@click.command()
@click.option("--target", "targets", default="reference,ncps", show_default=True)
@click.option("--backend", default=",".join(BACKENDS), show_default=True, help="Of ncps.")
@click.option("--clause", "patterns", metavar="GLOB,...", default="*", help="Of those about numbers.")
@click.option("--examples", default=20_000, show_default=True, help="For each clause and backend.")
@click.option("--seed", default=2, show_default=True)
@click.option("--seeds", metavar="N", help="Judge at the default budget by so many seeds.", type=int)
@click.option("--minutes", default=math.inf, help="No clause is begun after so many.")
@click.option("--table", "only_table", is_flag=True, help="Write the tables anew, and no more.")
def main(
    targets: str,
    backend: str,
    patterns: str,
    examples: int,
    seed: int,
    seeds: int | None,
    minutes: float,
    only_table: bool,
) -> None:
    """Judge correct cells by very many examples."""
    if only_table:
        return write_tables()
    begin, accused, spec = time.monotonic(), 0, clauses.load().version
    reference = [REFERENCE] if "reference" in targets.split(",") else []
    cells = [("ncps", name) for name in backend.split(",")] if "ncps" in targets.split(",") else []
    places = [*reference, *cells]
    if seeds:
        met = sum(seed_counts.count(place, asked(patterns), seeds, begin + 60 * minutes) for place in places)
        write_tables()
        sys.exit(1 if met else 0)
    for place, check in itertools.product(places, asked(patterns)):
        rows = kept(*place)
        before = rows.get(check.clause)
        if before and before.spec == spec and before.asked >= examples and not before.accused:
            continue
        if time.monotonic() - begin > 60 * minutes:
            break
        verdicts = [v for v in judged(*place, check, examples, seed) if v.outcome in JUDGED]
        if verdicts:
            row = Row.of(verdicts, examples, seed, spec)
            keep(*place, {**rows, check.clause: row})
            click.echo(line(title(*place), row))
            accused += bool(row.accused)
    sys.exit(1 if accused else 0)


if __name__ == "__main__":
    main()
