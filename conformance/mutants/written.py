"""The mutants that are written by hand, in written.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from conformance.mutants.mutant import Mutant
from conformance.mutants.rewrite import Rewrite

TABLE = Path(__file__).with_name("written.toml")


@cache
def rewrites() -> tuple[Rewrite, ...]:
    """Return every rewrite of the table, in its order."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return tuple(
        Rewrite(name, module=module, **row) for module, rows in table.items() for name, row in rows.items()
    )


def mutants() -> dict[str, Mutant]:
    """Return every written mutant, by name."""
    return {rewrite.name: rewrite.mutant() for rewrite in rewrites()}
