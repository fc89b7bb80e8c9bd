"""Bugs of the host framework, which are not attributed to the cell that runs in it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conformance.judging.subject import Subject

LEDGER = Path(__file__).with_name("host_bugs.toml")


@dataclass(frozen=True)
class Quirk:
    """One bug of a host, and the conditions under which a clause meets it."""

    id: str
    what: str
    host: str
    backends: tuple[str, ...]
    since: str
    """The first version known to have it."""
    until: str
    """The first version known to be free of it; "" while none is."""
    clauses: tuple[str, ...]
    tags: tuple[str, ...]
    """The tags that an example must have for the bug to show."""
    script: str
    """Python that exits 0 while the bug is there, run with KERAS_BACKEND set."""

    def concerns(self, host: str, version: str) -> bool:
        """Tell whether this version of the host has the bug."""
        return (
            host == self.host
            and _key(version) >= _key(self.since)
            and (not self.until or _key(version) < _key(self.until))
        )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


@cache
def ledger(path: Path = LEDGER) -> tuple[Quirk, ...]:
    """Return every known bug of a host."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("quirk", [])
    return tuple(Quirk(**{name: _frozen(value) for name, value in entry.items()}) for entry in entries)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def quirk_met(clause: str, subject: Subject) -> str | None:
    """Return the id and text of the host's bug that explains a departure from `clause`, or None."""
    about = subject.implementation.describe()
    host = str(about.get("host", ""))
    version = str(about.get("versions", {}).get(host, "0"))
    for quirk in ledger():
        explains = clause in quirk.clauses and subject.backend in quirk.backends
        if explains and set(quirk.tags) <= subject.example.tags and quirk.concerns(host, version):
            return f"{quirk.id}: {quirk.what}"
    return None
