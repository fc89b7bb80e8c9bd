"""Parses SPEC.md: the specification is the registry of clauses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import reference
from conformance.families import FAMILIES

CLAUSE_HEADING = re.compile(r"^### (?P<id>[a-z0-9_]+(?:\.[a-z0-9_]+)+) · (?P<level>MUST|SHOULD)$")
ABOUT: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in FAMILIES},
    **dict.fromkeys(("backbone", "dropout"), tuple(n for n, f in FAMILIES.items() if f.backbone_activation)),
    "wiring": tuple(name for name, family in FAMILIES.items() if family.wirings),
}
"""The families that clauses are about whose id begins so; any other is about all."""

VERSION = re.compile(r"^Version (?P<version>\d+\.\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Clause:
    """One demand of the specification."""

    id: str
    level: str
    area: str
    text: str
    """Markdown, without the heading."""

    @property
    def demand(self) -> str:
        """The first sentence: what the clause asks."""
        return self.text.split("\n\n", 1)[0].replace("\n", " ")

    @property
    def families(self) -> tuple[str, ...]:
        """The cell families that the clause is about."""
        area = self.id.split(".", 1)[0]
        return ABOUT.get(area, tuple(FAMILIES))


@dataclass(frozen=True)
class Spec:
    """The whole specification."""

    version: str
    clauses: dict[str, Clause]


def parse(text: str) -> Spec:
    """The clauses in `text`, in its order.

    Raises:
        ValueError: no version line, an id used twice, a clause without text, or a heading of a third level
            that is not `### dotted.id · MUST` or `· SHOULD`.
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
    return Spec(version["version"], clauses)


def _sections(text: str) -> list[Clause]:
    found: list[Clause] = []
    area, heading, body = "", None, list[str]()
    for line in [*text.splitlines(), "# end"]:
        if line.startswith(("# ", "## ", "### ")):
            if heading is not None:
                found.append(Clause(heading["id"], heading["level"], area, "\n".join(body).strip()))
            heading, body = _heading(line), []
            area = line[3:] if line.startswith("## ") else area
        else:
            body.append(line)
    return found


def _heading(line: str) -> re.Match[str] | None:
    match = CLAUSE_HEADING.match(line)
    if line.startswith("### ") and match is None:
        raise ValueError(f"not a clause heading: {line!r}; it reads '### dotted.id · MUST' or '· SHOULD'")
    return match


@cache
def load(path: Path = reference.SPEC_PATH) -> Spec:
    """The specification that this package ships."""
    return parse(path.read_text(encoding="utf-8"))
