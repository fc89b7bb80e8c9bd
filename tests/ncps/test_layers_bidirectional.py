"""Both directions, with elapsed time, mask and state."""

import keras
import numpy as np
import pytest

from ncps import CfC
from ncps.layers import Bidirectional
from tests.ncps.helpers import array
from tests.ncps.sequences import BATCH, CELLS, FEATURES, MASK, TIME, T, X, assert_same, by_hand


def halves(both, **kwargs):
    """Return the outputs of both layers, in the order of the samples, and their states."""
    zero = both.return_sequences
    ahead, after = by_hand(both.forward_layer.cell, X, zero=zero, **kwargs)
    back, before = by_hand(both.backward_layer.cell, X, zero=zero, backwards=True, **kwargs)
    return (ahead, back[:, ::-1], after, before)


MERGES = {"concat": lambda a, b: np.concatenate([a, b], axis=-1), "sum": np.add, "mul": np.multiply}


@pytest.mark.parametrize("mode", MERGES)
def test_both_layers_see_times_and_mask(mode):
    both = Bidirectional(CfC(CELLS["two"](), return_sequences=True), merge_mode=mode)
    got = both(X, timespans=T, mask=MASK)
    ahead, back, *_ = halves(both, t=T, mask=MASK)
    assert_same(got, MERGES[mode](ahead, back))


def test_the_last_outputs_and_both_states_are_returned_apart():
    both = Bidirectional(CfC(CELLS["two"](), return_state=True), merge_mode=None)
    ahead, back, *states = both(X, timespans=T)
    want_ahead, want_back, after, before = halves(both, t=T)
    assert_same(ahead, want_ahead[:, -1])
    assert_same(back, want_back[:, 0])
    for got, want in zip(states, after + before, strict=True):
        assert_same(got, want)


def test_a_given_state_is_split_between_the_directions():
    both = Bidirectional(CfC(CELLS["cfc"]()), merge_mode="ave")
    first, second = np.full((BATCH, 4), 0.5, "float32"), np.full((BATCH, 4), -0.5, "float32")
    got = both(keras.layers.Masking()(X), initial_state=[first, second], timespans=T)
    ahead = by_hand(both.forward_layer.cell, X, T, states=[first])[0][:, -1]
    back = by_hand(both.backward_layer.cell, X, T, states=[second], backwards=True)[0][:, -1]
    assert_same(got, (ahead + back) / 2)
    with pytest.raises(ValueError, match=r"a list of 2 tensors, the states of the forward .*; got 1\b"):
        both(X, initial_state=[first])
    with pytest.raises(ValueError, match=r"a list of 2 tensors, .*; got one of shape \(4, 4\)"):
        both(X, initial_state=first)


def test_an_implicit_mask_reaches_both():
    both = Bidirectional(CfC(CELLS["cfc"](), return_sequences=True))
    masked = keras.layers.Masking()(np.where(MASK[:, :, None], X, 0).astype("float32"))
    assert_same(both(masked, timespans=T), array(both(X, timespans=T, mask=MASK)))


def test_symbolic_shapes_are_the_real_ones():
    for mode, size in (("concat", 2), ("sum", 1)):
        both = Bidirectional(CfC(CELLS["two"](), return_sequences=True, return_state=True), merge_mode=mode)
        symbolic = both(keras.Input((None, FEATURES)), timespans=keras.Input((None,)))
        assert [s.shape for s in symbolic] == [(None, None, size), *[(None, 3), (None, 2)] * 2]
        assert [tuple(r.shape) for r in both(X, timespans=T)] == [(4, 5, size), *[(4, 3), (4, 2)] * 2]


def test_a_saved_model_keeps_both(tmp_path):
    x, t = keras.Input((TIME, FEATURES)), keras.Input((TIME,))
    model = keras.Model([x, t], Bidirectional(CfC(CELLS["cfc"]()))(x, timespans=t))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict([X, T], verbose=0), model.predict([X, T], verbose=0))


def test_another_layer_or_time_is_refused():
    with pytest.raises(TypeError, match="layer must be a CfC or an LTC"):
        Bidirectional(keras.layers.GRU(3))
    with pytest.raises(ValueError, match="timespans must be a tensor of shape"):
        Bidirectional(CfC(3))(X, timespans=T.T)
