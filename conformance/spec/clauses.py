"""Parses SPEC.md: the specification is the registry of clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

import reference
from conformance.spec.families import FAMILIES

LEVEL = r"(?:MUST|SHOULD)"
SINCE = r" since \d+\.\d+"
CLAUSE_HEADING = re.compile(
    r"^### (?P<id>[a-z0-9_]+(?:\.[a-z0-9_]+)+) · "
    rf"(?P<levels>{LEVEL}(?:{SINCE})?|{LEVEL}{SINCE}(?:, {LEVEL}{SINCE})+)$"
)
FIRST = "0.1"
"""The version since which a clause has had its level if its heading does not state it."""
ABOUT: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in FAMILIES},
    **dict.fromkeys(("backbone", "dropout"), tuple(n for n, f in FAMILIES.items() if f.backbone_activation)),
    "wiring": tuple(name for name, family in FAMILIES.items() if family.wirings),
}
"""By prefix of a clause's id, the families of the clause; any other clause is about all."""

VERSION = re.compile(r"^Version (?P<version>\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Clause:
    """One demand of the specification."""

    id: str
    level: str
    area: str
    text: str
    """Markdown, without the heading."""
    history: tuple[tuple[str, str], ...] = ((FIRST, "MUST"),)
    """The version since which it has had each of its levels, and the level; the latest first."""

    def at(self, version: str) -> Clause | None:
        """Return the clause with its level at a version of the specification; None if it did not exist."""
        for since, level in self.history:
            if _key(since) <= _key(version):
                return replace(self, level=level)
        return None

    @property
    def demand(self) -> str:
        """Return the first sentence, which is the demand of the clause."""
        return self.text.split("\n\n", 1)[0].replace("\n", " ")

    @property
    def families(self) -> tuple[str, ...]:
        """Return the cell families that the clause is about."""
        area = self.id.split(".", 1)[0]
        return ABOUT.get(area, tuple(FAMILIES))


@dataclass(frozen=True)
class Spec:
    """The whole specification."""

    version: str
    clauses: dict[str, Clause]
    versions: tuple[str, ...] = ()
    """Every version to judge by, the earliest first."""

    @property
    def families(self) -> tuple[str, ...]:
        """Return the families whose step it specifies."""
        own = {id.split(".", 1)[0] for id in self.clauses}
        return tuple(name for name in FAMILIES if name in own)

    def at(self, version: str) -> Spec:
        """Return an earlier version: the clauses that it had, at the levels that they had.

        Raises:
            ValueError: a version that is not known.
        """
        if version not in self.versions:
            raise ValueError(
                f"unknown version {version!r} of the specification; known: {', '.join(self.versions)}"
            )
        then = {id: clause.at(version) for id, clause in self.clauses.items()}
        return Spec(version, {id: clause for id, clause in then.items() if clause}, self.versions)


def parse(text: str) -> Spec:
    """Return the clauses in `text`, in its order.

    Raises:
        ValueError: no version line, an id used twice, a clause without text or since a later version, or a
            heading of a third level that is not `### dotted.id · MUST` or `· SHOULD`, with or without
            ` since VERSION`.
    """
    version = VERSION.search(text)
    if version is None:
        raise ValueError("the specification has no line 'Version MAJOR.MINOR'")
    clauses: dict[str, Clause] = {}
    for clause in _sections(text):
        if clause.id in clauses:
            raise ValueError(f"clause {clause.id} stands twice in the specification")
        if not clause.text:
            raise ValueError(f"clause {clause.id} has no text")
        clauses[clause.id] = clause
    current, since = version["version"], {since for c in clauses.values() for since, _ in c.history}
    versions = sorted({current, *since}, key=_key)
    if versions[-1] != current:
        raise ValueError(f"a clause is since {versions[-1]}, which is later than Version {current}")
    return Spec(current, clauses, tuple(versions))


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _sections(text: str) -> list[Clause]:
    clauses: list[Clause] = []
    area, heading, body = "", None, list[str]()
    for line in [*text.splitlines(), "# end"]:
        if line.startswith(("# ", "## ", "### ")):
            if heading is not None:
                clauses.append(_clause(heading, area, "\n".join(body).strip()))
            heading, body = _heading(line), []
            area = line[3:] if line.startswith("## ") else area
        else:
            body.append(line)
    return clauses


def _clause(heading: re.Match[str], area: str, text: str) -> Clause:
    words = [part.split(" since ") for part in heading["levels"].split(", ")]
    history = tuple((since[0] if since else FIRST, level) for level, *since in words)
    return Clause(heading["id"], history[0][1], area, text, history)


def _heading(line: str) -> re.Match[str] | None:
    match = CLAUSE_HEADING.match(line)
    if line.startswith("### ") and match is None:
        raise ValueError(
            f"not a clause heading: {line!r}; it reads '### dotted.id · MUST' or '· SHOULD since 0.2'"
        )
    return match


@cache
def load(version: str | None = None) -> Spec:
    """Return the specification that this package ships, or an earlier version. Raises ValueError."""
    if version is not None:
        return load().at(version)
    return parse(reference.SPEC_PATH.read_text(encoding="utf-8"))
