"""Checks the tables in docs/teeth against the faults and clauses of today; this needs no data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from conformance.spec import clauses
from tests.planted import tables
from tests.planted.catalogue import planted
from tests.planted.measuring import Measurement

REASONS = "reasons.toml"
ANEW = "python -m tests.planted --seeds 20 --matrix --write --only NAME"
UNMEASURED = {"score": 2, "mutants": 4, "clauses": 3, "generated": 3}
"""The first columns of each table, which follow from the faults and clauses and are not measured."""


def reasons(folder: Path) -> dict[str, str]:
    """Return why a clause finds nothing that another clause does not find, by clause."""
    path = folder / REASONS
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def rows(folder: Path, name: str) -> list[tuple[str, ...]]:
    """Return the cells of each row of a published table, without its two lines of heading."""
    lines = (folder / f"{name}.md").read_text(encoding="utf-8").splitlines()
    return [tables.cells(line) for line in lines[2:]]


def must() -> list[str]:
    """Return the MUST clauses of the specification."""
    return [id for id, clause in clauses.load().clauses.items() if clause.level == "MUST"]


def complaints(folder: Path) -> list[str]:
    """Return a line for each fault that is not written and each row of a table that is not of today."""
    aimed = {fault.clause for fault in planted().values() if fault.kind != "generated"}
    return [
        *(f"no fault written by hand is aimed at {id}: write one" for id in must() if id not in aimed),
        *(line for name in UNMEASURED for line in _outdated(folder, name)),
    ]


def _outdated(folder: Path, name: str) -> list[str]:
    width = UNMEASURED[name]
    expected = [tables.cells(line)[:width] for line in tables.all_of(unmeasured(), {})[name][2:]]
    published = [row[:width] for row in rows(folder, name)]
    return [
        *(f"{name}.md has no row {_shown(row)}: {ANEW}" for row in expected if row not in published),
        *(
            f"{name}.md has the row {_shown(row)}, which is not of today: {ANEW}"
            for row in published
            if row not in expected
        ),
    ]


def unmeasured() -> list[Measurement]:
    """Return every fault of today with figures that say nothing."""
    return [Measurement(f.kind, f.name, f.what, f.clause, f.family, examples=[1]) for f in planted().values()]


def _shown(row: tuple[str, ...]) -> str:
    return " | ".join(row)


def unexplained(folder: Path) -> list[str]:
    """Return a line for each MUST clause without a fault of its own or a reason, and each needless reason."""
    why = reasons(folder)
    last = {row[0].strip("`"): row[-1] for row in rows(folder, "clauses")}
    lonely = {id: cell for id, cell in last.items() if cell.startswith("`")}
    return [
        *(
            f"{id} finds no fault that no other clause finds, and docs/teeth/{REASONS} does not say why"
            for id in must()
            if id in last and id not in lonely and id not in why
        ),
        *_needless(why, lonely),
        *(
            f"clauses.md does not have the reason of {id} from {REASONS}: python -m tests.planted --tables"
            for id, reason in why.items()
            if id in last and id not in lonely and last[id] != reason
        ),
    ]


def _needless(why: Mapping[str, str], lonely: Mapping[str, str]) -> list[str]:
    return [
        *(f"{REASONS} excuses {id}, which alone finds {lonely[id]}" for id in why if id in lonely),
        *(f"{REASONS} excuses {id}, which is no MUST clause" for id in why if id not in must()),
    ]
