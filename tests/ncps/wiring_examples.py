"""Wirings that several test files look at, and how they are compared."""

import json

import keras
import numpy as np
import pytest

from ncps.wirings import NCP, AutoNCP, FullyConnected, Random, Wiring

NCP_SIZES = {
    "inter_neurons": 12, "command_neurons": 6, "motor_neurons": 4, "sensory_fanout": 4,
    "inter_fanout": 3, "recurrent_command_synapses": 4, "motor_fanin": 5,
}  # fmt: skip
EXAMPLES = {
    "FullyConnected": (
        FullyConnected,
        {"units": 6, "output_dim": 2, "erev_init_seed": 3, "self_connections": False},
    ),
    "Random": (Random, {"units": 7, "output_dim": 3, "sparsity_level": 0.25, "random_seed": 5}),
    "NCP": (NCP, NCP_SIZES | {"seed": 1}),
    "AutoNCP": (AutoNCP, {"units": 16, "output_size": 3, "sparsity_level": 0.75, "seed": 9}),
}  # fmt: skip
each_example = pytest.mark.parametrize(("kind", "arguments"), EXAMPLES.values(), ids=EXAMPLES)


def example(input_dim=5):
    """Return a built AutoNCP."""
    wiring = AutoNCP(16, 3)
    wiring.build(input_dim)
    return wiring


def by_hand():
    """Return a built wiring of three neurons and two inputs, with two synapses of each kind."""
    wiring = Wiring(3)
    wiring.set_output_dim(1)
    wiring.add_synapse(2, 0, 1)
    wiring.add_synapse(1, 1, -1)
    wiring.build(2)
    wiring.add_sensory_synapse(0, 2, 1)
    wiring.add_sensory_synapse(1, 2, -1)
    return wiring


def assert_same_graph(one, other):
    np.testing.assert_array_equal(one.adjacency_matrix, other.adjacency_matrix)
    np.testing.assert_array_equal(one.sensory_adjacency_matrix, other.sensory_adjacency_matrix)
    assert (one.units, one.output_dim, one.input_dim) == (other.units, other.output_dim, other.input_dim)


def again(wiring):
    """Return `wiring` through JSON, as a saved model has it."""
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(wiring)))
    return keras.saving.deserialize_keras_object(saved)
