"""Wirings whose graph is drawn at random, and always the same one for the same arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncps.wirings.base import Matrix, Wiring


class GeneratedWiring(Wiring):
    """A wiring whose graph is a function of its arguments, its seed among them, and of the number of inputs.

    Subclasses define `_generate`. What is added, removed or changed by hand is kept, and goes into the
    config as a whole graph; otherwise the config holds the arguments alone.
    """

    def _generate(self, input_dim: int | None) -> tuple[Matrix, Matrix | None]:
        """The adjacency and the sensory adjacency matrix; `input_dim` is None before the wiring is built."""
        raise NotImplementedError

    def set_input_dim(self, input_dim: int) -> None:
        if self.is_built():
            return super().set_input_dim(input_dim)
        super().set_input_dim(input_dim)
        untouched = self.adjacency_matrix == self._generate(None)[0]
        adjacency, self.sensory_adjacency_matrix = self._generate(self.input_dim)
        self.adjacency_matrix = np.where(untouched, adjacency, self.adjacency_matrix)

    def _changes(self, output_dim: int) -> dict[str, Any]:
        """What `get_config` needs beside the arguments, which give `output_dim` motor neurons."""
        adjacency, sensory = self._generate(self.input_dim)
        as_generated = (
            self.output_dim == output_dim
            and np.array_equal(self.adjacency_matrix, adjacency)
            and np.array_equal(self.sensory_adjacency_matrix, sensory)  # type: ignore[arg-type]  # None is None
        )
        return {} if as_generated else {"graph": self._graph()}
