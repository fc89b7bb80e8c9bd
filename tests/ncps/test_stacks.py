"""Several cells on top of each other, and the states of every step."""

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell, LTCCell, MixedMemoryCell, StackedCells, WiredLTCCell
from ncps.layers import Bidirectional
from ncps.wirings import AutoNCP
from tests.ncps.helpers import array
from tests.ncps.sequences import BATCH, CELLS, FEATURES, MASK, TIME, T, X, assert_same, by_hand, in_layer


def cells():
    return [
        CfCCell(4, backbone_units=5, backbone_dropout=0.0),
        MixedMemoryCell(LTCCell(3)),
        WiredLTCCell(AutoNCP(8, 2), ode_unfolds=2),
    ]


def one_after_the_other(layer, x, t, mask=None, **how):
    """Return outputs and last states of a stack's cells, each called over the outputs of the one before."""
    last = []
    for cell in layer.cell.cells:
        outputs, states = by_hand(cell, x, t, mask, **how)
        last += states
        x = outputs.astype("float32")
        x = np.flip(x, axis=1) if how.get("backwards") else x
    return outputs, last


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({}, {}),
        ({"go_backwards": True, "masked_time": "carry"}, {"backwards": True, "carry": True, "mask": MASK}),
        ({"unroll": True}, {"mask": MASK}),
    ],
)
def test_each_cell_reads_what_the_one_before_puts_out(options, how):
    layer = CfC(cells(), return_sequences=True, return_state=True, **options)
    outputs, *states = layer(X, timespans=T, mask=how.get("mask"))
    want, last = one_after_the_other(layer, X, T, **how)
    assert_same(outputs, want)
    for got, state in zip(states, last, strict=True):
        assert_same(got, state)


def test_layers_one_behind_the_other_compute_the_same():
    first, second = CfC(CfCCell(4, backbone_dropout=0.0), return_sequences=True), LTC(LTCCell(3))
    want = second(first(X, timespans=T, mask=MASK), timespans=T, mask=MASK)
    stack = LTC([CfCCell(4, backbone_dropout=0.0), LTCCell(3)])
    stack.build(X.shape)
    stack.set_weights([*first.get_weights(), *second.get_weights()])
    assert_same(stack(X, timespans=T, mask=MASK), array(want))


@pytest.mark.parametrize("wrap", [list, tuple, StackedCells, keras.layers.StackedRNNCells])
def test_a_stack_is_a_list_or_either_stack(wrap):
    layer = LTC(wrap([LTCCell(4), LTCCell(3)]))
    assert [type(cell) for cell in layer.cell.cells] == [LTCCell, LTCCell]
    assert layer(X, timespans=T).shape == (BATCH, 3)


def test_by_hand_and_in_keras_it_is_the_same_step():
    layer = CfC(cells(), return_sequences=True)
    layer.build(X.shape)
    assert_same(layer(X, timespans=T), by_hand(layer.cell, X, T)[0])
    assert_same(keras.layers.RNN(layer.cell, return_sequences=True)(X), array(layer(X)))


def test_it_is_saved_and_loaded(tmp_path):
    samples, elapsed = keras.Input((None, FEATURES)), keras.Input((None,))
    both = Bidirectional(CfC(cells()))
    model = keras.Model([samples, elapsed], both(samples, timespans=elapsed))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_same(again([X, T]), array(model([X, T])))


def test_it_is_trained(trainable_backend):
    samples, elapsed = keras.Input((None, FEATURES)), keras.Input((None,))
    stack = [CfCCell(4, backbone_dropout=0.5), LTCCell(3, backbone_layers=1, backbone_units=5)]
    model = keras.Model([samples, elapsed], CfC(stack)(samples, timespans=elapsed))
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit([X, T], np.ones((BATCH, 3), "float32"), verbose=0)
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert all(changed)


def test_a_cell_with_a_step_of_its_own_keeps_it_in_a_stack():
    class Shifted(LTCCell):
        def call(self, inputs, states, training=False):
            output, new = super().call(inputs, states, training=training)
            return output + 100.0, new

    layer = LTC([Shifted(4), LTCCell(3)], return_sequences=True)
    assert_same(layer(X, timespans=T), one_after_the_other(layer, X, T)[0])


@pytest.mark.parametrize(
    "given", [[], [3], [LTCCell(3, dtype="float64"), LTCCell(3)], [keras.layers.LSTMCell(3)]]
)
def test_what_is_no_stack_is_refused(given):
    with pytest.raises((TypeError, ValueError), match="a list of cells of this package, not built yet"):
        LTC(given)


