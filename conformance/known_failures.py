"""What is known to fail, and so fails no run: a TOML file of entries, each with its reason and its example.

[[failure]]
clause = "cfc.step.default"       # an id, or a glob
backend = ["jax", "torch"]        # also cell, tier, target: a name or several; any where it is left out
versions = "yourpackage<1.3"      # of the target's package, or of what it runs with
reason = "the heads are linear"
link = "https://example.org/issues/7"
example = "known-failures/cfc.step.default-CfCCell-jax-float64.json"
"""

from __future__ import annotations

import fnmatch
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from conformance import examples
from conformance.encoding import NotAnExample
from conformance.examples import StoredExample
from conformance.options import RunOptions, UsageError
from conformance.report.status import group_by
from conformance.subject import Subject, Tally
from conformance.trial import Check, Plan, judge_clause, judge_example
from conformance.verdict import Outcome, Verdict

SCHEMA = "known_failures.json"
PLACE = ("target", "cell", "backend", "tier")
"""What narrows an entry down."""


@dataclass(frozen=True)
class Entry:
    """One known failure."""

    number: int
    """Its place in the file, from 1."""
    clause: str
    place: Mapping[str, tuple[str, ...]]
    versions: tuple[Requirement, ...]
    reason: str
    link: str
    flaky: bool
    """Whether it fails by chance: then it is searched as ever, and whatever comes of it is known."""
    examples: tuple[StoredExample, ...]

    def covers(self, clause: str, place: Mapping[str, str | None], about: Mapping[str, Any]) -> bool:
        """Whether it is about a clause that is judged there; `about` is what the harness says of itself."""
        return (
            fnmatch.fnmatchcase(clause, self.clause)
            and all(place[name] in allowed for name, allowed in self.place.items())
            and self.applies(about)
            and (self.flaky or self.example(clause, place) is not None)
        )

    def concerns(self, clause: str, place: Mapping[str, str | None], about: Mapping[str, Any]) -> bool:
        """Whether it speaks of this clause, target, backend and tier, if not of this cell."""
        elsewhere = any(place[name] not in allowed for name, allowed in self.place.items() if name != "cell")
        return fnmatch.fnmatchcase(clause, self.clause) and not elsewhere and self.applies(about)

    def applies(self, about: Mapping[str, Any]) -> bool:
        """Whether the versions are those of which it speaks."""
        found = dict(about.get("versions", {}))
        found |= {about.get(key): about.get("version") for key in ("name", "distribution") if about.get(key)}
        return all(_within(found.get(wanted.name), wanted) for wanted in self.versions)

    def example(self, clause: str, place: Mapping[str, str | None]) -> StoredExample | None:
        """The example to play there: one of the clause and tier, of that cell and backend if it can be."""
        fit = [
            example for example in self.examples if (example.clause, example.tier) == (clause, place["tier"])
        ]
        nearest = lambda e: (e.cell != place["cell"], e.backend != place["backend"])  # noqa: E731
        return min(fit, key=nearest, default=None)

    @property
    def name(self) -> str:
        """How a reader finds it."""
        where = [", ".join(names) for names in self.place.values()]
        return f"entry {self.number}, {self.clause}" + (f" on {' '.join(where)}" if where else "")


