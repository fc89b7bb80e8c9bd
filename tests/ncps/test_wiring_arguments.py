"""Arguments of wirings and of their methods, and their refusal."""

import inspect

import pytest

from ncps.wirings import AutoNCP, Wiring
from tests.ncps.wiring_examples import EXAMPLES, assert_same_graph, by_hand


@pytest.mark.parametrize(
    ("kind", "name", "value", "error"),
    [
        ("FullyConnected", "units", 0, ValueError),
        ("FullyConnected", "units", 2.0, TypeError),
        ("FullyConnected", "output_dim", 7, ValueError),
        ("FullyConnected", "output_dim", 0, ValueError),
        ("FullyConnected", "erev_init_seed", None, TypeError),
        ("FullyConnected", "erev_init_seed", -1, ValueError),
        ("FullyConnected", "self_connections", 1, TypeError),
        ("Random", "units", True, TypeError),
        ("Random", "output_dim", 8, ValueError),
        ("Random", "sparsity_level", 1.0, ValueError),
        ("Random", "sparsity_level", -0.1, ValueError),
        ("Random", "sparsity_level", float("nan"), ValueError),
        ("Random", "sparsity_level", "0.5", TypeError),
        ("Random", "random_seed", 1.5, TypeError),
        ("NCP", "inter_neurons", 0, ValueError),
        ("NCP", "command_neurons", 0, ValueError),
        ("NCP", "motor_neurons", 0, ValueError),
        ("NCP", "motor_neurons", [0, 1], TypeError),
        ("NCP", "sensory_fanout", 13, ValueError),
        ("NCP", "sensory_fanout", -1, ValueError),
        ("NCP", "inter_fanout", 7, ValueError),
        ("NCP", "motor_fanin", 7, ValueError),
        ("NCP", "recurrent_command_synapses", -1, ValueError),
        ("NCP", "recurrent_command_synapses", 2.5, TypeError),
        ("NCP", "seed", 2**32, ValueError),
        ("AutoNCP", "units", 3, ValueError),
        ("AutoNCP", "output_size", 14, ValueError),
        ("AutoNCP", "output_size", 0, ValueError),
        ("AutoNCP", "sparsity_level", 1.0, ValueError),
        ("AutoNCP", "sparsity_level", -0.5, ValueError),
        ("AutoNCP", "seed", "a", TypeError),
    ],
)  # fmt: skip
def test_a_bad_argument_is_refused_by_name(kind, name, value, error):
    wiring, arguments = EXAMPLES[kind]
    with pytest.raises(error, match=rf"^{kind}\({name}=.*\): {name} must be "):
        wiring(**arguments | {name: value})


def test_a_refusal_says_what_was_given_and_what_is_allowed():
    with pytest.raises(ValueError) as caught:
        AutoNCP(8, 6)
    assert str(caught.value) == (
        "AutoNCP(output_size=6): output_size must be an integer of at least 1 and at most 5, units - 3"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: AutoNCP(8, 2, sparsity=0.5),
            r"^AutoNCP\(sparsity=0\.5\): .* did you mean 'sparsity_level'\?$",
        ),
        (lambda: Wiring(unit=8), r"^Wiring\(unit=8\): .* did you mean 'units'\?$"),
        (lambda: Wiring(8, seed=1), "there is no argument 'seed'; there are units$"),
    ],
)
def test_a_slip_of_the_pen_in_a_name_is_told(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_a_constructor_shows_its_arguments():
    names = ["units", "output_size", "sparsity_level", "seed"]
    assert list(inspect.signature(AutoNCP).parameters) == names


def test_the_most_that_is_allowed_is_taken():
    assert AutoNCP(8, 5).output_dim == 5
    assert AutoNCP(8, 2, sparsity_level=0.0).get_config()["sparsity_level"] == 0.0


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("src", -1, ValueError),
        ("src", 3, ValueError),
        ("src", 1.0, TypeError),
        ("dest", 3, ValueError),
        ("polarity", 0, ValueError),
        ("polarity", 2, ValueError),
        ("polarity", "+", TypeError),
        ("polarity", True, TypeError),
        ("polarity", 1.0, TypeError),
    ],
)
@pytest.mark.parametrize("method", ["add_synapse", "add_sensory_synapse"])
def test_a_bad_synapse_is_refused_by_name(method, name, value, error):
    wiring = by_hand()
    arguments = {"src": 1, "dest": 2, "polarity": 1} | {name: value}
    with pytest.raises(error, match=rf"^Wiring\.{method}\({name}=.*\): {name} must be "):
        getattr(wiring, method)(**arguments)
    assert_same_graph(wiring, by_hand())


def test_an_input_that_there_is_not_is_refused():
    with pytest.raises(
        ValueError, match=r"src must be an integer of at least 0 and at most 1, the last of the inputs"
    ):
        by_hand().add_sensory_synapse(2, 0, 1)


@pytest.mark.parametrize("value", [0, 2.0, None, (None, 4)])
def test_a_bad_number_of_inputs_is_refused_by_name(value):
    with pytest.raises((ValueError, TypeError), match=r"^AutoNCP\.build\(input_dim=.*\): input_dim must be "):
        AutoNCP(8, 2).build(value)


def test_a_layer_or_neuron_that_there_is_not_is_refused():
    for wiring, layers in ((Wiring(4), 1), (AutoNCP(8, 2), 3)):
        for bad in (-1, layers):
            with pytest.raises(ValueError, match=r"get_neurons_of_layer\(layer_id=.*\): layer_id must be "):
                wiring.get_neurons_of_layer(bad)
        for bad in (-1, wiring.units):
            with pytest.raises(ValueError, match=r"get_type_of_neuron\(neuron_id=.*\): neuron_id must be "):
                wiring.get_type_of_neuron(bad)
