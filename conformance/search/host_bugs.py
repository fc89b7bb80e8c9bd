"""Faults of the host framework, which are not laid to the cell that runs in it."""

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
    """One fault of a host, and when a clause meets it."""

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
    """What an example has to be for the fault to show."""
    script: str
    """Python that exits 0 while the fault is there, run with KERAS_BACKEND set."""

    def concerns(self, host: str, version: str) -> bool:
        """Whether this version of the host has the fault."""
        return (
            host == self.host
            and _key(version) >= _key(self.since)
            and (not self.until or _key(version) < _key(self.until))
        )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


@cache
def ledger(path: Path = LEDGER) -> tuple[Quirk, ...]:
    """Every known fault of a host."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("quirk", [])
    return tuple(Quirk(**{name: _frozen(value) for name, value in entry.items()}) for entry in entries)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def quirk_met(clause: str, subject: Subject) -> str | None:
    """The id of the host's fault that explains a departure from `clause`, if one does."""
    about = subject.implementation.describe()
    host = str(about.get("host", ""))
    version = str(about.get("versions", {}).get(host, "0"))
    for quirk in ledger():
        explains = clause in quirk.clauses and subject.backend in quirk.backends
        if explains and set(quirk.tags) <= subject.example.tags and quirk.concerns(host, version):
            return f"{quirk.id}: {quirk.what}"
    return None
