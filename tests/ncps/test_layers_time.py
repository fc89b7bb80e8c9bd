"""Elapsed time of a sequence: shapes, values, a feature of it, and the wrappers of Keras."""

import keras
import numpy as np
import pytest
from keras import layers

from ncps import LTC, CfC
from tests.ncps.helpers import array
from tests.ncps.sequences import BATCH, CELLS, FEATURES, MASK, TIME, T, X, assert_same, by_hand

XT = np.concatenate([X, T[:, :, None]], axis=-1)


def test_both_shapes_and_whole_numbers_are_elapsed_times():
    layer = CfC(CELLS["cfc"](), return_sequences=True)
    whole = np.round(T + 0.5).astype("int32")
    np.testing.assert_array_equal(array(layer(X, timespans=T)), array(layer(X, timespans=T[:, :, None])))
    assert_same(layer(X, timespans=whole), by_hand(layer.cell, X, whole.astype("float32"))[0])


@pytest.mark.parametrize("size", [(5, 5, 5), (3, 5, 5), (5, 3, 5), (5, 5, 3)])
def test_time_goes_along_batch_and_time_whatever_else_has_that_size(size):
    batch, time, units = size
    x, t = np.resize(X, (batch, time, FEATURES)), np.resize(T, (batch, time))
    layer = CfC(units, backbone_layers=0, return_sequences=True)
    assert_same(layer(x, timespans=t), by_hand_after_build(layer, x, t))


def by_hand_after_build(layer, x, t):
    layer.build(x.shape)
    return by_hand(layer.cell, x, t)[0]


WRONG = [(), (4,), (5,), (5, 4), (1, 5), (4, 1), (4, 5, 4), (4, 5, 1, 1), (4, 1, 5), (1, 1)]


@pytest.mark.parametrize("shape", WRONG)
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"CfC: timespans must be a tensor of shape \(batch, time\)"):
        CfC(4)(X, timespans=np.ones(shape, "float32"))
    with pytest.raises(ValueError, match="timespans"):
        CfC(4)(keras.Input(batch_shape=X.shape), timespans=keras.Input(batch_shape=shape or (1,)))


@pytest.mark.parametrize("value", [1.0, 1, [1.0] * TIME, "T"])
def test_what_is_no_tensor_is_refused(value):
    with pytest.raises(TypeError, match="timespans must be a tensor"):
        CfC(4)(X, timespans=value)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_bad_time_is_refused_with_its_place(value):
    t = T.copy()
    t[2, 3] = value
    with pytest.raises(ValueError, match=f"got {value} at sample 2, step 3"):
        CfC(4)(X, timespans=t)
    with pytest.raises(ValueError, match=f"got {value} at sample 2, step 3"):
        CfC(4, time_feature=True)(np.concatenate([X, t[:, :, None]], axis=-1))
    mask = np.ones((BATCH, TIME), bool)
    mask[2, 3] = False
    layer = CfC(4)
    np.testing.assert_array_equal(
        array(layer(X, timespans=t, mask=mask)), array(layer(X, timespans=T, mask=mask))
    )
    with pytest.raises(ValueError, match="at sample 2, step 3"):
        LTC(4, masked_time="carry")(X, timespans=t, mask=mask)


def test_a_time_beyond_float16_is_held_there():
    layer = LTC(4, dtype="mixed_float16")
    long, longest = (np.full((BATCH, TIME), value, "float32") for value in (1e6, 65504.0))
    got = array(layer(X, timespans=long))
    assert np.isfinite(got).all()
    np.testing.assert_array_equal(got, array(layer(X, timespans=longest)))
    with pytest.raises(ValueError, match="got inf"):
        layer(X, timespans=np.full((BATCH, TIME), np.inf, "float32"))


@pytest.mark.parametrize("options", [{}, {"go_backwards": True, "masked_time": "carry"}])
def test_the_last_feature_may_be_the_time(options):
    layer = CfC(CELLS["cfc"](), time_feature=True, return_sequences=True, **options)
    model = keras.Sequential([keras.Input((None, FEATURES + 1)), layer])
    assert layer.cell.input_dim == FEATURES
    assert_same(model(XT), by_hand(layer.cell, X, T, backwards=layer.go_backwards)[0])
    carry = layer.masked_time == "carry"
    want = by_hand(layer.cell, X, T, MASK, backwards=layer.go_backwards, carry=carry)[0]
    assert_same(layer(XT, mask=MASK), want)


def test_the_time_comes_once():
    with pytest.raises(ValueError, match="timespans is one too many"):
        CfC(4, time_feature=True)(XT, timespans=T)
    with pytest.raises(ValueError, match="no feature is left"):
        CfC(4, time_feature=True)(XT[:, :, 3:])


def test_the_wrappers_of_keras_take_a_layer_that_reads_time_from_a_feature():
    layer = CfC(CELLS["cfc"](), time_feature=True)
    both = layers.Bidirectional(layer)
    got = array(both(XT))
    for half, side in zip((got[:, :4], got[:, 4:]), (both.forward_layer, both.backward_layer), strict=True):
        assert_same(half, by_hand(side.cell, X, T, backwards=side.go_backwards)[0][:, -1])
    many = layers.TimeDistributed(layer)(np.stack([XT, XT[::-1]], axis=1))
    for k, order in enumerate((slice(None), slice(None, None, -1))):
        assert_same(many[:, k], by_hand(layer.cell, X[order], T[order])[0][:, -1])


@pytest.mark.usefixtures("trainable_backend")
def test_the_typical_call_trains_with_times_that_matter():
    x, t = keras.Input((None, FEATURES)), keras.Input((None,))
    model = keras.Model([x, t], layers.Dense(1)(CfC(8)(x, timespans=t)))
    model.compile("adam", "mse")
    model.fit([X, T], X[:, 0, :1], epochs=1, verbose=0)
    got, other = (model.predict([X, t], verbose=0) for t in (T, T + 1.0))
    assert np.abs(got - other).max() > 1e-4
