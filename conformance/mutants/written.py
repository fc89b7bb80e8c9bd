"""The mutants that are written by hand."""

from __future__ import annotations

from conformance.mutants import (
    written_calls,
    written_formulas,
    written_masked,
    written_narrow,
    written_sizes,
    written_unrolled,
    written_wired,
    written_wired_formulas,
)
from conformance.mutants.mutant import Mutant

REWRITES = (
    *written_formulas.REWRITES,
    *written_calls.REWRITES,
    *written_unrolled.REWRITES,
    *written_masked.REWRITES,
    *written_wired_formulas.REWRITES,
    *written_wired.REWRITES,
    *written_narrow.REWRITES,
    *written_sizes.REWRITES,
)


def mutants() -> dict[str, Mutant]:
    """Return every written mutant, by name."""
    return {rewrite.name: rewrite.mutant() for rewrite in REWRITES}
