"""The arguments of the specification that a cell offers, according to its harness's `describe`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CellArguments:
    """The arguments of a cell, and the values that they may have; None is all of them."""

    arguments: frozenset[str] | None = None
    values: Mapping[str, list[Any]] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)
    """With mixed memory, the description of each cell that may stand behind the LSTM."""

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> CellArguments:
        """Return the offer of a cell; `said` is the cell's entry in `describe`."""
        shown = {name: [value] for name, value in said.get("fixed", {}).items()}
        return cls(frozenset(said["arguments"]), {**shown, **said.get("values", {})}, said.get("behind", {}))

    def accepts(self, argument: str) -> bool:
        """Tell whether the constructor takes `argument`."""
        return self.arguments is None or argument in self.arguments

    def allows(self, argument: str, value: Any) -> bool:
        """Tell whether `argument`, where it is taken, may be `value`."""
        return argument not in self.values or value in self.values[argument]

    def has(self, argument: str) -> bool:
        """Tell whether the cell takes `argument`, or shows the one value that it has."""
        return self.accepts(argument) or argument in self.values

    def choose(self, argument: str, values: Iterable[Any]) -> list[Any]:
        """Return the allowed ones of `values`; all if none is allowed, so that the cell rejects them."""
        wanted = list(values)
        return [value for value in wanted if self.allows(argument, value)] or wanted

    def behind(self, cell: str) -> CellArguments:
        """Return the offer of the cell of this name behind an LSTM."""
        return CellArguments.of(self.cells[cell]) if cell in self.cells else CellArguments()

    def trimmed(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a config without the arguments that the cell, or the cell behind an LSTM, does not take."""
        kept = {name: value for name, value in config.items() if self.accepts(name)}
        named = kept.get("cell")
        if isinstance(named, Mapping):
            inner = self.behind(named["class_name"]).trimmed(named["config"])
            kept["cell"] = {**named, "config": inner}
        return kept
