"""The wiring with random synapses."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ncps import _arguments
from ncps.wirings.base import Matrix
from ncps.wirings.fully_connected import POLARITIES
from ncps.wirings.generated import GeneratedWiring


@keras.saving.register_keras_serializable(package="ncps")
class Random(GeneratedWiring):
    """Wiring with a given fraction of the possible synapses, at random places; two of three excite.

    Args:
        units: Integer of at least 1, number of neurons.
        output_dim: Integer from 1 to `units`, number of motor neurons. Default None: all of them.
        sparsity_level: Number of at least 0 and below 1, fraction of the possible synapses that are left out,
            between neurons and from the inputs alike. Default 0.0.
        random_seed: Integer of at least 0, seed of places and polarities. Default 1111.

    Example:

    >>> from ncps.wirings import Random
    >>> wiring = Random(10, output_dim=2, sparsity_level=0.75)
    >>> wiring.build(4)
    >>> wiring.synapse_count, wiring.sensory_synapse_count
    (25, 10)
    """

    def __init__(
        self,
        units: int,
        output_dim: int | None = None,
        sparsity_level: float = 0.0,
        random_seed: int = 1111,
    ) -> None:
        super().__init__(units)
        owner = type(self).__name__
        if output_dim is not None:
            self.set_output_dim(output_dim)
        self.sparsity_level = _arguments.rate(owner, "sparsity_level", sparsity_level)
        self.random_seed = _arguments.integer(owner, "random_seed", random_seed, minimum=0)
        self.adjacency_matrix, _ = self._generate(None)

    def _generate(self, input_dim: int | None) -> tuple[Matrix, Matrix | None]:
        rng = np.random.default_rng(self.random_seed)
        adjacency = self._scattered(rng, self.units, draws=1)
        # Published code draws each sensory polarity twice and keeps the second.
        return adjacency, None if input_dim is None else self._scattered(rng, input_dim, draws=2)

    def _scattered(self, rng: np.random.Generator, sources: int, draws: int) -> Matrix:
        """Draw a matrix `(sources, units)` of polarities, 0 for the fraction that the sparsity leaves out."""
        matrix = np.zeros((sources, self.units), dtype="int32")
        number = round(matrix.size * (1 - self.sparsity_level))
        places = rng.choice(matrix.size, size=number, replace=False)
        matrix.flat[places] = rng.choice(POLARITIES, size=(number, draws))[:, -1]
        return matrix

    def get_config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "output_dim": self.output_dim,
            "sparsity_level": self.sparsity_level,
            "random_seed": self.random_seed,
            **self._changes(self.output_dim),
        }
