"""Masks: what a masked step does, where a mask comes from, and where it goes."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from ncps import LTC, CfC
from ncps.layers import Bidirectional
from tests.ncps.helpers import array
from tests.ncps.sequences import BATCH, CELLS, FEATURES, MASK, TIME, T, X, assert_same, by_hand, in_layer

OPTIONS = {
    "plain": {},
    "backwards": {"go_backwards": True},
    "zero": {"zero_output_for_mask": True},
    "unrolled": {"unroll": True},
    "all": {"unroll": True, "zero_output_for_mask": True, "go_backwards": True},
}


def initial_states(cell):
    return [np.full((BATCH, size), 0.5, "float32") for size in cell.state_sizes]


@pytest.mark.parametrize("kind", ["cfc", "two"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_masked_step_holds_the_state_and_the_output(kind, options):
    layer = CfC(CELLS[kind](), return_sequences=True, return_state=True, **options)
    states = initial_states(layer.cell)
    outputs, *got = layer(X, initial_state=states, mask=MASK, timespans=T)
    want, last = by_hand(
        layer.cell,
        X,
        T,
        MASK,
        states,
        backwards=layer.go_backwards,
        zero=layer.zero_output_for_mask,
    )
    assert_same(outputs, want)
    for state, hand in zip(got, last, strict=True):
        assert_same(state, hand)
    assert (array(outputs)[3] == 0).all()


def test_the_last_output_of_a_masked_sequence_is_that_of_its_last_step():
    layer = CfC(CELLS["two"]())
    assert_same(layer(X, mask=MASK), by_hand(layer.cell, X, mask=MASK)[0][:, -1])
    layer = CfC(CELLS["two"](), zero_output_for_mask=True)
    assert_same(layer(X, mask=MASK), by_hand(layer.cell, X, mask=MASK, zero=True)[0][:, -1])


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("timed", [False, True])
def test_time_is_dropped_or_carried_over_a_masked_step(backwards, timed):
    t = T if timed else None
    for masked_time in ("drop", "carry"):
        layer = LTC(CELLS["ltc"](), return_sequences=True, go_backwards=backwards, masked_time=masked_time)
        want, _ = by_hand(layer.cell, X, t, MASK, backwards=backwards, carry=masked_time == "carry")
        assert_same(layer(X, timespans=t, mask=MASK), want)


def test_carried_time_is_the_sum_over_the_gap():
    layer = CfC(CELLS["cfc"](), masked_time="carry")
    mask = np.ones((BATCH, TIME), bool)
    mask[:, 1:3] = False
    kept = T[:, [0, 3, 4]].copy()
    kept[:, 1] += T[:, 1] + T[:, 2]
    assert_same(layer(X, timespans=T, mask=mask), array(layer(X[:, [0, 3, 4]], timespans=kept)))


def padded(value=0.0):
    x = X.copy()
    x[~MASK] = value
    return x


def test_the_mask_of_a_masking_layer_survives_timespans_and_states():
    layer = CfC(CELLS["two"](), return_sequences=True)
    masked = layers.Masking()(padded())
    states = initial_states(layer.cell)
    assert_same(layer(masked), by_hand(layer.cell, X, None, MASK)[0])
    assert_same(layer(masked, timespans=T), by_hand(layer.cell, X, T, MASK)[0])
    got = layer(masked, timespans=T, initial_state=states)
    assert_same(got, by_hand(layer.cell, X, T, MASK, states)[0])
    other = ~MASK
    assert_same(layer(masked, timespans=T, mask=other), by_hand(layer.cell, padded(), T, other)[0])


@pytest.mark.usefixtures("masking_backend")
def test_the_mask_of_an_embedding_survives_timespans_and_states():
    tokens, t, h = keras.Input((TIME,), dtype="int32"), keras.Input((TIME,)), keras.Input((4,))
    layer, embedding = CfC(CELLS["cfc"]()), layers.Embedding(6, FEATURES, mask_zero=True)
    outputs = layer(embedding(tokens), initial_state=[h], timespans=t)
    model = keras.Model([tokens, t, h], outputs)
    words = np.where(MASK, np.arange(1, TIME + 1), 0).astype("int32")
    (state,) = initial_states(layer.cell)
    want, _ = by_hand(layer.cell, array(embedding(words)).astype("float32"), T, MASK, [state])
    assert_same(model.predict([words, T, state], verbose=0), want[:, -1])


def test_the_mask_goes_on_in_the_order_of_the_outputs():
    mask = ops.convert_to_tensor(MASK)
    assert CfC(3).compute_mask(None, mask) is None
    ahead = CfC(3, return_sequences=True).compute_mask(None, mask)
    np.testing.assert_array_equal(ops.convert_to_numpy(ahead), MASK)
    back, state = CfC(3, return_sequences=True, return_state=True, go_backwards=True).compute_mask(None, mask)
    np.testing.assert_array_equal(ops.convert_to_numpy(back), MASK[:, ::-1])
    assert state is None


@pytest.mark.usefixtures("masking_backend")
def test_two_layers_in_a_row_see_the_same_mask():
    first, second = CfC(CELLS["cfc"](), return_sequences=True), LTC(CELLS["two"](), return_sequences=True)
    model = keras.Sequential([keras.Input((TIME, FEATURES)), layers.Masking(), first, second])
    want = by_hand(first.cell, X, mask=MASK)[0].astype("float32")
    assert_same(model(padded()), by_hand(second.cell, want, mask=MASK)[0])


@pytest.mark.parametrize("shape", [(4,), (5, 4), (4, 5, 2), (1, 5), (4, 1)])
def test_a_mask_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"mask must have shape \(batch, time\)"):
        CfC(4)(X, mask=np.ones(shape, bool))
    with pytest.raises(ValueError, match=r"mask must have shape \(batch, time\)"):
        Bidirectional(CfC(4))(X, timespans=T, mask=np.ones(shape, bool))


def test_a_chunk_of_a_stateful_layer_begins_with_an_output_of_zeros():
    layer = CfC(CELLS["cfc"](), return_sequences=True, stateful=True)
    layer(X)
    mask = np.ones((BATCH, TIME), bool)
    mask[:, 0] = False
    state = array(layer.states[0])
    got = layer(X, mask=mask)
    assert_same(got, by_hand(layer.cell, X, mask=mask, states=[state])[0])
    assert (array(got)[:, 0] == 0).all()


GAPS = {
    "plain": {},
    "backwards": {"go_backwards": True, "zero_output_for_mask": True},
    "elapsed": {"go_backwards": True, "backward_timespans": "elapsed"},
    "carried": {"masked_time": "carry"},
    "unrolled": {"unroll": True},
}


@pytest.mark.usefixtures("trainable_backend")
@pytest.mark.parametrize("options", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize("kind", ["cfc", "wired_ltc", "mixed"])
def test_what_stands_at_a_masked_step_reaches_no_weight(kind, options):
    x, t, mask = keras.Input((TIME, FEATURES)), keras.Input((TIME,)), keras.Input((TIME,), dtype="bool")
    layer = in_layer(kind, return_sequences=True, **options)
    model = keras.Model([x, t, mask], layer(x, timespans=t, mask=mask))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    y, first, trained = np.zeros((BATCH, TIME, layer.cell.output_size), "float32"), model.get_weights(), []
    for garbage in (0.0, np.nan, np.inf):
        times = T if layer.masked_time == "carry" else np.where(MASK, T, garbage).astype("float32")
        model.set_weights(first)
        model.train_on_batch([padded(garbage), times, MASK], y)
        trained.append(model.get_weights())
    for clean, *dirty in zip(*trained, strict=True):
        assert np.isfinite(clean).all()
        for weights in dirty:
            np.testing.assert_array_equal(clean, weights)


@pytest.mark.usefixtures("trainable_backend")
def test_what_stands_at_a_masked_step_reaches_no_weight_in_both_directions():
    x, t, mask = keras.Input((TIME, FEATURES)), keras.Input((TIME,)), keras.Input((TIME,), dtype="bool")
    model = keras.Model([x, t, mask], Bidirectional(LTC(4))(x, timespans=t, mask=mask))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(
        [padded(np.nan), np.where(MASK, T, np.nan).astype("float32"), MASK], np.ones((BATCH, 8))
    )
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.usefixtures("trainable_backend")
def test_the_gradients_by_what_is_given_are_finite_and_zero_where_it_is_masked():
    layer = CfC(CELLS["cfc"](), return_sequences=True)
    layer.build(X.shape)
    times = np.where(MASK, T, np.inf).astype("float32")
    state = np.full((BATCH, 4), 0.5, "float32")

    def total(x, t, h):
        return ops.sum(layer(x, initial_state=[h], timespans=t, mask=MASK) ** 2)

    by_x, by_t, by_h = gradients_of(total, padded(np.nan), times, state)
    assert not by_x[~MASK].any() and not by_t[~MASK].any()
    assert all(np.isfinite(g).all() and g.any() for g in (by_x, by_t, by_h))


def gradients_of(function, *arrays):
    """Return the gradients of a number by the arrays that it is made of."""
    if keras.backend.backend() == "jax":
        import jax

        return [np.asarray(g) for g in jax.grad(function, argnums=(0, 1, 2))(*arrays)]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(a) for a in arrays]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            total = function(*tensors)
        return [g.numpy() for g in tape.gradient(total, tensors)]
    tensors = [ops.convert_to_tensor(a).requires_grad_() for a in arrays]
    function(*tensors).backward()
    return [ops.convert_to_numpy(t.grad) for t in tensors]
