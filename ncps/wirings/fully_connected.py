"""The wiring with every synapse."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ncps import _arguments
from ncps.wirings.base import Matrix
from ncps.wirings.generated import GeneratedWiring

POLARITIES = (-1, 1, 1)  # two excitatory synapses for each inhibitory one


@keras.saving.register_keras_serializable(package="ncps")
class FullyConnected(GeneratedWiring):
    """Wiring with a synapse from every neuron and every input to every neuron; two of three excite.

    Args:
        units: Integer of at least 1, number of neurons.
        output_dim: Integer from 1 to `units`, number of motor neurons. Default None: all of them.
        erev_init_seed: Integer of at least 0, seed of the polarities. Default 1111.
        self_connections: Whether each neuron has a synapse to itself. Default True.

    Example:

    >>> from ncps.wirings import FullyConnected
    >>> wiring = FullyConnected(8, output_dim=2)
    >>> wiring.build(3)
    >>> wiring.synapse_count, wiring.sensory_synapse_count
    (64, 24)
    """

    def __init__(
        self,
        units: int,
        output_dim: int | None = None,
        erev_init_seed: int = 1111,
        self_connections: bool = True,
    ) -> None:
        super().__init__(units)
        owner = type(self).__name__
        if output_dim is not None:
            self.set_output_dim(output_dim)
        self.erev_init_seed = _arguments.integer(owner, "erev_init_seed", erev_init_seed, minimum=0)
        self.self_connections = _arguments.boolean(owner, "self_connections", self_connections)
        self.adjacency_matrix, _ = self._generate(None)

    def _generate(self, input_dim: int | None) -> tuple[Matrix, Matrix | None]:
        rng = np.random.default_rng(self.erev_init_seed)
        adjacency = np.zeros((self.units, self.units), dtype="int32")
        joined = np.ones_like(adjacency, dtype=bool)
        if not self.self_connections:
            np.fill_diagonal(joined, False)
        adjacency[joined] = rng.choice(POLARITIES, size=np.count_nonzero(joined))
        if input_dim is None:
            return adjacency, None
        return adjacency, rng.choice(POLARITIES, size=(input_dim, self.units)).astype("int32")

    def get_config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "output_dim": self.output_dim,
            "erev_init_seed": self.erev_init_seed,
            "self_connections": self.self_connections,
            **self._changes(self.output_dim),
        }