def _within(version: Any, wanted: Requirement) -> bool:
    try:
        return isinstance(version, str) and wanted.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def load(path: Path) -> tuple[Entry, ...]:
    """The entries of a file. Raises UsageError, which says what is wrong with which."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise UsageError(f"--known-failures {path}: cannot be read: {wrong.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise UsageError(f"--known-failures {path}: not TOML: {wrong}") from None
    try:
        examples.validate(document, SCHEMA)
        return tuple(_entry(i, plain, path.parent) for i, plain in enumerate(document.get("failure", []), 1))
    except NotAnExample as wrong:
        raise UsageError(f"--known-failures {path}: {wrong}") from None


def _entry(number: int, plain: Mapping[str, Any], folder: Path) -> Entry:
    found = tuple(examples.read(folder / name) for name in _several(plain.get("example", ())))
    stray = [e.clause for e in found if not fnmatch.fnmatchcase(e.clause, plain["clause"])]
    if stray:
        raise NotAnExample(f"entry {number} is about {plain['clause']}, and its example about {stray[0]}")
    return Entry(
        number=number,
        clause=plain["clause"],
        place={name: _several(plain[name]) for name in PLACE if name in plain},
        versions=tuple(_requirement(number, text) for text in _several(plain.get("versions", ()))),
        reason=plain["reason"],
        link=plain.get("link", ""),
        flaky=plain.get("flaky", False),
        examples=found,
    )


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _requirement(number: int, text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement:
        raise NotAnExample(f"entry {number}: versions={text!r}: reads like 'package>=1.0,<1.3'") from None


# In a run

Judged = tuple[str, Mapping[str, str | None], Mapping[str, Any]]
"""A clause, where it is judged, and what the harness there says of itself."""


def listed(asked: RunOptions) -> tuple[Entry, ...]:
    """What a run knows to fail: the entries of its file, or of that to which it adds. Raises UsageError."""
    added = asked.write_known_failures
    path = asked.known_failures or (added if added and added.exists() else None)
    return load(path) if path else ()


def unmatched(entries: Iterable[Entry], judged: Sequence[Judged], ids: Iterable[str]) -> list[str]:
    """The entries that are about what is judged, and match nothing of it.

    Args:
        judged: all that the run is about, whether this part of it comes to it or not.
        ids: every clause that there is; an entry about none of them matches nothing anywhere.
    """
    known = list(ids)
    return [
        entry.name
        for entry in entries
        if not fnmatch.filter(known, entry.clause)
        or (
            (asked := [one for one in judged if entry.concerns(*one)])
            and not any(entry.covers(*one) for one in asked)
        )
    ]


PASSES = "passes now: remove the entry"
UNFIT = "its example does not fit the test that the suite has now: write the entry anew"
UNASKED = "its example cannot be played: {reason}"

LUCK: tuple[Outcome, ...] = ("fail", "error", "not reproducible")
"""What a clause that fails by chance may come to."""


def judge_listed(check: Check, subject: Subject, plan: Plan, entry: Entry) -> Verdict:
    """The verdict on a clause that is listed: of its example alone, or, where that holds now, of a search."""
    if entry.flaky:
        return _known(judge_clause(check, subject, plan), entry, LUCK)
    place = {"cell": subject.cell["name"], "backend": subject.backend}
    example = entry.example(check.clause, {**place, "tier": subject.dtype if check.numerical else None})
    assert example is not None
    played = _played(check, subject, plan, example)
    if played.outcome == "fail":
        return _known(played, entry, ("fail",))
    subject.tally, stale = Tally(), {"pass": PASSES, "error": UNFIT}.get(played.outcome)
    searched = judge_clause(check, subject, plan)
    allowed = LUCK if played.outcome == "error" else LUCK[2:]
    return _known(searched, entry, allowed, stale or UNASKED.format(reason=played.reason))


def _played(check: Check, subject: Subject, plan: Plan, example: StoredExample) -> Verdict:
    """What comes of the example; twice, the second time afresh, where it passes."""
    played = judge_example(check, subject, plan, example.drawn)
    if played.outcome != "pass":
        return played
    subject.implementation.restart()
    return judge_example(check, subject, plan, example.drawn)


def _known(verdict: Verdict, entry: Entry, allowed: tuple[Outcome, ...], stale: str = "") -> Verdict:
    """The verdict with what the entry says of it: a known failure where its outcome is one of `allowed`."""
    said = {"entry": entry.number, "reason": entry.reason, "link": entry.link}
    if verdict.outcome not in allowed:
        return replace(verdict, known={**said, "stale": stale})
    reason = entry.reason + (f" ({entry.link})" if entry.link else "")
    stale = stale if stale == UNFIT else ""
    return replace(verdict, outcome="known failure", reason=reason, known={**said, "stale": stale})


# Written from a run

HEADER = """\
# What is known to fail: `conformance run TARGET --known-failures {name}`. docs/known-failures.md says more.
"""
UNEXPLAINED = "not explained yet: "


def write(verdicts: Iterable[Verdict], path: Path) -> list[Path]:
    """Adds what fails, and is not listed, to the file at `path`; its examples go to a folder beside it.

    What stands in the file stays as it is. Returns the files written.
    """
    failed = [verdict for verdict in verdicts if verdict.outcome in ("fail", "error", "not reproducible")]
    if not failed:
        return []
    folder, several = path.with_suffix(""), len({verdict.target for verdict in failed}) > 1
    before = path.read_text(encoding="utf-8") if path.exists() else HEADER.format(name=path.name)
    found, written = [before], list[Path]()
    for group in group_by(failed, lambda v: (v.target, v.clause, v.cell, v.tier, _steady(v))).values():
        steady = [verdict.failure.example for verdict in group if verdict.failure and _steady(verdict)]
        files = examples.write((example for example in steady if example), folder, by_target=several)
        found.append("\n".join(_lines(group, [file.relative_to(path.parent) for file in files], several)))
        written += files
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(found), encoding="utf-8", errors="replace")
    return [path, *written]


def _steady(verdict: Verdict) -> bool:
    """Whether it has an example that fails whenever it is played."""
    return verdict.outcome == "fail" and verdict.failure is not None and verdict.failure.example is not None


def _lines(group: list[Verdict], files: list[Path], several: bool) -> Iterator[str]:
    first = group[0]
    said = first.failure.summary if first.failure else first.reason.rstrip("\n").rpartition("\n")[2]
    yield "[[failure]]"
    yield f"clause = {_text(first.clause)}"
    if several:
        yield f"target = {_text(first.target)}"
    yield f"cell = {_text(first.cell)}"
    yield f"backend = {_text(list(dict.fromkeys(verdict.backend for verdict in group)))}"
    if first.tier:
        yield f"tier = {_text(first.tier)}"
    yield f"reason = {_text(UNEXPLAINED + said)}"
    if files:
        names = ",\n".join(f"    {_text(file.as_posix())}" for file in files)
        yield f"example = [\n{names},\n]"
    else:
        yield "flaky = true"
    yield ""


def _text(value: str | list[str]) -> str:
    """TOML's text is JSON's, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
