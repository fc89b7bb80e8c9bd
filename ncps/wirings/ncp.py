"""Neural circuit policies: sparse wirings in four layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ncps import _arguments
from ncps.wirings.base import Matrix
from ncps.wirings.generated import GeneratedWiring


@keras.saving.register_keras_serializable(package="ncps")
class NCP(GeneratedWiring):
    """Neural circuit policy (NCP): synapses from inputs to inter, to command, to motor neurons.

    Command neurons act on each other too. If the fans leave a neuron without a source, or a command neuron
    without a target, it gets as many as the other neurons of its layer have on average, and at least one. A
    synapse excites or inhibits with equal probability. Neuron ids: motor first, then command, then inter.

    Args:
        inter_neurons: Integer of at least 1, number of inter neurons.
        command_neurons: Integer of at least 1, number of command neurons.
        motor_neurons: Integer of at least 1, number of motor neurons, whose state is the output.
        sensory_fanout: Integer from 0 to `inter_neurons`, number of inter neurons that an input acts on.
        inter_fanout: Integer from 0 to `command_neurons`, number of command neurons that an inter neuron acts
            on.
        recurrent_command_synapses: Integer of at least 0, number of synapses that are drawn between command
            neurons; a pair may be drawn more than once, and then counts once.
        motor_fanin: Integer from 0 to `command_neurons`, number of command neurons that act on a motor
            neuron.
        seed: Integer from 0 to 2**32 - 1, seed of the graph. Default 22222.

    Reference:
        - Lechner et al., "Neural circuit policies enabling auditable autonomy", Nature Machine Intelligence,
          2020, "Designing NCP networks".

    Example:

    >>> from ncps.wirings import NCP
    >>> wiring = NCP(12, 6, 4, sensory_fanout=4, inter_fanout=3, recurrent_command_synapses=4, motor_fanin=3)
    >>> wiring.build(8)
    >>> wiring.get_neurons_of_layer(2)
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        inter_neurons: int,
        command_neurons: int,
        motor_neurons: int,
        sensory_fanout: int,
        inter_fanout: int,
        recurrent_command_synapses: int,
        motor_fanin: int,
        seed: int = 22222,
    ) -> None:
        def integer(name: str, value: int, **limits: Any) -> int:
            return _arguments.integer(type(self).__name__, name, value, **limits)

        self.inter_neurons = integer("inter_neurons", inter_neurons, minimum=1)
        self.command_neurons = integer("command_neurons", command_neurons, minimum=1)
        self.motor_neurons = integer("motor_neurons", motor_neurons, minimum=1)
        super().__init__(self.inter_neurons + self.command_neurons + self.motor_neurons)
        self.set_output_dim(self.motor_neurons)
        inter: dict[str, Any] = {"minimum": 0, "maximum": self.inter_neurons, "limit": "the inter neurons"}
        command: dict[str, Any] = {
            "minimum": 0,
            "maximum": self.command_neurons,
            "limit": "the command neurons",
        }
        self.sensory_fanout = integer("sensory_fanout", sensory_fanout, **inter)
        self.inter_fanout = integer("inter_fanout", inter_fanout, **command)
        self.recurrent_command_synapses = integer(
            "recurrent_command_synapses", recurrent_command_synapses, minimum=0
        )
        self.motor_fanin = integer("motor_fanin", motor_fanin, **command)
        self.seed = integer("seed", seed, minimum=0, maximum=2**32 - 1)

    @property
    def num_layers(self) -> int:
        """Return 3: inter, command and motor neurons."""
        return 3

    def get_neurons_of_layer(self, layer_id: int) -> list[int]:
        """Return the ids of the inter (0), command (1) or motor (2) neurons, a list."""
        super().get_neurons_of_layer(layer_id)  # refuses a layer that there is not
        first_inter = self.motor_neurons + self.command_neurons
        bounds = [(first_inter, self.units), (self.motor_neurons, first_inter), (0, self.motor_neurons)]
        return list(range(*bounds[layer_id]))

    def get_type_of_neuron(self, neuron_id: int) -> str:
        """Return `"inter"`, `"command"` or `"motor"`."""
        kind = super().get_type_of_neuron(neuron_id)
        is_command = self.motor_neurons <= neuron_id < self.motor_neurons + self.command_neurons
        return "command" if is_command else kind

    def _generate(self, input_dim: int | None) -> tuple[Matrix, Matrix | None]:
        adjacency = np.zeros((self.units, self.units), dtype="int32")
        if input_dim is None:  # the stream begins with the synapses of the inputs
            return adjacency, None
        sensory = np.zeros((input_dim, self.units), dtype="int32")
        rng = np.random.RandomState(self.seed)
        inter, command, motor = (self.get_neurons_of_layer(i) for i in range(3))
        _join(rng, sensory, range(input_dim), inter, self.sensory_fanout)
        _join(rng, adjacency, inter, command, self.inter_fanout)
        for _ in range(self.recurrent_command_synapses):
            source, target = rng.choice(command), rng.choice(command)
            adjacency[source, target] = _polarity(rng)
        _join(rng, adjacency.T, motor, command, self.motor_fanin)  # the same, seen from the motor neurons
        return adjacency, sensory

    def get_config(self) -> dict[str, Any]:
        return {
            "inter_neurons": self.inter_neurons,
            "command_neurons": self.command_neurons,
            "motor_neurons": self.motor_neurons,
            "sensory_fanout": self.sensory_fanout,
            "inter_fanout": self.inter_fanout,
            "recurrent_command_synapses": self.recurrent_command_synapses,
            "motor_fanin": self.motor_fanin,
            "seed": self.seed,
            **self._changes(self.motor_neurons),
        }


