"""Reads, merges and writes the data of a measurement: JSON, one line a fault, outside the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from conformance.spec import clauses
from tests.planted.catalogue import planted
from tests.planted.measuring import Bite


def read(path: Path) -> dict[str, Bite]:
    """Return what was measured, by key; nothing where there is no file."""
    rows = json.loads(path.read_text(encoding="utf-8"))["mutants"] if path.exists() else []
    bites = [Bite(**row) for row in rows]
    return {bite.key: bite for bite in bites}


def write(path: Path, bites: Mapping[str, Bite]) -> None:
    """Write one line a fault, in the order in which they are planted."""
    rows = [json.dumps(bites[key].plain(), ensure_ascii=False) for key in planted() if key in bites]
    head = json.dumps({"made": f"{date.today()}", "spec": clauses.load().version})[1:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{{head}, "mutants": [\n' + ",\n".join(rows) + "\n]}\n", encoding="utf-8")


def merge(before: Mapping[str, Bite], measured: Iterable[Bite]) -> dict[str, Bite]:
    """Return the data of faults that are still planted, with what was measured now in its place.

    Earlier figures of the same fault stay where fewer seeds were tried now, or no clauses but its own.
    """
    after = {key: bite for key, bite in before.items() if key in planted()}
    for bite in measured:
        old = after.get(bite.key)
        if old and (old.what, old.clause) == (bite.what, bite.clause) and bite.found:
            examples = max(bite.examples, old.examples, key=len)
            bite = replace(bite, examples=examples, kills=bite.kills or old.kills)
        after[bite.key] = bite
    return after


def missing(bites: Mapping[str, Bite]) -> list[str]:
    """Return the keys of the faults that were not measured as they are today."""
    return [
        key
        for key, fault in planted().items()
        if key not in bites or (bites[key].what, bites[key].clause) != (fault.what, fault.clause)
    ]
