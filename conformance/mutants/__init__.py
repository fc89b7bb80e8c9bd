"""The reference as an implementation, and the numerical mutants of it that the suite must find."""

from __future__ import annotations

from conformance.mutants import generated, written
from conformance.mutants.mutant import Mutant
from conformance.oracle.reference_cells import ReferenceCells

__all__ = ["Mutant", "ReferenceCells", "mutants"]


def mutants() -> dict[str, Mutant]:
    """Return every numerical mutant, by name."""
    return {**written.mutants(), **generated.mutants()}
