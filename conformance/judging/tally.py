"""The counts of a clause while it is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conformance.spec.cases import Values


@dataclass
class Tally:
    """The counts of a clause so far."""

    examples: int = 0
    shapes: set[Any] = field(default_factory=set)
    values: int = 0
    undecided: int = 0
    refused: int = 0
    refusal: str = ""
    """The reason of the first rejected example."""
    decided: float = 0.0
    """The number of decided examples: each counts for the share of its values that are decided."""
    given_up: bool = False
    """True if an example needed a method that is no longer requested."""
    kinks: int = 0
    worst: float | None = None
    host: dict[str, int] = field(default_factory=dict)
    before: tuple[int, int, int] = (0, 0, 0)
    """Values, undecided values and kinks before the current example."""

    def begin(self) -> None:
        """Begin an example."""
        self.before = (self.values, self.undecided, self.kinks)

    def end(self) -> None:
        """Count an example that ran: it decides nothing at a kink, and all if it compares no values."""
        values, undecided, kinks = self.before
        judged = self.values - values
        self.examples += 1
        if judged:
            self.decided += 1.0 - (self.undecided - undecided) / judged
        elif self.kinks == kinks:
            self.decided += 1.0

    def refuse(self, reason: str) -> None:
        """Count an example that the implementation does not offer."""
        self.refused += 1
        self.refusal = self.refusal or reason

    def add(self, ratios: Values, undecided: int) -> None:
        """Count judged values, each an error over its bound."""
        self.values += ratios.size + undecided
        self.undecided += undecided
        if ratios.size:
            self.worst = max(self.worst or 0.0, float(ratios.max()))
