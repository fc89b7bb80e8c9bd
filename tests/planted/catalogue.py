"""Lists the faults that are planted: where they came from, and the clause that must find each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from conformance.mutants import Mutant, generated, written
from tests.planted.faults import MUTANTS

Kind = Literal["formula", "cell", "generated"]

SPOILED = {
    "CfCCell": "cfc",
    "LTCCell": "ltc",
    "WiredCfCCell": "wired_cfc",
    "WiredLTCCell": "wired_ltc",
    "MixedMemoryCell": "mixed_memory",
}


@dataclass(frozen=True)
class Planted:
    """One fault."""

    kind: Kind
    """"formula" and "cell" are written by hand, in the reference's source and in a Keras cell of ours;
    "generated" is one change of an operand, sign, constant, order or branch of the reference's source."""
    name: str
    what: str
    """What is wrong, in one line."""
    clause: str
    """The clause that must find it."""
    family: str
    """The family of the cell that has it."""
    says: str = ""
    """A pattern that the summary of a failure must match."""

    @property
    def key(self) -> str:
        """Return what tells it from all others: its kind and name."""
        return f"{self.kind}:{self.name}"


@cache
def planted() -> dict[str, Planted]:
    """Return every fault, by its key; those written by hand first."""
    faults = [
        *(_numerical("formula", mutant) for mutant in written.mutants().values()),
        *(
            Planted("cell", name, fault.what, fault.clause, SPOILED[fault.fault.spoils], fault.says)
            for name, fault in MUTANTS.items()
        ),
        *(_numerical("generated", mutant) for mutant in generated.mutants().values()),
    ]
    return {fault.key: fault for fault in faults}


def _numerical(kind: Kind, mutant: Mutant) -> Planted:
    return Planted(kind, mutant.name, mutant.what, mutant.clause, mutant.family)
