"""A cell whose `call` is overridden computes its own step everywhere: in Keras's RNN and in ncps's layers."""

import keras
import numpy as np
import pytest
from keras import ops

from ncps import LTC, BaseCell, CfC, CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.cells import TimedCell
from ncps.layers import Bidirectional
from ncps.wirings import AutoNCP
from tests.ncps.helpers import array
from tests.ncps.sequences import CELLS, FEATURES, MASK, TIME, T, TwoStates, X, assert_same, by_hand


def shifted(kind):
    """Return a subclass of the cell `kind` that puts out 100 more."""

    @keras.saving.register_keras_serializable(package="ncps_tests", name=f"Shifted{kind.__name__}")
    class Shifted(kind):
        def call(self, inputs, states, training=False):
            output, new = super().call(inputs, states, training=training)
            return output + 100.0, new

    return Shifted


OVERRIDDEN = {
    "cfc": (CfC, lambda: shifted(CfCCell)(4, backbone_dropout=0.0)),
    "ltc": (LTC, lambda: shifted(LTCCell)(4)),
    "wired_cfc": (CfC, lambda: shifted(WiredCfCCell)(AutoNCP(8, 2))),
    "wired_ltc": (LTC, lambda: shifted(WiredLTCCell)(AutoNCP(8, 2), ode_unfolds=2)),
    "two": (CfC, lambda: shifted(TwoStates)()),
    "mixed": (CfC, lambda: shifted(MixedMemoryCell)(CfCCell(4, backbone_dropout=0.0))),
    "behind": (CfC, lambda: MixedMemoryCell(shifted(CfCCell)(4, backbone_dropout=0.0))),
}


@pytest.fixture(params=OVERRIDDEN)
def layer(request):
    kind, make = OVERRIDDEN[request.param]
    return kind(make(), return_sequences=True)


def test_the_layer_runs_the_overridden_step(layer):
    got = layer(X, timespans=T)
    assert np.all(array(got) > 50.0)
    assert_same(got, by_hand(layer.cell, X, T)[0])


def test_it_does_so_without_times_under_a_mask_and_backwards(layer):
    layer.go_backwards = True
    assert_same(layer(X, mask=MASK), by_hand(layer.cell, X, mask=MASK, backwards=True)[0])


def test_it_is_what_keras_runs(layer):
    layer.build(X.shape)
    assert_same(layer(X), array(keras.layers.RNN(layer.cell, return_sequences=True)(X)))


def test_a_loaded_model_runs_it(layer, tmp_path):
    samples, elapsed = keras.Input((None, FEATURES)), keras.Input((None,))
    model = keras.Model([samples, elapsed], layer(samples, timespans=elapsed))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again([X, T]), array(model([X, T])))


def test_bidirectional_runs_it_both_ways():
    layer = Bidirectional(CfC(shifted(CfCCell)(4)), merge_mode=None)
    assert all(np.all(array(output) > 50.0) for output in layer(X, timespans=T))


def test_a_cell_needs_no_prepare_where_it_has_a_call():
    class Sum(TimedCell):
        state_size = output_size = FEATURES

        def build_cell(self, features):
            """Build nothing: a sum has no weights."""

        def call(self, inputs, states):
            x, t = inputs if isinstance(inputs, tuple) else (inputs, 1.0)
            new = states[0] + x * t
            return new, [new]

    got = CfC(Sum(), return_sequences=True)(X, timespans=T)
    assert_same(got, np.cumsum(X * T[..., None], axis=1))


def test_an_overridden_advance_needs_no_call():
    class Halved(CfCCell):
        def advance(self, heads, h, t):
            return 0.5 * super().advance(heads, h, t)

    layer = CfC(Halved(4))
    assert isinstance(layer.cell, BaseCell) and not layer.cell.overridden
    layer(X, timespans=T)


def test_masks_of_dropout_hold_for_the_sequence(random_backend):
    seen = []

    class Watching(CfCCell):
        def _masks(self, x):
            masks = super()._masks(x)
            seen.append(array(masks[0]))
            return masks

        def call(self, inputs, states, training=False):
            return super().call(inputs, states, training=training)

    layer = CfC(Watching(4, backbone_dropout=0.5), unroll=True)
    layer(X, training=True)
    assert len(seen) == TIME + 1 and all(np.array_equal(mask, seen[0]) for mask in seen)
    seen.clear()
    layer(X, training=True)
    before = seen[0]
    seen.clear()
    layer(X, training=True)
    assert not np.array_equal(seen[0], before)


class Lossy(CfCCell):
    """Adds the mean of its squared output as a loss, at each step."""

    def call(self, inputs, states, training=False):
        output, new = super().call(inputs, states, training=training)
        self.add_loss(ops.mean(output * output))
        return output, new


def total_of_steps(layer):
    """Return the loss of all steps, from the outputs."""
    return float(np.sum(np.mean(array(layer(X, timespans=T)) ** 2, axis=(0, 2))))


@pytest.mark.parametrize("behind", [False, True])
def test_losses_of_the_steps_are_losses_of_the_layer(behind):
    cell = Lossy(4, backbone_dropout=0.0)
    layer = CfC(MixedMemoryCell(cell) if behind else cell, return_sequences=True)
    want = total_of_steps(layer)
    layer(X, timespans=T)
    np.testing.assert_allclose(float(sum(array(loss) for loss in layer.losses)), want, rtol=1e-5)


@pytest.mark.parametrize(
    "make", [Lossy, lambda n: CfCCell(n, activity_regularizer=keras.regularizers.L2(1.0))]
)
def test_losses_of_the_steps_are_trained_for(make, trainable_backend):
    """The targets are the outputs, so that nothing but the loss of the steps has a gradient."""
    layer = CfC(make(4), return_sequences=True)
    samples, elapsed = keras.Input((None, FEATURES)), keras.Input((None,))
    model = keras.Model([samples, elapsed], layer(samples, timespans=elapsed))
    targets = array(model([X, T])).astype("float32")
    model.compile(keras.optimizers.SGD(1e-2), "mse")
    before = model.get_weights()
    first = model.train_on_batch([X, T], targets)
    assert np.isfinite(first) and first > 0
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert any(changed)


def test_an_activity_regularizer_of_a_cell_acts_on_what_each_step_returns():
    """On the output and on the state, as where the cell is called by hand."""
    cell = CfCCell(4, backbone_dropout=0.0, activity_regularizer=keras.regularizers.L2(1.0))
    layer = CfC(cell)
    layer.build(X.shape)
    again = CfC.from_config(layer.get_config())
    again.build(X.shape)
    again.set_weights(layer.get_weights())
    states, want = cell.get_initial_state(batch_size=len(X)), 0.0
    for k in range(TIME):
        _, states = cell((X[:, k], T[:, k]), states)
        want += float(array(sum(cell.losses)))
        cell._clear_losses()
    for made in (layer, again):
        made(X, timespans=T)
        np.testing.assert_allclose(float(array(sum(made.losses))), want, rtol=1e-4)


def test_the_regularizer_of_a_layer_acts_on_its_output():
    layer = CfC(4, activity_regularizer=keras.regularizers.L2(1.0))
    assert not layer.cell.overridden and layer.cell.activity_regularizer is None
    layer(X)
    assert len(layer.losses) == 1


def test_what_is_not_overridden_is_not_called():
    for make in CELLS.values():
        assert not make().overridden