def test_a_stack_with_a_step_of_its_own_keeps_it():
    class Doubled(StackedCells):
        def prepare(self, x, timed, training=False):
            features, step = super().prepare(x, timed, training)

            def doubled(features, states, t):
                output, new = step(features, states, t)
                return 2.0 * output, new

            return features, doubled

    layer = CfC(Doubled([CfCCell(4, backbone_dropout=0.0), LTCCell(3)]), return_sequences=True)
    assert_same(layer(X, timespans=T), by_hand(layer.cell, X, T)[0])
    assert_same(layer(X, timespans=T), 2.0 * one_after_the_other(layer, X, T)[0])


def test_a_stack_in_a_stack_is_one_stack(random_backend):
    inner = StackedCells([CfCCell(4, backbone_dropout=0.5), CfCCell(4, backbone_dropout=0.5)])
    layer = CfC([inner, LTCCell(3)], return_sequences=True)
    assert [type(cell) for cell in layer.cell.in_sequence()] == [CfCCell, CfCCell, LTCCell]
    assert_same(layer(X, timespans=T), by_hand(layer.cell, X, T)[0])
    assert layer(X, timespans=T, training=True).shape == (BATCH, TIME, 3)


def test_a_cell_is_no_two_of_a_stack():
    cell = CfCCell(4)
    with pytest.raises(TypeError, match="no cell twice"):
        CfC([cell, cell])


def test_both_ways_return_the_same():
    with pytest.raises(ValueError, match="the same return_state_sequences, got True for the forward"):
        Bidirectional(CfC(4, return_state_sequences=True), backward_layer=CfC(4, go_backwards=True))


@pytest.mark.parametrize("kind", CELLS)
def test_states_of_every_step(kind):
    """Of a layer that returns them, the states at step k are the last states of the first k + 1 samples."""
    layer = in_layer(kind, return_state=True, return_state_sequences=True)
    output, *states = layer(X, timespans=T)
    count = len(layer.cell.state_sizes)
    last, every = states[:count], states[count:]
    assert output.shape == (BATCH, layer.cell.output_size) and len(every) == count
    shorter = type(layer)(layer.cell, return_state=True)
    for k in range(TIME):
        _, *want = shorter(X[:, : k + 1], timespans=T[:, : k + 1])
        for got, state in zip(every, want, strict=True):
            assert_same(got[:, k], array(state))
    for got, state in zip(every, last, strict=True):
        assert_same(got[:, -1], array(state))


def test_states_are_held_where_a_sample_is_masked():
    layer = CfC(AutoNCP(8, 2), return_sequences=True, return_state_sequences=True)
    outputs, states = layer(X, timespans=T, mask=MASK)
    assert states.shape == (BATCH, TIME, 8)
    for i, k in np.argwhere(~MASK):
        held = np.zeros(8) if k == 0 else array(states)[i, k - 1]
        np.testing.assert_array_equal(array(states)[i, k], held)
    motor = array(states)[..., -layer.cell.wiring.num_layers :]
    assert np.isfinite(motor).all() and outputs.shape == (BATCH, TIME, 2)


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
def test_states_both_ways(merge_mode, options):
    layer = Bidirectional(LTC(4, return_state_sequences=True, **options), merge_mode=merge_mode)
    got = layer(X, timespans=T)
    *_, ahead, back = got if not options else (*got[:-3], got[-3], got[-1])
    assert_same(ahead, by_hand(layer.forward_layer.cell, X, T)[0])
    assert_same(back, np.flip(by_hand(layer.backward_layer.cell, X, T, backwards=True)[0], axis=1))
    known = layer.compute_output_shape(X.shape, timespans_shape=T.shape)
    assert [tuple(shape) for shape in known] == [tuple(tensor.shape) for tensor in got]


def test_a_functional_model_returns_them_with_their_mask(masking_backend):
    samples, elapsed = keras.Input((None, FEATURES)), keras.Input((None,))
    masked = keras.layers.Masking(-7.0)(samples)
    output, states = LTC(AutoNCP(8, 2), return_state_sequences=True)(masked, timespans=elapsed)
    assert output.shape == (None, 2) and states.shape == (None, None, 8)
    pooled = keras.layers.GlobalAveragePooling1D()(states)
    model = keras.Model([samples, elapsed], [states, pooled])
    x = np.where(MASK[..., None], X, np.float32(-7.0))
    states, pooled = (array(part) for part in model([x, T]))
    for i in np.flatnonzero(MASK.any(axis=1)):
        np.testing.assert_allclose(pooled[i], states[i, MASK[i]].mean(axis=0), rtol=1e-4, atol=1e-6)
