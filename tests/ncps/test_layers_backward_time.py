"""The times that a layer reads backwards: each sample's own, or those that pass in running order."""

import keras
import numpy as np
import pytest

from ncps import LTC, CfC, CfCCell
from ncps.layers import Bidirectional
from tests.ncps.helpers import array
from tests.ncps.sequences import CELLS, FEATURES, MASK, TIME, T, X, assert_same, by_hand, in_layer

ELAPSED = {"go_backwards": True, "backward_timespans": "elapsed", "return_sequences": True}


def test_the_example_of_the_documentation():
    """Samples at 0, 1, 3 and 7: a cell that adds up the times it is given tells what it read."""
    from ncps.cells import TimedCell

    class Clock(TimedCell):
        state_size = output_size = 1

        def build_cell(self, features):
            """Build nothing: there are no weights."""

        def prepare(self, x, timed, training=False):
            def step(x, states, t):
                t = keras.ops.ones_like(x) if t is None else t + keras.ops.zeros_like(x)
                return t, [states[0] + t]

            return x, step

    stamps = np.array([[0.0, 1.0, 3.0, 7.0]], "float32")
    times = np.diff(stamps, prepend=0.0).astype("float32")
    x = np.zeros((1, 4, 1), "float32")
    given = {"go_backwards": True, "return_sequences": True}
    as_given = CfC(Clock(), **given)(x, timespans=times)
    elapsed = CfC(Clock(), backward_timespans="elapsed", **given)(x, timespans=times)
    assert array(as_given).ravel().tolist() == [4.0, 2.0, 1.0, 0.0]
    assert array(elapsed).ravel().tolist() == [0.0, 4.0, 2.0, 1.0]


def removed(x, t, keep):
    """Return one sample's sequence and times without its masked steps."""
    return x[keep][None], t[keep][None]


@pytest.mark.parametrize("kind", CELLS)
def test_times_are_those_between_neighbours(kind):
    layer = in_layer(kind, **ELAPSED)
    layer.build(X.shape)
    elapsed = np.concatenate([T[:, 1:], np.zeros_like(T[:, :1])], axis=1)
    assert_same(layer(X, timespans=T), by_hand(layer.cell, X, elapsed, backwards=True)[0])


@pytest.mark.parametrize("unroll", [False, True])
def test_a_masked_step_is_one_that_is_not_there(unroll):
    layer = CfC(CfCCell(4, backbone_dropout=0.0), unroll=unroll, **ELAPSED)
    got = array(layer(X, timespans=np.where(MASK, T, np.nan), mask=MASK))
    for i, keep in enumerate(MASK):
        if keep.any():
            x, t = removed(X[i], T[i], keep)
            elapsed = np.append(t[:, 1:], [[0.0]], axis=1).astype("float32")
            want, _ = by_hand(layer.cell, x, elapsed, backwards=True)
            assert_same(got[i, keep[::-1]][None], want)


def test_the_time_of_masked_steps_is_carried():
    """Between two samples that count passes what the second took, and all the masked ones between them."""
    layer = CfC(CfCCell(4, backbone_dropout=0.0), masked_time="carry", **ELAPSED)
    got = array(layer(X, timespans=T, mask=MASK))
    stamps = np.cumsum(T, axis=1)
    for i, keep in enumerate(MASK):
        if keep.any():
            later = np.append(stamps[i, keep][1:], stamps[i, -1])
            elapsed = (later - stamps[i, keep])[None].astype("float32")
            want, _ = by_hand(layer.cell, X[i, keep][None], elapsed, backwards=True)
            assert_same(got[i, keep[::-1]][None], want)


def test_without_times_each_is_one_but_the_first_that_is_read():
    layer = CfC(CfCCell(4, backbone_dropout=0.0), **ELAPSED)
    ones = np.ones_like(T)
    assert_same(layer(X), array(layer(X, timespans=ones)))
    ones[:, -1] = 0.0
    assert_same(layer(X), by_hand(layer.cell, X, ones, backwards=True)[0])


def test_forwards_nothing_changes():
    layer = CfC(CfCCell(4, backbone_dropout=0.0), backward_timespans="elapsed", return_sequences=True)
    assert_same(layer(X, timespans=T), by_hand(layer.cell, X, T)[0])


def test_the_last_feature_may_be_the_time():
    layer = CfC(CfCCell(4, backbone_dropout=0.0), time_feature=True, **ELAPSED)
    both = np.concatenate([X, T[..., None]], axis=-1)
    elapsed = np.concatenate([T[:, 1:], np.zeros_like(T[:, :1])], axis=1)
    assert_same(layer(both), by_hand(layer.cell, X, elapsed, backwards=True)[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bidirectional(LTC(4, return_sequences=True, backward_timespans="elapsed"), merge_mode=None),
        lambda: Bidirectional(LTC(4, return_sequences=True), merge_mode=None, backward_timespans="elapsed"),
    ],
)
def test_bidirectional_reads_them_on_the_way_back(make, tmp_path):
    layer = make()
    samples, elapsed = keras.Input((TIME, FEATURES)), keras.Input((TIME,))
    model = keras.Model([samples, elapsed], layer(samples, timespans=elapsed))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    passed = np.concatenate([T[:, 1:], np.zeros_like(T[:, :1])], axis=1)
    want, _ = by_hand(layer.backward_layer.cell, X, passed, backwards=True)
    for made in (model, again):
        forward, backward = made([X, T])
        assert_same(forward, by_hand(layer.forward_layer.cell, X, T)[0])
        assert_same(backward, np.flip(want, axis=1))


def test_it_is_kept_in_the_config_and_checked():
    assert CfC.from_config(CfC(3, **ELAPSED).get_config()).backward_timespans == "elapsed"
    for make in (CfC, lambda *a, **k: Bidirectional(CfC(3), **k)):
        with pytest.raises(ValueError, match=r"backward_timespans must be one of 'as_given', 'elapsed'"):
            make(3, backward_timespans="passed")
