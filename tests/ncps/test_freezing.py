"""A frozen cell or layer trains nothing, however it came to be: made, set, cloned or loaded."""

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell
from ncps.layers import Bidirectional
from tests.ncps.sequences import BATCH, CELLS, FEATURES, T, X, in_layer

TIME = X.shape[1]


def model_of(layer):
    """Return a model of samples alone, which Keras's own layers take too."""
    return keras.Sequential([keras.Input((TIME, FEATURES)), layer])


def frozen(layer):
    layer.trainable = False
    return layer


def loaded(layer, path):
    model = model_of(layer)
    model.save(path / "model.keras")
    return keras.models.load_model(path / "model.keras").layers[-1]


def cloned(layer, path):
    return keras.models.clone_model(model_of(layer)).layers[-1]


def remade(layer, path):
    return model_of(type(layer).from_config(layer.get_config())).layers[-1]


def as_is(layer, path):
    return model_of(layer).layers[-1]


LAYERS = {
    **{kind: lambda kind=kind: in_layer(kind) for kind in CELLS},
    "mixed_memory": lambda: CfC(4, mixed_memory=True, backbone_layers=2),
    "bidirectional": lambda: Bidirectional(CfC(4)),
    "rnn": lambda: keras.layers.RNN(CfCCell(4)),
    "wired_in_rnn": lambda: keras.layers.RNN(CELLS["wired_cfc"]()),
    "keras_bidirectional": lambda: keras.layers.Bidirectional(keras.layers.RNN(CfCCell(4))),
}
WAYS = {"as_is": as_is, "from_config": remade, "cloned": cloned, "loaded": loaded}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_frozen_layer_has_nothing_to_train(kind, way, tmp_path):
    layer = WAYS[way](frozen(LAYERS[kind]()), tmp_path)
    assert layer.weights
    assert layer.trainable_variables == [] and all(not v.trainable for v in layer.weights)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_frozen_once_built_has_nothing_to_train(kind, way, tmp_path):
    layer = LAYERS[kind]()
    layer.build((None, TIME, FEATURES))
    layer = WAYS[way](frozen(layer), tmp_path)
    assert layer.weights and layer.trainable_variables == []


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: CfC(4, **k),
        lambda **k: CfC(4, mixed_memory=True, **k),
        lambda **k: in_layer("wired_cfc", **k),
        lambda **k: in_layer("ltc", **k),
        lambda **k: in_layer("mixed", **k),
        lambda **k: Bidirectional(CfC(4), **k),
        lambda **k: CfC(CfCCell(4, **k)),
        lambda **k: LTC(MixedMemoryCell(LTCCell(4), **k)),
        lambda **k: keras.layers.RNN(MixedMemoryCell(LTCCell(4), **k)),
        lambda **k: keras.layers.RNN(CfCCell(4, **k)),
    ],
)
def test_trainable_is_an_argument(make, tmp_path):
    for way in (as_is, cloned, loaded):
        layer = way(make(trainable=False), tmp_path)
        assert layer.weights and model_of(layer).trainable_variables == []


@pytest.mark.parametrize("kind", ["cfc", "wired_cfc", "mixed_memory", "bidirectional"])
def test_a_loaded_frozen_layer_can_be_thawed(kind, tmp_path):
    layer = loaded(frozen(LAYERS[kind]()), tmp_path)
    layer.trainable = True
    assert len(layer.trainable_variables) == len(layer.weights)


@pytest.mark.parametrize("kind", ["cfc", "ltc", "wired_cfc", "wired_ltc", "mixed_memory", "bidirectional"])
def test_training_leaves_a_loaded_frozen_layer_as_it_was(kind, tmp_path, trainable_backend):
    layer = loaded(frozen(LAYERS[kind]()), tmp_path)
    samples, elapsed = keras.Input((TIME, FEATURES)), keras.Input((TIME,))
    outputs = keras.layers.Dense(1)(layer(samples, timespans=elapsed))
    model = keras.Model([samples, elapsed], outputs)
    before = [np.array(w) for w in layer.get_weights()]
    model.compile("adam", "mse")
    model.fit([X, T], np.ones((BATCH, 1), "float32"), verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
