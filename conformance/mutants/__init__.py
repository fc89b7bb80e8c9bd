"""Known faults: changes of the reference, which the suite must find and by which failures are explained."""

from __future__ import annotations

from conformance.mutants import generated, written
from conformance.mutants.mutant import Mutant

__all__ = ["Mutant", "mutants"]


def mutants() -> dict[str, Mutant]:
    """Return every numerical mutant, by name."""
    return {**written.mutants(), **generated.mutants()}
