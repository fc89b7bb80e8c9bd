"""A rewritten passage of the source: for mutants that a change of one operand cannot express."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from conformance.mutants.mutant import Mutant
from conformance.oracle import source


@dataclass(frozen=True)
class Rewrite:
    """`old`, which stands in the module once, becomes `new`."""

    name: str
    what: str
    clause: str
    module: str
    old: str
    new: str

    def tree(self) -> ast.Module:
        """The module rewritten; ValueError where `old` stands in it not once."""
        text = source.text(self.module)
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {count} times in {self.module}, not once")
        return ast.parse(text.replace(self.old, self.new))

    def mutant(self) -> Mutant:
        """The mutant that the rewritten module makes."""
        return Mutant(self.name, self.what, self.clause, self.module, self.tree)
