"""A numerical mutant: the reference as an implementation, with one change of its source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from conformance.driver.implementation import ImplementationProtocol
from conformance.oracle import source
from conformance.spec import clauses


@dataclass(frozen=True)
class Mutant:
    """A change, and the clause that must find it."""

    name: str
    what: str
    """The error, in one line."""
    clause: str
    module: str
    changed: Callable[[], ast.Module]
    """The module's tree with the change."""

    @cached_property
    def code(self) -> source.Code:
        """Return the code of the changed module."""
        return source.changed_code(self.module, self.changed())

    @property
    def family(self) -> str:
        """Return the family whose cell shows the change."""
        families = clauses.load().clauses[self.clause].families
        own = self.module.rpartition(".")[2]
        return own if own in families else families[0]

    def implementation(self) -> ImplementationProtocol:
        """Return the reference with the change, as an implementation."""
        copies = source.with_changes({self.module: self.code})
        answering: ImplementationProtocol = copies["conformance.oracle.reference_cells"].ReferenceCells(
            f"mutant:{self.name}"
        )
        return answering
