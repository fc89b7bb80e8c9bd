"""Merges the reports of a run's parts, its shards or its backends, into the report of the whole run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.options.shards import Shard
from conformance.report.status import group_by
from conformance.report.symptoms import joined
from conformance.report.values import listed
from conformance.verdict import Report, Verdict

PARTS = ("shard", "backends", "targets", "left_out")
"""The options in which parts of a run may differ."""
BUDGET = {
    "examples": "--max-examples",
    "clauses": "--clause",
    "tiers": "precision",
    "min_judged": "--min-judged",
}
"""The reader's names for parts of the budget that are not --NAME."""
IDENTITY = ("name", "version", "distribution", "versions")
"""The facts that identify an implementation; the path of its file depends on the machine."""


class CannotBeMerged(ValueError):
    """The reports are not of one run; the message is a line that says in what they differ."""


def merge(reports: Mapping[str, Report], order: Iterable[str]) -> Report:
    """Return the whole of which `reports`, by the names of their files, are the parts.

    A missing shard makes it partial, as a run that was cut short is.

    Args:
        order: the clauses, in the order of the specification.

    Raises:
        CannotBeMerged: another specification, suite, seed, budget, list of known failures or implementation,
            or two verdicts on the same that contradict each other.
    """
    for what in ("specification", "suite", "seed", "list of known failures"):
        _alike(what, {name: _fact(report, what) for name, report in reports.items()})
    for what in dict.fromkeys(name for report in reports.values() for name in _common(report)):
        asked = {name: _asked(report.budget.get(what)) for name, report in reports.items()}
        _alike(BUDGET.get(what, f"--{what}"), asked)
    missing = list(missing_shards(reports.values()))
    given = list(reports.values())
    first = given[0]
    return replace(
        first,
        command=" && ".join(dict.fromkeys(map(_command, given))),
        budget=_common(first)
        | {"left_out": sum(report.budget.get("left_out", 0) for report in given)}
        | {"backends": _united(given, "backends"), "targets": _united(given, "targets"), "shard": None},
        implementations=_implementations(reports),
        verdicts=list(joined(_verdicts(reports, list(order)))),
        seconds=sum(report.seconds for report in given),
        complete=all(report.complete for report in given) and not missing,
        notes=[*missing, *dict.fromkeys(note for report in given for note in report.notes)],
        known_failures=_settings(first) | _entries(given),
    )


def _entries(reports: list[Report]) -> dict[str, list[str]]:
    """Return the entries of known failures that are unmatched in some part, and matched in none.

    A report without "matched", an earlier format, counts as matching every entry that it does not list.
    """
    lists = [report.known_failures for report in reports]
    if not lists[0]:
        return {}
    unmatched = dict.fromkeys(entry for said in lists for entry in said.get("unmatched", ()))
    names = [
        entry
        for entry in unmatched
        if all(
            entry in said.get("unmatched", ()) or entry not in said.get("matched", (entry,)) for said in lists
        )
    ]
    if not all("matched" in said for said in lists):
        return {"unmatched": names}
    return {"matched": list(dict.fromkeys(e for said in lists for e in said["matched"])), "unmatched": names}


def _settings(report: Report) -> dict[str, Any]:
    """Return the report's facts about the file of known failures, without its entries."""
    return {name: said for name, said in report.known_failures.items() if not name.endswith("matched")}


def _fact(report: Report, what: str) -> Any:
    facts = {
        "specification": report.spec,
        "suite": report.suite,
        "seed": report.seed,
        "list of known failures": _listed(report),
    }
    return facts[what]


def _listed(report: Report) -> str:
    """Return whether there is a list of known failures, and a strict one, in words."""
    if not report.known_failures:
        return "none"
    return "one, held to strictly" if report.known_failures.get("strict") else "one"


def _common(report: Report) -> dict[str, Any]:
    """Return the options that every part has in common."""
    return {name: value for name, value in report.budget.items() if name not in PARTS}


def _asked(value: Any) -> str:
    """Return the value of an option in words."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "not given"
    return "given" if value is True else str(value) if value else "not given"


def _alike(what: str, values: Mapping[str, Any]) -> None:
    (first, expected), *rest = values.items()
    for name, value in rest:
        if value != expected:
            raise CannotBeMerged(
                f"not one run: the {what} of {first} is {expected}, that of {name} is {value}"
            )


def missing_shards(reports: Iterable[Report]) -> Iterator[str]:
    """Yield a line for each run with missing shards."""
    sharded = [report for report in reports if report.budget.get("shard")]
    for (targets, backends), shards in group_by(sharded, _whole).items():
        counts = {_shard(report)[1] for report in shards}
        if len(counts) > 1:
            raise CannotBeMerged(f"not one run: shards of {listed(map(str, sorted(counts)))} parts")
        count, numbers = counts.pop(), [_shard(report)[0] for report in shards]
        if twice := next((number for number in numbers if numbers.count(number) > 1), 0):
            raise CannotBeMerged(
                f"shard {twice}/{count} of {listed(targets)} on {listed(backends)} is given twice"
            )
        absent = sorted(set(range(1, count + 1)) - set(numbers))
        if absent:
            names = listed(f"{number}/{count}" for number in absent)
            yield f"shard {names} of {listed(targets)} on {listed(backends)} is missing"


def _whole(report: Report) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the key of the run that a shard is of."""
    return tuple(report.budget.get("targets", ())), tuple(report.budget.get("backends", ()))


def _shard(report: Report) -> tuple[int, int]:
    try:
        shard = Shard.parse(str(report.budget["shard"]))
    except ValueError as wrong:
        raise CannotBeMerged(str(wrong)) from None
    return shard.number, shard.count


def _command(report: Report) -> str:
    """Return the command without the options of a part."""
    try:
        words = iter(shlex.split(report.command))
    except ValueError:  # it is of another program
        return report.command
    return shlex.join(word for word in words if word not in ("--shard", "--json") or not next(words, ""))


def _united(reports: Iterable[Report], name: str) -> list[str]:
    return list(dict.fromkeys(value for report in reports for value in report.budget.get(name, ())))


def _implementations(reports: Mapping[str, Report]) -> list[dict[str, Any]]:
    entries: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for name, report in reports.items():
        for entry in report.implementations:
            key = (str(entry.get("target")), str(entry.get("backend")))
            first, known = entries.setdefault(key, (name, entry))
            for what in IDENTITY:
                if known.get(what) != entry.get(what):
                    raise CannotBeMerged(
                        f"not one run: the {what} of {key[0]} on {key[1]} is {known.get(what)} in {first}, "
                        f"{entry.get(what)} in {name}"
                    )
    return [entry for _, (_, entry) in sorted(entries.items())]


def _verdicts(reports: Mapping[str, Report], order: list[str]) -> list[Verdict]:
    """Return all verdicts once, in the order of a run."""
    verdicts: dict[tuple[str, ...], tuple[str, Verdict]] = {}
    for name, report in reports.items():
        for verdict in report.verdicts:
            key = (verdict.clause, verdict.target, verdict.cell, verdict.backend, verdict.tier or "")
            first, known = verdicts.setdefault(key, (name, verdict))
            if known.outcome != verdict.outcome:
                raise CannotBeMerged(
                    f"contradiction on {' '.join(filter(None, key))}: {known.outcome} in {first}, "
                    f"{verdict.outcome} in {name}"
                )
    place = {clause: number for number, clause in enumerate(order)}
    keys = sorted(verdicts, key=lambda key: (place.get(key[0], len(place)), key[1:]))
    return [verdicts[key][1] for key in keys]
