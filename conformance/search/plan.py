"""The parameters of a search."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.spec import clauses


@dataclass(frozen=True)
class Plan:
    """The parameters of a search."""

    examples: int
    seed: int
    database: str | None = None
    variant: str = "auto"
    explain: bool = True
    """True if a failure is explained, by a smaller example and by its cause."""
    spec: clauses.Spec = field(default_factory=clauses.load)
    """The specification by which it judges."""