@keras.saving.register_keras_serializable(package="ncps")
class AutoNCP(NCP):
    """An `NCP` of a given number of neurons, outputs and sparsity.

    Of the neurons that are not motor neurons, 40 % are command neurons and the rest inter neurons. An input
    acts on a fraction `1 - sparsity_level` of the inter neurons, and so on for the other fans.

    Args:
        units: Integer of at least 4, number of neurons.
        output_size: Integer from 1 to `units - 3`, number of motor neurons, whose state is the output.
        sparsity_level: Number of at least 0 and below 1; the higher, the fewer synapses. Default 0.5.
        seed: Integer from 0 to 2**32 - 1, seed of the graph. Default 22222.

    Example:

    >>> from ncps.wirings import AutoNCP
    >>> wiring = AutoNCP(28, 4)
    >>> wiring.build(8)
    >>> [len(wiring.get_neurons_of_layer(i)) for i in range(wiring.num_layers)]
    [15, 9, 4]
    """

    def __init__(self, units: int, output_size: int, sparsity_level: float = 0.5, seed: int = 22222) -> None:
        owner = type(self).__name__
        units = _arguments.integer(owner, "units", units, minimum=4)
        self.output_size = _arguments.integer(
            owner, "output_size", output_size, minimum=1, maximum=units - 3, limit="units - 3"
        )
        self.sparsity_level = _arguments.rate(owner, "sparsity_level", sparsity_level)
        density = 1.0 - self.sparsity_level
        command = max(int(0.4 * (units - self.output_size)), 1)
        inter = units - self.output_size - command
        fan = max(int(command * density), 1)
        super().__init__(
            inter,
            command,
            self.output_size,
            sensory_fanout=max(int(inter * density), 1),
            inter_fanout=fan,
            recurrent_command_synapses=max(int(command * density * 2), 1),
            motor_fanin=fan,
            seed=seed,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "output_size": self.output_size,
            "sparsity_level": self.sparsity_level,
            "seed": self.seed,
            **self._changes(self.motor_neurons),
        }


def _join(
    rng: np.random.RandomState, matrix: Matrix, sources: Sequence[int], targets: Sequence[int], fanout: int
) -> None:
    """Connect each source to `fanout` targets, and then each target without a source to some sources."""
    _fan(rng, matrix, sources, targets, fanout)
    orphans = [target for target in targets if not matrix[sources, target].any()]
    _fan(rng, matrix.T, orphans, sources, max(len(sources) * fanout // len(targets), 1))


def _fan(
    rng: np.random.RandomState, matrix: Matrix, neurons: Sequence[int], others: Sequence[int], number: int
) -> None:
    """Draw synapses between each neuron and `number` of the others, without replacement."""
    for neuron in neurons:
        for other in rng.choice(others, size=number, replace=False):
            matrix[neuron, other] = _polarity(rng)


def _polarity(rng: np.random.RandomState) -> int:
    return rng.choice((-1, 1))
