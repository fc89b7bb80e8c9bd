"""What a cell offers of the specification's arguments, as its harness's `describe` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Offer:
    """The arguments of a cell, and the values that they may have; None is all of them."""

    arguments: frozenset[str] | None = None
    values: Mapping[str, list[Any]] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)
    """With mixed memory, what is said of each cell that may stand behind the LSTM."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Offer:
        """`said`: a cell of `describe`."""
        shown = {name: [value] for name, value in said.get("fixed", {}).items()}
        return cls(frozenset(said["arguments"]), {**shown, **said.get("values", {})}, said.get("behind", {}))

    def accepts(self, argument: str) -> bool:
        """Whether the constructor takes `argument`."""
        return self.arguments is None or argument in self.arguments

    def allows(self, argument: str, value: Any) -> bool:
        """Whether `argument`, where it is taken, may be `value`."""
        return argument not in self.values or value in self.values[argument]

    def has(self, argument: str) -> bool:
        """Whether the cell takes `argument`, or shows the one value that it has."""
        return self.accepts(argument) or argument in self.values

    def choose(self, argument: str, values: Iterable[Any]) -> list[Any]:
        """Those of `values` that are allowed; all of them where none is, for the cell to refuse."""
        found = list(values)
        return [value for value in found if self.allows(argument, value)] or found

    def behind(self, cell: str) -> Offer:
        """What the cell of this name offers, behind an LSTM."""
        return Offer.of(self.cells[cell]) if cell in self.cells else Offer()

    def trimmed(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A config less the arguments that the cell does not take, the cell behind an LSTM included."""
        kept = {name: value for name, value in config.items() if self.accepts(name)}
        named = kept.get("cell")
        if isinstance(named, Mapping):
            inner = self.behind(named["class_name"]).trimmed(named["config"])
            kept["cell"] = {**named, "config": inner}
        return kept
