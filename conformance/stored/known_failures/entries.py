"""The entries of a file of known failures."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from conformance.options import UsageError
from conformance.spec import clauses
from conformance.spec.encoding import NotAnExample
from conformance.stored import examples
from conformance.stored.examples import StoredExample
from conformance.verdict import Cause, Verdict

SCHEMA = "known_failures.json"
PLACE = ("target", "cell", "backend", "tier")
"""The fields that restrict an entry to places."""

LINE = re.compile(r" at (?:.*[/\\])?([^/\\]+?):\d+ in ")
"""The part of an exception's name that a change of other lines would change."""


@dataclass(frozen=True)
class Entry:
    """One known failure."""

    number: int
    """Its position in the file, from 1."""
    clause: str
    """The id of a clause, or a glob; "" in an entry about a cause."""
    cause: str
    """The name of a cause, for which the clauses fail; "" in an entry about a clause."""
    place: Mapping[str, tuple[str, ...]]
    versions: tuple[Requirement, ...]
    reason: str
    link: str
    flaky: bool
    """True if it fails by chance: then it is searched as usual, and any failure of it is known."""
    examples: tuple[StoredExample, ...]

    def covers(self, clause: str, place: Mapping[str, str | None], about: Mapping[str, Any]) -> bool:
        """Tell whether it is about a clause judged at a place; `about` is the harness's description.

        An entry about a cause covers the clause by whose example it is replayed.
        """
        return (
            self.at(place, about)
            and self.names(clause)
            and (self.flaky or self.example(clause, place) is not None)
        )

    def at(self, place: Mapping[str, str | None], about: Mapping[str, Any]) -> bool:
        """Tell whether it is about a place, and what runs there."""
        return self.is_of(place) and self.applies(about)

    def is_of(self, place: Mapping[str, str | None]) -> bool:
        """Tell whether it is about a place."""
        return all(place[name] in allowed for name, allowed in self.place.items())

    def names(self, clause: str) -> bool:
        """Tell whether it is about a clause: by its pattern, or by the examples of its cause."""
        if self.cause:
            return any(example.clause == clause for example in self.examples)
        return fnmatch.fnmatchcase(clause, self.clause)

    def concerns(self, clause: str, place: Mapping[str, str | None], about: Mapping[str, Any]) -> bool:
        """Tell whether it is about this clause, target, backend and tier, on this cell or another."""
        elsewhere = any(place[name] not in allowed for name, allowed in self.place.items() if name != "cell")
        return self.names(clause) and not elsewhere and self.applies(about)

    def applies(self, about: Mapping[str, Any]) -> bool:
        """Tell whether the versions are those of the entry."""
        installed = dict(about.get("versions", {}))
        installed |= {
            about.get(key): about.get("version") for key in ("name", "distribution") if about.get(key)
        }
        return all(_within(installed.get(wanted.name), wanted) for wanted in self.versions)

    def example(self, clause: str, place: Mapping[str, str | None]) -> StoredExample | None:
        """Return the example to replay: one of the clause and tier, of that cell and backend if possible."""
        fit = [
            example for example in self.examples if (example.clause, example.tier) == (clause, place["tier"])
        ]
        nearest = lambda e: (e.cell != place["cell"], e.backend != place["backend"])  # noqa: E731
        return min(fit, key=nearest, default=None)

    @property
    def name(self) -> str:
        """Return the entry's name for a reader."""
        where = [", ".join(names) for names in self.place.values()]
        what = self.cause or self.clause
        return f"entry {self.number}, {what}" + (f" on {' '.join(where)}" if where else "")


def cause_name(cause: Cause) -> str:
    """Return the name by which a cause is listed: of an exception, its type, file and function."""
    return LINE.sub(r" in \1, ", cause.name) if cause.kind == "place" else cause.name


def named_causes(verdict: Verdict) -> list[str]:
    """Return the names by which a failure's causes are listed; none if a clause is among the causes."""
    named = all(cause.kind != "clause" for cause in verdict.causes)
    return [cause_name(cause) for cause in verdict.causes] if named else []


def _within(version: Any, wanted: Requirement) -> bool:
    try:
        return isinstance(version, str) and wanted.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def load(path: Path) -> tuple[Entry, ...]:
    """Return the entries of a file. Raises UsageError, which names the error and its entry."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise UsageError(f"--known-failures {path}: cannot be read: {wrong.strerror}") from None
    except (ValueError, RecursionError) as wrong:  # no UTF-8, no TOML, a number or nesting without end
        raise UsageError(f"--known-failures {path}: not TOML: {wrong}") from None
    try:
        examples.validate(document, SCHEMA)
        return tuple(_entry(i, plain, path.parent) for i, plain in enumerate(document.get("failure", []), 1))
    except NotAnExample as wrong:
        raise UsageError(f"--known-failures {path}: {wrong}") from None


def _entry(number: int, plain: Mapping[str, Any], folder: Path) -> Entry:
    attached = tuple(examples.read(folder / name) for name in _several(plain.get("example", ())))
    pattern = plain.get("clause", "")
    stray = [e.clause for e in attached if pattern and not fnmatch.fnmatchcase(e.clause, pattern)]
    if stray:
        raise NotAnExample(
            f"entry {number} is about {pattern}, and its example about {stray[0]}: "
            "list an example of the same clause"
        )
    if plain.get("flaky") and _covers_everything(pattern):
        raise NotAnExample(
            f"entry {number}: clause={pattern!r} with flaky=true would excuse whatever fails: "
            "name the clauses that fail by chance, by an id or by a glob such as 'layer.mask.*'"
        )
    return Entry(
        number=number,
        clause=pattern,
        cause=plain.get("cause", ""),
        place={name: _several(plain[name]) for name in PLACE if name in plain},
        versions=tuple(_requirement(number, text) for text in _several(plain.get("versions", ()))),
        reason=plain["reason"],
        link=plain.get("link", ""),
        flaky=plain.get("flaky", False),
        examples=attached,
    )


def _covers_everything(pattern: str) -> bool:
    """Tell whether a glob matches every clause of the specification."""
    return all(fnmatch.fnmatchcase(clause, pattern) for clause in clauses.load().clauses)


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _requirement(number: int, text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement:
        raise NotAnExample(f"entry {number}: versions={text!r}: must read like 'package>=1.0,<1.3'") from None
