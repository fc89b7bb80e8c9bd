"""Wirings: the recorded graphs, their layers, and building."""

import copy
import doctest
import importlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

import ncps
from ncps import wirings
from ncps.wirings import NCP, AutoNCP, FullyConnected, Random, Wiring
from tests.ncps.wiring_examples import assert_same_graph, by_hand, each_example, example

FILE = Path(__file__).parents[1] / "reference" / "records" / "pypi_ncps_wirings.json"
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))
RECORDS = RECORDED["records"]
SIGNS = {"+": 1, "-": -1, ".": 0}


def matrix(rows):
    return np.array([[SIGNS[sign] for sign in row] for row in rows])


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['wiring']}-{r['arguments']}-{r['input_dim']}")
def test_the_graph_is_that_of_pypi_ncps(record):
    wiring = getattr(wirings, record["wiring"])(**record["arguments"])
    wiring.build(record["input_dim"])
    np.testing.assert_array_equal(wiring.adjacency_matrix, matrix(record["adjacency"]))
    np.testing.assert_array_equal(wiring.sensory_adjacency_matrix, matrix(record["sensory_adjacency"]))
    assert wiring.adjacency_matrix.dtype == wiring.sensory_adjacency_matrix.dtype == np.int32
    assert wiring.synapse_count == sum(sign != "." for row in record["adjacency"] for sign in row)


def test_the_record_has_every_wiring_with_and_without_a_seed():
    seeds = {"FullyConnected": "erev_init_seed", "Random": "random_seed", "NCP": "seed", "AutoNCP": "seed"}
    found = {(r["wiring"], seeds[r["wiring"]] in r["arguments"]) for r in RECORDS}
    assert found == {(name, seeded) for name in seeds for seeded in (True, False)}
    assert len(RECORDS) == 80
    assert RECORDED["versions"]["ncps"] == "1.0.1"


def test_an_auto_ncp_is_the_ncp_of_its_sizes():
    auto = example()
    ncp = NCP(8, 5, 3, sensory_fanout=4, inter_fanout=2, recurrent_command_synapses=5, motor_fanin=2)
    ncp.build(5)
    assert_same_graph(auto, ncp)
    assert isinstance(auto, NCP)


def test_every_neuron_of_an_ncp_is_on_a_way_from_an_input_to_an_output():
    wiring = NCP(12, 6, 4, sensory_fanout=1, inter_fanout=1, recurrent_command_synapses=0, motor_fanin=1)
    wiring.build(2)
    inter, command, motor = (wiring.get_neurons_of_layer(i) for i in range(3))
    joined = wiring.adjacency_matrix != 0
    assert (wiring.sensory_adjacency_matrix[:, inter] != 0).any(axis=0).all()
    assert (
        joined[np.ix_(inter, command)].any(axis=0).all() and joined[np.ix_(inter, command)].any(axis=1).all()
    )
    assert (
        joined[np.ix_(command, motor)].any(axis=0).all() and joined[np.ix_(command, motor)].any(axis=1).all()
    )
    assert joined.sum() == joined[np.ix_(inter, command)].sum() + joined[np.ix_(command, motor)].sum()


def test_layers_and_kinds_of_an_ncp():
    wiring = AutoNCP(28, 4)
    assert wiring.num_layers == 3
    assert [wiring.get_neurons_of_layer(i) for i in range(3)] == [
        list(range(13, 28)),
        list(range(4, 13)),
        list(range(4)),
    ]
    kinds = [wiring.get_type_of_neuron(i) for i in range(28)]
    assert kinds == ["motor"] * 4 + ["command"] * 9 + ["inter"] * 15
    assert (wiring.units, wiring.output_dim, wiring.input_dim) == (28, 4, None)


@pytest.mark.parametrize("wiring", [Wiring(5), FullyConnected(5), Random(5)], ids=lambda w: type(w).__name__)
def test_other_wirings_have_one_layer_and_put_out_all_neurons_unless_told_otherwise(wiring):
    assert wiring.num_layers == 1
    assert wiring.get_neurons_of_layer(0) == [0, 1, 2, 3, 4]
    assert wiring.output_dim == 5
    wiring.set_output_dim(2)
    assert [wiring.get_type_of_neuron(i) for i in range(5)] == ["motor"] * 2 + ["inter"] * 3


def test_reversal_potentials_are_polarities():
    wiring = by_hand()
    erev = keras.ops.convert_to_numpy(wiring.erev_initializer((3, 3), dtype="float32"))
    sensory = keras.ops.convert_to_numpy(wiring.sensory_erev_initializer((2, 3), dtype="float32"))
    assert erev.dtype == sensory.dtype == np.float32
    np.testing.assert_array_equal(erev, [[0, 0, 0], [0, -1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(sensory, [[0, 0, 1], [0, 0, -1]])


@each_example
def test_to_build_again_changes_nothing(kind, arguments):
    wiring, once = kind(**arguments), kind(**arguments)
    for built in (wiring, wiring, wiring, once):
        built.build(np.int64(4))
    assert_same_graph(wiring, once)
    wiring.set_input_dim(4)
    assert_same_graph(wiring, once)


@each_example
def test_the_graph_does_not_depend_on_what_was_drawn_before_nor_touches_it(kind, arguments):
    one = kind(**arguments)
    one.build(4)
    state = np.random.get_state()
    other, third = kind(**arguments), kind(**arguments)
    third.build(7)
    other.build(4)
    assert_same_graph(one, other)
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])


@each_example
def test_building_for_another_number_of_inputs_is_refused(kind, arguments):
    wiring = kind(**arguments)
    wiring.build(4)
    before = copy.deepcopy(wiring)
    with pytest.raises(
        ValueError, match=rf"{kind.__name__}.build\(input_dim=5\): input_dim must be 4.*copy.deepcopy"
    ):
        wiring.build(5)
    assert_same_graph(wiring, before)


@each_example
def test_a_copy_made_before_building_is_built_for_other_inputs(kind, arguments):
    wiring = kind(**arguments)
    other = copy.deepcopy(wiring)
    wiring.build(4)
    other.build(5)
    fresh = kind(**arguments)
    fresh.build(5)
    assert_same_graph(other, fresh)


def test_set_input_dim_generates_what_build_generates():
    wiring = AutoNCP(16, 3)
    wiring.set_input_dim(5)
    assert_same_graph(wiring, example())


def test_what_needs_the_inputs_says_that_it_needs_them():
    wiring = AutoNCP(16, 3)
    assert not wiring.is_built()
    for use in (
        lambda: wiring.add_sensory_synapse(0, 1, 1),
        lambda: wiring.sensory_synapse_count,
        lambda: wiring.sensory_erev_initializer(),
        lambda: wiring.get_graph(),
        lambda: wiring.draw(),
    ):
        with pytest.raises(
            ValueError, match=r"^AutoNCP\.\w+: the wiring must be built first.*build\(input_dim\)"
        ):
            use()
    wiring.build(2)
    assert wiring.is_built()


def test_wirings_are_registered():
    for kind in (Wiring, FullyConnected, Random, NCP, AutoNCP):
        assert keras.saving.get_registered_name(kind) == f"ncps>{kind.__name__}"
    assert ncps.wirings is wirings


@pytest.mark.parametrize("name", ["base", "fully_connected", "random", "ncp"])
def test_the_examples_in_the_docstrings_are_true(name):
    found = doctest.testmod(importlib.import_module(f"ncps.wirings.{name}"))
    assert found.attempted and not found.failed
