"""Wirings whose graph is drawn at random from a seed: the same arguments give the same graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncps.wirings.base import Matrix, Wiring


class GeneratedWiring(Wiring):
    """A wiring whose graph is a function of its arguments, including its seed, and of the number of inputs.

    Subclasses define `_generate`. After changes by hand, the config holds the whole graph; otherwise it holds
    the arguments alone.
    """

    def _generate(self, input_dim: int | None) -> tuple[Matrix, Matrix | None]:
        """Return the adjacency and sensory adjacency matrices; `input_dim` is None before `build`."""
        raise NotImplementedError

    def set_input_dim(self, input_dim: int) -> None:
        if self.is_built():
            return super().set_input_dim(input_dim)
        super().set_input_dim(input_dim)
        untouched = self.adjacency_matrix == self._generate(None)[0]
        adjacency, self.sensory_adjacency_matrix = self._generate(self.input_dim)
        self.adjacency_matrix = np.where(untouched, adjacency, self.adjacency_matrix)

    def _changes(self, output_dim: int) -> dict[str, Any]:
        """Return what `get_config` needs besides the arguments, which give `output_dim` motor neurons."""
        adjacency, sensory = self._generate(self.input_dim)
        as_generated = (
            self.output_dim == output_dim
            and np.array_equal(self.adjacency_matrix, adjacency)
            and np.array_equal(self.sensory_adjacency_matrix, sensory)  # type: ignore[arg-type]  # None is None
        )
        return {} if as_generated else {"graph": self._graph()}
