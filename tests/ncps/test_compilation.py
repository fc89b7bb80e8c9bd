"""A model is compiled once for a shape, whatever values, elapsed times and masks come after."""

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell, WiredLTCCell
from ncps.wirings import AutoNCP
from tests.ncps.conftest import BACKEND
from tests.ncps.helpers import array

pytestmark = pytest.mark.skipif(
    BACKEND not in ("jax", "tensorflow"), reason=f"Keras compiles nothing on the {BACKEND} backend by default"
)


def counting(kind):
    """Return a subclass of a cell that counts how often a program is made of it: `prepare` runs only then."""

    class Counting(kind):
        made = 0

        def prepare(self, *args, **kwargs):
            self.made += 1
            return super().prepare(*args, **kwargs)

    return Counting


LAYERS = {
    "cfc": lambda: CfC(counting(CfCCell)(4, backbone_units=8, seed=1)),
    "wired_ltc": lambda: LTC(counting(WiredLTCCell)(AutoNCP(8, 2))),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]()


def model_of(layer):
    samples, elapsed = keras.Input((None, 3)), keras.Input((None,))
    mask = keras.Input((None,), dtype="bool")
    output = layer(samples, timespans=elapsed, mask=mask)
    model = keras.Model([samples, elapsed, mask], keras.layers.Dense(1)(output))
    model.compile("adam", "mse")
    return model


def batch(seed, time=5):
    rng = np.random.default_rng(seed)
    samples, elapsed = rng.normal(size=(4, time, 3)), rng.uniform(0, 3, size=(4, time))
    return [samples.astype("float32"), elapsed.astype("float32"), rng.random((4, time)) < 0.7]


def programs_made(layer, call):
    before = layer.cell.made
    call()
    return layer.cell.made - before


def assert_made_once_for_a_shape(layer, call):
    """Assert that the program that the first `call(seed, time)` of a shape makes serves all others."""
    assert programs_made(layer, lambda: call(1, 5)) > 0
    assert [programs_made(layer, lambda seed=seed: call(seed, 5)) for seed in (2, 3, 4)] == [0, 0, 0]


def test_predict(layer):
    model = model_of(layer)
    assert_made_once_for_a_shape(layer, lambda seed, time: model.predict_on_batch(batch(seed, time)))


def test_train(layer):
    model = model_of(layer)
    targets = np.ones((4, 1), "float32")
    assert_made_once_for_a_shape(layer, lambda seed, time: model.train_on_batch(batch(seed, time), targets))


def test_the_backend_counts_one(layer):
    model = model_of(layer)
    if BACKEND == "jax":
        import jax

        trainable = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        program = jax.jit(lambda inputs: model.stateless_call(trainable, others, inputs)[0])
        count = program._cache_size
    else:
        import tensorflow as tf

        program = tf.function(model)
        count = program.experimental_get_tracing_count
    for seed in (1, 2, 3):
        program([keras.ops.convert_to_tensor(x) for x in batch(seed)])
        assert count() == 1
    program([keras.ops.convert_to_tensor(x) for x in batch(4, time=6)])
    assert count() == 2


XLA = {
    "cfc": lambda: CfC(4),
    "ltc": lambda: LTC(4, return_sequences=True, masked_time="carry"),
    "wired_ltc": lambda: LTC(AutoNCP(6, 2), ode_unfolds=2),
    "mixed_memory": lambda: CfC(4, mixed_memory=True),
}


@pytest.mark.parametrize("kind", XLA)
def test_xla_compiles_what_predicts_and_what_trains(kind):
    samples, elapsed = keras.Input((None, 3)), keras.Input((None,))
    mask = keras.Input((None,), dtype="bool")
    model = keras.Model([samples, elapsed, mask], XLA[kind]()(samples, timespans=elapsed, mask=mask))
    model.compile("adam", "mse", jit_compile=True)
    given, before = batch(1), model.get_weights()
    by_hand = array(model(given))
    np.testing.assert_allclose(model.predict_on_batch(given), by_hand, rtol=2e-5, atol=2e-6)
    assert np.isfinite(model.train_on_batch(given, np.ones_like(by_hand)))
    assert any(not np.array_equal(new, old) for new, old in zip(model.get_weights(), before, strict=True))


def test_a_model_trained_on_jax_trains_on_with_its_flag(tmp_path):
    """The flag of XLA travels in the file, from a backend that always compiles to one that asks."""
    samples, elapsed = keras.Input((None, 3)), keras.Input((None,))
    model = keras.Model([samples, elapsed], CfC(4)(samples, timespans=elapsed))
    model.compile("adam", "mse", jit_compile=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x, t, _ = batch(2)
    assert np.isfinite(again.train_on_batch([x, t], np.ones((4, 4), "float32")))
