"""Mixed memory: an LSTM in front of each cell of the family."""

import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from ncps import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell, wirings
from reference.cfc import cfc_step
from reference.mixed_memory import mixed_memory_step
from tests.ncps.helpers import array, check_examples, trained, weights

FEATURES, BATCH = 3, 4
CELLS = {
    "CfC": lambda: CfCCell(5, backbone_units=6),
    "LTC": lambda: LTCCell(5),
    "wired CfC": lambda: WiredCfCCell(wirings.AutoNCP(8, 2)),
    "wired LTC": lambda: WiredLTCCell(wirings.AutoNCP(8, 2), ode_unfolds=2),
}


def drawn(cell, seed=0):
    """Build `cell`, with its parameters in general position."""
    cell.build((None, FEATURES))
    rng = np.random.default_rng(seed)
    for variable in weights(cell).values():
        variable.assign(rng.uniform(-1.0, 1.0, variable.shape))
    return cell


def samples(units, seed=1):
    rng = np.random.default_rng(seed)
    shapes = (BATCH, FEATURES), (BATCH, units), (BATCH, units)
    x, h, c = (rng.normal(size=shape).astype("float32") for shape in shapes)
    return x, h, c, rng.uniform(0, 2, (BATCH, 1)).astype("float32")


def test_a_step_is_that_of_the_reference():
    cell = drawn(MixedMemoryCell(CfCCell(5, backbone_units=6, backbone_dropout=0.0)))
    x, h, c, t = samples(5)
    output, states = cell((x, t), [h, c])
    own = {name: array(v) for name, v in weights(cell).items()}
    inner = {name.removeprefix("cell/"): a for name, a in own.items() if name.startswith("cell/")}

    def step(x, m, t):
        return (cfc_step(inner, x, m, t, mode="default", backbone_layers=1, head_activation="tanh"),) * 2

    want = mixed_memory_step(own, *(a.astype("float64") for a in (x, h, c, t)), step=step)
    for got, wanted in zip([output, *states], want, strict=True):
        np.testing.assert_allclose(array(got), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_the_cell_behind_reads_the_input_and_the_gated_memory(name):
    cell = drawn(MixedMemoryCell(CELLS[name]()))
    x, h, c, t = samples(cell.units)
    output, (new, memory) = cell((x, t), [h, c])
    gates = x @ array(cell.input_kernel) + h @ array(cell.recurrent_kernel) + array(cell.bias)
    gated = np.tanh(array(memory)) / (1.0 + np.exp(-gates[:, 3 * cell.units :]))
    behind, (state,) = cell.cell((x, t), [gated.astype("float32")])
    np.testing.assert_allclose(array(output), array(behind), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(array(new), array(state), rtol=1e-5, atol=1e-5)


def test_weights_have_their_names_and_shapes():
    cell = drawn(MixedMemoryCell(LTCCell(5)))
    own = {name: tuple(v.shape) for name, v in weights(cell).items()}
    behind = {f"cell/{name}" for name in ("kernel", "bias", "tau_kernel/kernel", "tau_kernel/bias")}
    lstm = {"input_kernel": (FEATURES, 20), "recurrent_kernel": (5, 20), "bias": (20,)}
    assert set(own) == behind | set(lstm)
    assert {name: own[name] for name in lstm} == lstm
    assert (cell.state_size, cell.output_size) == ([5, 5], 5)


@pytest.mark.parametrize("name", CELLS)
def test_training_moves_the_lstm_and_the_cell(trainable_backend, name):
    cell = drawn(MixedMemoryCell(CELLS[name]()))
    before, after = trained(cell, FEATURES)
    assert all((before[n] != after[n]).any() for n in before)
    assert all(np.isfinite(a).all() for a in after.values())


def test_dropout_of_the_cell_behind_acts_while_training(random_backend):
    layer = keras.layers.RNN(MixedMemoryCell(CfCCell(5, backbone_units=16, backbone_dropout=0.5, seed=1)))
    x = np.ones((2, 4, FEATURES), "float32")
    still = array(layer(x))
    np.testing.assert_array_equal(array(layer(x)), still)
    first, second = array(layer(x, training=True)), array(layer(x, training=True))
    assert (first != still).any() and (first != second).any()


@pytest.mark.parametrize("name", CELLS)
def test_the_configuration_is_json_and_gives_the_same_cell_back(name):
    cell = drawn(MixedMemoryCell(CELLS[name]()))
    again = MixedMemoryCell.from_config(json.loads(json.dumps(cell.get_config())))
    assert again.get_config() == cell.get_config()
    x, h, c, t = samples(cell.units)
    np.testing.assert_array_equal(array(drawn(again)((x, t), [h, c])[0]), array(cell((x, t), [h, c])[0]))


def test_a_saved_model_loads_in_a_fresh_process(tmp_path):
    inputs = keras.Input((None, FEATURES))
    cell = MixedMemoryCell(WiredLTCCell(wirings.AutoNCP(8, 2), ode_unfolds=2))
    model = keras.Model(inputs, keras.layers.RNN(cell)(inputs))
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(4).normal(size=(3, 5, FEATURES)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    program = "import keras, ncps, numpy as np\nmodel = keras.models.load_model('model.keras')\n"
    program += "np.save('y.npy', keras.ops.convert_to_numpy(model(np.load('x.npy'))))"
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), array(model(x)), rtol=1e-6, atol=1e-6)


def test_the_wiring_of_the_cell_behind_can_be_drawn_and_changed_until_it_is_built():
    wiring = wirings.FullyConnected(8, output_dim=2)
    layer = keras.layers.RNN(MixedMemoryCell(WiredLTCCell(wiring)))
    wiring.set_output_dim(3)
    assert layer(np.ones((2, 4, FEATURES), "float32")).shape == (2, 3)
    assert wiring.is_built()
    assert set(wiring.get_graph().nodes) >= {"sensory_0", "neuron_7"}


def test_the_cell_behind_is_the_one_given_and_may_have_a_function_that_no_file_can_hold():
    def doubled(x):
        return 2.0 * x

    inner = CfCCell(5, activation=doubled, name="mine")
    cell = drawn(MixedMemoryCell(inner))
    assert cell.cell is inner
    assert inner.activation is doubled
    assert all(
        name.startswith("cell/") for name in set(weights(cell)) - {"input_kernel", "recurrent_kernel", "bias"}
    )


def test_two_that_share_a_cell_share_its_weights():
    inner = CfCCell(5)
    one, other = MixedMemoryCell(inner), MixedMemoryCell(inner)
    one.build((None, FEATURES))
    other.build((None, FEATURES))
    assert one.cell.ff1_kernel is other.cell.ff1_kernel
    assert one.input_kernel is not other.input_kernel


def test_a_shared_cell_that_is_built_for_other_inputs_is_refused():
    inner = CfCCell(5)
    one, other = MixedMemoryCell(inner), MixedMemoryCell(inner)
    one.build((None, FEATURES))
    with pytest.raises(ValueError, match="inputs must have 3 features, as when built"):
        other.build((None, FEATURES + 1))


@pytest.mark.parametrize("dtypes", [("float32", "mixed_bfloat16"), ("bfloat16", "float32")])
def test_two_that_share_a_cell_have_one_dtype(dtypes):
    inner = CfCCell(5)
    one, other = (MixedMemoryCell(inner, dtype=dtype) for dtype in dtypes)
    said = f'MixedMemoryCell(dtype="{dtypes[0]}"): dtype must be that of the cell, which another'
    with pytest.raises(ValueError, match=re.escape(said)):
        one.build((None, FEATURES))
    assert not inner.built
    other.build((None, FEATURES))
    assert {variable.dtype for variable in other.weights} == {other.variable_dtype}


def built_cell():
    cell = CfCCell(5)
    cell.build((None, FEATURES))
    return cell


@pytest.mark.parametrize(
    "make", [lambda: 32, lambda: keras.layers.GRUCell(5), lambda: MixedMemoryCell(CfCCell(5)), built_cell]
)
def test_what_is_no_new_cell_with_one_state_is_refused(make):
    with pytest.raises(TypeError, match=r"^MixedMemoryCell\(cell=.*one state, not built yet"):
        MixedMemoryCell(make())


def test_the_dtype_is_that_of_the_cell_unless_given():
    assert MixedMemoryCell(CfCCell(5, dtype="mixed_bfloat16")).compute_dtype == "bfloat16"
    assert MixedMemoryCell(CfCCell(5), dtype="mixed_bfloat16").cell.compute_dtype == "bfloat16"


def test_the_example_runs():
    check_examples(MixedMemoryCell)
