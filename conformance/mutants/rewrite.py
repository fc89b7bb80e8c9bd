"""A rewritten passage of the source: for mutants that a change of one operand cannot express."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from conformance.mutants.mutant import Mutant
from conformance.oracle import source


@dataclass(frozen=True)
class Rewrite:
    """A replacement of `old`, which occurs once in the module, by `new`."""

    name: str
    what: str
    clause: str
    module: str
    old: str
    new: str

    def tree(self) -> ast.Module:
        """Return the rewritten module; raise ValueError unless `old` occurs in it exactly once."""
        text = source.text(self.module)
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {count} times in {self.module}, not once")
        return ast.parse(text.replace(self.old, self.new))

    def mutant(self) -> Mutant:
        """Return the mutant of the rewritten module."""
        return Mutant(self.name, self.what, self.clause, self.module, self.tree)
