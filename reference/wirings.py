"""The wirings: pure functions from arguments, seed and input size to a graph.

The random draws are in the order of PyPI `ncps` 1.0.1, so that the same arguments give the same graph there.
Neuron ids: motor neurons first, then command, then inter neurons (Lechner et al., Nature MI 2, 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Matrix = np.ndarray[Any, np.dtype[np.int64]]
EXCITATORY_TWO_TO_ONE = (-1, 1, 1)
EVEN = (-1, 1)


class Graph(NamedTuple):
    """The connections between neurons: the polarity of each synapse, -1 or 1, and 0 where there is none."""

    adjacency: Matrix
    """(units, units), by source and target."""
    sensory_adjacency: Matrix
    """(input_dim, units), by input and target."""
    output_dim: int
    """Number of motor neurons."""
    layers: tuple[tuple[int, ...], ...]
    """Neuron ids by layer, in the order in which the layers run."""


def graph(kind: str, arguments: Mapping[str, Any], input_dim: int) -> Graph:
    """Return the graph of the wiring class `kind`: "FullyConnected", "Random", "NCP" or "AutoNCP"."""
    return KINDS[kind](input_dim, **arguments)


def fully_connected(
    input_dim: int,
    *,
    units: int,
    output_dim: int | None = None,
    erev_init_seed: int = 1111,
    self_connections: bool = True,
) -> Graph:
    """Connect every neuron to every neuron and each input to each; one synapse of three is inhibitory."""
    rng = np.random.default_rng(erev_init_seed)

    def draw(sources: int, skip_diagonal: bool) -> Matrix:
        matrix = np.zeros((sources, units), np.int64)
        for source, target in np.ndindex(sources, units):
            if source != target or not skip_diagonal:
                matrix[source, target] = rng.choice(EXCITATORY_TWO_TO_ONE)
        return matrix

    adjacency = draw(units, not self_connections)
    return Graph(adjacency, draw(input_dim, False), output_dim or units, (tuple(range(units)),))


def random_sparse(
    input_dim: int,
    *,
    units: int,
    output_dim: int | None = None,
    sparsity_level: float = 0.0,
    random_seed: int = 1111,
) -> Graph:
    """Keep all pairs but a share of sparsity_level, sensory ones too; one synapse of three is inhibitory."""
    rng = np.random.default_rng(random_seed)

    def draw(sources: int, polarities_drawn: int) -> Matrix:
        matrix = np.zeros((sources, units), np.int64)
        pairs = sources * units
        for pair in rng.choice(pairs, round(pairs * (1 - sparsity_level)), replace=False):
            for _ in range(polarities_drawn):
                matrix[divmod(int(pair), units)] = rng.choice(EXCITATORY_TWO_TO_ONE)
        return matrix

    # PyPI ncps draws the polarity of a sensory synapse twice; the second one holds
    adjacency = draw(units, 1)
    return Graph(adjacency, draw(input_dim, 2), output_dim or units, (tuple(range(units)),))


def ncp(
    input_dim: int,
    *,
    inter_neurons: int,
    command_neurons: int,
    motor_neurons: int,
    sensory_fanout: int,
    inter_fanout: int,
    recurrent_command_synapses: int,
    motor_fanin: int,
    seed: int = 22222,
) -> Graph:
    """Return a neural circuit policy: inputs to inter, to command (also among these), to motor neurons.

    A neuron that no draw reached gets as many partners as the others have on average, at least one. One
    synapse of two is inhibitory.
    """
    rng = np.random.RandomState(seed)
    motor = range(motor_neurons)
    command = range(motor_neurons, motor_neurons + command_neurons)
    units = motor_neurons + command_neurons + inter_neurons
    inter = range(command.stop, units)
    adjacency = np.zeros((units, units), np.int64)
    sensory_adjacency = np.zeros((input_dim, units), np.int64)

    def connect(matrix: Matrix, those: Sequence[int], to: Sequence[int], degree: int, limit: int) -> None:
        """Connect each of `those` to `degree` of `to`, then the missed of `to`; `matrix` is (those, to)."""
        missed = list(to)
        for a in those:
            for b in rng.choice(to, degree, replace=False):
                missed = [c for c in missed if c != b]
                matrix[a, b] = rng.choice(EVEN)
        mean_degree = min(max(int(len(those) * degree / len(to)), 1), limit)
        for b in missed:
            for a in rng.choice(those, mean_degree, replace=False):
                matrix[a, b] = rng.choice(EVEN)

    connect(sensory_adjacency, range(input_dim), inter, sensory_fanout, input_dim)
    connect(adjacency, inter, command, inter_fanout, command_neurons)
    for _ in range(recurrent_command_synapses):
        source, target = rng.choice(command), rng.choice(command)
        adjacency[source, target] = rng.choice(EVEN)
    connect(adjacency.T, motor, command, motor_fanin, motor_neurons)
    return Graph(adjacency, sensory_adjacency, motor_neurons, (tuple(inter), tuple(command), tuple(motor)))


def auto_ncp(
    input_dim: int, *, units: int, output_size: int, sparsity_level: float = 0.5, seed: int = 22222
) -> Graph:
    """Return an NCP whose sizes follow from the number of neurons and a sparsity."""
    density = 1.0 - sparsity_level
    command = max(int(0.4 * (units - output_size)), 1)
    inter = units - output_size - command
    return ncp(
        input_dim,
        inter_neurons=inter,
        command_neurons=command,
        motor_neurons=output_size,
        sensory_fanout=max(int(inter * density), 1),
        inter_fanout=max(int(command * density), 1),
        recurrent_command_synapses=max(int(command * density * 2), 1),
        motor_fanin=max(int(command * density), 1),
        seed=seed,
    )


KINDS: dict[str, Callable[..., Graph]] = {
    "FullyConnected": fully_connected,
    "Random": random_sparse,
    "NCP": ncp,
    "AutoNCP": auto_ncp,
}
