"""The configuration of a wiring, and wirings in saved models and shared by layers."""

import copy

import keras
import numpy as np
import pytest

from ncps.wirings import AutoNCP, Wiring
from tests.ncps.wiring_examples import EXAMPLES, again, assert_same_graph, by_hand, each_example


@each_example
def test_the_configuration_is_the_arguments(kind, arguments):
    wiring = kind(**arguments)
    assert wiring.get_config() == arguments
    wiring.build(4)
    assert wiring.get_config() == arguments


@each_example
def test_the_configuration_gives_the_same_wiring_back(kind, arguments):
    wiring = kind(**arguments)
    wiring.build(4)
    restored = again(wiring)
    assert type(restored) is kind
    restored.build(4)
    assert_same_graph(wiring, restored)


@each_example
def test_what_was_changed_by_hand_is_kept(kind, arguments):
    before, after, removed = (kind(**arguments) for _ in range(3))
    before.add_synapse(3, 3, -1)  # before it is built, and before it is saved
    before = again(before)
    for wiring in (before, after, removed):
        wiring.build(4)
    after.add_synapse(3, 3, -1)
    after.add_sensory_synapse(0, 0, 1)
    assert before.adjacency_matrix[3, 3] == after.adjacency_matrix[3, 3] == -1
    np.testing.assert_array_equal(before.adjacency_matrix, after.adjacency_matrix)
    removed.adjacency_matrix[5] = 0
    for wiring in (before, after, removed):
        restored = again(wiring)
        restored.build(4)
        assert type(restored) is kind
        assert_same_graph(wiring, restored)


@each_example
def test_a_changed_number_of_motor_neurons_is_kept(kind, arguments):
    wiring = kind(**arguments)
    wiring.set_output_dim(1)
    for restored in (again(wiring), again(again(wiring))):
        assert type(restored) is kind
        assert restored.output_dim == 1
        assert restored.get_config() == wiring.get_config()
    restored.build(4)
    wiring.build(4)
    assert_same_graph(wiring, restored)
    assert again(wiring).output_dim == 1


def test_synapses_added_by_hand_are_saved():
    restored = again(by_hand())
    assert type(restored) is Wiring
    assert_same_graph(by_hand(), restored)
    unbuilt = Wiring(2)
    unbuilt.add_synapse(0, 1, -1)
    restored = again(unbuilt)
    assert not restored.is_built()
    np.testing.assert_array_equal(restored.adjacency_matrix, [[0, -1], [0, 0]])


def test_a_configuration_whose_matrix_does_not_fit_is_refused():
    config = by_hand().get_config()
    config["graph"]["adjacency_matrix"] = [[0, 1], [1, 0]]
    with pytest.raises(ValueError, match=r"adjacency_matrix must hold 3 rows of 3 numbers.* is \(2, 2\)"):
        Wiring.from_config(config)


@keras.saving.register_keras_serializable(package="test_wirings")
class Ring(Wiring):
    """Each neuron excites the next; each input inhibits the first. It defines nothing for saving."""

    def __init__(self, units):
        super().__init__(units)
        self.set_output_dim(1)
        for neuron in range(units):
            self.add_synapse(neuron, (neuron + 1) % units, 1)

    def build(self, input_dim):
        super().build(input_dim)
        for source in range(input_dim):
            self.add_sensory_synapse(source, 0, -1)


@keras.saving.register_keras_serializable(package="test_wirings")
class Chord(Ring):
    """A ring with chords of a given length; the arguments are in its config."""

    def __init__(self, units, length):
        super().__init__(units)
        self.length = length
        for neuron in range(units):
            self.add_synapse(neuron, (neuron + length) % units, -1)

    def get_config(self):
        return super().get_config() | {"length": self.length}


@keras.saving.register_keras_serializable(package="test_wirings")
class Shortcut(AutoNCP):
    """An AutoNCP whose first input excites its first motor neuron. It has the config that it inherits."""

    def build(self, input_dim):
        super().build(input_dim)
        self.add_sensory_synapse(0, 0, 1)


@keras.saving.register_keras_serializable(package="test_wirings")
class Drawn(Wiring):
    """A wiring that draws its sensory synapses from a stream, as those written for PyPI `ncps` do."""

    def __init__(self, units):
        super().__init__(units)
        self.rng = np.random.default_rng()

    def build(self, input_shape):
        super().build(input_shape)
        for source in range(self.input_dim):
            self.add_sensory_synapse(source, self.rng.integers(self.units), self.rng.choice([-1, 1]))


@keras.saving.register_keras_serializable(package="test_wirings")
class Wired(keras.layers.Layer):
    """A layer that holds a wiring, as a wired cell does."""

    def __init__(self, wiring, **kwargs):
        super().__init__(**kwargs)
        self.wiring = wiring

    def build(self, shape):
        self.wiring.build(shape[-1])
        shape = self.wiring.sensory_adjacency_matrix.shape
        self.kernel = self.add_weight(shape=shape, initializer=self.wiring.sensory_erev_initializer)

    def call(self, x):
        return keras.ops.matmul(x, self.kernel)

    def get_config(self):
        return super().get_config() | {"wiring": keras.saving.serialize_keras_object(self.wiring)}

    @classmethod
    def from_config(cls, config):
        return cls(**config | {"wiring": keras.saving.deserialize_keras_object(config["wiring"])})


def made():
    """Return a fresh wiring of each kind, those that a user has written among them."""
    return [kind(**arguments) for kind, arguments in EXAMPLES.values()] + [
        Ring(4),
        Chord(5, 2),
        Shortcut(16, 3),
        Drawn(20),
    ]


@pytest.mark.parametrize("wiring", made(), ids=lambda wiring: type(wiring).__name__)
def test_a_wiring_survives_a_saved_model(wiring, tmp_path):
    model = keras.Sequential([keras.Input((4,)), Wired(wiring)])
    model.save(tmp_path / "model.keras")
    (layer,) = keras.saving.load_model(tmp_path / "model.keras").layers
    assert type(layer.wiring) is type(wiring)
    assert layer.wiring is not wiring
    assert_same_graph(layer.wiring, wiring)
    assert layer.wiring.get_config() == wiring.get_config()
    if isinstance(wiring, Chord):
        assert layer.wiring.length == 2


@pytest.mark.parametrize("wiring", made(), ids=lambda wiring: type(wiring).__name__)
def test_a_wiring_shared_by_two_layers_gives_both_the_same_graph(wiring):
    alone = copy.deepcopy(wiring)
    alone.build(4)
    layers = [Wired(wiring), Wired(wiring)]
    for layer in layers:
        layer.build((None, 4))
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(layer.kernel), alone.sensory_adjacency_matrix
        )
        assert_same_graph(layer.wiring, alone)
    with pytest.raises(ValueError, match=r"copy\.deepcopy"):
        Wired(wiring).build((None, 5))
