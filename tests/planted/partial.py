"""Adds what was measured to the published tables, where the data is not of every fault."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.planted import published, tables
from tests.planted.catalogue import planted
from tests.planted.measuring import Measurement

Row = tuple[str, ...]

SEEDS = 20
"""The seeds of a published figure, whose place fewer do not take."""


def absent(folder: Path, measured: Mapping[str, Measurement]) -> list[str]:
    """Return the keys of the faults of today that were neither measured nor published as they are.

    A new one that is written by hand is measured if it is known which clauses find it.
    """
    faults = {row[:4] for row in published.rows(folder, "mutants")}
    formulas = {row[:3] for row in published.rows(folder, "generated")}
    changed = {row[:2] for row in _of_today("generated", {}) if row[:3] not in formulas}
    new = [measurement for measurement in _by_hand({}) if _row_of(measurement)[:4] not in faults]
    new += [b for b in _every({}).values() if b.kind == "generated" and tables.formula_of(b) in changed]
    done = {key for key, one in measured.items() if one.kind == "generated" or one.finders}
    return [one.key for one in new if one.key not in done]


def write(folder: Path, measured: Mapping[str, Measurement], reasons: Mapping[str, str]) -> None:
    """Write the tables: figures of faults that were not measured stay as they are published."""
    new = {"mutants": _mutants(folder, measured), "generated": _generated(folder, measured)}
    new["clauses"] = _clauses(folder, measured, reasons)
    new["score"] = _score(folder, new)
    for name, rows in new.items():
        head = (folder / f"{name}.md").read_text(encoding="utf-8").splitlines()[:2]
        lines = [*head, *(tables.row(*row) for row in rows)]
        (folder / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _every(measured: Mapping[str, Measurement]) -> dict[str, Measurement]:
    """Return every fault of today, with figures that say nothing where it was not measured."""
    return {
        measurement.key: measured.get(measurement.key, measurement) for measurement in published.unmeasured()
    }


def _by_hand(measured: Mapping[str, Measurement]) -> list[Measurement]:
    """Return the faults that are written by hand, in the order of their table."""
    return tables.by_hand(_every(measured).values())


def _row_of(measurement: Measurement) -> Row:
    """Return the row of a fault that is written by hand."""
    return tables.cells(list(tables.mutants([measurement]))[2])


def _of_today(name: str, measured: Mapping[str, Measurement]) -> list[Row]:
    lines = tables.all_of(list(_every(measured).values()), {})[name]
    return [tables.cells(line) for line in lines[2:]]


def _mutants(folder: Path, measured: Mapping[str, Measurement]) -> list[Row]:
    """Return a row a fault that is written by hand; figures of few seeds, or none, take no other's place."""
    before = {row[:4]: row for row in published.rows(folder, "mutants")}
    rows = []
    for measurement, row in zip(_by_hand(measured), _of_today("mutants", measured), strict=True):
        old = before.get(row[:4], row)
        finders = old[-1] if row[-1] == tables.UNKNOWN else row[-1]
        anew = measurement.key in measured and (old is row or len(measurement.examples) >= SEEDS)
        rows.append((*row[:-1], finders) if anew else (*old[:-1], finders))
    return rows


def _generated(folder: Path, measured: Mapping[str, Measurement]) -> list[Row]:
    """Return a row a formula: anew, where all its changes were measured."""
    before = {row[:3]: row for row in published.rows(folder, "generated")}
    left = {tables.formula_of(b) for b in _every(measured).values() if b.key not in measured}
    return [before[row[:3]] if row[:2] in left else row for row in _of_today("generated", measured)]


def _clauses(folder: Path, measured: Mapping[str, Measurement], reasons: Mapping[str, str]) -> list[Row]:
    """Return a row a clause: what is published, and what of the new faults it finds."""
    known = {row[:2] for row in published.rows(folder, "mutants") if row[-1] != tables.UNKNOWN}
    new = [
        measurement
        for measurement in _by_hand(measured)
        if measurement.key in measured and _row_of(measurement)[:2] not in known
    ]
    before = {row[0]: row for row in published.rows(folder, "clauses")}
    rows = []
    for id, level, aimed, *_ in _of_today("clauses", {}):
        _, _, _, finds, alone = before.get(id, (id, level, aimed, "0", ""))
        more = [measurement for measurement in new if id.strip("`") in measurement.finders]
        lonely = [alone] if alone.startswith("`") else []
        lonely += [f"`{measurement.name}`" for measurement in more if len(measurement.finders) == 1]
        said = ", ".join(lonely) or reasons.get(id.strip("`"), "")
        rows.append((id, level, aimed, str(int(finds) + len(more)), said))
    return rows


def _score(folder: Path, new: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Return a row a kind; the median of those generated stays as it is published."""
    before = {row[0]: row for row in published.rows(folder, "score")}
    rows = []
    for kind, what in tables.KINDS.items():
        faults = sum(fault.kind == kind for fault in planted().values())
        if kind == "generated":
            found = sum(int(row[3]) for row in new["generated"])
            median, slowest = before[what][3], [tables.number_of(row[5]) for row in new["generated"]]
        else:
            some = [row for row in new["mutants"] if row[1].startswith(tables.WHERE[kind])]
            found = faults - sum(row[5] == tables.UNKNOWN for row in some)
            median = tables.number(statistics.median(tables.number_of(row[4]) for row in some))
            slowest = [tables.number_of(row[5]) for row in some]
        share = f"{found} (100%)" if found == faults else f"**{found}**"
        rows.append((what, str(faults), share, median, tables.number(max(slowest))))
    return rows
