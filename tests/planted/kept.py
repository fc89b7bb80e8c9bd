"""What is kept of a measure: its data as JSON, and the clauses that may do without a kill of their own."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.report.status import group_by
from conformance.spec import clauses
from tests.planted.catalogue import planted
from tests.planted.measuring import Bite

DATA, REASONS = "teeth.json", "reasons.toml"
ANEW = "python -m tests.planted --seeds 20 --matrix --write"


def read(folder: Path) -> dict[str, Bite]:
    """The bites that were kept, by key; none where there is no file."""
    path = folder / DATA
    rows = json.loads(path.read_text(encoding="utf-8"))["mutants"] if path.exists() else []
    bites = [Bite(**row) for row in rows]
    return {bite.key: bite for bite in bites}


def write(folder: Path, bites: Iterable[Bite], made: Mapping[str, Any]) -> None:
    """One line a mutant, in the order in which they are planted."""
    by_key = {bite.key: bite for bite in bites}
    rows = [json.dumps(by_key[key].plain(), ensure_ascii=False) for key in planted() if key in by_key]
    head = json.dumps(made, ensure_ascii=False)[1:-1]
    text = f'{{{head}, "mutants": [\n' + ",\n".join(rows) + "\n]}\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(text, encoding="utf-8")


def merged(before: Mapping[str, Bite], measured: Iterable[Bite]) -> dict[str, Bite]:
    """What was kept of mutants that are still planted, with what was measured now in its place.

    Where fewer seeds were tried now, or not which clauses find it, what was known of the same mutant stays.
    """
    after = {key: bite for key, bite in before.items() if key in planted()}
    for bite in measured:
        old = after.get(bite.key)
        if old and (old.what, old.clause) == (bite.what, bite.clause) and bite.found:
            examples = max(bite.examples, old.examples, key=len)
            bite = replace(bite, examples=examples, kills=bite.kills or old.kills)
        after[bite.key] = bite
    return after


def reasons(folder: Path) -> dict[str, str]:
    """Why a clause finds nothing that another clause does not find, by clause."""
    path = folder / REASONS
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def alone(bites: Iterable[Bite]) -> dict[str, list[str]]:
    """The mutants written by hand that one clause finds and no other, by clause."""
    lonely = [bite for bite in bites if len(bite.kills) == 1]
    return {
        clause: [b.name for b in found] for clause, found in group_by(lonely, lambda b: b.kills[0]).items()
    }


def must() -> list[str]:
    """The MUST clauses of the specification."""
    return [id for id, clause in clauses.load().clauses.items() if clause.level == "MUST"]


def complaints(folder: Path) -> list[str]:
    """What is not as it must be with today's mutants and what is kept of them."""
    bites, faults = read(folder), planted()
    aimed = {fault.clause for fault in faults.values() if fault.kind != "generated"}
    kept = {key for key, fault in faults.items() if key in bites and bites[key].clause == fault.clause}
    unknown = [key for key in faults if key not in kept]
    return [
        *(f"no mutant written by hand is aimed at {id}" for id in must() if id not in aimed),
        *(f"{key} is not measured: {ANEW} --only '{key}'" for key in unknown[:1]),
        *([f"nor are {len(unknown) - 1} more"] if unknown[1:] else []),
        *(f"{key} is no mutant any more: {ANEW}" for key in bites if key not in faults),
    ]


def unexplained(folder: Path) -> list[str]:
    """The MUST clauses that alone find no mutant, and nobody says why; and what is excused in vain."""
    lonely, why = alone(read(folder).values()), reasons(folder)
    return [
        *(
            f"{id} finds no mutant that no other clause finds, and docs/teeth/{REASONS} does not say why"
            for id in must()
            if id not in lonely and id not in why
        ),
        *(f"{REASONS} excuses {id}, which alone finds {', '.join(lonely[id])}" for id in why if id in lonely),
        *(f"{REASONS} excuses {id}, which is no MUST clause" for id in why if id not in must()),
    ]
