"""Reads, merges and writes the data of a measurement: JSON, one line a fault, outside the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from conformance.spec import clauses
from tests.planted.catalogue import planted
from tests.planted.measuring import Measurement


def read(path: Path) -> dict[str, Measurement]:
    """Return what was measured, by key; nothing where there is no file."""
    rows = json.loads(path.read_text(encoding="utf-8"))["mutants"] if path.exists() else []
    measurements = [Measurement(**row) for row in rows]
    return {measurement.key: measurement for measurement in measurements}


def write(path: Path, measurements: Mapping[str, Measurement]) -> None:
    """Write one line a fault, in the order in which they are planted."""
    rows = [
        json.dumps(measurements[key].plain(), ensure_ascii=False) for key in planted() if key in measurements
    ]
    head = json.dumps({"made": f"{date.today()}", "spec": clauses.load().version})[1:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{{head}, "mutants": [\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8")


def merge(before: Mapping[str, Measurement], measured: Iterable[Measurement]) -> dict[str, Measurement]:
    """Return the data of faults that are still planted, with what was measured now in its place.

    Earlier figures of the same fault stay where fewer seeds were tried now, or no clauses but its own.
    """
    after = {key: measurement for key, measurement in before.items() if key in planted()}
    for measurement in measured:
        old = after.get(measurement.key)
        if old and (old.what, old.clause) == (measurement.what, measurement.clause) and measurement.found:
            examples = max(measurement.examples, old.examples, key=len)
            measurement = replace(measurement, examples=examples, finders=measurement.finders or old.finders)
        after[measurement.key] = measurement
    return after


def missing(measurements: Mapping[str, Measurement]) -> list[str]:
    """Return the keys of the faults that were not measured as they are today."""
    return [
        key
        for key, fault in planted().items()
        if key not in measurements
        or (measurements[key].what, measurements[key].clause) != (fault.what, fault.clause)
    ]
