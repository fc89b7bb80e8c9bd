"""Makes the tables of the documentation, as Markdown, from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from conformance.report.status import group_by
from conformance.spec import clauses
from tests.planted.measuring import Measurement

KINDS = {
    "formula": "written by hand, in the source of the reference",
    "cell": "written by hand, in a Keras cell or layer",
    "generated": "generated from the source of the reference",
}
WHERE = {"formula": "reference", "cell": "Keras"}
UNKNOWN = "–"
"""Where most seeds did not find a fault, and where it was not measured which clauses find it."""
NAMED = 3
"""Mutants that are named in a row; of more, how many."""


def write(folder: Path, measurements: Sequence[Measurement], reasons: Mapping[str, str]) -> None:
    """Write each table into a file of its own."""
    for name, lines in all_of(measurements, reasons).items():
        (folder / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def all_of(measurements: Sequence[Measurement], reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the lines of each table, by the name of its file."""
    return {
        "score": list(score(measurements)),
        "mutants": list(mutants(measurements)),
        "clauses": list(by_clause(measurements, reasons)),
        "generated": list(by_formula(measurements)),
    }


def cells(row: str) -> tuple[str, ...]:
    """Return the cells of a line of a table, without the backslashes that `row` puts before bars."""
    return tuple(cell.replace(r"\|", "|") for cell in f" {row} ".split(" | ")[1:-1])


def score(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Yield how many were found, of those written by hand and of those generated."""
    yield "| mutants | planted | found at every seed | median examples | slowest seed of all |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for kind, what in KINDS.items():
        some = [measurement for measurement in measurements if measurement.kind == kind]
        if some:
            found = sum(measurement.found for measurement in some)
            share = f"{found} ({found / len(some):.0%})" if found == len(some) else f"**{found}**"
            yield f"| {what} | {len(some)} | {share} | {number(_median(some))} | {number(_most(some))} |"


def mutants(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Yield a row for each that is written by hand."""
    yield "| mutant | in | what is wrong | clause that finds it | median | slowest | clauses that find it |"
    yield "| --- | --- | --- | --- | ---: | ---: | ---: |"
    for measurement in by_hand(measurements):
        fault = (
            f"`{measurement.name}`",
            f"{WHERE[measurement.kind]}, {measurement.family}",
            measurement.what,
            f"`{measurement.clause}`",
        )
        yield row(
            *fault,
            number(measurement.median),
            number(measurement.most),
            str(len(measurement.finders) or UNKNOWN),
        )


def by_hand(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return those that are written by hand, in the order of the clauses that find them."""
    order = list(clauses.load().clauses)
    return sorted(
        (measurement for measurement in measurements if measurement.kind in WHERE),
        key=lambda measurement: order.index(measurement.clause),
    )


def by_clause(measurements: Sequence[Measurement], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield how many faults each clause finds, and which it alone finds."""
    yield "| clause | level | aimed at it | finds | it alone finds, or why nothing |"
    yield "| --- | --- | ---: | ---: | --- |"
    written, lonely = by_hand(measurements), alone(measurements)
    for id, clause in clauses.load().clauses.items():
        aimed = sum(measurement.clause == id for measurement in written)
        found = sum(id in measurement.finders for measurement in written)
        yield row(
            f"`{id}`", clause.level, str(aimed), str(found), _alone(lonely.get(id, []), reasons.get(id, ""))
        )


def alone(measurements: Iterable[Measurement]) -> dict[str, list[str]]:
    """Return the faults written by hand that one clause finds and no other, by clause."""
    lonely = [measurement for measurement in measurements if len(measurement.finders) == 1]
    by_finder = group_by(lonely, lambda measurement: measurement.finders[0])
    return {clause: [measurement.name for measurement in some] for clause, some in by_finder.items()}


def _alone(names: Sequence[str], reason: str) -> str:
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*(f"`{name}`" for name in names[:NAMED]), *more]) or reason


def by_formula(measurements: Sequence[Measurement]) -> Iterator[str]:
    """Yield a row for each function of the reference and clause, of those generated."""
    yield "| function | clause | changes | found at every seed | median | slowest |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for formula, some in group_by(
        (measurement for measurement in measurements if measurement.kind == "generated"), formula_of
    ).items():
        found = sum(measurement.found for measurement in some)
        yield row(*formula, str(len(some)), str(found), number(_median(some)), number(_most(some)))


def formula_of(measurement: Measurement) -> tuple[str, str]:
    """Return the function that a generated mutant changes, which begins its name, and its clause."""
    return f"`{measurement.name.partition(':')[0]}`", f"`{measurement.clause}`"


def _median(measurements: Iterable[Measurement]) -> float:
    return statistics.median(measurement.median for measurement in measurements)


def _most(measurements: Iterable[Measurement]) -> float:
    return max(measurement.most for measurement in measurements)


def number(value: float) -> str:
    """Return a number as a table has it."""
    return UNKNOWN if value == float("inf") else f"{value:g}"


def number_of(cell: str) -> float:
    """Return the number that a cell of a table has."""
    return float("inf") if cell == UNKNOWN else float(cell)


def row(*cells: str) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
