"""Inside Keras: RNN, Bidirectional, StackedRNNCells, models of both kinds, training, saving, copying."""

import copy
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from ncps import CfCCell, LTCCell
from tests.ncps.helpers import array
from tests.waiting import PATIENCE

X = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")
Y = X.sum(axis=(1, 2))[:, None]
CELLS = {
    "cfc": lambda units: CfCCell(units, backbone_units=8, backbone_layers=2, backbone_dropout=0.2),
    "pure": lambda units: CfCCell(units, mode="pure", activation="lecun_tanh", backbone_units=8),
    "ltc": lambda units: LTCCell(
        units, activation="lecun_tanh", backbone_units=8, backbone_layers=1, backbone_dropout=0.2
    ),
}


@pytest.fixture(params=CELLS)
def make(request):
    return CELLS[request.param]


@pytest.fixture(params=["cfc", "ltc"])
def make_one_of_two(request):
    """Return a constructor of each kind of cell, of CfC in one mode: jax takes seconds to compile one."""
    return CELLS[request.param]


def sequential(*middle):
    return keras.Sequential([keras.Input((5, 3)), *middle, layers.Dense(1)])


def test_rnn_repeats_the_step(make):
    cell = make(4)
    outputs, last = layers.RNN(cell, return_sequences=True, return_state=True)(X)
    state = cell.get_initial_state(batch_size=8)
    for k in range(X.shape[1]):
        output, state = cell(X[:, k], state)
        np.testing.assert_allclose(array(outputs)[:, k], array(output), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(array(last), array(outputs)[:, -1], rtol=1e-6)


def test_rnn_options_of_keras_apply(make_one_of_two):
    cell = make_one_of_two(4)
    plain = array(layers.RNN(cell, return_sequences=True)(X))
    backwards = array(layers.RNN(cell, return_sequences=True, go_backwards=True)(X[:, ::-1]))
    unrolled = array(layers.RNN(cell, return_sequences=True, unroll=True)(X))
    np.testing.assert_allclose(backwards, plain, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unrolled, plain, rtol=1e-4, atol=1e-5)
    stateful = layers.RNN(cell, return_sequences=True, stateful=True)
    halves = [array(stateful(part)) for part in (X[:, :2], X[:, 2:])]
    np.testing.assert_allclose(np.concatenate(halves, axis=1), plain, rtol=1e-4, atol=1e-5)


def test_a_masked_step_holds_the_state(make_one_of_two):
    mask = np.ones((8, 5), bool)
    mask[:, 2:] = False
    layer = layers.RNN(make_one_of_two(4))
    np.testing.assert_allclose(array(layer(X, mask=mask)), array(layer(X[:, :2])), rtol=1e-4, atol=1e-5)


def test_bidirectional_and_stacked_cells_give_their_shapes():
    both = layers.Bidirectional(layers.RNN(CELLS["cfc"](4), return_sequences=True))
    assert both(X).shape == (8, 5, 8)
    stack = layers.RNN(layers.StackedRNNCells([CELLS["cfc"](4), CELLS["ltc"](6)]))
    assert stack(X).shape == (8, 6)


@pytest.mark.usefixtures("trainable_backend")
def test_a_model_trains_and_every_weight_moves(make):
    model = sequential(layers.RNN(make(4)))
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    before = [array(v) for v in model.trainable_variables]
    loss = model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, epochs=15, batch_size=8, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < loss
    for old, variable in zip(before, model.trainable_variables, strict=True):
        assert (old != array(variable)).any(), variable.path
    assert model.predict(X, verbose=0).shape == (8, 1)


@pytest.mark.usefixtures("trainable_backend")
def test_stacked_and_bidirectional_models_train_with_dropout():
    cells = [CELLS["cfc"](4), CELLS["ltc"](6)]
    model = sequential(
        layers.Bidirectional(layers.RNN(cells, return_sequences=True)), layers.RNN(CELLS["cfc"](4))
    )
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(X, Y, epochs=1, batch_size=4, verbose=0).history["loss"][0])


@pytest.mark.usefixtures("trainable_backend")
def test_the_snippet_of_a_typical_user_runs():
    inputs = keras.Input((None, 3))
    x = layers.RNN(CfCCell(64), return_sequences=True)(inputs)
    x = layers.RNN(LTCCell(32))(x)
    model = keras.Model(inputs, layers.Dense(1)(x))
    model.compile(optimizer="adam", loss="mse")
    model.fit(X, Y, epochs=1, verbose=0)
    assert model.predict(X, verbose=0).shape == (8, 1)


@pytest.mark.usefixtures("trainable_backend")
def test_a_trained_model_in_mixed_precision_stays_finite():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = sequential(layers.RNN(CELLS["cfc"](4)))
        model.compile("adam", "mse")
        assert np.isfinite(model.fit(X, Y, epochs=1, verbose=0).history["loss"][0])
    finally:
        keras.config.set_dtype_policy(policy)


def test_a_saved_model_loads_in_this_process(make_one_of_two, tmp_path):
    model = sequential(layers.Bidirectional(layers.RNN([make_one_of_two(4), make_one_of_two(6)])))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


LOAD = """
import sys, keras, numpy as np, ncps
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[2], model.predict(np.load(sys.argv[3]), verbose=0))
"""


def test_a_saved_model_loads_in_a_fresh_process_without_custom_objects(tmp_path):
    model = sequential(*[layers.RNN(make(4), return_sequences=True) for make in CELLS.values()])
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X)
    files = [str(tmp_path / name) for name in ("model.keras", "y.npy", "x.npy")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOAD, *files]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(X, verbose=0), rtol=1e-6)


def test_weights_alone_are_saved_and_loaded(make_one_of_two, tmp_path):
    model, other = (sequential(layers.RNN(make_one_of_two(4))) for _ in range(2))
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_step_with_time_is_saved_in_a_functional_model(make_one_of_two, tmp_path):
    x, t, h = keras.Input((3,)), keras.Input((1,)), keras.Input((4,))
    cell = make_one_of_two(4)
    output, state = cell((x, t), [h])
    output, _ = cell((x, 0.5), state)
    model = keras.Model([x, t, h], output)
    model.save(tmp_path / "model.keras")
    arrays = [X[:, 0], np.linspace(0, 2, 8, dtype="float32")[:, None], np.zeros((8, 4), "float32")]
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(arrays, verbose=0), model.predict(arrays, verbose=0))


def test_a_cloned_model_computes_the_same(make_one_of_two):
    model = sequential(layers.RNN(make_one_of_two(4)))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_deep_copy_computes_the_same_and_is_another(make):
    cell = make(4)
    x, state = X[:, 0], cell.get_initial_state(batch_size=8)
    want = array(cell(x, state)[0])
    copied = copy.deepcopy(cell)
    cell.trainable_variables[0].assign(cell.trainable_variables[0] + 1)
    np.testing.assert_array_equal(array(copied(x, state)[0]), want)


def test_quantizing_a_model_leaves_the_cells_as_they_are():
    model = sequential(layers.RNN(CfCCell(4)))
    cell = model.layers[0].cell
    want = array(cell(X[:, 0], cell.get_initial_state(batch_size=8))[0])
    model.quantize("int8")
    np.testing.assert_array_equal(array(cell(X[:, 0], cell.get_initial_state(batch_size=8))[0]), want)


def test_a_pair_given_to_keras_own_layer_is_refused_with_the_way_to_give_times():
    layer = keras.layers.RNN(CfCCell(2))
    pair = (keras.ops.ones((2, 3, 3)), keras.ops.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"RNN passes no elapsed times: use ncps\.CfC\(cell\)"):
        layer(pair)
